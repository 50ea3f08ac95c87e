"""Promotes a run's checkpoint to those that the dashboard offers, and takes a promotion back.

Promoted checkpoints lie below ECGVIZ_HOME, beside the history of those that they replaced and a log of who promoted
what and why; the folder of the program is never written to.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.checkpoints import (
    CARD,
    FEATURES,
    ONNX,
    SHEETS,
    WEIGHTS,
    Checkpoint,
    checkpoint_folder,
    load_checkpoint,
    note_metrics,
    promoted_root,
)
from models.compress.gate import Trial, Verdict, passed, require
from models.compress.job import stored_verdict
from models.core.errors import CheckpointError, ConfigError, ReadError
from models.core.files import folder_to_write, write_whole
from models.evaluation.operating_point import FILE as POINT

HISTORY = ".history"
LOG = "promotions.jsonl"
_CHECKPOINT = "checkpoint"
_FILES = (WEIGHTS, ONNX, FEATURES, SHEETS, POINT, CARD)
"""Of a checkpoint; the card is written last: what lists checkpoints never sees half of one."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Promotion:
    """One line of the log of promotions.

    Attributes:
        time: ISO 8601, UTC.
        action: "promote" or "rollback".
        name: of the checkpoint.
        sha256: hash of the weights that answer under this name from now on; empty where none do.
        former_sha256: of those that did before; empty where none did.
        archived: number under which the former is kept in the history; 0 where nothing was replaced in this folder.
        who: name of the person.
        why: what the gate said, or why it was passed by, or why it was rolled back.
        source: folder of the run.
    """

    time: str
    action: str
    name: str
    sha256: str
    former_sha256: str
    archived: int
    who: str = ""
    why: str = ""
    source: str = ""


def finished(run_dir: Path) -> bool:
    """Whether a run has a checkpoint to promote."""
    return (_folder(run_dir) / CARD).is_file()


def run_checkpoint(run_dir: str | Path) -> Checkpoint:
    """The checkpoint of a run, by the run's folder or its own; or one by name.

    Raises:
        CheckpointError: there is none.
    """
    folder = _folder(Path(run_dir))
    return load_checkpoint(folder if (folder / CARD).is_file() else str(run_dir))


def taken(name: str) -> bool:
    """Whether a checkpoint name is in use."""
    return bool(_NAME.fullmatch(name)) and (checkpoint_folder(name) / CARD).is_file()


def promote(
    run_dir: str | Path,
    name: str | None = None,
    *,
    replace: bool = True,
    trial: Trial | None = None,
    who: str = "",
    why: str = "",
) -> Path:
    """Copy a run's checkpoint into :func:`models.checkpoints.promoted_root`; returns the new folder.

    What it replaces is kept in the history, and :func:`rollback` brings it back.

    Args:
        run_dir: folder of the run, or of its checkpoint.
        name: of the new checkpoint; by default the configuration's.
        replace: whether one of the same name gives way.
        trial: what a lighter checkpoint is held to; one that was trained needs none, and one that a job has judged is
            held to what the job found.
        who, why: for the log: the person, and what speaks for it.

    Raises:
        CheckpointError: the run has none that can be used, it cannot be written, or a lighter one does not pass.
        ConfigError: the name cannot be used, or a lighter one comes without trial.
    """
    source = _folder(Path(run_dir))
    checkpoint = load_checkpoint(source)
    name = name or checkpoint.card.config.get("name")
    if not name:
        raise ConfigError("name", "the run's card has none; give a name")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "name", f"{name!r} is no name for a checkpoint; use lower case letters, digits, dot, dash, underscore"
        )
    if not replace and taken(name):
        raise ConfigError("name", f"there is a checkpoint {name} already; choose another name, or replace it")
    target = promoted_root() / name
    try:
        folder_to_write(target)  # before the trial, which takes long
    except ReadError as error:
        raise CheckpointError(name, f"{error.fault} by ECGVIZ_HOME or ECGVIZ_CHECKPOINTS") from error
    verdict = None if checkpoint.card.original is None else _judged(source, checkpoint, trial)
    with _one_writer(target.parent):
        former = _sha256(checkpoint_folder(name))
        archived = _archive(target)
        _install(source, target)
        _note(target.parent, Promotion(_now(), "promote", name, checkpoint.sha256, former, archived, who, why,
                                       str(source)))  # fmt: skip
    if verdict is not None:
        note_metrics(target, "gate", verdict.metrics())
    return target


def promotions(name: str = "") -> list[Promotion]:
    """The log, oldest first; of one checkpoint where a name is given. A damaged line is left out."""
    try:
        lines = (promoted_root() / LOG).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            one = Promotion(**json.loads(line))
        except (ValueError, TypeError, RecursionError):
            continue
        if isinstance(one.archived, int):
            found.append(one)
    return [one for one in found if not name or one.name == name]


def standing(name: str) -> Promotion | None:
    """The last promotion of a name that was not rolled back: what :func:`rollback` would take back."""
    stack: list[Promotion] = []
    for one in promotions(name):
        if one.action == "promote":
            stack.append(one)
        elif stack:
            stack.pop()
    return stack[-1] if stack else None


def rollback(name: str, *, who: str = "", why: str = "") -> Promotion:
    """Take the last promotion of a checkpoint back: the former one answers again. Returns the line of the log.

    Raises:
        ConfigError: there is no promotion to take back.
        CheckpointError: the former one is gone, or cannot be written.
    """
    root = promoted_root()
    target = root / name
    with _one_writer(root):  # of two at once the second takes back what the first left
        last = standing(name)
        if last is None:
            raise ConfigError("name", f"no promotion of {name!r} can be taken back; see python -m models promotions")
        former = root / HISTORY / name / f"{last.archived:04d}"
        if last.archived and not (former / CARD).is_file():
            raise CheckpointError(name, f"cannot be rolled back: {former} is gone; restore it from a backup")
        removed = _sha256(target)
        archived = _archive(target)
        if last.archived:
            _install(former, target)
        else:  # nothing stood here before: a shipped one of the same name answers again, or none
            shutil.rmtree(target, ignore_errors=True)
        line = Promotion(_now(), "rollback", name, _sha256(checkpoint_folder(name)), removed, archived, who, why)
        _note(root, line)
    return line


def _install(source: Path, target: Path) -> None:
    """Copy the files of a checkpoint, each whole or not at all."""
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in _FILES:
            if (source / file).is_file():
                write_whole(target / file, (source / file).read_bytes())
            else:
                (target / file).unlink(missing_ok=True)  # what was there before may have had it
    except OSError as error:
        raise CheckpointError(target.name, f"cannot be written ({error.strerror}); see to {target.parent}") from error


def _archive(target: Path) -> int:
    """Keep what stands in a folder in the history; returns its number there, 0 where nothing does."""
    if not (target / CARD).is_file():
        return 0
    kept = target.parent / HISTORY / target.name
    number = 1 + max((int(one.name) for one in kept.glob("[0-9]*") if one.name.isdecimal()), default=0)
    _install(target, kept / f"{number:04d}")
    return number


def _note(root: Path, line: Promotion) -> None:
    try:
        with (root / LOG).open("a+b") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1))
            begin = b"\n" if stream.read(1) not in {b"", b"\n"} else b""  # the last line was cut off
            stream.write(begin + json.dumps(asdict(line), ensure_ascii=False).encode(errors="replace") + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise CheckpointError(line.name, f"{LOG} cannot be written ({error.strerror}); see to {root}") from error


@contextmanager
def _one_writer(root: Path) -> Iterator[None]:
    """Lock, so that two who promote at once take turns."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = (root / f".{LOG}.lock").open("w")
    except OSError as error:
        raise CheckpointError(root.name, f"cannot be written ({error.strerror}); see to its rights") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sha256(folder: Path) -> str:
    try:
        return str(json.loads((folder / CARD).read_text(encoding="utf-8"))["weights_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _judged(source: Path, lighter: Checkpoint, trial: Trial | None) -> Verdict:
    """The verdict of a lighter checkpoint that passes, reused from its job unless another trial is wanted."""
    found = stored_verdict(source.parent, lighter) if trial is None else None
    return require(lighter, trial) if found is None else passed(lighter, found)


def _folder(run_dir: Path) -> Path:
    return run_dir if (run_dir / CARD).is_file() else run_dir / _CHECKPOINT
