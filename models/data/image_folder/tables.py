"""Tables beside pictures: labels and boxes in any encoding, with any of the usual names of the columns.

Which encoding a table is in is decided by what can be checked: the files that it names are there or not. An encoding
that finds more of them is the right one; UTF-8 goes first.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models.core.errors import ReadError
from models.data.image_folder.row import Box, box_of
from readers.core.file_names import readable
from readers.images.companions import plain_name

TABLE = "labels.csv"
"""The table that is looked for in a folder of pictures, in any case."""
BOXES = ("boxes.csv", "bboxes.csv", "bounding_boxes.csv", "boxes.tsv", "boxes.txt")
MAX_TABLE_BYTES = 256 << 20
_ENCODINGS = ("utf-8", "cp949", "cp932", "gb18030", "cp1252", "latin-1")
_FILE = (
    "file", "filename", "file_name", "image", "image_file", "image_name", "image_path", "path", "picture",
    "파일", "파일명", "파일이름", "파일_이름", "이미지", "이미지명", "사진",
    "ファイル", "ファイル名", "画像", "文件", "文件名", "图片",
)  # fmt: skip
_COLUMNS = {
    "file": _FILE,
    "label": ("label", "labels", "class", "class_name", "category", "verdict", "result", "판정", "라벨"),
    "group": (
        "group", "part", "part_id", "part_no", "part_number", "part_name", "group_id", "cell", "cell_id", "board",
        "board_id", "weld", "weld_id", "wafer", "wafer_id", "series", "serial", "serial_no", "serial_number",
        "specimen", "object", "부품", "부품번호", "그룹", "셀", "部品", "部件",
    ),
    "split": ("split", "subset", "set", "fold"),
    "mask": ("mask", "mask_file", "mask_path"),
    "boxes": ("boxes", "bboxes"),
    "page": ("page", "slice"),
    "type": ("type", "defect_type", "kind"),
    "background": ("background",),
}  # fmt: skip
_CORNERS = {
    "x1": ("x1", "xmin", "x_min", "left"), "y1": ("y1", "ymin", "y_min", "top"),
    "x2": ("x2", "xmax", "x_max", "right"), "y2": ("y2", "ymax", "y_max", "bottom"),
    "w": ("w", "width"), "h": ("h", "height"), "x": ("x",), "y": ("y",),
}  # fmt: skip
_KIND = ("type", "label", "class", "class_name", "category", "kind", "defect_type", "name")


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        path: the file.
        columns: its header, as it is compared.
        lines: cells of each row, by column.
        encoding: that it was read in.
    """

    path: Path
    columns: tuple[str, ...]
    lines: tuple[Mapping[str, str], ...]
    encoding: str

    def column(self, *names: str) -> str:
        """The first of some names that the table has a column of; empty for none."""
        return next((name for name in names if name in self.columns), "")


class Files:
    """The pictures below a root, to be found by what tables call them.

    Args:
        root: folder.
        pictures: files below it.
    """

    def __init__(self, root: Path, pictures: Sequence[Path]):
        self._root = root
        self._places: dict[str, Path] = {}
        self._names: dict[str, list[Path]] = {}
        for path in pictures:
            place = path.relative_to(root).as_posix()
            self._places[plain_name(place)] = path
            for name in {plain_name(path.name), plain_name(path.stem)}:
                self._names.setdefault(name, []).append(path)

    def find(self, name: str) -> list[Path]:
        """The files that a name may mean: a path below the root, or a base name with or without its ending."""
        plain = plain_name(name.replace("\\", "/")).removeprefix("./")
        if plain in self._places:
            return [self._places[plain]]
        base = PurePosixPath(plain).name
        found = self._names.get(base, [])
        if len(found) > 1 and "/" in plain:
            found = [path for path in found if self._ends_with(path, plain)] or found
        return found

    def one(self, name: str, table: Path) -> Path | None:
        """The one file that a table calls so; None for none.

        Raises:
            ReadError: several may be meant; to take one of them would give a picture the label or box of another.
        """
        found = self.find(name)
        if len(found) > 1:
            shown = ", ".join(readable(path.relative_to(self._root).as_posix()) for path in found[:3])
            raise ReadError(table, f"names {readable(name)}, which may be {shown}; write the path below the folder")
        return found[0] if found else None

    def _ends_with(self, path: Path, plain: str) -> bool:
        place = plain_name(path.relative_to(self._root).as_posix())
        return place.endswith("/" + plain) or plain.endswith("/" + place) or place.rpartition(".")[0].endswith(plain)


def read_table(path: Path, is_there: Callable[[str], bool]) -> Table:
    """A table with a header, separated by commas, semicolons or tabs.

    Args:
        path: the file.
        is_there: whether a name in its column of files is that of a file; decides the encoding.

    Raises:
        ReadError: it cannot be read, is no text or no table.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise ReadError(path, f"is larger than {MAX_TABLE_BYTES >> 20} MB; give the table of these pictures only")
        raw = path.read_bytes()
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror}); check the file and its permissions") from error
    best: tuple[int, Table] | None = None
    for encoding in _candidates(raw):
        try:
            table = _parsed(path, raw.decode(encoding), encoding)
        except UnicodeDecodeError:
            continue
        column = table.column(*_FILE)
        found = sum(is_there(line[column]) for line in table.lines) if column else 0
        if best is None or found > best[0]:
            best = found, table
        if found == len(table.lines):
            break
    if best is None:
        raise ReadError(path, "is in no known encoding; save it as UTF-8")
    return best[1]


def _candidates(raw: bytes) -> tuple[str, ...]:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if raw.startswith(b"\xef\xbb\xbf"):
        return ("utf-8-sig", *_ENCODINGS[1:])
    if b"\0" in raw[:4096]:
        return (json.detect_encoding(raw[:4096]), "utf-16-le", "utf-16-be")
    return _ENCODINGS


def _parsed(path: Path, text: str, encoding: str) -> Table:
    text = text.replace("\0", "")
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(",;\t", key=first.count)
    try:
        reader = csv.reader(io.StringIO(text), delimiter=separator, skipinitialspace=True)
        rows = [[cell.strip() for cell in row] for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ReadError(path, f"is no table ({error}); save it as CSV with a header") from error
    columns = tuple(plain_name(cell).replace(" ", "_") for cell in rows[0]) if rows else ()
    padded = (row + [""] * (len(columns) - len(row)) for row in rows[1:])
    return Table(path, columns, tuple(dict(zip(columns, row, strict=False)) for row in padded), encoding)


def label_columns(table: Table) -> dict[str, str]:
    """The table's name of each column that means something here, by what it means.

    Raises:
        ReadError: no column of files.
    """
    found = {meaning: name for meaning, names in _COLUMNS.items() if (name := table.column(*names))}
    if "file" not in found:
        raise ReadError(table.path, "has no column file; its first line must name file,label")
    return found


def box_rows(table: Table) -> Iterator[tuple[str, Box]]:
    """File and box of each row of a table with a box a row: corners, or a corner with width and height.

    Raises:
        ReadError: columns that make no box, or a corner that is no number.
    """
    at = {name: table.column(*names) for name, names in _CORNERS.items()}
    file = table.column(*_FILE, "name", "base", "basename", "base_name")
    cornered = all(at[name] for name in ("x1", "y1", "x2", "y2"))
    sized = all(at[name] for name in ("w", "h")) and (at["x"] or at["x1"]) and (at["y"] or at["y1"])
    if not file or not (cornered or sized):
        raise ReadError(
            table.path, f"has the columns {', '.join(table.columns)}; its first line must name file,x1,y1,x2,y2"
        )
    kind = table.column(*(name for name in _KIND if name != file))
    wanted = ("x1", "y1", "x2", "y2") if cornered else ("x", "y", "w", "h")
    columns = [at[name] or at[f"{name}1"] for name in wanted]
    for number, line in enumerate(table.lines, start=2):
        cells = [line.get(column, "") for column in columns]
        if not any(cells):
            continue  # a picture without a box
        try:
            a, b, c, d = (float(cell.replace(",", ".")) for cell in cells)
        except ValueError as error:
            raise ReadError(table.path, f"has the box {' '.join(cells)!r} in line {number}; write numbers") from error
        if not cornered:
            c, d = a + c - 1, b + d - 1
        yield line[file], box_of(a, b, c, d, line.get(kind, "") if kind else "", file=table.path)


def has_corners(table: Table) -> bool:
    """Whether a table holds a box a row."""
    return all(table.column(*_CORNERS[name]) for name in ("x1", "y1", "x2", "y2"))
