"""The six defects: their effect on a cell, their size, and where in the picture they are visible.

Swelling or delamination, buckling and dents bend the cell (`deformation`); an overhang error moves the edges of
sheets; particles and voids are blobs in the map. Sizes come from `parameters`; a defect that a picture of the given
pixel size could not show is made as large as the stated least number of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from models.data.battery_ct_sim.cells import TURN, Cell, StackedCell
from models.data.battery_ct_sim.deformation import Deformation
from models.data.battery_ct_sim.materials import COPPER, STEEL
from models.data.battery_ct_sim.parameters import Ranges

DEFECTS = ("swelling", "buckling", "overhang", "particle", "void", "dent")
LEAST_PX = {"swelling": 6.0, "buckling": 10.0, "overhang": 7.0, "particle": 5.0, "void": 7.0, "dent": 7.0}
"""Least size, in pixels of a picture 384 wide, across the layers (buckling, dent: of the movement)."""

LEAST_GAP = 0.052
"""Narrowest gap that counts as one, as a share of the roll's radius; a healthy crescent stays below 0.032."""


@dataclass(frozen=True)
class Blob:
    """An irregular spot: metal (adds attenuation) or a void (removes it).

    ``radius_mm``, ``aspect`` (long over short axis) and ``angle`` (rad) of the ellipse, ``bumps`` (k, size, phase) of
    its outline, ``mu`` in 1/mm, ``share`` of the slice's thickness that it fills.
    """

    x_mm: float
    y_mm: float
    radius_mm: float
    aspect: float
    angle: float
    mu: float
    share: float
    bumps: tuple[tuple[int, float, float], ...]

    def cover(self, x: np.ndarray, y: np.ndarray, pixel_mm: float) -> np.ndarray:
        """Fraction of each pixel that the blob covers."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        u = ((x - self.x_mm) * c + (y - self.y_mm) * s) / np.sqrt(self.aspect)
        v = ((y - self.y_mm) * c - (x - self.x_mm) * s) * np.sqrt(self.aspect)
        radius, angle = np.hypot(u, v), np.arctan2(v, u)
        outline = 1 + sum(size * np.cos(k * angle + phase) for k, size, phase in self.bumps)
        cover: np.ndarray = np.clip((self.radius_mm * outline - radius) / pixel_mm + 0.5, 0, 1)
        return cover


@dataclass
class Defect:
    """A defect with its drawn parameters; `bend` and `changed_cell` put it into a cell.

    Attributes:
        name: one of `DEFECTS`.
        depth_mm, along: its middle, in the cell's coordinates.
        parameters: what was drawn, for the record; `strength` scales it between neighbouring slices.
    """

    name: str
    depth_mm: float
    along: float
    parameters: dict[str, float] = field(default_factory=dict)
    parts: list[dict[str, float]] = field(default_factory=list)
    blobs: tuple[Blob, ...] = ()

    def bend(self, deformation: Deformation, strength: float = 1.0) -> None:
        """Add the defect's displacements to a deformation; particles, voids and overhang errors have none."""
        for part in self.parts:
            sizes = dict(part)
            if self.name == "swelling":
                sizes["width_mm"] *= strength
                deformation.gap(**sizes, defect=True)
            elif self.name in ("buckling", "dent"):
                sizes["height_mm"] *= strength
                if self.name == "dent":
                    deformation.dent(**sizes)
                elif deformation.cell.period:
                    deformation.fold(**sizes)
                else:
                    deformation.ripple(**sizes)

    def changed_cell(self, cell: Cell, strength: float = 1.0) -> Cell:
        """The cell with sheets of wrong length or position (overhang); unchanged for other defects."""
        if self.name != "overhang" or not isinstance(cell, StackedCell):
            return cell
        anode, cathode = [list(v) for v in cell.anode_shift_mm], [list(v) for v in cell.cathode_shift_mm]
        for part in self.parts:
            sheets = anode if part["anode"] else cathode
            sheet, side, size = int(part["sheet"]), int(part["side"]), part["size_mm"] * strength
            sheets[sheet][side] += size
            if part["shifted"]:
                sheets[sheet][1 - side] -= size
        return replace(
            cell,
            anode_shift_mm=tuple((low, high) for low, high in anode),
            cathode_shift_mm=tuple((low, high) for low, high in cathode),
        )


def plan(name: str, cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    """A random defect of a kind for this cell, at ``pixel_mm`` mm per pixel (of a picture 384 wide)."""
    make = {
        "swelling": _swelling,
        "buckling": _buckling,
        "overhang": _overhang,
        "particle": _particle,
        "void": _void,
        "dent": _dent,
    }[name]
    return make(cell, pixel_mm, ranges, generator)


def _anywhere(cell: Cell, generator: np.random.Generator, low: float = 0.05, high: float = 0.95) -> tuple[float, float]:
    """A random point among the layers."""
    if cell.period:
        # Uniform over the area, not over the radius.
        share = np.sqrt(generator.uniform((low + 0.05) ** 2, high**2))
        return cell.core_mm + (cell.rim_mm - cell.core_mm) * share, generator.uniform(0, TURN)
    return cell.rim_mm * generator.uniform(low, high), cell.half_size_mm[0] * generator.uniform(-0.6, 0.6)


def _swelling(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    depth, along = _anywhere(cell, generator, 0.02, 0.8)
    parts = []
    for i in range(int(generator.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))):
        least = max(LEAST_PX["swelling"] * pixel_mm, LEAST_GAP * cell.rim_mm)
        width = max(u(*ranges.gap_pitch) * cell.pitch_mm * (1.0 if i == 0 else 0.8), least * u(1.0, 1.3))
        width = min(width, 0.22 * (cell.rim_mm - cell.core_mm))
        half = np.deg2rad(u(*ranges.gap_half_deg))
        if not cell.period:
            half = u(0.35, 0.8) * cell.half_size_mm[0]
            width = min(width, 0.3 * cell.rim_mm)
        elif cell.kind == "wound pouch":
            half = half * 1.2
        at = float(np.clip(depth + i * u(1.5, 3.5) * cell.pitch_mm, cell.core_mm + cell.pitch_mm, cell.rim_mm * 0.9))
        lean = u(-0.3, 0.3) * half if i else 0.0
        parts.append(dict(width_mm=width, depth_mm=at, along=along + lean, half_length=half, inward=u(0.1, 0.8)))
    sizes = {"gap_mm": parts[0]["width_mm"], "gaps": len(parts), "half_length": parts[0]["half_length"]}
    return Defect("swelling", depth, along, sizes, parts)


def _buckling(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    along = u(0, TURN)
    if not cell.period:
        depth = cell.rim_mm * u(0.3, 0.7)
        along = cell.half_size_mm[0] * u(-0.5, 0.5)
        height = max(u(0.8, 1.8) * cell.pitch_mm, 0.5 * LEAST_PX["buckling"] * pixel_mm)
        wave = max(height * u(4, 7), 8 * pixel_mm)
        part = dict(height_mm=height, along=along, half_length=wave * u(0.9, 1.8), wave=wave, depth_mm=depth)
        return Defect("buckling", depth, along, {"height_mm": height, "wave_mm": wave}, [part])
    parts, at = [], along
    for i in range(int(generator.choice([1, 2, 3], p=[0.5, 0.3, 0.2]))):
        height = max(u(*ranges.fold_core) * cell.core_mm * (1.0 if i == 0 else 0.75), LEAST_PX["buckling"] * pixel_mm)
        part = dict(
            height_mm=min(height, 0.92 * cell.core_mm),
            along=at,
            half_width=np.deg2rad(u(*ranges.fold_half_deg)),
            windings=u(*ranges.fold_windings),
            torn=u(0.15, 0.8),
            sharp=u(0, 1),
        )
        parts.append(part)
        if generator.random() < 0.35:
            # A second bundle behind the first moves less, with a gap of its own.
            parts.append({**part, "height_mm": part["height_mm"] * 0.3, "windings": part["windings"] * u(1.6, 2.6)})
        at += np.deg2rad(u(70, 150))
    for part in parts:
        part["height_mm"] *= min(1.0, 0.92 * cell.core_mm / max(_reach(cell, parts), 1e-6))
    sizes = {"height_mm": parts[0]["height_mm"], "folds": len(parts), "windings": parts[0]["windings"]}
    return Defect("buckling", cell.core_mm, along, sizes, parts)


def _reach(cell: Cell, parts: list[dict[str, float]]) -> float:
    """Largest displacement of the innermost layer by the folds, mm."""
    total = np.zeros(180)
    angle = np.linspace(0, TURN, 180, endpoint=False)
    for part in parts:
        offset = np.abs(cell.distance(angle, part["along"])) / part["half_width"]
        total += part["height_mm"] * np.clip(1 - offset**2, 0, 1)
    return float(total.max())


def _overhang(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    assert isinstance(cell, StackedCell)
    side, n = int(generator.integers(2)), len(cell.anode_shift_mm)
    first = int(generator.integers(0, max(n - 4, 1)))
    parts = []
    size = max(u(*ranges.overhang_factor) * cell.overhang_mm, LEAST_PX["overhang"] * pixel_mm)
    anode = generator.random() < 0.35
    for sheet in range(first, min(first + int(generator.integers(2, 6)), n)):
        # Too long a cathode passes the anode; an anode too short leaves the cathode bare. Both plate lithium.
        sign = -1 if anode else 1
        parts.append(
            dict(
                anode=anode, sheet=sheet, side=side, size_mm=sign * size * u(0.9, 1.1), shifted=generator.random() < 0.5
            )
        )
    depth = (first + len(parts) / 2) * cell.pitch_mm
    along = (cell.half_length_mm + (-0.5 if anode else 0.2) * size) * (1 if side else -1)
    return Defect("overhang", depth, along, {"size_mm": size, "sheets": len(parts), "anode": int(anode)}, parts)


def _bumps(generator: np.random.Generator, size: float) -> tuple[tuple[int, float, float], ...]:
    return tuple((k, float(generator.normal(0, size / k)), float(generator.uniform(0, TURN))) for k in (2, 3, 4, 5))


def _particle(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    depth, along = _anywhere(cell, generator)
    if cell.period and generator.random() < 0.15:
        depth = cell.core_mm * u(0.1, 0.8)
    blobs = []
    for i in range(1 if generator.random() < 0.75 else int(generator.integers(2, 4))):
        diameter = max(u(*ranges.particle_px), LEAST_PX["particle"]) * pixel_mm * (1.0 if i == 0 else u(0.5, 0.8))
        near, beside = (
            depth + i * u(-1, 1) * 4 * diameter,
            along + i * u(-3, 3) * diameter / (depth if cell.period else 1),
        )
        x, y = cell.point(max(near, 0.0), beside)
        mu = float(generator.choice([STEEL, COPPER])) * u(0.9, 1.3)
        aspect = float(np.exp(u(0, 0.7)))
        blobs.append(Blob(x, y, diameter / 2, aspect, u(0, np.pi), mu, u(0.6, 1.0), _bumps(generator, 0.25)))
    sizes = {"diameter_mm": 2 * blobs[0].radius_mm, "mu_per_mm": blobs[0].mu, "particles": len(blobs)}
    return Defect("particle", depth, along, sizes, blobs=tuple(blobs))


def _void(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    depth, along = _anywhere(cell, generator)
    blobs = []
    for i in range(int(generator.choice([1, 2, 3, 4], p=[0.5, 0.2, 0.2, 0.1]))):
        diameter = max(u(*ranges.void_px), LEAST_PX["void"]) * pixel_mm * (1.0 if i == 0 else u(0.4, 0.8))
        near, beside = (
            depth + i * u(-1, 1) * 1.5 * diameter,
            along + i * u(-2, 2) * diameter / (depth if cell.period else 1),
        )
        near = float(np.clip(near, cell.core_mm + diameter / 2, cell.rim_mm - diameter / 2))
        x, y = cell.point(near, beside)
        # Pores lie along the layers: the tangent of a winding, the sheet of a stack.
        ahead = cell.point(near, beside + 0.01)
        angle = float(np.arctan2(ahead[1] - y, ahead[0] - x))
        aspect = float(np.exp(u(0.0, 0.9)))
        blobs.append(Blob(x, y, diameter / 2, aspect, angle, 0.0, u(0.75, 1.0), _bumps(generator, 0.35)))
    sizes = {"diameter_mm": 2 * blobs[0].radius_mm, "voids": len(blobs)}
    return Defect("void", depth, along, sizes, blobs=tuple(blobs))


def _dent(cell: Cell, pixel_mm: float, ranges: Ranges, generator: np.random.Generator) -> Defect:
    u = generator.uniform
    along = u(0, TURN)
    height = max(u(*ranges.dent_share) * cell.wall_mm, LEAST_PX["dent"] * pixel_mm)
    height = min(height, 0.2 * cell.wall_mm)
    half = np.deg2rad(u(*ranges.dent_half_deg))
    part = dict(height_mm=height, along=along, half_width=half, reach_mm=min(u(3, 6) * height, 0.8 * cell.wall_mm))
    sizes = {"height_mm": height, "half_width": half}
    return Defect("dent", cell.wall_mm - 0.5 * height, along, sizes, [part])
