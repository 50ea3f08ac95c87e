"""One volume, whatever library wrote it into whatever format: the same voxels, spacing and orientation."""

from __future__ import annotations

from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import SimpleITK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from readers.core.errors import ReadError
from readers.images import open_images
from readers.volumes.address import AXES, address_of
from readers.volumes.opening import open_volume
from readers.volumes.volume import Volume
from tests.readers.volumes.written import SPACING, WRITERS, by_hand, by_hdf5, by_itk, by_zarr, ramp


def voxels(volume: Volume, axis: int = 0) -> np.ndarray:
    """The whole volume, put together from its planes across an axis."""
    return np.stack([volume.plane(axis, index) for index in range(volume.shape[axis])], axis)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_every_format_gives_the_same_volume(tmp_path, name, dtype):
    wanted = ramp(dtype=dtype)
    path = WRITERS[name](tmp_path / name, wanted)
    volume = open_volume(path)
    assert volume.shape == wanted.shape
    assert volume.dtype == wanted.dtype
    assert volume.bits == wanted.dtype.itemsize * 8
    assert volume.spacing_mm == pytest.approx(SPACING, rel=1e-6)
    for axis in range(3):
        assert np.array_equal(voxels(volume, axis), wanted), AXES[axis]
        assert np.array_equal(volume.block(axis, 1, 4), np.moveaxis(wanted, axis, 0)[1:4])
        stack = open_images(f"{path}?axis={AXES[axis]}")
        assert np.array_equal(np.stack([stack.pixels(i) for i in range(stack.n_slices)], axis), wanted)
        assert stack.spacing_mm == pytest.approx([SPACING[one] for one in range(3) if one != axis], rel=1e-6)
        assert stack.slice_spacing_mm == pytest.approx(SPACING[axis], rel=1e-6)


TURNS = [
    np.array([[(i == order[j]) * sign[j] for j in range(3)] for i in range(3)], float)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    for sign in ((1, 1, 1), (-1, 1, 1), (1, -1, 1), (1, 1, -1), (-1, -1, -1), (-1, -1, 1))
]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(direction=st.sampled_from(TURNS), name=st.sampled_from(["a.nii", "b.nii.gz", "a.nrrd", "a.mha", "a.mhd"]))
def test_orientation_is_handled_once(tmp_path, direction, name):
    """Whatever the directions that a file states, ITK and this reader turn it into the same array."""
    path = by_itk(tmp_path / name, ramp(), direction=direction)
    turned = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
    volume = open_volume(path)
    wanted = SimpleITK.GetArrayFromImage(turned)
    assert volume.shape == wanted.shape
    for axis in range(3):
        assert np.array_equal(voxels(volume, axis), wanted)
    assert volume.spacing_mm == pytest.approx(tuple(reversed(turned.GetSpacing())), rel=1e-5)


def test_tilted_axes_are_told(tmp_path):
    angle = np.radians(12)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    volume = open_volume(by_itk(tmp_path / "a.nrrd", ramp(), direction=turn))
    assert any("tilted by 12.0 degrees" in one for one in volume.warnings)
    assert np.array_equal(voxels(volume), ramp())


def test_slope_and_intercept_of_nifti(tmp_path):
    stored = ramp((4, 5, 6), "int16")
    image = nibabel.Nifti1Image(stored.transpose(2, 1, 0), np.diag([-0.1, -0.2, 0.3, 1]))
    image.header.set_slope_inter(0.5, -3)
    nibabel.save(image, tmp_path / "a.nii")
    volume = open_volume(tmp_path / "a.nii")
    assert volume.dtype == np.float32
    held = np.asarray(nibabel.load(tmp_path / "a.nii").dataobj)  # nibabel may have scaled what it stored
    assert np.allclose(voxels(volume), held.transpose(2, 1, 0))


@pytest.mark.parametrize("name", ["pair.hdr", "single.nii"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_nifti_pairs_second_version_and_both_byte_orders(tmp_path, name, order):
    stored = ramp((4, 5, 6), "uint16")
    affine = np.diag([-0.1, -0.2, 0.3, 1])
    kind = nibabel.Nifti1Pair if name.startswith("pair") else nibabel.Nifti2Image
    header = kind.header_class(endianness=order)
    header.set_data_dtype(np.uint16)
    image = kind(stored.transpose(2, 1, 0), affine, header)
    nibabel.save(image, tmp_path / (name if name.endswith("nii") else "pair.img"))
    volume = open_volume(tmp_path / name)
    assert np.array_equal(voxels(volume), stored)
    assert volume.spacing_mm == pytest.approx((0.3, 0.2, 0.1))


def test_several_volumes_are_chosen_by_number(tmp_path):
    many = np.stack([ramp((4, 5, 6), seed=seed) for seed in range(3)])
    nibabel.save(nibabel.Nifti1Image(many.transpose(3, 2, 1, 0), np.diag([-1, -1, 1, 1])), tmp_path / "a.nii")
    by_hdf5(tmp_path / "a.h5", many)
    for name in ("a.nii", "a.h5"):
        with pytest.raises(ReadError, match=r"holds 3 volumes \(4D\); choose one"):
            open_volume(tmp_path / name)
        assert np.array_equal(voxels(open_volume(tmp_path / name, number="2")), many[1])
        with pytest.raises(ReadError, match="no volume 4"):
            open_volume(f"{tmp_path / name}?number=4")


def test_colours_are_read_as_their_luminance(tmp_path):
    colours = np.random.default_rng(1).integers(0, 255, (5, 6, 7, 3), np.uint8)
    image = SimpleITK.GetImageFromArray(colours, isVector=True)
    wanted = None
    for name in ("a.mha", "a.nrrd"):
        SimpleITK.WriteImage(image, str(tmp_path / name))
        found = voxels(open_volume(tmp_path / name))
        assert found.shape == (5, 6, 7)
        wanted = found if wanted is None else wanted
        assert np.array_equal(found, wanted)
    by_hdf5(tmp_path / "a.h5", colours)
    assert np.array_equal(voxels(open_volume(tmp_path / "a.h5")), wanted)
    assert abs(float(wanted.mean()) - float((colours @ [0.299, 0.587, 0.114]).mean())) < 1


def test_arrays_by_their_path(tmp_path):
    one, other = ramp(seed=1), ramp(seed=2)
    with h5py.File(tmp_path / "two.h5", "w") as file:
        file["a/one"], file["a/other"] = one, other
    with pytest.raises(ReadError, match=r"several arrays, a/one \(5 x 6 x 7\), a/other .*--dataset a/one"):
        open_volume(tmp_path / "two.h5")
    assert np.array_equal(voxels(open_volume(tmp_path / "two.h5", dataset="/a/other")), other)
    with pytest.raises(ReadError, match="holds no array 'b'; it has a/one"):
        open_volume(tmp_path / "two.h5", dataset="b")
    group = by_zarr(tmp_path / "g.zarr", one)
    assert np.array_equal(voxels(open_volume(group, dataset="0")), one)
    assert np.array_equal(voxels(open_volume(group / "0")), one)


def test_ome_zarr_gives_its_finest_level_and_spacing(tmp_path):
    import zarr

    group = zarr.open_group(str(tmp_path / "a.ome.zarr"), mode="w")
    group.create_array("s0", data=ramp(), chunks=(5, 6, 7))
    group.create_array("s1", data=ramp()[::2, ::2, ::2], chunks=(5, 6, 7))
    levels = [
        {"path": f"s{n}", "coordinateTransformations": [{"type": "scale", "scale": [k * 30, k * 20, k * 10]}]}
        for n, k in ((0, 1), (1, 2))
    ]
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}
    volume = open_volume(tmp_path / "a.ome.zarr")
    assert np.array_equal(voxels(volume), ramp())
    assert volume.spacing_mm == pytest.approx((0.03, 0.02, 0.01))
    assert open_volume(tmp_path / "a.ome.zarr", dataset="s1").spacing_mm == pytest.approx((0.06, 0.04, 0.02))


def test_values_without_a_header_by_a_form(tmp_path):
    wanted = ramp((4, 5, 6), "uint16")
    path = by_hand(tmp_path / "scan.raw", wanted)
    (tmp_path / "scan.raw.json").unlink()
    with pytest.raises(ReadError, match=r"values without a header: give their shape and type"):
        open_volume(path)
    volume = open_volume(path, shape="4,5,6", dtype="uint16", spacing="0.3,0.2,0.1")
    assert np.array_equal(voxels(volume), wanted)
    assert volume.spacing_mm == SPACING
    short = open_volume(path, shape="3,5,6", dtype="uint16")
    assert any("60 bytes are left over" in one for one in short.warnings)


@settings(max_examples=60, deadline=None)
@given(
    axis=st.sampled_from(AXES), dataset=st.text("ab/ &=?%.", max_size=8), number=st.none() | st.integers(1, 9),
)  # fmt: skip
def test_an_address_survives_being_written_and_read(tmp_path_factory, axis, dataset, number):
    file = tmp_path_factory.getbasetemp() / "v a.h5"
    file.touch()
    one = address_of(file)
    asked = type(one)(file, axis, dataset.strip(), number)
    assert address_of(asked.path()) == asked
    assert Path(str(asked)).parent == file.parent


@pytest.mark.data
def test_real_stacks_are_volumes(data_root):
    volume = open_volume(data_root / "battery_ct" / "stack")
    assert volume.shape == (60, 728, 728)
    stack = open_images(data_root / "battery_ct" / "stack")
    assert np.array_equal(volume.plane(0, 31), stack.pixels(31))
    assert np.array_equal(volume.plane(1, 300)[31], stack.pixels(31)[300])
    assert np.array_equal(volume.plane(2, 200)[31], stack.pixels(31)[:, 200])


@pytest.mark.parametrize("name", ["example4d.nii.gz", "example_nifti2.nii.gz", "standard.nii.gz", "anatomical.nii"])
def test_files_that_nibabel_ships(name):
    path = Path(nibabel.__file__).parent / "tests" / "data" / name
    if not path.is_file():
        pytest.skip("this nibabel ships no test data")
    image = nibabel.as_closest_canonical(nibabel.load(path))
    held = np.asarray(image.dataobj, np.float32)
    volume = open_volume(path, **({"number": "1"} if held.ndim == 4 else {}))
    held = held if held.ndim == 3 else held[..., 0]
    wanted = held[::-1, ::-1].transpose(2, 1, 0)  # nibabel's axes run to the right and to the front
    assert np.allclose(voxels(volume), wanted)
    assert volume.spacing_mm == pytest.approx(tuple(reversed(image.header.get_zooms()[:3])), rel=1e-4)


@pytest.mark.parametrize("name", ["wh?t", "?axis=coronal", "a?b=c?axis=sagittal"])
def test_a_name_with_a_question_mark_is_no_query(tmp_path, name):
    """Of a file or folder so called the whole is read, and its axes are chosen as those of any other."""
    file = by_itk(tmp_path / "a.nii.gz", ramp()).rename(tmp_path / f"{name}.nii.gz")
    assert address_of(file).part == open_images(file).part == ""
    assert open_images(f"{file}?axis=coronal").part == address_of(f"{file}?axis=coronal").part == "axis=coronal"
    folder = tmp_path / name
    folder.mkdir()
    for index, plane in enumerate(ramp(dtype="uint8")):
        Image.fromarray(plane).save(folder / f"{index}.png")
    assert open_volume(folder).shape == ramp().shape
