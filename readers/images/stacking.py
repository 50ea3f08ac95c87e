"""Stacks several picture files: selection of the slices, and limits for damaged ones.

A few damaged files among hundreds must not keep a person from the rest: they are left out and named. If more than one
in ten cannot be read, the stack is not opened, since what is left no longer shows the object.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from readers.core.errors import ReadError
from readers.core.file_names import readable
from readers.images.dicom.series import stack_series
from readers.images.dicom.slice import Frame, NoPictureError, read_frames
from readers.images.folder import Contents
from readers.images.kinds import kind_of, read_file
from readers.images.slices import MAX_SLICES, Reading

_DAMAGED_SHARE = 0.1
_NAMED = 5


def stack_files(contents: Contents, shown: Path) -> Reading:
    """The stack of a folder's pictures.

    DICOM files and other pictures make no stack together: the kind that is more frequent does.

    Args:
        contents: the files.
        shown: the folder or file to name in an error.

    Raises:
        ReadError: no pictures, too many of them or too many damaged ones, or slices that make no stack.
    """
    files = contents.pictures
    if not files:
        raise ReadError(shown, "there are no pictures in it; give PNG, JPEG, TIFF or DICOM files.")
    if len(files) > MAX_SLICES:
        raise ReadError(shown, f"there are {len(files)} pictures in it; open at most {MAX_SLICES} at once.")
    dicom = [file for file in files if (kind := kind_of(file)) is not None and kind.name == "DICOM"]
    others = [file for file in files if file not in set(dicom)]
    if len(dicom) >= len(others):
        reading, aside = _series(dicom, shown)
        aside += [file.name for file in others]
    else:
        reading, aside = _pile(others), [file.name for file in dicom]
    return replace(reading, notes=(*reading.notes, *_aside_note([*aside, *contents.strays])))


def _series(files: Sequence[Path], shown: Path) -> tuple[Reading, list[str]]:
    """The series of DICOM files, and names of those without pixels."""
    frames: list[Frame] = []
    faults, aside = [], []
    for file in files:
        try:
            frames += read_frames(file)
        except NoPictureError:
            aside.append(file.name)
        except ReadError as error:
            faults.append(error)
    if not frames and not faults:
        raise ReadError(shown, "none of its DICOM files holds a picture; give the files of a CT series.")
    notes = _fault_notes(faults, len(files) - len(aside))
    reading = stack_series(frames, shown)
    return replace(reading, notes=(*reading.notes, *notes)), aside


def _pile(files: Sequence[Path]) -> Reading:
    """One slice per picture file."""
    readings, faults = [], []
    for file in files:
        try:
            readings.append(read_file(file))
        except ReadError as error:
            faults.append(error)
    notes = _fault_notes(faults, len(files))
    for reading in readings:
        if len(reading.slices) > 1 < len(readings):
            one = reading.slices[0].file
            raise ReadError(
                one, f"it holds {len(reading.slices)} pages beside files of a slice each; open it by itself."
            )
    first = readings[0]
    formats = dict.fromkeys(reading.format for reading in readings)
    every = [note for reading in readings for note in reading.notes]
    if len({reading.spacing_mm for reading in readings}) > 1:
        every.append("The slices state different sizes of a pixel: that of the first is used.")
    return replace(
        first,
        slices=tuple(one for reading in readings for one in reading.slices),
        format=", ".join(formats),
        notes=tuple(dict.fromkeys((*every, *notes))),
    )


def _fault_notes(faults: Sequence[ReadError], count: int) -> tuple[str, ...]:
    """Notes on damaged files that are left out.

    Raises:
        ReadError: there are too many of them.
    """
    if len(faults) > _DAMAGED_SHARE * count:
        more = f" ({len(faults)} of {count} files cannot be read.)" if len(faults) > 1 else ""
        raise ReadError(faults[0].file, f"{faults[0].fault}{more}") from faults[0]
    notes = tuple(f"Left out of the stack: {fault}" for fault in faults[:_NAMED])
    return (*notes, f"{len(faults)} of {count} files are left out.") if len(faults) > _NAMED else notes


def _aside_note(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    more = " ..." if len(names) > _NAMED else ""
    is_are = "file beside the slices is" if len(names) == 1 else "files beside the slices are"
    return (f"{len(names)} {is_are} left aside ({', '.join(map(readable, names[:_NAMED]))}{more}).",)
