"""Signal quality of one lead by ten-second segment, with reasons.

Cheap measures, so that a 24 h recording takes seconds: share of missing, constant and clipped samples; share of the
power above about 25 Hz (the idea of pSQI of Li, Mark, Clifford 2008, Physiol Meas 29:15-32: muscle noise moves power
out of the QRS band); swing, the range of a stretch against the median range of the recording (electrode motion).
Kurtosis (their kSQI, limit 5) is given as a score but decides nothing: clean paced beats and fast rhythms of
MIT-BIH lie under 4, no higher than electrode motion.

A flag is advice about a stretch, it deletes nothing. Fixed limits do not suit every recorder (Rahman 2022,
J R Soc Interface 19:20220012). What they do on MIT-BIH with and without added noise stands in docs/r_peaks.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from models.core.callbacks import Progress, ShouldStop
from models.core.gaps import bridge, usable_samples

SEGMENT_S = 10.0
FINE_S = 7 / 360
"""What a mean over so long takes away counts as high frequency; at any sampling frequency as long as at MIT-BIH's."""
BLOCK_SEGMENTS = 30

MAX_MISSING = 0.1
MAX_FLAT = 0.1
MAX_CLIPPED = 0.1
MAX_HIGH_FREQUENCY = 0.10
"""99% of the stretches of MIT-BIH's DS1 lie under 0.073; with muscle noise as strong as the ECG the median is 0.12."""
MAX_SWING = 3.0
"""Of the stretches of MIT-BIH, 0.2% pass this or any other limit."""

REASONS = ("missing", "flat", "clipped", "noise", "motion")


UNREADABLE = ("clipped", "noise", "motion")
"""Reasons for which nothing of a stretch can be read."""


@dataclass(frozen=True)
class Quality:
    """Quality of one lead, one value per ten seconds.

    Attributes:
        time_s: start of each stretch, seconds from the start of the recording, float64 (n,).
        length_s: how long each is; ten seconds, the last may be shorter, float64 (n,).
        missing: share of samples that were not recorded, 0 to 1, float32 (n,).
        flat: share of samples in dead stretches (see :func:`models.core.gaps.usable_samples`), float32 (n,).
        clipped: share of samples at the largest or smallest value of the stretch, float32 (n,).
        kurtosis: fourth moment over squared second, 3 for Gaussian noise, NaN where there is no signal, float32 (n,).
        high_frequency: share of the power above about 25 Hz, 0 to 1, NaN where there is no signal, float32 (n,).
        swing: range of the stretch over the median range of all stretches with signal, NaN likewise, float32 (n,).
        usable: share of each stretch that can be read: nothing of one that is clipped, noise or motion, else what is
            neither missing nor flat, 0 to 1, float32 (n,).
        reason: first limit that is passed ("missing", "flat", "clipped", "noise", "motion") or "", str (n,).
    """

    time_s: np.ndarray
    length_s: np.ndarray
    missing: np.ndarray
    flat: np.ndarray
    clipped: np.ndarray
    kurtosis: np.ndarray
    high_frequency: np.ndarray
    swing: np.ndarray
    usable: np.ndarray
    reason: np.ndarray

    @property
    def usable_share(self) -> float:
        """Share of the recording that is usable, 0 to 1; NaN for an empty one."""
        return float(np.average(self.usable, weights=self.length_s)) if len(self.usable) else float("nan")

    @property
    def lost_s(self) -> dict[str, float]:
        """Unusable seconds by reason, longest first, including what is too short for a flag."""
        gap = np.where(self.missing >= self.flat, REASONS[0], REASONS[1])
        named = np.where(self.reason == "", gap, self.reason)
        seconds = {name: float(((1 - self.usable) * self.length_s)[named == name].sum()) for name in REASONS}
        return {name: lost for name, lost in sorted(seconds.items(), key=lambda one: -one[1]) if lost > 0}


def assess_quality(
    read: Callable[[int, int], np.ndarray],
    fs: float,
    n_samples: int,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Quality:
    """Quality of one lead, read five minutes at a time.

    Args:
        read: ``read(start, stop)`` gives the samples of the lead, (stop - start,), any unit, NaN where missing.
        fs: sampling frequency, Hz.
        n_samples: length of the lead.
        progress: told (samples done, samples in all, note) after each block.
        should_stop: asked before each block; True ends early with the stretches assessed so far.
    """
    segment = max(1, round(SEGMENT_S * fs))
    margin = round(fs)
    parts = [np.empty((6, 0), np.float32)]
    for start in range(0, n_samples, segment * BLOCK_SEGMENTS):
        if should_stop is not None and should_stop():
            break
        stop = min(start + segment * BLOCK_SEGMENTS, n_samples)
        first = max(0, start - margin)
        x = np.asarray(read(first, min(n_samples, stop + margin)), np.float32).reshape(-1)
        parts.append(_scores(x, fs, segment, start - first, stop - first))
        if progress is not None:
            progress(stop, n_samples, "signal quality")
    missing, flat, clipped, kurtosis, high_frequency, span = np.concatenate(parts, axis=1)
    known = span[np.isfinite(span)]
    swing = span / max(float(np.median(known)), np.finfo(np.float32).tiny) if len(known) else span
    with np.errstate(invalid="ignore"):
        noise, motion = high_frequency > MAX_HIGH_FREQUENCY, swing > MAX_SWING
    faults = np.stack([missing > MAX_MISSING, flat > MAX_FLAT, clipped > MAX_CLIPPED, noise, motion])
    usable = np.where(faults[2:].any(axis=0), np.float32(0), np.clip(1 - missing - flat, 0, 1))
    reason = np.where(faults.any(axis=0), np.asarray(REASONS)[faults.argmax(axis=0)], "")
    time_s = np.arange(len(usable)) * segment / fs
    length_s = np.minimum(segment, n_samples - np.arange(len(usable)) * segment) / fs
    return Quality(time_s, length_s, missing, flat, clipped, kurtosis, high_frequency, swing, usable, reason)


def _scores(x: np.ndarray, fs: float, segment: int, start: int, stop: int) -> np.ndarray:
    """missing, flat, clipped, kurtosis, high_frequency, range of the segments of ``x[start:stop]``, float32 (6, k)."""
    recorded = np.isfinite(x)
    usable = usable_samples(x, fs)
    flat = recorded & ~usable
    filled = bridge(x, usable)
    fine = filled - _running_mean(filled, FINE_S * fs)
    ecg = filled - uniform_filter1d(filled, 2 * int(0.3 * fs) + 1)
    edges = np.arange(start, stop, segment)
    length = np.diff(np.append(edges, stop))

    def per_segment(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[:stop], edges, dtype=np.float64) / length

    power = per_segment(ecg * ecg) - per_segment(ecg) ** 2
    fine_power = per_segment(fine * fine)
    squared = ecg * ecg
    kurtosis = per_segment(squared * squared) / np.maximum(per_segment(squared) ** 2, np.finfo(float).tiny)
    signal = (power > 1e-12 * max(float(power.max(initial=0)), 1e-30)) & (per_segment(usable) > 0.1)
    nothing = np.full(len(edges), np.nan)
    high = np.where(signal, fine_power / np.maximum(power, np.finfo(float).tiny), nothing)
    top = np.maximum.reduceat(filled[:stop], edges)
    bottom = np.minimum.reduceat(filled[:stop], edges)
    at_rail = (filled[start:stop] == np.repeat(top, length)) | (filled[start:stop] == np.repeat(bottom, length))
    clipped = np.add.reduceat(at_rail & ~flat[start:stop], edges - start, dtype=np.float64) / length
    missing = 1 - per_segment(recorded)
    kurtosis = np.where(signal, kurtosis, nothing)
    span = np.where(signal, top - bottom, nothing)
    scores = [missing, per_segment(flat), clipped, kurtosis, np.minimum(high, 1), span]
    return np.stack(scores).astype(np.float32)


def _running_mean(x: np.ndarray, width: float) -> np.ndarray:
    """Moving average over ``width`` samples, (n,); even windows end within samples.

    Rounded to whole samples it would be half as long again at 100 Hz as at 360 Hz, and take a QRS for noise.
    """
    half = max(width - 1, 0.0) / 2
    whole = int(half)
    part = np.float32(half - whole)
    total = uniform_filter1d(x, 2 * whole + 1) * (2 * whole + 1)
    if part > 0:
        beyond = np.pad(x, whole + 1, mode="edge")
        total = total + part * (beyond[: len(x)] + beyond[2 * (whole + 1) :])
    return total / max(width, 1.0)
