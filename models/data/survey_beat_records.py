"""Survey of records with beat annotations: beats by class and side, duplicates, patients on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.core.callbacks import Progress
from models.core.errors import ReadError
from models.data import mitdb
from models.data.aami import AAMI_CLASSES
from models.data.fingerprint import Fingerprint
from models.data.survey_result import Problem, Survey, ordered

SAME_PATIENT = (("201", "202"),)
"""Records of the MIT-BIH Arrhythmia Database that are of one patient (Moody and Mark, its directory)."""


def suggested_split(records: tuple[str, ...] | list[str]) -> tuple[Any, Any]:
    """Training and validation records for ``data.train`` and ``data.validation``: the inter-patient split of MIT-BIH
    where all its records are there, else every fifth record to choose the epoch by."""
    if set(mitdb.DS1) <= set(records):
        return "train", "validation"
    ordered = sorted(records)
    held_out = ordered[4::5] or (ordered[-1:] if len(ordered) > 1 else [])
    return [name for name in ordered if name not in held_out], held_out


def survey_beat_records(root: Path, tell: Progress) -> Survey:
    """Read every record of a folder of WFDB records once.

    Args:
        root: the folder.
        tell: told files done, files in all, a note; raises ReadError to stop.
    """
    names = mitdb.list_records(root)
    problems = [
        Problem("missing", path.name, "has no beat annotations (.atr) beside it; it is not used")
        for path in sorted(root.glob("*.hea"))
        if path.stem not in names
    ]
    counts: dict[str, dict[str, int]] = {}
    marks: dict[str, Fingerprint] = {}
    hours = 0.0
    for number, name in enumerate(names):
        tell(number, len(names), f"Reading recordings ({name})")
        try:
            record = mitdb.load_record(root, name)
        except ReadError as error:
            problems.append(Problem("unreadable", name, error.fault, grave=True))
            continue
        tally = np.bincount(record.label, minlength=len(AAMI_CLASSES))
        counts[name] = {letter: int(count) for letter, count in zip(AAMI_CLASSES, tally, strict=True)}
        hours += record.n_samples / record.fs / 3600
        marks[name] = record.fingerprint()
        if not tally.sum():
            problems.append(Problem("classes", name, "has no beat; it teaches nothing"))
    train, validation = suggested_split(list(counts))
    official = train == "train"
    members = {
        "train": mitdb.SPLITS["train"] if official else train,
        "validation": mitdb.SPLITS["validation"] if official else validation,
        "test": mitdb.DS2 if official else (),
    }
    side_of = {name: side for side, chosen in members.items() for name in chosen}
    problems += _same_samples(marks, side_of)
    if official:
        problems += [
            Problem("both sides", f"{a}, {b}", "are one patient, in training and in test: metrics are given without "
                    f"{b} too", grave=False)
            for a, b in SAME_PATIENT
            if {a, b} <= set(counts) and side_of.get(a) != side_of.get(b)
        ]  # fmt: skip
    sides = {
        side: _sum(counts[name] for name in chosen if name in counts) for side, chosen in members.items() if chosen
    }
    return Survey(
        "recordings", len(counts), _sum(counts.values()), sides, len(counts), hours, counts,
        "the inter-patient split of MIT-BIH; paced records are on no side" if official
        else "every fifth record validates; the form can say otherwise",
        ordered(problems),
    )  # fmt: skip


def _same_samples(marks: Mapping[str, Fingerprint], side_of: Mapping[str, str]) -> list[Problem]:
    problems = []
    names = list(marks)
    for place, name in enumerate(names):
        for other in names[place + 1 :]:
            if marks[name].matches(marks[other].sha256, marks[other].landmarks):
                across = side_of.get(name) != side_of.get(other)
                words = "hold the same samples" + (", on different sides of the split; leave one out" if across else "")
                problems.append(Problem("duplicate", f"{name}, {other}", words, grave=across))
    return problems


def _sum(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter(dict.fromkeys(AAMI_CLASSES, 0))
    for one in counts:
        total.update(one)
    return dict(total)
