"""Every file below a folder of pictures: the pictures, and what lies beside them with the reason it is left aside.

Storage systems, editors and annotation tools leave files in every folder that people use: thumbnails, indices, masks.
None of them is a part, and none of them may vanish without a word: a file that is not a picture to judge is an
:class:`Aside`. Names are compared as Unicode NFC without case, since macOS stores them decomposed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from readers.core.errors import ReadError
from readers.images.companions import pair_masks, plain_name
from readers.images.folder import MAX_FILES, inside
from readers.images.kinds import called_picture, is_zarr, kind_of, other_kind
from readers.images.naming import natural_order

AsideKind = Literal["junk", "companion", "unread"]
_JUNK_FOLDERS = {
    "@eadir": "a preview that a storage system made",
    ".ipynb_checkpoints": "a copy that an editor made",
    "__macosx": "a companion file of macOS",
    ".appledouble": "a companion file of macOS",
    "$recycle.bin": "deleted",
    "system volume information": "a file of the operating system",
    "lost+found": "a file of the operating system",
    "__pycache__": "a cache",
}
_JUNK_FILES = {
    "thumbs.db": "a cache of thumbnails",
    "ehthumbs.db": "a cache of thumbnails",
    "desktop.ini": "a setting of the operating system",
    "dicomdir": "the index of a disc",
    "checkpoint": "a note of a training",
}
_PREVIEW_FOLDERS = {"thumb", "thumbs", "thumbnail", "thumbnails", ".thumbnails", "preview", "previews"}
_PREVIEW_MARKS = ("_thumb", "-thumb", ".thumb", "_thumbnail", "-thumbnail", "_preview", "-preview", "_small")
_TEXT = {
    ".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".pdf", ".ini", ".log", ".xlsx", ".xls",
    ".docx", ".py", ".ipynb", ".cfg", ".toml", ".sha256", ".md5", ".names",
}  # fmt: skip
_NOT_READ = {
    ".raw": "raw values without a header", ".vol": "raw values without a header", ".zarr": "a zarr array",
    ".npy": "a NumPy array", ".npz": "NumPy arrays", ".mat": "a MATLAB file", ".gz": "a compressed file",
    ".zip": "a zip", ".7z": "an archive", ".rar": "an archive", ".tar": "an archive", ".txrm": "a Zeiss volume",
    ".txm": "a Zeiss volume", ".vtk": "a VTK file", ".vti": "a VTK volume", ".stl": "a mesh", ".czi": "a Zeiss picture",
    ".dng": "a raw photograph", ".cr2": "a raw photograph", ".nef": "a raw photograph", ".arw": "a raw photograph",
}  # fmt: skip


_VALUES = {".raw", ".zraw", ".vol", ".bin", ".img", ".gz"}
_HEADERS = (".mhd", ".nhdr", ".hdr", ".vgi")
_MOST_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class Aside:
    """A file below a folder that is not judged.

    Attributes:
        path: the file.
        reason: what it is, for people.
        kind: "junk" (nothing of a part in it), "companion" (a mask, a table, a note), or "unread": it may hold a part
            and is not read.
    """

    path: Path
    reason: str
    kind: AsideKind


@dataclass(frozen=True)
class Listing:
    """All files below a folder: each is a picture or an :class:`Aside`.

    Attributes:
        root: the folder.
        pictures: what is to be judged, folder by folder in natural order; also damaged files that are called pictures.
        aside: all others.
        masks: the mask of a picture, by the picture; each mask is among ``aside``.
    """

    root: Path
    pictures: tuple[Path, ...]
    aside: tuple[Aside, ...]
    masks: dict[Path, Path] = field(default_factory=dict)


def list_tree(root: Path) -> Listing:
    """Sort all files below a folder into pictures and what lies beside them.

    Args:
        root: the folder; nothing outside of it is looked at.

    Raises:
        ReadError: no such folder, a link that leads out of it, or more than ``MAX_FILES`` files.
    """
    if not root.is_dir():
        raise ReadError(root, "there is no such folder; check the name.")
    pictures: list[Path] = []
    aside: list[Aside] = []
    for path, junk in _files(root):
        found = Aside(path, junk, "junk") if junk else _told_by_content(path)
        if found is None:
            pictures.append(path)
        else:
            aside.append(found)
    return _without_companions(root, pictures, aside)


def _files(root: Path) -> Iterator[tuple[Path, str]]:
    """Every file below the root, folder by folder, with the reason where its name or folder says that it is junk."""
    to_do, count = [(root, "")], 0
    while to_do:
        folder, junk = to_do.pop()
        try:
            entries = natural_order(folder.iterdir())
        except OSError as error:
            raise ReadError(folder, "the folder cannot be read; check its permissions.") from error
        below = []
        for entry in entries:
            if entry.is_symlink():
                inside(entry, root)
            if entry.is_dir() and not is_zarr(entry):
                if not entry.is_symlink():  # what it leads to lies below the root and is found there
                    below.append((entry, junk or _junk_folder(entry.name)))
                continue
            count += 1
            if count > MAX_FILES:
                raise ReadError(root, f"it holds more than {MAX_FILES} files; give fewer at once.")
            yield entry, junk or _junk_file(entry.name)
        to_do += reversed(below)


def _junk_folder(name: str) -> str:
    plain = plain_name(name)
    return _JUNK_FOLDERS.get(plain, "in a hidden folder" if plain.startswith(".") else "")


def _junk_file(name: str) -> str:
    plain = plain_name(name)
    if plain.startswith("._"):
        return "a companion file of macOS"
    if plain.startswith(".") and plain != ".":
        return "a hidden file"
    return _JUNK_FILES.get(plain, "")


def _told_by_content(path: Path) -> Aside | None:
    """None for a picture or volume: by its content, or because it is called so."""
    if not path.is_file():
        return None if is_zarr(path) else Aside(path, "no ordinary file", "unread")
    if (header := _header_of(path)) is not None:
        return Aside(path, f"the values of {header.name}", "companion")
    what = other_kind(path)
    # A picture of a kind that is not read gets its row and its error.
    if called_picture(path) or kind_of(path) is not None or "picture" in what or "photograph" in what:
        return None
    named = _NOT_READ.get(path.suffix.lower(), "")
    if named or what:
        return Aside(path, f"{named or what}, which is not read", "unread")
    if path.suffix.lower() in _TEXT:
        return Aside(path, "text or a table, no picture", "companion")
    return Aside(path, "of no known kind, which is not read", "unread")


def _header_of(path: Path) -> Path | None:
    """The header of a volume beside the file of its values, which it names; None for any other file."""
    if path.suffix.lower() not in _VALUES:
        return None
    for ending in _HEADERS:
        header = path.with_name(path.name.partition(".")[0] + ending)
        if header.is_file() and kind_of(header) is not None:
            with header.open("rb") as file:
                begin = file.read(_MOST_HEADER_BYTES)
            if path.name.encode() in begin or (ending == ".hdr" and ".img" in path.name.lower()):
                return header
    return None


def _without_companions(root: Path, pictures: Sequence[Path], aside: list[Aside]) -> Listing:
    """Take thumbnails and masks out of the pictures: what another picture below the root goes with."""
    names = {(path.parent, plain_name(path.stem)) for path in pictures}
    previews = {path for path in pictures if _is_preview(path, names)}
    left = [path for path in pictures if path not in previews]
    masks, lonely = pair_masks(root, left)
    owners = {mask: picture for picture, mask in masks.items()}
    for path in pictures:
        if path in previews:
            aside.append(Aside(path, "a small copy of another picture", "junk"))
        elif path in owners:
            aside.append(Aside(path, f"the mask of {owners[path].name}", "companion"))
        elif path in lonely:
            aside.append(Aside(path, "a mask without its picture", "companion"))
    gone = previews | set(owners) | set(lonely)
    return Listing(root, tuple(path for path in pictures if path not in gone), tuple(aside), masks)


def _is_preview(path: Path, names: set[tuple[Path, str]]) -> bool:
    """Whether a picture is a small copy by its name or folder, of one that is there."""
    stem = plain_name(path.stem)
    if plain_name(path.parent.name) in _PREVIEW_FOLDERS:
        marked = (stem, *(stem.removesuffix(mark) for mark in _PREVIEW_MARKS))
        return any((path.parent.parent, name) in names for name in marked)
    return any(stem.endswith(mark) and (path.parent, stem.removesuffix(mark)) in names for mark in _PREVIEW_MARKS)
