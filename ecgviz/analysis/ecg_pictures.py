"""A picture of an ECG on paper classified: the probability of each label, and how unlike the training it looks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ecgviz.analysis.records import LabelAnalysis, refer_reasons
from ecgviz.readers.ecg_pictures import EcgPicture
from models.checkpoints import DEFAULT_PAPER_CHECKPOINT, Checkpoint
from models.errors import ConfigError
from models.record_evaluation import require_record
from models.record_pictures import PictureAnswer, classify_picture

UNLIKE = (
    "This picture is unlike the sheets that the network was trained on: its answer is not to be trusted. "
    "Open the recording itself where there is one."
)


@dataclass(frozen=True)
class PictureAnalysis(LabelAnalysis):
    """What a network says of a picture of an ECG.

    Attributes:
        answer: with the picture as the network saw it; see :class:`models.record_pictures.PictureAnswer`.
        seconds: wall-clock seconds of the steps: load, classify.
        warnings: sentences that must stay visible beside the result.
    """

    answer: PictureAnswer
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def analyse_picture(picture: EcgPicture, checkpoint: Checkpoint) -> PictureAnalysis:
    """Classify a picture, on the device where the checkpoint's network is.

    Args:
        picture: from :func:`ecgviz.readers.ecg_pictures.open_picture`.
        checkpoint: of task kind record, that reads ECG paper.

    Raises:
        CheckpointError: a checkpoint for something else than recordings.
        ConfigError: one that reads no paper.
    """
    require_paper(checkpoint, picture.name)
    started = time.perf_counter()
    answer = classify_picture(checkpoint, picture.pixels)
    refer = refer_reasons(answer, checkpoint.card.calibration.get("refer_from"))
    return PictureAnalysis(
        answer=answer,
        refer=(*refer, "The picture is unlike the training sheets.") if answer.unlike else refer,
        checkpoint=checkpoint.name,
        checkpoint_sha256=checkpoint.sha256,
        device=str(next(checkpoint.network.parameters()).device),
        seconds={"classify": time.perf_counter() - started},
        warnings=(*picture.warnings, *((UNLIKE,) if answer.unlike else ())),
    )


def reads_paper(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint reads pictures of ECG paper."""
    return checkpoint.task.kind == "record" and checkpoint.task.form == "paper"


def require_paper(checkpoint: Checkpoint, name: str) -> None:
    """Refuse a checkpoint that reads no pictures of ECG paper.

    Raises:
        CheckpointError: one for something else than recordings. ConfigError: one that reads recordings alone.
    """
    require_record(checkpoint)
    if not reads_paper(checkpoint):
        raise ConfigError(
            "checkpoint",
            f"{checkpoint.name} reads recordings, and {name} is a picture; choose one that reads ECG paper, "
            f"such as {DEFAULT_PAPER_CHECKPOINT}",
        )
