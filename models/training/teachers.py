"""Teachers of a training: checkpoints whose answers are learned beside the labels. One rule says which will do, before
a training starts and when it does."""

from __future__ import annotations

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import ImageTrainConfig, RecordTrainConfig, TrainConfig
from models.core.errors import CheckpointError, ConfigError


def load_teachers(config: TrainConfig) -> tuple[Checkpoint, ...]:
    """The teachers that a configuration names.

    For beats each reads the same input. For whole recordings each has the same labels; either all of them read the
    student's input or none does.

    Raises:
        ConfigError: one cannot be loaded, or will not do.
    """
    if isinstance(config, ImageTrainConfig):
        return ()
    try:
        teachers = tuple(load_checkpoint(name) for name in config.loss.teachers)
    except CheckpointError as error:
        raise ConfigError("loss.teachers", str(error)) from error
    if isinstance(config, RecordTrainConfig):
        _same_labels(config, teachers)
        return teachers
    for teacher in teachers:
        if teacher.task != config.task:
            raise ConfigError(
                "loss.teachers", f"{teacher.name} reads another input; choose one trained with the same task"
            )
    return teachers


def _same_labels(config: RecordTrainConfig, teachers: tuple[Checkpoint, ...]) -> None:
    for teacher in teachers:
        if teacher.card.kind != "record" or teacher.card.classes != config.task.classes:
            raise ConfigError(
                "loss.teachers", f"{teacher.name} answers with other labels; choose one with the same target"
            )
    if len({teacher.task == config.task for teacher in teachers}) > 1:
        raise ConfigError("loss.teachers", "some read the student's input and some another; name those of one kind")
