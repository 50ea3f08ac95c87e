"""Attenuation maps of cells: jelly rolls in a can or pouch, stacks in a pouch, and the lid.

A cell answers in its own coordinates: ``depth`` (mm from the axis, or from the bottom of a stack) and ``along`` (the
angle in radians around a winding, or mm along a stack). Geometry is bent in these coordinates (`deformation`), so a
defect is one and the same thing in a drawn cell and in a real picture (`backgrounds`), and edges stay sharp.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field

import numpy as np

from models.data.battery_ct_sim.materials import (
    ALUMINIUM,
    ELECTROLYTE,
    STEEL,
    Winding,
)

TURN = 2 * np.pi


@dataclass(frozen=True)
class Band:
    """A strip along the winding, such as a tab: healthy anatomy, bright or dark.

    Attributes:
        depth_mm: its inner edge.
        thickness_mm: across the layers.
        along: its middle (rad or mm).
        half_length: half of its length (rad or mm).
        mu: attenuation, 1/mm.
        share: how much of what was there it replaces, 0 to 1.
    """

    depth_mm: float
    thickness_mm: float
    along: float
    half_length: float
    mu: float
    share: float = 1.0


@dataclass(frozen=True)
class Cell(ABC):
    """Base class of all cells; lengths in mm.

    Attributes:
        kind: "cylindrical", "wound pouch", "stacked pouch", "lid" or "real".
        half_size_mm: half extent in x and y.
        core_mm: depth of the innermost layer; 0 without a core.
        rim_mm: depth of the outermost layer.
        wall_mm: depth of the housing's outer face.
        pitch_mm: one period of layers.
        period: of ``along``; 0 where it does not close.
        possible: defects that can be put in.
    """

    kind: str
    half_size_mm: tuple[float, float]
    core_mm: float
    rim_mm: float
    wall_mm: float
    pitch_mm: float
    period: float
    possible: tuple[str, ...]
    bands: tuple[Band, ...] = ()

    def coordinates(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(depth mm, along) of points (mm from the cell's middle)."""
        return np.hypot(x, y), np.arctan2(y, x) % TURN

    def point(self, depth: float, along: float) -> tuple[float, float]:
        """The point (x, y) mm of cell coordinates: the inverse of `coordinates`."""
        return depth * float(np.cos(along)), depth * float(np.sin(along))

    @abstractmethod
    def attenuation(self, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
        """Attenuation in 1/mm, float32, sampled at the given pixel size."""

    def record(self) -> dict[str, object]:
        """The parameters of the cell, ready for JSON."""
        return asdict(self)

    def distance(self, along: np.ndarray, other: float) -> np.ndarray:
        """Signed difference of ``along`` from ``other``, the shorter way round."""
        if not self.period:
            return along - other
        return (along - other + self.period / 2) % self.period - self.period / 2


def edge(value: np.ndarray, at: float | np.ndarray, pixel_mm: float) -> np.ndarray:
    """Fraction of a pixel beyond ``at``: 0 below, 1 above, linear over one pixel."""
    return np.clip((value - at) / pixel_mm + 0.5, 0, 1)


def lay_bands(mu: np.ndarray, cell: Cell, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Add the cell's bands to its map."""
    for band in cell.bands:
        scale = max(band.depth_mm, cell.pitch_mm) if cell.period else 1.0
        across = edge(depth, band.depth_mm, pixel_mm) - edge(depth, band.depth_mm + band.thickness_mm, pixel_mm)
        reach = (band.half_length - np.abs(cell.distance(along, band.along))) * scale
        cover = across * edge(reach, 0.0, pixel_mm) * band.share
        mu = mu * (1 - cover) + band.mu * cover
    return mu.astype(np.float32)


@dataclass(frozen=True)
class WoundCell(Cell):
    """A jelly roll: in a steel can (``flat_mm`` 0) or flattened in a pouch (``flat_mm`` half the straight part).

    ``start`` is the angle where the winding starts and ends, ``chirality`` +1 or -1 its sense, ``bare_from_mm`` the
    depth beyond which the cathode is not there yet (near the lid), ``core_mu`` what fills the core.
    """

    winding: Winding = field(default_factory=lambda: Winding(0.3, 0.36, 0.36, 0.04, 0.06, 0.03, 0.16))
    flat_mm: float = 0.0
    start: float = 0.0
    chirality: int = 1
    wall_thickness_mm: float = 0.25
    wall_mu: float = STEEL
    core_mu: float = 0.0
    bare_from_mm: float = 1e9
    chemistry: str = "NMC"

    def coordinates(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self.flat_mm:
            return super().coordinates(x, y)
        a, mean = self.flat_mm, (self.core_mm + self.rim_mm) / 2
        beyond = np.maximum(np.abs(x) - a, 0) * np.sign(x)
        depth = np.hypot(beyond, y)
        angle = np.arctan2(y, np.abs(beyond) + 1e-9)
        half = np.pi * mean + 2 * a
        left = np.pi * mean / 2 + 2 * a + mean * (np.pi / 2 - np.abs(angle))
        straight = np.pi * mean / 2 + (a - x)
        arc = np.where(np.abs(x) < a, straight, np.where(x > 0, mean * np.abs(angle), left))
        arc = np.where(y >= 0, arc, 2 * half - arc)
        return depth, (arc / (2 * half) * TURN) % TURN

    def point(self, depth: float, along: float) -> tuple[float, float]:
        if not self.flat_mm:
            return super().point(depth, along)
        a, mean = self.flat_mm, (self.core_mm + self.rim_mm) / 2
        half = np.pi * mean + 2 * a
        arc = (along % TURN) / TURN * 2 * half
        sign = 1.0 if arc <= half else -1.0
        arc = arc if arc <= half else 2 * half - arc
        quarter = np.pi * mean / 2
        if arc < quarter:
            return a + depth * float(np.cos(arc / mean)), sign * depth * float(np.sin(arc / mean))
        if arc < quarter + 2 * a:
            return a - (arc - quarter), sign * depth
        rest = np.pi / 2 - (arc - quarter - 2 * a) / mean
        return -a - depth * float(np.cos(rest)), sign * depth * float(np.sin(rest))

    def attenuation(self, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
        turn = (self.chirality * (along - self.start) / TURN) % 1.0
        turns = (depth - self.core_mm) / self.pitch_mm - turn
        profile = self.winding.profile(pixel_mm)
        place = (turns % 1.0 * len(profile)).astype(np.int32) % len(profile)
        mu = profile[place]
        if self.bare_from_mm < self.rim_mm:
            bare = Winding(**{**asdict(self.winding), "has_cathode": False}).profile(pixel_mm)[place]
            mu = np.where(depth > self.bare_from_mm, bare, mu)
        inside, outside = turns * self.pitch_mm, depth - self.rim_mm - self.pitch_mm * (turn - 1)
        roll = edge(inside, 0.0, pixel_mm) * (1 - edge(outside, 0.0, pixel_mm))
        filling = np.where(depth < (self.core_mm + self.rim_mm) / 2, self.core_mu, ELECTROLYTE * 0.6)
        mu = mu * roll + filling * (1 - roll)
        inner = self.wall_mm - self.wall_thickness_mm
        wall = edge(depth, inner, pixel_mm)
        mu = mu * (1 - wall) + self.wall_mu * wall
        mu = lay_bands(mu, self, depth, along, pixel_mm)
        whole: np.ndarray = mu * (1 - edge(depth, self.wall_mm, pixel_mm))
        return whole.astype(np.float32)


@dataclass(frozen=True)
class StackedCell(Cell):
    """A cut through stacked electrode sheets in a pouch; the anode exceeds the cathode by ``overhang_mm``.

    ``anode_shift_mm`` and ``cathode_shift_mm`` hold for each period how far its sheets reach beyond the nominal edge
    at the left and at the right, mm: tolerance in a good cell, an overhang error where it exceeds the overhang.
    """

    winding: Winding = field(default_factory=lambda: Winding(0.3, 0.36, 0.36, 0.04, 0.06, 0.03, 0.16))
    half_length_mm: float = 6.0
    overhang_mm: float = 0.6
    foil_mm: float = 0.12
    anode_shift_mm: tuple[tuple[float, float], ...] = ()
    cathode_shift_mm: tuple[tuple[float, float], ...] = ()
    chemistry: str = "NMC"

    def coordinates(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return y + self.rim_mm / 2, np.asarray(x, dtype=np.float64)

    def point(self, depth: float, along: float) -> tuple[float, float]:
        return along, depth - self.rim_mm / 2

    def attenuation(self, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
        n = len(self.anode_shift_mm)
        turns = depth / self.pitch_mm
        layer = np.clip(turns.astype(np.int32), 0, n - 1)
        profile = self.winding.profile(pixel_mm)
        mu = profile[(turns % 1.0 * len(profile)).astype(np.int32) % len(profile)]
        w = self.winding
        separator = (1 - w.anode - w.cathode - w.copper - w.aluminium) / 2
        cathode = turns % 1.0 > separator * 1.5 + w.anode + w.copper
        side = (along > 0).astype(np.int32)
        reach = np.where(
            cathode,
            self.half_length_mm - self.overhang_mm + np.array(self.cathode_shift_mm)[layer, side],
            self.half_length_mm + np.array(self.anode_shift_mm)[layer, side],
        )
        sheet = edge(reach - np.abs(along), 0.0, pixel_mm)
        sheet = sheet * edge(depth, 0.0, pixel_mm) * (1 - edge(depth, self.rim_mm, pixel_mm))
        middle = np.abs(depth / self.rim_mm - 0.5) * 2
        seal = self.half_length_mm + self.overhang_mm + 1.2 * (1 - np.clip(middle, 0, 1) ** 2)
        outside = np.maximum(np.maximum(-depth, depth - self.rim_mm), np.abs(along) - seal)
        inside = 1 - edge(outside, 0.0, pixel_mm)
        foil = edge(outside, 0.0, pixel_mm) * (1 - edge(outside, self.foil_mm, pixel_mm))
        mu = mu * sheet + ELECTROLYTE * 0.7 * (inside - sheet * inside)
        mu = lay_bands(mu * inside, self, depth, along, pixel_mm)
        whole: np.ndarray = mu + foil * ALUMINIUM * 1.6
        return whole.astype(np.float32)


@dataclass(frozen=True)
class LidCell(Cell):
    """A slice above the winding: can, insulator, gasket, cap and tab, blurred because they are oblique.

    ``rings`` holds (inner mm, outer mm, mu, blur mm, tilt): tilt 0 to 1 makes one side brighter than the other.
    ``plates`` holds (x, y, half width, half height, angle rad, mu, blur mm).
    """

    rings: tuple[tuple[float, float, float, float, float], ...] = ()
    plates: tuple[tuple[float, ...], ...] = ()
    tilt_along: float = 0.0

    def attenuation(self, depth: np.ndarray, along: np.ndarray, pixel_mm: float) -> np.ndarray:
        mu = np.zeros(depth.shape)
        for inner, outer, value, blur, tilt in self.rings:
            width = max(blur, pixel_mm)
            cover = edge(depth, inner, width) * (1 - edge(depth, outer, width))
            mu = mu + (value * (1 + tilt * np.cos(along - self.tilt_along)) - mu) * cover
        x, y = depth * np.cos(along), depth * np.sin(along)
        for px, py, half_w, half_h, angle, value, blur in self.plates:
            c, s = np.cos(angle), np.sin(angle)
            u, v = np.abs((x - px) * c + (y - py) * s), np.abs((y - py) * c - (x - px) * s)
            cover = edge(half_w - u, 0.0, blur) * edge(half_h - v, 0.0, blur)
            mu = mu + (value - mu) * cover
        whole: np.ndarray = mu * (1 - edge(depth, self.wall_mm, pixel_mm))
        return whole.astype(np.float32)
