"""Arrays of HDF5 files (including NeXus and tomography files) by their path within the file.

An HDF5 file may refer to other files: external links, external storage and virtual arrays are never followed.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.volumes.address import VolumeAddress
from readers.volumes.arrays import ArrayForm, spacing_of, the_array
from readers.volumes.unpacked import ChunkedVoxels
from readers.volumes.volume import Volume
from readers.volumes.voxels import ArrayVoxels, FlatVoxels, Neighbours, Voxels

if TYPE_CHECKING:
    import h5py

_DAMAGED = "this HDF5 file is damaged or truncated ({error}); copy it again."
_MOST_ARRAYS = 10_000
_DEFLATE, _FILTERS = (
    1,
    {1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"},
)
_TRUSTED_BYTES = 1 << 20
"""Compressed chunks up to this size unpack to at most 1 GB; larger ones are test-unpacked before h5py reads them."""


def read_hdf5(address: VolumeAddress) -> Volume:
    """The volume at a path of an HDF5 file.

    Raises:
        ReadError: damaged file, no such array, several arrays and none chosen, values stored in other files, or a
            compression filter that h5py does not include.
    """
    import h5py

    path = address.file
    with decoding(path, _DAMAGED, OSError), h5py.File(path, "r") as file:
        found = _arrays(file)
    name = the_array(path, address.dataset, found, "HDF5 file")
    with decoding(path, _DAMAGED, OSError), h5py.File(path, "r") as file:
        dataset = file[name]
        shape, dtype, chunks = dataset.shape, dataset.dtype, dataset.chunks
        outside = bool(dataset.external) or dataset.is_virtual
        filters, offset = _filters(dataset), dataset.id.get_offset()
        attributes = {
            one: dataset.attrs.get(one) for one in ("spacing_mm", "element_size_um", "spacing", "voxel_size", "unit")
        }
    if outside:
        raise ReadError(path, f"the values of {name} lie in other files, which are not followed; copy them into it.")
    if unread := [one for one in filters if one not in _FILTERS]:
        raise ReadError(path, f"{name} is compressed by filter {unread[0]}, which is not read; save it with gzip.")
    form = ArrayForm(path, shape, dtype, address.number)
    spacing, notes = spacing_of(attributes.get)
    pieces = form.chunks(path, chunks)
    if offset is not None and not chunks and form.samples == 1 and len(shape) == 3:
        flat = FlatVoxels(path, path, offset, form.shape, form.dtype)
        flat.check_length()
        voxels: Voxels = flat
    else:
        take = _Taken(path, name, form, checked=_DEFLATE in filters)
        voxels = ChunkedVoxels(ArrayVoxels(path, take, form.shape, form.dtype, pieces, form.samples))
    return Volume(
        name=f"{path.name}, {name}",
        format="HDF5",
        files=(path,),
        voxels=Neighbours(voxels),
        spacing_mm=spacing,
        warnings=notes,
        part=address.part,
    )


class _Taken:
    """Reads slices of a dataset; the file is open during each read only."""

    def __init__(self, path: Path, name: str, form: ArrayForm, *, checked: bool):
        self._path, self._name, self._form = path, name, form
        self._to_check = checked

    def __call__(self, slices: tuple[slice, ...]) -> np.ndarray:
        import h5py

        with decoding(self._path, _DAMAGED, OSError), h5py.File(self._path, "r") as file:
            dataset = file[self._name]
            suspect = _suspects(dataset) if self._to_check else []
            self._to_check = False
        if suspect:
            raise ReadError(self._path, "a piece of it unpacks to more than it states; it was not opened.")
        with decoding(self._path, _DAMAGED, OSError), h5py.File(self._path, "r") as file:
            found = np.asarray(file[self._name][self._form.key(slices)])
        return self._form.shaped(found)


def _arrays(file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Numeric arrays and their shapes; external links are not followed."""
    import h5py

    found: dict[str, tuple[int, ...]] = {}

    def visit(name: str, member: Any) -> bool | None:
        if (
            isinstance(member, h5py.Dataset)
            and member.shape
            and len(member.shape) > 1
            and member.dtype.kind in "buifcV"
        ):
            found[name] = tuple(int(one) for one in member.shape)
        return True if len(found) >= _MOST_ARRAYS else None

    file.visititems(visit)
    return found


def _filters(dataset: h5py.Dataset) -> list[int]:
    properties = dataset.id.get_create_plist()
    return [int(properties.get_filter(place)[0]) for place in range(properties.get_nfilters())]


def _suspects(dataset: h5py.Dataset) -> list[int]:
    """Chunks that unpack to more than the chunk size; HDF5 itself would allocate memory for all of it."""
    whole = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
    suspects = []
    for place in range(dataset.id.get_num_chunks()):
        info = dataset.id.get_chunk_info(place)
        if info.size <= _TRUSTED_BYTES or info.filter_mask:
            continue
        _, packed = dataset.id.read_direct_chunk(info.chunk_offset)
        if len(zlib.decompressobj().decompress(bytes(packed), whole + 5)) > whole + 4:
            suspects.append(place)
    return suspects
