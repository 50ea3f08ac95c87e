"""Warnings where a recording lies outside of the training domain, or has no readable signal.

Each sentence says where, what it means and what to do. Nothing is taken away: the beats stay, with the warning beside
them. Limits are rates, times and shares, none is a voltage; docs/r_peaks.md says how often each warns of recordings
that are good, and how often it misses what it should see.
"""

from __future__ import annotations

import numpy as np

from ecgviz.notices import Notice, Weight
from ecgviz.signals.artefacts import is_clipped, is_noise
from models.core.gaps import Gaps, spans_gap, usable_samples
from models.core.words import clock
from readers.recording import Read

SHORTEST_S = 5.0
FASTEST, SLOWEST = 220.0, 25.0
"""Heart rates in 1/min, as means of eight beats, between which the networks were trained and tested."""
INFANT = 150.0
"""A median rate above this over a whole recording is one of an infant, or a tachycardia that does not stop."""
LEAST_BEATS = 8
LONGEST_PAUSE_S = 10.0
PIECE_S, PIECES = 10.0, 48
SOME, MANY = 0.2, 0.5
"""Share of the looks that must be bad to be told: a fifth of five or more, more than half of fewer."""


def outside_of_domain(
    read: Read, fs: float, n_samples: int, peaks: np.ndarray, lead: str, gaps: Gaps = ()
) -> list[Notice]:
    """Warnings about a recording, from its length, its beats and the leads that were read.

    Args:
        read: gives the samples of these leads, (n, n_leads), first the one that decides.
        fs: sampling frequency, Hz.
        n_samples: length of the recording.
        peaks: its R peaks as sample numbers, ascending, int64 (n,).
        lead: name of the lead that decides.
        gaps: where no beat can be seen, s.
    """
    return [
        *_length(n_samples / fs, len(peaks)),
        *_rates(peaks / fs, gaps),
        *_pauses(read, fs, n_samples, peaks, lead),
        *_artefacts(read, fs, n_samples, peaks, lead),
    ]


def _unsure(sentence: str, at_s: float | None = None) -> Notice:
    return Notice(sentence, Weight.UNSURE, at_s)


def _length(duration_s: float, n_beats: int) -> list[Notice]:
    if duration_s >= SHORTEST_S:
        return []
    return [
        _unsure(
            f"it is {duration_s:.1f} s long with {n_beats} {'beat' if n_beats == 1 else 'beats'}, too short to compare "
            "a beat with its neighbours; record ten seconds or more."
        )
    ]


def _rates(time_s: np.ndarray, gaps: Gaps) -> list[Notice]:
    """Warnings on rate: too fast or slow over eight RR intervals, or too fast for an adult throughout."""
    rr = np.diff(time_s)
    known = (rr <= LONGEST_PAUSE_S) & ~spans_gap(time_s, gaps)
    rr, time_s = rr[known], time_s[:-1][known]
    span = min(LEAST_BEATS, len(rr))
    if span < 3:
        return []
    mean_rr = np.convolve(rr, np.full(span, 1 / span), mode="valid")
    found = []
    for bad, what, limit in (
        (mean_rr < 60 / FASTEST, "faster", FASTEST),
        (mean_rr > 60 / SLOWEST, "slower", SLOWEST),
    ):
        if bad.any():
            first = float(time_s[int(bad.argmax())])
            rate = 60 / (mean_rr[bad].min() if what == "faster" else mean_rr[bad].max())
            sentence = (
                f"the beats are {what} than {limit:.0f}/min from {clock(first)} on ({rate:.3g}/min over {span} "
                "intervals), which the networks have not seen: do not rely on R peaks, classes and rhythms there."
            )
            found.append(_unsure(sentence, first))
    median = 60 / float(np.median(rr))
    if len(rr) >= LEAST_BEATS and INFANT < median <= FASTEST:
        sentence = (
            f"the median heart rate is {median:.0f}/min, as of an infant or in a lasting tachycardia: the networks "
            "learned from adults, so do not rely on the classes."
        )
        found.append(_unsure(sentence))
    return found


def _pauses(read: Read, fs: float, n_samples: int, peaks: np.ndarray, lead: str) -> list[Notice]:
    """Warnings on ten seconds or more without a beat where the lead has a signal."""
    duration_s = n_samples / fs
    if duration_s < LONGEST_PAUSE_S:
        sentence = "no beats were found; choose another lead, or record ten seconds or more."
        return [] if len(peaks) else [_unsure(sentence)]
    edges = np.concatenate([[0], peaks, [n_samples]]) / fs
    empty = np.flatnonzero(np.diff(edges) > LONGEST_PAUSE_S)
    spans = [(edges[k], edges[k + 1]) for k in empty.tolist() if _has_signal(read, fs, n_samples, *edges[k : k + 2])]
    if not spans:
        return []
    (start, stop), hours = spans[0], duration_s >= 3600
    where = f"from {clock(float(start), hours=hours)} to {clock(float(stop), hours=hours)}"
    if not len(peaks):
        sentence = (
            f"no beats were found on lead {lead}; it may show no ECG: choose another lead, or look at the signal."
        )
        return [_unsure(sentence)]
    more = f" and in {len(spans) - 1} more stretches" if len(spans) > 1 else ""
    sentence = (
        f"there is no beat {where}{more}, though lead {lead} has a signal: the heart paused, or the lead does not show "
        "its beats; look at it there, and choose another lead."
    )
    return [_unsure(sentence, float(start))]


def _has_signal(read: Read, fs: float, n_samples: int, start_s: float, stop_s: float) -> bool:
    """Whether at least half of the middle of a stretch (up to ten seconds) is signal on the deciding lead."""
    middle, half = (start_s + stop_s) / 2, min(stop_s - start_s, PIECE_S) / 2
    start, stop = max(0, round((middle - half) * fs)), round((middle + half) * fs)
    column = read(start, min(stop, n_samples))[:, 0]
    return bool(len(column)) and usable_samples(column, fs).mean() >= 0.5


def _artefacts(read: Read, fs: float, n_samples: int, peaks: np.ndarray, lead: str) -> list[Notice]:
    """Warnings on noise and clipping, from ten-second pieces at up to 48 positions."""
    width = min(round(PIECE_S * fs), n_samples)
    if width < 2 * fs:
        return []
    count = min(PIECES, n_samples // width)
    starts = np.linspace(0, n_samples - width, count).astype(int)
    noisy, clipped = np.zeros((2, count), bool)
    for k, start in enumerate(starts.tolist()):
        samples = read(start, start + width)
        here = peaks[np.searchsorted(peaks, start) : np.searchsorted(peaks, start + width)] - start
        usable = np.stack([usable_samples(column, fs) for column in samples.T], axis=1)
        noisy[k] = is_noise(samples, usable, fs, here)
        clipped[k] = is_clipped(samples[:, 0], usable[:, 0], fs)

    def told(fault: str, bad: np.ndarray, remedy: str) -> Notice:
        if count == 1:
            return _unsure(f"{fault}: {remedy}")
        at_s = float(starts[bad.argmax()] / fs)
        first = clock(at_s, hours=n_samples >= 3600 * fs)
        return _unsure(f"{fault} in {bad.sum()} of {count} places looked at, first at {first}: {remedy}", at_s)

    found = []
    if _told(noisy):
        remedy = "trust neither beats nor classes there; choose another lead, or record again."
        found.append(told("the signal is noise more than ECG", noisy, remedy))
    if _told(clipped):
        remedy = "cut-off tops or bottoms change the beats' shape; record with a lower gain, or choose another lead."
        found.append(told(f"lead {lead} is clipped", clipped, remedy))
    return found


def _told(bad: np.ndarray) -> bool:
    return bool(bad.mean() >= SOME) if len(bad) >= 5 else bool(bad.mean() > MANY)
