"""Training and inspection read a picture through one decoder: the network's input is the same, whatever the file."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from ecgviz.analysis.pipeline import decode_files, decoders
from models.data.image_dataset import ImageDataset
from models.data.image_folder import ImageRow
from models.tasks import ImageTask
from models.tasks.image_levels import is_blank
from readers.images import open_images
from readers.images.kinds import PICTURE_SUFFIXES
from readers.volumes.address import AXES, address_of
from tests.readers.volumes.written import WRITERS, ramp

TASK = ImageTask(image_size=32)
DTYPES = ("uint8", "uint16", "int16", "int8", "uint32", "int32", "float32", "float64")


def trained_on(path: Path) -> torch.Tensor | None:
    """The input that training makes of a file, or None where it leaves the file out."""
    dataset = ImageDataset([ImageRow(path, path.name, 0, path.name)], TASK)
    return dataset[0, 0][0] if len(dataset) else None


def inspected(path: Path) -> torch.Tensor | None:
    """The input that an inspection makes of the file's first picture, or None where it reports a fault."""
    with decoders(1) as pool:
        first = next(iter(decode_files(pool, [path], TASK, None, 1)))
    return None if first.square is None else TASK.normalise(TASK.unit(first.square))


def check(path: Path, *, readable: bool | None = None) -> None:
    one, other = trained_on(path), inspected(path)
    assert (one is None) == (other is None), path.name
    if readable is not None:  # a picture of one value can be read, and both leave it out
        assert (one is not None) == (readable and not is_blank(open_images(path).pixels(0))), path.name
    if one is not None and other is not None:
        assert torch.equal(one, other), path.name


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """A grey or colour picture of any type; not all of its range is used."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    height, width = draw(st.integers(2, 24)), draw(st.integers(2, 24))
    shape = (height, width, 3) if draw(st.booleans()) and dtype == np.uint8 else (height, width)
    top = draw(st.integers(1, 100 if dtype.itemsize == 1 else 30_000))
    low = -top if dtype.kind in "if" else 0
    return np.random.default_rng(draw(st.integers(0, 99))).integers(low, top, shape, endpoint=True).astype(dtype)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picture=pictures(), compression=st.sampled_from([None, "lzw", "zlib", "packbits"]), turned=st.integers(1, 8))
def test_tiff(tmp_path, picture, compression, turned):
    photometric = "rgb" if picture.ndim == 3 else "minisblack" if turned % 2 else "miniswhite"
    tags = [(274, 3, 1, turned, True)]
    tifffile.imwrite(tmp_path / "a.tif", picture, compression=compression, photometric=photometric, extratags=tags)
    check(tmp_path / "a.tif", readable=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picture=pictures(), turned=st.integers(1, 8), suffix=st.sampled_from(["png", "jpg", "bmp", "webp", "tiff"]))
def test_png_jpeg_bmp_and_webp(tmp_path, picture, turned, suffix):
    if picture.dtype == np.uint16 and suffix == "png":
        image = Image.fromarray(picture)
    else:
        image = Image.fromarray(picture.astype(np.uint8))
    exif = Image.Exif()
    exif[274] = turned
    image.save(tmp_path / f"a.{suffix}", **({} if suffix == "bmp" else {"exif": exif}))
    check(tmp_path / f"a.{suffix}", readable=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 99), bits=st.sampled_from([8, 10, 12, 16]), white_first=st.booleans(), signed=st.booleans(),
    slope=st.sampled_from([1, 2, 0.5]), padding=st.booleans(), colour=st.booleans(),
)  # fmt: skip
def test_dicom(tmp_path, seed, bits, white_first, signed, slope, padding, colour):
    colour = colour and bits == 8
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed and not colour else (0, (1 << bits) - 1)
    rng = np.random.default_rng(seed)
    values = rng.integers(low, max(low + 2, high // 2), (12, 9, 3) if colour else (12, 9))  # the top is not reached
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset("a.dcm", {}, file_meta=meta, preamble=bytes(128))
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = *values.shape[:2], 3 if colour else 1
    grey = "MONOCHROME1" if white_first else "MONOCHROME2"
    dataset.PhotometricInterpretation = "RGB" if colour else grey
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 if bits == 8 else 16, bits, bits - 1
    dataset.PixelRepresentation = int(low < 0)
    dataset.RescaleSlope, dataset.RescaleIntercept = slope, -5
    if padding:
        dataset.add_new("PixelPaddingValue", "SS" if low < 0 else "US", int(values.flat[0]))
    kind = ("i" if low < 0 else "u") + str(dataset.BitsAllocated // 8)
    dataset.PixelData = values.astype(f"<{kind}").tobytes()
    dataset.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    check(tmp_path / "a.dcm", readable=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(WRITERS)), dtype=st.sampled_from(["uint8", "uint16", "int16", "float32"]),
    axis=st.sampled_from(AXES), seed=st.integers(0, 9),
)  # fmt: skip
def test_volumes(tmp_path_factory, name, dtype, axis, seed):
    """Each slice along an axis, of whatever format, is for training what it is for inspection."""
    path = WRITERS[name](tmp_path_factory.mktemp("volume") / name, ramp((3, 9, 8), dtype, seed))
    address = address_of(f"{path}?axis={axis}").path()
    with decoders(1) as pool:
        slices = list(decode_files(pool, [address], TASK, None, 1))
    assert len(slices) == (3, 9, 8)[AXES.index(axis)]
    for page, one in enumerate(slices):
        dataset = ImageDataset([ImageRow(address, path.name, 0, path.name, page=page)], TASK)
        assert torch.equal(dataset[0, 0][0], TASK.normalise(TASK.unit(one.square)))


@pytest.mark.parametrize("kept", [0, 7, 60, -200])
@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.jpg", "a.dcm"])
def test_what_one_of_them_refuses_the_other_does(tmp_path, name, kept):
    values = np.arange(1600, dtype=np.uint8).reshape(40, 40)
    if name == "a.dcm":
        tmp_path.joinpath(name).write_bytes(Path(pydicom.data.get_testdata_file("CT_small.dcm")).read_bytes())
    else:
        Image.fromarray(values).save(tmp_path / name)
    check(tmp_path / name, readable=True)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:kept])
    check(tmp_path / name)


def test_a_picture_beyond_the_limit_is_refused_by_both(tmp_path):
    ihdr = struct.pack(">IIBBBBB", 11_000, 10_000, 8, 0, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + ihdr + bytes(4))
    check(tmp_path / "a.png", readable=False)


@pytest.mark.data
def test_real_files_of_every_kind(data_root):
    folders = ("image_readers", "image_cases", "bad_images", "battery_weld", "battery_ct")
    files = [path for folder in folders for path in sorted((data_root / folder).rglob("*"))]
    files = [path for path in files if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file()]
    assert len(files) > 400
    assert {path.suffix.lower() for path in files} >= {".png", ".jpg", ".tif", ".tiff", ".dcm"}
    for path in files:
        check(path)
