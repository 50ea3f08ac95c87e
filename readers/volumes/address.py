"""Addresses of volumes: a file and, after a question mark, options that its header does not state.

``scan.h5?dataset=exchange/data&axis=coronal`` is the array at that path, its coronal planes as slices;
``scan.raw?shape=60,128,128&dtype=uint16&spacing=0.05`` are values without a header. An address is a single path, so it
works wherever the path of a picture does: in a folder scan, a table or a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isfinite
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, quote

import numpy as np

from readers.core.errors import ReadError

AXES = ("axial", "coronal", "sagittal")
"""Names of the planes across the axes z, y and x of a volume (z, y, x)."""
_ORDERS: dict[str, Literal["<", ">"]] = {"little": "<", "big": ">"}
_KEYS = ("axis", "dataset", "number", "shape", "dtype", "order", "spacing", "skip")


@dataclass(frozen=True)
class RawForm:
    """Layout of a file of values without a header.

    Attributes:
        shape: voxels along z, y and x; x is the fastest in the file.
        dtype: type of a value, with its byte order.
        spacing_mm: from voxel to voxel along z, y and x; None if unknown.
        skip: bytes before the first value.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    spacing_mm: tuple[float, float, float] | None = None
    skip: int = 0


@dataclass(frozen=True)
class VolumeAddress:
    """Location of a volume, and the axis along which it is sliced.

    Attributes:
        file: the file, or the folder of a zarr array.
        axis: "axial", "coronal" or "sagittal": the planes that are its slices.
        dataset: path of the array within an HDF5 file or zarr group; empty if there is only one.
        number: which volume of a file with several (4D), from 1; None if not given.
        raw: layout of a file without a header.
    """

    file: Path
    axis: str = "axial"
    dataset: str = ""
    number: int | None = None
    raw: RawForm | None = field(default=None, compare=True)

    @property
    def along(self) -> int:
        """Index of the slicing axis in (z, y, x)."""
        return AXES.index(self.axis)

    @property
    def part(self) -> str:
        """What of the file it is, beside its usual reading; empty for that. Two addresses of one file differ in it."""
        query = {} if self.axis == AXES[0] else {"axis": self.axis}
        query |= {"dataset": self.dataset} if self.dataset else {}
        query |= {} if self.number is None else {"number": str(self.number)}
        if self.raw is not None:
            order = "big" if self.raw.dtype.byteorder == ">" else "little"
            query |= {"shape": ",".join(map(str, self.raw.shape)), "dtype": self.raw.dtype.name, "order": order}
            if self.raw.spacing_mm is not None:
                query["spacing"] = ",".join(f"{one:g}" for one in self.raw.spacing_mm)
            query |= {"skip": str(self.raw.skip)} if self.raw.skip else {}
        # A slash would make folders of it, and the name of the file would be that of the array.
        return "&".join(f"{name}={quote(value, safe=',')}" for name, value in query.items())

    def __str__(self) -> str:
        part = self.part
        return f"{self.file}?{part}" if part else str(self.file)

    def path(self) -> Path:
        """The address as a path."""
        return Path(str(self))


def address_of(path: str | PathLike[str]) -> VolumeAddress:
    """Parse a path as an address; an existing file with a question mark in its name is taken as that file.

    Raises:
        ReadError: an unknown option after the question mark, or an invalid value.
    """
    path = Path(fspath(path))
    text = str(path)
    if "?" not in text or path.exists():
        return VolumeAddress(path)
    name, _, query = text.rpartition("?")
    file = Path(name)
    if not file.exists():
        return VolumeAddress(path)  # an error then shows the name as it was given
    return with_query(VolumeAddress(file), query)


def with_query(address: VolumeAddress, query: str) -> VolumeAddress:
    """The address with the options of a query such as ``axis=coronal``.

    Raises:
        ReadError: as :func:`address_of`.
    """
    return with_options(address, dict(parse_qsl(query, keep_blank_values=True)))


def with_options(address: VolumeAddress, options: dict[str, str]) -> VolumeAddress:
    """Address with named options: axis, dataset, number, shape, dtype, order, spacing, skip; empty ones are dropped.

    Raises:
        ReadError: as :func:`address_of`.
    """
    given = {name: value.strip() for name, value in options.items() if value.strip()}
    file = address.file
    if unknown := next((name for name in given if name not in _KEYS), ""):
        raise ReadError(file, f"{unknown[:40]!r} means nothing of a volume; known are {', '.join(_KEYS)}.")
    axis = given.get("axis", address.axis)
    if axis not in AXES:
        raise ReadError(file, f"there is no axis {axis[:40]!r}; choose {', '.join(AXES)}.")
    number = _whole(file, "number", given["number"], 1) if "number" in given else address.number
    raw = address.raw
    if "shape" in given or "dtype" in given:
        raw = _raw_form(file, given)
    return replace(address, axis=axis, dataset=given.get("dataset", address.dataset), number=number, raw=raw)


def _raw_form(file: Path, given: dict[str, str]) -> RawForm:
    if "shape" not in given or "dtype" not in given:
        raise ReadError(file, "values without a header need both a shape (z,y,x) and a type (dtype); give both.")
    return raw_form(
        file,
        given["shape"].replace("x", ",").split(","),
        given["dtype"],
        given.get("order", "little"),
        given["spacing"].split(",") if "spacing" in given else None,
        given.get("skip", 0),
    )


def raw_form(
    file: Path, shape: object, dtype: object, order: object = "little", spacing: object = None, skip: object = 0
) -> RawForm:
    """The validated layout of a file without a header.

    Args:
        file: named in errors.
        shape: voxels along z, y and x.
        dtype: name of a NumPy type, such as "uint16".
        order: "little" or "big".
        spacing: mm along z, y and x, or one number for all.
        skip: bytes before the first value.

    Raises:
        ReadError: an invalid value.
    """
    sizes = list(shape) if isinstance(shape, list | tuple) else []
    if len(sizes) != 3:
        raise ReadError(file, "its shape has to be three numbers: voxels along z, y and x; correct it.")
    numbers = tuple(_whole(file, "shape", one, 1) for one in sizes)
    if str(order) not in _ORDERS:
        raise ReadError(file, f"there is no byte order {str(order)[:40]!r}; give little or big.")
    try:
        kind = np.dtype(str(dtype))
    except TypeError:
        kind = np.dtype(object)
    if kind.kind not in "iuf" or kind.itemsize > 8:
        raise ReadError(file, f"there is no type {str(dtype)[:40]!r} of voxels; give uint8, uint16, int16 or float32.")
    return RawForm(
        (numbers[0], numbers[1], numbers[2]),
        kind.newbyteorder(_ORDERS[str(order)]),
        _spacing(file, spacing),
        _whole(file, "skip", skip, 0),
    )


def _spacing(file: Path, spacing: Any) -> tuple[float, float, float] | None:
    if spacing is None:
        return None
    given = list(spacing) if isinstance(spacing, list | tuple) else [spacing]
    try:
        values = [float(one) for one in given]
    except (TypeError, ValueError):
        values = []
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not all(isfinite(one) and one > 0 for one in values):
        raise ReadError(file, "its spacing has to be one or three numbers above 0: mm along z, y and x; correct it.")
    return values[0], values[1], values[2]


def _whole(file: Path, name: str, value: object, least: int) -> int:
    try:
        number = int(str(value).strip())
    except ValueError:
        number = least - 1
    if number < least or number > 2**48:
        raise ReadError(file, f"{name} has to be a whole number from {least}, not {str(value)[:40]!r}; correct it.")
    return number
