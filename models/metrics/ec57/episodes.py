"""Episode by episode, as WFDB's ``epicmp`` compares: atrial fibrillation, and ventricular flutter or fibrillation.

An episode is found where the other annotator has one that overlaps it at any time; durations count the overlap.
Atrial flutter of the reference is neither right nor wrong: what the test calls fibrillation there is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.metrics.ec57.marks import Marks, Protocol

Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class EpisodeCounts:
    """Counts and durations of episodes of one kind.

    Attributes:
        found, missed: episodes of the reference that overlap one of the test, and others.
        right, wrong: episodes of the test that overlap one of the reference, and others.
        reference_s, test_s: their seconds.
        overlap_s: seconds that both have.
    """

    found: int = 0
    missed: int = 0
    right: int = 0
    wrong: int = 0
    reference_s: float = 0.0
    test_s: float = 0.0
    overlap_s: float = 0.0


def compare_episodes(truth: Marks, test: Marks, kind: str, protocol: Protocol | None = None) -> EpisodeCounts:
    """Compare the episodes of one recording after the learning period.

    Args:
        truth, test: annotations.
        kind: "AF" (notes ``(AFIB``) or "VF" (marks ``[`` and ``]``).
        protocol: EC57's by default.
    """
    start = round((protocol or Protocol()).learning_s * truth.fs)
    test, end = test.at(truth.fs), truth.end
    flutter = _spans(truth, "AFL", end) if kind == "AF" else []
    reference = _clipped(_spans(truth, kind, end), start, end)
    trimmed = [_without(span, flutter) for span in _clipped(_spans(test, kind, end), start, end)]
    found = [span for span in trimmed if span is not None]
    hits, right = (
        [_overlap(span, others) for span in spans] for spans, others in ((reference, found), (found, reference))
    )
    return EpisodeCounts(
        found=sum(shared > 0 for shared in hits),
        missed=sum(shared == 0 for shared in hits),
        right=sum(shared > 0 for shared in right),
        wrong=sum(shared == 0 for shared in right),
        reference_s=sum(stop - first for first, stop in reference) / truth.fs,
        test_s=sum(stop - first - _overlap((first, stop), flutter) for first, stop in found) / truth.fs,
        overlap_s=sum(right) / truth.fs,
    )


def episode_scores(counts: EpisodeCounts) -> dict[str, tuple[float, float]]:
    """Sensitivity and positive predictivity by episodes and by duration as (numerator, denominator)."""
    return {
        "episode_se": (counts.found, counts.found + counts.missed),
        "episode_ppv": (counts.right, counts.right + counts.wrong),
        "duration_se": (counts.overlap_s, counts.reference_s),
        "duration_ppv": (counts.overlap_s, counts.test_s),
    }


def _spans(marks: Marks, kind: str, end: int) -> Spans:
    """(first, last) sample of each episode; an unterminated one lasts to the end."""
    begins, ends = _LIMITS[kind]
    spans: Spans = []
    since: int | None = None
    for time, symbol, aux in zip(marks.sample.tolist(), marks.symbol.tolist(), marks.aux.tolist(), strict=True):
        if since is None and begins(symbol, aux):
            since = time
        elif since is not None and ends(symbol, aux):
            spans.append((since, time))
            since = None
    if since is not None:
        spans.append((since, max(end, int(marks.sample[-1]))))
    return spans


Test = Callable[[str, str], bool]
_LIMITS: dict[str, tuple[Test, Test]] = {
    "AF": (
        lambda symbol, aux: symbol == "+" and aux.startswith("(AFIB"),
        lambda symbol, aux: symbol == "+" and not aux.startswith("(AFIB"),
    ),
    "AFL": (
        lambda symbol, aux: symbol == "+" and aux.startswith("(AFL"),
        lambda symbol, aux: symbol == "+" and not aux.startswith("(AFL"),
    ),
    "VF": (lambda symbol, _: symbol == "[", lambda symbol, _: symbol == "]"),
}


def _clipped(spans: Spans, start: int, end: int) -> Spans:
    return [(max(first, start), min(last, end)) for first, last in spans if last >= start and first < end]


def _without(span: tuple[int, int], excluded: Spans) -> tuple[int, int] | None:
    """The span without excluded stretches at its ends; None where nothing is left."""
    first, last = span
    for begin, stop in excluded:
        if last <= begin:
            break
        if begin <= first <= stop:
            if last <= stop:
                return None
            first = stop
        elif first <= begin and stop >= last:
            last = begin
    return first, last


def _overlap(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> int:
    if not others:
        return 0
    firsts, lasts = np.array(others).T
    return int(np.clip(np.minimum(lasts, span[1]) - np.maximum(firsts, span[0]), 0, None).sum())
