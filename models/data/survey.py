"""What a folder of training data holds: its kind, its cases by class and side, and what is wrong with it.

Three kinds are recognised: WFDB records with beat annotations, whole recordings with labels (PTB-XL, folders of
arrays), and pictures in class folders or with a table labels.csv.
A survey reads every file once, so that what cannot be read is known before a training stumbles over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from models.config.image import ImageDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, EcgvizError, ReadError
from models.data import mitdb
from models.data.aami import AAMI_CLASSES
from models.data.fingerprint import Fingerprint
from models.data.image_folder import (
    SPLITS,
    TABLE,
    ImageRow,
    file_hashes,
    join_duplicates,
    read_rows,
    split_rows,
    stated_split,
)
from models.data.survey_recordings import facts, is_whole
from models.tasks.image import IMAGE_CLASSES
from readers.core.file_names import readable
from readers.images import open_images
from readers.images.kinds import PICTURE_SUFFIXES

DataKind = Literal["recordings", "whole recordings", "pictures"]
SAME_PATIENT = (("201", "202"),)
"""Records of the MIT-BIH Arrhythmia Database that are of one patient (Moody and Mark, its directory)."""
_MOST_PROBLEMS = 200


@dataclass(frozen=True)
class Problem:
    """Something to know before a training.

    Attributes:
        what: "missing", "unreadable", "duplicate", "both sides", "no groups" or "classes".
        file: the file or files, below the folder.
        words: what is wrong, and what becomes of it or what to do.
        grave: whether a training on it would fail or its figures would be too good.
    """

    what: str
    file: str
    words: str
    grave: bool = False


@dataclass(frozen=True)
class Survey:
    """A folder of training data.

    Attributes:
        kind: "recordings", "whole recordings" or "pictures".
        items: how many records or pictures there are.
        classes: cases (beats, recordings or pictures) of each class; a whole recording may be of several.
        sides: cases of each class on each side of the split.
        groups: how many records, or groups of pictures, there are: what the split keeps whole.
        hours: length of the recordings together, h; 0 for pictures.
        records: cases of each class in each record; empty for pictures.
        split: whose split it is, in words.
        problems: what is wrong, grave things first.
    """

    kind: DataKind
    items: int
    classes: dict[str, int]
    sides: dict[str, dict[str, int]]
    groups: int
    hours: float = 0.0
    records: dict[str, dict[str, int]] = field(default_factory=dict)
    split: str = ""
    problems: tuple[Problem, ...] = ()

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Survey:
        """The inverse of :meth:`plain`."""
        problems = tuple(Problem(**problem) for problem in values.get("problems", ()))
        return cls(**{**values, "problems": problems})


def recognise(root: str | Path) -> DataKind:
    """The kind of the data in a folder.

    Raises:
        ReadError: it holds neither.
    """
    root = Path(root)
    if root.is_file() and root.suffix.lower() == ".csv":
        return "pictures"
    if not root.is_dir():
        raise ReadError(root, "is no folder; name the folder that holds the records or the pictures")
    if is_whole(root):
        return "whole recordings"
    if mitdb.list_records(root):
        return "recordings"
    folders = [path for path in root.iterdir() if path.is_dir()]
    if (root / TABLE).is_file() or any(_holds_pictures(folder) for folder in folders):
        return "pictures"
    raise ReadError(
        root,
        "holds no WFDB records with beat annotations (.hea and .atr), no ptbxl_database.csv, no labels.csv and no "
        "class folders of pictures; name the folder that does",
    )


def _holds_pictures(folder: Path) -> bool:
    return any(file.suffix.lower() in PICTURE_SUFFIXES for file in folder.rglob("*"))


def survey(
    root: str | Path,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
    pictures: ImageDataConfig | None = None,
) -> Survey:
    """Look at all of a folder.

    Args:
        root: the folder, or a labels.csv.
        progress: told files done, files in all, a note.
        should_stop: asked before each file; True raises ReadError.
        pictures: how labels and groups of pictures are named.

    Raises:
        ReadError: nothing to train on, or stopped. ConfigError: a label that is neither normal nor defect.
    """

    def tell(done: int, total: int, note: str) -> None:
        if should_stop is not None and should_stop():
            raise ReadError(root, "was not looked at to the end, as asked; look again for its counts")
        if progress is not None:
            progress(done, total, note)

    kind = recognise(root)
    if kind == "recordings":
        return _survey_recordings(Path(root), tell)
    if kind == "whole recordings":
        found = facts(Path(root), tell)
        problems = _ordered([Problem(*problem) for problem in found.pop("problems")])
        return Survey("whole recordings", **found, problems=problems)
    return _survey_pictures(Path(root), pictures or ImageDataConfig(), tell)


def suggested_split(records: tuple[str, ...] | list[str]) -> tuple[Any, Any]:
    """Training and validation records for ``data.train`` and ``data.validation``: the inter-patient split of MIT-BIH
    where all its records are there, else every fifth record to choose the epoch by."""
    if set(mitdb.DS1) <= set(records):
        return "train", "validation"
    ordered = sorted(records)
    held_out = ordered[4::5] or (ordered[-1:] if len(ordered) > 1 else [])
    return [name for name in ordered if name not in held_out], held_out


def _survey_recordings(root: Path, tell: Progress) -> Survey:
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
            Problem("both sides", f"{a}, {b}", "are one patient, in training and in test: figures are given without "
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
        _ordered(problems),
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


def _survey_pictures(root: Path, config: ImageDataConfig, tell: Progress) -> Survey:
    rows = read_rows(root, config)
    problems: list[Problem] = []
    there = []
    for number, row in enumerate(rows):
        tell(number, 2 * len(rows), f"Reading pictures ({row.file})")
        fault = _fault(row)
        if fault is None:
            there.append(row)
        else:
            problems.append(fault)
    tell(len(rows), 2 * len(rows), "Comparing pictures")
    hashes = file_hashes(there)
    joined = join_duplicates(there, hashes)
    problems += _duplicates(there, hashes)
    stated = any(row.split for row in there)
    sides: dict[str, list[ImageRow]] = {}
    try:
        sides = stated_split(joined) if stated else split_rows(joined, config.shares, config.split_seed)
    except ConfigError as error:
        problems.append(Problem("both sides", TABLE, error.why, grave=True))
    if joined and len({row.group for row in joined}) == len(joined):
        problems.append(
            Problem("no groups", root.name, "pictures of one cell or board may be on both sides; name the group in a "
                    "column of labels.csv, or give data.group_pattern")
        )  # fmt: skip
    for side in SPLITS[:2]:
        for label, name in enumerate(IMAGE_CLASSES):
            if sides and not any(row.label == label for row in sides[side]):
                problems.append(Problem("classes", side, f"has no {name} picture", grave=True))
    return Survey(
        "pictures",
        len(there),
        _count(there),
        {side: _count(chosen) for side, chosen in sides.items()},
        len({row.group for row in joined}),
        split="as column split of the table says" if stated else "groups dealt out by shares; the form can change them",
        problems=_ordered(problems),
    )


def _fault(row: ImageRow) -> Problem | None:
    if not row.path.is_file():
        return Problem("missing", readable(row.file), "is named by the table and is not there", grave=True)
    try:
        open_images(row.path)
    except ReadError as error:
        return Problem("unreadable", readable(row.file), error.fault)
    except EcgvizError as error:
        return Problem("unreadable", readable(row.file), str(error))
    return None


def _duplicates(rows: list[ImageRow], hashes: Mapping[str, str]) -> list[Problem]:
    by_hash: dict[str, list[ImageRow]] = {}
    for row in rows:
        by_hash.setdefault(hashes.get(row.file, row.file), []).append(row)
    problems = []
    for same in by_hash.values():
        if len(same) == 1:
            continue
        files = ", ".join(readable(row.file) for row in same)
        if len({row.split for row in same}) > 1:
            problems.append(Problem("duplicate", files, "are the same picture on different sides", grave=True))
        elif len({row.label for row in same}) > 1:
            problems.append(Problem("duplicate", files, "are the same picture under two labels", grave=True))
        else:
            problems.append(Problem("duplicate", files, "are the same picture; they stay on one side"))
    return problems


def _count(rows: list[ImageRow]) -> dict[str, int]:
    tally = Counter(row.label for row in rows)
    return {name: tally[label] for label, name in enumerate(IMAGE_CLASSES)}


def _sum(counts: Any) -> dict[str, int]:
    total: Counter[str] = Counter(dict.fromkeys(AAMI_CLASSES, 0))
    for one in counts:
        total.update(one)
    return dict(total)


def _ordered(problems: list[Problem]) -> tuple[Problem, ...]:
    ordered = sorted(problems, key=lambda problem: not problem.grave)
    if len(ordered) > _MOST_PROBLEMS:
        more = Problem("more", "", f"and {len(ordered) - _MOST_PROBLEMS:,} more like these")
        return (*ordered[:_MOST_PROBLEMS], more)
    return tuple(ordered)
