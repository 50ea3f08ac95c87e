"""Classifies a picture of an ECG on paper; out of distribution, the labels are withheld.

A network that was trained on sheets of one style answers on others all the same, and wrongly (of foreign normal sheets
it calls almost all abnormal): such a picture has no labels here, whoever asks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ecgviz.analysis.records import LabelAnalysis, refer_reasons
from ecgviz.notices import Notice, Weight, in_order
from models.checkpoints import DEFAULT_PAPER_CHECKPOINT, Card, Checkpoint
from models.core.errors import ConfigError
from models.evaluation.record_pictures import PictureAnswer, classify_picture
from models.evaluation.records import require_record
from readers.paper.pictures import EcgPicture

UNLIKE = (
    "This picture is unlike the sheets that the network was trained on (3x4 leads and a rhythm strip, in ecgviz's own "
    "drawing), so its labels are withheld. Open the recording's samples instead, such as WFDB, DICOM, EDF or CSV; "
    "a sheet on its side or upside down can be turned first."
)
UNKNOWN = (
    "Whether this picture is like the training sheets is not known: the checkpoint holds no figures for that "
    "(python -m models sheets makes them), so do not trust the labels of a sheet from elsewhere."
)
HANDLED = {
    "turned": "of those on their side, upside down or mirrored",
    "parts": "of cut ones",
    "screenshots": "of those in a window on a screen",
}
"""What can be wrong with a sheet of the right style, by its name in the card's metrics."""
TOLD_FROM = 0.05


@dataclass(frozen=True)
class PictureAnalysis(LabelAnalysis):
    """Analysis of a picture of an ECG.

    Attributes:
        answer: with the picture as the network saw it, without labels where they are withheld; see
            :class:`models.evaluation.record_pictures.PictureAnswer`.
        seconds: wall-clock seconds of the steps: load, classify.
        warnings: sentences that must stay visible beside the result.
    """

    answer: PictureAnswer
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def withheld(self) -> str | None:
        """Why the labels are withheld, in a sentence or two; None where they are given."""
        return UNLIKE if self.answer.unlike else None


def analyse_picture(picture: EcgPicture, checkpoint: Checkpoint) -> PictureAnalysis:
    """Classify a picture, on the device of the checkpoint's network.

    Args:
        picture: from :func:`readers.paper.pictures.open_picture`.
        checkpoint: of task kind record, that reads ECG paper.

    Raises:
        CheckpointError: a checkpoint for something else than recordings.
        ConfigError: one that reads no paper.
    """
    require_paper(checkpoint, picture.name)
    started = time.perf_counter()
    answer = classify_picture(checkpoint, picture.pixels)
    refer = refer_reasons(answer, checkpoint.card.calibration.get("refer_from"))
    warnings = picture.warnings
    if answer.unlike:
        answer, refer = answer.without_labels(), ("The picture is unlike the training sheets.",)
        warnings = (*warnings, Notice(UNLIKE, Weight.UNSURE))
    elif answer.distance is None:
        warnings = (*warnings, Notice(UNKNOWN, Weight.UNSURE))
    else:
        warnings = (*warnings, *_what_passes(checkpoint.card))
    return PictureAnalysis(
        answer=answer,
        refer=refer,
        checkpoint=checkpoint.name,
        checkpoint_sha256=checkpoint.sha256,
        device=str(next(checkpoint.network.parameters()).device),
        seconds={"classify": time.perf_counter() - started},
        warnings=in_order(warnings),
    )


def _what_passes(card: Card) -> list[Notice]:
    """The miss rate of the out-of-distribution check for this checkpoint, from its card's metrics."""
    found = card.metrics.get("sheets", {}).get("foreign found", {})
    missed = {words: 1 - found[name]["value"] for name, words in HANDLED.items() if name in found}
    told = ", ".join(f"{share:.0%} {words}" for words, share in missed.items() if share > TOLD_FROM)
    if not told:
        return []
    sentence = "Open whole, upright sheets only: the check for unlike pictures lets through"
    return [Notice(f"{sentence} {told}, and labels of these mean nothing.", Weight.NOTE)]


def reads_paper(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint reads pictures of ECG paper."""
    return checkpoint.task.reads_paper


def require_paper(checkpoint: Checkpoint, name: str) -> None:
    """Refuse a checkpoint that does not read pictures of ECG paper.

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
