"""Cuts a recording into strips: their positions on a regular grid, and their parts between gaps."""

from __future__ import annotations

import numpy as np

from models.core.gaps import GAP_S, QRS_S, true_runs

SHORTEST_S = 0.5
"""Minimum duration of a part beside a gap, s."""


def strip_numbers(position: np.ndarray, n_samples: int, length: int, hop: int) -> np.ndarray:
    """Number of the strip responsible for each position in a recording, int64 (n,).

    Args:
        position: sample numbers, int64 (n,).
        n_samples: length of the recording.
        length: samples of a strip.
        hop: samples from one strip to the next.
    """
    return np.zeros_like(position) if n_samples <= length else position // hop


def strip_range(number: int, n_samples: int, length: int, hop: int) -> tuple[int, int]:
    """First and past-the-last sample of a strip; the first and the last strip are moved inside the recording.

    Arguments as for :func:`strip_numbers`. A recording shorter than a strip is one strip.
    """
    margin, length = (length - hop) // 2, min(length, n_samples)
    start = min(max(number * hop - margin, 0), n_samples - length)
    return start, start + length


def cut_at_gaps(signal: np.ndarray, beats: np.ndarray, fs: float) -> list[tuple[int, int, np.ndarray]]:
    """Parts of a strip between long gaps, as (first, past-the-last sample, which beats belong to it, bool (K,)).

    A beat at the edge of a gap belongs to the nearest part; beats deep in a gap are a part of their own, since the time
    from the beat before to the beat behind is no RR interval.

    Args:
        signal: conditioned samples, (n_leads, L), NaN where there is no signal.
        beats: R peaks as sample numbers in ``signal``, int64 (K,).
        fs: sampling frequency, Hz.
    """
    length = signal.shape[1]
    between, deep = _between_gaps(signal, fs)
    away = [np.maximum(np.maximum(low - beats, beats - high), 0) for low, high in between]
    away += [np.where((beats >= low) & (beats < high), -1, length) for low, high in deep]
    part_of_beat = np.argmin(away, axis=0)
    return [
        (*_widened(low, high, length, round(SHORTEST_S * fs)), part_of_beat == part)
        for part, (low, high) in enumerate(between + deep)
    ]


def _between_gaps(signal: np.ndarray, fs: float) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Stretches of a strip (n_leads, L), as first and past-the-last sample, between long gaps in all leads; and the
    parts of the gaps further from them than a QRS reaches."""
    missing, length, reach = np.isnan(signal).all(axis=0), signal.shape[1], round(QRS_S * fs)
    if not missing.any() or missing.all():
        return [(0, length)], []
    # At an end of the strip, a gap may be longer than what is seen of it.
    gaps = [
        (begin, end)
        for begin, end in true_runs(missing).tolist()
        if end - begin >= GAP_S * fs or (end - begin > reach and (begin == 0 or end == length))
    ]
    lows, highs = [0, *(end for _, end in gaps)], [*(begin for begin, _ in gaps), length]
    deep = [(begin + reach * (begin > 0), end - reach * (end < length)) for begin, end in gaps]
    return [(low, high) for low, high in zip(lows, highs, strict=True) if high > low], deep


def _widened(low: int, high: int, length: int, shortest: int) -> tuple[int, int]:
    """A stretch of at least ``shortest`` samples around a shorter one, within ``length`` samples."""
    if high - low >= shortest:
        return low, high
    low = max(min(low - (shortest - (high - low)) // 2, length - shortest), 0)
    return low, min(low + shortest, length)
