"""Parses an annotation file for the comparisons: beats, unreadable stretches, ventricular fibrillation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

BEAT_CLASSES = "NSVFQ"
NO_CLASS = "O"
"""A flutter wave (``!``) outside of ventricular fibrillation: WFDB reads it as a beat that has none of the classes."""
END = 2**62
"""Behind every annotation."""

_CLASS_OF = {
    **dict.fromkeys("NLRB", "N"),
    **dict.fromkeys("JASajen", "S"),
    **dict.fromkeys("VrE", "V"),
    "F": "F",
    **dict.fromkeys("Q/f?", "Q"),
    "!": NO_CLASS,
}
_ESCAPE = "ejn"
_UNREADABLE = 0x30


@dataclass(frozen=True)
class Protocol:
    """Parameters of a comparison.

    Attributes:
        learning_s: seconds from the start that do not count: the algorithm may learn the patient there (EC57: 300).
        window_s: a test beat within this many seconds of a reference beat is that beat (EC57: 0.15).
        escape: class of atrial, junctional and supraventricular escape beats (symbols e, j, n): "S" as WFDB's tools
            count them, "N" as in the literature after de Chazal (IEEE TBME 51:1196-1206, 2004) and the rest of this
            project.
    """

    learning_s: float = 300.0
    window_s: float = 0.150
    escape: str = "S"


@dataclass(frozen=True)
class Marks:
    """The annotations of one annotator.

    Attributes:
        sample: sample numbers at ``fs``, int64 (n,), ascending.
        symbol: WFDB symbols, str (n,).
        aux: notes without their trailing NUL, str (n,).
        subtype: of each mark, int64 (n,).
        fs: Hz.
        n_samples: length of the recording at ``fs``; None where it is not known.
    """

    sample: np.ndarray
    symbol: np.ndarray
    aux: np.ndarray
    subtype: np.ndarray
    fs: float
    n_samples: int | None = None

    def at(self, fs: float) -> Marks:
        """The same marks, counted at another sampling frequency, as WFDB's libraries read them."""
        if fs == self.fs:
            return self
        sample = np.rint(self.sample * (fs / self.fs)).astype(np.int64)
        length = None if self.n_samples is None else round(self.n_samples * fs / self.fs)
        return replace(self, sample=sample, fs=fs, n_samples=length)

    @property
    def end(self) -> int:
        """End of the recording: its last sample, or the last annotation where its length is unknown."""
        return self.n_samples or int(self.sample[-1]) if len(self.sample) else self.n_samples or 0

    @property
    def paced(self) -> bool:
        """Whether any beat is paced: EC57 leaves such recordings out of the totals."""
        return bool(np.isin(self.symbol, ["/", "f"]).any())


@dataclass(frozen=True)
class BeatMarks:
    """The beats of an annotator and the stretches without expected beats, in samples.

    Attributes:
        time: of the beats, ascending.
        label: their classes, one letter each, of ``BEAT_CLASSES`` or ``NO_CLASS``.
        shutdowns: (first, last) sample of each stretch that the annotator could not read.
        fibrillation: (first, last) sample of each stretch of ventricular flutter or fibrillation.
    """

    time: list[int]
    label: list[str]
    shutdowns: list[tuple[int, int]]
    fibrillation: list[tuple[int, int]]


def beat_class(symbol: str, escape: str = "S") -> str | None:
    """AAMI class of a beat's symbol as WFDB's tools map it, ``NO_CLASS`` for a flutter wave, None for another mark."""
    return escape if symbol in _ESCAPE else _CLASS_OF.get(symbol)


def starts_shutdown(symbol: str, subtype: int) -> bool:
    """Whether an annotation starts an unreadable stretch: ``~`` with both of these bits of its subtype."""
    return symbol == "~" and subtype & _UNREADABLE == _UNREADABLE


def ends_shutdown(symbol: str, subtype: int) -> bool:
    """Whether an annotation ends an unreadable stretch."""
    return symbol == "~" and subtype & _UNREADABLE != _UNREADABLE


def beats_of(marks: Marks, window: int, escape: str = "S") -> BeatMarks:
    """The beats and stretches of an annotator.

    Marks within ventricular fibrillation (from ``[`` to ``]``) are no beats. An unreadable stretch ends with the next
    mark: with a ``~`` that says so, else ``window`` samples before it, and then it began as many behind the last beat
    or fibrillation (the AHA database marks such stretches in their middle).

    Args:
        marks: all annotations.
        window: match window, samples.
        escape: see :class:`Protocol`.
    """
    found = BeatMarks([], [], [], [])
    rows = list(_rows(marks))
    at = 0
    while at < len(rows):
        time, symbol, subtype = rows[at]
        at += 1
        label = beat_class(symbol, escape)
        if label is not None:
            found.time.append(time)
            found.label.append(label)
        elif starts_shutdown(symbol, subtype):
            if at == len(rows):
                found.shutdowns.append((time, END))
            elif ends_shutdown(*rows[at][1:]):
                found.shutdowns.append((time, rows[at][0]))
                at += 1
            else:
                last = max(found.time[-1:] + [end for _, end in found.fibrillation[-1:]] + [0])
                end = rows[at][0] - window
                found.shutdowns.append((min(last + window, end), end))
        elif symbol == "[":
            end = END
            while at < len(rows) and end == END:
                end = rows[at][0] if rows[at][1] == "]" else END
                at += 1
            found.fibrillation.append((time, end))
    return found


def _rows(marks: Marks) -> Iterator[tuple[int, str, int]]:
    return zip(marks.sample.tolist(), marks.symbol.tolist(), marks.subtype.tolist(), strict=True)
