"""Heart rate variability over normal beats: the measures of the Task Force (Circulation 93:1043-1065 (1996)).

Only RR intervals between two neighbouring normal beats count (NN), outside of atrial fibrillation and flutter, gaps and
noise; the share that counted is told. Values are those of NeuroKit2 (Makowski D et al. Behav Res Methods 53:1689-1696
(2021); a test compares them) but for SDANN, whose five minutes must be those of the recording and not of the NN
intervals that are left. They are computed here because a day is measured again after every edit: the spectrum of a
segment that did not change is kept, and importing NeuroKit2 alone takes longer than all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ecgviz.holter.pauses import noisy_between
from ecgviz.results import NORMAL, Beats
from ecgviz.signals.quality import Quality
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from models.postprocessing.rhythm_episodes import AF_CLASSES

SHORTEST_NN_MS, LONGEST_NN_MS = 300.0, 2000.0
"""What lies outside is no sinus rhythm but an error of detection or a pause."""
SEGMENT_S = 300.0
"""Five minutes: of SDANN, and the recording length that the Task Force asks for spectral measures."""
FILLED = 0.9
"""Share of a segment's time that its NN intervals must fill for its spectrum; a fifth is enough for its mean."""
FILLED_MEAN = 0.2
FEWEST_NN = 100
"""Below, no measure is given."""
LONG_H = 18.0
"""The Task Force asks for 18 h at least of analysable signal for long-term measures."""
LF_HZ, HF_HZ = (0.04, 0.15), (0.15, 0.40)
_SPECTRUM_FS = 100.0
_SEGMENTS_KEPT = 1024
_DIFFERENCE_MS = 50.0


@dataclass(frozen=True)
class NN:
    """Intervals between neighbouring normal beats.

    Attributes:
        rr_ms: lengths, float64 (n,).
        time_s: of the later beat of each, float64 (n,).
        beat: number of that beat, int64 (n,).
        share: of all RR intervals of the recording, 0 to 1; NaN without any.
        hours: their sum.
    """

    rr_ms: np.ndarray
    time_s: np.ndarray
    beat: np.ndarray
    share: float
    hours: float

    @property
    def successive(self) -> np.ndarray:
        """Numbers of the intervals that follow another one without a break, int64 (m,)."""
        return np.flatnonzero(np.diff(self.beat) == 1) + 1


@dataclass(frozen=True)
class HeartRateVariability:
    """Measures of a recording; NaN where too little counted.

    Attributes:
        intervals: NN intervals that went in.
        share: of all RR intervals, 0 to 1.
        hours: their sum.
        mean_nn_ms: mean NN interval.
        sdnn_ms: standard deviation of all.
        sdann_ms: standard deviation of the means of the five-minute segments of the recording.
        rmssd_ms: root mean square of successive differences.
        pnn50: share of successive differences over 50 ms, percent.
        sd1_ms, sd2_ms: width and length of the Poincare plot (Brennan M et al. IEEE TBME 48:1342-1347 (2001)).
        lf_ms2, hf_ms2: power from 0.04 to 0.15 Hz and 0.15 to 0.4 Hz, mean over the segments that were full enough.
        lf_hf: ratio of the two.
        segments: five-minute segments that the powers rest on.
        cautions: sentences that must stand beside the measures.
    """

    intervals: int
    share: float
    hours: float
    mean_nn_ms: float
    sdnn_ms: float
    sdann_ms: float
    rmssd_ms: float
    pnn50: float
    sd1_ms: float
    sd2_ms: float
    lf_ms2: float
    hf_ms2: float
    lf_hf: float
    segments: int
    cautions: tuple[str, ...]


def nn_intervals(beats: Beats, quality: Quality | None = None) -> NN:
    """The NN intervals of a recording: both beats N, no gap, no atrial fibrillation or flutter, no noise, 0.3-2 s."""
    rr_ms, time_s = beats.rr_before_ms, beats.time_s
    if len(beats) < 2:
        nothing = np.empty(0)
        return NN(nothing, nothing, np.empty(0, np.int64), float("nan"), 0.0)
    normal = (beats.label == NORMAL) & ~np.isin(beats.rhythm, AF_CLASSES)
    good = normal[1:] & normal[:-1] & ~noisy_between(quality, time_s[:-1], time_s[1:])
    with np.errstate(invalid="ignore"):
        good &= (rr_ms[1:] >= SHORTEST_NN_MS) & (rr_ms[1:] <= LONGEST_NN_MS)
    chosen = np.flatnonzero(good) + 1
    known = int(np.isfinite(rr_ms).sum())
    share = len(chosen) / known if known else float("nan")
    return NN(rr_ms[chosen], time_s[chosen], chosen, share, float(rr_ms[chosen].sum()) / 3.6e6)


def variability(
    nn: NN, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> HeartRateVariability:
    """Heart rate variability of NN intervals.

    Args:
        nn: of :func:`nn_intervals`.
        progress: told (segments done, segments in all, note).
        should_stop: asked between segments; True ends early with the spectra so far.
    """
    if len(nn.rr_ms) < FEWEST_NN:
        nan = float("nan")
        few = (
            f"Not assessed: {counted(len(nn.rr_ms), 'interval')} between normal beats outside of atrial fibrillation, "
            "gaps and noise, which is too few."
        )
        return HeartRateVariability(
            len(nn.rr_ms), nn.share, nn.hours, *(nan,) * 10, segments=0, cautions=(few,)
        )  # fmt: skip
    powers = _powers(nn, progress, should_stop)
    later = nn.successive
    steps = nn.rr_ms[later] - nn.rr_ms[later - 1]
    sums = nn.rr_ms[later] + nn.rr_ms[later - 1]
    large = int((np.abs(steps) > _DIFFERENCE_MS).sum())
    lf, hf = (float(np.mean(power)) if len(power) else float("nan") for power in powers.T)
    return HeartRateVariability(
        intervals=len(nn.rr_ms),
        share=nn.share,
        hours=nn.hours,
        mean_nn_ms=float(nn.rr_ms.mean()),
        sdnn_ms=float(nn.rr_ms.std(ddof=1)),
        sdann_ms=_sdann(nn),
        rmssd_ms=float(np.sqrt(np.square(steps).mean())) if len(steps) else float("nan"),
        pnn50=100.0 * large / (len(steps) + 1),
        sd1_ms=_spread(steps),
        sd2_ms=_spread(sums),
        lf_ms2=lf,
        hf_ms2=hf,
        lf_hf=lf / hf if hf > 0 else float("nan"),
        segments=len(powers),
        cautions=_cautions(nn, len(powers)),
    )


def _spread(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(2)) if len(values) > 1 else float("nan")


def _segments(nn: NN) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segment of each interval, and the NN time (s) and number of intervals of each segment."""
    segment = (nn.time_s // SEGMENT_S).astype(np.int64)
    return segment, np.bincount(segment, nn.rr_ms / 1000), np.bincount(segment)


def _sdann(nn: NN) -> float:
    segment, filled_s, count = _segments(nn)
    enough = filled_s >= FILLED_MEAN * SEGMENT_S
    if enough.sum() < 3:
        return float("nan")
    means = np.bincount(segment, nn.rr_ms)[enough] / count[enough]
    return float(np.std(means, ddof=1))


def _powers(nn: NN, progress: Progress | None, should_stop: ShouldStop | None) -> np.ndarray:
    """LF and HF of each segment that is full enough, ms2, float64 (k, 2)."""
    segment, filled_s, _ = _segments(nn)
    full = np.flatnonzero(filled_s >= FILLED * SEGMENT_S)
    rows = []
    for number, one in enumerate(full):
        if should_stop is not None and should_stop():
            break
        first, stop = np.searchsorted(segment, (one, one + 1))
        rows.append(_power(nn.rr_ms[first:stop].tobytes(), nn.time_s[first:stop].tobytes()))
        if progress is not None:
            progress(number + 1, len(full), "heart rate variability")
    return np.array(rows, np.float64).reshape(-1, 2)


@lru_cache(maxsize=_SEGMENTS_KEPT)
def _power(rr: bytes, times: bytes) -> tuple[float, float]:
    """LF and HF power, ms2, of intervals (ms) and the times of their ends (s), float64 as bytes: Welch's method over
    the intervals at 100 Hz between which a quadratic spline leads."""
    from scipy.interpolate import make_interp_spline
    from scipy.signal import welch

    rr_ms, time_s = np.frombuffer(rr), np.frombuffer(times)
    time_s = time_s - time_s[0]
    at = np.arange(0.0, time_s[-1] + 1 / _SPECTRUM_FS, 1 / _SPECTRUM_FS)
    even = np.where(at <= time_s[-1], make_interp_spline(time_s, rr_ms, k=2)(at), rr_ms[-1])
    least = 4 * _SPECTRUM_FS / len(even)
    window = min(int(2 / least * _SPECTRUM_FS), len(even) // 2)  # two cycles of the lowest frequency
    hz, density = welch(even - even.mean(), _SPECTRUM_FS, nperseg=window, nfft=2 * window, detrend=False)
    found = []
    for low, high in (LF_HZ, HF_HZ):
        inside = (hz >= max(low, least)) & (hz < high)
        found.append(float(np.trapezoid(density[inside], hz[inside])))
    return found[0], found[1]


def _cautions(nn: NN, segments: int) -> tuple[str, ...]:
    """What a reader must know; sources: Task Force 1996, Billman GE. Front Physiol 4:26 (2013)."""
    found = []
    if nn.share < 0.8:
        found.append(
            f"Only {nn.share:.0%} of the RR intervals lie between two normal beats outside of atrial fibrillation, "
            "gaps and noise: the measures are of that part."
        )
    if nn.hours < LONG_H:
        found.append(
            f"{nn.hours:.1f} h of NN intervals: SDNN and SDANN grow with the length and compare with other recordings "
            f"of that length only; reference values are of 24 h, {LONG_H:.0f} h at least."
        )
    if segments:
        found.append(
            f"LF and HF are means over {segments} segments of five minutes; LF/HF is no measure of the balance of the "
            "autonomic nervous system, and depends on breathing."
        )
    else:
        found.append("No segment of five minutes is full enough of NN intervals for LF and HF.")
    return tuple(found)
