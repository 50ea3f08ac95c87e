"""Overridden verdicts: an append-only log with one JSON object per line, in the app's home.

An override never changes what the network said; it stands beside it, with a reason and a name. Lines are only ever
added, under a lock and with fsync, so two people may write at once and a crash loses no line that was reported written.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ecgviz.errors import ConfigError, ReadError
from ecgviz.home import home_folder
from ecgviz.results import Verdict
from readers.core.file_names import readable

FILE = "overrides.jsonl"
VERDICTS = ("normal", "defect", "review")
LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Override:
    """One overridden verdict.

    Attributes:
        time: ISO 8601, UTC.
        file: name of the file without its folder.
        file_sha256: hash of the file's content, which is what the decision is about.
        slice_index: the slice that decided, None for a single picture.
        checkpoint: name of the network's checkpoint.
        checkpoint_sha256: hash of its weights.
        operating_point_version: which choice of threshold the verdict was made with.
        threshold: its threshold.
        score: what the network had said.
        old: verdict before: the network's, or that of the override before this one.
        new: verdict now.
        reason: why.
        who: name of the person.
    """

    time: str
    file: str
    file_sha256: str
    slice_index: int | None
    checkpoint: str
    checkpoint_sha256: str
    operating_point_version: str
    threshold: float
    score: float | None
    old: str
    new: str
    reason: str
    who: str


def override(verdict: Verdict, new: str, *, reason: str, who: str, path: Path | None = None) -> Override:
    """Append a decision to the log.

    Args:
        verdict: what the network said.
        new: "normal", "defect" or "review".
        reason: why; needed.
        who: name of the person; needed.
        path: of the log; in the app's home when None.

    Returns:
        What was written, when it is on the disk.

    Raises:
        ConfigError: no reason, no name, an unknown verdict, the one that holds already, or a file without a hash.
        ReadError: the log cannot be written.
    """
    reason, who = reason.strip(), who.strip()
    for name, text, what in (("reason", reason, "why the verdict is changed"), ("who", who, "who decides")):
        if not text:
            raise ConfigError(name, f"is empty; write down {what}")
        if len(text) > LONGEST_TEXT:
            raise ConfigError(name, f"has {len(text)} characters; {LONGEST_TEXT} are the most")
    if new not in VERDICTS:
        raise ConfigError("verdict", f"there is no verdict {new!r}; choose {', '.join(VERDICTS)}")
    if not verdict.sha256:
        raise ConfigError("file", f"{Path(verdict.file).name} could not be read, so nothing can be decided about it")
    path = path or home_folder() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = latest(read_overrides(path)).get((verdict.sha256, verdict.checkpoint_sha256))
            entry = _entry(verdict, before.new if before else verdict.verdict, new, reason, who)
            line = json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False) + "\n"
            _append(descriptor, line.encode())
            if before is None:
                _keep_name(path.parent)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ReadError(
            path, f"the log cannot be written ({error.strerror}); free space or check its rights"
        ) from error
    return entry


def read_overrides(path: Path | None = None) -> tuple[Override, ...]:
    """The whole log, oldest first; a truncated line is skipped.

    Raises:
        ReadError: the log cannot be read.
    """
    path = path or home_folder() / FILE
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ReadError(path, f"the log cannot be read ({error.strerror}); check its rights") from error
    found = []
    for line in lines:
        try:
            found.append(Override(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return tuple(found)


def latest(overrides: Iterable[Override]) -> dict[tuple[str, str], Override]:
    """Current decisions by (file hash, weight hash): a decision on one network does not apply to another."""
    return {(one.file_sha256, one.checkpoint_sha256): one for one in overrides}


def _entry(verdict: Verdict, old: str, new: str, reason: str, who: str) -> Override:
    """The log line of a decision.

    Raises:
        ConfigError: that verdict holds already.
    """
    if old == new:
        raise ConfigError("verdict", f"{Path(verdict.file).name} is {new} already; choose another verdict")
    return Override(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        file=readable(Path(verdict.file).name),
        file_sha256=verdict.sha256,
        slice_index=verdict.slice_index,
        checkpoint=verdict.checkpoint,
        checkpoint_sha256=verdict.checkpoint_sha256,
        operating_point_version=verdict.operating_point_version,
        threshold=verdict.threshold,
        score=verdict.score if math.isfinite(verdict.score) else None,
        old=old,
        new=new,
        reason=reason,
        who=who,
    )


def _append(descriptor: int, line: bytes) -> None:
    """Append a complete line, also after a truncated one."""
    end = os.fstat(descriptor).st_size
    if end and os.pread(descriptor, 1, end - 1) != b"\n":
        line = b"\n" + line
    while line:
        line = line[os.write(descriptor, line) :]
    os.fsync(descriptor)


def _keep_name(folder: Path) -> None:
    """Sync the folder, so that a new file survives a crash."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
