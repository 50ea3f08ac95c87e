"""Atomic file writes, growing tables, and checks that a path is writable before long work starts."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from models.core.errors import ReadError


@contextmanager
def rows_file(
    path: str | PathLike[str], columns: Sequence[str], encoding: str = "utf-8"
) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """A CSV file written row by row, so that an interruption keeps the rows so far.

    Args:
        path: a file, replaced, or a device or pipe.
        columns: its first line, written at once.
        encoding: of the text; "utf-8-sig" for a table that spreadsheets are to open.

    Yields:
        what writes a row, on its way to the disk when it returns.

    Raises:
        ReadError: it cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w", newline="", encoding=encoding, errors="backslashreplace")
    except OSError as error:
        raise unwritable(path, error.strerror) from error
    writer = csv.DictWriter(stream, columns, lineterminator="\n")

    def write(row: Mapping[str, object]) -> None:
        try:
            writer.writerow(row)
            stream.flush()
        except OSError as error:
            raise unwritable(path, error.strerror) from error

    with stream:
        write(dict(zip(columns, columns, strict=True)))
        yield write


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file atomically: after a crash there is the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk is not to hold half a file too
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def write_file(path: str | PathLike[str], content: bytes | str) -> Path:
    """Write a user's output file atomically; creates its folder, text is UTF-8.

    Raises:
        ReadError: it cannot be written.
    """
    path = Path(path)
    blob = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(blob)  # a link stays one, and /dev/stdout or a pipe is no file to be replaced
        else:
            write_whole(path, blob)
    except OSError as error:
        raise unwritable(path, error.strerror) from error
    return path


def file_to_write(path: str | PathLike[str]) -> Path:
    """The path, if a file can be written there; creates nothing.

    Long work asks this before it begins. It serves as ``type`` of an argument of a command line.

    Raises:
        ReadError: it cannot be.
    """
    return _place(Path(path), folder=False)


def folder_to_write(path: str | PathLike[str]) -> Path:
    """The path, if it is or can become a writable folder; creates nothing.

    Raises:
        ReadError: it cannot.
    """
    return _place(Path(path), folder=True)


def unwritable(path: str | PathLike[str], why: str | None) -> ReadError:
    """The error for a path that cannot be written to."""
    return ReadError(path, f"cannot be written ({why or 'for no reason that is told'}); choose another place")


def _place(path: Path, *, folder: bool) -> Path:
    try:
        there = next((place for place in (path, *path.parents) if place.exists()), Path())
        if there != path or folder:
            fault = "" if there.is_dir() else f"{'it' if there == path else there.name} is no folder"
        else:
            fault = "it is a folder" if there.is_dir() else ""
            # A file is replaced, which takes the right to its folder; a device or a pipe is written into.
            there = path.parent if path.is_file() else path
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise unwritable(path, error.strerror) from error
    if not fault and not os.access(there, os.W_OK | (os.X_OK if there.is_dir() else 0)):
        fault = f"you may not write to {there.name or there}"
    if fault:
        raise unwritable(path, fault)
    return path
