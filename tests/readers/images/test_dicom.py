"""DICOM slices and series: values, units, spacing, window, order, and what makes no stack."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    generate_uid,
)

from ecgviz.errors import ReadError
from ecgviz.figures.window_level import apply_window, histogram, window_presets
from models.tasks.image import ImageTask
from readers.images import list_images, list_series, open_images
from readers.images.dicom.boxes import leads_to_codestream

AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]
SERIES = generate_uid()


def write(path: Path, values: np.ndarray | None = None, **attributes) -> Path:
    """A CT slice of 12 bits; attributes that are None are left out."""
    values = np.arange(20, dtype=np.uint16).reshape(4, 5) if values is None else values
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    plain = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "PatientName": "Secret^Name",
        "Modality": "CT",
        "SeriesInstanceUID": SERIES,
        "SeriesNumber": 3,
        "Rows": values.shape[-2],
        "Columns": values.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": int(values.dtype.kind == "i"),
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "RescaleType": "HU",
        "PixelSpacing": [0.5, 0.25],
        "ImageOrientationPatient": AXIAL,
        "ImagePositionPatient": [0, 0, 0],
        "PixelData": values.astype("<i2" if values.dtype.kind == "i" else "<u2").tobytes(),
    }
    for name, value in (plain | attributes).items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_ct_that_pydicom_ships_equals_pydicom(tmp_path):
    path = Path(get_testdata_file("CT_small.dcm", download=False))
    stack = open_images(path)
    dataset = pydicom.dcmread(path)
    expected = pydicom.pixels.apply_modality_lut(dataset.pixel_array, dataset)
    np.testing.assert_array_equal(stack.pixels(0), expected)
    assert (stack.format, stack.value_unit, stack.dtype) == ("DICOM", "HU", np.float32)
    assert stack.spacing_mm == pytest.approx(tuple(dataset.PixelSpacing))


def test_rescale_keeps_whole_numbers_where_they_fit(tmp_path):
    values = np.arange(20, dtype=np.uint16).reshape(4, 5) * 200
    for slope, intercept, dtype in (
        (1, -1024, np.int16),
        (1, 0, np.int16),
        (16, 0, np.uint16),
        (0.5, -10.25, np.float32),
    ):
        stack = open_images(write(tmp_path / "a.dcm", values, RescaleSlope=slope, RescaleIntercept=intercept))
        assert stack.dtype == dtype
        np.testing.assert_array_equal(stack.pixels(0), values * slope + float(intercept))
    stack = open_images(write(tmp_path / "a.dcm", values, RescaleSlope=0))
    assert "rescale slope is 0" in stack.warnings[0]


def test_window_spacing_and_unit(tmp_path):
    stack = open_images(write(tmp_path / "a.dcm", WindowCenter=[40, 400], WindowWidth=[80, 2000]))
    assert (stack.window, stack.spacing_mm, stack.value_unit) == ((40, 80), (0.5, 0.25), "HU")
    stack = open_images(write(tmp_path / "a.dcm", PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.2], Modality="DX"))
    assert stack.spacing_mm == (0.2, 0.2)
    assert "at the detector" in stack.warnings[0]
    stack = open_images(
        write(tmp_path / "a.dcm", PixelSpacing=None, RescaleType=None, RescaleIntercept=None, RescaleSlope=None)
    )
    assert (stack.spacing_mm, stack.value_unit, stack.window) == (None, "", None)
    assert "Secret" not in repr(stack)


def test_monochrome1_is_turned_round_with_its_window(tmp_path):
    values = np.array([[0, 4095], [1000, 3000]], np.uint16)
    stack = open_images(
        write(tmp_path / "a.dcm", values, PhotometricInterpretation="MONOCHROME1", WindowCenter=-24, WindowWidth=200)
    )
    assert stack.inverted
    assert stack.value_unit == ""
    np.testing.assert_array_equal(stack.pixels(0), 4095 - values.astype(int) - 1024)
    # The stored 1000 is in the middle of the window before and after.
    assert stack.window == (pytest.approx(4095 - 1000 - 1024 + 1), 200)


def test_slices_are_sorted_along_the_normal(tmp_path):
    places = [30.0, -5.0, 10.0, 20.0]
    for i, z in enumerate(places):
        values = np.full((4, 5), round(z + 100), np.uint16)
        write(tmp_path / f"{i}.dcm", values, ImagePositionPatient=[0, 0, z], InstanceNumber=i)
    stack = open_images(tmp_path)
    assert [int(stack.pixels(i)[0, 0]) + 1024 - 100 for i in range(4)] == [-5, 10, 20, 30]
    assert stack.slice_names == ("1.dcm", "2.dcm", "3.dcm", "0.dcm")
    assert not stack.warnings
    # Sagittal slices go along x; the normal of that orientation points to negative x.
    for i, x in enumerate(places):
        write(tmp_path / f"{i}.dcm", ImageOrientationPatient=SAGITTAL, ImagePositionPatient=[x, 0, 0])
    assert open_images(tmp_path).slice_names == ("0.dcm", "3.dcm", "2.dcm", "1.dcm")


def test_distance_between_slices_comes_from_their_positions(tmp_path):
    for name, z in (("a", 7.5), ("b", 0), ("c", 2.5), ("d", 5)):
        write(tmp_path / f"{name}.dcm", ImagePositionPatient=[0, 0, z - 100])
    stack = open_images(tmp_path)
    assert stack.slice_mm == pytest.approx((0, 2.5, 5, 7.5))
    assert stack.slice_spacing_mm == pytest.approx(2.5)
    (tmp_path / "d.dcm").unlink()
    stack = open_images(tmp_path)
    assert stack.slice_mm == pytest.approx((0, 2.5, 7.5)), "a slice that is missing leaves its gap"
    assert open_images(tmp_path / "a.dcm").slice_spacing_mm is None


@pytest.mark.parametrize(("padding", "limit"), [(-2000, None), (63536, None), (-2000, -1995), (-1995, -2000)])
def test_padding_is_left_out_and_lies_below_every_value(tmp_path, padding, limit):
    """A file whose corners are padding: windows, histogram and the network's stretch are those of the middle."""
    rng = np.random.default_rng(0)
    values = rng.normal(300, 60, (64, 64)).astype(np.int16)
    y, x = np.mgrid[:64, :64] - 31.5
    corner = np.hypot(x, y) > 32
    values[corner] = -2000 if limit is None else rng.integers(-2000, -1994, corner.sum())
    attributes = {"RescaleSlope": 2, "RescaleIntercept": -24, "BitsStored": 16, "HighBit": 15}
    plain = open_images(write(tmp_path / "plain.dcm", values, **attributes))
    file = write(tmp_path / "padded.dcm", values, PixelPaddingRangeLimit=limit, **attributes)
    dataset = pydicom.dcmread(file)
    dataset.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    dataset.save_as(file)
    stack = open_images(file)
    pixels, inside = stack.pixels(0), values[~corner].astype(np.float32) * 2 - 24
    assert np.isneginf(pixels[corner]).all()
    np.testing.assert_array_equal(pixels[~corner], inside)
    auto = window_presets(pixels, stack)["auto"]
    assert (auto.low, auto.high) == pytest.approx(np.percentile(inside, (0.5, 99.5)))
    assert histogram(pixels)[0].sum() == (~corner).sum()
    assert not apply_window(pixels, auto)[corner].any()
    task = ImageTask(image_size=64)
    x = task.prepare(pixels)[0].numpy()
    assert (x[corner] == x.min()).all()
    assert x[~corner].std() > 3 * task.prepare(plain.pixels(0))[0].numpy()[~corner].std()


def test_mixed_orientations_are_refused_with_the_reason(tmp_path):
    for i in range(5):
        write(
            tmp_path / f"{i}.dcm", ImageOrientationPatient=SAGITTAL if i > 2 else AXIAL, ImagePositionPatient=[i, i, i]
        )
    with pytest.raises(ReadError, match=r"lie in 2 orientations \(3, 2 slices\), such as axial and sagittal"):
        open_images(tmp_path)
    assert len(list_images(tmp_path)) == 5


def test_several_series_are_named_and_can_be_opened_apart(tmp_path):
    other = generate_uid()
    for i in range(5):
        mine = {"SeriesInstanceUID": other, "SeriesNumber": 9} if i > 2 else {}
        write(tmp_path / f"{i}.dcm", ImagePositionPatient=[0, 0, i], **mine)
    with pytest.raises(ReadError, match=r"2 series in it: CT series 3 \(3 slices\); CT series 9 \(2 slices\)\. Choose"):
        open_images(tmp_path)
    large, small = list_series(list_images(tmp_path))
    assert (large.n_slices, small.label) == (3, "CT series 9")
    assert open_images(small.paths).slice_names == ("3.dcm", "4.dcm")


def test_missing_positions_gaps_and_repeated_slices_are_said(tmp_path):
    for i, z in enumerate([0, 1, 2, 5, 5]):
        write(tmp_path / f"{i}.dcm", ImagePositionPatient=[0, 0, z])
    notes = open_images(tmp_path).warnings
    assert "1 slices lie at the place of another one." in notes
    assert any("slices may be missing" in note for note in notes)
    for i, number in enumerate([5, 1, 3, 2, 4]):
        write(tmp_path / f"{i}.dcm", ImagePositionPatient=None, InstanceNumber=number)
    stack = open_images(tmp_path)
    assert stack.slice_names == ("1.dcm", "3.dcm", "2.dcm", "4.dcm", "0.dcm")
    assert any("instance numbers" in note for note in stack.warnings)
    for name in "0", "1", "2", "3", "4":
        write(tmp_path / f"{name}.dcm", ImagePositionPatient=None)
    assert any("names" in note for note in open_images(tmp_path).warnings)


def test_types_of_a_series_are_brought_together(tmp_path):
    write(tmp_path / "0.dcm", np.full((4, 5), 7, np.uint16), RescaleSlope=1)
    write(tmp_path / "1.dcm", np.full((4, 5), 7, np.uint16), RescaleSlope=0.5, ImagePositionPatient=[0, 0, 1])
    stack = open_images(tmp_path)
    assert [stack.pixels(i).dtype for i in range(2)] == [np.float32] * 2
    assert stack.pixels(0)[0, 0] == -1017


def test_frames_of_one_file_with_functional_groups(tmp_path):
    values = np.stack([np.full((4, 5), i, np.uint16) for i in range(3)])
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing = [0.1, 0.2]
    shared.PixelMeasuresSequence = [measures]
    frames = []
    for z in (2.0, 0.0, 1.0):
        frame, place, plane, scale = Dataset(), Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient, plane.ImageOrientationPatient = [0, 0, z], AXIAL
        scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = 2, 10, "US"
        frame.PlanePositionSequence, frame.PlaneOrientationSequence = [place], [plane]
        frame.PixelValueTransformationSequence = [scale]
        frames.append(frame)
    path = write(
        tmp_path / "enhanced.dcm",
        values,
        NumberOfFrames=3,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=frames,
        **dict.fromkeys(("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")),
    )
    stack = open_images(path)
    assert [int(stack.pixels(i)[0, 0]) for i in range(3)] == [12, 14, 10]
    assert stack.slice_names[0] == "enhanced.dcm, frame 2"
    assert (stack.spacing_mm, stack.value_unit) == ((0.1, 0.2), "")


def test_jpeg_ls_of_16_bits_and_one_that_claims_another_size(tmp_path):
    from imagecodecs import jpegls_encode
    from pydicom.encaps import encapsulate

    values = np.random.default_rng(0).integers(0, 4095, (16, 20), dtype=np.uint16)
    for name, stream in (("ok.dcm", jpegls_encode(values)), ("lie.dcm", jpegls_encode(np.tile(values, (40, 40))))):
        path = write(tmp_path / name, values)
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
        dataset.PixelData = encapsulate([stream])
        dataset.save_as(path)
    np.testing.assert_array_equal(open_images(tmp_path / "ok.dcm").pixels(0), values.astype(int) - 1024)
    with pytest.raises(ReadError, match=r"lie\.dcm: it is damaged or truncated"):
        open_images(tmp_path / "lie.dcm")


def test_boxes_that_lead_nowhere_are_refused_by_both_ways_to_the_pixels(tmp_path):
    from imagecodecs import jpeg2k_encode
    from pydicom.encaps import encapsulate

    values = np.random.default_rng(0).integers(0, 4095, (16, 20), dtype=np.uint16)
    jp2 = jpeg2k_encode(values, codecformat="jp2", level=0)
    whole = jp2.index(b"jp2h") - 4
    for name, stream in (("ok.dcm", jp2), ("loop.dcm", jp2[:whole] + bytes(4) + jp2[whole + 4 :])):
        path = write(tmp_path / name, values)
        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
        dataset.PixelData = encapsulate([stream])
        dataset.save_as(path)
    assert leads_to_codestream(jp2) and leads_to_codestream(jp2[jp2.index(b"\xff\x4f\xff\x51") :])
    assert not leads_to_codestream(jp2[:whole] + bytes(8)) and not leads_to_codestream(jp2[:whole])
    np.testing.assert_array_equal(open_images(tmp_path / "ok.dcm").pixels(0), values.astype(int) - 1024)
    with pytest.raises(ReadError, match=r"loop\.dcm: it is damaged or truncated"):
        open_images(tmp_path / "loop.dcm")


def test_a_header_that_is_encoded_otherwise_than_its_syntax_says_is_read(tmp_path):
    """JPEG in DICOM is explicit by definition; some writers put it into an implicit data set all the same."""
    from imagecodecs import jpeg_encode
    from pydicom.encaps import encapsulate

    values = np.indices((16, 24)).sum(0).astype(np.uint8)
    path = write(tmp_path / "a.dcm", values, BitsAllocated=8, BitsStored=8, HighBit=7, RescaleIntercept=0)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([jpeg_encode(values, level=100)])
    dataset["PixelData"].is_undefined_length = True
    sound = tmp_path / "explicit.dcm"
    dataset.save_as(sound, implicit_vr=False, little_endian=True, force_encoding=True)
    odd = tmp_path / "implicit.dcm"
    dataset.save_as(odd, implicit_vr=True, little_endian=True, force_encoding=True)
    assert odd.stat().st_size < sound.stat().st_size
    with pytest.warns(UserWarning, match="implicit VR"):
        pixels = open_images(odd).pixels(0)
    np.testing.assert_array_equal(pixels, open_images(sound).pixels(0))
    assert np.abs(pixels.astype(int) - values).max() <= 2


def test_a_stream_that_keeps_its_decoder_busy_for_minutes_is_given_up(tmp_path, monkeypatch):
    import imagecodecs
    from pydicom.encaps import encapsulate

    from readers.images.dicom import codecs as dicom_codecs

    values = np.random.default_rng(0).integers(0, 4095, (16, 20), dtype=np.uint16)
    path = write(tmp_path / "slow.dcm", values)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.PixelData = encapsulate([imagecodecs.jpegls_encode(values)])
    dataset.save_as(path)
    never = threading.Event()
    monkeypatch.setattr(imagecodecs, "jpegls_decode", lambda *_, **__: never.wait(30))
    monkeypatch.setattr(dicom_codecs, "PATIENCE_S", 0.2)
    started = time.monotonic()
    with pytest.raises(ReadError, match=r"slow\.dcm: it is damaged or truncated"):
        open_images(path).pixels(0)
    assert time.monotonic() - started < 10
    never.set()


def test_damaged_objects_and_objects_without_a_picture(tmp_path):
    path = write(tmp_path / "a.dcm")
    whole = path.read_bytes()
    for end in (140, 300, len(whole) // 2, len(whole) - 5):
        (tmp_path / "t.dcm").write_bytes(whole[:end])
        with pytest.raises(ReadError, match=r"t\.dcm: "):
            open_images(tmp_path / "t.dcm")
    with pytest.raises(ReadError, match="claims 60000 x 60000 pixels"):
        open_images(write(tmp_path / "b.dcm", Rows=60000, Columns=60000))
    with pytest.raises(ReadError, match="states 900000 frames"):
        open_images(write(tmp_path / "f.dcm", NumberOfFrames=900000))
    with pytest.raises(ReadError, match=r"this DICOM object \(modality SR\) holds no picture"):
        open_images(write(tmp_path / "r.dcm", Rows=None, Columns=None, Modality="SR", PixelData=None))
    # What a fault quotes from a damaged file stays on one line.
    assert str(ReadError("a.dcm", "modality S\nR\x07 is unknown.")) == "a.dcm: modality S R  is unknown."


def test_reports_and_indices_beside_a_series_are_left_aside(tmp_path):
    for i in range(3):
        write(tmp_path / f"{i}", ImagePositionPatient=[0, 0, i])
    write(tmp_path / "report", Rows=None, Columns=None, Modality="SR", PixelData=None, SeriesInstanceUID="1.2")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    stack = open_images(tmp_path)
    assert stack.n_slices == 3
    assert stack.warnings == ("2 files beside the slices are left aside (report, Thumbs.db).",)


@pytest.mark.data
def test_series_of_the_test_data(data_root):
    folder = data_root / "image_readers" / "dicom_pydicom" / "series"
    for name, count in (("77654033_CT2", 4), ("98892001_CT5N", 5)):
        stack = open_images(folder / name)
        files = [folder / name / file for file in stack.slice_names]
        heights = [pydicom.dcmread(file).ImagePositionPatient[2] for file in files]
        assert len(heights) == count
        assert heights == sorted(heights)
    for name in ("98892001_CT2N", "98892003_MR700"):
        with pytest.raises(ReadError, match="orientations"):
            open_images(folder / name)
    assert open_images(data_root / "image_readers" / "dicom_pacsman_series").n_slices == 24
    same = [
        f"MR_small{kind}.dcm" for kind in ("", "_RLE", "_bigendian", "_implicit", "_jp2klossless", "_jpeg_ls_lossless")
    ]
    pixels = [open_images(folder.parent / name).pixels(0) for name in same]
    for other in pixels[1:]:
        np.testing.assert_array_equal(other, pixels[0])
