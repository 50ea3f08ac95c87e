"""Generates simulated data sets (pictures, masks and a table) and sample stacks.

The table has a row a picture: ``file``, ``label`` (normal, defect), ``group`` (the cell, or the real slice that served
as background), ``mask`` (empty for good ones), ``background`` (real, drawn), ``defect`` and ``parameters`` (JSON).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError
from models.data.battery_ct_sim.anatomy import draw_cell, harmless, real_bands
from models.data.battery_ct_sim.backgrounds import RealCell, real_cells
from models.data.battery_ct_sim.cells import Cell, StackedCell
from models.data.battery_ct_sim.defects import DEFECTS, Defect, plan
from models.data.battery_ct_sim.deformation import Bent, Deformation
from models.data.battery_ct_sim.parameters import PARTS, Ranges
from models.data.battery_ct_sim.render import View, record_of, render
from models.data.battery_ct_sim.scanner import draw_scan

COLUMNS = ("file", "label", "group", "mask", "background", "defect", "parameters")
REAL_SHARE = 0.6
DEFECT_SHARE = 0.5
WEIGHT = {"swelling": 1.2, "buckling": 1.7, "overhang": 1.0, "particle": 1.0, "void": 0.9, "dent": 0.7}
SEEN_PX = 14
"""Least number of mask pixels, of 384 x 384, with which a picture counts as showing its defect."""


def generate(
    folder: str | Path,
    n: int,
    *,
    seed: int,
    real_root: str | Path | None = None,
    size: int = 384,
    part: str = "train",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Write ``n`` simulated pictures of ``part`` into a folder; deterministic for a seed.

    Args:
        folder: gets images/*.png (16 bit), masks/*.png (0 and 255) and labels.csv.
        n: how many pictures; about half show a defect.
        seed: of everything random.
        real_root: the folder battery_ct; without it every picture is drawn.
        size: pixels along a side.
        part: "train", "validation" or "test": which real slices and which ranges of parameters.
        progress: is told (done, total, note).
        should_stop: ends early; the table then lists what was written.

    Returns:
        The table's path.

    Raises:
        ConfigError: no such part, or nothing to do.
        ReadError: a real slice cannot be read.
    """
    if part not in PARTS:
        raise ConfigError("part", f"no {part!r}; one of {', '.join(PARTS)}")
    if n < 1 or size < 64:
        raise ConfigError("n" if n < 1 else "size", "at least one picture of at least 64 pixels a side")
    folder = Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "masks").mkdir(exist_ok=True)
    rows = []
    for i in range(n):
        if should_stop and should_stop():
            break
        picture, mask, row = make_picture(np.random.default_rng([seed, i]), part, real_root, size)
        name = f"{part}_{seed}_{i:05d}.png"
        _write(folder / "images" / name, picture)
        row["file"] = f"images/{name}"
        row["group"] = row["group"] or f"drawn/{part}_{seed}_{i:05d}"
        if row["label"] == "defect":
            _write(folder / "masks" / name, mask.astype(np.uint8) * 255)
            row["mask"] = f"masks/{name}"
        rows.append(row)
        if progress:
            progress(i + 1, n, f"simulated pictures for {part}")
    table = folder / "labels.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return table


PART_SEEDS = {"train": 1, "validation": 2, "test": 3}


def generate_set(
    folder: str | Path,
    counts: Mapping[str, int],
    *,
    real_root: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a set of several parts into one folder, named in the column ``split`` of its table.

    Args:
        folder: gets images, masks and labels.csv.
        counts: pictures of each part.
        real_root: the folder battery_ct; without it every picture is drawn.
        progress: is told (done, total, note) over all parts.

    Returns:
        The table's path.
    """
    rows: list[dict[str, str]] = []
    before, total = 0, sum(counts.values())
    table = Path(folder) / "labels.csv"
    for part, n in counts.items():

        def tell(done: int, _: int, note: str, before: int = before, part: str = part) -> None:
            if progress is not None:
                progress(before + done, total, f"{part} {note}".strip())

        generate(folder, n, seed=PART_SEEDS[part], real_root=real_root, part=part, progress=tell)
        with table.open(newline="", encoding="utf-8") as stream:
            rows += [{**row, "split": part} for row in csv.DictReader(stream)]
        before += n
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, (*COLUMNS, "split"))
        writer.writeheader()
        writer.writerows(rows)
    return table


def make_picture(
    generator: np.random.Generator, part: str = "train", real_root: str | Path | None = None, size: int = 384
) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """One simulated picture, uint16 (size, size), its mask, bool, and its row of the table (without file)."""
    ranges = PARTS[part]
    wants_defect = generator.random() < DEFECT_SHARE
    for _ in range(20):
        cell = _choose_cell(ranges, part, real_root, generator)
        scan = draw_scan(ranges, generator)
        # Coarse pictures, as cut out of figures, are sampled small and enlarged.
        sampled = size if generator.random() < 0.7 else int(size * generator.uniform(0.42, 0.8))
        whole = generator.random() < 0.62
        reach = generator.uniform(1.02, 1.24) if whole else generator.uniform(0.3, 0.75)
        field = 2 * max(cell.half_size_mm) * reach
        seen = 0.5 * (field / size + field / sampled) * size / 384
        name = _choose_defect(cell, generator)
        # A good picture looks where a defect of the same kind would be, so that the choice of view tells nothing.
        defect = plan(name, cell, seen, ranges, generator)
        view = _view(cell, defect, field, whole, sampled, generator)
        shown = defect if wants_defect else None
        deformation = Deformation(cell, gap_mu=_filling(generator, defect=wants_defect and name == "swelling"))
        differences = harmless(deformation, ranges, generator)
        if shown:
            shown.bend(deformation)
            cell = shown.changed_cell(cell)
        bent = deformation.invert()
        picture, mask = render(cell, bent, shown, deformation.gap_mu, view, scan, generator)
        if shown and name == "overhang" and isinstance(cell, StackedCell):
            mask = _overhang_mask(cell, bent, shown, view)
        picture, mask = _enlarge(picture, mask, size)
        if not wants_defect or mask.sum() * (384 / size) ** 2 >= SEEN_PX:
            break
    row = {
        "label": "defect" if wants_defect else "normal",
        "group": cell.name if isinstance(cell, RealCell) else "",
        "mask": "",
        "background": "real" if isinstance(cell, RealCell) else "drawn",
        "defect": name if wants_defect else "",
        "parameters": json.dumps(record_of(cell, shown, differences, view, scan)),
    }
    return picture, mask & wants_defect, row


def _choose_cell(ranges: Ranges, part: str, real_root: str | Path | None, generator: np.random.Generator) -> Cell:
    if real_root is None or generator.random() > REAL_SHARE:
        return draw_cell(ranges, generator)
    cells, shares = real_cells(str(real_root), part)
    cell = cells[int(generator.choice(len(cells), p=shares))]
    return cell.with_bands(real_bands(cell, generator))


def _choose_defect(cell: Cell, generator: np.random.Generator) -> str:
    weights = np.array([WEIGHT[name] for name in cell.possible])
    return str(generator.choice(cell.possible, p=weights / weights.sum()))


def _filling(generator: np.random.Generator, *, defect: bool) -> float:
    """Attenuation inside a gap, 1/mm: gas after delamination, mostly electrolyte in a healthy crescent."""
    return generator.uniform(0.0, 0.008) if defect else generator.uniform(0.0, 0.03)


def _view(cell: Cell, defect: Defect, field: float, whole: bool, size: int, generator: np.random.Generator) -> View:
    """A view of the whole cell, or of a part that contains the defect."""
    angle, mirrored = generator.uniform(0, 2 * np.pi), bool(generator.random() < 0.5)
    if not cell.period:
        angle = generator.choice([0, np.pi / 2, np.pi, 3 * np.pi / 2]) + generator.normal(0, 0.05)
    x, y = generator.uniform(-0.03, 0.03, 2) * field
    if not whole:
        x, y = np.array(cell.point(defect.depth_mm, defect.along)) + generator.uniform(-0.27, 0.27, 2) * field
    return View(float(x), float(y), float(field), float(angle), mirrored, size)


def _overhang_mask(cell: StackedCell, bent: Bent, defect: Defect, view: View) -> np.ndarray:
    """Mask of wrong sheet edges: from the nominal edge to the actual one."""
    x, y = view.points()
    depth, along = cell.coordinates(x, y)
    depth = bent(depth, along)[0]
    mask = np.zeros(x.shape, dtype=bool)
    for part in defect.parts:
        nominal = cell.half_length_mm - (0 if part["anode"] else cell.overhang_mm)
        sheet = (depth // cell.pitch_mm).astype(int) == part["sheet"]
        side = along if part["side"] else -along
        low, high = sorted((nominal, nominal + part["size_mm"]))
        mask |= sheet & (side > low) & (side < high)
        if part["shifted"]:
            low, high = sorted((nominal, nominal - part["size_mm"]))
            mask |= sheet & (-side > low) & (-side < high)
    return mask


def _enlarge(picture: np.ndarray, mask: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Upscale a coarse picture to its final size."""
    if len(picture) == size:
        return picture, mask
    at = (np.arange(size) + 0.5) * len(picture) / size - 0.5
    grid = np.meshgrid(at, at, indexing="ij")
    large = ndimage.map_coordinates(picture.astype(np.float32), grid, order=3, mode="nearest")
    near = ndimage.map_coordinates(mask.astype(np.uint8), grid, order=0, mode="nearest")
    return np.rint(np.clip(large, 0, 65535)).astype(np.uint16), near > 0


def _write(file: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(file, compress_level=1)


class SimulatedStack(NamedTuple):
    """Slices uint16 (n_slices, size, size), defect masks, bool of that shape, and the pixel size in mm."""

    slices: np.ndarray
    masks: np.ndarray
    pixel_mm: float


def simulated_stack(
    n_slices: int = 40,
    seed: int = 0,
    defect: str | None = None,
    size: int = 288,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> SimulatedStack:
    """A simulated stack of one cylindrical cell.

    Args:
        n_slices: slices along the cell's axis.
        seed: of everything random.
        defect: one of `DEFECTS` but "overhang"; it grows and fades over the middle third of the slices. None: healthy.
        size: pixels along a side.
        progress: is told (done, total, note) before each slice.
        should_stop: asked before each slice; True ends early, with the slices that there are.

    Raises:
        ConfigError: the defect is none of those.
    """
    generator = np.random.default_rng(seed)
    cell = draw_cell(PARTS["train"], generator, "cylindrical")
    if defect is not None and (defect not in DEFECTS or defect not in cell.possible):
        raise ConfigError("defect", f"no {defect!r} in a cylindrical cell; one of {', '.join(cell.possible)}")
    scan = draw_scan(PARTS["train"], generator)
    view = View(0.0, 0.0, 2.2 * cell.wall_mm, generator.uniform(0, 2 * np.pi), False, size)
    planned = plan(defect, cell, view.pixel_mm * size / 384, PARTS["train"], generator) if defect else None
    base = Deformation(cell, gap_mu=0.01)
    harmless(base, PARTS["train"], generator)
    middle, spread = n_slices * generator.uniform(0.4, 0.6), max(n_slices / 6, 1.0)
    pictures, masks = [], []
    for i in range(n_slices):
        if should_stop is not None and should_stop():
            break
        if progress is not None:
            progress(i, n_slices, "Simulating a scan of a battery cell (once)")
        strength = float(np.sqrt(max(1 - ((i - middle) / (1.5 * spread)) ** 2, 0.0)))
        here = Deformation(cell, gap_mu=base.gap_mu)
        here.moved_mm = base.moved_mm.copy()
        shown = planned if strength > 0.3 else None
        if shown:
            shown.bend(here, strength)
        picture, mask = render(cell, here.invert(), shown, base.gap_mu, view, scan, generator)
        pictures.append(picture)
        masks.append(mask)
    return SimulatedStack(np.array(pictures), np.array(masks), view.pixel_mm)
