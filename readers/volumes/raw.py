"""Raw values without a header: a sidecar file (VGI text, JSON) or the user states their layout."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.images.kinds import RAW_SUFFIXES
from readers.request import FileSet
from readers.volumes.address import RawForm, VolumeAddress, raw_form
from readers.volumes.layout import Stored
from readers.volumes.volume import Placement, Volume, spacing_in_mm

_MOST_TEXT_BYTES = 1 << 18
_VGI_TYPES = {"unsigned integer": "u", "signed integer": "i", "integer": "i", "float": "f"}
_VGI_UNITS_MM = {"mm": 1.0, "um": 1e-3, "µm": 1e-3, "cm": 10.0, "m": 1000.0, "inch": 25.4}
_WORDS = 'such as {"shape": [60, 128, 128], "dtype": "uint16", "spacing_mm": 0.05}'


def form_beside(path: Path) -> Path | None:
    """Sidecar file with the layout of raw values: NAME.json, NAME.raw.json or NAME.vgi; None if there is none."""
    if path.suffix.lower() not in RAW_SUFFIXES:
        return None
    names = (f"{path.name}.json", f"{path.stem}.json", f"{path.name}.vgi", f"{path.stem}.vgi")
    files = FileSet(path.parent)
    return next((found for name in names if (found := files.find(name, path)) is not None), None)


def is_vgi(path: Path, head: bytes) -> bool:
    """Whether a file is the text that VGSTUDIO writes beside raw values."""
    return path.suffix.lower() == ".vgi" or (head.startswith(b"{volume") and b"[" in head)


def has_form(path: Path, _head: bytes) -> bool:
    """Whether raw values have a sidecar file with their layout."""
    return form_beside(path) is not None


def read_vgi(address: VolumeAddress) -> Volume:
    """The volume that a VGI text describes.

    Raises:
        ReadError: size, type or file name is missing, or the file of values is missing or too short.
    """
    path = address.file
    fields = _vgi_fields(path)
    name = fields.get("name", "")
    data = FileSet(path.parent).find(re.split(r"[/\\]", name)[-1], path) if name else None
    if data is None:
        raise ReadError(path, f"the file of its values, {name[:80] or 'which it does not name'}, is not beside it.")
    return _volume(address, path, data, _vgi_form(path, fields), "VGI")


def read_raw(address: VolumeAddress) -> Volume:
    """The volume of raw values, with the layout of the address or of the sidecar file.

    Raises:
        ReadError: no layout, an invalid one, or a file that is too short for it.
    """
    path = address.file
    if address.raw is not None:
        return _volume(address, path, path, address.raw, "raw")
    beside = form_beside(path)
    if beside is None:
        raise ReadError(
            path,
            "these are values without a header: give their shape and type, as --shape 60,128,128 --dtype uint16, or in "
            f"{path.name}.json beside it, {_WORDS}.",
        )
    if beside.suffix.lower() == ".vgi":
        return _volume(address, beside, path, _vgi_form(beside, _vgi_fields(beside)), "VGI")
    return _volume(address, beside, path, _json_form(beside), "raw")


def _volume(address: VolumeAddress, shown: Path, data: Path, form: RawForm, kind: str) -> Volume:
    stored = Stored(shown, data, form.dtype, tuple(reversed(form.shape)), form.skip)
    spacing, notes = (None, ()) if form.spacing_mm is None else spacing_in_mm(form.spacing_mm, Placement())
    voxels = stored.voxels(None)
    extra = data.stat().st_size - form.skip - int(np.prod(form.shape, dtype=object)) * form.dtype.itemsize
    if extra:
        notes = (*notes, f"{extra} bytes are left over after its voxels: is its shape right?")
    return Volume(
        name=address.file.name,
        format=kind,
        files=(data,) if shown == data else (shown, data),
        voxels=voxels,
        spacing_mm=spacing,
        warnings=notes,
        part=address.part,
    )


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MOST_TEXT_BYTES).decode("utf-8-sig", errors="replace")


def _json_form(path: Path) -> RawForm:
    try:
        stated = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise ReadError(path, f"it is no JSON; write the form of the values into it, {_WORDS}.") from error
    if not isinstance(stated, dict) or "shape" not in stated or "dtype" not in stated:
        raise ReadError(path, f"it states no shape and type of the values; write {_WORDS}.")
    order = stated.get("byte_order", stated.get("order", "little"))
    return raw_form(path, stated["shape"], stated["dtype"], order, stated.get("spacing_mm"), stated.get("skip", 0))


def _vgi_fields(path: Path) -> dict[str, str]:
    """Fields by lower-case key; later sections repeat keys, so the first occurrence counts."""
    fields: dict[str, str] = {}
    for line in _text(path).splitlines():
        key, mark, value = line.partition("=")
        if mark:
            fields.setdefault(key.strip().lower(), value.strip().strip('"'))
    return fields


def _vgi_form(path: Path, fields: dict[str, str]) -> RawForm:
    sizes = fields.get("size", "").split()
    kind = _VGI_TYPES.get(fields.get("datatype", "").lower(), "")
    bits = fields.get("bitsperelement", "")
    if len(sizes) != 3 or not kind or not bits.isdecimal() or int(bits) % 8:
        raise ReadError(path, "it states no size, type and bits of its values; export it again, or give their form.")
    factor = _VGI_UNITS_MM.get(fields.get("unit", "mm").lower(), 1.0)
    steps = fields.get("resolution", "").split()
    try:
        spacing = [float(one) * factor for one in reversed(steps)] if len(steps) == 3 else None
    except ValueError:
        spacing = None
    order = "big" if "big" in fields.get("endian", fields.get("byteorder", "")).lower() else "little"
    skip = fields.get("skipheader", "0") or "0"
    return raw_form(path, list(reversed(sizes)), f"{kind}{int(bits) // 8}", order, spacing, skip)
