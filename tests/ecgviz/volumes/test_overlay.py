"""Scores and maps of slices over a volume: where a map says something, all three planes show it there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.results import ImageMap
from ecgviz.volumes.overlay import VolumeOverlay

SHAPE = (9, 20, 30)


def spot(shape: tuple[int, int], at: tuple[int, int]) -> ImageMap:
    y, x = np.mgrid[: shape[0], : shape[1]]
    values = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 4).astype(np.float32)
    return ImageMap(values, "grad_cam", "defect", "ct", 2.0)


@settings(max_examples=60, deadline=None)
@given(along=st.integers(0, 2), place=st.tuples(st.integers(2, 6), st.integers(3, 16), st.integers(3, 26)))
def test_a_spot_is_where_it_is_on_every_plane(along, place):
    rows, columns = (one for one in range(3) if one != along)
    overlay = VolumeOverlay(along, SHAPE, np.full(SHAPE[along], 0.5))
    assert overlay.on_plane(0, 0) is None
    found = spot((SHAPE[rows], SHAPE[columns]), (place[rows], place[columns]))
    overlay = overlay.with_map(place[along], found)
    for axis in range(3):
        shown = overlay.on_plane(axis, place[axis])
        others = tuple(place[one] for one in range(3) if one != axis)
        assert shown.shape == tuple(SHAPE[one] for one in range(3) if one != axis)
        assert np.unravel_index(np.nanargmax(shown), shown.shape) == others
        if axis == along:
            assert overlay.on_plane(axis, place[axis] + 1) is None
        else:  # nothing is known of the slices that were not explained
            assert np.isfinite(shown).sum() == shown.size // SHAPE[along]


def test_large_maps_are_kept_small_and_stay_in_place():
    overlay = VolumeOverlay(0, (4, 900, 800), np.zeros(4)).with_map(1, spot((900, 800), (600, 200)))
    assert max(overlay.maps[1].shape) == 256
    shown = overlay.on_plane(0, 1)
    assert np.hypot(*(np.array(np.unravel_index(shown.argmax(), shown.shape)) - (600, 200))) < 5
    line = overlay.on_plane(1, 600)
    assert abs(int(np.nanargmax(line[1])) - 200) < 5
    assert line.max() == pytest.approx(shown.max(), rel=0.5) or np.nanmax(line) > 0
