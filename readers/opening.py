"""Opens a file as a Recording (``open_recording``), with the table of formats.

A format is recognised by what is in the file; a suffix only helps where the bytes say nothing (WFDB signal files).
To add one: a module with ``read_x(request) -> Recording`` and a line in ``FORMATS``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from readers.archives.packed import is_packed, unpack_single
from readers.channels.lead_order import in_standard_order
from readers.channels.leads import distinct, millivolts_per
from readers.core.errors import ReadError
from readers.core.file_names import readable
from readers.other_formats import name_format
from readers.recording import Recording, SignalSource
from readers.request import FileSet, NeedsDetails, Request, check_fs
from readers.sniff import (
    has_lists,
    is_atc,
    is_dicom,
    is_edf,
    is_json,
    is_mat,
    is_numpy,
    is_table,
    is_wfdb,
    is_zip,
    why_not,
)

__all__ = ["FORMATS", "Format", "NeedsDetails", "open_recording"]


@dataclass(frozen=True)
class Format:
    """One file format.

    Attributes:
        name: as shown to people.
        files: the usual suffixes.
        recognise: whether a file is of this format, from the file set and its first bytes.
        reader: "module:function" in :mod:`readers`, imported when the first such file is opened.
    """

    name: str
    files: str
    recognise: Callable[[Request, bytes], bool]
    reader: str

    def read(self, request: Request) -> Recording:
        """Open a file of this format."""
        module, function = self.reader.split(":")
        recording: Recording = getattr(import_module(f"readers.{module}"), function)(request)
        return recording


FORMATS = (
    Format("DICOM waveform", ".dcm", is_dicom, "dicom.waveform:read_dicom"),
    Format("EDF, EDF+, BDF", ".edf .bdf", is_edf, "edf.reader:read_edf"),
    Format("MATLAB with val (CinC)", ".mat", is_mat, "mat.reader:read_mat"),
    Format("NumPy", ".npy .npz", is_numpy, "numpy.reader:read_numpy"),
    Format("WFDB", ".hea .dat .atr", is_wfdb, "wfdb.reader:read_wfdb"),
    Format("AliveCor (Kardia)", ".atc", is_atc, "atc.reader:read_atc"),
    Format("JSON", ".json .jsonl", is_json, "json.reader:read_json"),
    Format("CSV with lists", ".csv", has_lists, "delimited.lists:read_lists"),
    Format("CSV, TSV", ".csv .tsv .txt", is_table, "delimited.reader:read_delimited"),
)
_HEAD_BYTES, _PACKED = 65_536, b"PK\x03\x04"


def open_recording(
    path_or_paths: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    fs: float | None = None,
    unit: str | None = None,
    lead_names: Sequence[str] | None = None,
) -> Recording:
    """Open one recording.

    Args:
        path_or_paths: a file; a WFDB record's name without suffix; a folder or zip that holds exactly one
            record; or all files of one record, such as an upload.
        fs: sampling frequency in Hz, for files that do not state it.
        unit: unit of the values (mV, uV, V or unknown), for files that do not state it.
        lead_names: names for the leads, in the file's order. Twelve without a name get the standard ones if they obey
            Einthoven's law.

    Returns:
        the Recording; its samples are decoded when they are asked for.

    Raises:
        NeedsDetails: ``fs`` or ``unit`` has to be given.
        ReadError: no such file, an unknown format, or a fault in the file; the message says which and what to do.
    """
    several = [path_or_paths] if isinstance(path_or_paths, str | PathLike) else path_or_paths
    paths = [Path(fspath(path)) for path in several]
    if not paths:
        raise ReadError("no file", "nothing was given to open; choose the files of a record.")
    details: dict[str, Any] = {
        "fs": None if fs is None else check_fs(paths[0], fs, given=True),
        "unit": _checked_unit(paths[0], unit),
        "lead_names": None if lead_names is None else tuple(lead_names),
    }
    try:
        recording = _open(paths, details)
    except (OSError, MemoryError) as error:
        fault = error.strerror if isinstance(error, OSError) and error.strerror else "there is not enough memory for it"
        raise ReadError(
            paths[0], f"it cannot be opened ({fault.lower()}); check the file and its permissions."
        ) from error
    recording = replace(recording, name=readable(recording.name))
    return in_standard_order(recording) if lead_names is None else _renamed(recording, paths[0], tuple(lead_names))


def _open(paths: list[Path], details: dict) -> Recording:
    from readers.archives.zip import pick_record, unpack

    if len(paths) > 1:
        missing = next((path for path in paths if not path.is_file()), None)
        if missing is not None:
            raise ReadError(missing, "there is no such file; check the name.")
        return _read(Request(pick_record(paths, paths[0]), FileSet.of(paths), **details))
    path = _existing(paths[0])
    if path.is_dir():
        files = [entry for entry in sorted(path.iterdir()) if entry.is_file() and not entry.name.startswith(".")]
        return _read(Request(pick_record(files, path), FileSet(path), **details))
    if not is_zip(path):
        return _read(Request(path, FileSet(path.parent), **details))
    if (why := name_format(path, _PACKED)) is not None:
        raise _unreadable(path, why)

    def picked(folder: Path) -> Recording:
        record = pick_record(unpack(path, folder), path)
        return _read(Request(record, FileSet(record.parent), **details))

    return _unpacked(picked)


def _unpacked(read: Callable[[Path], Recording]) -> Recording:
    """The recording that ``read`` opens after unpacking into a folder, which lives as long as the recording."""
    folder = tempfile.TemporaryDirectory(prefix="ecgviz-")
    try:
        recording = read(Path(folder.name))
    except BaseException:
        folder.cleanup()
        raise
    return _holding(folder, recording)


def _holding(folder: tempfile.TemporaryDirectory, recording: Recording) -> Recording:
    """The recording with a source that keeps the folder, also for channels chosen later."""
    widen = recording.widen
    later = None if widen is None else lambda name: _holding(folder, widen(name))
    return replace(recording, source=_UnpackedSource(recording.source, folder), widen=later)


class _UnpackedSource:
    """Source over unpacked files; the folder is removed with the recording's last reference."""

    def __init__(self, source: SignalSource, folder: tempfile.TemporaryDirectory):
        self._source = source
        self._folder = folder

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, float32 (stop - start, n_leads)."""
        return self._source.read(start, stop)


def _existing(path: Path) -> Path:
    """The file or folder, or the header of the WFDB record with that name."""
    headers = [path.with_name(path.name + suffix) for suffix in (".hea", ".HEA")] if path.name else []
    header = next((header for header in headers if header.is_file()), None)
    if path.exists() and not (path.is_dir() and header is not None):
        return path
    if header is not None:
        return header
    raise ReadError(path, "there is no such file or WFDB record; check the name.")


def _read(request: Request, *, was_packed: bool = False) -> Recording:
    if not request.path.is_file():
        raise ReadError(request.path, "it is no ordinary file; give a recording.")
    with request.path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise ReadError(request.path, "the file is empty; copy it again.")
    if not was_packed and is_packed(request.path):

        def single(folder: Path) -> Recording:
            path = unpack_single(request.path, folder)
            return _read(replace(request, path=path, files=FileSet(folder)), was_packed=True)

        return _unpacked(single)
    for row in FORMATS:
        if row.recognise(request, head):
            return row.read(request)
    raise _unreadable(request.path, why_not(request.path, head))


def _unreadable(path: Path, why: str) -> ReadError:
    readable = ", ".join(f"{row.name} ({row.files})" for row in FORMATS)
    return ReadError(
        path,
        f"{why} Readable are {readable}, one of them compressed by gzip, bzip2 or xz, and a zip or folder with one "
        "such record.",
    )


def _checked_unit(path: Path, unit: str | None) -> str | None:
    if unit is None or unit.strip().lower() == "unknown" or millivolts_per(unit) is not None:
        return None if unit is None else unit.strip()
    raise ReadError(path, f"the unit {unit[:20]!r} is no voltage; give mV, uV, V or unknown.")


def _renamed(recording: Recording, path: Path, names: tuple[str, ...]) -> Recording:
    if len(names) != len(recording.leads):
        raise ReadError(
            path, f"it has {len(recording.leads)} leads and {len(names)} names were given; give one for each."
        )
    return replace(recording, leads=distinct(names))
