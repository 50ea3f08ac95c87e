"""Window and level: mapping of stored values to displayed greys.

For the eye alone. The network never sees a windowed picture (``ImageTask.prepare`` takes the stored values).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from readers.image_stack import ImageStack

_MOST_SAMPLES = 1_000_000
_BINS = 128
AUTO, FULL, SOFT, METAL, FILE = "auto", "full range", "soft", "metal", "of the file"
"""Names of the presets: 0.5th to 99.5th percentile; all values; all but metal; metal alone; what the file suggests."""


@dataclass(frozen=True)
class Window:
    """A window over stored values.

    Attributes:
        centre: the value in the middle (window centre, level).
        width: from black to white, > 0; at least 1 for integer values.
        inverted: whether the lowest value is shown white.
    """

    centre: float
    width: float
    inverted: bool = False

    @property
    def low(self) -> float:
        """Lower edge, for drawing it into a histogram."""
        return self.centre - self.width / 2

    @property
    def high(self) -> float:
        """Upper edge."""
        return self.centre + self.width / 2

    def inverse(self) -> Window:
        """The same window with black and white exchanged."""
        return Window(self.centre, self.width, not self.inverted)


def window_between(low: float, high: float, dtype: np.dtype) -> Window:
    """The window with ``low`` as black and ``high`` as white, for values of a dtype."""
    if np.dtype(dtype).kind in "iu":
        return Window((low + high + 1) / 2, max(high - low, 0) + 1)
    width = high - low
    return Window((low + high) / 2, width if width > 0 else 1.0)


def window_presets(pixels: np.ndarray, stack: ImageStack) -> dict[str, Window]:
    """Preset windows, the default first.

    For one look at a whole stack, take the presets of one slice (the middle one) for all.

    Args:
        pixels: a slice (H, W); NaN is left out.
        stack: what it belongs to: the window that its files suggest is a preset too.

    Returns:
        name -> window: "auto" (0.5th to 99.5th percentile), "full range", "soft" (what is less dense than metal),
        "metal" (the top of the histogram), and "of the file" where it has one.
    """
    values = _finite(pixels)
    presets = {}
    if values.size:
        sample = values[:: max(1, values.size // _MOST_SAMPLES)]
        low, high = np.percentile(sample, (0.5, 99.5))
        dense, top = _dense_from(sample), float(values.max())
        between = lambda a, b: window_between(float(a), float(b), values.dtype)  # noqa: E731
        presets = {
            AUTO: between(low, high),
            FULL: between(values.min(), top),
            SOFT: between(low, max(dense, low)),
            METAL: between(min(dense, top), top),
        }
    else:
        presets = {FULL: Window(0.5, 1.0)}
    if stack.window is not None:
        presets[FILE] = Window(*stack.window)
    return presets


def apply_window(pixels: np.ndarray, window: Window) -> np.ndarray:
    """The picture as displayed.

    Integers go through DICOM's linear function with its half steps (PS3.3 C.11.2.1.2.1), floats through the exact
    linear one (C.11.2.1.3.2), since half a step means nothing between 0 and 1.

    Args:
        pixels: (H, W) of any real type; NaN becomes black.
        window: what to show.

    Returns:
        uint8 (H, W).
    """
    kind, size = pixels.dtype.kind, pixels.dtype.itemsize
    if kind not in "iu":
        return _exact(pixels, window)
    if size > 2 or pixels.size < 1 << (8 * size):
        return _linear(pixels.astype(np.float64), window)
    limits = np.iinfo(pixels.dtype)
    table = _linear(np.arange(limits.min, limits.max + 1, dtype=np.float64), window)
    # Seen as unsigned, the negative numbers come behind the positive ones; so they must in the table.
    return np.roll(table, limits.min)[pixels.view(f"u{size}")]


def histogram(pixels: np.ndarray, bins: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Histogram of the values, for drawing a window into it.

    Args:
        pixels: (H, W); NaN is left out.
        bins: at most so many; integers with fewer values get a bin for each.

    Returns:
        counts int64 (n,) and edges float64 (n + 1,); for integers the edges lie between the values.
    """
    values = _finite(pixels)
    if not values.size:
        return np.zeros(1, np.int64), np.array([0.0, 1.0])
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind in "iu":
        step = max(1, int(np.ceil((high - low + 1) / bins)))
        count = int((high - low) // step) + 1
        edges = low - 0.5 + step * np.arange(count + 1, dtype=np.float64)
    else:
        edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    counts, _ = np.histogram(values, edges)
    return counts.astype(np.int64), edges


def _linear(values: np.ndarray, window: Window) -> np.ndarray:
    """C.11.2.1.2.1: black up to c - 0.5 - (w - 1) / 2, white beyond c - 0.5 + (w - 1) / 2."""
    centre, width = window.centre - 0.5, max(window.width, 1.0)
    if width == 1:
        grey = np.where(values > centre, 255.0, 0.0)
    else:
        grey = np.clip(((values - centre) / (width - 1) + 0.5) * 255, 0, 255)
    return _to_eight_bits(grey, window)


def _exact(values: np.ndarray, window: Window) -> np.ndarray:
    """C.11.2.1.3.2: black up to c - w / 2, white beyond c + w / 2; NaN is black."""
    grey = (values.astype(np.float32) - np.float32(window.low)) * np.float32(255 / max(window.width, 1e-30))
    missing = np.isnan(grey)
    shown = _to_eight_bits(np.clip(np.where(missing, 0, grey), 0, 255), window)
    shown[missing] = 0
    return shown


def _to_eight_bits(grey: np.ndarray, window: Window) -> np.ndarray:
    rounded = np.rint(grey).astype(np.uint8)
    return 255 - rounded if window.inverted else rounded


def _finite(pixels: np.ndarray) -> np.ndarray:
    flat = pixels.ravel()
    return flat if flat.dtype.kind in "iub" else flat[np.isfinite(flat)]


def _dense_from(sample: np.ndarray) -> float:
    """Lower value of the densest of three materials (air, windings, metal).

    It is the upper of the two thresholds that leave the least variance within the three classes (Otsu 1979).
    """
    counts, edges = np.histogram(sample.astype(np.float64), _BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    number = np.concatenate([[0], np.cumsum(counts)]).astype(np.float64)
    total = np.concatenate([[0], np.cumsum(counts * middles)])
    share = lambda a, b: (total[b] - total[a]) ** 2 / np.maximum(number[b] - number[a], 1)  # noqa: E731
    first, second = np.triu_indices(_BINS + 1)
    between = share(0, first) + share(first, second) + share(second, _BINS)
    return float(edges[second[int(np.argmax(between))]])
