"""What a folder of pictures says: of each picture its class, type of defect, part, side of the split and defects.

The layouts that people have are understood together, not one by one: class folders with or without sides of a split
(``good/``, ``train/good/``, ``part7/ok/``), MVTec AD (``test/<defect>``, ``ground_truth/<defect>/*_mask.png``), a table
``labels.csv``, boxes in it, in a ``boxes.csv`` or from COCO, YOLO or GDXray, masks beside the pictures. What is known
of a picture comes from the most explicit of them: table, annotations, folder, mask.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError, ReadError
from models.core.words import counted
from models.data.image_folder.annotations import Annotated, read_coco, read_yolo
from models.data.image_folder.labels import LabelledPicture, from_boxes, from_folders, from_masks, from_table
from models.data.image_folder.names import ClassNames
from models.data.image_folder.row import Box, ImageRow
from models.data.image_folder.series import read_series, with_parts
from models.data.image_folder.tables import BOXES, TABLE, Files, box_rows, read_table
from readers.core.file_names import readable
from readers.images.companions import meaning_parts, plain_name
from readers.images.kinds import VOLUMES, is_zarr, kind_of, read_file
from readers.images.listing import Listing, list_tree

__all__ = ["PictureFolder", "SetAside", "read_folder", "read_rows"]

_PAGED = {"TIFF", "DICOM"} | VOLUMES
_TABLES = {".csv", ".tsv", ".txt"}


@dataclass(frozen=True)
class SetAside:
    """A file of the folder that is no picture of the set.

    Attributes:
        file: its path below the root, with ``/``.
        reason: why, for people.
        kind: as of :class:`readers.images.listing.Aside`, or "unlabelled": a picture of which nothing says its class.
    """

    file: str
    reason: str
    kind: str


@dataclass(frozen=True)
class PictureFolder:
    """A folder of pictures as it was understood.

    Attributes:
        rows: one a picture (a page of a file with several is a picture), by name.
        layout: what was recognised, in words.
        types: names of the types of defect, sorted; empty where none is stated.
        set_aside: every other file below the root.
        notes: sentences on what was understood and what is doubtful.
        split_by: "table" or "folders" where they say which picture is on which side; empty where nothing does.
    """

    rows: tuple[ImageRow, ...]
    layout: str
    types: tuple[str, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    notes: tuple[str, ...] = ()
    split_by: str = ""

    @property
    def aside_counts(self) -> dict[str, int]:
        """How many files are set aside, by kind, most first."""
        return dict(Counter(one.kind for one in self.set_aside).most_common())

    @property
    def states_split(self) -> bool:
        """Whether anything says which picture is on which side."""
        return bool(self.split_by)


def read_rows(root: str | Path, config: ImageDataConfig | None = None) -> list[ImageRow]:
    """The pictures of a set, by name; arguments and errors as for :func:`read_folder`."""
    return list(read_folder(root, config).rows)


def read_folder(root: str | Path, config: ImageDataConfig | None = None) -> PictureFolder:
    """Understand a folder.

    Args:
        root: folder, or a CSV file beside its pictures.
        config: names of the labels and of the groups.

    Raises:
        ReadError: no such folder, no pictures, or a table without the columns that it needs.
        ConfigError: nothing says which pictures are normal and which are not; the message says what would.
    """
    config = config or ImageDataConfig()
    root = Path(root)
    if not root.exists():
        raise ReadError(root, "is not there; set data.root to a folder of pictures")
    if root.is_file() and root.suffix.lower() not in _TABLES:
        raise ReadError(root, "is neither a folder nor a table of labels (.csv); unpack an archive and give its folder")
    table = root if root.is_file() else _table_of(root)
    root = root.parent if root.is_file() else root
    listing = list_tree(root)
    if not listing.pictures and table is None:
        raise ReadError(root, f"holds no pictures; put them into sub-folders named by class, or beside a {TABLE}")
    return _Reader(root, config, listing, table).read()


def _table_of(root: Path) -> Path | None:
    named = [path for path in root.iterdir() if plain_name(path.name) == TABLE and path.is_file()]
    return named[0] if named else None


class _Reader:
    """One reading of a folder."""

    def __init__(self, root: Path, config: ImageDataConfig, listing: Listing, table: Path | None):
        self.root, self.config, self.listing, self.table = root, config, listing, table
        self.names = ClassNames.of(config)
        self.notes: list[str] = []
        self.used: dict[Path, str] = {}

    def read(self) -> PictureFolder:
        annotated = self._annotated()
        pictures, layout = self._labelled(annotated)
        if self.config.split == "dealt":
            pictures = [replace(one, split="") for one in pictures]
        by_marks = self.table is None and not layout.startswith(("class folders", "the layout"))
        if not self.config.group_pattern:
            pictures = with_parts(pictures, self.notes, folders=by_marks)
        boxes = self._boxes(annotated)
        rows = []
        for one in pictures:
            found = boxes.get(one.path, ())
            truth = tuple(box for box in found if not self.names.harmless(box.type)) or one.boxes
            row = ImageRow(
                path=one.path,
                file=one.file,
                label=one.label,
                group=self._group(one),
                mask=one.mask or self.listing.masks.get(one.path),
                boxes=truth,
                background=one.background,
                split=one.split,
                page=max(one.page, 0),
                defect_type=one.defect_type or (_box_type(truth, self.names) if one.label else ""),
            )
            rows += [row] if one.page >= 0 else self._pages(row)
        if not rows:
            raise ReadError(self.root, "holds no picture of which its class is known; name class folders or a table")
        rows.sort(key=lambda row: (row.file, row.page))
        types = sorted({row.defect_type for row in rows} - {""})
        stated = self.config.split == "stated" and any(row.split for row in rows)
        split_by = ("folders" if self.table is None else "table") if stated else ""
        aside = self._aside(rows)
        unsaid = [readable(one.file) for one in aside if one.kind == "unlabelled"]
        if unsaid:
            few = ", ".join(unsaid[:3])
            self.notes.append(f"{counted(len(unsaid), 'picture')} left out, since nothing says the class: {few}")
        return PictureFolder(
            tuple(rows), layout, tuple(types), tuple(aside), tuple(dict.fromkeys(self.notes)), split_by
        )

    def _annotated(self) -> Annotated | None:
        texts = [one.path for one in self.listing.aside if one.kind == "companion"]
        pictures = self.listing.pictures
        found = read_coco(self.root, [path for path in texts if path.suffix.lower() == ".json"], pictures)
        found = found or read_series(texts, pictures)
        if found is None:
            lines = [path for path in texts if path.suffix.lower() in {".txt", ".yaml", ".yml", ".names"}]
            found = read_yolo(self.root, lines, pictures)
        if found is not None:
            self.used |= dict.fromkeys(found.used, f"the {found.tool} annotations")
            if found.missing:
                named = ", ".join(readable(name) for name in found.missing[:3])
                self.notes.append(f"{counted(len(found.missing), 'picture')} of the annotations are not there: {named}")
        return found

    def _labelled(self, annotated: Annotated | None) -> tuple[list[LabelledPicture], str]:
        """What is known of each picture, from the most explicit source that the folder has."""
        extra = f", boxes of {annotated.tool}" if annotated is not None else ""
        if self.listing.masks:
            extra += ", masks"
        if self.table is not None:
            self.used[self.table] = "the table of labels"
            return from_table(self.root, self.table, self.listing, self.names, self.notes), f"{TABLE}{extra}"
        folders = from_folders(
            self.root, self.listing, self.names, self.notes,
            splits=annotated.splits if annotated else None, dealt=self.config.split == "dealt",
        )  # fmt: skip
        if folders is not None:
            return folders.pictures, folders.layout + extra
        if annotated is not None:
            return from_boxes(self.root, annotated.boxes, annotated.splits, self.names), annotated.tool
        beside = self._box_table()
        if beside:
            every = {path: beside.get(path, ()) for path in self.listing.pictures}
            return from_boxes(self.root, every, {}, self.names), "pictures with a table of boxes"
        if self.listing.masks:
            return from_masks(self.root, self.listing), "pictures with masks"
        if self.config.unlabelled == "normal":
            return [
                LabelledPicture.of(self.root, path) for path in self.listing.pictures
            ], "pictures, all taken as good"
        raise self._no_labels()

    def _no_labels(self) -> ConfigError | ReadError:
        tables = [self._place(one.path) for one in self.listing.aside if plain_name(one.path.name) == TABLE]
        if tables:
            found = ", ".join(map(readable, tables[:3]))
            return ConfigError(
                "data.root",
                f"has its tables below it ({found}); write one {TABLE} into the folder itself, with file (such as "
                "test/a.png), label and split, or give the folder that holds the table",
            )
        parts = (meaning_parts(path.relative_to(self.root).parts[:-1]) for path in self.listing.pictures)
        shown = sorted({part[0] for part in parts if part})
        if shown:
            return ConfigError(
                "data.defect",
                f"label {readable(shown[0])!r} is neither in data.normal nor in data.defect; enter it in one of the "
                f"two: --set data.normal=[...] data.defect=[...] (folders: {', '.join(map(readable, shown[:8]))})",
            )
        return ConfigError(
            "data.root",
            "nothing says which of its pictures are good: put them into folders good and defect, or beside a "
            f"{TABLE} with the columns file,label; if all are good, --set data.unlabelled=normal",
        )

    def _box_table(self) -> dict[Path, tuple[Box, ...]]:
        """The boxes of a ``boxes.csv``."""
        found: dict[Path, list[Box]] = {}
        files = Files(self.root, self.listing.pictures)
        for path in (one.path for one in self.listing.aside if plain_name(one.path.name) in BOXES):
            table = read_table(path, lambda name: bool(files.find(name)))
            self.used[path] = "the table of boxes"
            missing = 0
            for name, box in box_rows(table):
                picture = files.one(name, path)
                if picture is None:
                    missing += 1
                else:
                    found.setdefault(picture, []).append(box)
            if missing:
                self.notes.append(f"{path.name} has {counted(missing, 'box', 'boxes')} of pictures that are not there")
        return {path: tuple(boxes) for path, boxes in found.items()}

    def _boxes(self, annotated: Annotated | None) -> Mapping[Path, Sequence[Box]]:
        found: dict[Path, tuple[Box, ...]] = dict(annotated.boxes) if annotated is not None else {}
        for path, boxes in self._box_table().items():
            found[path] = (*found.get(path, ()), *boxes)
        return found

    def _group(self, one: LabelledPicture) -> str:
        """The part: as the table says, else by the pattern, else the folder that stands for a part, else the file."""
        if one.group and (self.table is not None or not self.config.group_pattern):
            return one.group
        found = re.search(self.config.group_pattern, one.file) if self.config.group_pattern else None
        return found.group(1) if found and found.groups() else one.file

    def _pages(self, row: ImageRow) -> list[ImageRow]:
        """A row for each page of a file that may hold several; a damaged one keeps its row, and its error."""
        kind = kind_of(row.path)
        if not is_zarr(row.path) and (kind is None or kind.name not in _PAGED):
            return [row]
        try:
            count = len(read_file(row.path).slices)
        except ReadError:
            return [row]
        if count > 1:
            self.notes.append(f"{readable(row.file)} holds {count} pages: each is a picture of its class")
        return [replace(row, page=page) for page in range(count)]

    def _aside(self, rows: Sequence[ImageRow]) -> list[SetAside]:
        taken = {row.path for row in rows}
        masks = {row.mask.resolve() for row in rows if row.mask is not None}
        aside = [
            SetAside(self._place(one.path), self.used.get(one.path, one.reason),
                     "companion" if one.path in self.used else one.kind)
            for one in self.listing.aside
        ]  # fmt: skip
        aside += [
            SetAside(self._place(path), "a mask of the table", "companion")
            if path.resolve() in masks
            else SetAside(self._place(path), "nothing says its class", "unlabelled")
            for path in self.listing.pictures
            if path not in taken and path.resolve() not in taken
        ]
        return sorted(aside, key=lambda one: one.file)

    def _place(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _box_type(boxes: Sequence[Box], names: ClassNames) -> str:
    """The commonest type of the boxes of a picture."""
    tally = Counter(box.type for box in boxes if box.type and (box.type.isdigit() or names.known(box.type) is None))
    return tally.most_common(1)[0][0] if tally else ""
