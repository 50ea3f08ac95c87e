"""Opens files of volumes, and their planes as a stack of slices.

The last few volumes are cached, since a compressed one is unpacked when it is first read.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from readers.core.errors import ReadError
from readers.image_stack import ImageStack
from readers.images.kinds import is_zarr, kind_of
from readers.images.slices import Reading, stack_of
from readers.volumes.address import AXES, VolumeAddress
from readers.volumes.from_stack import volume_of_stack
from readers.volumes.volume import Volume, reading_of

READERS = {
    "NIfTI": "nifti:read_nifti",
    "NRRD": "nrrd:read_nrrd",
    "MetaImage": "metaimage:read_metaimage",
    "HDF5": "hdf5:read_hdf5",
    "zarr": "zarr:read_zarr",
    "VGI": "raw:read_vgi",
    "raw": "raw:read_raw",
}
"""Name of a format -> "module:function" of this package."""
_MOST_OPEN = 2
_open: OrderedDict[str, tuple[Volume, tuple[tuple[int, int, int], ...]]] = OrderedDict()
_lock = threading.Lock()


OpenStack = Callable[[Path], ImageStack]


def volume_at(address: VolumeAddress, open_stack: OpenStack) -> Volume:
    """The volume at an address.

    Args:
        address: a volume file, a zarr folder, or pictures.
        open_stack: opens pictures as a stack.

    Raises:
        ReadError: no such file, not a volume, or a damaged one.
    """
    volume = open_file(address)
    if volume is not None:
        return volume
    if address != VolumeAddress(address.file, address.axis):
        raise ReadError(address.file, f"these are pictures, which {address.part[:80]!r} is not for; leave that out.")
    return replace(volume_of_stack(open_stack(address.file)), part=address.part)


def open_planes(address: VolumeAddress, open_stack: OpenStack) -> ImageStack:
    """The planes along the axis of an address as a stack of slices; arguments and errors as for :func:`volume_at`."""
    volume = volume_at(address, open_stack)
    return replace(stack_of(volume.name, reading_of(volume, address.along)), part=address.part)


def read_volume(path: Path) -> Reading:
    """The axial planes of a volume file as slices; for :mod:`readers.images.kinds`."""
    volume = open_file(VolumeAddress(path))
    assert volume is not None, path  # its kind has just been recognised
    return reading_of(volume, AXES.index("axial"))


def open_file(address: VolumeAddress) -> Volume | None:
    """The volume of a file or of a zarr folder; None for anything else, such as pictures.

    Raises:
        ReadError: no such file, or a damaged one.
    """
    kind = kind_of_volume(address)
    if not kind:
        return None
    key = f"{kind} {replace(address, axis=AXES[0])}"
    with _lock:
        kept = _open.get(key)
        if kept is not None and kept[1] == _stamps(kept[0].files):
            _open.move_to_end(key)
            return replace(kept[0], part=address.part)
    module, function = READERS[kind].split(":")
    volume: Volume = getattr(import_module(f"readers.volumes.{module}"), function)(address)
    with _lock:
        _open[key] = volume, _stamps(volume.files)
        while len(_open) > _MOST_OPEN:
            _open.popitem(last=False)
    return volume


def files_of(path: Path) -> tuple[Path, ...]:
    """A file, and those that its header names beside it where it is a volume of several files."""
    try:
        kind = kind_of(path)
        volume = open_file(VolumeAddress(path)) if kind is not None and kind.is_volume else None
    except ReadError:  # who reads it will say so
        volume = None
    return (path, *(one for one in volume.files if one != path)) if volume else (path,)


def kind_of_volume(address: VolumeAddress) -> str:
    """Format of a volume; empty for pictures and other files.

    Raises:
        ReadError: no such file.
    """
    if is_zarr(address.file):
        return "zarr"
    if address.file.is_dir():
        return ""
    if not address.file.exists():
        raise ReadError(address.file, "there is no such file or folder; check the name.")
    if address.raw is not None:
        return "raw"
    kind = kind_of(address.file)
    return kind.name if kind is not None and kind.name in READERS else ""


def _stamps(files: Sequence[Path]) -> tuple[tuple[int, int, int], ...]:
    """Size, modification time and inode of files; missing files are skipped."""
    return tuple((one.st_size, one.st_mtime_ns, one.st_ino) for file in files if (one := _state(file)) is not None)


def _state(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None
