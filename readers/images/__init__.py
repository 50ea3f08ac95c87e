"""Opens picture files as an ImageStack (``open_images``), and lists those of a folder (``list_images``).

A format is recognised by what is in the file. To add one: a module with ``read_x(path) -> Reading`` that reads the
header, checks the size it claims and leaves the decoding to the slices, and a line in ``kinds.FORMATS``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from readers.core.errors import ReadError
from readers.image_stack import ImageStack
from readers.images.dicom.series import list_series
from readers.images.folder import Contents, inside, look_into, sort_out
from readers.images.kinds import FORMATS, ImageFormat, is_zarr, read_file
from readers.images.slices import stack_of
from readers.images.stacking import stack_files
from readers.sniff import is_zip
from readers.volumes.address import address_of

__all__ = ["FORMATS", "ImageFormat", "list_images", "list_series", "open_images", "unpack_images"]

_PICTURES = "folder of pictures"


def open_images(
    path_or_paths: str | PathLike[str] | Sequence[str | PathLike[str]], *, root: str | PathLike[str] | None = None
) -> ImageStack:
    """Open a picture or a stack.

    Args:
        path_or_paths: a picture, a multi-page TIFF or a DICOM file; a file of a volume, whose axial planes are the
            slices, or those that its address names (``scan.nii.gz?axis=coronal``, :mod:`readers.volumes.address`); a
            folder or zip whose pictures are the slices of one stack; or these slices one by one. Slices are in natural
            order of their names, DICOM slices in that of their positions.
        root: a folder that no link may lead out of; for a folder by default the folder itself.

    Returns:
        the stack; its slices are decoded when they are asked for, the first one now.

    Raises:
        ReadError: no such file, an unknown format, a fault in a file, or files that make no stack; the message names
            the file and says what to do. Of a stack, a few damaged files are left out and named in ``warnings``.
    """
    several = [path_or_paths] if isinstance(path_or_paths, str | PathLike) else path_or_paths
    paths = [Path(fspath(path)) for path in several]
    if not paths:
        raise ReadError("no file", "nothing was given to open; choose a picture or a folder.")
    try:
        return _open(paths, None if root is None else Path(root))
    except (OSError, MemoryError) as error:
        fault = error.strerror if isinstance(error, OSError) and error.strerror else "there is not enough memory for it"
        raise ReadError(
            paths[0], f"it cannot be opened ({fault.lower()}); check the file and its permissions."
        ) from error


def list_images(folder: str | PathLike[str], root: str | PathLike[str] | None = None) -> list[Path]:
    """Pictures of a folder in natural order, each to be opened separately.

    Files are told by their content; a damaged file that is called a picture is among them, so that it is not passed
    over in silence. Folders inside and files that are no pictures are left out.

    Args:
        folder: where to look.
        root: a folder that no link may lead out of, by default ``folder``.

    Raises:
        ReadError: no such folder, or a link that leads out.
    """
    return list(look_into(Path(folder), None if root is None else Path(root)).pictures)


def unpack_images(archive: str | PathLike[str], folder: str | PathLike[str]) -> list[Path]:
    """Unpack a zip of pictures into an empty folder and list them, recursively.

    Raises:
        ReadError: a damaged zip, one that leads out or unpacks to too much, or no pictures in it.
    """
    return list(_unpacked(Path(archive), Path(folder)).pictures)


def _unpacked(archive: Path, folder: Path) -> Contents:
    from readers.archives.zip import unpack

    contents = sort_out(unpack(archive, folder, _PICTURES))
    if not contents.pictures:
        raise ReadError(archive, "there are no pictures in the zip; pack PNG, JPEG, TIFF or DICOM files.")
    return contents


def _open(paths: list[Path], root: Path | None) -> ImageStack:
    address = address_of(paths[0])
    if len(paths) == 1 and (address.part or is_zarr(address.file)):
        from readers.volumes.files import open_planes

        return open_planes(address, open_images)
    paths = [address.file, *paths[1:]]
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise ReadError(path, "there is no such file or folder; check the name.")
        if root is not None:
            inside(path, root)
    path = paths[0]
    if len(paths) > 1:
        return stack_of(path.parent.name or path.stem, stack_files(sort_out(paths), path))
    if path.is_dir():
        return stack_of(path.resolve().name, stack_files(look_into(path, root), path))
    if path.is_file() and is_zip(path):
        folder = tempfile.TemporaryDirectory(prefix="ecgviz-")
        try:
            return stack_of(path.stem, stack_files(_unpacked(path, Path(folder.name)), path), keep_alive=folder)
        except BaseException:
            folder.cleanup()
            raise
    return stack_of(path.stem, read_file(path))
