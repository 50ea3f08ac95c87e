"""Drawn X-ray pictures of castings: strong structure that is no defect, and faint pores of a dozen pixels.

No real casting is in it. Each part is a geometry of its own (plates, ribs, bosses, bores, steps, rims), seen from
several sides; thickness becomes grey by Beer-Lambert's law with blur, grain and noise. Pores are ellipsoids of air.
They show whether a training on some parts carries to others; how well it does on real castings only those tell.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

__all__ = ["Casting", "draw_casting", "write_castings"]

SIDES_PX = ((260, 360), (300, 400), (380, 300))
"""Rows and columns of the pictures of a part; one of them each."""
BOX_MARGIN = 1.15
"""People draw boxes a little larger than what they see."""


@dataclass(frozen=True)
class Casting:
    """How the pictures of a part are made: all but the view is the part's.

    Attributes:
        seed: of its geometry.
        shape: rows and columns.
        base: attenuation of its thinnest wall.
        noise: SD of a grey value, 0 to 1.
        unsharp: SD of the blur, pixels.
        gamma: of the film or detector.
        grain: attenuation of the coarse texture of the metal.
        inverted: whether dense is bright.
    """

    seed: int
    shape: tuple[int, int]
    base: float
    noise: float
    unsharp: float
    gamma: float
    grain: float
    inverted: bool

    @classmethod
    def of(cls, seed: int) -> Casting:
        """The casting of a seed."""
        generator = np.random.default_rng((seed, 1))
        return cls(
            seed=seed,
            shape=SIDES_PX[int(generator.integers(len(SIDES_PX)))],
            base=float(generator.uniform(0.5, 1.3)),
            noise=float(generator.uniform(0.008, 0.02)),
            unsharp=float(generator.uniform(0.7, 1.4)),
            gamma=float(generator.uniform(0.6, 1.3)),
            grain=float(generator.uniform(0.01, 0.035)),
            inverted=bool(generator.random() < 0.15),
        )


def draw_casting(casting: Casting, view: int, pores: int) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """One radiograph of a casting.

    Args:
        casting: the part.
        view: number of the view, which turns and moves the part.
        pores: how many pores it has.

    Returns:
        uint8 (rows, columns), and x1, y1, x2, y2 of each pore, both ends included.
    """
    generator = np.random.default_rng((casting.seed, 2, view))
    rows, columns = np.mgrid[: casting.shape[0], : casting.shape[1]].astype(np.float32)
    middle = np.array(casting.shape) / 2
    angle, scale = generator.uniform(0, 2 * np.pi), generator.uniform(0.85, 1.15)
    y, x = (rows - middle[0]) / scale, (columns - middle[1]) / scale
    y, x = y - generator.uniform(-60, 60), x - generator.uniform(-60, 60)
    y, x = y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)
    attenuation = _structure(casting, y, x)
    coarse = gaussian_filter(generator.normal(size=casting.shape), generator.uniform(4, 9))
    attenuation += casting.grain * coarse / coarse.std() * (attenuation > 0.15)
    boxes = []
    for _ in range(pores):
        attenuation, box = _pore(attenuation, generator)
        boxes.append(box)
    grey = np.exp(-gaussian_filter(np.maximum(attenuation, 0), casting.unsharp))
    grey = (grey / np.percentile(grey, 99.5)).clip(0, 1) ** casting.gamma
    noise = gaussian_filter(generator.normal(size=casting.shape), generator.uniform(0.3, 0.7))
    grey = grey + casting.noise * noise / noise.std() * np.sqrt(0.3 + grey)
    grey = 1 - grey if casting.inverted else grey
    return (255 * (0.05 + 0.85 * grey)).clip(0, 255).astype(np.uint8), boxes


def _structure(casting: Casting, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Attenuation (rows, columns) of the sound part, at its own coordinates in pixels."""
    generator = np.random.default_rng((casting.seed, 3))
    reach = float(max(casting.shape))

    def inside(distance: np.ndarray, edge: float) -> np.ndarray:
        found: np.ndarray = 1 / (1 + np.exp((distance / edge).clip(-30, 30)))
        return found

    def edge() -> float:
        return float(np.exp(generator.uniform(np.log(0.5), np.log(5.0))))

    whole = casting.base * (1 + generator.uniform(-0.4, 0.4) * x / reach + generator.uniform(-0.4, 0.4) * y / reach)
    for _ in range(generator.integers(1, 4)):  # steps of thickness
        turn, place = generator.uniform(0, np.pi), generator.uniform(-0.4, 0.4) * reach
        whole = whole + generator.uniform(0.15, 0.8) * inside(x * np.cos(turn) + y * np.sin(turn) - place, edge())
    for _ in range(generator.integers(1, 6)):  # ribs
        turn, place = generator.uniform(0, np.pi), generator.uniform(-0.5, 0.5) * reach
        across = np.abs(x * np.cos(turn) + y * np.sin(turn) - place)
        whole = whole + generator.uniform(0.15, 0.7) * inside(across - generator.uniform(4, 22), edge())
    for _ in range(generator.integers(1, 5)):  # bosses, some with a bore
        away = np.hypot(y - generator.uniform(-0.4, 0.4) * reach, x - generator.uniform(-0.4, 0.4) * reach)
        radius = generator.uniform(14, 60)
        whole = whole + generator.uniform(0.2, 0.9) * inside(away - radius, edge())
        if generator.random() < 0.7:
            whole = whole * (1 - generator.uniform(0.4, 1.0) * inside(away - radius * generator.uniform(0.3, 0.6), 1.2))
    count, ring = generator.integers(3, 9), generator.uniform(0.15, 0.45) * reach
    size, depth = generator.uniform(4, 11), generator.uniform(0.3, 1.0)
    for turn in 2 * np.pi * np.arange(count) / count:  # bores on a circle
        away = np.hypot(y - ring * np.sin(turn), x - ring * np.cos(turn))
        whole = whole * (1 - depth * inside(away - size, 1.0))
    if generator.random() < 0.6:  # the part ends within the picture
        power = generator.uniform(2, 6)
        rim = (np.abs(x / (0.55 * reach)) ** power + np.abs(y / (0.42 * reach)) ** power) ** (1 / power) - 1
        whole = whole * inside(rim * 0.45 * reach, edge())
    return np.asarray(whole, np.float32)


def _pore(attenuation: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Attenuation with a pore somewhere in the metal, and its box."""
    height, width = attenuation.shape
    radii = np.exp(generator.normal(np.log(5.4), 0.3, 2)).clip(3, 14)
    for _ in range(50):
        row, column = generator.uniform(18, height - 18), generator.uniform(18, width - 18)
        if attenuation[int(row), int(column)] > 0.35:
            break
    rows, columns = np.ogrid[:height, :width]
    turn = generator.uniform(0, np.pi)
    v, u = rows - row, columns - column
    along, across = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
    ragged = gaussian_filter(generator.normal(size=attenuation.shape), 2.5)
    away = (along / radii[0]) ** 2 + (across / radii[1]) ** 2 + 0.35 * ragged / ragged.std() * generator.uniform(0, 1)
    near = (np.abs(v) < 24) & (np.abs(u) < 24)
    depth = np.where(near, np.sqrt(np.maximum(1 - away, 0)), 0)
    strength = np.exp(generator.uniform(np.log(0.05), np.log(0.22)))
    half = BOX_MARGIN * np.sqrt((radii[0] * np.cos(turn)) ** 2 + (radii[1] * np.sin(turn)) ** 2)
    tall = BOX_MARGIN * np.sqrt((radii[0] * np.sin(turn)) ** 2 + (radii[1] * np.cos(turn)) ** 2)
    box = tuple(round(float(value)) for value in (column - half, row - tall, column + half, row + tall))
    return attenuation - strength * depth, (box[0], box[1], box[2], box[3])


def write_castings(
    folder: Path, parts: int = 14, pictures: int = 160, defective: float = 0.4, seed: int = 0, first_part: int = 0
) -> Path:
    """Write pictures of castings with ``labels.csv`` (file, label, group, split, boxes); different parts on each side.

    Args:
        folder: gets them.
        parts: how many castings; about half are for training, a seventh for validation.
        pictures: of all parts together.
        defective: share of pictures with pores.
        seed: of the set.
        first_part: number of the first casting, so that two sets have different ones.
    """
    generator = np.random.default_rng(seed)
    lines = []
    sides = ["train"] * round(parts * 0.5) + ["validation"] * max(1, round(parts / 7))
    sides += ["test"] * (parts - len(sides))
    for number in range(pictures):
        part = number % parts
        pores = int(generator.choice([1, 1, 2, 3])) if generator.random() < defective else 0
        grey, boxes = draw_casting(Casting.of(1000 * seed + first_part + part), number // parts, pores)
        name = f"{sides[part]}/C{part:04}_{number // parts:04}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grey).save(folder / name)
        cell = ";".join(f"{a} {b} {c} {d} pore" for a, b, c, d in boxes)
        lines.append([name, "defect" if boxes else "normal", f"C{part:04}", sides[part], cell])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file", "label", "group", "split", "boxes"], *lines])
    return folder
