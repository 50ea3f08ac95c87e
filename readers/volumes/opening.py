"""Opens a volume from a volume file or from a stack of pictures."""

from __future__ import annotations

from os import PathLike

from readers.images import open_images
from readers.volumes.address import AXES, VolumeAddress, address_of, with_options
from readers.volumes.files import volume_at
from readers.volumes.volume import Volume

__all__ = ["AXES", "Volume", "VolumeAddress", "address_of", "open_volume"]


def open_volume(path: str | PathLike[str], **options: str) -> Volume:
    """Open a volume; planes are read on demand.

    Args:
        path: a volume file, a stack of pictures (a folder, a multi-page TIFF, a DICOM series, a zip of one), or such a
            path with options after a question mark.
        options: axis, dataset, number, shape, dtype, order, spacing, skip, as in :func:`readers.volumes.address_of`.

    Raises:
        ReadError: no such file, not a volume, or a damaged one; the message suggests a remedy.
    """
    return volume_at(with_options(address_of(path), options), open_images)
