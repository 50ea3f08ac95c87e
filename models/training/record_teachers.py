"""Distillation for whole recordings: teachers whose predictions are learned beside the labels.

One that reads the same input answers each window as the student sees it. Any other (samples for a network of pictures)
has been asked once for each recording, and its calibrated answer is looked up.
"""

from __future__ import annotations

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.config import RecordTrainConfig
from models.data.whole_recording_split import RecordingSplit
from models.data.whole_recordings import Prepared, prepare
from models.evaluation.records import predict_prepared, require_record
from models.metrics.records import calibrated
from models.training.teachers import load_teachers


def teaching(
    config: RecordTrainConfig, split: RecordingSplit, train: Prepared
) -> tuple[tuple[Checkpoint, ...], torch.Tensor | None]:
    """Teachers that read the student's input, and the mean prediction of the others, float32 (n, n_classes) or None.

    Raises:
        ConfigError: a teacher that will not do.
    """
    teachers = load_teachers(config)
    if all(teacher.task == config.task for teacher in teachers):
        return teachers, None
    place = {row.name: number for number, row in enumerate(train.rows)}
    teacher_prob = np.zeros((len(teachers), *train.targets.shape))
    for number, teacher in enumerate(teachers):
        data = prepare(split.sides["train"], require_record(teacher))
        prob = calibrated(predict_prepared(teacher, data), teacher.card.calibration)
        found = {row.name: answer for row, answer in zip(data.rows, prob, strict=True)}
        teacher_prob[number] = train.targets  # where a teacher could not read a recording, the labels
        for name, answer in found.items():
            if name in place:
                teacher_prob[number, place[name]] = answer
    return (), torch.from_numpy(teacher_prob.mean(axis=0).astype(np.float32))
