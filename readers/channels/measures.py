"""Unit-free, gain-free and polarity-free measures of how far a signal window resembles an ECG.

None of the measures is an absolute amplitude; they are taken below the mains and after a band-pass of 5 to 25 Hz,
where a QRS complex has most of its power (Thakor, Webster, Tompkins 1984, IEEE Trans Biomed Eng 31:702-706):

- contrast: height of the complexes over what lies between them. Noise and EEG have about 1.5, an ECG more than 4.
- likeness: correlation of the complexes with each other. Beats repeat themselves, also in atrial fibrillation.
- sharpness: share of the swing of a complex that is in the band. Pulses of pressure or light and breathing are smooth.
- lopsidedness: steepest rise over steepest fall of a complex, or the reverse. A QRS complex comes back as fast as it
  went (at most 3.3 in MIT-BIH); pressure rises fast and falls slowly, and a step does not come back.
- width: time for which a complex stays beyond half of its height. A QRS complex has 20 to 70 ms and is even; a pulse
  with a steep rise has more than 100 ms and is lopsided.
- isolation: height of a complex over the lowest on its sides. Bursts of a rhythm (EEG, muscle) have no sides.
- steepness and fineness: share of the swing of a complex, and power of the whole window, above 12 Hz. Pulses have
  next to none of either, muscle and white noise more than lies below.
- peakedness: kurtosis in the band. It is 3 in noise and high where complexes stand on a quiet line.

The last three tell what is certainly no ECG (``readers.channels.signal``).

A column of at most three values holds marks of events or classes, however narrow and alike they are.

Polarity, scale, offset and rhythm do not enter.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

LEAST_S = 2.0
_RATE_FS = 125.0
_BAND_HZ = 5.0, 25.0
_BELOW_MAINS_HZ, _FINE_HZ, _SLOWEST_HZ = 35.0, 12.0, 0.5
_MOST_BEATS = 40
_MOST_MARKS = 3

LEAST_CONTRAST, LEAST_LIKENESS, LEAST_SHARPNESS = 3.5, 0.75, 0.35
NOISE_CONTRAST, NOISE_LIKENESS = 2.3, 0.8
SLOW, SMOOTH, MOST_LOPSIDED = 0.14, 0.22, 3.4
PULSE_SHARPNESS, PULSE_LOPSIDED = 0.32, 1.8
STEEP_WIDTH_S, STEEP_LOPSIDED, STEEP_SHARPNESS = 0.1, 1.3, 0.6
LEAST_ISOLATION = 2.3
"""ECG above the first three; noise below the next two; smooth below a sharpness, above a lopsidedness, or with a little
of both, or where wide complexes have some of both; in between nothing is said. Of 65 steep pulses, drawn, that passed
without the width, 62 are smooth with it; of 4,546 windows of MIT-BIH, svdb, PTB-XL and CinC 2017, 14 are."""
FAST, FAST_LIKENESS, FAST_SHARPNESS = 170.0, 0.95, 0.55
"""Between beats that follow each other so fast (1/min) little lies; they must be the more alike."""


class WindowMeasures(NamedTuple):
    """Measures of a window; see the module.

    ``swing``: median peak-to-peak of its complexes, in the channel's unit; ``rate``: complexes, 1/min; ``marks``:
    whether it has no more values than marks have; ``width_s``: of its complexes at half of their height.
    """

    contrast: float
    likeness: float
    sharpness: float
    lopsided: float
    swing: float
    rate: float
    marks: bool = False
    width_s: float = 0.0
    isolation: float = float("inf")
    steepness: float = 1.0
    fineness: float = 0.0
    middle_hz: float = 0.0
    peakedness: float = float("inf")

    @property
    def kind(self) -> str:
        """ "ecg", "smooth", "noise", "marks" or "unclear"."""
        if self.marks:
            return "marks"
        pulse = self.sharpness < PULSE_SHARPNESS and self.lopsided > PULSE_LOPSIDED
        steep = self.sharpness < STEEP_SHARPNESS and self.lopsided > STEEP_LOPSIDED and self.width_s > STEEP_WIDTH_S
        if self.sharpness < SMOOTH or self.lopsided > MOST_LOPSIDED or pulse or steep:
            return "smooth"
        if bursts(self, LEAST_ISOLATION) or (self.contrast < NOISE_CONTRAST and not self.likeness >= NOISE_LIKENESS):
            return "noise"
        fast = self.rate >= FAST and self.likeness >= FAST_LIKENESS and self.sharpness >= FAST_SHARPNESS
        clear = self.contrast >= (NOISE_CONTRAST if fast else LEAST_CONTRAST) and self.likeness >= LEAST_LIKENESS
        return "ecg" if clear and self.sharpness >= LEAST_SHARPNESS else "unclear"


def measure(x: np.ndarray, fs: float) -> WindowMeasures | None:
    """Measures of one window ``x`` (n,) at ``fs`` Hz; None where it holds too little signal."""
    x = np.asarray(x, np.float64)
    known = np.isfinite(x)
    if known.mean() < 0.5 or len(x) < LEAST_S * fs or fs < 10:
        return None
    if not known.all():
        x = np.interp(np.arange(len(x)), np.flatnonzero(known), x[known])
    levels = np.unique(x[known])
    if 1 < len(levels) <= _MOST_MARKS:
        return WindowMeasures(0.0, float("nan"), 0.0, 1.0, float(levels[-1] - levels[0]), 0.0, marks=True)
    step = max(1, round(fs / _RATE_FS))
    n, fs = len(x) // step, fs / step
    x = x[: n * step].reshape(n, step).mean(axis=1)
    x = x - np.median(x)
    largest = float(np.abs(x).max())
    if not 0 < largest < np.inf:
        return None
    x = x / largest
    fineness, middle_hz = _spectrum(x, fs)
    x, band = _filtered(x, fs, 0.0, _BELOW_MAINS_HZ), _filtered(x, fs, *_BAND_HZ)
    envelope = np.sqrt(np.maximum(_mean_of(band * band, 0.08, fs), 0))
    tops = _tops(envelope, fs)
    if not len(tops):
        return WindowMeasures(
            0.0, float("nan"), 0.0, 1.0, float(np.ptp(x)) * largest, 0.0, fineness=fineness, middle_hz=middle_hz
        )
    contrast = float(np.median(envelope[tops])) / max(float(np.quantile(envelope, 0.4)), 1e-9)
    rate = 60 * len(tops) * fs / len(x)
    tops = tops[:_MOST_BEATS]
    swing = _swing(x, tops, _reach(0.35, fs))
    fine = _filtered(x, fs, _FINE_HZ, 2 * _BELOW_MAINS_HZ)
    power = float(np.mean(band * band))
    return WindowMeasures(
        contrast,
        _likeness(band, tops, fs),
        _range(band, tops, 0.1, fs) / max(swing, 1e-9),
        _lopsided(x, tops, fs),
        swing * largest,
        rate,
        width_s=_width_s(x, tops, fs),
        isolation=_isolation(envelope, tops, fs),
        steepness=_range(fine, tops, 0.06, fs) / max(swing, 1e-9),
        fineness=fineness,
        middle_hz=middle_hz,
        peakedness=float(np.mean(band**4)) / max(power * power, 1e-30),
    )


def _filtered(x: np.ndarray, fs: float, low_hz: float, high_hz: float) -> np.ndarray:
    """``x`` band-passed by a linear-phase filter of a third of a second, (n,)."""
    taps = _taps(fs, low_hz, high_hz)
    return np.convolve(np.pad(x, len(taps) // 2, mode="reflect", reflect_type="odd"), taps, mode="valid")


@lru_cache(maxsize=64)
def _taps(fs: float, low_hz: float, high_hz: float) -> np.ndarray:
    half = max(2, round(0.16 * fs))
    at = np.arange(-half, half + 1)
    low, high = min(low_hz / fs, 0.25), min(high_hz / fs, 0.45)
    taps = (2 * high * np.sinc(2 * high * at) - 2 * low * np.sinc(2 * low * at)) * np.kaiser(
        2 * half + 1, 3.0 if low_hz else 8.0
    )
    return np.asarray(taps if low_hz else taps / taps.sum())


def _spectrum(x: np.ndarray, fs: float) -> tuple[float, float]:
    """Power of ``x`` (n,) from 12 to 25 Hz relative to 0.5 to 12 Hz, and the median frequency of the latter band."""
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x)))) ** 2
    edges = np.array([_SLOWEST_HZ, _FINE_HZ, _BAND_HZ[1]]) * len(x) / fs
    first, middle, last = np.minimum(np.ceil(edges).astype(int), len(power))
    total = np.cumsum(power[first:middle])
    if not len(total) or not total[-1] > 0:
        return 0.0, 0.0
    half = first + int(np.searchsorted(total, total[-1] / 2))
    return float(power[middle:last].sum() / total[-1]), half * fs / len(x)


def _range(x: np.ndarray, tops: np.ndarray, seconds: float, fs: float) -> float:
    """Median peak-to-peak amplitude of ``x`` within so many seconds of each complex."""
    inner = x[tops[:, None] + np.arange(-_reach(seconds, fs), _reach(seconds, fs) + 1)]
    return float(np.median(np.ptp(inner, axis=1)))


def _isolation(envelope: np.ndarray, tops: np.ndarray, fs: float) -> float:
    """Median ratio of the complexes' height to the lowest value 100 to 250 ms beside them, on the higher side."""
    near, far = _reach(0.1, fs), _reach(0.25, fs)
    around = np.arange(near, far + 1)
    padded = np.pad(envelope, far, mode="edge")
    sides = [padded[tops[:, None] + far + sign * around].min(axis=1) for sign in (-1, 1)]
    return float(np.median(envelope[tops] / np.maximum(np.maximum(*sides), 1e-9)))


def _mean_of(x: np.ndarray, seconds: float, fs: float) -> np.ndarray:
    """Moving average over an odd number of samples, (n,)."""
    half = int(seconds * fs / 2)
    total = np.cumsum(np.pad(x, (half + 1, half), mode="edge"))
    return np.asarray((total[2 * half + 1 :] - total[: -(2 * half + 1)]) / (2 * half + 1))


def _tops(envelope: np.ndarray, fs: float) -> np.ndarray:
    """Positions of complexes: maxima within 100 ms that reach a third of the usual largest of 2.5 s."""
    cells = np.array_split(envelope, max(1, round(len(envelope) / (2.5 * fs))))
    level = float(np.median([cell.max() for cell in cells]))
    reach = _reach(0.1, fs)
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(envelope, reach), 2 * reach + 1).max(axis=1)
    tops = np.flatnonzero((envelope == highest) & (envelope > max(0.35 * level, 1e-9)))
    edge = _reach(0.1, fs) + _reach(0.03, fs)
    return tops[(tops >= edge) & (tops < len(envelope) - edge)]


def _likeness(band: np.ndarray, tops: np.ndarray, fs: float) -> float:
    """Correlation of a typical complex with those most similar to it, aligned within 30 ms; NaN for a single one."""
    if len(tops) < 2:
        return float("nan")
    reach, slack = _reach(0.1, fs), _reach(0.03, fs)
    around = np.arange(-reach, reach + 1)
    own = _unit_rows(band[tops[:, None] + around])
    best = np.full((len(tops), len(tops)), -1.0)
    for shift in range(-slack, slack + 1):
        np.maximum(best, own @ _unit_rows(band[tops[:, None] + around + shift]).T, out=best)
    others = best[~np.eye(len(tops), dtype=bool)].reshape(len(tops), -1)
    return float(np.median(np.quantile(others, 0.6, axis=1)))


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def _swing(x: np.ndarray, tops: np.ndarray, reach: int) -> float:
    """Median peak-to-peak amplitude of ``x`` around each complex after linear detrending."""
    first, last = np.maximum(tops - reach, 0), np.minimum(tops + reach, len(x) - 1)
    return float(
        np.median([np.ptp(x[a : b + 1] - np.linspace(x[a], x[b], b + 1 - a)) for a, b in zip(first, last, strict=True)])
    )


def _lopsided(x: np.ndarray, tops: np.ndarray, fs: float) -> float:
    slope = np.gradient(_mean_of(x, 0.02, fs))
    slopes = slope[tops[:, None] + np.arange(-_reach(0.1, fs), _reach(0.1, fs) + 1)]
    rise, fall = np.maximum(slopes.max(axis=1), 1e-9), np.maximum(-slopes.min(axis=1), 1e-9)
    return float(np.median(np.maximum(rise, fall) / np.minimum(rise, fall)))


def _width_s(x: np.ndarray, tops: np.ndarray, fs: float) -> float:
    """Median duration above half height of the complexes, measured from their foot, s."""
    reach, near = _reach(0.35, fs), _reach(0.12, fs)
    widths = []
    for top in tops:
        first = max(0, top - reach)
        part = x[first : top + reach + 1] - np.median(x[first : top + reach + 1])
        left = max(0, top - first - near)
        inner = part[left : top - first + near + 1]
        part = part if inner.max() >= -inner.min() else -part
        peak = left + int(np.argmax(part[left : top - first + near + 1]))
        half = (part[max(0, peak - near) : peak + 1].min() + part[peak]) / 2
        before, behind = np.flatnonzero(part[:peak] < half), np.flatnonzero(part[peak:] < half)
        begin = before[-1] + 1 if len(before) else 0
        widths.append((peak + behind[0] if len(behind) else len(part)) - begin)
    return float(np.median(widths)) / fs


def bursts(window: WindowMeasures, isolation: float) -> bool:
    """Whether complexes stand out of the window, but not out of their direct neighbourhood."""
    return window.contrast >= NOISE_CONTRAST and window.isolation < isolation


def _reach(seconds: float, fs: float) -> int:
    return max(1, round(seconds * fs))
