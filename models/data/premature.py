"""Augmentation: supraventricular ectopic beats made from a patient's own sinus beats.

Few patients of DS1 have S beats, and one has almost half of them: a network learns those patients instead of the
class. What makes a beat S is that it comes early, behind a P wave of another shape, with an unchanged QRS. So a beat
of steady sinus rhythm, with what follows it, can be moved forward: its TP interval is shortened, and where that is not
enough its P wave comes to lie on the T wave before, as it does in patients. The P wave is scaled or turned over, the
pause after the run is lengthened, at most to a compensatory one. Only strips of steady rhythm are used, since in
atrial fibrillation an early beat is N; V beats may stand between the sinus beats.

In some patients premature beats are the rule and a sinus beat is the exception (a sick sinus node with atrial rhythm
between its pauses, atrial bigeminy and trigeminy). Hardly a record that is at hand for training is like them, so a
network takes the rule of a strip for normal; :func:`make_mostly_premature` makes such strips.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

N, S, V = 0, 1, 2
STEADY = 0.08
"""Largest SD of RR over mean RR of what counts as steady rhythm."""
_PR_S, _P_END_S = 0.24, 0.06
_QT_ROOT = 0.36
"""QT in s of an RR of one second; it goes with the root of RR (Bazett)."""
_SHORTEST_RR_S, _SHORTEST_SHARE = 0.36, 0.45
_FADE_S = 0.4
_LONGEST_RUN, _LONGEST_RULE = 12, 60
_LONGEST_PAUSE_S = 1.5
"""By how much a sinus beat is late where premature beats are the rule, beyond a compensatory pause."""
_MOST_V = 0.3


def is_steady(position: np.ndarray, label: np.ndarray, fs: float) -> bool:
    """Whether beats at ``position`` (n,) samples with classes ``label`` are regular sinus rhythm, not too fast.

    Up to three in ten may be V; steady is then what lies between sinus beats.
    """
    sinus = label == N
    if sinus.sum() < 8 or not np.isin(label, (N, V)).all() or not sinus.mean() >= 1 - _MOST_V:
        return False
    rr = np.diff(position)[sinus[1:] & sinus[:-1]] / fs
    return bool(len(rr) >= 6 and 0.5 < rr.mean() < 1.8 and rr.std() < STEADY * rr.mean())


def make_premature(
    strip: np.ndarray, position: np.ndarray, label: np.ndarray, fs: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A strip of regular sinus rhythm with single premature beats or runs of them.

    Args:
        strip: samples, float32 (n_leads, L).
        position: R peaks, int64 (K,), ascending, inside the strip.
        label: their classes, int64 (K,), N and V.
        fs: sampling frequency, Hz.
        generator: source of all randomness.

    Returns:
        The strip at the same length, the beats' new positions (some may have left it), and their classes.
    """
    runs = [(*run, generator.uniform(0.25, 1.0), 0.0) for run in _runs(len(position), generator)]
    return _make(strip, position, label, fs, generator, runs, generator.uniform(-1.0, 1.2))


def make_mostly_premature(
    strip: np.ndarray, position: np.ndarray, label: np.ndarray, fs: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A strip dominated by premature beats: one to three sinus beats, a run, a pause, sinus beats, a run.

    Arguments and result as for :func:`make_premature`. The beats move forward by up to half, so a strip of twice the
    length that is wanted should be given. The P waves are unlike those of the sinus beats.
    """
    early, pause = generator.uniform(0.1, 0.9), generator.uniform(0, _LONGEST_PAUSE_S)
    longest, sinus = generator.choice([1, 2, 8, 25, _LONGEST_RULE]), generator.integers(1, 4)
    runs, at = [], int(generator.integers(1, 4))
    while at < len(position) - 1:
        count = int(generator.integers((longest + 1) // 2, longest + 1))
        runs.append((at, count, early * generator.uniform(0.8, 1.1), pause * generator.uniform(0.5, 1.0)))
        at += count + int(generator.integers(1, sinus + 1))
    return _make(strip, position, label, fs, generator, runs, generator.uniform(-1.0, 0.6))


def _make(
    strip: np.ndarray,
    position: np.ndarray,
    label: np.ndarray,
    fs: float,
    generator: np.random.Generator,
    runs: Iterable[tuple[int, int, float, float]],
    p_factor: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strip with premature ``runs``: (first beat, count, shortening share, delay of the next beat in s)."""
    label = label.copy()
    shorten = np.zeros(len(position))
    rr = np.diff(position, prepend=position[0]) / fs
    # A beat next to a V beat is part of its pause, and stays.
    free = np.convolve(label != N, [1, 1, 1], mode="same") == 0
    for first, count, early, pause in runs:
        beats = np.arange(first, min(first + count, len(position)))
        if not free[beats].all():
            continue
        room = np.maximum(rr[beats] - np.maximum(_SHORTEST_RR_S, _SHORTEST_SHARE * rr[beats]), 0)
        taken = early * room
        if taken.mean() < 0.1 * rr[beats].mean():
            continue
        shorten[beats] = taken
        label[beats] = S
        after = beats[-1] + 1
        if after < len(position) and free[after]:
            shorten[after] = -generator.uniform(0, 1) * taken[-1] - pause
    strip = _change_p_waves(strip, position[label == S], fs, p_factor)
    strip, moved = _move(strip, position, rr, shorten, fs)
    return strip, moved, label


def _runs(n_beats: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """(first beat, count) of the premature runs: mostly single beats, sometimes pairs, sometimes long runs."""
    runs, at = [], int(generator.integers(2, 12))
    long_runs = generator.random() < 0.3
    while at < n_beats - 1:
        count = 1 + int(generator.geometric(0.25 if long_runs else 0.8)) - 1
        runs.append((at, min(max(count, 1), _LONGEST_RUN)))
        at += runs[-1][1] + 1 + int(generator.geometric(0.3 if long_runs else 0.12))
    return runs


def _change_p_waves(strip: np.ndarray, position: np.ndarray, fs: float, factor: float) -> np.ndarray:
    """P waves before the given beats scaled by ``factor`` (negative inverts) relative to their baseline."""
    strip = strip.copy()
    start, stop = round(_PR_S * fs), round(_P_END_S * fs)
    ramp = np.linspace(0, 1, start - stop, dtype=np.float32)
    for at in position[position >= start]:
        piece = strip[:, at - start : at - stop]
        line = piece[:, :1] * (1 - ramp) + piece[:, -1:] * ramp
        strip[:, at - start : at - stop] = line + (piece - line) * np.float32(factor)
    return strip


def _move(
    strip: np.ndarray, position: np.ndarray, rr: np.ndarray, shorten: np.ndarray, fs: float
) -> tuple[np.ndarray, np.ndarray]:
    """The strip with each beat, and all after it, shifted forward by ``shorten`` s, and the new beat positions.

    Between the end of the T wave before and the P wave, time is drawn out or cut. Where that does not suffice, the P
    wave is added to what lies before it. The strip keeps its length; what is missing at its end repeats the last
    sample.
    """
    length = strip.shape[1]
    moved, begun, over = position.copy(), 0, 0
    tape = Tape(strip, round(_FADE_S * fs))
    for index in np.flatnonzero(shorten):
        stop = max(round(position[index] - _PR_S * fs), begun + 1)
        quiet = position[index] - (rr[index] - _QT_ROOT * np.sqrt(max(rr[index], 0.3))) * fs
        start = int(min(max(round(quiet), begun + 1), stop))
        here = (position >= begun) & (position < stop)
        moved[here] = position[here] + tape.add(begun, start, over)
        wanted = stop - start - round(shorten[index] * fs)
        # Squeezed, the end of a late T wave would become a step, and drawn out another wave: what lies before the P
        # wave is cut, or drawn out alone.
        kept = min(max(wanted, 0), (stop - start) // 2 if wanted > stop - start else stop - start)
        tape.add(start, start + kept, 0)
        if wanted > kept:
            tape.add_warped(start + kept, stop, wanted - kept)
        begun, over = stop, max(-wanted, 0)
    here = position >= begun
    moved[here] = position[here] + tape.add(begun, length, over)
    return tape.cut(length), moved


class Tape:
    """A strip assembled from pieces of another.

    Args:
        strip: where the pieces come from, (n_leads, L).
        fade: samples over which a step between two pieces fades.
    """

    def __init__(self, strip: np.ndarray, fade: int):
        self.strip = strip
        self.fade = fade
        self.pieces: list[np.ndarray] = []
        self.written = 0

    def add(self, start: int, stop: int, over: int) -> int:
        """Append strip[start:stop], cross-faded over ``over`` samples; returns the shift."""
        return self._join(self.strip[:, start:stop].copy(), over) - start

    def append(self, piece: np.ndarray) -> int:
        """Append a piece of another strip, (n_leads, n), modified in place; returns its start."""
        return self._join(piece, 0)

    def add_warped(self, start: int, stop: int, length: int) -> None:
        """Append strip[start:stop] resampled to ``length`` samples."""
        source = start + np.linspace(0, max(stop - start - 1, 0), length)
        low = np.clip(source.astype(np.int64), 0, self.strip.shape[1] - 2)
        share = (source - low).astype(np.float32)
        self._join(self.strip[:, low] * (1 - share) + self.strip[:, low + 1] * share, 0)

    def cut(self, length: int) -> np.ndarray:
        """The first ``length`` samples, float32 (n_leads, length)."""
        whole = np.concatenate(self.pieces, axis=1)[:, :length]
        return np.pad(whole, ((0, 0), (0, length - whole.shape[1])), mode="edge").astype(np.float32)

    def _join(self, piece: np.ndarray, over: int) -> int:
        """Append a piece without a step at the joint; returns its start."""
        begin = self.written
        if self.pieces and piece.shape[1]:
            last = self.pieces[-1]
            over = min(over, piece.shape[1], last.shape[1])
            step = last[:, -1:] - piece[:, :1]
            if over:
                last[:, -over:] += piece[:, :over] - piece[:, :1]
            begin, piece = begin - over, piece[:, over:]
            fading = min(self.fade, piece.shape[1])
            piece[:, :fading] += step * np.linspace(1, 0, self.fade, dtype=np.float32)[:fading]
        if piece.shape[1]:
            self.pieces.append(piece)
            self.written += piece.shape[1]
        return begin
