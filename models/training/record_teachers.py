"""Teachers of a training on whole recordings: checkpoints whose answers are learned beside the labels.

One that reads the same input answers each window as the student sees it. Any other (samples for a network of pictures)
has been asked once for each recording, and its calibrated answer is looked up.
"""

from __future__ import annotations

import numpy as np
import torch

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import RecordTrainConfig
from models.data.recordings import Prepared, RecordingSplit, prepare
from models.errors import ConfigError
from models.record_evaluation import predict_prepared
from models.tasks.record_metrics import calibrated


def teaching(
    config: RecordTrainConfig, split: RecordingSplit, train: Prepared
) -> tuple[tuple[Checkpoint, ...], torch.Tensor | None]:
    """Teachers that see what the student sees, and the mean answer of the others, float32 (n, n_classes) or None.

    Raises:
        ConfigError: a teacher with other labels. CheckpointError: one that cannot be loaded.
    """
    teachers = [_teacher(name, config) for name in config.loss.teachers]
    beside = tuple(teacher for teacher in teachers if teacher.task == config.task)
    if len(beside) == len(teachers):
        return beside, None
    if beside:
        raise ConfigError("loss.teachers", "some read the student's input and some another; name those of one kind")
    place = {row.name: number for number, row in enumerate(train.rows)}
    answers = np.zeros((len(teachers), *train.targets.shape))
    for number, teacher in enumerate(teachers):
        data = prepare(split.sides["train"], teacher.task)
        prob = calibrated(predict_prepared(teacher, data), teacher.card.calibration)
        found = {row.name: answer for row, answer in zip(data.rows, prob, strict=True)}
        answers[number] = train.targets  # where a teacher could not read a recording, the labels
        for name, answer in found.items():
            if name in place:
                answers[number, place[name]] = answer
    return (), torch.from_numpy(answers.mean(axis=0).astype(np.float32))


def _teacher(name: str, config: RecordTrainConfig) -> Checkpoint:
    teacher = load_checkpoint(name)
    if teacher.card.kind != "record" or teacher.card.classes != config.task.classes:
        raise ConfigError("loss.teachers", f"{teacher.name} answers with other labels; choose one with the same target")
    return teacher
