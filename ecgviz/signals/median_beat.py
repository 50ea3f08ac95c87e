"""Median beat of every lead, free of noise and atypical beats.

Beats are aligned at their R peaks, moved to where they fit best, and those that do not look like
the others (ectopic ones, artefacts) are left out, as resting ECG machines do before they measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfiltfilt

from ecgviz.signals.r_peaks import detect_r_peaks
from models.core.gaps import bridge, find_gaps, spans_gap, usable_samples
from readers.recording import Recording

BEFORE_S, AFTER_S = 0.35, 0.65
BAND_HZ = (0.5, 40.0)
ALIKE = 0.85
"""Least correlation of a beat with the median over all leads."""
LEAST_BEATS = 3
LONGEST_S = 60.0
"""Of a longer recording as much is read around the middle of the view."""
_SHIFT_S = 0.02
_LEAST_HEIGHT = 0.01
"""A lead with less than a hundredth of the range of the widest shows no beats."""
_SMALL = 0.2
"""Where the QRS points across a lead, its P and T waves may be taller: beats are not placed on a lead with less than a
fifth of the range of the widest."""
_PREFERRED = ("II", "MLII", "I", "V5", "V2")


@dataclass(frozen=True)
class MedianBeats:
    """Median beat of each lead.

    Attributes:
        samples: medians, float64 (n, n_leads), in the recording's unit, 0.5-40 Hz.
        fs: Hz.
        r_sample: place of the R peak in ``samples``.
        leads: names of the columns.
        count: beats that went in. found: beats that were found.
        rr_s: median of all RR intervals with no gap in them, s; NaN without any.
        rr_range_s: shortest and longest.
    """

    samples: np.ndarray
    fs: float
    r_sample: int
    leads: tuple[str, ...]
    count: int
    found: int
    rr_s: float
    rr_range_s: tuple[float, float]


def median_beats(recording: Recording, start_s: float = 0.0, seconds: float = LONGEST_S) -> MedianBeats | None:
    """Median beats of a stretch of a recording; None with fewer than three whole beats.

    Args:
        recording: an open recording.
        start_s, seconds: the stretch; at most a minute is read.
    """
    first = min(max(round(start_s * recording.fs), 0), recording.n_samples)
    stop = min(first + round(min(seconds, LONGEST_S) * recording.fs), recording.n_samples)
    return median_beats_of(recording.signal_mV(first, stop), recording.fs, recording.leads)


def median_beats_of(raw: np.ndarray, fs: float, leads: Sequence[str]) -> MedianBeats | None:
    """Median beats of samples (n, n_leads), NaN where missing; None with fewer than three whole beats.

    Args:
        raw: the samples.
        fs: sampling frequency, Hz.
        leads: names of the columns.
    """
    n = len(raw)
    if n < 2 * fs:
        return None
    signal = _filtered(raw, fs)
    peaks = r_peaks_of(signal, leads, fs)
    rr = (np.diff(peaks) / fs)[~spans_gap(peaks / fs, find_gaps(raw, fs))]
    before, after = round(BEFORE_S * fs), round(_after_s(rr) * fs)
    whole = peaks[(peaks >= before) & (peaks + after <= n)]
    if len(whole) < LEAST_BEATS:
        return None
    beats = np.stack([signal[peak - before : peak + after] for peak in whole])
    beats = _fitted(beats, signal, whole, before, after, round(_SHIFT_S * fs))
    alike = _alike(beats)
    if alike.sum() >= LEAST_BEATS:
        beats = beats[alike]
    known = len(rr) > 0
    return MedianBeats(
        samples=np.median(beats, axis=0),
        fs=fs,
        r_sample=before,
        leads=tuple(leads),
        count=len(beats),
        found=len(peaks),
        rr_s=float(np.median(rr)) if known else float("nan"),
        rr_range_s=(float(rr.min()), float(rr.max())) if known else (float("nan"), float("nan")),
    )


def _filtered(raw: np.ndarray, fs: float) -> np.ndarray:
    """Samples bridged and band-passed, float64 (n, n_leads); a lead without signal is zero."""
    high = min(BAND_HZ[1], 0.45 * fs)
    sections = butter(2, (BAND_HZ[0], high), "bandpass", fs=fs, output="sos")
    columns = []
    for column in raw.T.astype(np.float64):
        known = usable_samples(column, fs)
        columns.append(bridge(column, known) if known.any() else np.zeros(len(column)))
    return sosfiltfilt(sections, np.stack(columns, axis=1), axis=0)


def r_peaks_of(signal: np.ndarray, leads: Sequence[str], fs: float) -> np.ndarray:
    """R peaks in band-passed samples (n, n_leads), from all leads that show beats, aligned on the first preferred one
    that shows them well, int64; empty where no lead does."""
    height = np.ptp(signal, axis=0)
    lively = np.flatnonzero(height > _LEAST_HEIGHT * height.max())
    if not len(lively):
        return np.empty(0, np.int64)
    preferred = [leads.index(name) for name in _PREFERRED if name in leads]
    first = next((index for index in preferred if height[index] > _SMALL * height.max()), int(height.argmax()))
    chosen = signal[:, [first, *(index for index in lively if index != first)]]
    return detect_r_peaks(lambda start, stop: chosen[start:stop], fs, len(chosen))


def _after_s(rr: np.ndarray) -> float:
    """Duration after R without the next P wave in fast rhythms, s."""
    return AFTER_S if not len(rr) else float(np.clip(0.75 * np.median(rr), 0.35, AFTER_S))


def _fitted(
    beats: np.ndarray, signal: np.ndarray, peaks: np.ndarray, before: int, after: int, reach: int
) -> np.ndarray:
    """Beats re-aligned to their median within ``reach`` samples."""
    middle = np.median(beats, axis=0)
    fitted = []
    for peak in peaks:
        shifts = [s for s in range(-reach, reach + 1) if peak + s >= before and peak + s + after <= len(signal)]
        candidates = np.stack([signal[peak + s - before : peak + s + after] for s in shifts])
        error = ((candidates - middle) ** 2).sum(axis=(1, 2))
        fitted.append(candidates[int(error.argmin())])
    return np.stack(fitted)


def _alike(beats: np.ndarray) -> np.ndarray:
    """Beats similar to their median, bool (n_beats,)."""
    flat = beats.reshape(len(beats), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    middle = np.median(flat, axis=0)
    norm = np.linalg.norm(flat, axis=1) * np.linalg.norm(middle)
    return (flat @ middle) / np.maximum(norm, np.finfo(float).tiny) >= ALIKE
