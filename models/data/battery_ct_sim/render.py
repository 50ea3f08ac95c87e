"""Renders a cell, a defect and a scanner to a picture and its mask.

Every picture, good or bad, drawn or real, takes the same way: bend, sample, project, blur, add noise, change the
contrast, write 16 bit. So no step betrays the label.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy import ndimage

from models.data.battery_ct_sim.cells import Cell
from models.data.battery_ct_sim.defects import Blob, Defect
from models.data.battery_ct_sim.deformation import Bent
from models.data.battery_ct_sim.scanner import GRID, Scan, expose, faults


@dataclass(frozen=True)
class View:
    """The part of the slice that a picture shows.

    Attributes:
        x_mm, y_mm: its middle.
        field_mm: side of the square that it shows.
        angle: rotation, rad.
        mirrored: seen from the other side.
        size: pixels along a side as sampled.
    """

    x_mm: float
    y_mm: float
    field_mm: float
    angle: float
    mirrored: bool
    size: int

    @property
    def pixel_mm(self) -> float:
        return self.field_mm / self.size

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y in mm of each pixel, (size, size) float32 each."""
        line = ((np.arange(self.size) + 0.5) / self.size - 0.5) * self.field_mm
        u = np.broadcast_to(-line if self.mirrored else line, (self.size, self.size))
        v = np.broadcast_to(line[:, None], (self.size, self.size))
        c, s = np.cos(self.angle), np.sin(self.angle)
        return (u * c - v * s + self.x_mm).astype(np.float32), (u * s + v * c + self.y_mm).astype(np.float32)


def field_of_scan(cell: Cell) -> float:
    """Side of the square field of view, mm: the cell fits into its inscribed circle."""
    half = max(cell.half_size_mm) if cell.half_size_mm[0] == cell.half_size_mm[1] else np.hypot(*cell.half_size_mm)
    return float(2.08 * half)


def sample(cell: Cell, bent: Bent, blobs: tuple[Blob, ...], gap_mu: float, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The attenuation map (size, size) float32 1/mm of a view, and the mask of the defect."""
    x, y = view.points()
    depth, along = cell.coordinates(x, y)
    source, gap, damage = bent(depth, along)
    mu = cell.attenuation(source, along, view.pixel_mm)
    mu = mu * (1 - gap) + np.minimum(gap_mu, mu) * gap
    mask = damage > 0.5
    for blob in blobs:
        cover = blob.cover(x, y, view.pixel_mm)
        mask |= cover > 0.5
        mu = mu + cover * blob.share * (blob.mu - mu)
    return mu.astype(np.float32), mask


def render(
    cell: Cell,
    bent: Bent,
    defect: Defect | None,
    gap_mu: float,
    view: View,
    scan: Scan,
    generator: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """A scanned picture, uint16 (size, size), and the mask of its defect, bool (size, size)."""
    blobs = defect.blobs if defect else ()
    mu, mask = sample(cell, bent, blobs, gap_mu, view)
    whole = View(0.0, 0.0, field_of_scan(cell), 0.0, False, GRID)
    coarse, _ = sample(cell, bent, blobs, gap_mu, whole)
    added = faults(coarse, whole.pixel_mm, scan, generator)
    x, y = view.points()
    at = [(v / whole.field_mm + 0.5) * GRID - 0.5 for v in (y, x)]
    return expose(mu, ndimage.map_coordinates(added, at, order=1, mode="nearest"), scan, generator), mask


def record_of(
    cell: Cell, defect: Defect | None, harmless: dict[str, float], view: View, scan: Scan
) -> dict[str, object]:
    """All parameters of a picture, ready for JSON; lengths in mm, attenuation in 1/mm, angles in rad."""
    record: dict[str, object] = {
        "simulated": True,
        "cell": cell.record(),
        "harmless": harmless,
        "defect": {"name": defect.name, **defect.parameters} if defect else None,
        "view": asdict(view),
        "scan": asdict(scan),
    }
    return {name: _rounded(value) for name, value in record.items()}


def _rounded(value: object) -> object:
    """Numbers rounded to five significant digits, as plain Python ones."""
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(v) for v in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.5g}")
    return value
