"""Real healthy slices as cells: defects are inserted in the same coordinates as in simulated ones.

The slices are those of `battery_ct` (see `docs/battery_ct_sim.md` for source and licence). Neighbours of the stack
are nearly identical, so contiguous blocks with several unused slices between them go to training, validation and
test. `winding_pair` is never read here: that pair is kept for evaluation. The 21700 slice of ndtomo may be used for
tests only, so it is in the test's part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy import ndimage

from models.core.errors import ReadError
from models.data.battery_ct_sim.cells import TURN, Band, Cell, lay_bands

WHITE_MU = 0.55
"""Attenuation, 1/mm, that is given to grey value 255 of the real pictures: about steel at their brightest wall."""
STACK_PX_MM = 0.03397
STACK = {
    "train": (*range(41, 46), *range(59, 80)),
    "validation": (49, 50, *range(84, 89)),
    "test": (54, 55, *range(93, 101)),
}
"""Slice numbers of the stack; 46-48, 51-53, 56-58, 80-83 and 89-92 are left out between the blocks."""
FIRST_WINDING = 62
"""First slice of the stack that shows windings; those before show lid and insulator."""
SINGLE = {
    "slice_18650_naion.png": ("train", 9.1, 0.19, 0.0294),
    "slice_aaa_liion.png": ("train", 5.2, 0.34, 0.0734),
    "slice_aaa_nimh.png": ("train", 5.2, 0.30, 0.12),
    "slice_pintype_liion.png": ("train", 2.0, 0.28, 0.0435),
    "slice_aaaa_alkaline.png": ("train", 4.1, 0.5, 0.1),
    "slice_21700_liion.png": ("validation", 10.5, 0.20, 0.0228),
    "slice_21700_ndtomo.tif": ("test", 10.5, 0.20, 0.0228),
    "slice_aaa_lifes2.png": ("test", 5.2, 0.33, 0.0813),
}
"""Part, radius in mm, and radius of the core and pitch as shares of that radius, measured in the pictures."""
_WOUND = ("swelling", "buckling", "particle", "void", "dent")
_SHARE = {"winding": 0.58, "lid": 0.16, "single": 0.26}


@dataclass(frozen=True)
class RealCell(Cell):
    """A real slice as a cell; ``name`` is its group, ``levels`` its spline coefficients at decreasing resolution."""

    name: str = ""
    centre_px: tuple[float, float] = (0.0, 0.0)
    pixel_mm: float = 1.0
    levels: tuple[np.ndarray, ...] = field(default=(), repr=False, compare=False)

    def attenuation(self, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
        level = int(np.clip(np.floor(np.log2(max(pixel_mm / self.pixel_mm, 1.0)) + 0.2), 0, len(self.levels) - 1))
        scale = self.pixel_mm * 2**level
        column = depth * np.cos(along) / scale + (self.centre_px[1] + 0.5) / 2**level - 0.5
        row = depth * np.sin(along) / scale + (self.centre_px[0] + 0.5) / 2**level - 0.5
        grey = ndimage.map_coordinates(self.levels[level], [row, column], order=3, prefilter=False, cval=0.0)
        # Outside the can there is air; the pictures' own borders must not turn up in turned views.
        grey = np.maximum(grey, 0) * np.clip((1.12 - depth / self.wall_mm) / 0.07, 0, 1)
        return lay_bands(grey * (WHITE_MU / 255), self, depth, along, pixel_mm)

    def record(self) -> dict[str, object]:
        return {"kind": self.kind, "name": self.name, "pixel_mm": self.pixel_mm, "wall_mm": self.wall_mm}

    def with_bands(self, bands: tuple[Band, ...]) -> RealCell:
        """The same slice with bands added."""
        return RealCell(**{**self.__dict__, "bands": bands})


@lru_cache(maxsize=4)
def real_cells(real_root: str, part: str) -> tuple[tuple[RealCell, ...], tuple[float, ...]]:
    """The real slices of a part and the sampling weight of each.

    Raises:
        ReadError: a slice is missing or is no picture.
    """
    root = Path(real_root)
    groups: dict[str, list[RealCell]] = {name: [] for name in _SHARE}
    for number in STACK[part]:
        kind = "winding" if number >= FIRST_WINDING else "lid"
        groups[kind].append(_open(root / "stack" / f"im{number:03d}.tif", 0.18, 0.0361, kind, pixel_mm=STACK_PX_MM))
    for name, (where, radius, core, pitch) in SINGLE.items():
        if where == part:
            kind = "granular" if "alkaline" in name else "winding"
            cell = _open(root / "single_slices" / name, core, pitch, kind, radius_mm=radius)
            groups["single"].append(cell)
    cells = tuple(cell for group in groups.values() for cell in group)
    shares = np.array([_SHARE[name] / len(group) for name, group in groups.items() for _ in group])
    return cells, tuple(shares / shares.sum())


def _open(
    file: Path, core: float, pitch: float, kind: str, *, pixel_mm: float = 0.0, radius_mm: float = 0.0
) -> RealCell:
    """A slice as a cell, its circle detected; ``core`` and ``pitch`` are fractions of its radius.

    One of ``pixel_mm`` and ``radius_mm`` says how large it is.
    """
    from skimage.io import imread

    try:
        picture = imread(file).astype(np.float32)
    except (OSError, ValueError) as error:
        raise ReadError(file, f"real background cannot be read ({error}); point real_root at battery_ct") from error
    if picture.ndim == 3:
        picture = picture[..., :3].mean(-1)
    row, column, radius = _circle(picture)
    pixel_mm = pixel_mm or radius_mm / radius
    radius_mm = radius * pixel_mm
    levels = [picture]
    while min(levels[-1].shape) > 300:
        small = levels[-1][: levels[-1].shape[0] // 2 * 2, : levels[-1].shape[1] // 2 * 2]
        levels.append(small.reshape(small.shape[0] // 2, 2, small.shape[1] // 2, 2).mean((1, 3)))
    possible = {"winding": _WOUND, "lid": ("particle", "dent"), "granular": ("dent",)}[kind]
    return RealCell(
        kind="lid" if kind != "winding" else "real",
        half_size_mm=(radius_mm, radius_mm),
        core_mm=core * radius_mm,
        rim_mm=0.965 * radius_mm,
        wall_mm=radius_mm,
        pitch_mm=pitch * radius_mm,
        period=TURN,
        possible=possible,
        name=f"{file.parent.name}/{file.stem}",
        centre_px=(row, column),
        pixel_mm=pixel_mm,
        levels=tuple(ndimage.spline_filter(level, order=3).astype(np.float32) for level in levels),
    )


def _circle(picture: np.ndarray) -> tuple[float, float, float]:
    """(row, column, radius) of the can in pixels: the largest bright object, filled."""
    smooth = ndimage.gaussian_filter(picture, 1.5)
    bright = ndimage.binary_closing(smooth > 0.4 * np.percentile(smooth, 99.3), iterations=3)
    labels, count = ndimage.label(ndimage.binary_fill_holes(bright))
    largest = 1 + int(np.argmax(ndimage.sum_labels(np.ones(labels.shape), labels, range(1, count + 1))))
    rows, columns = np.nonzero(labels == largest)
    return float(rows.mean()), float(columns.mean()), float(np.sqrt(len(rows) / np.pi))
