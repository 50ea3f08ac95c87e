"""What a picture's file says beside its values: depth, orientation, copies of itself, planes, the order of names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML, ExplicitVRLittleEndian

from readers.core.errors import ReadError
from readers.images import open_images
from readers.images.naming import natural_order


def dicom_file(path: Path, values: np.ndarray, **attributes: object) -> Path:
    """A DICOM file of one grey picture without compression."""
    dataset = FileDataset(str(path), {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    dataset.Rows, dataset.Columns = values.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = 8 * values.dtype.itemsize
    dataset.BitsStored = dataset.BitsAllocated
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, int(values.dtype.kind == "i")
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.PixelData = values.tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return path


GREY = np.random.default_rng(5).integers(0, 251, (12, 16)).astype(np.uint8)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("signed", [False, True])
def test_bits_stored_above_the_lowest_ones(tmp_path: Path, bits: int, signed: bool) -> None:
    low = -(1 << (bits - 1)) if signed else 0
    values = np.random.default_rng(bits).integers(low, low + (1 << bits), (12, 16))
    kind = np.int16 if signed else np.uint16
    cells = {"BitsAllocated": 16, "BitsStored": bits, "PixelRepresentation": int(signed)}
    plain = dicom_file(tmp_path / "plain.dcm", values.astype(kind), HighBit=bits - 1, **cells)
    shifted = (values << (16 - bits)).astype(kind)
    high = dicom_file(tmp_path / "high.dcm", shifted, HighBit=15, **cells)
    assert np.array_equal(open_images(plain).pixels(0), values)
    assert np.array_equal(open_images(high).pixels(0), values)


def test_a_flagged_copy_is_no_picture_wherever_it_stands(tmp_path: Path) -> None:
    for name, first in (("first.tif", True), ("last.tif", False)):
        with tifffile.TiffWriter(tmp_path / name) as writer:
            if first:
                writer.write(GREY[::2, ::2], subfiletype=1)
            writer.write(GREY)
            if not first:
                writer.write(GREY[::2, ::2], subfiletype=1)
        stack = open_images(tmp_path / name)
        assert stack.n_slices == 1
        assert np.array_equal(stack.pixels(0), GREY)
    tifffile.imwrite(tmp_path / "only.tif", GREY, subfiletype=1)
    assert np.array_equal(open_images(tmp_path / "only.tif").pixels(0), GREY)


@pytest.mark.parametrize("compression", [None, "zlib", "jpeg"])
def test_the_main_picture_below_a_preview_is_the_picture(tmp_path: Path, compression: str | None) -> None:
    with tifffile.TiffWriter(tmp_path / "sub.tif") as writer:
        writer.write(np.zeros((6, 8), np.uint8), subfiletype=1, subifds=2)
        writer.write(GREY, compression=compression)
        writer.write(GREY[::2, ::2], subfiletype=1)
    stack = open_images(tmp_path / "sub.tif")
    assert stack.n_slices == 1
    assert np.abs(stack.pixels(0).astype(int) - GREY).max() <= (60 if compression == "jpeg" else 0)
    with tifffile.TiffWriter(tmp_path / "pyramid.tif") as writer:
        writer.write(GREY, subifds=1)
        writer.write(GREY[::2, ::2], subfiletype=1)
    assert np.array_equal(open_images(tmp_path / "pyramid.tif").pixels(0), GREY)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("planes", [2, 3, 4, 9])
@pytest.mark.parametrize("arguments", [{"photometric": "minisblack", "planarconfig": "separate"}, {}])
def test_planes_of_a_stack_are_slices_and_not_transparency(tmp_path: Path, planes: int, arguments: dict) -> None:
    volume = np.random.default_rng(planes).integers(0, 255, (planes, 12, 16)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "planes.tif", volume, **arguments)
    stack = open_images(tmp_path / "planes.tif")
    assert stack.n_slices == planes
    assert all(np.array_equal(stack.pixels(index), volume[index]) for index in range(planes))


def test_colours_and_transparency_stay_what_they_are(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "rgb.tif", np.dstack([GREY, GREY // 2, GREY // 3]), photometric="rgb")
    assert open_images(tmp_path / "rgb.tif").n_slices == 1
    alpha = np.dstack([GREY, np.full_like(GREY, 255)])
    tifffile.imwrite(tmp_path / "la.tif", alpha, photometric="minisblack", extrasamples=["unassalpha"])
    stack = open_images(tmp_path / "la.tif")
    assert stack.n_slices == 1
    assert np.array_equal(stack.pixels(0), GREY)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.decimals(0, 200, places=2), min_size=2, max_size=12, unique=True), st.randoms())
def test_decimal_names_are_in_the_order_of_their_numbers(numbers: list, random) -> None:
    paths = [Path(f"z_{number.normalize():f}mm.png") for number in numbers]
    wanted = [path for _, path in sorted(zip(numbers, paths, strict=True), key=lambda pair: pair[0])]
    fractions = sorted({f"{number.normalize():f}".partition(".")[2] for number in numbers})
    random.shuffle(paths)
    found = natural_order(paths)
    if len({int(n) for n in numbers}) == len(numbers) or len(fractions) < 3:  # no run of a counter can be meant
        assert found == wanted


def test_counted_names_and_dotted_ones() -> None:
    run = [Path(f"run1.{number}.tif") for number in range(1, 13)]
    assert natural_order(reversed(run)) == run
    uids = [Path(f"1.2.{number}.7.dcm") for number in (9, 10, 100)]
    assert natural_order(reversed(uids)) == uids
    plain = [Path(f"Slice{number}.png") for number in (1, 2, 10, 100)]
    assert natural_order(reversed(plain)) == plain
    levels = [Path(f"z_{number}mm.png") for number in ("0.5", "1.0", "1.25", "1.5", "10.0")]
    assert natural_order(reversed(levels)) == levels


def test_a_compression_without_a_decoder_is_named(tmp_path: Path) -> None:
    path = dicom_file(tmp_path / "a.dcm", GREY.astype(np.uint16))
    dataset = pydicom.dcmread(path)
    dataset.PixelData = encapsulate([bytes(100)])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML
    dataset.save_as(path, enforce_file_format=True)
    with pytest.raises(ReadError, match="is compressed as MPEG2 Main Profile / Main Level, which is not read"):
        open_images(path)


@pytest.mark.data
def test_small_cases(data_root: Path) -> None:
    cases = data_root / "image_cases"
    same = [open_images(cases / name).pixels(0) for name in ("plain12.dcm", "highbit15.dcm", "htj2k.dcm")]
    assert all(np.array_equal(one, same[0]) for one in same)
    stack = open_images(cases / "thumbnail_first.tif")
    assert stack.n_slices == 1
    assert np.array_equal(stack.pixels(0), open_images(cases / "picture.png").pixels(0))
    names = open_images(cases / "decimal").slice_names
    assert names == tuple(f"z_{number}mm.png" for number in ("0.5", "1.0", "1.25", "1.5", "10.0"))
    for number in (2, 3, 6):
        pixels = open_images(cases / f"jpeg_orientation{number}.tif").pixels(0)
        assert pixels.shape == (48, 64)
        assert pixels[4:14, 6:26].min() > 200
