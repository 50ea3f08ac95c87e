"""Versions of a picture data set: a parent set with labels that people changed or added, and their provenance.

A version is a folder in ``ECGVIZ_HOME``/versions with pictures and masks (hard links if the file system allows, else
copies), ``labels.csv``, and ``manifest.json`` with the file hash of each row and who made each change, when and why.
The parent's folder is not written to. Pictures of the parent keep their side of the split, so all versions share their
held-out cases; added pictures are assigned to the sides by group.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError, ReadError
from models.core.files import write_whole
from models.core.home import home_folder
from models.core.words import counted
from models.data.image_folder import SPLITS, TABLE, ImageRow, load_split, split_rows
from models.data.image_folder.split import picture_sha256
from models.tasks.image import IMAGE_CLASSES
from readers.volumes.files import files_of

MANIFEST = "manifest.json"
FOLDER = "versions"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_COLUMNS = ("file", "label", "type", "group", "split", "mask", "boxes", "page", "background")


@dataclass(frozen=True)
class Change:
    """A label that a person gave to a picture.

    Attributes:
        path: the file.
        label: "normal" or "defect".
        who, when, why: of the decision; ``when`` is ISO 8601.
        page: of a file with several pages, from 0; None for all of them.
        group: part that the picture shows, if known; the file if empty.
    """

    path: Path
    label: str
    who: str
    when: str
    why: str
    page: int | None = None
    group: str = ""


@dataclass(frozen=True)
class Version:
    """A version of a data set.

    Attributes:
        name: name of the data set.
        number: number of the version, from 1.
        folder: its folder, the ``data.root`` of a training.
        parent: folder of the parent set, with its hash; None without a parent.
        created: ISO 8601.
        counts: pictures of each class on each side.
        changes: one for each label that was changed or added: kind ("changed", "added" or "confirmed"), file, sha256,
            page, split, old, new, who, when, why.
        sha256: hash of all labels and pictures.
    """

    name: str
    number: int
    folder: Path
    parent: Mapping[str, str] | None
    created: str
    counts: Mapping[str, Mapping[str, int]]
    changes: tuple[Mapping[str, Any], ...] = ()
    sha256: str = ""
    rows: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """Name with number, under which it is registered as a data set."""
        return f"{self.name}-v{self.number}"

    def describe(self) -> str:
        """One sentence about its content and changes."""
        kinds = Counter(str(one["kind"]) for one in self.changes)
        words = [counted(number, f"label {kind}", f"labels {kind}") for kind, number in sorted(kinds.items())]
        sides = ", ".join(f"{side} {sum(classes.values()):,}" for side, classes in self.counts.items())
        return f"{self.title}: {sides}; {', '.join(words) or 'no label changed'}"


def versions_root() -> Path:
    """Folder of all versions."""
    return home_folder() / FOLDER


def make_version(
    name: str,
    changes: Sequence[Change],
    parent: str | Path | None = None,
    config: ImageDataConfig | None = None,
) -> Version:
    """Write the next version of a data set.

    Args:
        name: name of the data set: lower case letters, digits, dot, dash, underscore.
        changes: labels given by people; the last one about a picture counts.
        parent: folder of a set or version; None for a set of the changes alone.
        config: how the parent is read and split.

    Raises:
        ConfigError: an invalid name or label, or nothing to write.
        ReadError: an unreadable parent or picture, or no disk space.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError("version", f"{name!r} is no name; use lower case letters, digits, dot, dash, underscore")
    for change in changes:
        if change.label not in IMAGE_CLASSES:
            raise ConfigError("changes", f"{change.path.name} has the label {change.label!r}; write normal or defect")
    sides, hashes = _parent_sides(parent, config)
    rows, log = _changed(sides, hashes, changes, (config or ImageDataConfig()).shares)
    if not any(rows.values()):
        raise ConfigError("version", "there is neither a parent set nor a label; decide about some parts first")
    root = versions_root() / name
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (root / ".lock").open("w") as lock:  # of two who make one at once each gets a number
            fcntl.flock(lock, fcntl.LOCK_EX)
            return read_version(_write_version(root, rows, log, _parent_entry(parent)))
    except OSError as error:
        raise ReadError(root, f"cannot be written ({error.strerror}); free space, or set ECGVIZ_HOME") from error


def _write_version(
    root: Path, rows: Mapping[str, Sequence[ImageRow]], log: list[dict[str, Any]], parent: dict[str, str] | None
) -> Path:
    """Write the next version of a data set below its folder, whole or not at all; returns the version's folder."""
    # A damaged version keeps its number, too.
    number = 1 + max((int(one.name[1:]) for one in root.glob("v*") if one.name[1:].isdecimal()), default=0)
    folder, part = root / f"v{number:04d}", root / ".part"
    shutil.rmtree(part, ignore_errors=True)  # of one that was interrupted
    try:
        part.mkdir(mode=0o700)
        written = _write_rows(part, rows)
        manifest = {
            "name": root.name,
            "number": number,
            "parent": parent,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "counts": {side: _tally(found) for side, found in rows.items()},
            "changes": log,
            "sha256": _hash_of(written),
            "rows": written,
        }
        write_whole(part / MANIFEST, (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode())
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def read_version(folder: str | Path) -> Version:
    """Read a version from its folder.

    Raises:
        ReadError: not a version, or a damaged manifest.
    """
    path = Path(folder) / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Version(
            str(found["name"]), int(found["number"]), Path(folder), found["parent"], str(found["created"]),
            dict(found["counts"]), tuple(found["changes"]), str(found["sha256"]), tuple(found["rows"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError(path, "is no manifest of a data set version; make one: python -m models data") from error


def list_versions(name: str = "") -> list[Version]:
    """All versions, or those of one data set, sorted by name and number; damaged ones are skipped."""
    found = []
    for path in sorted(versions_root().glob(f"{name or '*'}/v*/{MANIFEST}")):
        try:
            found.append(read_version(path.parent))
        except ReadError:
            continue
    return sorted(found, key=lambda one: (one.name, one.number))


def verify(version: Version) -> list[str]:
    """Files of a version that are missing or whose hash differs from the manifest."""
    spoilt = []
    for file, digest in {str(row["file"]): row["sha256"] for row in version.rows}.items():
        try:
            same = picture_sha256(version.folder / file) == digest
        except OSError:
            same = False
        if not same:
            spoilt.append(file)
    return spoilt


def _parent_sides(
    parent: str | Path | None, config: ImageDataConfig | None
) -> tuple[dict[str, list[ImageRow]], dict[str, str]]:
    if parent is None:
        return {side: [] for side in SPLITS}, {}
    sides, hashes = load_split(parent, config)
    lost = [row.file for rows in sides.values() for row in rows if row.file not in hashes]
    if lost:
        raise ReadError(lost[0], "of the parent set cannot be read; a version holds every picture: see to it first")
    return sides, hashes


def _parent_entry(parent: str | Path | None) -> dict[str, str] | None:
    if parent is None:
        return None
    root = Path(parent).expanduser().absolute()
    try:
        version = read_version(root)
    except ReadError:
        return {"root": str(root), "version": "", "sha256": ""}
    return {"root": str(root), "version": version.title, "sha256": version.sha256}


def _changed(
    sides: Mapping[str, Sequence[ImageRow]],
    hashes: Mapping[str, str],
    changes: Sequence[Change],
    shares: Sequence[float],
) -> tuple[dict[str, list[ImageRow]], list[dict[str, Any]]]:
    """Rows of each side with the labels of people applied, and a log of the changes."""
    rows = {side: list(sides.get(side, ())) for side in SPLITS}
    known: dict[str, list[tuple[str, int]]] = {}
    for side, found in rows.items():
        for place, row in enumerate(found):
            known.setdefault(hashes[row.file], []).append((side, place))
    log: list[dict[str, Any]] = []
    added: dict[tuple[str, int], tuple[ImageRow, Change]] = {}
    for change in changes:
        digest = _digest(change.path)
        places = [(side, place) for side, place in known.get(digest, ())
                  if change.page is None or rows[side][place].page == change.page]  # fmt: skip
        for side, place in places:
            old = rows[side][place]
            label = IMAGE_CLASSES.index(change.label)
            kind = "confirmed" if old.label == label else "changed"
            log.append(_entry(kind, change, digest, side=side, old=IMAGE_CLASSES[old.label]))
            if kind == "changed":  # marks and type of a defect do not apply to a good part
                rows[side][place] = replace(old, label=label, defect_type="", mask=None, boxes=())
        if not places:
            row = _row(change, digest)
            added[row.file, row.page] = row, change
    dealt = split_rows([row for row, _ in added.values()], shares) if added else {}
    for side, found in dealt.items():
        rows[side] += found
        log += [_entry("added", change, _digest(change.path), side=side, old="")
                for change in (added[row.file, row.page][1] for row in found)]  # fmt: skip
    return rows, log


def _digest(path: Path) -> str:
    try:
        return picture_sha256(path)
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror}), though a label was given to it") from error


def _row(change: Change, digest: str) -> ImageRow:
    if len(files_of(change.path)) > 1:
        raise ReadError(change.path, "is a volume of several files, which cannot be added; save it as one file (NIfTI)")
    label = IMAGE_CLASSES.index(change.label)
    file = f"added/{digest[:12]}{change.path.suffix.lower()}"
    return ImageRow(change.path, file, label, change.group or file, page=-1 if change.page is None else change.page)


def _entry(kind: str, change: Change, digest: str, *, side: str, old: str) -> dict[str, Any]:
    given = {name: value for name, value in asdict(change).items() if name in {"page", "who", "when", "why"}}
    return {"kind": kind, "file": change.path.name, "sha256": digest, "split": side, "old": old, "new": change.label,
            **given}  # fmt: skip


def _write_rows(folder: Path, sides: Mapping[str, Sequence[ImageRow]]) -> list[dict[str, Any]]:
    """Write pictures, masks and table of a version; returns the manifest's rows."""
    buffer, written = io.StringIO(), []
    table = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n")
    table.writeheader()
    for side, rows in sides.items():
        for row in rows:
            file = _place(folder, row.path, row.file if row.file.startswith("added/") else f"pictures/{row.file}")
            for beside in files_of(row.path)[1:]:  # the header of a volume names them
                _place(folder, beside, f"{Path(file).parent}/{beside.name}")
            mask = "" if row.mask is None else _place(folder, row.mask, f"masks/{row.file}{row.mask.suffix}")
            label = IMAGE_CLASSES[row.label]
            table.writerow({"file": file, "label": label, "type": row.defect_type, "group": row.group, "split": side,
                            "mask": mask, "boxes": _boxes(row), "page": "" if row.page < 0 else row.page + 1,
                            "background": row.background})  # fmt: skip
            written.append({"file": file, "sha256": _digest(folder / file), "label": label, "split": side,
                            "group": row.group, "page": row.page})  # fmt: skip
    write_whole(folder / TABLE, buffer.getvalue().encode(errors="surrogateescape"))
    return written


def _boxes(row: ImageRow) -> str:
    """The boxes of a picture in its pixels, as :func:`models.data.image_folder.read_boxes` reads them."""
    if not row.boxes:
        return ""
    shape = row.pixels().shape if any(box.relative for box in row.boxes) else (2**31, 2**31)
    return ";".join(" ".join((*map(str, box.pixels(shape)), box.type)).strip() for box in row.boxes)


def _place(folder: Path, source: Path, name: str) -> str:
    """Add a picture to the version, as a hard link if the file system allows, else as a copy."""
    target = folder / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source.resolve(), target)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, target)
    return name


def _tally(rows: Iterable[ImageRow]) -> dict[str, int]:
    labels = [row.label for row in rows]
    return {name: labels.count(place) for place, name in enumerate(IMAGE_CLASSES)}


def _hash_of(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = sorted(f"{row['sha256']} {row['page']} {row['label']} {row['split']}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
