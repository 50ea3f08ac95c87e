"""Shared by formats with one block of values: several volumes in a file, colours, and the offset of the values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.volumes.unpacked import Packed, UnpackedVoxels, unpacked
from readers.volumes.volume import check_shape, check_values
from readers.volumes.voxels import FlatVoxels, Neighbours, Voxels


@dataclass(frozen=True)
class Stored:
    """Layout of the stored values as the header states it.

    Attributes:
        shown: file named in errors.
        file: file that holds the values.
        dtype: type of a value, with its byte order.
        sizes: length of each axis, the fastest first.
        offset: bytes before the first value; of compressed values, in the unpacked stream.
        samples: values per voxel (colours); they vary faster than the first axis.
        method: compression, "gzip", "zlib" or "bzip2"; empty for uncompressed values.
        stream: bytes before the compressed stream.
    """

    shown: Path
    file: Path
    dtype: np.dtype
    sizes: Sequence[int]
    offset: int
    samples: int = 1
    method: str = ""
    stream: int = 0

    def voxels(self, number: int | None) -> Voxels:
        """The voxels of one volume, checked against the length of the file.

        Args:
            number: which of several volumes (a fourth axis), from 1.

        Raises:
            ReadError: not a volume, several volumes without a number, or a truncated file.
        """
        check_values(self.shown, self.dtype)
        sizes = [int(one) for one in self.sizes]
        if self.offset < 0 or self.offset > 2**48:
            raise ReadError(self.shown, f"its values cannot begin at byte {self.offset}; export it again.")
        spatial = [*sizes, 1, 1][:3]
        shape = check_shape(self.shown, tuple(reversed(spatial)) if len(sizes) > 1 else tuple(sizes))
        count = which_volume(self.shown, sizes[3:], number)
        each = int(np.prod(shape, dtype=object)) * self.dtype.itemsize * self.samples
        offset = self.offset + count * each
        if self.method:
            packed = Packed(self.file, self.method, self.stream, offset)
            found: UnpackedVoxels | FlatVoxels = unpacked(self.shown, packed, shape, self.dtype, self.samples)
        else:
            found = FlatVoxels(self.file, self.shown, offset, shape, self.dtype, self.samples)
            found.check_length()
        return Neighbours(found)


def which_volume(file: Path, beyond: Sequence[int], number: int | None) -> int:
    """Index of the volume to read, from 0.

    Args:
        file: named in errors.
        beyond: lengths of the axes beyond the third.
        number: given by the user, from 1.

    Raises:
        ReadError: several volumes and none chosen, or no volume of that number.
    """
    if any(one < 1 for one in beyond):
        raise ReadError(file, "it states an axis without values, so there is nothing in it; export it again.")
    count = int(np.prod([*beyond, 1], dtype=object))
    if count > 1 and number is None:
        raise ReadError(file, f"it holds {count} volumes (4D); choose one by its number, such as {file.name}?number=1.")
    if number is not None and number > count:
        raise ReadError(file, f"it holds {count} and no volume {number}; choose from 1 to {count}.")
    return (number or 1) - 1
