"""Boxes in the files of annotation tools: COCO (JSON) and YOLO (a text file a picture).

Source: COCO data format (cocodataset.org/#format-data): ``bbox`` is x, y, width, height in pixels from 0. Ultralytics'
YOLO format: a line a box, class, centre x and y, width and height as shares of the picture; a longer line is a polygon.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from models.core.errors import ReadError
from models.data.image_folder.row import Box, box_of
from models.data.image_folder.tables import MAX_TABLE_BYTES, Files
from readers.images.companions import plain_name, side_of

_YOLO_NAMES = ("data.yaml", "dataset.yaml", "data.yml", "classes.txt", "obj.names")
_LABELS = ("labels", "label")
_HALVES = frozenset({"images", "image", *_LABELS})


@dataclass(frozen=True)
class Annotated:
    """What annotation files say of pictures.

    Attributes:
        tool: "COCO", "YOLO" or "GDXray".
        boxes: boxes of each picture; empty for one that is known to have none.
        splits: side of a picture where the annotations state it.
        used: the annotation files.
        missing: pictures that they name and that are not there.
    """

    tool: str
    boxes: dict[Path, tuple[Box, ...]]
    splits: dict[Path, str] = field(default_factory=dict)
    used: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()


def read_coco(root: Path, candidates: Sequence[Path], pictures: Sequence[Path]) -> Annotated | None:
    """The COCO files among some JSON files; None where none of them is one.

    Raises:
        ReadError: a COCO file whose boxes are none, or a name that several pictures have.
    """
    boxes: dict[Path, list[Box]] = {}
    splits: dict[Path, str] = {}
    used, missing = [], []
    for file in candidates:
        content = _coco(file)
        if content is None:
            continue
        used.append(file)
        near = Files(file.parent, [path for path in pictures if path.is_relative_to(file.parent)])
        anywhere = Files(root, pictures)
        by_id: dict[Any, Path] = {}
        for image in content["images"]:
            name = str(image.get("file_name", "")) if isinstance(image, dict) else ""
            found = near.one(name, file) or anywhere.one(name, file)
            if found is None:
                missing.append(name)
                continue
            by_id[image.get("id")] = found
            boxes.setdefault(found, [])
            if side := _stated_side(root, file):
                splits[found] = side
        names = {one.get("id"): str(one.get("name", "")) for one in _dicts(content.get("categories"))}
        for one in _dicts(content["annotations"]):
            picture = by_id.get(one.get("image_id"))
            if picture is not None:
                boxes[picture] += _coco_box(file, one.get("bbox"), names.get(one.get("category_id"), ""))
    if not used:
        return None
    return Annotated("COCO", {path: tuple(found) for path, found in boxes.items()}, splits, tuple(used), tuple(missing))


def _coco(file: Path) -> dict[str, Any] | None:
    try:
        if file.stat().st_size > MAX_TABLE_BYTES:
            return None
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_coco = isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations"))
    return content if is_coco else None


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _stated_side(root: Path, file: Path) -> str:
    """The side that a COCO file is named for: instances_train.json, or valid/_annotations.coco.json."""
    words = plain_name(file.stem).replace("-", "_").replace(".", "_").split("_")
    parts = [*words, *file.relative_to(root).parts[:-1]]
    sides = {side for part in parts if (side := side_of(part.removesuffix("2017")))}
    return sides.pop() if len(sides) == 1 else ""


def _coco_box(file: Path, bbox: Any, kind: str) -> list[Box]:
    if bbox is None or bbox == []:
        return []
    try:
        x, y, width, height = (float(value) for value in bbox)
    except (TypeError, ValueError) as error:
        raise ReadError(file, f"has the bbox {str(bbox)[:60]}; COCO writes [x, y, width, height]") from error
    return [box_of(x, y, x + max(width, 1) - 1, y + max(height, 1) - 1, kind, file=file)]


def read_yolo(root: Path, texts: Sequence[Path], pictures: Sequence[Path]) -> Annotated | None:
    """The boxes of text files named as the pictures are, beside them or in ``labels/``; None where there are none.

    Raises:
        ReadError: a line that is no box.
    """
    by_place: dict[tuple[tuple[str, ...], str], list[Path]] = {}
    for path in pictures:  # NAME.bmp and NAME.png are one picture in two forms, and its text is that of both
        by_place.setdefault(_place(root, path), []).append(path)
    pairs = {path: text for text in texts for path in by_place.get(_place(root, text), ())}
    named = [text for text in texts if plain_name(text.name) in _YOLO_NAMES]
    in_labels = any(plain_name(part) in _LABELS for text in texts for part in text.relative_to(root).parts[:-1])
    if not pairs or not (in_labels or named or all(_are_boxes(text) for text in list(pairs.values())[:20])):
        return None
    names = _yolo_names(named)
    boxes = {path: _yolo_boxes(pairs[path], names) if path in pairs else () for path in pictures}
    return Annotated("YOLO", boxes, {}, (*pairs.values(), *named))


def _place(root: Path, path: Path) -> tuple[tuple[str, ...], str]:
    """Where a picture or its text lies, the folders ``images`` and ``labels`` left out."""
    parts = [plain_name(part) for part in path.relative_to(root).parts[:-1]]
    return tuple(part for part in parts if part not in _HALVES), plain_name(path.stem)


def _are_boxes(text: Path) -> bool:
    try:
        return bool(_yolo_boxes(text, {})) or not text.read_text(encoding="utf-8").strip()
    except (ReadError, OSError, UnicodeDecodeError):
        return False


def _yolo_boxes(text: Path, names: Mapping[int, str]) -> tuple[Box, ...]:
    try:
        lines = text.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(text, "cannot be read as text; export the annotations again") from error
    boxes = []
    for line in filter(None, (line.strip() for line in lines)):
        try:
            number, *values = line.split()
            kind, shares = int(float(number)), [float(value) for value in values]
        except (ValueError, OverflowError) as error:
            raise ReadError(text, f"has the line {line[:60]!r}; YOLO writes: class x y width height") from error
        if len(shares) in {4, 5}:  # the fifth is a confidence
            x, y, width, height = shares[:4]
            corners = x - width / 2, y - height / 2, x + width / 2, y + height / 2
        elif len(shares) >= 6 and len(shares) % 2 == 0:
            corners = min(shares[::2]), min(shares[1::2]), max(shares[::2]), max(shares[1::2])
        else:
            raise ReadError(text, f"has the line {line[:60]!r}; YOLO writes: class x y width height")
        box = box_of(*corners, names.get(kind, str(kind)), file=text)
        boxes.append(Box(box.left, box.top, box.right, box.bottom, box.type, relative=True))
    return tuple(boxes)


def _yolo_names(files: Sequence[Path]) -> dict[int, str]:
    """Names of the classes by number, from ``data.yaml`` or ``classes.txt``."""
    for file in files:
        try:
            text = file.read_text(encoding="utf-8-sig")
            if file.suffix.lower() not in {".yaml", ".yml"}:
                return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
            content = yaml.safe_load(text)
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
            continue
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, list):
            return {number: str(name) for number, name in enumerate(names)}
        if isinstance(names, dict):
            return {int(number): str(name) for number, name in names.items() if str(number).isdigit()}
    return {}
