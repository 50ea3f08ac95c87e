"""Log of overridden verdicts: append-only, one JSON object per line, in the app's home.

An override does not change the network's verdict: it is recorded beside it, with a reason and a name, and a further
line undoes it. :mod:`ecgviz.analysis.dispositions` computes the final verdict. Lines are appended under a lock and with
fsync, so two people may write at once and a crash loses no line reported as written.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ecgviz.analysis.dispositions import VERDICTS, Decisions, Override, final_verdict
from ecgviz.errors import ConfigError, ReadError
from ecgviz.home import home_folder
from ecgviz.results import Verdict
from readers.core.file_names import readable

FILE = "overrides.jsonl"
LONGEST_TEXT = 2000
_NO_TEXT = ("slice_index", "threshold", "score", "undone")


def override(
    verdict: Verdict,
    new: str,
    *,
    reason: str,
    who: str,
    scope: str = "part",
    confirm: bool = False,
    path: Path | None = None,
) -> Override:
    """Append a decision to the log.

    Args:
        verdict: the network's verdict on a part, on a slice (:func:`ecgviz.analysis.dispositions.slice_verdict`), or on
            a batch (the ``network`` of ``final_batch``).
        new: "normal", "defect" or "review".
        reason: why; required.
        who: name of the person; required.
        scope: level of the decision: "part", "slice" or "batch".
        confirm: allow ``new`` to equal the current verdict, to confirm it.
        path: path of the log; in the app's home if None.

    Returns:
        the line written, once it is on the disk.

    Raises:
        ConfigError: no reason, no name, an unknown verdict, the current verdict without ``confirm``, or a file without
            a hash.
        ReadError: the log cannot be written.
    """
    if new not in VERDICTS:
        raise ConfigError("verdict", f"there is no verdict {new!r}; choose {', '.join(VERDICTS)}")
    by = _signed(reason, who)

    def entry(decisions: Decisions) -> Override:
        old = _holds(verdict, decisions, scope)
        if old == new and not confirm:
            raise ConfigError("verdict", f"{Path(verdict.file).name} is {new} already; choose another verdict")
        return _entry(verdict, old, new, by, scope)

    return _write([verdict], [entry], path)[0]


def override_all(
    verdicts: Sequence[Verdict], new: str, *, reason: str, who: str, path: Path | None = None
) -> tuple[Override, ...]:
    """Append one decision about several parts, all or none; arguments and errors as for :func:`override`.

    Parts whose verdict is ``new`` already are confirmed.
    """
    if new not in VERDICTS:
        raise ConfigError("verdict", f"there is no verdict {new!r}; choose {', '.join(VERDICTS)}")
    by = _signed(reason, who)
    makers = [
        lambda decisions, one=one: _entry(one, _holds(one, decisions, "part"), new, by, "part") for one in verdicts
    ]
    return _write(verdicts, makers, path)


def undo(verdict: Verdict, *, who: str, scope: str = "part", path: Path | None = None) -> Override:
    """Undo the last decision about a verdict; the previous one is in force again.

    Raises:
        ConfigError: no decision to undo, or no name.
        ReadError: the log cannot be written.
    """
    by = _signed("undone", who)

    def entry(decisions: Decisions) -> Override:
        held = decisions.about(verdict, scope)
        if held is None:
            raise ConfigError("undo", f"nobody has decided about {Path(verdict.file).name}; there is nothing to undo")
        return _entry(verdict, held.new, held.old, by, scope, undone=True)

    return _write([verdict], [entry], path)[0]


def read_overrides(path: Path | None = None) -> tuple[Override, ...]:
    """The whole log, oldest first; a damaged line is skipped.

    Raises:
        ReadError: the log cannot be read.
    """
    path = path or home_folder() / FILE
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise ReadError(path, f"the log cannot be read ({error.strerror}); check its rights") from error
    return tuple(found for line in lines if (found := _entry_of(line)) is not None)


def _entry_of(line: str) -> Override | None:
    """The decision of a line; None of one that is damaged, truncated or edited into something else."""
    try:
        found = Override(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        return None
    values = asdict(found)
    whole = found.slice_index is None or (isinstance(found.slice_index, int) and found.slice_index >= 0)
    numbers = all(isinstance(one, int | float) for one in (found.threshold, found.score or 0.0))
    texts = all(isinstance(value, str) for name, value in values.items() if name not in _NO_TEXT)
    return found if whole and numbers and texts and isinstance(found.undone, bool) else None


def standing(path: Path | None = None) -> Decisions:
    """Decisions in force; errors as for :func:`read_overrides`."""
    return Decisions(read_overrides(path))


def latest(overrides: Iterable[Override]) -> dict[tuple[str, str], Override]:
    """Decisions in force about parts, by (file hash, weight hash): a decision holds for one network only."""
    return {(one.file_sha256, one.checkpoint_sha256): one for one in Decisions(overrides) if one.scope == "part"}


def _signed(reason: str, who: str) -> tuple[str, str]:
    """Reason and name.

    Raises:
        ConfigError: one is missing or too long.
    """
    reason, who = reason.strip(), who.strip()
    for name, text, what in (("reason", reason, "why the verdict is changed"), ("who", who, "who decides")):
        if not text:
            raise ConfigError(name, f"is empty; write down {what}")
        if len(text) > LONGEST_TEXT:
            raise ConfigError(name, f"has {len(text)} characters; {LONGEST_TEXT} are the most")
    return reason, who


def _holds(verdict: Verdict, decisions: Decisions, scope: str) -> str:
    if scope == "part":
        return final_verdict(verdict, decisions).verdict
    held = decisions.about(verdict, scope)
    return verdict.verdict if held is None else held.new


def _write(
    verdicts: Sequence[Verdict], makers: Sequence[Callable[[Decisions], Override]], path: Path | None
) -> tuple[Override, ...]:
    """Append lines made from the decisions in force, under one lock."""
    for verdict in verdicts:
        if not verdict.sha256:
            raise ConfigError(
                "file", f"{Path(verdict.file).name} could not be read, so nothing can be decided about it"
            )
    path = path or home_folder() / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            decisions = standing(path)
            entries = tuple(make(decisions) for make in makers)
            lines = (json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False) + "\n" for entry in entries)
            _append(descriptor, "".join(lines).encode())
            if fresh:
                _keep_name(path.parent)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ReadError(
            path, f"the log cannot be written ({error.strerror}); free space or check its rights"
        ) from error
    return entries


def _entry(verdict: Verdict, old: str, new: str, by: tuple[str, str], scope: str, *, undone: bool = False) -> Override:
    reason, who = by
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
        scope=scope,
        undone=undone,
    )


def _append(descriptor: int, line: bytes) -> None:
    """Append a complete line, even after a truncated one."""
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
