"""Promotes a run's checkpoint to those that the dashboard offers."""

from __future__ import annotations

import re
from pathlib import Path

from models.checkpoints import (
    CARD,
    FEATURES,
    ONNX,
    SHEETS,
    WEIGHTS,
    Checkpoint,
    card_of,
    checkpoints_root,
    load_checkpoint,
    note_metrics,
)
from models.compress.gate import Trial, Verdict, passed, require
from models.compress.job import stored_verdict
from models.core.errors import CheckpointError, ConfigError, ReadError
from models.core.files import folder_to_write, write_whole
from models.metrics.beats import SCORED

_CHECKPOINT = "checkpoint"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def finished(run_dir: Path) -> bool:
    """Whether a run has a checkpoint to promote."""
    return (_folder(run_dir) / CARD).is_file()


def taken(name: str) -> bool:
    """Whether a checkpoint name is in use."""
    return (checkpoints_root() / name / CARD).is_file()


def cautions(run_dir: str | Path) -> tuple[str, ...]:
    """What is to be known before a run's checkpoint is promoted: classes that it never saw, or was never scored on.

    Raises:
        CheckpointError: the run has none that can be used.
    """
    card = card_of(_folder(Path(run_dir)))
    told = []
    if card.unlearnt:
        told.append(
            f"Its training data holds no case of {', '.join(card.unlearnt)}: pages and reports show them as not "
            "assessed. Train on data that has them if they are needed."
        )
    for title, part in card.metrics.items():
        found = part.get("confusion") if isinstance(part, dict) else None
        lacking = [
            name for name, row in zip(card.classes, found or (), strict=False) if not sum(row) and name in SCORED
        ]
        if lacking:
            told.append(
                f"{title[:1].upper() + title[1:]} holds no case of {', '.join(lacking)}: its macro-F1 is of the other "
                "classes alone."
            )
    return tuple(told)


def promote(run_dir: str | Path, name: str | None = None, *, replace: bool = True, trial: Trial | None = None) -> Path:
    """Copy weights and card of a run into the checkpoints folder; returns the new folder.

    The card is written last: what lists checkpoints never sees half of one.

    Args:
        run_dir: folder of the run, or of its checkpoint.
        name: of the new checkpoint; by default the configuration's.
        replace: whether one of the same name gives way.
        trial: what a lighter checkpoint is held to; one that was trained needs none, and one that a job has judged is
            held to what the job found.

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
    target = checkpoints_root() / name
    try:
        folder_to_write(target)  # before the trial, which takes long
    except ReadError as error:
        raise CheckpointError(name, f"{error.fault} by ECGVIZ_CHECKPOINTS") from error
    verdict = None if checkpoint.card.original is None else _judged(source, checkpoint, trial)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in (WEIGHTS, ONNX, FEATURES, SHEETS, CARD):
            if (source / file).is_file():
                write_whole(target / file, (source / file).read_bytes())
            else:
                (target / file).unlink(missing_ok=True)  # what was promoted before may have had it
    except OSError as error:
        raise CheckpointError(name, f"cannot be written ({error.strerror}); see to {target.parent}") from error
    if verdict is not None:
        note_metrics(target, "gate", verdict.metrics())
    return target


def _judged(source: Path, lighter: Checkpoint, trial: Trial | None) -> Verdict:
    """The verdict of a lighter checkpoint that passes, reused from its job unless another trial is wanted."""
    found = stored_verdict(source.parent, lighter) if trial is None else None
    return require(lighter, trial) if found is None else passed(lighter, found)


def _folder(run_dir: Path) -> Path:
    return run_dir if (run_dir / CARD).is_file() else run_dir / _CHECKPOINT
