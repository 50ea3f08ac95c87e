"""Table of labels given by people: file,label,who,when,why and optionally page and group."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from models.core.errors import ReadError
from models.data.versions import Change

COLUMNS = ("file", "label", "who", "when", "why", "page", "group")


def read_changes(path: Path) -> list[Change]:
    """Read the changes of a table; relative paths are relative to the table.

    Raises:
        ReadError: an unreadable table, a missing column, or an invalid page.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadError(
            path, "cannot be read as a table in UTF-8; its first line names file,label,who,when,why"
        ) from error
    found = []
    for number, row in enumerate(rows, start=2):
        cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
        missing = [name for name in COLUMNS[:5] if not cell[name]]
        if missing:
            raise ReadError(path, f"lacks {', '.join(missing)} in line {number}; each label says whose it is and why")
        if cell["page"] and not (cell["page"].isdecimal() and int(cell["page"])):
            raise ReadError(path, f"has the page {cell['page']!r} in line {number}; pages count from 1")
        page = int(cell["page"]) - 1 if cell["page"] else None
        found.append(Change(path.parent / cell["file"], cell["label"], cell["who"], cell["when"], cell["why"], page,
                            cell["group"]))  # fmt: skip
    return found


def changes_csv(changes: Iterable[Change]) -> str:
    """Write the table that :func:`read_changes` reads, with absolute paths."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in changes:
        page = "" if one.page is None else one.page + 1
        writer.writerow((one.path.absolute(), one.label, one.who, one.when, one.why, page, one.group))
    return buffer.getvalue()
