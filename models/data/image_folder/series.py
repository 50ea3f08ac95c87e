"""Series of radiographs as in GDXray: one folder per part, numbered pictures, and boxes in ``ground_truth.txt``.

Source: Mery et al., GDXray: the database of X-ray images for nondestructive testing, J Nondestruct Eval 34:42 (2015):
``C0001/C0001_0007.png`` is picture 7 of series C0001; a line of ``ground_truth.txt`` is picture, x1, x2, y1, y2, in
pixels from 1. A picture of a series with such a file and without a line in it has no defect.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from models.core.errors import ReadError
from models.data.image_folder.annotations import Annotated
from models.data.image_folder.labels import LabelledPicture
from models.data.image_folder.row import Box, box_of
from models.data.image_folder.tables import MAX_TABLE_BYTES
from readers.images.companions import meaning_parts, plain_name

TRUTH = "ground_truth.txt"
_FEWEST = 3
"""Fewest series or folders that are taken as parts: one for each side of the split."""
_NUMBERED = re.compile(r"([A-Za-z]{1,3}\d{3,})_\d+")
_LAST_NUMBER = re.compile(r"(\d+)(?!.*\d)")


def read_series(candidates: Sequence[Path], pictures: Sequence[Path]) -> Annotated | None:
    """Boxes of the ``ground_truth.txt`` files among some text files; None if there are none.

    Pictures in folders without such a file are not included, since nothing states that they have no defect.

    Raises:
        ReadError: a ``ground_truth.txt`` without boxes, or boxes of a missing picture.
    """
    boxes: dict[Path, list[Box]] = {}
    used, missing = [], []
    for file in candidates:
        if plain_name(file.name) != TRUTH:
            continue
        numbered = {number: path for path in pictures if path.parent == file.parent and (number := _number(path))}
        if not numbered:
            continue
        used.append(file)
        boxes |= {path: [] for path in numbered.values() if path not in boxes}
        for number, box in _lines(file):
            if number in numbered:
                boxes[numbered[number]].append(box)
            else:
                missing.append(f"{file.parent.name} picture {number}")
    if not used:
        return None
    return Annotated("GDXray", {path: tuple(found) for path, found in boxes.items()}, {}, tuple(used), tuple(missing))


def _number(path: Path) -> int:
    found = _LAST_NUMBER.search(path.stem)
    return int(found.group(1)) if found else 0


def _lines(file: Path) -> list[tuple[int, Box]]:
    try:
        if file.stat().st_size > MAX_TABLE_BYTES:
            raise ReadError(file, f"is larger than {MAX_TABLE_BYTES >> 20} MB; give the boxes of these pictures only")
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(file, "cannot be read as text; write a line a box: picture x1 x2 y1 y2") from error
    found = []
    for line in filter(str.strip, lines):
        words = line.replace(",", " ").split()
        try:
            number, x1, x2, y1, y2 = (float(word) for word in words)
            found.append((int(number), box_of(x1 - 1, y1 - 1, x2 - 1, y2 - 1, file=file)))
        except (ValueError, OverflowError) as error:
            raise ReadError(file, f"has the line {line[:60]!r}; write picture x1 x2 y1 y2, in pixels") from error
    return found


def with_parts(pictures: list[LabelledPicture], notes: list[str], *, folders: bool) -> list[LabelledPicture]:
    """Take the part of each picture from its name, if no part is stated.

    Args:
        pictures: the labelled pictures.
        notes: list to which a sentence on the interpretation is appended.
        folders: whether folders may be parts, as they are if boxes or masks give the classes.
    """
    if any(one.group for one in pictures):
        return pictures
    series = [found.group(1) if (found := _NUMBERED.fullmatch(one.path.stem)) else "" for one in pictures]
    places = ["/".join(meaning_parts(Path(one.file).parts[:-1])) for one in pictures]
    for names, what in ((series, "series"), (places, "folders")):
        sides: dict[str, set[str]] = {}
        for one, name in zip(pictures, names, strict=True):
            sides.setdefault(name, set()).add(one.split)
        usable = "" not in sides and len(sides) >= _FEWEST and all(len(side) == 1 for side in sides.values())
        if usable and (what == "series" or folders):
            notes.append(
                f"Each of {len(sides)} {what} is taken as one part: its pictures stay on one side of the split"
            )
            return [replace(one, group=name) for one, name in zip(pictures, names, strict=True)]
    return pictures
