"""Command line options for volumes: array, slicing axis, and layout of raw values."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ecgviz.analysis.coverage import ToInspect
from readers.images.kinds import RAW_SUFFIXES, is_zarr, kind_of
from readers.volumes.address import AXES, address_of, with_options

_WORDS = {
    "dataset": ("PATH", "of the array within an HDF5 file or zarr group"),
    "number": ("N", "which volume of a file with several (4D), from 1"),
    "shape": ("Z,Y,X", "voxels of values without a header"),
    "dtype": ("TYPE", "of values without a header: uint8, uint16, int16, float32"),
    "order": ("ORDER", "of the bytes of values without a header: little (default) or big"),
    "spacing": ("MM", "of values without a header: one number, or z,y,x"),
    "skip": ("BYTES", "before the first of values without a header"),
}


def add_volume_options(parser: argparse.ArgumentParser, *, axis: bool = True) -> None:
    """Add the options to a command; with ``axis`` also the slicing axis."""
    if axis:
        parser.add_argument("--axis", default="", choices=AXES, help="of a volume: the planes that are its slices")
    for name, (meta, words) in _WORDS.items():
        parser.add_argument(f"--{name}", default="", metavar=meta, help=words)


def volume_options(options: argparse.Namespace) -> dict[str, str]:
    """The given options, by their names in :func:`readers.volumes.address.with_options`."""
    found = {name: str(getattr(options, name, "") or "") for name in ("axis", *_WORDS)}
    return {name: value for name, value in found.items() if value}


def with_volume_options(found: ToInspect, options: Mapping[str, str]) -> ToInspect:
    """Apply the options to the volumes among the files to inspect; pictures are unchanged.

    Raises:
        ReadError: an invalid option.
    """
    if not options:
        return found
    return replace(found, paths=tuple(_with_options(path, options) for path in found.paths))


def _with_options(path: Path, options: Mapping[str, str]) -> Path:
    address = address_of(path)
    kind = kind_of(address.file)
    is_volume = address.part or is_zarr(address.file) or (kind is not None and kind.is_volume)
    is_raw = kind is None and "shape" in options and address.file.suffix.lower() in RAW_SUFFIXES
    return with_options(address, dict(options)).path() if is_volume or is_raw else path
