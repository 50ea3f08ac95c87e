"""Planes, slabs and windows of volumes, and measures with known geometry."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.errors import ConfigError
from ecgviz.volumes.measure import angle_deg, distance
from ecgviz.volumes.planes import middle, part_window, plane, planes_of, three_planes, within
from readers.volumes.volume import Placement, Volume
from readers.volumes.voxels import ArrayVoxels


def volume_of(array: np.ndarray, spacing: tuple[float, float, float] | None = (0.3, 0.2, 0.1), **more) -> Volume:
    """A volume that lies in memory."""
    shape = array.shape[:3]
    voxels = ArrayVoxels("memory", lambda key: array[key], shape, array.dtype, shape)
    return Volume("cell", "memory", ("memory",), voxels, spacing, **more)


def cylinder(shape: tuple[int, int, int] = (12, 60, 60), at=(28.0, 33.0), radius: float = 20.0) -> np.ndarray:
    y, x = np.mgrid[: shape[1], : shape[2]]
    inside = np.hypot(y - at[0], x - at[1]) <= radius
    disc = np.where(inside, 900 + 5 * ((y + x) % 11), 20).astype(np.uint16)
    return np.repeat(disc[None], shape[0], 0)


@given(
    z=st.integers(0, 6), y=st.integers(0, 7), x=st.integers(0, 8), thickness=st.integers(1, 12),
    slab=st.sampled_from(["mean", "max"]), kind=st.sampled_from(["uint8", "int16", "float32"]),
)  # fmt: skip
def test_planes_meet_in_their_voxel_and_slabs_are_what_numpy_says(z, y, x, thickness, slab, kind):
    array = np.random.default_rng(z + 9 * y).integers(0, 200, (7, 8, 9)).astype(kind)
    if kind == "float32":
        array[3, 4, 5] = np.nan
    volume = volume_of(array)
    planes = three_planes(volume, (z, y, x), thickness=thickness, slab=slab)
    for axis, one in enumerate(planes):
        at = (z, y, x)[axis]
        block = np.moveaxis(array, axis, 0)[max(0, at - (thickness - 1) // 2) : at + thickness // 2 + 1]
        assert (one.first, one.last + 1) == (max(0, at - (thickness - 1) // 2), one.first + len(block))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where all are missing
            wanted = np.nanmax(block, 0) if slab == "max" else np.nanmean(block.astype(float), 0)
        np.testing.assert_allclose(one.values, block[0] if len(block) == 1 else wanted, rtol=1e-5)
        others = [(z, y, x)[other] for other in range(3) if other != axis]
        assert one.voxel(*others) == (z, y, x)
    assert planes[0].spacing_mm == (0.2, 0.1)
    assert planes[1].spacing_mm == (0.3, 0.1)
    assert planes[2].spacing_mm == (0.3, 0.2)
    assert planes[1].aspect == pytest.approx(3)


def test_what_cannot_be_cut_says_so():
    volume = volume_of(np.zeros((4, 5, 6), np.uint8))
    assert within(volume, (-3, 2, 99)) == (0, 2, 5)
    assert middle(volume) == (2, 2, 3)
    assert [planes_of(volume, 0.6, axis) for axis in range(3)] == [2, 3, 6]
    for call in (
        lambda: plane(volume, 0, 4), lambda: plane(volume, 2, -1), lambda: plane(volume, 0, 0, thickness=0),
        lambda: plane(volume, 0, 0, thickness=2, slab="min"),
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            call()


def test_the_window_is_that_of_the_part_and_not_of_the_air():
    array = cylinder()
    array[:, 28, 33] = 30  # a pore is inside of the outline
    window = part_window(volume_of(array))
    assert 890 <= window.low <= 905
    assert 945 <= window.high <= 955
    wide = np.pad(array, ((0, 0), (200, 200), (200, 200)), constant_values=20)
    assert part_window(volume_of(wide)).low == pytest.approx(window.low, abs=8)


def test_a_plane_is_the_same_wherever_the_file_keeps_its_axes():
    array = np.random.default_rng(0).integers(0, 99, (5, 6, 7)).astype(np.uint8)
    turned = array.transpose(2, 0, 1)[::-1, :, ::-1]
    stored = volume_of(turned, placement=Placement((1, 2, 0), (False, True, True)))
    for axis in range(3):
        for index in range(array.shape[axis]):
            assert np.array_equal(stored.plane(axis, index), np.take(array, index, axis))


VOXELS = st.tuples(*[st.integers(-40, 40)] * 3)
SPACINGS = st.tuples(*[st.floats(0.01, 5)] * 3)


@given(one=VOXELS, other=VOXELS, spacing=SPACINGS)
def test_distances_by_the_spacing_of_each_axis(one, other, spacing):
    length, unit = distance(one, other, spacing)
    wanted = math.sqrt(sum(((a - b) * s) ** 2 for a, b, s in zip(one, other, spacing, strict=True)))
    assert unit == "mm"
    assert length == pytest.approx(wanted)
    assert distance(other, one, spacing)[0] == pytest.approx(length)
    assert distance(one, other, None) == (pytest.approx(math.dist(one, other)), "voxels")


@given(spacing=SPACINGS, degrees=st.floats(0, 180))
def test_angles_of_known_geometry(spacing, degrees):
    """A line that is turned in the part by an angle makes that angle, however flat the voxels are."""
    turn = math.radians(degrees)
    corner, length = (3.0, 4.0, 5.0), 7.0
    first = (corner[0], corner[1], corner[2] + length / spacing[2])
    second = (
        corner[0],
        corner[1] + length * math.sin(turn) / spacing[1],
        corner[2] + length * math.cos(turn) / spacing[2],
    )
    assert angle_deg(first, corner, second, spacing) == pytest.approx(degrees, abs=1e-4)
    with pytest.raises(ConfigError, match="three different points"):
        angle_deg(corner, corner, second, spacing)
