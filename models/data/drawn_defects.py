"""Defects drawn into pictures of good parts, for learning where no real one was ever seen.

None of them looks like a certain defect. They are local changes of many kinds and sizes that a good part does not have:
a piece from elsewhere (CutPaste: Li et al., CVPR 2021; NSA: Schlueter et al., ECCV 2022), a blob or ragged area of
another grey value or texture (DRAEM: Zavrtanik et al., ICCV 2021), a scratch, a dent that moves what is there. Grey
values are taken from the picture itself or from beyond its range, so a drawing in black and white gets defects in
black and white.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, zoom

SMALLEST_PX = 2.5
"""Radius of the smallest defect, pixels of the network's input."""
LARGEST = 0.14
"""Radius of the largest one, as a share of the shorter side."""
MOST_DEFECTS = 3
LEAST_CHANGE = 0.04
"""Least change of a grey value (0 to 1) that counts as a part of the defect."""

Generator = np.random.Generator


def draw_defects(unit: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture with one to three defects drawn into it.

    Args:
        unit: a good part, float32 (H, W), 0 to 1.
        generator: of what is drawn.

    Returns:
        the picture, float32 (H, W), and its defects, bool (H, W).
    """
    drawn = unit.copy()
    for _ in range(int(generator.integers(1, MOST_DEFECTS + 1))):
        kind = KINDS[int(generator.integers(len(KINDS)))]
        drawn = kind(drawn, generator)
    drawn = np.clip(drawn, 0, 1).astype(np.float32)
    changed = np.abs(drawn - unit) > LEAST_CHANGE
    # Holes and rims of what was drawn belong to it.
    return drawn, gaussian_filter(changed.astype(np.float32), 1.0) > 0.3


def blob(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """A round or long spot of another grey value, its edge hard or soft."""
    return _blend(unit, _ellipse(unit.shape, generator), _grey(unit, generator), generator)


def ragged(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """An area with a ragged edge, of another grey value or texture."""
    height, width = unit.shape
    cells = int(generator.integers(3, 9))
    noise = generator.normal(size=(cells, cells))
    field = zoom(noise, (height / cells, width / cells), order=3)[:height, :width]
    window = _ellipse(unit.shape, generator, grow=1.6)
    if field.shape != unit.shape:
        field = np.resize(field, unit.shape)
    area = window * (1 / (1 + np.exp(-6 * field)))
    filling = _elsewhere(unit, generator) if generator.random() < 0.5 else _grey(unit, generator)
    return _blend(unit, area, filling, generator)


def piece(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """A rectangle or spot of the same picture, from another place, turned, lighter or darker."""
    area = _ellipse(unit.shape, generator) if generator.random() < 0.5 else _rectangle(unit.shape, generator)
    return _blend(unit, area, _elsewhere(unit, generator), generator)


def scratch(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """A crooked line, dark or light, down to a pixel wide."""
    height, width = unit.shape
    steps = 24
    length = np.exp(generator.uniform(np.log(8.0), np.log(0.6 * min(unit.shape))))
    angle = generator.uniform(0, np.pi) + np.cumsum(generator.normal(0, generator.uniform(0, 0.35), steps))
    rows = generator.uniform(0, height) + np.cumsum(np.sin(angle)) * length / steps
    columns = generator.uniform(0, width) + np.cumsum(np.cos(angle)) * length / steps
    half = np.exp(generator.uniform(np.log(0.5), np.log(2.5)))
    fine = np.linspace(0, steps - 1, 4 * int(length) + 2)
    rows, columns = (np.interp(fine, np.arange(steps), values) for values in (rows, columns))
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    line = np.zeros(unit.shape, np.float32)
    line[rows[inside].astype(int), columns[inside].astype(int)] = 1
    blurred = gaussian_filter(line, half)
    top = blurred.max()
    area = np.clip(1.5 * blurred / top, 0, 1) if top > 0 else line
    return _mixed(unit, area, _grey(unit, generator))


def dent(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """What lies there is moved, as if the picture were pinched."""
    area = gaussian_filter(_ellipse(unit.shape, generator, grow=1.5), 1.5)
    reach = np.exp(generator.uniform(np.log(2.0), np.log(10.0)))
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[: unit.shape[0], : unit.shape[1]].astype(np.float32)
    moved = [rows + area * reach * np.sin(angle), columns + area * reach * np.cos(angle)]
    found: np.ndarray = map_coordinates(unit, moved, order=1, mode="reflect")
    return found


KINDS: tuple[Callable[[np.ndarray, Generator], np.ndarray], ...] = (blob, blob, ragged, piece, scratch, dent)


def _radius(shape: tuple[int, ...], generator: Generator) -> float:
    return float(np.exp(generator.uniform(np.log(SMALLEST_PX), np.log(max(LARGEST * min(shape), SMALLEST_PX + 1)))))


def _ellipse(shape: tuple[int, ...], generator: Generator, grow: float = 1.0) -> np.ndarray:
    """1 inside of an ellipse anywhere in the picture, 0 outside, float32 (H, W)."""
    height, width = shape
    radius, stretch = grow * _radius(shape, generator), np.exp(generator.uniform(-0.9, 0.9))
    angle = generator.uniform(0, np.pi)
    rows, columns = np.ogrid[:height, :width]
    rows, columns = rows - generator.uniform(0, height), columns - generator.uniform(0, width)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    inside: np.ndarray = (along / stretch) ** 2 + (across * stretch) ** 2 < radius**2
    return inside.astype(np.float32)


def _rectangle(shape: tuple[int, ...], generator: Generator) -> np.ndarray:
    area = np.zeros(shape, np.float32)
    sides = [max(2, int(2 * _radius(shape, generator))) for _ in shape]
    first = [int(generator.integers(0, max(1, extent - side))) for extent, side in zip(shape, sides, strict=True)]
    area[first[0] : first[0] + sides[0], first[1] : first[1] + sides[1]] = 1
    return area


def _grey(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """A grey value for a whole defect: of some place in the picture, or above or below what lies there."""
    if generator.random() < 0.4:
        value = unit[int(generator.integers(unit.shape[0])), int(generator.integers(unit.shape[1]))]
        return np.full(unit.shape, value, np.float32)
    spread = float(np.percentile(unit, 95) - np.percentile(unit, 5))
    shift = generator.choice([-1.0, 1.0]) * generator.uniform(0.3, 1.2) * max(spread, 0.15)
    return unit + np.float32(shift)


def _elsewhere(unit: np.ndarray, generator: Generator) -> np.ndarray:
    """The picture moved, perhaps mirrored, somewhat lighter or darker."""
    moved = np.roll(unit, [int(generator.integers(extent)) for extent in unit.shape], (0, 1))
    moved = moved[:: int(generator.choice([-1, 1])), :: int(generator.choice([-1, 1]))]
    middle = float(unit.mean())
    return (moved - middle) * generator.uniform(0.7, 1.4) + middle + generator.uniform(-0.1, 0.1)


def _blend(unit: np.ndarray, area: np.ndarray, filling: np.ndarray, generator: Generator) -> np.ndarray:
    """The filling in an area whose edge is hard or soft, opaque or seen through."""
    soft = generator.uniform(0, 2.5) if generator.random() < 0.5 else 0.0
    if soft > 0.3:
        area = gaussian_filter(area, soft)
    return _mixed(unit, area * generator.uniform(0.4, 1.0), filling)


def _mixed(unit: np.ndarray, area: np.ndarray, filling: np.ndarray) -> np.ndarray:
    mixed: np.ndarray = unit * (1 - area) + filling * area
    return mixed
