"""Copy-paste augmentation: marked defects of other pictures and simulated pores, pasted onto good places.

With forty defects on three parts a network learns the parts. A defect is therefore cut out as the change of grey value
that it makes to its surroundings, and pasted onto any place of another part (copy-paste: Ghiasi et al., CVPR 2021; for
defects: Li et al., CutPaste, CVPR 2021), so that training shows it beside the edges, holes and steps of all good parts.
Pores are simulated as ellipsoids of another density, as X-ray shows them, with the size and contrast of marked defects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

LARGEST_PX = 96
"""Largest side of a defect that is cut out, pixels of the input."""
MOST_KEPT = 2000
_LEAST_LEVEL = 0.02
_CLEAR = 2.0
"""A pixel belongs to a change that exceeds the residual of the surroundings by this factor."""
_SMOOTH = 0.15
"""SD of the Gaussian that smooths noise before that test, as a share of the defect's side."""
_DRAWN = 0.4
"""Share of simulated pores among the pasted defects."""
_CORE = 0.3
"""A pixel belongs to a simulated pore from this share of its depth on."""
_SIDE_RANGE = (0.55, 1.6)
_GAIN_RANGE = (0.5, 1.3)
_LEVEL_RANGE = (0.4, 2.5)
_LEAST_SEEN = 0.3
"""Least share of a defect's change that must remain after clipping at black and white."""
Box = tuple[int, int, int, int]
"""Top, left, bottom, right, pixels of the input; bottom and right are exclusive."""
Generator = np.random.Generator


@dataclass(frozen=True)
class CutOut:
    """Change of the grey value that a defect makes.

    Attributes:
        change: change of the grey value, float32 (h, w), fading towards its edges.
        area: pixels of the defect, bool (h, w).
        level: grey value of its surroundings.
        peak: largest change after smoothing, with its sign.
    """

    change: np.ndarray
    area: np.ndarray
    level: float
    peak: float


@dataclass
class DefectBank:
    """Marked defects to paste onto good places.

    Attributes:
        kept: the defects that could be cut out.
        sides: sides of all marked defects, pixels of the input.
    """

    kept: list[CutOut] = field(default_factory=list)
    sides: list[float] = field(default_factory=list)

    def add(self, grey: np.ndarray, boxes: Sequence[Box]) -> None:
        """Add the defects of a picture, float32 (H, W), 0 to 1."""
        for box in boxes:
            self.sides.append(float(np.sqrt((box[2] - box[0]) * (box[3] - box[1]))))
            found = cut_out(grey, box) if len(self.kept) < MOST_KEPT else None
            if found is not None:
                self.kept.append(found)

    def paste(self, grey: np.ndarray, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Paste a defect onto a random place.

        Args:
            grey: float32 (H, W), 0 to 1.
            generator: source of all randomness.

        Returns:
            the picture, float32 (H, W), and the pixels of the defect, bool (H, W); none if it would not be visible.
        """
        spot = np.zeros(grey.shape, bool)
        if not self.kept:
            return grey, spot
        one = self.kept[int(generator.integers(len(self.kept)))]
        change, area = self._drawn(one, generator) if generator.random() < _DRAWN else _varied(one, generator)
        if change.shape[0] >= grey.shape[0] or change.shape[1] >= grey.shape[1]:
            return grey, spot
        top, left = (int(generator.integers(all_ - own)) for all_, own in zip(grey.shape, change.shape, strict=True))
        at = slice(top, top + change.shape[0]), slice(left, left + change.shape[1])
        # X-ray attenuation is multiplicative: the change is smaller in dark places.
        level = np.clip(max(float(np.median(grey[at])), _LEAST_LEVEL) / one.level, *_LEVEL_RANGE)
        change = change * np.float32(level * generator.uniform(*_GAIN_RANGE))
        laid = (grey[at] + change).clip(0, 1)
        if np.abs(laid - grey[at])[area].sum() < _LEAST_SEEN * np.abs(change)[area].sum():
            return grey, spot
        changed = grey.copy()
        changed[at], spot[at] = laid, area
        return changed, spot

    def _drawn(self, like: CutOut, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Change and area of a simulated pore with the contrast of a cut-out defect and the size of a marked one."""
        side = self.sides[int(generator.integers(len(self.sides)))] * generator.uniform(*_SIDE_RANGE)
        radius = np.clip(side, 4, LARGEST_PX) / 2
        stretch = np.exp(generator.uniform(-0.35, 0.35))
        half = int(np.ceil(radius * max(stretch, 1 / stretch))) + 4
        rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
        turn = generator.uniform(0, np.pi)
        along = columns * np.cos(turn) + rows * np.sin(turn)
        across = rows * np.cos(turn) - columns * np.sin(turn)
        away = (along / (radius * stretch)) ** 2 + (across * stretch / radius) ** 2
        ragged = gaussian_filter(generator.normal(size=rows.shape), max(radius / 3, 0.8))
        away = away + generator.uniform(0, 0.5) * ragged / max(float(ragged.std()), 1e-6) * (away < 2)
        depth = gaussian_filter(np.sqrt(np.maximum(1 - away, 0)), generator.uniform(0.5, 1.2))
        depth = (depth / max(float(depth.max()), 1e-6)).astype(np.float32)
        return like.peak * depth, depth > _CORE


def cut_out(grey: np.ndarray, box: Box) -> CutOut | None:
    """Change that a marked defect makes to its surroundings; None if these are too uneven to estimate it.

    The surroundings are modelled by a quadratic surface fitted to the ring around the box.

    Args:
        grey: float32 (H, W), 0 to 1.
        box: box of the defect.
    """
    top, left, bottom, right = box
    margin = max(4, round(0.4 * max(bottom - top, right - left)))
    above, before = max(top - margin, 0), max(left - margin, 0)
    part = grey[above : bottom + margin, before : right + margin].astype(np.float64)
    if min(part.shape) < 6 or max(bottom - top, right - left) > LARGEST_PX:
        return None
    rows, columns = np.ogrid[above : above + part.shape[0], before : before + part.shape[1]]
    ring = (rows < top) | (rows >= bottom) | (columns < left) | (columns >= right)
    down, across = (bottom - top) / 2, (right - left) / 2
    area = ((rows + 0.5 - top - down) / down) ** 2 + ((columns + 0.5 - left - across) / across) ** 2 <= 1
    if ring.sum() < 24:
        return None
    change = part - _surface(part, ring)
    smooth = gaussian_filter(change, max(1.0, _SMOOTH * min(bottom - top, right - left)))
    peak = float(smooth[area][np.abs(smooth[area]).argmax()])
    if abs(peak) < max(_CLEAR * float(smooth[ring].std()), 1 / 255):
        return None
    fade = gaussian_filter((~ring).astype(float), margin / 3).clip(0, 1)
    level = max(float(np.median(part[ring])), _LEAST_LEVEL)
    return CutOut((change * fade).astype(np.float32), area, level, peak)


def _surface(part: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """Quadratic surface (h, w) fitted to some pixels of a picture."""
    y, x = (np.linspace(-1, 1, length) for length in part.shape)
    y, x = np.broadcast_to(y[:, None], part.shape), np.broadcast_to(x[None], part.shape)
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
    fit, *_ = np.linalg.lstsq(terms[ring], part[ring], rcond=None)
    surface: np.ndarray = terms @ fit
    return surface


def _varied(one: CutOut, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Change and area of a cut-out after random rotation, mirroring, scaling and smoothing."""
    turns, mirrored = int(generator.integers(4)), generator.random() < 0.5
    change, area = (np.rot90(part, turns)[:, :: -1 if mirrored else 1] for part in (one.change, one.area))
    if generator.random() < 0.7:
        by = float(np.exp(generator.uniform(-0.35, 0.35)))
        change, area = zoom(change, by, order=1), zoom(area.astype(np.uint8), by, order=0) > 0
    return gaussian_filter(change, generator.uniform(0.3, 1.0)), area
