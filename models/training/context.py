"""What a training needs from whoever started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKPOINT = "checkpoint"
"""Folder of the checkpoint inside the run's."""


def _silent(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
    """Report to nobody."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class RunContext:
    """Where a run writes, whom it tells and who may stop it.

    Attributes:
        run_dir: folder of the run: config, metrics, log, checkpoint, TensorBoard events.
        report: called after each epoch with its number from 1, the epochs wanted and the figures so far.
        should_stop: asked after each batch; True ends the training at once, what was best so far is kept.
    """

    run_dir: Path
    report: Callable[[int, int, Mapping[str, float]], None] = _silent
    should_stop: Callable[[], bool] = _never
