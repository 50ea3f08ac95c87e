"""Where the waves of one beat end: as delineated where that is sure, else at fixed places beside the R peak.

A part is exchanged whole, so a wave reaches from the earlier onset to the later end of the beat's own and the usual
one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ecgviz.saliency.usual_beat import FROM_S, TO_S, WAVES_S, Usual
from ecgviz.signals.intervals import delineate
from ecgviz.signals.median_beat import MedianBeats
from models.tasks.inputs import BeatInputs

_SURE_S = {
    "P onset": (-0.28, -0.09),
    "QRS onset": (-0.115, -0.015),
    "QRS end": (0.02, 0.17),
    "T end": (0.2, 0.48),
}
"""Where a mark may lie to be believed, beside R: at the limits of its search none was found."""
_BESIDE_S = 0.01
"""By how much a wave is taken longer at each end: a mark is that far off, and a fade begins outside."""
_BEFORE_NEXT_S = 0.2
"""What the next beat's P wave and QRS may take before its R peak."""


def with_measured_waves(usual: Usual, strip: BeatInputs, slot: int) -> Usual:
    """A usual beat with the bounds of the waves of the beat in ``slot``, and which of them were measured."""
    position = strip.kwargs["beats"][0].numpy()
    at, fs = int(position[slot]), strip.fs
    behind = position[slot + 1] - round(_BEFORE_NEXT_S * fs) if slot + 1 < len(position) else strip.x.shape[-1]
    before = position[slot - 1] + round(WAVES_S["ST and T"][1] * fs) if slot else 0
    low = max(at + usual.start, int(before), 0)
    high = min(at + usual.start + usual.wave.shape[1], int(behind), strip.x.shape[-1])
    own = _marks(strip.x[0, :, low : max(high, low)].numpy(), at - low, fs)
    theirs = _marks(usual.wave, -usual.start, fs)
    on, off = _outer(own, theirs, "QRS onset", min), _outer(own, theirs, "QRS end", max)
    qrs = not (math.isnan(on) or math.isnan(off))
    if not qrs:
        on, off = WAVES_S["QRS"]
    # An ectopic beat need not have a P wave: that of the usual one is what would be there.
    onsets = [mark for mark in (own["P onset"], theirs["P onset"]) if mark < on - 0.04]
    p_on, t_end = min(onsets, default=math.nan) - _BESIDE_S, _outer(own, theirs, "T end", max)
    p, t = qrs and bool(onsets), qrs and t_end > off + 0.06
    waves_s = {
        "P and PR": (max(p_on, FROM_S) if p else WAVES_S["P and PR"][0], on),
        "QRS": (on, off),
        "ST and T": (off, min(t_end, TO_S) if t else WAVES_S["ST and T"][1]),
    }
    sure = zip(WAVES_S, (p, qrs, t), strict=True)
    return replace(usual, waves_s=waves_s, measured=frozenset(name for name, found in sure if found))


def _outer(
    own: dict[str, float], theirs: dict[str, float], mark: str, outer: Callable[[tuple[float, float]], float]
) -> float:
    """The outer of a mark of both beats, a little beyond; NaN where it is not sure in both."""
    both = own[mark], theirs[mark]
    return math.nan if any(map(math.isnan, both)) else outer(both) + math.copysign(_BESIDE_S, outer(both))


def _marks(wave: np.ndarray, r_sample: int, fs: float) -> dict[str, float]:
    """Marks of a beat (n_leads, n) in seconds beside R, NaN where they are not sure."""
    if not 0 < r_sample < wave.shape[1] - round(0.1 * fs) or not wave.any():
        return dict.fromkeys(_SURE_S, math.nan)
    beat = MedianBeats(wave.T.astype(np.float64), fs, r_sample, (), 1, 1, math.nan, (math.nan, math.nan))
    found = delineate(beat)
    return {name: found[name] if low <= found[name] <= high else math.nan for name, (low, high) in _SURE_S.items()}
