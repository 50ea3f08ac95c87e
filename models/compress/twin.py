"""The float twin of a checkpoint that has no maps of its own: the one that it was made from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from models.checkpoints import Checkpoint, checkpoints_root, list_checkpoints, load_checkpoint
from models.errors import CheckpointError


def float_twin(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint that maps are made with: itself, or for one of onnxruntime the original in torch.

    The twin is found by the hash of its weights, under its own name or any other, among the checkpoints or beside the
    lighter one.

    Raises:
        CheckpointError: the original is not there.
    """
    seen = checkpoint
    while seen.card.format != "torch":
        seen = _original(seen.name, seen.folder.parent, seen.card.original, checkpoints_root())
    return seen


def twin_sentence(checkpoint: Checkpoint) -> str:
    """What a page says beside a map that another network than the answering one has made; empty where it is the same.

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
def _original(name: str, beside: Path, original: object, root: Path) -> Checkpoint:
    for folder in dict.fromkeys((root, beside)):
        for summary in list_checkpoints(folder):
            if summary.card is not None and original and summary.card.weights_sha256 == original.sha256:
                return load_checkpoint(summary.folder)
    wanted = f"{original.name} ({original.sha256[:8]})" if original else "which its card does not name"
    raise CheckpointError(
        name, f"runs by onnxruntime and has no maps; its original {wanted} is needed for them: copy it to {root.name}/"
    )
