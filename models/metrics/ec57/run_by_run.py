"""Run by run, as WFDB's ``rxr`` compares: couplets, short runs (3 to 5 beats) and long runs of ectopic beats.

For sensitivity the runs of the reference are gone through, and the longest run of the test is sought in the window
from 150 ms before the first beat to 150 ms behind the last; for predictivity the other way round. Lengths are counted
up to six. Fusion beats are ventricular. Ventricular fibrillation is a ventricular run of six; within atrial
fibrillation normal beats are supraventricular, and the episode is a supraventricular run of six. A run that reaches
the end of the annotations is not counted: nothing says that it is over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.metrics.ec57.marks import NO_CLASS, Marks, Protocol, beat_class, ends_shutdown, starts_shutdown

LONGEST = 6
"""Runs of six beats and more are one length: EC57's long runs."""
_OTHER, _UNREADABLE, _READABLE = NO_CLASS, "U", "C"
_KINDS = {"V": ("VF", "[", "]", "{"), "S": ("S", "{", "}", "[")}
"""Kind of run: classes of its beats; marks that begin and end the fibrillation that is one; the other fibrillation."""


@dataclass(frozen=True)
class RunCounts:
    """Runs of one kind, int64 (7, 7) by length: rows the reference, columns the test, 0 to 5 beats and more.

    Attributes:
        sensitivity: one count for each run of the reference.
        predictivity: one count for each run of the test.
    """

    sensitivity: np.ndarray
    predictivity: np.ndarray


def compare_runs(truth: Marks, test: Marks, kind: str, protocol: Protocol | None = None) -> RunCounts:
    """Compare the runs of one recording after the learning period.

    Args:
        truth, test: annotations.
        kind: "V" or "S".
        protocol: EC57's by default.
    """
    protocol = protocol or Protocol()
    test = test.at(truth.fs)
    return RunCounts(
        _compare(truth, test, kind, protocol, end=truth.n_samples),
        _compare(test, truth, kind, protocol, end=truth.n_samples).T,
    )


def run_scores(counts: RunCounts) -> dict[str, tuple[int, int]]:
    """Sensitivity and positive predictivity of couplets, short and long runs as (numerator, denominator).

    A couplet is found where the longest run of the other annotator has two beats or more, a short run with three or
    more, a long one with six or more.
    """
    scores = {}
    for name, first, stop in (("couplet", 2, 3), ("short_run", 3, 6), ("long_run", 6, 7)):
        for metric, matrix in (("se", counts.sensitivity), ("ppv", counts.predictivity.T)):
            of_them = matrix[first:stop]
            scores[f"{name}_{metric}"] = (int(of_them[:, first:].sum()), int(of_them.sum()))
    return scores


def _compare(a: Marks, b: Marks, kind: str, protocol: Protocol, end: int | None) -> np.ndarray:
    """For each run of ``a`` its length and that of the longest run of ``b`` in its window, int64 (7, 7)."""
    beats, begins, ends, _ = _KINDS[kind]
    window, start = round(protocol.window_s * a.fs), round(protocol.learning_s * a.fs)
    counts = np.zeros((7, 7), np.int64)
    other = _Other(b, kind, protocol.escape)
    length, run = 0, (0, 0)
    for time, code in _codes(a, protocol.escape):
        if time < start:
            if code == begins:
                length, run = LONGEST, (start - window, start + window)
            elif code in "]}":
                length = 0
            continue
        if end and time > end:
            break
        if length and code in "NQUVFS":
            if code in beats:
                length, run = min(length + 1, LONGEST), (run[0], time + window)
            else:
                counts[length, other.longest_run(*run)] += 1
                length = 0
        elif length and code == ends:
            run = (run[0], time + window)
        elif not length and code in beats:
            length, run = 1, (time - window, time + window)
        elif not length and code == begins:
            length, run = LONGEST, (time - window, run[1])
    return counts


class _Other:
    """The annotator in which matching runs are sought; read once, window by window."""

    def __init__(self, marks: Marks, kind: str, escape: str):
        rows = list(_codes(marks, escape))
        self._time = [time for time, _ in rows]
        self._code = [code for _, code in rows]
        self._beats, self._begins, self._ends, self._other = _KINDS[kind]
        self._at = 0
        self._fibrillates_until = float("-inf")

    def longest_run(self, first: int, last: int) -> int:
        """Beats of the longest run within ``first`` to ``last`` samples, at most six."""
        if self._fibrillates_until > first:
            return LONGEST
        while self._at < len(self._time) and self._time[self._at] < first:
            if self._code[self._at] == self._begins and self._to_end_of_fibrillation() > first:
                return LONGEST
            self._at += 1
        longest = length = 0
        while self._at < len(self._time) and self._time[self._at] <= last:
            code = self._code[self._at]
            if code == self._begins:
                self._to_end_of_fibrillation()
                return LONGEST
            if code in self._beats:
                length = min(length + 1, LONGEST)
            elif code in "NQUVFS[{":
                longest, length = max(longest, length), 0
            self._at += 1
        return max(longest, length)

    def _to_end_of_fibrillation(self) -> float:
        """Go on to the mark that ends it and give its time; infinite where none does."""
        self._at += 1
        while self._at < len(self._time) and self._code[self._at] not in {self._ends, self._other, _UNREADABLE}:
            self._at += 1
        if self._at == len(self._time):
            self._fibrillates_until = float("inf")
        else:
            self._code[self._at] = _OTHER
            self._fibrillates_until = self._time[self._at]
        return self._fibrillates_until


def _codes(marks: Marks, escape: str) -> Iterable[tuple[int, str]]:
    """(sample, code) of each mark: a class, ``[`` and ``]`` around ventricular fibrillation, ``{`` and ``}`` around
    atrial, ``U`` where a shutdown begins, ``O`` for what does not matter here."""
    atrial = ventricular = unreadable = False
    rows = zip(marks.sample.tolist(), marks.symbol.tolist(), marks.subtype.tolist(), marks.aux.tolist(), strict=True)
    for time, symbol, subtype, aux in rows:
        code = beat_class(symbol, escape) or _OTHER
        if code == "N" and atrial:
            code = "S"
        elif starts_shutdown(symbol, subtype):
            code, unreadable = (_OTHER if unreadable else _UNREADABLE), True
        elif ends_shutdown(symbol, subtype):
            code, unreadable = (_READABLE if unreadable else _OTHER), False
        elif symbol == "[" or (symbol == "+" and aux.startswith("(VF")):
            code, atrial, ventricular = (_OTHER if ventricular else "["), atrial and ventricular, True
        elif symbol == "]":
            code, ventricular = ("]" if ventricular else _OTHER), False
        elif symbol == "+" and aux.startswith("(AF"):
            code, atrial, ventricular = (_OTHER if atrial else "{"), True, ventricular and atrial
        elif symbol == "+":
            code = "}" if atrial else "]" if ventricular else _OTHER
            atrial, ventricular = False, ventricular and atrial
        yield time, code
