"""Classifies a channel's signal (ECG, smooth waves, noise), and whether the evidence overrules its name.

A few windows are measured (``readers.channels.measures``). Two that look like an ECG settle the matter. Where
none does, what they have in common may rule an ECG out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from readers.channels.measures import LEAST_S, SLOW, WindowMeasures, bursts, measure

WINDOW_S = 10.0
MOST_WINDOWS, ENOUGH = 6, 2
"""Windows that are looked at, and how many that look like an ECG settle the matter."""
_MOST_FS = 20_000.0
CERTAIN_S = 6.0
PULSE_STEEPNESS, PULSE_FINENESS = 0.08, 0.006
FALL_STEEPNESS, FALL_LOPSIDED = 0.2, 3.0
HISS_FINENESS, HISS_LIKENESS = 0.7, 0.75
CHANCE_CONTRAST, CHANCE_LIKENESS, CHANCE_PEAKEDNESS, CHANCE_ISOLATION = 1.9, 0.7, 3.3, 1.9
BURST_ISOLATION = 2.0
FAST_HZ, FAST_FINENESS, FAST_RATE = 2.4, 0.03, 160.0
"""In so many seconds, none of them like an ECG, a channel is certainly none: waves without the edges of a QRS complex,
or that rise steeply and fall slowly; or white noise; or what chance makes; or bursts. Never where most of the power is
above 2.4 Hz and little above 12 Hz, nor where smooth waves come faster than 160/min: so do those of ventricular
tachycardia, flutter and fibrillation."""


@dataclass(frozen=True)
class SignalEvidence:
    """Classification of a channel's signal.

    Attributes:
        kind: "ecg", "smooth" (pulses), "slow" (smooth beyond doubt, as breathing is), "noise" (EEG, muscle, motion),
            "marks" (of events), "unclear", or "none" (no signal).
        swing: median peak-to-peak of its complexes, in the unit of the values; NaN without a signal.
        certain: it is no ECG whatever its name says.
    """

    kind: str
    swing: float
    certain: bool = False


NO_SIGNAL = SignalEvidence("none", float("nan"))


def signal_evidence(
    read: Callable[[int, int], np.ndarray], fs: float, n_samples: int, n_channels: int
) -> tuple[SignalEvidence, ...]:
    """Classification of each channel's signal, from at most six windows of ten seconds.

    Args:
        read: ``read(start, stop)`` gives the samples, (stop - start, n_channels), NaN where missing.
        fs: sampling frequency, Hz.
        n_samples: length.
        n_channels: columns.
    """
    measured: list[list[WindowMeasures]] = [[] for _ in range(n_channels)]
    width = min(n_samples, round((WINDOW_S if fs <= _MOST_FS else LEAST_S) * fs))
    for start in _starts(n_samples, width):
        samples = read(start, start + width)
        for windows, column in zip(measured, samples.T, strict=True):
            if not _settled(windows) and (found := measure(column, fs)) is not None:
                windows.append(found)
        if all(map(_settled, measured)):
            break
    return tuple(_evidence(windows, width / fs * len(windows)) for windows in measured)


def _evidence(windows: Sequence[WindowMeasures], seconds: float = CERTAIN_S) -> SignalEvidence:
    """Classification from windows of so many seconds in total."""
    if not windows:
        return NO_SIGNAL
    kinds = [window.kind for window in windows]
    swing = float(np.median([window.swing for window in windows]))
    most = len(kinds) / 2
    if kinds.count("ecg") >= min(ENOUGH, len(kinds)):
        return SignalEvidence("ecg", swing)
    if kinds.count("marks") > most:
        return SignalEvidence("marks", swing)
    certain = "" if "ecg" in kinds else _certain(windows, seconds)
    if certain:
        return SignalEvidence(certain, swing, certain=True)
    kind = "unclear"
    if "ecg" not in kinds and kinds.count("noise") + kinds.count("smooth") > most:
        kind = "smooth" if kinds.count("smooth") > most else "noise"
    return SignalEvidence(kind, swing)


def _certain(windows: Sequence[WindowMeasures], seconds: float) -> str:
    """ "slow", "smooth" or "noise" where windows unlike an ECG are certainly of that kind, else "".

    Of 9,634 leads of MIT-BIH, svdb, PTB-XL, LUDB and the CinC Challenges 2017 and 2021, each by itself, three are: one
    of LUDB with QRS complexes much smaller than its T waves, and two strips that were labelled noise.
    """
    typical = WindowMeasures._make(float(np.median(values)) for values in zip(*windows, strict=True))
    if typical.middle_hz > FAST_HZ and typical.fineness < FAST_FINENESS:
        return ""
    if typical.kind == "smooth" and typical.sharpness < SLOW:
        return "slow"
    if seconds < CERTAIN_S:
        return ""
    flat = typical.steepness < PULSE_STEEPNESS and typical.fineness < PULSE_FINENESS
    falling = typical.steepness < FALL_STEEPNESS and typical.lopsided > FALL_LOPSIDED
    if (flat or falling) and typical.rate <= FAST_RATE:
        return "smooth"
    hiss = typical.fineness > HISS_FINENESS and not typical.likeness >= HISS_LIKENESS
    chance = typical.contrast < CHANCE_CONTRAST and not typical.likeness >= CHANCE_LIKENESS
    even = typical.peakedness < CHANCE_PEAKEDNESS or typical.isolation < CHANCE_ISOLATION
    return "noise" if hiss or (chance and even) or bursts(typical, BURST_ISOLATION) else ""


def _settled(windows: Sequence[WindowMeasures]) -> bool:
    return sum(window.kind == "ecg" for window in windows) >= ENOUGH


def _starts(n_samples: int, width: int) -> list[int]:
    """First samples of the windows, spread over the recording, central ones first."""
    if n_samples < 2 * width:
        return [(n_samples - width) // 2]
    count = min(MOST_WINDOWS, n_samples // width)
    places = np.linspace(0.04 if n_samples > 100 * width else 0.0, 1.0, count)
    places = places[np.argsort(np.abs(places - 0.5), kind="stable")]
    return [int(place * (n_samples - width)) for place in places]
