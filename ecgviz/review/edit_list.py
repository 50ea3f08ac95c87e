"""A list of edits as a file: CSV or JSON with the columns action, time_s, label and to_s.

========== ============================== ========================== ======================
action     time_s                         label                      to_s
========== ============================== ========================== ======================
relabel    of the beat                    its class
confirm    of the beat
delete     of the beat (RR is bridged)
reject     of the beat (RR is not)
add        where there is none            its class
move       of the beat                                               where it lies
rhythm     start of the episode           its rhythm; none takes     its end
                                          away the one at time_s
accept     (the beats nobody decided)
========== ============================== ========================== ======================
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from ecgviz.results import Beats
from ecgviz.review import editing
from ecgviz.review.events import Event, stamped
from ecgviz.review.state import ReviewState, review_state
from models.core.errors import ReadError, ReviewError
from models.postprocessing.rhythm_episodes import rhythm_at
from readers.recording import Recording

COLUMNS = ("action", "time_s", "label", "to_s")
LONGEST_FILE = 50_000_000
_ON_BEATS = ("relabel", "confirm", "delete", "reject")
ACTIONS = (*_ON_BEATS, "add", "move", "rhythm", "accept")
_NAMES = ("relabel", "add", "rhythm")  # these take a label


@dataclass(frozen=True)
class Wish:
    """A line of the list; times in seconds, NaN where it has none."""

    line: int
    action: str
    time_s: float
    label: str
    to_s: float


class _RefusedError(ReviewError):
    """A beat of a line that is not there."""

    def __init__(self, line: int, error: ReviewError):
        self.line = line
        super().__init__(str(error))


def read_edits(path: Path) -> tuple[Wish, ...]:
    """The lines of a file of edits.

    Raises:
        ReadError: it cannot be read, or a line is no edit.
    """
    try:
        if path.stat().st_size > LONGEST_FILE:
            raise ReadError(
                path, f"is larger than {LONGEST_FILE // 1_000_000} MB; split it into several lists of edits"
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror}); name a CSV or JSON file of edits") from error
    except UnicodeDecodeError as error:
        raise ReadError(path, "is no text in UTF-8; write it as CSV or JSON again") from error
    rows = _json_rows(path, text) if text.lstrip()[:1] in {"[", "{"} else _csv_rows(path, text)
    if not rows:
        raise ReadError(path, "holds no edit; write one a line")
    return tuple(_wish(path, line, row) for line, row in rows)


def events_of(wishes: Sequence[Wish], beats: Beats, before: Sequence[Event], recording: Recording) -> tuple[Event, ...]:
    """The edits of a list, each made on the review as it stands after those before it; neighbouring lines of one kind
    become one event.

    Args:
        wishes: from :func:`read_edits`.
        beats: the network's answer.
        before: the log so far.
        recording: what it is about.

    Raises:
        ReviewError: an edit that cannot be made, with its line.
    """
    events = list(before)
    for (action, label), group in groupby(wishes, key=lambda wish: (wish.action, wish.label)):
        lines = list(group)
        together = [lines] if action in _ON_BEATS else [[wish] for wish in lines]
        for some in together:
            state = review_state(beats, events)
            try:
                made = _event(state, action, label, some, recording)
            except ReviewError as error:
                line = error.line if isinstance(error, _RefusedError) else some[0].line
                raise ReviewError(f"line {line}: {error}") from error
            events.append(stamped(made, len(events) + 1, "", "", ""))
    return tuple(events[len(before) :])


def _event(state: ReviewState, action: str, label: str, wishes: Sequence[Wish], recording: Recording) -> Event:
    fs, n_samples, first = recording.fs, recording.n_samples, wishes[0]
    if action in _ON_BEATS:
        chosen = np.unique([_beat(state, wish) for wish in wishes])
        more = (label,) if action == "relabel" else ()
        made: Event = getattr(editing, action)(state, chosen, *more)
        return made
    if action == "add":
        return editing.add(state, round(first.time_s * fs), label, n_samples)
    if action == "move":
        return editing.move(state, _beat(state, first), round(first.to_s * fs), n_samples)
    if action == "accept":
        return editing.accept_rest(state)
    if label:
        return editing.rhythm(state, None, (first.time_s, first.to_s, label), recording.duration_s)
    [place] = rhythm_at(state.beats.rhythms, np.array([first.time_s]))
    if place < 0:
        raise ReviewError(f"no rhythm is told at {first.time_s:g} s, so there is none to take away")
    return editing.rhythm(state, state.beats.rhythms[place], None, recording.duration_s)


def _beat(state: ReviewState, wish: Wish) -> int:
    try:
        return editing.beat_at(state.beats, wish.time_s)
    except ReviewError as error:
        raise _RefusedError(wish.line, error) from error


def _csv_rows(path: Path, text: str) -> list[tuple[int, dict]]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        names = list(reader.fieldnames or ())
        if "action" not in names or len(set(names)) < len(names) or not set(names) <= set(COLUMNS):
            raise ReadError(
                path, f"its first line must name the columns {', '.join(COLUMNS)}, each once, with commas between them"
            )
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise ReadError(path, f"is no CSV ({error}); write it again") from error


def _json_rows(path: Path, text: str) -> list[tuple[int, dict]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(path, f"is no JSON ({error}); write it again") from error
    rows = found.get("edits") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ReadError(path, "must be a list of edits, or an object whose edits are one")
    return list(enumerate(rows, start=1))


def _wish(path: Path, line: int, row: dict) -> Wish:
    if None in row:
        fault = f"there is no column for {str(row[None][0])[:40]!r}; times have a decimal point, and no comma"
        raise ReadError(path, f"line {line}: {fault}")
    unknown = {str(name) for name in row} - set(COLUMNS)
    action = str(row.get("action") or "").strip().lower()
    if unknown or action not in ACTIONS:
        wrong = f"there is no column {', '.join(sorted(unknown))}" if unknown else f"there is no action {action!r}"
        raise ReadError(path, f"line {line}: {wrong}; actions are {', '.join(ACTIONS)}")
    label = str(row.get("label") or "").strip().upper()
    wish = Wish(line, action, _number(path, line, row, "time_s"), label, _number(path, line, row, "to_s"))
    given = [name for name in ("time_s", "to_s") if not math.isnan(getattr(wish, name))]
    needed = _times(action, label)
    if missing := [name for name in needed if name not in given]:
        fault = f"{action} needs {' and '.join(needed)}, in seconds; {' and '.join(missing)} is not there"
        raise ReadError(path, f"line {line}: {fault}")
    others = [name for name in given if name not in needed] + ["label"] * bool(label and action not in _NAMES)
    if others:  # what is not understood is not left out: "confirm" with a class is no confirmation of another one
        raise ReadError(path, f"line {line}: {action} takes no {' and no '.join(others)} here; leave it empty")
    return wish


def _times(action: str, label: str) -> tuple[str, ...]:
    """The times that an edit needs, and the only ones that it takes."""
    if action == "accept":
        return ()
    return ("time_s", "to_s") if action == "move" or (action == "rhythm" and label) else ("time_s",)


def _number(path: Path, line: int, row: dict, name: str) -> float:
    value = row.get(name)
    if value is None or value == "":
        return math.nan
    try:
        number = math.inf if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.inf
    if not abs(number) < 1e9:
        fault = f"{name} is {str(value)[:40]!r}, which is no time in seconds, such as 12.5"
        raise ReadError(path, f"line {line}: {fault}")
    return number
