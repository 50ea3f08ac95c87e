"""Unrolls a jelly roll: polar resampling of axial slices around the mandrel, and half planes along it.

In polar coordinates (angle by radius) around the mandrel, the axis of the winding, each layer is a nearly straight line
and a buckled layer is not. A half plane along the mandrel at one angle shows the ends of the layers, and so the
overhang of the anode over the cathode.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecgviz.errors import ConfigError
from ecgviz.volumes.planes import otsu
from readers.volumes.volume import Volume

Centre = tuple[float, float]
_LARGEST_PX = 768
_INNER, _FARTHEST, _FEWEST = 0.92, 0.3, 50
"""Layers within this share of the outline's radius are used; the mandrel lies within that share of its centre; fewest
pixels with a gradient."""
_MOST_COLUMNS, _MOST_ROWS = 4096, 2048
_BLOCK_BYTES = 64 << 20


@dataclass(frozen=True)
class Unrolled:
    """Part of a volume in cylindrical coordinates around the mandrel.

    Attributes:
        values: (rows, columns), float32, NaN outside of the volume.
        rows: coordinate of the rows: "radius" or "z".
        columns: coordinate of the columns: "angle" or "radius".
        row_step: from row to row, mm (voxels without a spacing).
        column_step: from column to column, in the same unit; degrees for an angle.
        unit: "mm" or "voxels".
        centre: position of the mandrel, (y, x) in voxels.
    """

    values: np.ndarray = field(repr=False)
    rows: str
    columns: str
    row_step: float
    column_step: float
    unit: str
    centre: Centre


def find_centre(pixels: np.ndarray, spacing_mm: tuple[float, float] | None = None) -> Centre:
    """Position of the mandrel in an axial slice, (y, x) in pixels: where the normals of the layers meet.

    The gradient of a layer points along a line through the mandrel (in a spiral past it by a sixth of the pitch, on
    alternating sides). The point nearest to all these lines is a linear least squares problem. It is solved repeatedly
    from the centre of the outline, with less and less weight on lines that miss the point, such as those of a buckle or
    a tab.

    Args:
        pixels: (H, W); NaN counts as air.
        spacing_mm: between rows and between columns, if they differ.
    """
    from scipy.ndimage import gaussian_filter

    step = max(1, max(pixels.shape) // _LARGEST_PX)
    values = np.asarray(pixels[::step, ::step], np.float32)
    known = np.isfinite(values)
    if not known.any() or min(values.shape) < 2:  # a line of pixels has no gradient across it
        return (pixels.shape[0] - 1) / 2, (pixels.shape[1] - 1) / 2
    values = np.where(known, values, values[known].min())
    ratio = 1.0 if spacing_mm is None else spacing_mm[0] / spacing_mm[1]
    centre, radius = _outline(values, ratio)
    smooth = gaussian_filter(values, 1.0)
    rise_y, rise_x = np.gradient(smooth, ratio, 1.0)
    y, x = np.mgrid[: values.shape[0], : values.shape[1]]
    inside = np.hypot((y - centre[0]) * ratio, x - centre[1]) < _INNER * radius
    strength = np.hypot(rise_y, rise_x) * inside
    strong = strength > np.quantile(strength[inside], 0.5) if inside.any() else inside
    if strong.sum() < _FEWEST:
        return centre[0] * step, centre[1] * step
    lines = _Lines(y[strong] * ratio, x[strong], rise_y[strong], rise_x[strong], strength[strong])
    found = lines.nearest((centre[0] * ratio, centre[1]), radius)
    # Pixel i of the smaller copy is pixel step * i of the slice.
    return found[0] / ratio * step, found[1] * step


@dataclass(frozen=True)
class _Lines:
    """Lines through points (y, x) along the gradient there, each with a weight."""

    y: np.ndarray
    x: np.ndarray
    rise_y: np.ndarray
    rise_x: np.ndarray
    weight: np.ndarray

    def nearest(self, start: Centre, radius: float) -> Centre:
        """Point nearest to the lines, by reweighted least squares from a first guess."""
        length = np.hypot(self.rise_y, self.rise_x)
        across_y, across_x = -self.rise_x / length, self.rise_y / length
        past = across_y * self.y + across_x * self.x
        centre = start
        for width in np.geomspace(0.3, 0.03, 8) * radius:
            miss = across_y * centre[0] + across_x * centre[1] - past
            kept = self.weight / (1 + (miss / width) ** 2) ** 2
            matrix = np.array([
                [np.sum(kept * across_y**2), np.sum(kept * across_y * across_x)],
                [np.sum(kept * across_y * across_x), np.sum(kept * across_x**2)],
            ])  # fmt: skip
            if np.linalg.cond(matrix) > 1e4:
                return start
            found = np.linalg.solve(matrix, [np.sum(kept * across_y * past), np.sum(kept * across_x * past)])
            centre = float(found[0]), float(found[1])
        # A point far from the centre of the outline is no mandrel.
        return centre if np.hypot(centre[0] - start[0], centre[1] - start[1]) < _FARTHEST * radius else start


def unroll(
    pixels: np.ndarray, centre: Centre, *, radius: float | None = None, spacing_mm: tuple[float, float] | None = None
) -> Unrolled:
    """Axial slice in polar coordinates: angle from left to right, radius from the mandrel (top) to the edge (bottom).

    Angle 0 points to the right of the slice; angles grow clockwise, since rows run down.

    Args:
        pixels: (H, W).
        centre: (y, x) in pixels.
        radius: largest radius, mm (pixels without a spacing); by default the distance to the nearer edge in y or in x,
            whichever is larger.
        spacing_mm: between rows and columns.

    Raises:
        ConfigError: a centre outside of the slice, or a radius of 0 or less.
    """
    height, width = pixels.shape
    _check(centre, (height, width), radius)
    row_mm, column_mm = spacing_mm or (1.0, 1.0)
    step = min(row_mm, column_mm)
    reach = radius or max(
        min(centre[0], height - 1 - centre[0]) * row_mm, min(centre[1], width - 1 - centre[1]) * column_mm
    )
    reach = max(reach, step)  # from a centre in the corner of a slice there is none
    rows = min(_MOST_ROWS, max(2, round(reach / step)))
    columns = min(_MOST_COLUMNS, max(90, round(2 * np.pi * reach / step)))
    radii = np.arange(rows) * (reach / rows)
    angles = np.arange(columns) * (2 * np.pi / columns)
    y = centre[0] + np.outer(radii / row_mm, np.sin(angles))
    x = centre[1] + np.outer(radii / column_mm, np.cos(angles))
    return Unrolled(
        _at(pixels, y, x),
        "radius",
        "angle",
        reach / rows,
        360 / columns,
        "voxels" if spacing_mm is None else "mm",
        centre,
    )


def along_mandrel(volume: Volume, centre: Centre, angle_deg: float) -> Unrolled:
    """Half plane from the mandrel outwards at an angle, over the whole volume: radius to the right, z down.

    Args:
        volume: with the mandrel along z.
        centre: position of the mandrel, (y, x).
        angle_deg: as in :func:`unroll`: 0 points to the right of an axial slice, 90 down.

    Raises:
        ConfigError: a centre outside of the volume.
        ReadError: the file is damaged.
    """
    _check(centre, volume.shape[1:], None)
    z_mm, row_mm, column_mm = volume.spacing_mm or (1.0, 1.0, 1.0)
    step = min(row_mm, column_mm)
    turn = np.radians(angle_deg)
    reach = _to_edge(centre, (np.sin(turn) / row_mm, np.cos(turn) / column_mm), volume.shape[1:])
    radii = np.arange(max(2, min(_MOST_COLUMNS, int(reach / step)))) * step
    y, x = centre[0] + np.sin(turn) * radii / row_mm, centre[1] + np.cos(turn) * radii / column_mm
    found = np.empty((volume.shape[0], len(radii)), np.float32)
    count = max(1, _BLOCK_BYTES // (volume.shape[1] * volume.shape[2] * 4))
    for start in range(0, volume.shape[0], count):
        stop = min(start + count, volume.shape[0])
        for place, pixels in enumerate(volume.block(0, start, stop)):
            found[start + place] = _at(pixels, y[None], x[None])[0]
    unit = "voxels" if volume.spacing_mm is None else "mm"
    return Unrolled(found, "z", "radius", z_mm, step, unit, centre)


def _check(centre: Centre, shape: tuple[int, ...], radius: float | None) -> None:
    if not all(0 <= one <= size - 1 for one, size in zip(centre, shape, strict=True)):
        raise ConfigError("centre", f"{centre[0]:g}, {centre[1]:g} lies outside of the slice; give y,x within it")
    if radius is not None and not radius > 0:
        raise ConfigError("radius", "the largest radius is above 0; leave it out for the edge of the slice")


def _to_edge(centre: Centre, direction: tuple[float, float], shape: tuple[int, ...]) -> float:
    """Distance, mm, from the centre to the edge of the slice along a ray (pixels per mm)."""
    ends = []
    for place, way, size in zip(centre, direction, shape, strict=True):
        if abs(way) > 1e-9:
            ends.append(((size - 1 - place) if way > 0 else -place) / way)
    return float(min(ends))


def _at(pixels: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Linear interpolation between pixels; NaN outside."""
    from scipy.ndimage import map_coordinates

    return map_coordinates(np.asarray(pixels, np.float32), [y, x], order=1, mode="constant", cval=np.nan)


def _outline(small: np.ndarray, ratio: float) -> tuple[Centre, float]:
    """Centre (y, x) and radius (in columns) of a circle fitted to the part's outline; of the slice if there is none."""
    from scipy.ndimage import binary_erosion, binary_fill_holes, label

    mask = binary_fill_holes(small > otsu(small))
    labels, count = label(mask)
    if not count:
        return (small.shape[0] / 2, small.shape[1] / 2), min(small.shape) / 2
    part = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    y, x = np.nonzero(part & ~binary_erosion(part, border_value=1))
    y = y * ratio
    if len(y) < 8:
        return (small.shape[0] / 2, small.shape[1] / 2), min(small.shape) / 2
    kept = np.ones(len(y), bool)
    for _ in range(3):
        matrix = np.column_stack([2 * y[kept], 2 * x[kept], np.ones(kept.sum())])
        cy, cx, rest = np.linalg.lstsq(matrix, y[kept] ** 2 + x[kept] ** 2, rcond=None)[0]
        radius = float(np.sqrt(max(rest + cy**2 + cx**2, 1.0)))
        away = np.abs(np.hypot(y - cy, x - cx) - radius)
        # Points off the circle belong to a tab or to the edge of the slice.
        kept = away <= max(1.0, 2.5 * float(np.median(away[kept])))
    cy = min(max(cy / ratio, 0.0), small.shape[0] - 1.0)
    return (float(cy), float(min(max(cx, 0.0), small.shape[1] - 1.0))), radius
