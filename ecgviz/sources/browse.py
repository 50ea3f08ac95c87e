"""What lies below the data roots: folders to go into, and recordings to open."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.sources.roots import data_roots, inside_roots
from readers.archives.zip import records_among
from readers.core.file_names import readable

MOST = 500
"""Entries of a folder that are listed; of more it is better to type the name."""


@dataclass(frozen=True)
class Entry:
    """A folder or a recording.

    Attributes:
        name: as shown.
        address: what follows ``path:``; for a folder, what :func:`list_folder` takes.
    """

    name: str
    address: str


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes:
        name: of the folder, as shown; "" for the list of the roots.
        parent: what :func:`list_folder` takes for the folder above; None at the top.
        folders, records: in the order of their names.
        left_out: how many entries are not listed.
    """

    name: str
    parent: str | None
    folders: tuple[Entry, ...]
    records: tuple[Entry, ...]
    left_out: int = 0


def list_folder(path: str = "") -> Listing:
    """What lies in a folder below the data roots; the roots themselves for "".

    Files that belong to one WFDB record are one entry. Nothing that begins with a dot, and no link out of the roots, is
    listed.

    Raises:
        ReadError: no such folder, one outside of the roots, or one that cannot be read.
    """
    if not path:
        roots = [root for root in data_roots() if root.is_dir()]
        if len(roots) != 1:
            return Listing("", None, tuple(Entry(str(root), str(root)) for root in roots), ())
        path = str(roots[0])
    folder = inside_roots(path)
    try:
        with os.scandir(folder) as entries:
            found = sorted((one for one in entries if not one.name.startswith(".")), key=lambda one: one.name)
        inside = [Path(one.path) for one in found if not one.is_symlink() or _stays(one.path)]
        folders = [one for one in inside if one.is_dir()]
        files = [one for one in inside if one.is_file()]
    except OSError as error:
        fault = (error.strerror or "it cannot be read").lower()
        raise ReadError(folder, f"its contents cannot be listed ({fault}); choose a folder.") from error
    try:
        records = sorted(records_among(files, folder)) if files else []
    except ReadError:
        records = []  # it says that there is none, which an empty list says as well
    entries = [*((one, True) for one in folders), *((one, False) for one in records)]
    shown = entries[:MOST]
    return Listing(
        readable(_shown(folder)),
        None if folder in data_roots() and len(data_roots()) == 1 else _above(folder),
        tuple(Entry(readable(one.name), str(one)) for one, is_folder in shown if is_folder),
        tuple(Entry(readable(one.name), _address(one)) for one, is_folder in shown if not is_folder),
        len(entries) - len(shown),
    )


def records_in(address: str) -> Listing | None:
    """The folder at an address (``path:`` and what follows) that holds more than one recording; None for all else.

    Raises:
        ReadError: as :func:`list_folder`.
    """
    kind, _, rest = address.partition(":")
    if kind != "path" or not inside_roots(rest).is_dir():
        return None
    found = list_folder(rest)
    return found if len(found.records) > 1 or (found.folders and not found.records) else None


def _stays(path: str) -> bool:
    """Whether a link leads to a place below the roots."""
    try:
        inside_roots(path)
    except ReadError:
        return False
    return True


def _above(folder: Path) -> str:
    return "" if folder in data_roots() else str(folder.parent)


def _shown(path: Path) -> str:
    """A path as seen from its root, with the root's name."""
    root = next(one for one in data_roots() if path.is_relative_to(one))
    return str(Path(root.name) / path.relative_to(root))


def _address(path: Path) -> str:
    """The shortest name that opens a file: from its root on, where no other root has it, too."""
    root = next(one for one in data_roots() if path.is_relative_to(one))
    short = str(path.relative_to(root).with_suffix("") if path.suffix == ".hea" else path.relative_to(root))
    try:
        opened = inside_roots(short)
    except ReadError:
        return str(path)
    return short if opened in {path, path.with_suffix("")} else str(path)
