"""Lists a folder of pictures in natural order, and the other files in it.

Nothing outside the folder is looked at: a symbolic link that leads out of it is refused, not skipped, since whoever
set it wanted something read that was not chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from readers.core.errors import ReadError
from readers.images.kinds import called_picture, is_zarr, kind_of
from readers.images.naming import natural_order

MAX_FILES = 100_000


@dataclass(frozen=True)
class Contents:
    """Files of a folder.

    Attributes:
        pictures: those that are pictures by their content, and damaged ones that are called so, in natural order.
        strays: names of all other files, such as Thumbs.db.
    """

    pictures: tuple[Path, ...]
    strays: tuple[str, ...]


def inside(path: Path, root: Path) -> Path:
    """The path, if it resolves to something below ``root``.

    Raises:
        ReadError: a link leads out, or round in a circle.
    """
    try:
        resolved = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ReadError(path, "it is a link that leads nowhere; remove it.") from error
    if not resolved.is_relative_to(root.resolve()):
        raise ReadError(path, "it is a link that leads out of the chosen folder, which is not followed; copy the file.")
    return path


def look_into(folder: Path, root: Path | None = None) -> Contents:
    """Sort the files of a folder into pictures and others; not recursive.

    Args:
        folder: where to look.
        root: links may lead anywhere below it, by default below ``folder``.

    Raises:
        ReadError: no folder, one that cannot be read, a link that leads out, or too many files.
    """
    if not folder.is_dir():
        raise ReadError(folder, "there is no such folder; check the name.")
    root = folder if root is None else root
    inside(folder, root)
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise ReadError(folder, "the folder cannot be read; check its permissions.") from error
    if len(entries) > MAX_FILES:
        raise ReadError(folder, f"it holds {len(entries)} files; give at most {MAX_FILES} at once.")
    for entry in entries:
        if entry.is_symlink():
            inside(entry, root)
    return sort_out([entry for entry in entries if entry.is_file() or is_zarr(entry)])


def sort_out(files: Sequence[Path]) -> Contents:
    """Sort files into pictures and others by content; the files of a zarr array are one picture, its folder."""
    pictures, strays = [], []
    for file in natural_order(without_pieces(files)):
        hidden = file.name.startswith(".")
        named_so = called_picture(file)
        if is_zarr(file) or (not hidden and (named_so or kind_of(file) is not None)):
            pictures.append(file)
        else:
            strays.append(file.name)
    return Contents(tuple(pictures), tuple(strays))


def without_pieces(files: Sequence[Path]) -> list[Path]:
    """The files, those in the folder of a zarr array replaced by that folder, which is opened as one volume."""
    roots: dict[Path, Path | None] = {}

    def root_of(folder: Path) -> Path | None:
        if folder not in roots:
            above = root_of(folder.parent) if folder.parent != folder else None
            roots[folder] = above or (folder if is_zarr(folder) else None)
        return roots[folder]

    return list(dict.fromkeys(root_of(file.parent) or file for file in files))
