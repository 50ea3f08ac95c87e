"""Volumes written by other libraries, as people bring them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import SimpleITK
import tifffile
import zarr

SPACING = (0.3, 0.2, 0.1)


def ramp(shape: tuple[int, ...] = (5, 6, 7), dtype: str = "int16", seed: int = 0) -> np.ndarray:
    kind = np.dtype(dtype)
    low, high = (-50, 90) if kind.kind in "if" else (0, 200)
    return np.random.default_rng(seed).integers(low, high, shape).astype(kind)


def by_itk(path: Path, array: np.ndarray, *, compressed: bool = False, direction: np.ndarray | None = None) -> Path:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(tuple(reversed(SPACING)))
    if direction is not None:
        image.SetDirection(direction.ravel().tolist())
    SimpleITK.WriteImage(image, str(path), useCompression=compressed)
    return path


def by_hdf5(path: Path, array: np.ndarray, **options: object) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("exchange/data", data=array, **options).attrs["element_size_um"] = [300.0, 200.0, 100.0]
        file["exchange/theta"] = np.arange(9.0)
    return path


def by_zarr(path: Path, array: np.ndarray, version: int = 3) -> Path:
    group = zarr.open_group(str(path), mode="w", zarr_format=version)
    made = group.create_array("0", data=array, chunks=(2, 4, 4))
    made.attrs["spacing_mm"] = list(SPACING)
    return path


def by_hand(path: Path, array: np.ndarray, order: str = "<") -> Path:
    path.write_bytes(array.astype(array.dtype.newbyteorder(order)).tobytes())
    form = {"shape": array.shape, "dtype": array.dtype.name, "spacing_mm": SPACING}
    form["byte_order"] = "big" if order == ">" else "little"
    path.with_name(f"{path.name}.json").write_text(json.dumps(form))
    return path


def by_vgi(path: Path, array: np.ndarray) -> Path:
    array.tofile(path.with_suffix(".vol"))
    kinds = {"u": "unsigned integer", "i": "signed integer", "f": "float"}
    size = " ".join(map(str, reversed(array.shape)))
    path.write_text(
        "{volume1}\n[representation]\n"
        f"size = {size}\ndatatype = {kinds[array.dtype.kind]}\nbitsperelement = {array.dtype.itemsize * 8}\n"
        f"[file1]\nSkipHeader = 0\nFileFormat = raw\nSize = {size}\nName = D:\\scans\\{path.stem}.vol\n"
        "{volumeprimitive12}\n[geometry]\nresolution = 0.1 0.2 0.3\nunit = mm\n"
    )
    return path


def by_tiff(path: Path, array: np.ndarray) -> Path:
    sizes = dict(zip(("PhysicalSizeZ", "PhysicalSizeY", "PhysicalSizeX"), SPACING, strict=True))
    units = {f"{name}Unit": "mm" for name in sizes}
    tifffile.imwrite(path, array, ome=True, photometric="minisblack", metadata={"axes": "ZYX", **sizes, **units})
    return path


WRITERS: dict[str, Callable[[Path, np.ndarray], Path]] = {
    "a.nii": by_itk,
    "a.nii.gz": by_itk,
    "a.nrrd": by_itk,
    "a.nhdr": by_itk,
    "a.mha": by_itk,
    "a.mhd": by_itk,
    "packed.mha": lambda path, array: by_itk(path, array, compressed=True),
    "packed.nrrd": lambda path, array: by_itk(path, array, compressed=True),
    "a.h5": by_hdf5,
    "chunked.h5": lambda path, array: by_hdf5(path, array, chunks=(2, 3, 4), compression="gzip", shuffle=True),
    "a.zarr": by_zarr,
    "second.zarr": lambda path, array: by_zarr(path, array, 2),
    "a.raw": by_hand,
    "big.raw": lambda path, array: by_hand(path, array, ">"),
    "a.vgi": by_vgi,
    "a.ome.tif": by_tiff,
}
"""Name of a file -> what writes it."""
