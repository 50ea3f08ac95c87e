"""Deformation of a cell: one smooth map from the undeformed to the deformed layers.

Layers move along ``depth``. Every element (a harmless bow, a gap, a fold, a dent) adds a displacement on a grid over
(depth, along) of the undamaged cell; the sum is inverted once, column by column, so that a picture asks for each of
its pixels which point of the undamaged cell lies there. Where the map is torn open, there is a gap to be filled, and
where an element marked its points as damaged, the mask follows them. Good cells pass through the same map.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from models.data.battery_ct_sim.cells import TURN, Cell

TORN = 2.2
"""A layer stretched by more than this has opened into a gap; elastic spreading stays below."""


@dataclass
class Bent:
    """The inverse map on its grid, (D, S, 3): displacement back to the undeformed cell (mm), gap, damage."""

    tables: np.ndarray
    depth_mm: np.ndarray
    along: np.ndarray

    def __call__(self, depth: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For points of the deformed cell: depth in the undeformed one (mm), gap fraction, damage fraction."""
        rows, columns = self.tables.shape[:2]
        row = np.clip((depth - self.depth_mm[0]) / (self.depth_mm[1] - self.depth_mm[0]), 0, rows - 1.001)
        column = np.clip((along - self.along[0]) / (self.along[1] - self.along[0]), 0, columns - 1.001)
        low, left = row.astype(np.int32), column.astype(np.int32)
        down, right = (row - low).astype(np.float32)[..., None], (column - left).astype(np.float32)[..., None]
        flat = self.tables.reshape(rows * columns, 3)
        at = low * columns + left
        # Bilinear by hand: three tables at one place, which scipy would look up three times.
        upper = flat[at] + (flat[at + 1] - flat[at]) * right
        lower = flat[at + columns] + (flat[at + columns + 1] - flat[at + columns]) * right
        moved, gap, damage = np.moveaxis(upper + (lower - upper) * down, -1, 0)
        return depth + moved, gap, damage


@dataclass
class Deformation:
    """Displacements accumulated on the grid of an undeformed cell.

    Attributes:
        cell: the cell to bend.
        depth_mm: (D,) grid.
        along: (S,) grid; the last column repeats the first of a closed winding.
        moved_mm: (D, S) displacement towards the outside.
        damage: (D, S) True where a point belongs to a defect.
        gap_mu: what fills gaps, 1/mm.
    """

    cell: Cell
    gap_mu: float = 0.0
    depth_mm: np.ndarray = field(init=False)
    along: np.ndarray = field(init=False)
    moved_mm: np.ndarray = field(init=False)
    damage: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        cell = self.cell
        low = 0.0 if cell.period else -0.5 * cell.rim_mm
        high = max(cell.wall_mm, cell.rim_mm) * (1.25 if cell.period else 1.5)
        self.depth_mm = np.linspace(low, high, 600)
        span = (0.0, TURN) if cell.period else (-1.4 * cell.half_size_mm[0], 1.4 * cell.half_size_mm[0])
        self.along = np.linspace(*span, 433)
        self.moved_mm = np.zeros((len(self.depth_mm), len(self.along)))
        self.damage = np.zeros(self.moved_mm.shape, dtype=bool)

    def bow(self, amplitude_mm: float, waves: int, phase: float, inner_mm: float, outer_mm: float) -> None:
        """A harmless bow of the layers between two depths, without gap or damage."""
        window = np.clip((self.depth_mm - inner_mm) / (outer_mm - inner_mm), 0, 1)
        self.moved_mm += np.outer(np.sin(np.pi * window) ** 2, amplitude_mm * np.cos(waves * self._angle() + phase))

    def bump(self, height_mm: float, depth_mm: float, along: float, half_width: float) -> None:
        """Layers beyond ``depth_mm`` raised over a tab, decaying to zero at the rim; no damage."""
        shape = np.exp(-((self.cell.distance(self.along, along) / half_width) ** 2))
        room = max(self.cell.rim_mm - depth_mm, 1e-6)
        fade = np.clip((self.cell.rim_mm - self.depth_mm) / room, 0, 1) * (self.depth_mm >= depth_mm)
        self.moved_mm += np.outer(fade, height_mm * shape)

    def gap(
        self, width_mm: float, depth_mm: float, along: float, half_length: float, *, inward: float, defect: bool
    ) -> None:
        """A crescent-shaped gap between two layers, ``width_mm`` at its middle; ``inward`` is the inward share."""
        offset = self.cell.distance(self.along, along)
        shape = np.where(
            np.abs(offset) < half_length, np.cos(np.pi / 2 * np.clip(offset / half_length, -1, 1)).clip(0) ** 1.5, 0
        )
        pitch = self.cell.pitch_mm if self.cell.period else 0.0
        at = depth_mm + pitch * np.clip(offset, -half_length, half_length) / TURN
        cell, depth = self.cell, self.depth_mm[:, None]
        out = np.clip((cell.rim_mm - depth) / (cell.rim_mm - at), 0, 1) * (depth > at)
        bottom = cell.core_mm * 0.3 if cell.period else 0.0
        back = np.clip((depth - bottom) / (at - bottom), 0, 1) * (depth <= at)
        if not cell.period:
            out, back = self._swell(depth, at)
        self.moved_mm += width_mm * shape * ((1 - inward) * out - inward * back)
        if defect:
            step = self.depth_mm[1] - self.depth_mm[0]
            self.damage |= (np.abs(depth - at) <= step) & (shape > 0.12)

    def fold(
        self, height_mm: float, along: float, half_width: float, *, windings: float, torn: float, sharp: float
    ) -> None:
        """Inner windings buckled into the core: a bundle of ``windings`` moves in and leaves a gap behind.

        ``torn`` is the share of the movement that opens the gap, the rest is spread over the windings beyond;
        ``sharp`` 0 gives a round fold, 1 a pointed one.
        """
        cell, depth = self.cell, self.depth_mm[:, None]
        offset = np.abs(self.cell.distance(self.along, along)) / half_width
        fall = (1 - sharp) * np.cos(np.pi / 2 * np.clip(offset, 0, 1)) ** 2 + sharp * np.clip(1 - offset, 0, 1) ** 1.3
        height = height_mm * fall
        core = cell.core_mm
        end = core + windings * cell.pitch_mm
        reach = max(3 * height_mm, 4 * cell.pitch_mm)
        beyond = (1 - torn) * np.clip(1 - (depth - end) / reach, 0, 1) ** 1.5
        share = np.where(depth < core, depth / core, np.where(depth <= end, 1.0, beyond))
        self.moved_mm -= share * height
        step = self.depth_mm[1] - self.depth_mm[0]
        self.damage |= (depth >= core) & (depth <= end + step) & (height > 0.25 * height_mm)

    def ripple(self, height_mm: float, along: float, half_length: float, wave: float, depth_mm: float) -> None:
        """Layers of a stack buckled into waves of length ``wave`` mm around ``depth_mm``."""
        cell, depth = self.cell, self.depth_mm[:, None]
        offset = self.along - along
        window = np.where(np.abs(offset) < half_length, np.cos(np.pi / 2 * offset / half_length), 0)
        share = np.exp(-(((depth - depth_mm) / (0.28 * cell.rim_mm)) ** 2))
        self.moved_mm += share * height_mm * window * np.cos(TURN * offset / wave)
        self.damage |= (share > 0.4) & (window > 0.3) & (depth > 0) & (depth < cell.rim_mm)

    def dent(self, height_mm: float, along: float, half_width: float, reach_mm: float) -> None:
        """A dent of the housing by ``height_mm``; layers down to ``reach_mm`` below the wall give way."""
        cell, depth = self.cell, self.depth_mm[:, None]
        offset = np.abs(self.cell.distance(self.along, along)) / half_width
        height = height_mm * np.where(offset < 1, np.cos(np.pi / 2 * np.clip(offset, 0, 1)) ** 2, 0)
        share = np.clip((depth - (cell.wall_mm - reach_mm)) / reach_mm, 0, 1) ** 1.6
        self.moved_mm -= share * height
        self.damage |= (
            (depth > cell.wall_mm - 0.12 * reach_mm) & (depth < cell.wall_mm + height) & (height > 0.2 * height_mm)
        )

    def invert(self) -> Bent:
        """The inverse map, as tables over the deformed cell."""
        depth = self.depth_mm
        now = np.maximum.accumulate(depth[:, None] + self.moved_mm, axis=0)
        source, gap = np.empty_like(now), np.zeros_like(now)
        damage = np.zeros_like(now)
        stretch = np.diff(now, axis=0) / (depth[1] - depth[0])
        steps = now + np.arange(len(depth))[:, None] * 1e-9
        # Most columns are moved by a harmless bow only, which the loop takes in the same way.
        for s in range(now.shape[1]):
            place = np.clip(np.searchsorted(steps[:, s], depth) - 1, 0, len(depth) - 2)
            source[:, s] = np.interp(depth, steps[:, s], depth)
            gap[:, s] = stretch[place, s] > TORN
            damage[:, s] = self.damage[place, s] | (self.damage[place + 1, s] & (gap[:, s] > 0))
        outside = depth[:, None] > now[-1]
        source[outside] = np.broadcast_to(depth[:, None], now.shape)[outside]
        tables = np.stack([source - depth[:, None], gap, damage], axis=-1).astype(np.float32)
        return Bent(tables, depth, self.along)

    def _angle(self) -> np.ndarray:
        """``along`` as an angle, also for a stack."""
        if self.cell.period:
            return self.along
        return self.along / self.cell.half_size_mm[0] * np.pi

    def _swell(self, depth: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Swelling of a whole stack in a pouch: sheets on both sides of the gap move outwards with the foil."""
        return (depth > at).astype(float), (depth <= at).astype(float)
