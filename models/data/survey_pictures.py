"""Survey of a folder of pictures: its layout, classes, types of defect, sides, groups and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from models.config.image import ImageDataConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError, EcgvizError, ReadError
from models.data.image_dataset import judged_pixels
from models.data.image_folder import (
    SPLITS,
    TABLE,
    ImageRow,
    PictureFolder,
    file_hashes,
    join_duplicates,
    read_folder,
    split_doubts,
    split_folder,
)
from models.data.survey_result import Problem, Survey, ordered
from models.tasks.image import IMAGE_CLASSES
from readers.core.file_names import readable


def survey_pictures(root: Path, config: ImageDataConfig, tell: Progress) -> Survey:
    """Open every picture of a folder or table once.

    Args:
        root: the folder, or a labels.csv.
        config: how labels and groups are named.
        tell: told files done, files in all, a note; raises ReadError to stop.

    Raises:
        ConfigError: a label that is neither normal nor defect.
    """
    folder, problems = _understood(root, config)
    rows = folder.rows
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
    problems += _duplicates(there, hashes)
    sides: dict[str, list[ImageRow]] = {}
    try:
        sides = split_folder(replace(folder, rows=tuple(there)), config, hashes)
    except ConfigError as error:
        problems.append(Problem("both sides", TABLE, error.why, grave=True))
    problems += [Problem("split", root.name, doubt) for doubt in split_doubts(sides)]
    joined = join_duplicates(there, hashes)
    if joined and len({row.group for row in joined}) == len(joined):
        problems.append(
            Problem("no groups", root.name, "pictures of one cell or board may be on both sides; name the group in a "
                    "column of labels.csv, or give data.group_pattern")
        )  # fmt: skip
    for side in SPLITS[:2]:
        for label, name in enumerate(IMAGE_CLASSES):
            if sides and not any(row.label == label for row in sides[side]):
                # Good parts alone are a training of their own; the other way round nothing is learned.
                good_alone = label == 1 and any(row.label == 0 for row in sides[side])
                words = f"has no {name} picture" + ("; learn from good parts alone, or change the split" if good_alone
                                                    else "")  # fmt: skip
                problems.append(Problem("classes", side, words, grave=not good_alone))
    return Survey(
        "pictures",
        len(there),
        _count(there),
        {side: _count(chosen) for side, chosen in sides.items()},
        len({row.group for row in joined}),
        split="as the table or the folders say" if folder.states_split
        else "groups dealt out by shares; the form can change them",
        problems=ordered(problems),
        layout=folder.layout,
        types=dict(Counter(row.defect_type for row in there if row.defect_type).most_common()),
        set_aside=dict(Counter(one.kind for one in folder.set_aside)),
    )  # fmt: skip


def _understood(root: Path, config: ImageDataConfig) -> tuple[PictureFolder, list[Problem]]:
    """The folder, with what it says and what it leaves open; pictures without any label are looked at as good ones."""
    problems = []
    try:
        folder = read_folder(root, config)
    except ConfigError as error:
        if error.field != "data.root":
            raise
        folder = read_folder(root, config.model_copy(update={"unlabelled": "normal"}))
        problems.append(Problem("classes", root.name, error.why, grave=True))
    problems += [Problem("note", root.name, note) for note in folder.notes]
    problems += [
        Problem("set aside", readable(one.file), one.reason)
        for one in folder.set_aside
        if one.kind in {"unread", "unlabelled"}
    ]
    return folder, problems


def _fault(row: ImageRow) -> Problem | None:
    if not row.path.is_file():
        return Problem("missing", readable(row.file), "is named by the table and is not there", grave=True)
    try:
        judged_pixels(row)
    except ReadError as error:
        return Problem("unreadable", readable(row.name), error.fault)
    except EcgvizError as error:
        return Problem("unreadable", readable(row.file), str(error))
    return None


def _duplicates(rows: list[ImageRow], hashes: Mapping[str, str]) -> list[Problem]:
    by_hash: dict[tuple[str, int], list[ImageRow]] = {}
    for row in rows:
        by_hash.setdefault((hashes.get(row.file, row.file), row.page), []).append(row)
    problems = []
    for same in by_hash.values():
        if len(same) == 1:
            continue
        files = ", ".join(readable(row.name) for row in same)
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
