"""What the folders and names of pictures say: the side of a split, and which picture is the mask of which.

Names are compared as Unicode NFC without case, since macOS stores them decomposed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_MASK_FOLDERS = {
    "ground_truth", "groundtruth", "gt", "mask", "masks", "label", "labels", "annotation", "annotations", "anno",
    "annos", "segmentation", "segmentations", "seg", "segs",
}  # fmt: skip
_MASK_MARKS = tuple(
    mark + word
    for word in ("mask", "masks", "gt", "label", "labels", "seg", "segmentation", "annotation", "groundtruth")
    for mark in ("_", "-", ".", " ")
)
_SIDES = {
    "train": "train", "training": "train", "tr": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test", "tests": "test", "te": "test",
}  # fmt: skip
_GENERIC = {"image", "images", "img", "imgs", "jpegimages", "picture", "pictures", "photo", "photos", "data", "rgb"}


def plain_name(name: str) -> str:
    """A name as it is compared: Unicode NFC, without case."""
    return unicodedata.normalize("NFC", name).casefold()


def side_of(folder: str) -> str:
    """The side of a split that a folder is named for: train, validation or test; empty for none."""
    return _SIDES.get(plain_name(folder), "")


def meaning_parts(parts: Iterable[str]) -> tuple[str, ...]:
    """The folders of a path that say what a picture shows: no side of a split, and no word such as "images"."""
    return tuple(part for part in parts if not side_of(part) and plain_name(part) not in _GENERIC)


@dataclass(frozen=True)
class _Named:
    """What the path of a picture says: side of a split, folders with a meaning, stem; whether it is like a mask's."""

    side: str
    folders: tuple[str, ...]
    stem: str
    in_mask_folder: bool
    marked: bool


def _named(root: Path, path: Path) -> _Named:
    parts = path.relative_to(root).parts[:-1]
    in_folder = [plain_name(part) in _MASK_FOLDERS for part in parts]
    kept = [part for part, is_mask in zip(parts, in_folder, strict=True) if not is_mask]
    stem = plain_name(path.stem)
    mark = next((mark for mark in _MASK_MARKS if stem.endswith(mark) and len(stem) > len(mark)), "")
    return _Named(
        side=next((side for part in parts if (side := side_of(part))), ""),
        folders=tuple(plain_name(part) for part in meaning_parts(kept)),
        stem=stem.removesuffix(mark),
        in_mask_folder=any(in_folder),
        marked=bool(mark),
    )


def pair_masks(root: Path, pictures: Sequence[Path]) -> tuple[dict[Path, Path], frozenset[Path]]:
    """Which of some pictures are masks of others, by their names: ``NAME_mask.png``, or in ``ground_truth/``.

    Args:
        root: folder that all lie below.
        pictures: files.

    Returns:
        the mask of a picture, by the picture; and masks whose picture is not there.
    """
    named = {path: _named(root, path) for path in pictures}
    maybe = [path for path in pictures if named[path].in_mask_folder or named[path].marked]
    if not maybe:
        return {}, frozenset()
    others = [path for path in pictures if not named[path].in_mask_folder and not named[path].marked]
    by_place: dict[tuple[str, tuple[str, ...], str], list[Path]] = {}
    by_stem: dict[str, list[Path]] = {}
    for path in others:
        one = named[path]
        for side in {one.side, ""}:
            by_place.setdefault((side, one.folders, one.stem), []).append(path)
        by_stem.setdefault(one.stem, []).append(path)
    masks: dict[Path, Path] = {}
    lonely: set[Path] = set()
    for path in maybe:
        one = named[path]
        found = by_place.get((one.side, one.folders, one.stem), [])
        if not found and one.in_mask_folder and not one.folders and len(by_stem.get(one.stem, [])) == 1:
            found = by_stem[one.stem]
        for picture in found:  # NAME.bmp and NAME.png are one picture in two forms
            masks.setdefault(picture, path)
        if (not found and one.in_mask_folder) or (found and path not in {masks[picture] for picture in found}):
            lonely.add(path)
    if not masks:  # nothing goes with them: then they are the pictures
        return {}, frozenset()
    return masks, frozenset(lonely)
