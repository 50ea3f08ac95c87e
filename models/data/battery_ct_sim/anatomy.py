"""Random healthy cells: sizes, chemistries, tabs, mandrels, and harmless variation.

A good cell is not a perfect one. Windings bow, lift over a tab and leave thin crescents beside it; the roll lies off
the middle of its can; near the lid the cathode is missing. All of that is drawn into good and defective cells alike,
since a network that takes it for a defect rejects every real cell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.data.battery_ct_sim.cells import TURN, Band, Cell, LidCell, StackedCell, WoundCell
from models.data.battery_ct_sim.deformation import Deformation
from models.data.battery_ct_sim.materials import (
    ALUMINIUM,
    ELECTROLYTE,
    NICKEL,
    POLYMER,
    STEEL,
    draw_winding,
)
from models.data.battery_ct_sim.parameters import Ranges

RADII_MM = (5.2, 9.1, 10.5, 13.0)
"""Outer radii of AAA, 18650, 21700 and 26650 cells."""
HARMLESS_GAP = 0.032
"""Widest healthy crescent, as a share of the roll's radius: that of the real stack is about 0.03 wide."""
COPPER_TAB = 0.5
"""A copper tab thinner than a pixel of most scans, 1/mm."""
KINDS = {"cylindrical": 0.58, "wound pouch": 0.12, "stacked pouch": 0.2, "lid": 0.1}
WOUND = ("swelling", "buckling", "particle", "void", "dent")


def draw_cell(ranges: Ranges, generator: np.random.Generator, kind: str | None = None) -> Cell:
    """A healthy cell of a random kind (`KINDS` holds the shares), or of the given kind."""
    if kind is None:
        kind = str(generator.choice(list(KINDS), p=list(KINDS.values())))
    draw = {"cylindrical": _can, "wound pouch": _wound_pouch, "stacked pouch": _stack, "lid": _lid}[kind]
    return draw(ranges, generator)


def harmless(deformation: Deformation, ranges: Ranges, generator: np.random.Generator) -> dict[str, float]:
    """Add the variation between good cells to a deformation; returns the amplitudes."""
    cell, u = deformation.cell, generator.uniform
    pitch = cell.pitch_mm
    if cell.kind == "lid":
        return {}
    record = {}
    for waves in (2, 3, int(generator.integers(4, 8))):
        size = u(*ranges.bow_pitch) * pitch * generator.choice([-1, 1]) * (1.0 if waves < 4 else 0.4)
        deformation.bow(size, waves, u(0, TURN), cell.core_mm * 0.5, cell.wall_mm * 0.985)
        record[f"bow_{waves}_mm"] = round(float(size), 4)
    for band in cell.bands:
        if band.depth_mm > cell.core_mm and band.mu > ALUMINIUM and cell.period:
            deformation.bump(0.6 * band.thickness_mm, band.depth_mm, band.along, 1.6 * band.half_length)
    if cell.period and generator.random() < 0.6:
        for _ in range(int(generator.integers(1, 3))):
            width = min(u(*ranges.crescent_pitch) * pitch, HARMLESS_GAP * cell.rim_mm)
            inside = u(0.02, 0.55) if generator.random() < 0.7 else u(0.55, 0.95)
            depth = cell.core_mm + (cell.rim_mm - cell.core_mm) * inside
            half = np.deg2rad(u(*ranges.crescent_half_deg))
            deformation.gap(width, depth, u(0, TURN), half, inward=u(0, 0.6), defect=False)
            record["crescent_mm"] = round(float(width), 4)
    return record


def _can(ranges: Ranges, generator: np.random.Generator) -> WoundCell:
    u = generator.uniform
    radius = float(generator.choice(RADII_MM)) * u(0.97, 1.03)
    thickness = radius * u(*ranges.wall_share)
    core = radius * u(*ranges.core_share)
    pitch = radius * np.exp(u(*np.log(ranges.pitch_share)))
    rim = radius - thickness - radius * (u(0.0, 0.02) if generator.random() < 0.7 else u(0.02, 0.06))
    rim = core + pitch * np.floor((rim - core) / pitch)
    winding, chemistry = draw_winding(pitch, generator)
    bare = u(core, rim) if winding.has_cathode and generator.random() < 0.08 else 1e9
    return WoundCell(
        kind="cylindrical",
        half_size_mm=(radius, radius),
        core_mm=core,
        rim_mm=rim,
        wall_mm=radius,
        pitch_mm=pitch,
        period=TURN,
        possible=WOUND,
        bands=_tabs(core, rim, radius - thickness, pitch, generator),
        winding=winding,
        start=u(0, TURN),
        chirality=int(generator.choice([-1, 1])),
        wall_thickness_mm=thickness,
        wall_mu=STEEL * u(0.8, 1.1),
        core_mu=float(generator.choice([0.0, ELECTROLYTE * 0.4, ELECTROLYTE, POLYMER * 1.3])),
        bare_from_mm=bare,
        chemistry=chemistry,
    )


def _tabs(core: float, rim: float, inner_wall: float, pitch: float, generator: np.random.Generator) -> tuple[Band, ...]:
    """Tabs at the core, between windings and at the rim, the mandrel, films and tape."""
    u, bands = generator.uniform, []

    def tab(low: float, high: float) -> float:
        angle: float = np.deg2rad(u(low, high))
        return angle

    chance = generator.random(6)
    if chance[0] < 0.55:
        metal = float(generator.choice([NICKEL, NICKEL * 0.7, ALUMINIUM * 2]))
        bands.append(Band(core - 0.35 * pitch, min(0.3 * pitch, 0.012 * rim) + 0.05, u(0, TURN), tab(18, 50), metal))
    if chance[1] < 0.4:
        metal = float(generator.choice([NICKEL * 0.8, ALUMINIUM * 1.5, ALUMINIUM]))
        thick = min(0.7 * pitch, 0.15)
        bands.append(Band(core + u(0.2, 0.7) * (rim - core), thick, u(0, TURN), tab(6, 22), metal))
    if chance[2] < 0.45:
        metal = float(generator.choice([NICKEL, NICKEL * 0.7, COPPER_TAB]))
        bands.append(Band(rim - 0.1 * pitch, min(0.35 * pitch, 0.018 * rim), u(0, TURN), tab(8, 30), metal))
    if chance[3] < 0.5:
        bands.append(Band(rim - 0.4 * pitch, inner_wall - rim + 0.4 * pitch, u(0, TURN), tab(30, 110), 0.004, 0.9))
    if chance[4] < 0.2:
        metal = float(generator.choice([STEEL, POLYMER * 1.5]))
        bands.append(Band(core * u(0.45, 0.8), max(0.06 * core, 0.05), u(0, TURN), np.pi * u(0.85, 1.0), metal, 0.9))
    if chance[5] < 0.35:
        bands.append(Band(core * u(0.6, 0.95), 0.09 * core, u(0, TURN), tab(15, 70), POLYMER * u(0.8, 1.6)))
    return tuple(bands)


def _wound_pouch(ranges: Ranges, generator: np.random.Generator) -> WoundCell:
    round_cell = _can(ranges, generator)
    u = generator.uniform
    thickness = u(2.2, 4.5)
    pitch = thickness * np.exp(u(*np.log(ranges.pitch_share))) * 1.3
    core = max(thickness * u(0.03, 0.1), 0.6 * pitch)
    rim = core + pitch * np.floor((thickness * 0.96 - core) / pitch)
    flat = thickness * u(0.8, 2.4)
    winding, chemistry = draw_winding(pitch, generator)
    foil = u(0.1, 0.2)
    return replace(
        round_cell,
        kind="wound pouch",
        half_size_mm=(flat + thickness, thickness),
        core_mm=core,
        rim_mm=rim,
        wall_mm=thickness + foil,
        pitch_mm=pitch,
        possible=("swelling", "particle", "void", "dent"),
        bands=(Band(core * 0.2, 0.35 * pitch, TURN / 4, 0.12, NICKEL * 0.7),) if generator.random() < 0.5 else (),
        winding=winding,
        flat_mm=flat,
        wall_thickness_mm=foil,
        wall_mu=ALUMINIUM * u(0.9, 1.8) if generator.random() < 0.6 else STEEL * 0.7,
        core_mu=ELECTROLYTE * u(0.2, 0.8),
        bare_from_mm=1e9,
        chemistry=chemistry,
    )


def _stack(ranges: Ranges, generator: np.random.Generator) -> StackedCell:
    u = generator.uniform
    fewest, most = ranges.stack_sheets
    n = int(generator.integers(int(fewest), int(most)))
    pitch = u(0.2, 0.4)
    half = n * pitch * u(0.55, 1.2)
    overhang = pitch * u(1.2, 2.2)
    winding, chemistry = draw_winding(pitch, generator)
    winding = replace(winding, has_cathode=True)

    def spread(share: float) -> tuple[tuple[float, float], ...]:
        shifts = generator.normal(0, share * overhang, (n, 2)).clip(-0.3, 0.3)
        return tuple((float(a), float(b)) for a, b in shifts)

    tab = Band(u(0.2, 0.8) * n * pitch, 0.5 * pitch, half * generator.choice([-1, 1]), half * 0.18, ALUMINIUM * 1.5)
    return StackedCell(
        kind="stacked pouch",
        half_size_mm=(half + overhang + 1.4, n * pitch / 2 + 0.3),
        core_mm=0.0,
        rim_mm=n * pitch,
        wall_mm=n * pitch,
        pitch_mm=pitch,
        period=0.0,
        possible=("swelling", "buckling", "particle", "void", "overhang", "overhang"),
        bands=(tab,) if generator.random() < 0.4 else (),
        winding=winding,
        half_length_mm=half,
        overhang_mm=overhang,
        foil_mm=u(0.1, 0.18),
        anode_shift_mm=spread(0.1),
        cathode_shift_mm=spread(0.14),
        chemistry=chemistry,
    )


def _lid(ranges: Ranges, generator: np.random.Generator) -> LidCell:
    u = generator.uniform
    radius = float(generator.choice(RADII_MM))
    wall = radius * u(*ranges.wall_share) * (3.5 if generator.random() < 0.3 else 1.0)
    rings = [(0.0, radius - wall, u(0.0, 0.05), 0.3, 0.0)]
    for _ in range(int(generator.integers(2, 6))):
        inner = radius * u(0.05, 0.85)
        value = float(generator.choice([0.01, 0.03, 0.06, 0.12, 0.2])) * u(0.6, 1.4)
        rings.append((inner, inner + radius * u(0.02, 0.25), value, radius * u(0.01, 0.09), u(0, 0.9)))
    rings.append((radius - wall, radius, STEEL * u(0.75, 1.05), 0.05 * radius * generator.random() ** 2, u(0, 0.25)))
    plates = []
    for _ in range(int(generator.integers(0, 3))):
        x, y = u(-0.45, 0.45, 2) * radius
        size = u(0.05, 0.28, 2) * radius
        plates.append((x, y, *size, u(0, np.pi), u(0.02, 0.16), radius * u(0.03, 0.12)))
    return LidCell(
        kind="lid",
        half_size_mm=(radius, radius),
        core_mm=0.2 * radius,
        rim_mm=radius - wall,
        wall_mm=radius,
        pitch_mm=0.04 * radius,
        period=TURN,
        possible=("particle", "dent"),
        rings=tuple(rings),
        plates=tuple(tuple(float(v) for v in plate) for plate in plates),
        tilt_along=u(0, TURN),
    )


def real_bands(cell: Cell, generator: np.random.Generator) -> tuple[Band, ...]:
    """Occasionally an extra tab over a real winding, where such a cell could have one."""
    if cell.kind != "real" or generator.random() < 0.6:
        return ()
    bands = _tabs(cell.core_mm, 0.94 * cell.rim_mm, cell.rim_mm * 0.97, cell.pitch_mm, generator)
    return tuple(band for band in bands if band.mu > ALUMINIUM)[:2]
