"""Registered data sets by name, with folder and survey, in one JSON file of the home folder."""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.core.errors import ConfigError
from models.core.files import write_whole
from models.core.home import home_folder
from models.data.survey import recognise
from models.data.survey_result import DataKind, Survey

FILE = "datasets.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class DataSet:
    """A registered data set.

    Attributes:
        name: what it is chosen by.
        root: its folder, absolute.
        kind: "recordings", "whole recordings" or "pictures".
        added: when it was registered, Unix time.
        survey: what it holds; None until it was looked at.
    """

    name: str
    root: Path
    kind: DataKind
    added: float
    survey: Survey | None = None

    @property
    def there(self) -> bool:
        """Whether its folder still exists."""
        return self.root.exists()


def list_data_sets() -> list[DataSet]:
    """Registered data sets, sorted by name."""
    return [_data_set(name, values) for name, values in sorted(_read().items())]


def register(name: str, root: str | Path) -> DataSet:
    """Register a folder under a name; replaces the folder of an existing name.

    Args:
        name: lower case letters, digits, dot, dash and underscore.
        root: the folder; who asks must be allowed to read it, which is not checked here.

    Raises:
        ConfigError: no such name is possible.
        ReadError: the folder holds nothing to train on.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "name", f"{name!r} is no name for data; use lower case letters, digits, dot, dash, underscore"
        )
    root = Path(root).expanduser().absolute()
    entry = {"root": str(root), "kind": recognise(root), "added": time.time()}
    with _changing() as entries:
        entries[name] = entry
    return _data_set(name, entry)


def note_survey(name: str, found: Survey) -> None:
    """Store the survey of a data set."""
    with _changing() as entries:
        if name in entries:
            entries[name]["survey"] = found.plain()


def forget(name: str) -> None:
    """Unregister a data set; its folder is not changed."""
    with _changing() as entries:
        entries.pop(name, None)


def suggested_name(root: str | Path) -> str:
    """A name derived from the folder's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", Path(root).name.lower()).strip("-._")
    return name[:64] or "data"


def _data_set(name: str, values: dict[str, Any]) -> DataSet:
    found = values.get("survey")
    survey = Survey.from_plain(found) if found else None
    return DataSet(name, Path(values["root"]), values["kind"], float(values["added"]), survey)


def _read() -> dict[str, dict[str, Any]]:
    try:
        entries = json.loads((home_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


@contextmanager
def _changing() -> Iterator[dict[str, dict[str, Any]]]:
    """The entries, locked for a change; servers on one home folder take turns."""
    home = home_folder()
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (home / f".{FILE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        entries = _read()
        yield entries
        write_whole(home / FILE, json.dumps(entries, indent=1).encode())
