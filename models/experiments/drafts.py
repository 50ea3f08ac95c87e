"""Unsubmitted training forms on disk, so that they survive reloads, page changes and restarts."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.core.files import write_whole
from models.core.home import home_folder

FOLDER = "drafts"
logger = logging.getLogger(__name__)


@dataclass
class Draft:
    """The settings of an unsubmitted form.

    Attributes:
        base: name of the configuration that it starts from, or the id of a run.
        changes: values that differ from it, by dotted path.
        name: of the checkpoint to be made; empty for the base's.
    """

    base: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    name: str = ""


def _file(who: str) -> Path:
    return home_folder() / FOLDER / f"{hashlib.sha256(who.encode()).hexdigest()[:16]}.json"


def load_draft(who: str = "") -> Draft:
    """The draft of a person; empty where none can be read."""
    try:
        values = json.loads(_file(who).read_text(encoding="utf-8"))
        draft = Draft(**values)
    except (OSError, ValueError, TypeError):
        return Draft()
    return draft if isinstance(draft.changes, dict) and isinstance(draft.base, str) else Draft()


def save_draft(draft: Draft, who: str = "") -> None:
    """Save the draft of a person; a full disk is only logged."""
    path = _file(who)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, json.dumps(asdict(draft)).encode())
    except OSError as error:
        logger.warning("the draft cannot be kept: %s", error)
