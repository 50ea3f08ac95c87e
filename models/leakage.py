"""How much of a score on tables of single beats is leakage: one training on both splits, side by side on both cards.

    python -m models.leakage --random CHECKPOINT TABLES --patient CHECKPOINT TABLES

Tables that were split beat by beat hold each patient on both sides, so a network is scored on patients that it knows.
The same settings trained on tables that keep patients apart show what is left of the score for those it does not know;
the difference is what the first owes to knowing them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.checkpoints import Checkpoint, load_checkpoint, note_metrics
from models.errors import ConfigError, EcgvizError
from models.evaluation import evaluate
from models.experiments.fields import differences
from models.tasks.resampling import figure_text

TITLES = {"random": "split at random", "patient": "split by patient"}
LEAKAGE = "leakage"
_FIRST_WORDS = "Macro-F1 of N, S and V on tables"
_ELSEWHERE = ("data.", "device", "mlflow")
"""Settings that differ between the two trainings and change nothing of what is learned."""


def note_leakage(random: tuple[Checkpoint, Path], patient: tuple[Checkpoint, Path]) -> dict[str, Any]:
    """Score two checkpoints of one configuration, each on the test table of its own split, and tell both cards.

    Args:
        random: a checkpoint that was trained on tables split beat by beat, and their folder.
        patient: one that was trained on tables that keep patients apart, and theirs.

    Returns:
        Figures of both by :data:`TITLES`, and under :data:`LEAKAGE` the F1 of the first less that of the second, by
        class and as macro-F1, None where a class has no beat, with a sentence that says it; all of it stands in the
        metrics of both cards now, and the sentence in their limits.

    Raises:
        ConfigError: trainings of different settings, or tables of another split.
        ReadError: tables that cannot be read.
    """
    changed = [
        f"{path} ({one!r}, {other!r})"
        for path, (one, other) in differences(random[0].card.config, patient[0].card.config).items()
        if not path.startswith(_ELSEWHERE)
    ]
    if changed:
        raise ConfigError("patient", f"was trained otherwise: {', '.join(changed)}; train both with the same settings")
    found: dict[str, Any] = {}
    for split, (checkpoint, tables) in (("random", random), ("patient", patient)):
        result = evaluate(checkpoint, tables)
        if result.get("tables") != split:
            raise ConfigError(
                split, f"{checkpoint.name} on {Path(tables).name} is not scored {TITLES[split]}; name the tables that "
                "it was trained on, in this order"
            )  # fmt: skip
        found[TITLES[split]] = _entry(result)
    found[LEAKAGE] = _difference(*(found[title]["scores"] for title in TITLES.values()))
    for checkpoint, _ in (random, patient):
        limits = [limit for limit in checkpoint.card.limits if not limit.startswith(_FIRST_WORDS)]
        for key, figures in found.items():
            note_metrics(checkpoint.folder, key, figures, limits=(*limits, found[LEAKAGE]["sentence"]))
    return found


def _entry(result: dict[str, Any]) -> dict[str, Any]:
    return result["pooled"] | {
        "positions": result["positions"],
        "calibration": result["calibration"],
        "data": result["data"],
        "checkpoint_sha256": result["checkpoint_sha256"],
    }


def _difference(random: dict[str, Any], patient: dict[str, Any]) -> dict[str, Any]:
    lost = {
        name: None if None in (random[name]["value"], patient[name]["value"])
        else random[name]["value"] - patient[name]["value"]
        for name in random if name.endswith("f1")
    }  # fmt: skip
    owed = lost["macro_f1"]
    said = "leakage cannot be told" if owed is None else "none of the first shows as leakage"
    if owed is not None and owed > 0:
        said = f"{owed:.3f} of the first is leakage, knowing the patients' other beats"
    sentence = (
        f"{_FIRST_WORDS} split at random {figure_text(random['macro_f1'])}, by patient "
        f"{figure_text(patient['macro_f1'])}, of one configuration trained on each: {said}."
    )
    return {"f1_lost": lost, "sentence": sentence}


def main(arguments: Sequence[str] | None = None) -> int:
    """Score both and write both cards; returns the exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="python -m models.leakage", description=__doc__.split("\n")[0])
    for split, title in TITLES.items():
        parser.add_argument(
            f"--{split}", nargs=2, required=True, metavar=("CHECKPOINT", "TABLES"),
            help=f"a checkpoint that was trained on tables {title}, and their folder",
        )  # fmt: skip
    options = parser.parse_args(arguments)
    try:
        pairs = [(load_checkpoint(name), Path(tables)) for name, tables in (options.random, options.patient)]
        found = note_leakage(*pairs)
    except EcgvizError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    for title in TITLES.values():
        scores = found[title]["scores"]
        cells = [f"{name} {figure_text(scores[f'{name}_f1'])}" for name in pairs[0][0].card.classes]
        sys.stdout.write(f"{title}: F1  {'  '.join(cells)}  macro-F1 {figure_text(scores['macro_f1'])}\n")
    sys.stdout.write(found[LEAKAGE]["sentence"] + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
