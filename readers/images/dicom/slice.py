"""Slices of one DICOM file: header values, and the rescaling from stored samples to values.

Of the patient module only what DICONDE puts there about a part is looked at (diconde.py). Frames are decoded one by one
from the file.
Source: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups), C.11.1 (modality LUT).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.core.decoding import decoding, pydicom_errors
from readers.core.errors import ReadError
from readers.dicom.header import Header
from readers.dicom.waveform import read_header
from readers.images.dicom.diconde import part_tags
from readers.images.dicom.padding import padding_range
from readers.images.pixels import check_size, grey
from readers.images.slices import MAX_SLICES, Decoded, Slice, undecodable

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MAX_BITS = 64
_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT, _EXPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


class NoPictureError(ReadError):
    """A valid DICOM object without pixels, such as a report or a DICOMDIR."""


@dataclass(frozen=True)
class Scale:
    """Rescaling of stored samples: ``slope * stored + intercept``, inverted first for MONOCHROME1.

    Attributes:
        turn: lowest plus highest storable sample where the lowest stands for white, else None.
        by_table: the file holds a modality LUT sequence instead of slope and intercept.
        shift: bits below the lowest one that is stored (HighBit + 1 - BitsStored).
        padding: lowest and highest stored sample that stand for "nothing was scanned here", or None.
    """

    slope: float = 1.0
    intercept: float = 0.0
    turn: int | None = None
    by_table: bool = False
    padding: tuple[int, int] | None = None
    shift: int = 0


@dataclass(frozen=True)
class Frame:
    """A slice with its position.

    Attributes:
        slice: the slice itself.
        series: its SeriesInstanceUID ("" where there is none).
        label: what to call that series: modality and number.
        position: ImagePositionPatient in mm, (3,), or None.
        orientation: ImageOrientationPatient, (6,), or None.
        number: InstanceNumber, or None.
        spacing_mm, window, unit, inverted, notes, tags: as in ``ImageStack``.
    """

    slice: Slice
    series: str
    label: str
    position: np.ndarray | None
    orientation: np.ndarray | None
    number: int | None
    spacing_mm: tuple[float, float] | None
    window: tuple[float, float] | None
    unit: str
    inverted: bool
    notes: tuple[str, ...] = field(default=())
    tags: tuple[tuple[str, str], ...] = field(default=())


def read_frames(path: Path) -> list[Frame]:
    """Frames of a DICOM file in order; reads the header only.

    Raises:
        NoPictureError: a DICOM object without pixels.
        ReadError: damaged, or it claims too much.
    """
    header = read_header(path, without_pixels=True)
    height, width = header.whole("Rows"), header.whole("Columns")
    if not height or not width:
        what = header.text("Modality")[:16]
        kind = f" (modality {what})" if what else ""
        raise NoPictureError(path, f"this DICOM object{kind} holds no picture; give the files of a CT series.")
    check_size(path, height, width, header.whole("SamplesPerPixel", 1))
    count = header.whole("NumberOfFrames", 1)
    if not 1 <= count <= MAX_SLICES:
        raise ReadError(path, f"it states {count} frames; open at most {MAX_SLICES} at once.")
    return [_frame(header, index, count) for index in range(count)]


def _frame(header: Header, index: int, count: int) -> Frame:
    path = header.path
    signed, bits = bool(header.whole("PixelRepresentation")), header.whole("BitsStored", 16)
    if not 1 <= bits <= MAX_BITS:
        raise ReadError(path, f"it states {bits} bits a pixel; export it again.")
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    inverted = header.text("PhotometricInterpretation") == "MONOCHROME1"
    scale, unit, notes = _scale(header, index, low + high if inverted else None)
    scale = replace(scale, padding=padding_range(header), shift=_shift(header, bits))
    dtype = _dtype(scale, low, high)
    page = Slice(
        file=path,
        name=path.name if count == 1 else f"{path.name}, frame {index + 1}",
        height=header.whole("Rows"),
        width=header.whole("Columns"),
        dtype=dtype,
        decode=partial(_decode, path, index, "it" if count == 1 else f"frame {index + 1}", scale, dtype),
    )
    spacing, spacing_notes = _spacing(header, index)
    number = header.number("InstanceNumber", float("nan"))
    return Frame(
        slice=page,
        series=header.text("SeriesInstanceUID"),
        label=f"{header.text('Modality', 'picture')} series {header.text('SeriesNumber', '?')}"[:40],
        position=_numbers(_of_group(header, index, "PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=_numbers(_of_group(header, index, "PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        number=int(number) if isfinite(number) else None,
        spacing_mm=spacing,
        window=_window(header, index, scale),
        unit="" if inverted else unit,
        inverted=inverted,
        notes=(*notes, *spacing_notes),
        tags=part_tags(header) if index == 0 else (),
    )


def _shift(header: Header, bits: int) -> int:
    """Offset of the stored bits above the lowest ones of their cell (PS3.5 8.1.1); 0 where invalid."""
    shift = header.whole("HighBit", bits - 1) + 1 - bits
    return shift if 0 < shift <= header.whole("BitsAllocated", bits) - bits else 0


def _of_group(header: Header, index: int, sequence: str) -> Header:
    """Location of a frame's attribute: its functional group, the shared one, or the data set."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items = header.items(groups)
        found = items[at].items(sequence) if at < len(items) else []
        if found:
            return found[0]
    return header


def _numbers(header: Header, name: str, count: int) -> np.ndarray | None:
    """An attribute of several numbers; None where absent, incomplete or not numeric."""
    try:
        values = np.atleast_1d(np.asarray(header.get(name), dtype=float))
    except (TypeError, ValueError):
        return None
    return values[:count] if len(values) >= count and np.isfinite(values[:count]).all() else None


def _scale(header: Header, index: int, turn: int | None) -> tuple[Scale, str, tuple[str, ...]]:
    """Rescaling of a frame, unit of its values, and notes."""
    if table := header.items("ModalityLUTSequence"):
        entry = _numbers(table[0], "LUTDescriptor", 3)
        top = (1 << min(max(int(entry[2]), 1), 16)) - 1 if entry is not None else (1 << 16) - 1
        return Scale(turn=None if turn is None else top, by_table=True), "", ()
    group = _of_group(header, index, "PixelValueTransformationSequence")
    slope, intercept = _numbers(group, "RescaleSlope", 1), _numbers(group, "RescaleIntercept", 1)
    kind = group.text("RescaleType")
    is_hu = kind == "HU" or (not kind and intercept is not None and header.text("Modality") == "CT")
    if slope is not None and slope[0] == 0:
        return Scale(turn=turn), "", ("Its rescale slope is 0, which cannot be: the stored values are shown.",)
    a = 1.0 if slope is None else float(slope[0])
    b = 0.0 if intercept is None else float(intercept[0])
    return Scale(a, b, turn), "HU" if is_hu else "", ()


def _dtype(scale: Scale, low: int, high: int) -> np.dtype:
    """Smallest dtype of ``ImageStack`` that holds every possible value of the frame."""
    if scale.padding is not None:
        return np.dtype(np.float32)
    ends = sorted((scale.slope * low + scale.intercept, scale.slope * high + scale.intercept))
    if scale.by_table or not (scale.slope.is_integer() and scale.intercept.is_integer()):
        return np.dtype(np.uint16 if scale.by_table else np.float32)
    for dtype in (np.uint8, np.int16, np.uint16):
        limits = np.iinfo(dtype)
        if limits.min <= ends[0] and ends[1] <= limits.max:
            return np.dtype(dtype)
    return np.dtype(np.float32)


def _spacing(header: Header, index: int) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """(row, column) spacing in mm, with a note where it is the detector's."""
    found = _numbers(_of_group(header, index, "PixelMeasuresSequence"), "PixelSpacing", 2)
    notes: tuple[str, ...] = ()
    if found is None:
        found = _numbers(header, "ImagerPixelSpacing", 2)
        notes = () if found is None else ("Its scale in mm is that at the detector: the object itself is smaller.",)
    if found is None or (found <= 0).any():
        return None, ()
    return (float(found[0]), float(found[1])), notes


def _window(header: Header, index: int, scale: Scale) -> tuple[float, float] | None:
    """First (centre, width) that the file suggests, inverted with the values."""
    group = _of_group(header, index, "FrameVOILUTSequence")
    centre, width = _numbers(group, "WindowCenter", 1), _numbers(group, "WindowWidth", 1)
    if centre is None or width is None or width[0] < 1 or scale.by_table:
        return None
    if scale.turn is None:
        return float(centre[0]), float(width[0])
    # A window is centred half a step below its centre (C.11.2.1.2.1), hence the step that the turning costs.
    return float(scale.slope * scale.turn + 2 * scale.intercept - centre[0] + 1), float(width[0])


def _decode(path: Path, index: int, which: str, scale: Scale, dtype: np.dtype) -> Decoded:
    stored = _stored(path, index, which, scale)
    pixels, notes = grey(path, stored)
    if stored.ndim == 3:
        return pixels, notes
    outside = None
    if scale.padding is not None:
        outside = (stored >= scale.padding[0]) & (stored <= scale.padding[1])
    if scale.turn is not None:
        stored = scale.turn - stored.astype(np.int64 if stored.dtype.kind in "ui" else np.float64)
    if dtype.kind == "f" or stored.dtype.kind == "f":
        values = (stored * np.float64(scale.slope) + scale.intercept).astype(np.float32)
        if outside is not None and not outside.all():
            values[outside] = -np.inf
        return values, notes
    limits = np.iinfo(dtype)
    whole = stored.astype(np.int64) * int(scale.slope) + int(scale.intercept)
    return np.clip(whole, limits.min, limits.max).astype(dtype), notes


def _stored(path: Path, index: int, which: str, scale: Scale) -> np.ndarray:
    """Stored samples of a frame, (H, W) or (H, W, 3)."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

    from readers.images.dicom.codecs import add_codecs, own_faults, unread_syntax

    add_codecs()
    header = read_header(path, without_pixels=True)
    plain = header.dataset
    syntax = plain.file_meta.get("TransferSyntaxUID") if hasattr(plain, "file_meta") else None
    if syntax is not None and (name := unread_syntax(syntax)):
        raise ReadError(path, f"is compressed as {name}, which is not read; save it without compression.")
    source: Path | Dataset = path
    if scale.shift or not _is_read_by_range(plain):
        source = whole = _with_syntax(read_header(path).dataset)
        # pydicom masks what lies above BitsStored, wherever that ends.
        whole.BitsStored = header.whole("BitsStored", 16) + scale.shift
    with own_faults(), decoding(path, undecodable(which), *pydicom_errors()):
        stored = pixel_array(source, index=index)
        if scale.shift:
            stored >>= scale.shift
        if header.text("PhotometricInterpretation") == "PALETTE COLOR":
            return np.asarray(apply_color_lut(stored, plain))
        return np.asarray(apply_modality_lut(stored, plain) if scale.by_table else stored)


def _is_read_by_range(dataset: Dataset) -> bool:
    """Whether pydicom can read a frame from the file itself: not deflated, and encoded as its transfer syntax
    states."""
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax is None or syntax == _DEFLATED:
        return False
    stated = syntax == _IMPLICIT
    return all(getattr(element, "is_implicit_VR", stated) == stated for element in dataset.values())


def _with_syntax(dataset: Dataset) -> Dataset:
    """The whole data set; without a transfer syntax, with the one by which it was parsed."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if dataset.file_meta.get("TransferSyntaxUID") is None:
        implicit, little = dataset.original_encoding
        found = (_IMPLICIT if implicit else _EXPLICIT) if little else _BIG_ENDIAN
        dataset.file_meta.TransferSyntaxUID = UID(found)
    return dataset
