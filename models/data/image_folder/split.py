"""The split of a set of pictures: by groups that stay whole, as the set states it or dealt out by a seed.

Files with the same bytes are one group, whatever their names say. A set that states training and test but no
validation, as MVTec AD does, has its validation dealt out of the training; nothing is ever taken from a stated test.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError
from models.data.image_folder.folder import PictureFolder, read_folder
from models.data.image_folder.row import ImageRow
from readers.core.file_names import readable
from readers.volumes.files import files_of

SPLITS = ("train", "validation", "test")
"""The sides of a split, in the order in which they are used."""
logger = logging.getLogger(__name__)


def file_hashes(rows: Iterable[ImageRow]) -> dict[str, str]:
    """SHA-256 of each readable file, hexadecimal, by :attr:`ImageRow.file`."""
    hashes: dict[str, str] = {}
    for row in rows:
        if row.file in hashes:
            continue
        try:
            hashes[row.file] = picture_sha256(row.path)
        except OSError:
            logger.warning("%s cannot be read", readable(row.file))
    return hashes


def picture_sha256(path: Path) -> str:
    """SHA-256 of the file of a picture, and of those that the header of a volume names beside it, hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    whole = hashlib.sha256()
    for file in files_of(path):
        whole.update(file.read_bytes())
    return whole.hexdigest()


def join_duplicates(rows: Sequence[ImageRow], hashes: dict[str, str]) -> list[ImageRow]:
    """The rows with groups that share a file of the same bytes made one group, named as the first of them."""
    parent = {row.group: row.group for row in rows}

    def find(group: str) -> str:
        while parent[group] != group:
            group = parent[group]
        return group

    first: dict[tuple[str, int], ImageRow] = {}
    twice = 0
    for row in rows:
        original = first.setdefault((hashes.get(row.file, row.file), row.page), row)
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
    """Training, validation and test rows; a group is never on two sides.

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


@dataclass(frozen=True)
class Split:
    """A set of pictures and its split.

    Attributes:
        sides: rows of training, validation and test.
        hashes: SHA-256 of each file, by :attr:`ImageRow.file`.
        folder: what the set was understood as, with what is set aside.
    """

    sides: dict[str, list[ImageRow]]
    hashes: dict[str, str]
    folder: PictureFolder


def load_split(
    root: str | Path, config: ImageDataConfig | None = None
) -> tuple[dict[str, list[ImageRow]], dict[str, str]]:
    """The split of a set as a configuration says, and the hash of each file; see :func:`read_split`."""
    found = read_split(root, config)
    return found.sides, found.hashes


def read_split(root: str | Path, config: ImageDataConfig | None = None) -> Split:
    """A set of pictures and its split as a configuration says.

    Raises:
        ReadError, ConfigError: as :func:`models.data.image_folder.read_folder` and :func:`split_folder`.
    """
    config = config or ImageDataConfig()
    folder = read_folder(root, config)
    for note in folder.notes:
        logger.warning("%s", note)
    hashes = file_hashes(folder.rows)
    return Split(split_folder(folder, config, hashes), hashes, folder)


def split_folder(folder: PictureFolder, config: ImageDataConfig, hashes: dict[str, str]) -> dict[str, list[ImageRow]]:
    """Training, validation and test pictures of a folder; a file that is in the folders of two
    sides stays on the later one.

    Args:
        folder: as it was read.
        config: shares and seed.
        hashes: of the files; see :func:`file_hashes`.

    Raises:
        ConfigError: a stated split that is none.
    """
    rows: Sequence[ImageRow] = folder.rows
    if folder.split_by == "folders":  # a table that contradicts itself is refused below
        rows = _once(rows, hashes)
    joined = join_duplicates(rows, hashes)
    if len({row.group for row in joined}) == len(joined) > 1:
        logger.warning("the pictures have no groups: pictures of one part may be on both sides of the split")
    if not folder.states_split:
        return split_rows(joined, config.shares, config.split_seed)
    sides = stated_split(joined)
    if not sides["validation"] and config.shares[1] and sides["train"]:
        kept = sum(config.shares[:2])
        dealt = split_rows(sides["train"], (config.shares[0] / kept, config.shares[1] / kept, 0.0), config.split_seed)
        sides |= {"train": dealt["train"], "validation": dealt["validation"]}
    return sides


def _once(rows: Sequence[ImageRow], hashes: dict[str, str]) -> list[ImageRow]:
    """The rows without those whose bytes are on a later side, too."""
    place = {name: number for number, name in enumerate(SPLITS)}
    latest: dict[tuple[str, int], int] = {}
    for row in rows:
        key = (hashes.get(row.file, row.file), row.page)
        latest[key] = max(latest.get(key, 0), place.get(row.split, 0))
    kept = [
        row for row in rows
        if row.split not in place or place[row.split] == latest[hashes.get(row.file, row.file), row.page]
    ]  # fmt: skip
    if len(kept) < len(rows):
        logger.warning(
            "%d pictures are byte for byte on two sides of the stated split; each stays on the later one alone",
            len(rows) - len(kept),
        )
    return kept


def stated_split(rows: Sequence[ImageRow]) -> dict[str, list[ImageRow]]:
    """The split that the set states.

    Raises:
        ConfigError: a picture without a side, an unknown side, or a group on two sides.
    """
    sides: dict[str, str] = {}
    for row in rows:
        if row.split not in SPLITS:
            raise ConfigError(
                "data.root",
                f"column split of {row.file} says {row.split!r}; write {', '.join(SPLITS)}, "
                "or --set data.split=dealt for a split of its own",
            )
        if sides.setdefault(row.group, row.split) != row.split:
            raise ConfigError(
                "data.root",
                f"group {row.group} is in {sides[row.group]} and in {row.split}; a group never crosses: correct the "
                "column split, or --set data.split=dealt for a split of its own",
            )
    return {name: [row for row in rows if row.split == name] for name in SPLITS}


def class_weights(labels: np.ndarray, n_classes: int, power: float) -> np.ndarray:
    """Weight of each class, float (n_classes,): count to the minus ``power``, the mean over all pictures being 1."""
    count = np.maximum(np.bincount(labels, minlength=n_classes), 1).astype(float)
    weight = count**-power
    shares: np.ndarray = weight / weight[labels].mean()
    return shares
