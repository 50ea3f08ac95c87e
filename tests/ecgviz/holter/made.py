"""Beats made by hand: a letter a beat, and the intervals between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgviz.results import Beats, RhythmEpisode
from ecgviz.signals.quality import Quality
from readers.recording import ArraySource, Recording

CLASSES = ("N", "S", "V", "F", "Q")
FS = 250.0


def beats(
    labels: str,
    rr_s: float | Sequence[float] = 0.8,
    *,
    first_s: float = 1.0,
    rhythms: Sequence[RhythmEpisode] | None = None,
    gaps: Sequence[tuple[float, float]] = (),
    classes: tuple[str, ...] = CLASSES,
) -> Beats:
    """``rr_s``: one interval for all, or the interval before each beat but the first."""
    intervals = [rr_s] * (len(labels) - 1) if isinstance(rr_s, float) else list(rr_s)
    time_s = first_s + np.concatenate([[0.0], np.cumsum(intervals)]) if labels else np.empty(0)
    column = [classes.index(letter) for letter in labels]
    return Beats(
        sample=np.rint(time_s * FS).astype(np.int64),
        prob=np.eye(len(classes), dtype=np.float32)[column].reshape(len(labels), len(classes)),
        classes=classes,
        fs=FS,
        checkpoint="by hand",
        leads=("II",),
        rhythms=tuple(rhythms or ()),
        rhythm_classes=() if rhythms is None else ("N", "AFIB"),
        gaps=tuple(gaps),
    )


def recording(made: Beats, duration_s: float, missing: dict[str, Sequence[int]] | None = None, **facts) -> Recording:
    """Two leads in mV with a QRS complex at every beat but those ``missing`` in a lead, each of 1 mV."""
    n = round(duration_s * FS)
    samples = np.zeros((n, 2))
    for column, lead in enumerate(("II", "V1")):
        for number, at in enumerate(made.sample.tolist()):
            if number not in (missing or {}).get(lead, ()):
                place = np.arange(max(at - 20, 0), min(at + 21, n))
                samples[place, column] += np.exp(-(((place - at) / 3) ** 2))
    facts = {"name": "made", "start": None} | facts
    return Recording(
        fs=FS, n_samples=n, leads=("II", "V1"), units=("mV", "mV"), format="array",
        source=ArraySource(samples.astype(np.float32)), **facts,
    )  # fmt: skip


def quality(reasons: str) -> Quality:
    """Ten seconds a letter: ``.`` good, ``n`` noise, ``f`` flat."""
    n = len(reasons)
    zero = np.zeros(n, np.float32)
    named = np.array([{"n": "noise", "f": "flat"}.get(letter, "") for letter in reasons])
    return Quality(
        np.arange(n) * 10.0, np.full(n, 10.0), *(zero,) * 6, usable=(named == "").astype(np.float32), reason=named
    )
