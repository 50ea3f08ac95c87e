"""The slices of one DICOM file: what its header says of each, and the way from stored samples to values.

Nothing of the patient module is looked at. Frames are decoded one by one from the file.
Source: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups), C.11.1 (modality LUT).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.dicom import read_dataset
from ecgviz.readers.images.pixels import check_size, grey
from ecgviz.readers.images.slices import MAX_SLICES, Decoded, Slice
from models.data.dicom_padding import padding_range

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT, _EXPLICIT, _BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"


class NoPictureError(ReadError):
    """A sound DICOM object that is no picture, such as a report or the index of a disc."""


@dataclass(frozen=True)
class Scale:
    """From stored samples to values: ``slope * stored + intercept``, turned round first for MONOCHROME1.

    Attributes:
        turn: lowest plus highest storable sample where the lowest stands for white, else None.
        by_table: the file holds a modality LUT sequence instead of slope and intercept.
        padding: lowest and highest stored sample that stand for "nothing was scanned here", or None.
    """

    slope: float = 1.0
    intercept: float = 0.0
    turn: int | None = None
    by_table: bool = False
    padding: tuple[int, int] | None = None


@dataclass(frozen=True)
class Frame:
    """A slice and where it lies.

    Attributes:
        slice: the slice itself.
        series: its SeriesInstanceUID ("" where there is none).
        label: what to call that series: modality and number.
        position: ImagePositionPatient in mm, (3,), or None.
        orientation: ImageOrientationPatient, (6,), or None.
        number: InstanceNumber, or None.
        spacing_mm, window, unit, inverted, notes: as in ``ImageStack``.
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


def read_frames(path: Path) -> list[Frame]:
    """The frames of a DICOM file, in its order; only the header is read.

    Raises:
        NoPictureError: a DICOM object without pixels.
        ReadError: damaged, or it claims too much.
    """
    try:
        dataset = read_dataset(path, without_pixels=True)
        count = int(dataset.get("NumberOfFrames") or 1)
        if not dataset.get("Rows") or not dataset.get("Columns"):
            what = str(dataset.get("Modality", "") or "")[:16]
            kind = f" (modality {what})" if what else ""
            raise NoPictureError(path, f"this DICOM object{kind} holds no picture; give the files of a CT series.")
        check_size(path, int(dataset.Rows), int(dataset.Columns), int(dataset.get("SamplesPerPixel") or 1))
        if not 1 <= count <= MAX_SLICES:
            raise ReadError(path, f"it states {count} frames; open at most {MAX_SLICES} at once.")
        return [_frame(path, dataset, index, count) for index in range(count)]
    except (ReadError, OSError, MemoryError):
        raise
    except Exception as error:  # pydicom raises whatever the bytes lead it to, often only when a value is asked for
        raise ReadError(path, "the DICOM header is damaged or truncated; export it again.") from error


def _frame(path: Path, dataset: Dataset, index: int, count: int) -> Frame:
    signed, bits = bool(dataset.get("PixelRepresentation", 0)), int(dataset.get("BitsStored") or 16)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    scale, unit, notes = _scale(dataset, index, low + high if inverted else None)
    scale = replace(scale, padding=padding_range(dataset))
    dtype = _dtype(scale, low, high)
    page = Slice(
        file=path,
        name=path.name if count == 1 else f"{path.name}, frame {index + 1}",
        height=int(dataset.Rows),
        width=int(dataset.Columns),
        dtype=dtype,
        decode=partial(_decode, path, index, scale, dtype),
    )
    spacing, spacing_notes = _spacing(dataset, index)
    number = dataset.get("InstanceNumber")
    return Frame(
        slice=page,
        series=str(dataset.get("SeriesInstanceUID", "") or ""),
        label=f"{dataset.get('Modality', '') or 'picture'} series {dataset.get('SeriesNumber', '') or '?'}"[:40],
        position=_numbers(_of_group(dataset, index, "PlanePositionSequence"), "ImagePositionPatient", 3),
        orientation=_numbers(_of_group(dataset, index, "PlaneOrientationSequence"), "ImageOrientationPatient", 6),
        number=None if number in {None, ""} else int(number),
        spacing_mm=spacing,
        window=_window(dataset, index, scale),
        unit="" if inverted else unit,
        inverted=inverted,
        notes=(*notes, *spacing_notes),
    )


def _of_group(dataset: Dataset, index: int, sequence: str) -> Dataset:
    """Where an attribute of a frame stands: its functional group, the one that all frames share, or the file."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items = dataset.get(groups) or []
        if at < len(items) and items[at].get(sequence):
            return items[at][sequence].value[0]
    return dataset


def _numbers(dataset: Dataset, name: str, count: int) -> np.ndarray | None:
    """An attribute of several numbers, or None where it is absent, incomplete or no numbers."""
    try:
        values = np.atleast_1d(np.asarray(dataset.get(name), dtype=float))
    except (TypeError, ValueError):
        return None
    return values[:count] if len(values) >= count and np.isfinite(values[:count]).all() else None


def _scale(dataset: Dataset, index: int, turn: int | None) -> tuple[Scale, str, tuple[str, ...]]:
    """The scale of a frame, the unit of its values, and notes."""
    if dataset.get("ModalityLUTSequence"):
        return Scale(turn=turn, by_table=True), "", ()
    group = _of_group(dataset, index, "PixelValueTransformationSequence")
    slope, intercept = _numbers(group, "RescaleSlope", 1), _numbers(group, "RescaleIntercept", 1)
    kind = str(group.get("RescaleType", "") or "")
    is_hu = kind == "HU" or (not kind and intercept is not None and str(dataset.get("Modality", "")) == "CT")
    if slope is not None and slope[0] == 0:
        return Scale(turn=turn), "", ("Its rescale slope is 0, which cannot be: the stored values are shown.",)
    a = 1.0 if slope is None else float(slope[0])
    b = 0.0 if intercept is None else float(intercept[0])
    return Scale(a, b, turn), "HU" if is_hu else "", ()


def _dtype(scale: Scale, low: int, high: int) -> np.dtype:
    """The smallest of the types of ``ImageStack`` that holds every value the frame can have."""
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


def _spacing(dataset: Dataset, index: int) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """(row, column) spacing in mm, with a note where it is that of the detector."""
    found = _numbers(_of_group(dataset, index, "PixelMeasuresSequence"), "PixelSpacing", 2)
    notes: tuple[str, ...] = ()
    if found is None:
        found = _numbers(dataset, "ImagerPixelSpacing", 2)
        notes = () if found is None else ("Its scale in mm is that at the detector: the object itself is smaller.",)
    if found is None or (found <= 0).any():
        return None, ()
    return (float(found[0]), float(found[1])), notes


def _window(dataset: Dataset, index: int, scale: Scale) -> tuple[float, float] | None:
    """(centre, width) that the file suggests first, turned round where the values are."""
    group = _of_group(dataset, index, "FrameVOILUTSequence")
    centre, width = _numbers(group, "WindowCenter", 1), _numbers(group, "WindowWidth", 1)
    if centre is None or width is None or width[0] < 1 or scale.by_table:
        return None
    if scale.turn is None:
        return float(centre[0]), float(width[0])
    # A window is centred half a step below its centre (C.11.2.1.2.1), hence the step that the turning costs.
    return float(scale.slope * scale.turn + 2 * scale.intercept - centre[0] + 1), float(width[0])


def _decode(path: Path, index: int, scale: Scale, dtype: np.dtype) -> Decoded:
    stored = _stored(path, index, scale)
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
    values = stored.astype(np.int64) * int(scale.slope) + int(scale.intercept)
    return np.clip(values, limits.min, limits.max).astype(dtype), notes


def _stored(path: Path, index: int, scale: Scale) -> np.ndarray:
    """The samples of a frame, (H, W) or (H, W, 3)."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

    from ecgviz.readers.images.dicom_codecs import add_codecs

    add_codecs()
    header = read_dataset(path, without_pixels=True)
    syntax = header.file_meta.get("TransferSyntaxUID") if hasattr(header, "file_meta") else None
    if syntax is None or syntax == _DEFLATED:
        stored = pixel_array(_with_syntax(path), index=index)
    else:
        stored = pixel_array(path, index=index)
    if str(header.get("PhotometricInterpretation", "")) == "PALETTE COLOR":
        return apply_color_lut(stored, header)
    return apply_modality_lut(stored, header) if scale.by_table else stored


def _with_syntax(path: Path) -> Dataset:
    """The whole data set; where it names no transfer syntax, the one that it was readable in."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    dataset = read_dataset(path)
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if dataset.file_meta.get("TransferSyntaxUID") is None:
        implicit, little = dataset.original_encoding
        found = (_IMPLICIT if implicit else _EXPLICIT) if little else _BIG_ENDIAN
        dataset.file_meta.TransferSyntaxUID = UID(found)
    return dataset
