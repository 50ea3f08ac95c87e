"""Finds the float original of a checkpoint without gradients, to make maps with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from models.checkpoints import Checkpoint, Original, checkpoints_root, list_checkpoints, load_checkpoint
from models.core.errors import CheckpointError


def float_twin(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint for maps: itself, or the torch original of an ONNX one.

    Raises:
        CheckpointError: the original is not there.
    """
    if checkpoint.card.format == "torch":
        return checkpoint
    return next(one for one in originals(checkpoint) if one.card.format == "torch")


def originals(checkpoint: Checkpoint) -> Iterator[Checkpoint]:
    """The chain of originals of a lighter checkpoint, ending with a trained one.

    Raises:
        CheckpointError: one of them is not there, or the cards lead round in a circle.
    """
    seen = {checkpoint.sha256}
    while True:
        checkpoint = original_of(checkpoint)
        if checkpoint.sha256 in seen:
            raise CheckpointError(checkpoint.name, "is named by its card as its own original; make it again")
        yield checkpoint
        if checkpoint.card.original is None:
            return
        seen.add(checkpoint.sha256)


def original_of(checkpoint: Checkpoint) -> Checkpoint:
    """The original of a lighter checkpoint.

    It is found by the hash of its weights, under its own name or any other, among the checkpoints or beside the
    lighter one.

    Raises:
        CheckpointError: it is not there, or the card names none.
    """
    return _original(checkpoint.name, checkpoint.folder.parent, checkpoint.card.original, checkpoints_root())


def twin_sentence(checkpoint: Checkpoint) -> str:
    """Notice for a map by another network than the predicting one; empty where it is the same.

    Raises:
        CheckpointError: as :func:`float_twin`.
    """
    twin = float_twin(checkpoint)
    if twin is checkpoint:
        return ""
    return (
        f"{checkpoint.name} runs by onnxruntime and has no maps. This map is of its float twin {twin.name}, which it "
        "was made from; the two may differ a little in what they answer."
    )


@lru_cache(maxsize=4)
def _original(name: str, beside: Path, original: Original | None, root: Path) -> Checkpoint:
    if original is None:
        raise CheckpointError(name, "is no lighter form of another checkpoint: its card names no original")
    for folder in dict.fromkeys((root, beside)):
        for summary in list_checkpoints(folder):
            if summary.card is not None and summary.card.weights_sha256 == original.sha256:
                return load_checkpoint(summary.folder)
    raise CheckpointError(
        name,
        f"needs its original {original.name} (weights {original.sha256[:8]}) for maps and comparisons, and it is not "
        f"there; copy it into the folder {root.name}",
    )
