"""Labelled pictures of a folder, with groups and ground truth, and the group-wise split.

Two layouts: ``ROOT/<class>/*.png|jpg|tif|dcm``, or a table ``labels.csv`` with the columns ``file,label`` and, where
there are any, ``group,mask,boxes,background``; further columns are not read. A group is what must stay on one side of
the split: a cell, a board, a weld. Files with the same bytes are one group, whatever their names say.
"""

from __future__ import annotations

import csv
import hashlib
import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError, ReadError
from readers.core.file_names import readable
from readers.images import open_images
from readers.images.kinds import PICTURE_SUFFIXES

TABLE = "labels.csv"
SPLITS = ("train", "validation", "test")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageRow:
    """One labelled picture.

    Attributes:
        path: the file.
        file: its path below the set's root, with ``/``: what reports name it by.
        label: class index: 0 normal, 1 defect.
        group: what must stay on one side of a split.
        mask: file of the defect's pixels (not 0), or None.
        boxes: boxes of the defects, ``x1 y1 x2 y2 [type];...`` in pixels of the picture; empty for none.
        background: what a simulated defect was drawn into, such as "real"; empty where it is not stated.
        side: train, validation or test where the table's column ``split`` says so; empty where it does not.
    """

    path: Path
    file: str
    label: int
    group: str
    mask: Path | None = None
    boxes: str = ""
    background: str = ""
    side: str = ""


def read_rows(root: str | Path, config: ImageDataConfig | None = None) -> list[ImageRow]:
    """Pictures of a set, sorted by file name.

    Args:
        root: folder, or a CSV file beside its pictures.
        config: names of the labels and of the groups.

    Raises:
        ReadError: no such folder, no pictures, or a table without the columns that it needs.
        ConfigError: a label that is neither normal nor defect.
    """
    config = config or ImageDataConfig()
    root = Path(root)
    table = root if root.suffix.lower() == ".csv" else root / TABLE
    if not root.exists():
        raise ReadError(root, "is not there; set data.root to a folder of pictures")
    rows = _table_rows(table, config) if table.is_file() else _folder_rows(root, config)
    if not rows:
        raise ReadError(root, f"holds no pictures; put them into sub-folders named by class, or beside a {TABLE}")
    return sorted(rows, key=lambda row: row.file)


def _table_rows(table: Path, config: ImageDataConfig) -> list[ImageRow]:
    root = table.parent.resolve()
    rows = []
    with table.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        missing = [column for column in ("file", "label") if column not in (reader.fieldnames or ())]
        if missing:
            raise ReadError(table, f"has no column {' and '.join(missing)}; its first line must name file,label")
        for line in reader:
            cell = {key: (value or "").strip() for key, value in line.items() if isinstance(key, str)}
            path = _inside(root, cell["file"], table)
            group = cell.get("group") or _group(cell["file"], config)
            mask = _inside(root, cell["mask"], table) if cell.get("mask") else None
            rows.append(
                ImageRow(
                    path,
                    cell["file"],
                    _label(cell["label"], config),
                    group,
                    mask,
                    cell.get("boxes", ""),
                    cell.get("background", ""),
                    cell.get("split", ""),
                )
            )
    return rows


def _folder_rows(root: Path, config: ImageDataConfig) -> list[ImageRow]:
    resolved = root.resolve()
    rows = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURE_SUFFIXES and file.is_file())
        for file in files:
            name = file.relative_to(root).as_posix()
            path = _inside(resolved, name, root)
            rows.append(ImageRow(path, name, _label(folder.name, config), _group(name, config)))
    return rows


def _inside(root: Path, name: str, table: Path) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ReadError(table, f"names {name}, which lies outside of its folder; copy the pictures into it")
    return path


def _label(name: str, config: ImageDataConfig) -> int:
    lower = name.lower()
    if lower in config.normal:
        return 0
    if lower in config.defect:
        return 1
    raise ConfigError(
        "data.defect", f"label {name!r} is neither in data.normal nor in data.defect; enter it in one of the two"
    )


def _group(file: str, config: ImageDataConfig) -> str:
    found = re.search(config.group_pattern, file) if config.group_pattern else None
    return found.group(1) if found and found.groups() else file


def file_hashes(rows: Iterable[ImageRow]) -> dict[str, str]:
    """SHA-256 of each readable file, hexadecimal, by :attr:`ImageRow.file`."""
    hashes = {}
    for row in rows:
        try:
            hashes[row.file] = hashlib.sha256(row.path.read_bytes()).hexdigest()
        except OSError:
            logger.warning("%s cannot be read", readable(row.file))
    return hashes


def join_duplicates(rows: Sequence[ImageRow], hashes: dict[str, str]) -> list[ImageRow]:
    """Rows with the groups of byte-identical files merged, named after the first."""
    parent = {row.group: row.group for row in rows}

    def find(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    first: dict[str, ImageRow] = {}
    twice = 0
    for row in rows:
        original = first.setdefault(hashes.get(row.file, row.file), row)
        if original is row:
            continue
        twice += 1
        if original.label != row.label:
            names = readable(original.file), readable(row.file)
            logger.warning("%s and %s are the same picture under two labels", *names)
        low, high = sorted((find(original.group), find(row.group)))
        parent[high] = low
    if twice:
        logger.info("%d pictures are exact duplicates; each stays on the side of its original", twice)
    return [replace(row, group=find(row.group)) for row in rows]


def split_rows(
    rows: Sequence[ImageRow], shares: Sequence[float] = (0.6, 0.15, 0.25), seed: int = 0
) -> dict[str, list[ImageRow]]:
    """Training, validation and test rows; no group is on two sides.

    Groups with defects and groups without are dealt out apart from each other, in an order that the seed draws, each
    to the side that lacks most pictures.

    Args:
        rows: pictures, duplicates joined.
        shares: of training, validation and test.
        seed: of the order.
    """
    sizes: dict[str, int] = {}
    with_defect: dict[str, bool] = {}
    for row in rows:
        sizes[row.group] = sizes.get(row.group, 0) + 1
        with_defect[row.group] = with_defect.get(row.group, False) or row.label == 1
    side: dict[str, int] = {}
    for stratum in (True, False):
        groups = [group for group in sizes if with_defect[group] is stratum]
        groups.sort(key=lambda group: hashlib.sha256(os.fsencode(f"{seed}:{group}")).digest())
        lacking = np.array(shares, float) * sum(sizes[group] for group in groups)
        for group in groups:
            side[group] = int(np.argmax(lacking))
            lacking[side[group]] -= sizes[group]
    return {name: [row for row in rows if side[row.group] == place] for place, name in enumerate(SPLITS)}


def load_split(
    root: str | Path, config: ImageDataConfig | None = None
) -> tuple[dict[str, list[ImageRow]], dict[str, str]]:
    """The split that a configuration asks for, and the hash of each file.

    Raises:
        ReadError, ConfigError: as :func:`read_rows`.
    """
    config = config or ImageDataConfig()
    rows = read_rows(root, config)
    hashes = file_hashes(rows)
    joined = join_duplicates(rows, hashes)
    if len({row.group for row in joined}) == len(joined) > 1:
        logger.warning("the pictures have no groups: pictures of one part may be on both sides of the split")
    if any(row.side for row in joined):
        return stated_split(joined), hashes
    return split_rows(joined, config.shares, config.split_seed), hashes


def stated_split(rows: Sequence[ImageRow]) -> dict[str, list[ImageRow]]:
    """The split stated in the table.

    Raises:
        ConfigError: a picture without a side, an unknown side, or a group on two sides.
    """
    sides: dict[str, str] = {}
    for row in rows:
        if row.side not in SPLITS:
            raise ConfigError("data.root", f"column split of {row.file} says {row.side!r}; write {', '.join(SPLITS)}")
        if sides.setdefault(row.group, row.side) != row.side:
            raise ConfigError(
                "data.root", f"group {row.group} is in {sides[row.group]} and in {row.side}; a group never crosses"
            )
    return {name: [row for row in rows if row.side == name] for name in SPLITS}


def class_weights(labels: np.ndarray, n_classes: int, power: float) -> np.ndarray:
    """Weight of each class, float (n_classes,): count to the power of minus ``power``, with mean 1 over all
    pictures."""
    count = np.maximum(np.bincount(labels, minlength=n_classes), 1).astype(float)
    weight = count**-power
    shares: np.ndarray = weight / weight[labels].mean()
    return shares


def truth_mask(row: ImageRow, shape: tuple[int, int]) -> np.ndarray | None:
    """Defect pixels, bool (H, W), from the mask file or the boxes; None where there is neither.

    Args:
        row: the picture.
        shape: its height and width; a mask of another size is resized to it.

    Raises:
        ReadError: a mask that cannot be read, or boxes that are no numbers.
    """
    height, width = shape
    if row.mask is not None:
        mask: np.ndarray = open_images(row.mask).pixels(0) != 0
        rows = (np.arange(height) * mask.shape[0] // height).astype(int)
        columns = (np.arange(width) * mask.shape[1] // width).astype(int)
        return mask[np.ix_(rows, columns)]
    if not row.boxes:
        return None
    truth = np.zeros(shape, bool)
    for box in row.boxes.split(";"):
        try:
            left, top, right, bottom = (int(float(number)) for number in box.split()[:4])
        except ValueError as error:
            raise ReadError(row.path, f"has the box {box!r}; write x1 y1 x2 y2, and a type if you like") from error
        truth[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = True
    return truth
