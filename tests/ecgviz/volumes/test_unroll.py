"""The winding unrolled: the mandrel is found where it is, layers become lines, a buckle and an overhang are seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.errors import ConfigError
from ecgviz.volumes.unroll import along_mandrel, find_centre, unroll
from readers.images import open_images
from readers.volumes.opening import open_volume
from tests.ecgviz.volumes.test_planes import volume_of

PITCH = 6.0


def roll(at: tuple[float, float], size: int = 240, *, buckled: bool = False) -> np.ndarray:
    """An Archimedean spiral of layers around a mandrel, in a can."""
    y, x = np.mgrid[:size, :size]
    radius, angle = np.hypot(y - at[0], x - at[1]), np.arctan2(y - at[0], x - at[1])
    if buckled:
        radius = radius + 4 * np.exp(-((angle - 1) ** 2) / 0.02 - ((radius - 40) ** 2) / 200)
    layers = 120 + 60 * np.cos(2 * np.pi * (radius - PITCH * angle / (2 * np.pi)) / PITCH)
    can = np.abs(radius - 92) < 3
    found = np.where((radius > 18) & (radius < 86), layers, 10) + 200 * can
    return (found + np.random.default_rng(0).normal(0, 6, found.shape)).astype(np.float32)


@settings(max_examples=8, deadline=None)
@given(y=st.floats(105, 135), x=st.floats(105, 135), buckled=st.booleans())
def test_the_mandrel_is_found(y, x, buckled):
    found = find_centre(roll((y, x), buckled=buckled))
    assert np.hypot(found[0] - y, found[1] - x) < 1.5


def test_layers_are_lines_and_a_buckle_is_not():
    at = (118.0, 123.0)

    def height_of_a_layer(pixels: np.ndarray) -> np.ndarray:
        """How far a layer wanders from its line, for each angle, in pixels."""
        found = unroll(pixels, at, radius=60)
        assert found.column_step * found.values.shape[1] == pytest.approx(360)
        # The spiral sinks by one pitch a turn; what is left after that is the layer itself.
        columns = np.arange(found.values.shape[1])
        rows = np.arange(-3, 4)[:, None] + 40 + PITCH * columns / columns.size
        from scipy.ndimage import map_coordinates

        window = map_coordinates(found.values, [rows, np.broadcast_to(columns, rows.shape)], order=1)
        return (window.argmax(axis=0) - 3.0)[20:-20]

    straight, buckled = height_of_a_layer(roll(at)), height_of_a_layer(roll(at, buckled=True))
    assert np.ptp(straight) <= 2
    assert np.ptp(buckled) > 3


def test_spacing_makes_circles_of_ellipses():
    flat = roll((118.0, 123.0))[::2]
    found = find_centre(flat, (0.2, 0.1))
    assert np.hypot(2 * (found[0] - 59), found[1] - 123) < 3
    unrolled = unroll(flat, (59.0, 123.0), spacing_mm=(0.2, 0.1))
    assert unrolled.unit == "mm"
    can = np.nanargmax(np.nan_to_num(unrolled.values[:, :]), axis=0) * unrolled.row_step
    assert np.median(can) == pytest.approx(9.2, abs=0.4)
    assert np.ptp(np.percentile(can, (5, 95))) < 0.7


def test_the_overhang_is_seen_along_the_mandrel():
    """Anode and cathode end at different heights: their difference is that of the half plane, in mm."""
    y, x = np.mgrid[:80, :80]
    radius = np.hypot(y - 40, x - 38)
    z = np.arange(30)[:, None, None]
    anode, cathode = (radius // 4) % 2 == 0, (radius // 4) % 2 == 1
    cell = np.where(anode & (z >= 5), 100, 0) + np.where(cathode & (z >= 9), 200, 0)
    volume = volume_of(cell.astype(np.uint8), (0.5, 0.1, 0.1))
    for angle in (0.0, 90.0, 200.0):
        found = along_mandrel(volume, (40.0, 38.0), angle)
        begins = (found.values > 50).argmax(axis=0) * found.row_step
        bright = found.values[-1] > 150
        assert (found.rows, found.columns, found.unit) == ("z", "radius", "mm")
        assert np.median(begins[bright]) - np.median(begins[~bright]) == pytest.approx(2.0)
    assert along_mandrel(volume, (40.0, 38.0), 0).values.shape[1] == pytest.approx(41, abs=2)


@pytest.mark.parametrize("centre", [(-1.0, 5.0), (5.0, 99.0)])
def test_a_centre_outside_is_refused(centre):
    with pytest.raises(ConfigError, match="outside of the slice"):
        unroll(np.zeros((20, 20), np.float32), centre)


def test_nothing_to_find_ends_well():
    shapes = ((1, 1), (1, 50), (40, 1), (2, 2), (40, 50))
    for pixels in (*(np.zeros(shape, np.uint8) for shape in shapes), np.full((40, 50), np.nan, np.float32)):
        y, x = find_centre(pixels)
        assert 0 <= y < pixels.shape[0]
        assert 0 <= x < pixels.shape[1]
        assert unroll(pixels, (y, x)).row_step > 0


@pytest.mark.data
def test_a_real_buckled_winding_wanders_more_than_a_good_one(data_root):
    wander = []
    for name in ("im_1", "im_2"):
        pixels = open_images(data_root / "battery_ct" / "winding_pair" / f"{name}.tif").pixels(0)
        found = unroll(pixels, find_centre(pixels)).values
        inner = np.nan_to_num(found[55:90])
        # Straight layers look alike from one angle to the next; where one is buckled they do not.
        change = np.abs(np.diff(inner - inner.mean(axis=0), n=1, axis=1)).mean(axis=0) / inner.std()
        wander.append(float(np.percentile(change, 99)))
    assert wander[1] > 1.5 * wander[0]


@pytest.mark.data
def test_the_mandrel_of_a_real_cell_stays_from_slice_to_slice(data_root):
    volume = open_volume(data_root / "battery_ct" / "stack")
    centres = np.array([find_centre(volume.plane(0, z)) for z in (30, 45, 58)])
    assert np.ptp(centres, axis=0).max() < 2
