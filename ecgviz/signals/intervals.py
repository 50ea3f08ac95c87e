"""Basic intervals of a resting ECG (rate, PR, QRS, QT, QTc), measured on the median beats of all leads.

Onsets and ends are read from how fast the leads move together (spatial velocity: the root of the sum of the squared
slopes), so that a wave that is flat in one lead is seen in another. How far the figures are off on annotated
recordings, and how far those of a common delineator, stands in docs/intervals.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly

from ecgviz.signals.median_beat import MedianBeats

FS = 500.0
QRS_SHARE = 0.07
"""The QRS lasts while the leads move at this share of their greatest velocity or more."""
P_SHARE = 0.5
T_SHARE = 0.2
LEADS_FOR_P = 3
"""In fewer leads a P wave may be flat in all of them: a PR interval measured there is not to be told."""
P_LEAST = 0.04
"""A P wave must reach this share of the QRS's height above the line before it."""
T_LEAST = 0.03
_SMOOTH_S = 0.012
_P_SMOOTH_S = 0.024
_QUIET_S = 0.012
_LONGEST_QRS_S = 0.12
_P_FROM_S, _P_TO_S = 0.28, 0.02
_T_FROM_S = 0.08


@dataclass(frozen=True)
class Intervals:
    """Basic intervals of a recording; NaN where not measurable.

    Attributes:
        rate: 60 / median RR, 1/min.
        pr_ms, qrs_ms, qt_ms: from P onset to QRS onset, of the QRS, from
            QRS onset to the end of T.
        qtc_bazett_ms: QT / sqrt(RR). qtc_fridericia_ms: QT / cbrt(RR).
        marks_s: P onset, QRS onset, QRS end, T end in seconds from the R peak.
        beats: how many went into the median beat.
        found: how many were found.
        rr_range_s: shortest and longest RR interval, s.
    """

    rate: float
    pr_ms: float
    qrs_ms: float
    qt_ms: float
    qtc_bazett_ms: float
    qtc_fridericia_ms: float
    marks_s: dict[str, float]
    beats: int
    found: int
    rr_range_s: tuple[float, float]


def measure_intervals(median: MedianBeats) -> Intervals:
    """Intervals of median beats."""
    marks = delineate(median)
    on, off, p_on, t_off = marks["QRS onset"], marks["QRS end"], marks["P onset"], marks["T end"]
    qt, rr = t_off - on, median.rr_s
    return Intervals(
        rate=60 / rr if rr > 0 else math.nan,
        pr_ms=1000 * (on - p_on),
        qrs_ms=1000 * (off - on),
        qt_ms=1000 * qt,
        qtc_bazett_ms=1000 * qt / math.sqrt(rr) if rr > 0 else math.nan,
        qtc_fridericia_ms=1000 * qt / rr ** (1 / 3) if rr > 0 else math.nan,
        marks_s=marks,
        beats=median.count,
        found=median.found,
        rr_range_s=median.rr_range_s,
    )


def delineate(median: MedianBeats) -> dict[str, float]:
    """P onset, QRS onset, QRS end and T end in seconds from the R peak, NaN where a wave is not found."""
    samples, r = _at_500_hz(median)
    slow, fast = _velocity(samples, _P_SMOOTH_S), _velocity(samples, _SMOOTH_S)
    near = slice(max(r - round(0.08 * FS), 0), r + round(0.08 * FS))
    peak = near.start + int(fast[near].argmax())
    limit = QRS_SHARE * fast[peak]
    on = _quiet(fast, peak, -1, limit, r - round(_LONGEST_QRS_S * FS))
    off = _quiet(fast, peak, 1, limit, r + round((_LONGEST_QRS_S + 0.06) * FS))
    height = np.ptp(np.linalg.norm(samples[on : off + 1], axis=1)) if off > on else 0.0
    p_on = _p_onset(samples, slow, on, height)
    t_end = _t_end(samples, slow, off, height)
    places = {"P onset": p_on, "QRS onset": on, "QRS end": off, "T end": t_end}
    return {name: (place - r) / FS if place is not None else math.nan for name, place in places.items()}


def _at_500_hz(median: MedianBeats) -> tuple[np.ndarray, int]:
    """Samples (n, n_leads) at 500 Hz and the position of R."""
    if median.fs == FS:
        return median.samples, median.r_sample
    up, down = round(FS * 10), round(median.fs * 10)
    divisor = math.gcd(up, down)
    samples = resample_poly(median.samples, up // divisor, down // divisor, axis=0, padtype="line")
    return samples, round(median.r_sample * FS / median.fs)


def _velocity(samples: np.ndarray, smooth_s: float) -> np.ndarray:
    """Spatial velocity (n,), smoothed."""
    width = max(1, round(smooth_s * FS))
    return uniform_filter1d(np.linalg.norm(np.gradient(uniform_filter1d(samples, width, axis=0), axis=0), axis=1), 3)


def _quiet(velocity: np.ndarray, start: int, step: int, limit: float, last: int) -> int:
    """First sample from ``start`` in direction ``step`` that is followed by a moment below ``limit``."""
    run, needed = 0, round(_QUIET_S * FS)
    last = int(np.clip(last, 0, len(velocity) - 1))
    for place in range(start, last, step):
        run = run + 1 if velocity[place] < limit else 0
        if run == needed:
            return place - step * (needed - 1)
    return last


def _p_onset(samples: np.ndarray, velocity: np.ndarray, on: int, height: float) -> int | None:
    """Onset of the P wave before ``on``."""
    first, last = max(on - round(_P_FROM_S * FS), 0), on - round(_P_TO_S * FS)
    if last - first < round(0.06 * FS):
        return None
    part = samples[first:last]
    line = np.linspace(0, 1, len(part))[:, None]
    above = np.linalg.norm(part - (part[0] * (1 - line) + part[-1] * line), axis=1)
    top = int(above.argmax())
    if above[top] < P_LEAST * height:
        return None
    rise = first + int(velocity[first : first + top + 1].argmax())
    return _quiet(velocity, rise, -1, P_SHARE * velocity[rise], 0)


def _t_end(samples: np.ndarray, velocity: np.ndarray, off: int, height: float) -> int | None:
    """End of the T wave after ``off``."""
    first = off + round(_T_FROM_S * FS)
    if len(samples) - first < round(0.08 * FS):
        return None
    part = samples[first:]
    above = np.linalg.norm(part - part[-round(0.04 * FS) :].mean(axis=0), axis=1)
    top = int(above[: len(above) - round(0.04 * FS)].argmax())
    if above[top] < T_LEAST * height:
        return None
    fall = first + top + int(velocity[first + top :].argmax())
    return _quiet(velocity, fall, 1, T_SHARE * velocity[fall], len(velocity) - 1)
