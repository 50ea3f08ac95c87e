"""Final verdict on a slice, a part or a batch: the network's verdict unless a person overrode it.

It is a pure function of the network's verdict and the log of overrides. Pages, tables, reports, pictures and the
command line all call it, so they agree. Slice, part and batch are decided separately: a decision about a part overrides
its slices; without one, the part follows from its slices, with the decisions about them. A batch follows from its parts
in the same way.
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
"""In order of severity: the most severe verdict of the parts is that of the whole."""
SCOPES = ("slice", "part", "batch")
NOT_READ = "not read"
Word = Literal["normal", "defect", "review"]


@dataclass(frozen=True)
class Override:
    """One line of the log: a decision about a verdict, or its undoing.

    Attributes:
        time: ISO 8601, UTC.
        file: name of the file without its folder, or name of the batch.
        file_sha256: hash of the file's content, which identifies the part; of a batch, hash of its files' hashes.
        slice_index: slice that the decision is about, or that decided the verdict; None for a single picture.
        checkpoint: name of the network's checkpoint.
        checkpoint_sha256: hash of its weights.
        operating_point_version: version of the operating point that the verdict was made with.
        threshold: its threshold.
        score: score of the network.
        old: verdict before, of the network or of the previous override. Equal to ``new`` if a person confirmed it.
        new: verdict of this decision.
        reason: why.
        who: name of the person.
        scope: level of the decision, one of :data:`SCOPES`.
        undone: whether this line undoes the previous decision.
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
    """Key of a decision; it holds for one network only."""

    scope: str
    file_sha256: str
    checkpoint_sha256: str
    slice_index: int | None


class Decisions:
    """Decisions in force: the last one about each subject that was not undone.

    Args:
        log: lines of the log, oldest first.
        rule: how the scores of a stack's slices are combined; the highest score if None.
    """

    def __init__(self, log: Iterable[Override] = (), rule: StackRule | None = None):
        self.rule = rule or StackRule()
        kept: dict[_Subject, list[Override]] = {}
        lines = tuple(log)
        self.mark = len(lines)  # the log is append-only, so its length identifies its state
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
        """Decision in force about a verdict; with the scope "slice", about the slice ``verdict.slice_index``."""
        if not verdict.sha256:
            return None
        index = verdict.slice_index or 0 if scope == "slice" else None
        return self._standing.get(_Subject(scope, verdict.sha256, verdict.checkpoint_sha256, index))

    def of_slices(self, verdict: Verdict) -> dict[int, Override]:
        """{slice index: decision} of a part."""
        return self._slices.get((verdict.sha256, verdict.checkpoint_sha256), {}) if verdict.sha256 else {}


NOBODY = Decisions()


@dataclass(frozen=True)
class Final:
    """A final verdict.

    Attributes:
        network: the network's verdict, unchanged; for a batch, the most severe final verdict of its parts.
        verdict: the final verdict.
        decision: decision about it; None if it follows from the network or from its slices or parts.
        slices: decisions about its slices.
    """

    network: Verdict
    verdict: Word
    decision: Override | None = None
    slices: tuple[Override, ...] = ()

    @property
    def kind(self) -> str:
        """``verdict``, or "not read" if it has no score and nobody decided."""
        return NOT_READ if self.decision is None and math.isnan(self.network.score) else self.verdict

    @property
    def decided(self) -> bool:
        """Whether a person decided about it or any of its slices."""
        return self.decision is not None or bool(self.slices)

    @property
    def decided_by(self) -> str:
        """Names of those who decided, in the order of their decisions."""
        return ", ".join(dict.fromkeys(one.who for one in self._decisions))

    @property
    def decided_at(self) -> str:
        """Time of the last decision, ISO 8601; empty if nobody decided."""
        return max((one.time for one in self._decisions), default="")

    @property
    def decision_reason(self) -> str:
        """Reason of the decision, or the reasons of those about slices, with the slice."""
        if self.decision is not None:
            return self.decision.reason
        return "; ".join(f"slice {(one.slice_index or 0) + 1} is {one.new}: {one.reason}" for one in self.slices)

    @property
    def _decisions(self) -> tuple[Override, ...]:
        return self.slices if self.decision is None else (self.decision,)


def final_verdict(verdict: Verdict, decisions: Decisions) -> Final:
    """Final verdict on a part: the decision about it, else by its decided slices, else the network's verdict.

    Args:
        verdict: the network's verdict.
        decisions: decisions in force.
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
    """The network's verdict on one slice of a part; that of the part if its slice scores are unknown."""
    if index >= len(verdict.slice_scores):
        return replace(verdict, slice_index=index)
    score = verdict.slice_scores[index]
    return replace(verdict, slice_index=index, score=score, verdict=_point(verdict).decide(score))


def final_slice(verdict: Verdict, index: int, decisions: Decisions) -> Final:
    """Final verdict on one slice of a part."""
    alone = slice_verdict(verdict, index)
    own = decisions.about(alone, "slice")
    return Final(alone, alone.verdict if own is None else _word(own.new), own)


def final_batch(name: str, parts: Sequence[Final], decisions: Decisions) -> Final | None:
    """Final verdict on a batch: the decision about it, else the most severe of its parts; None without parts.

    Args:
        name: name of the batch in the log.
        parts: final verdicts on its parts.
        decisions: decisions in force.
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
    """The most severe of some verdicts; "normal" if there are none."""
    return _word(max(words, key=VERDICTS.index, default="normal"))


def _by_slices(verdict: Verdict, decided: dict[int, Override], rule: StackRule) -> Word:
    """Verdict on a part with decided slices: these as decided, the others by the rule and the threshold.

    A part out of distribution stays for review as long as the network decides about any slice.
    """
    scores = np.array(verdict.slice_scores, np.float64)
    scores[list(verdict.left_out)] = np.nan  # not judged by the network; a person's decision about them counts
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
