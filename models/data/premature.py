"""Ectopic beats from above the ventricles, made of a patient's own sinus beats.

Few patients of DS1 have S beats, and one has almost half of them: a network learns those patients instead of the
class. What makes a beat S is that it comes early, behind a P wave of another shape, with an unchanged QRS. So any
steady sinus rhythm can be played with some of its TP intervals shortened: time is warped there and nowhere else, the
P wave that follows is scaled or turned over, and the pause after the run is lengthened, at most to a compensatory
one. Only strips of steady rhythm are used, since in atrial fibrillation an early beat is N.
"""

from __future__ import annotations

import numpy as np

N, S = 0, 1
STEADY = 0.08
"""Largest SD of RR over mean RR of what counts as steady rhythm."""
_PR_S, _P_END_S = 0.24, 0.06
_LONGEST_RUN = 12


def is_steady(position: np.ndarray, label: np.ndarray, fs: float) -> bool:
    """Whether beats at ``position`` (n,) samples with classes ``label`` are steady sinus rhythm, not too fast."""
    if len(position) < 8 or (label != N).any():
        return False
    rr = np.diff(position) / fs
    return bool(0.6 < rr.mean() < 1.8 and rr.std() < STEADY * rr.mean())


def make_premature(
    strip: np.ndarray, position: np.ndarray, label: np.ndarray, fs: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A strip of steady sinus rhythm with single premature beats or runs of them.

    Args:
        strip: samples, float32 (n_leads, L).
        position: R peaks, int64 (K,), ascending, inside the strip.
        label: their classes, int64 (K,), all N.
        fs: sampling frequency, Hz.
        generator: source of all randomness.

    Returns:
        The strip at the same length, the beats' new positions (some may have left it), and their classes.
    """
    label = label.copy()
    shorten = np.zeros(len(position))
    rr = np.diff(position, prepend=position[0]) / fs
    for first, count in _runs(len(position), generator):
        early = generator.uniform(0.5, 1.0)
        beats = np.arange(first, min(first + count, len(position)))
        # From the end of the T wave to the start of the P wave, at most; the T wave's end goes with the root of RR.
        room = np.maximum(rr[beats] - 0.36 * np.sqrt(np.maximum(rr[beats], 0.3)) - _PR_S, 0)
        taken = np.minimum(early * 0.9 * room, 0.5 * rr[beats])
        if taken.mean() < 0.1 * rr[beats].mean():
            continue
        shorten[beats] = taken
        label[beats] = S
        after = beats[-1] + 1
        if after < len(position):
            shorten[after] = -generator.uniform(0, 1) * taken[-1]
    strip = _change_p_waves(strip, position[label == S], fs, generator)
    knots_in, knots_out = _warp(position, rr, shorten, fs, strip.shape[1])
    moved = np.rint(np.interp(position, knots_in, knots_out)).astype(np.int64)
    source = np.interp(np.arange(strip.shape[1]), knots_out, knots_in)
    low = np.clip(source.astype(np.int64), 0, strip.shape[1] - 2)
    share = np.clip(source - low, 0, 1).astype(np.float32)
    return strip[:, low] * (1 - share) + strip[:, low + 1] * share, moved, label


def _runs(n_beats: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """(first beat, count) of the premature runs: mostly single beats, sometimes pairs, sometimes long runs."""
    runs, at = [], int(generator.integers(2, 12))
    long_runs = generator.random() < 0.3
    while at < n_beats - 1:
        count = 1 + int(generator.geometric(0.25 if long_runs else 0.8)) - 1
        runs.append((at, min(max(count, 1), _LONGEST_RUN)))
        at += runs[-1][1] + 1 + int(generator.geometric(0.3 if long_runs else 0.12))
    return runs


def _change_p_waves(strip: np.ndarray, position: np.ndarray, fs: float, generator: np.random.Generator) -> np.ndarray:
    """P waves before these beats scaled by one random factor (negative: turned over) against the line under them."""
    strip = strip.copy()
    factor = np.float32(generator.uniform(-1.0, 1.2))
    start, stop = round(_PR_S * fs), round(_P_END_S * fs)
    ramp = np.linspace(0, 1, start - stop, dtype=np.float32)
    for at in position[position >= start]:
        piece = strip[:, at - start : at - stop]
        line = piece[:, :1] * (1 - ramp) + piece[:, -1:] * ramp
        strip[:, at - start : at - stop] = line + (piece - line) * factor
    return strip


def _warp(
    position: np.ndarray, rr: np.ndarray, shorten: np.ndarray, fs: float, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Knots of the time warp (input sample, output sample): TP intervals are shortened by ``shorten`` s."""
    knots_in, knots_out, gone = [0.0], [0.0], 0.0
    for at, interval, less in zip(position, rr, shorten, strict=True):
        if not less:
            continue
        stop = at - _PR_S * fs
        start = max(at - (interval - 0.36 * np.sqrt(max(interval, 0.3))) * fs, knots_in[-1] + 1)
        if stop - start <= less * fs + 1:
            continue
        knots_in += [start, stop]
        knots_out += [start - gone, stop - gone - less * fs]
        gone += less * fs
    knots_in.append(length + max(gone, 0.0))
    knots_out.append(length + max(gone, 0.0) - gone)
    return np.array(knots_in), np.array(knots_out)
