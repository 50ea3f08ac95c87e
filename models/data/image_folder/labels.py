"""Where the class of a picture is written: in a table, in the names of its folders, in its boxes or its mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.core.errors import ConfigError, ReadError
from models.core.words import counted
from models.data.image_folder.names import DEFECT, NORMAL, ClassNames
from models.data.image_folder.row import Box, mask_pixels, read_boxes
from models.data.image_folder.tables import Files, Table, box_rows, has_corners, label_columns, read_table
from readers.core.file_names import readable
from readers.images.companions import meaning_parts, side_of
from readers.images.listing import Listing

_FEWEST_PARTS = 3
"""Folders that are taken as parts: fewer cannot be dealt to three sides."""


@dataclass(frozen=True)
class LabelledPicture:
    """What a source says of a picture; the attributes are those of ``ImageRow``, ``page`` is -1 for all pages."""

    path: Path
    file: str
    label: int = NORMAL
    defect_type: str = ""
    group: str = ""
    split: str = ""
    mask: Path | None = None
    boxes: tuple[Box, ...] = ()
    background: str = ""
    page: int = -1

    @classmethod
    def of(cls, root: Path, path: Path) -> LabelledPicture:
        """A picture of which no more is known than where it lies."""
        parts = path.relative_to(root).parts[:-1]
        side = next((side for part in parts if (side := side_of(part))), "")
        return cls(path, path.relative_to(root).as_posix(), split=side)


@dataclass(frozen=True)
class ByFolders:
    """Pictures in class folders, and what their layout is called."""

    pictures: list[LabelledPicture]
    layout: str


def from_table(root: Path, path: Path, listing: Listing, names: ClassNames, notes: list[str]) -> list[LabelledPicture]:
    """What a table says of each of its pictures.

    Raises:
        ReadError: no table, no column of files, or a file outside of the folder.
        ConfigError: a label that says nothing.
    """
    files = Files(root, listing.pictures)
    table = read_table(path, lambda name: bool(files.find(name)))
    columns = label_columns(table)
    if "label" not in columns and "boxes" not in columns and not has_corners(table):
        raise ReadError(path, "has no column label; its first line must name file,label")
    if not _is_split(table, columns.get("split", "")):
        columns.pop("split", None)
    pictures: dict[tuple[Path, int], LabelledPicture] = {}
    boxed = has_corners(table)
    corners = _corners(table, names) if boxed else {}
    labels = _Labels(path, names, [line.get(columns.get("label", ""), "") for line in table.lines], boxed)
    for line in table.lines:
        cell = {meaning: line.get(name, "") for meaning, name in columns.items()}
        picture = _picture(root, cell["file"], files, path)
        boxes = corners.get(cell["file"], ()) or read_boxes(cell.get("boxes", ""), picture)
        by_box = "label" not in columns or (labels.only_boxes and not cell["label"])
        found = (int(bool(boxes)), "") if by_box else labels.understood(cell["label"])
        if found is None:
            continue
        page = int(cell["page"]) - 1 if cell.get("page", "").isdigit() and int(cell["page"]) > 0 else -1
        named = not Path(cell["file"]).is_absolute() and (root / cell["file"]).exists()
        one = LabelledPicture(
            path=picture,
            file=cell["file"] if named else _place(root, picture),
            label=found[0],
            defect_type=cell.get("type", "") if found[0] and cell.get("type") else found[1],
            group=cell.get("group", ""),
            split=side_of(cell.get("split", "")) or cell.get("split", ""),
            mask=_picture(root, cell["mask"], files, path) if cell.get("mask") else None,
            boxes=boxes,
            background=cell.get("background", ""),
            page=page,
        )
        pictures[picture, page] = _joined(pictures.get((picture, page), one), one, path, boxed)
    if labels.only_boxes and not {"group", "split"} & columns.keys():
        others = [LabelledPicture.of(root, other) for other in listing.pictures]
        listed = {place for place, _ in pictures}
        pictures |= {(one.path, -1): one for one in others if one.path.resolve() not in listed}
        notes.append(f"No row of {path.name} says good: pictures without a box are taken as good")
    left = labels.left_out
    if left:
        notes.append(f"{counted(sum(left.values()), 'picture')} of the table have no class ({', '.join(sorted(left))})")
    return list(pictures.values())


def _place(root: Path, path: Path) -> str:
    resolved = root.resolve()
    return path.relative_to(resolved).as_posix() if path.is_relative_to(resolved) else path.relative_to(root).as_posix()


def _is_split(table: Table, column: str) -> bool:
    """Whether a column states sides of a split: one that is called so, or whose every value is one."""
    values = {line.get(column, "") for line in table.lines}
    return column == "split" or all(side_of(value) for value in values)


def _corners(table: Table, names: ClassNames) -> dict[str, tuple[Box, ...]]:
    found: dict[str, tuple[Box, ...]] = {}
    for name, box in box_rows(table):
        if not names.harmless(box.type):
            found[name] = (*found.get(name, ()), box)
    return found


def _joined(first: LabelledPicture, one: LabelledPicture, table: Path, boxed: bool) -> LabelledPicture:
    """What two rows say of a picture: where each is of a box, it is defective if any of them says so.

    Raises:
        ReadError: they contradict each other, and either might be a slip of the pen.
    """
    for what in ("group", "split") if boxed else ("label", "group", "split"):
        values = getattr(first, what), getattr(one, what)
        if values[0] != values[1]:
            words = " and ".join(readable(str(word)) or "nothing" for word in values)
            raise ReadError(table, f"names {readable(one.file)} twice, with the {what} {words}; correct its rows")
    return one if one.label > first.label else first


def _picture(root: Path, name: str, files: Files, table: Path) -> Path:
    """The file that a table names, resolved; it need not exist, so that it is reported as missing."""
    resolved = root.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(resolved):
        raise ReadError(table, f"names {name}, which lies outside of its folder; copy the pictures into it")
    if not path.exists() and (found := files.one(name, table)) is not None:
        return found.resolve()
    return path


class _Labels:
    """The labels of one table: known names first; others are types of defects where some are known as normal."""

    def __init__(self, table: Path, names: ClassNames, labels: Sequence[str], boxed: bool = False):
        self._table, self._names = table, names
        self._normal_known = any(names.known(label) == NORMAL for label in labels)
        # A table of boxes alone: its labels are types of defects, and whatever has no box is good.
        self.only_boxes = boxed and not self._normal_known
        self.left_out: Counter[str] = Counter()

    def understood(self, label: str) -> tuple[int, str] | None:
        """Class and type of defect; None for a label that says that nobody knows."""
        known = self._names.known(label)
        if known is not None:
            return known, ""
        if self._names.undecided(label):
            self.left_out[label or "empty"] += 1
            return None
        if not self._normal_known and not self.only_boxes:
            raise unknown(label)
        return DEFECT, self._names.type_of(label)


def unknown(label: str) -> ConfigError:
    """The error of a label that is neither normal nor defect."""
    return ConfigError(
        "data.defect",
        f"label {readable(label)!r} is neither in data.normal nor in data.defect; enter it in one of the two: "
        f"--set data.normal=[...] data.defect=[{readable(label)}]",
    )


def from_folders(
    root: Path,
    listing: Listing,
    names: ClassNames,
    notes: list[str],
    splits: Mapping[Path, str] | None = None,
    dealt: bool = False,
) -> ByFolders | None:
    """The classes that the names of folders state; None where no folder is called good or bad in any way.

    Where the split is ``dealt`` anew, a part may lie on two sides of the stated one, and is a part all the same.
    """
    places = {path: meaning_parts(path.relative_to(root).parts[:-1]) for path in listing.pictures}
    depth = _class_depth(places.values(), names)
    if depth is None:
        return None
    pictures = []
    left: Counter[str] = Counter()
    for path, parts in places.items():
        one = LabelledPicture.of(root, path)
        one = replace(one, split="" if dealt else (splits or {}).get(path, one.split))
        if len(parts) <= depth or names.undecided(parts[depth]):
            left[parts[depth] if len(parts) > depth else "."] += 1
            continue
        known = names.known(parts[depth])
        label = DEFECT if known is None else known
        part = "/".join((*parts[:depth], *parts[depth + 1 :]))
        pictures.append(replace(one, label=label, defect_type=names.type_of(parts[depth]) if label else "", group=part))
    if left:
        notes.append(
            f"{counted(sum(left.values()), 'picture')} lie in no class folder ({', '.join(map(readable, left))})"
        )
    sides = {one.split for one in pictures} - {""}
    mvtec = "test" in sides and bool(listing.masks) and "train" in sides
    layout = "the layout of MVTec AD" if mvtec else "class folders"
    if sides and not mvtec:
        layout += f" in {', '.join(sorted(sides))}"
    return ByFolders(_with_parts(pictures, notes), layout)


def _class_depth(places: object, names: ClassNames) -> int | None:
    """The level of folders at which most pictures are called normal, else at which most are called a defect."""
    for label in (NORMAL, DEFECT):
        tally: Counter[int] = Counter()
        for parts in places:  # type: ignore[attr-defined]
            level = next((level for level, part in enumerate(parts) if names.known(part) == label), None)
            if level is not None:
                tally[level] += 1
        if tally:
            return tally.most_common(1)[0][0]
    return None


def _with_parts(pictures: list[LabelledPicture], notes: list[str]) -> list[LabelledPicture]:
    """Folders above and below the class are parts, where there are enough of them and none is on two stated sides."""
    parts: dict[str, set[str]] = {}
    for one in pictures:
        parts.setdefault(one.group, set()).add(one.split)
    crossing = any(len(sides) > 1 for sides in parts.values())
    if len(parts) < _FEWEST_PARTS or crossing:
        return [replace(one, group="") for one in pictures]
    notes.append(f"Each of {len(parts)} folders is taken as one part: its pictures stay on one side of the split")
    return pictures


def from_boxes(
    root: Path, boxes: Mapping[Path, Sequence[Box]], splits: Mapping[Path, str], names: ClassNames
) -> list[LabelledPicture]:
    """Pictures with a box of a defect are defective, those without are normal."""
    pictures = []
    for path, found in boxes.items():
        one = LabelledPicture.of(root, path)
        bad = not all(names.harmless(box.type) for box in found)
        pictures.append(replace(one, label=DEFECT if bad else NORMAL, split=splits.get(path, one.split)))
    return pictures


def from_masks(root: Path, listing: Listing) -> list[LabelledPicture]:
    """Pictures whose mask marks a pixel are defective; those without a mask, or with an empty one, are normal.

    Raises:
        ReadError: a mask that cannot be read.
    """
    pictures = []
    for path in listing.pictures:
        mask = listing.masks.get(path)
        bad = mask is not None and bool(mask_pixels(mask).any())
        pictures.append(replace(LabelledPicture.of(root, path), label=DEFECT if bad else NORMAL))
    return pictures
