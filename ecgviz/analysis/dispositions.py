"""The final verdict on a slice, a part or a batch: what people decided, over what the network said.

A pure function of the network's verdict and the log of overrides. Pages, tables, reports, pictures and the command line
all ask it, so none can say something else than another. Slice, part and batch are decided apart: a decision about a
part holds whatever its slices are; without one, its slices count as people decided them; and so a batch by its parts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, NamedTuple

import numpy as np

from ecgviz.analysis.inspect import StackRule
from ecgviz.results import Verdict
from models.evaluation.operating_point import OperatingPoint

VERDICTS = ("normal", "review", "defect")
"""Lightest first: of several the last one holds for what they are parts of."""
SCOPES = ("slice", "part", "batch")
NOT_READ = "not read"
Word = Literal["normal", "defect", "review"]


@dataclass(frozen=True)
class Override:
    """One line of the log: a decision about a verdict, or the undoing of one.

    Attributes:
        time: ISO 8601, UTC.
        file: name of the file without its folder; of a batch its name.
        file_sha256: hash of the file's content, which is what the decision is about; of a batch that of its files.
        slice_index: the slice that decided, or that is decided about; None for a single picture.
        checkpoint: name of the network's checkpoint.
        checkpoint_sha256: hash of its weights.
        operating_point_version: which choice of threshold the verdict was made with.
        threshold: its threshold.
        score: what the network had said.
        old: verdict before: the network's, or that of the override before this one. Equal to ``new`` where a person
            confirms it.
        new: verdict from now on.
        reason: why.
        who: name of the person.
        scope: what is decided about, one of :data:`SCOPES`.
        undone: whether this line takes the decision before it back.
    """

    time: str
    file: str
    file_sha256: str
    slice_index: int | None
    checkpoint: str
    checkpoint_sha256: str
    operating_point_version: str
    threshold: float
    score: float | None
    old: str
    new: str
    reason: str
    who: str
    scope: str = "part"
    undone: bool = False


class _Subject(NamedTuple):
    """What a decision is about; one about a network binds no other network."""

    scope: str
    file_sha256: str
    checkpoint_sha256: str
    slice_index: int | None


class Decisions:
    """The decisions that stand: of each subject the last one that was not undone.

    Args:
        log: lines of the log, oldest first.
        rule: how the slices of a part decide; the highest score when None.
    """

    def __init__(self, log: Iterable[Override] = (), rule: StackRule | None = None):
        self.rule = rule or StackRule()
        kept: dict[_Subject, list[Override]] = {}
        lines = tuple(log)
        self.mark = len(lines)  # a log only grows: its length tells it from another state of it
        for one in lines:
            index = one.slice_index if one.scope == "slice" else None
            stack = kept.setdefault(_Subject(one.scope, one.file_sha256, one.checkpoint_sha256, index), [])
            if not one.undone:
                stack.append(one)
            elif stack:
                stack.pop()
        self._standing = {subject: stack[-1] for subject, stack in kept.items() if stack}
        self._slices: dict[tuple[str, str], dict[int, Override]] = {}
        for subject, one in self._standing.items():
            if subject.slice_index is not None:
                key = subject.file_sha256, subject.checkpoint_sha256
                self._slices.setdefault(key, {})[subject.slice_index] = one

    def __len__(self) -> int:
        return len(self._standing)

    def __iter__(self):
        return iter(self._standing.values())

    def about(self, verdict: Verdict, scope: str = "part") -> Override | None:
        """The decision that stands about a verdict; with the scope "slice" about the slice that it names."""
        if not verdict.sha256:
            return None
        index = verdict.slice_index or 0 if scope == "slice" else None
        return self._standing.get(_Subject(scope, verdict.sha256, verdict.checkpoint_sha256, index))

    def of_slices(self, verdict: Verdict) -> dict[int, Override]:
        """The decisions about slices of a part, by slice."""
        return self._slices.get((verdict.sha256, verdict.checkpoint_sha256), {}) if verdict.sha256 else {}


NOBODY = Decisions()


@dataclass(frozen=True)
class Final:
    """A verdict as it counts.

    Attributes:
        network: what the network said, unchanged; of a batch, what its parts amount to.
        verdict: what counts.
        decision: the decision about it; None where it follows from the network or from its slices or parts.
        slices: decisions about its slices.
    """

    network: Verdict
    verdict: Word
    decision: Override | None = None
    slices: tuple[Override, ...] = ()

    @property
    def kind(self) -> str:
        """``verdict``, or "not read" where there was nothing to judge and nobody decided."""
        return NOT_READ if self.decision is None and math.isnan(self.network.score) else self.verdict

    @property
    def decided(self) -> bool:
        """Whether a person's decision is in it."""
        return self.decision is not None or bool(self.slices)

    @property
    def decided_by(self) -> str:
        """Who decided; several names in the order of their decisions."""
        return ", ".join(dict.fromkeys(one.who for one in self._decisions))

    @property
    def decided_at(self) -> str:
        """When the last decision was made, ISO 8601; empty where nobody decided."""
        return max((one.time for one in self._decisions), default="")

    @property
    def decision_reason(self) -> str:
        """Why; decisions about slices with their slice."""
        if self.decision is not None:
            return self.decision.reason
        return "; ".join(f"slice {(one.slice_index or 0) + 1} is {one.new}: {one.reason}" for one in self.slices)

    @property
    def _decisions(self) -> tuple[Override, ...]:
        return self.slices if self.decision is None else (self.decision,)


def final_verdict(verdict: Verdict, decisions: Decisions) -> Final:
    """What counts for a part: a decision about it, else its slices as they were decided, else the network's verdict.

    Args:
        verdict: the network's.
        decisions: what stands.
    """
    own = decisions.about(verdict)
    slices = decisions.of_slices(verdict)
    if own is not None:
        found: Word = _word(own.new)
    else:
        found = _by_slices(verdict, slices, decisions.rule) if slices else verdict.verdict
    return Final(verdict, found, own, tuple(slices[index] for index in sorted(slices)))


def final_verdicts(verdicts: Iterable[Verdict], decisions: Decisions) -> list[Final]:
    """:func:`final_verdict` of each, in order."""
    return [final_verdict(one, decisions) for one in verdicts]


def slice_verdict(verdict: Verdict, index: int) -> Verdict:
    """The network's verdict on one slice of a part, by itself; the part's own where its slices are not known."""
    if index >= len(verdict.slice_scores):
        return replace(verdict, slice_index=index)
    score = verdict.slice_scores[index]
    return replace(verdict, slice_index=index, score=score, verdict=_point(verdict).decide(score))


def final_slice(verdict: Verdict, index: int, decisions: Decisions) -> Final:
    """What counts for one slice of a part."""
    alone = slice_verdict(verdict, index)
    own = decisions.about(alone, "slice")
    return Final(alone, alone.verdict if own is None else _word(own.new), own)


def final_batch(name: str, parts: Sequence[Final], decisions: Decisions) -> Final | None:
    """What counts for a batch: a decision about it, else the gravest of its parts; None where there are none.

    Args:
        name: of the batch, for the log.
        parts: what counts for each of its parts.
        decisions: what stands.
    """
    if not parts:
        return None
    gravest = worst(one.verdict for one in parts)
    first = parts[0].network
    known = [one.network.score for one in parts if math.isfinite(one.network.score)]
    whole = replace(
        first,
        file=name,
        slice_index=None,
        sha256=sha256("\n".join(sorted(one.network.sha256 for one in parts)).encode()).hexdigest(),
        verdict=gravest,
        score=max(known, default=math.nan),
        distance=None,
        in_distribution=None,
        error="",
        slice_scores=(),
        warnings=(),
        left_out=(),
    )
    own = decisions.about(whole, "batch")
    return Final(whole, gravest if own is None else _word(own.new), own)


def worst(words: Iterable[str]) -> Word:
    """The gravest of some verdicts; "normal" of none."""
    return _word(max(words, key=VERDICTS.index, default="normal"))


def _by_slices(verdict: Verdict, decided: dict[int, Override], rule: StackRule) -> Word:
    """A part whose slices were decided by people: those as they said, the others by the rule and the threshold.

    What the network found unlike its training stays for review as long as one slice is left to the network.
    """
    scores = np.array(verdict.slice_scores, np.float64)
    scores[list(verdict.left_out)] = np.nan  # the network does not judge them; what a person says of them counts
    left = np.array([index not in decided for index in range(len(scores))], bool)
    words = [one.new for one in decided.values()]
    if not left.any():
        return worst(words)
    if np.isfinite(scores[left]).any():
        rest = _point(verdict).decide(rule.score(scores[left])[0], verdict.in_distribution)
        words.append("review" if verdict.error and rest == "normal" else rest)
    else:
        words.append("review")
    return worst(words)


def _point(verdict: Verdict) -> OperatingPoint:
    return OperatingPoint(
        threshold=verdict.threshold, grey_zone=verdict.grey_zone, version=verdict.operating_point_version
    )


def _word(text: str) -> Word:
    """A verdict of the log, which anybody may have edited; what is none goes to review."""
    return text if text in VERDICTS else "review"  # type: ignore[return-value]
