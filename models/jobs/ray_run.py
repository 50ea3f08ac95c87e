"""Files in the run folder of a cluster job: order, progress and outcome.

The store is a file of this machine, which the cluster does not see; the run folder lies where both see it.
"""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path
from typing import Any

from models.core.files import write_whole

_ORDER = "ray.json"
_PROGRESS = "progress.json"
_OUTCOME = "outcome.json"
logger = logging.getLogger(__name__)


class RunFiles:
    """The files of one attempt.

    Args:
        folder: the run folder.
        submission: what Ray calls the attempt.
    """

    def __init__(self, folder: Path, submission: str):
        self.folder = folder
        self.submission = submission
        self._fields: dict[str, Any] = {}

    def order(self, values: dict[str, Any]) -> None:
        """Write the order; comes first."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(_ORDER, values)

    def ordered(self) -> dict[str, Any]:
        """The order."""
        return self._read(_ORDER)

    def report(self, job_id: str, **fields: Any) -> None:
        """Write progress, as :meth:`models.jobs.JobStore.report` does; a full disk does not end a training."""
        self._fields |= fields | {"heartbeat": time.time()}
        try:
            self._write(_PROGRESS, self._fields)
        except OSError as error:
            logger.warning("progress cannot be noted: %s", error)

    def progress(self) -> dict[str, Any]:
        """Latest progress; empty before the first."""
        return self._read(_PROGRESS)

    def end(self, state: str, **fields: Any) -> None:
        """Write the outcome."""
        self._write(_OUTCOME, {"state": state} | fields)

    def outcome(self) -> dict[str, Any]:
        """The outcome; empty before the end."""
        return self._read(_OUTCOME)

    def _write(self, name: str, values: dict[str, Any]) -> None:
        content = json.dumps(values | {"submission": self.submission}) + "\n"
        write_whole(self.folder / name, content.encode())

    def _read(self, name: str) -> dict[str, Any]:
        try:
            values = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        # What an attempt before left says nothing of this one.
        return values if values.pop("submission", None) == self.submission else {}
