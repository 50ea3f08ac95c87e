"""Accounts for every file at a path to inspect: a picture or stack to judge, or set aside with a reason.

A zip of several folders holds several parts: each folder is a stack, unpacked in the app's home under the hash of the
zip.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgviz.errors import ConfigError
from ecgviz.home import home_folder
from models.core.words import counted
from readers.core.file_names import readable
from readers.images import unpack_images
from readers.images.kinds import is_one_picture, is_zarr
from readers.images.listing import Aside, Listing, list_tree
from readers.sniff import is_zip

_NAMED = 5


@dataclass(frozen=True)
class ToInspect:
    """The files of an inspection.

    Attributes:
        paths: pictures, or folders and files that hold a stack each.
        aside: all other files, each with the reason.
    """

    paths: tuple[Path, ...]
    aside: tuple[Aside, ...] = ()

    def __add__(self, other: ToInspect) -> ToInspect:
        return ToInspect(self.paths + other.paths, self.aside + other.aside)


def to_inspect(path: str | Path) -> ToInspect:
    """List what to inspect at a path: the file itself, each folder of a zip, or every picture in a folder.

    A path that does not exist is returned as it is; its row of the table then has the error.

    Raises:
        ReadError: a link that leads out of the folder, or a zip that cannot be unpacked.
        ConfigError: the folder holds no picture.
    """
    path = Path(path)
    if path.is_file() and is_zip(path):
        return _of_zip(path)
    if not path.is_dir() or is_zarr(path):
        return ToInspect((path,))
    found = list_tree(path)
    if not found.pictures:
        beside = f" ({aside_words(found.aside)})" if found.aside else ""
        raise ConfigError(
            "path",
            f"{readable(path.resolve().name)} holds no picture{beside}; "
            "name one of PNG, JPEG, TIFF or DICOM files, or of volumes",
        )
    return ToInspect(found.pictures, found.aside)


def unpacked(archive: Path) -> Path:
    """Folder with the unpacked files of a zip, unpacked once; it has the zip's name, which reports show.

    Raises:
        ReadError: a damaged zip, paths that lead out of it, too large an unpacked size, or no pictures in it.
    """
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:32]
    folder = home_folder() / "unpacked" / digest / archive.name
    if not folder.is_dir():
        part = folder.parent.with_name(f"{digest}.part")
        shutil.rmtree(part, ignore_errors=True)
        inner = part / archive.name
        inner.mkdir(parents=True, mode=0o700)
        try:
            unpack_images(archive, inner)
            shutil.rmtree(folder.parent, ignore_errors=True)
            part.replace(folder.parent)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    return folder


def parts_of(listing: Listing) -> tuple[Path, ...]:
    """Folders of a listing that hold pictures, in order; each is one part."""
    return tuple(dict.fromkeys(picture.parent for picture in listing.pictures))


def _of_zip(archive: Path) -> ToInspect:
    listing = list_tree(unpacked(archive))
    parts = parts_of(listing)
    if any(not is_one_picture(one) for one in listing.pictures):
        return ToInspect(listing.pictures, listing.aside)  # each volume is a part
    return ToInspect(parts if len(parts) > 1 else (archive,), listing.aside)


def lost(aside: Iterable[Aside]) -> list[Aside]:
    """Files set aside that may hold a part but were not read; the inspection is then incomplete."""
    return [one for one in aside if one.kind == "unread"]


def aside_words(aside: Sequence[Aside]) -> str:
    """Summary of the files set aside, by reason; unread files that may hold a part come first, by name."""
    kinds = Counter(one.kind for one in aside)
    unread = lost(aside)
    words = []
    if unread:
        named = "; ".join(f"{readable(one.path.name)}: {one.reason}" for one in unread[:_NAMED])
        more = " ..." if len(unread) > _NAMED else ""
        words.append(f"{counted(len(unread), 'file')} not read ({named}{more})")
    if kinds["companion"]:
        words.append(f"{counted(kinds['companion'], 'file')} beside the pictures (masks, tables, notes)")
    if kinds["junk"]:
        words.append(f"{counted(kinds['junk'], 'file')} of systems and editors")
    return ", ".join(words)
