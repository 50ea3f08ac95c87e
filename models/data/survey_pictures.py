"""Survey of pictures in class folders or with a table labels.csv: classes, sides, groups and duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from models.config.image import ImageDataConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError, EcgvizError, ReadError
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
from models.data.survey_result import Problem, Survey, ordered
from models.tasks.image import IMAGE_CLASSES
from readers.core.file_names import readable
from readers.images import open_images


def survey_pictures(root: Path, config: ImageDataConfig, tell: Progress) -> Survey:
    """Open every picture of a folder or table once.

    Args:
        root: the folder, or a labels.csv.
        config: how labels and groups are named.
        tell: told files done, files in all, a note; raises ReadError to stop.

    Raises:
        ConfigError: a label that is neither normal nor defect.
    """
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
        problems=ordered(problems),
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
