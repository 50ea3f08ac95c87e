"""Lighter forms as jobs: make, compare with the original, measure, and promote or refuse.

All that a page shows of it is in the run's folder, so nothing is computed again to look at it or to promote it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.checkpoints import Checkpoint, write_whole
from models.compress.gate import Trial, Verdict, compare
from models.compress.make import TUNED, TUNING, LighterConfig, make
from models.compress.measure import measure
from models.compress.predictions import Data, predict_labels
from models.compress.twin import originals

if TYPE_CHECKING:
    from models.training.context import RunContext

RESULT = "lighter.json"
CHECKPOINT = "checkpoint"
TUNING_PART = 0.6
"""Share of a job that a fine-tuning is shown as; asking and timing are the rest."""
_TIMING_PART = 0.85


@dataclass(frozen=True)
class Result:
    """Result of a lighter form's job.

    Attributes:
        rows: metrics of the original and of the form, as :func:`models.compress.measure.measure` gives them.
        verdict: the gate's.
        original_sha256, sha256: of the weights that were judged.
    """

    rows: tuple[dict[str, Any], dict[str, Any]]
    verdict: Verdict
    original_sha256: str
    sha256: str


def run_lighter(wanted: LighterConfig, context: RunContext, progress: Callable[[float, str], None]) -> Path:
    """Make, compare and measure a lighter form; returns the folder of its checkpoint. Writes ``lighter.json``.

    Args:
        wanted: the request.
        context: where, and who may stop a fine-tuning.
        progress: called with the share of the whole that is done, and what is being done.

    Raises:
        CheckpointError, ConfigError, ReadError: it cannot be made or judged.
        StoppedError: a fine-tuning was asked to stop.
    """
    folder = context.run_dir / CHECKPOINT
    begun = TUNING_PART if wanted.method in TUNED else 0.1
    progress(0.0, "preparing")
    lighter = make(wanted, folder, replace(context, run_dir=context.run_dir / TUNING))
    *_, original = originals(lighter)
    predictions = []
    for number, one in enumerate((original, lighter)):

        def asked(done: int, total: int, _: str, number: int = number) -> None:
            share = (number + done / max(total, 1)) / 2
            progress(begun + (_TIMING_PART - begun) * share, f"asking {('the original', 'the lighter form')[number]}")

        predictions.append(predict_labels(one, wanted.trial.data, progress=asked))
    verdict = compare(predictions[0], predictions[1], original.name, f"{original.name}-{wanted.method}", wanted.trial)

    def timing(done: int, total: int, note: str) -> None:
        progress(_TIMING_PART + (0.99 - _TIMING_PART) * done / total, note)

    rows = measure((original, lighter), predictions, progress=timing)
    rows[1]["name"] = verdict.lighter
    content = {
        "rows": rows, "verdict": verdict.metrics(), "original_sha256": original.sha256, "sha256": lighter.sha256
    }  # fmt: skip
    write_whole(context.run_dir / RESULT, (json.dumps(content, indent=1) + "\n").encode())
    return folder


def read_result(run_dir: Path) -> Result | None:
    """The result of a job; None before it has one."""
    try:
        found = json.loads((run_dir / RESULT).read_text(encoding="utf-8"))
        rows, metrics = found["rows"], found["verdict"]
        interval = metrics["difference_interval95"]
        verdict = Verdict(
            rows[0]["name"],
            rows[1]["name"],
            metrics["figure"],
            metrics["original"],
            metrics["lighter"],
            None if interval is None else (interval[0], interval[1]),
            metrics["labels"],
            tuple(metrics["changed"]),
            Trial(Data("", split=metrics["split"]), metrics["tolerance"], metrics["most_changed"]),
        )
        return Result((rows[0], rows[1]), verdict, found["original_sha256"], found["sha256"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def stored_verdict(run_dir: Path, lighter: Checkpoint) -> Verdict | None:
    """The stored verdict for these two sets of weights; None where there is none.

    Raises:
        CheckpointError: the original is not there.
    """
    found = read_result(run_dir)
    if found is None or found.sha256 != lighter.sha256:
        return None
    *_, original = originals(lighter)
    return found.verdict if original.sha256 == found.original_sha256 else None
