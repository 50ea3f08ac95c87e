"""Measures leakage in scores on tables of single beats: the same training on both splits, entered in both cards.

    python -m models leakage --random CHECKPOINT TABLES --patient CHECKPOINT TABLES

Tables that were split beat by beat hold each patient on both sides, so a network is scored on patients that it knows.
The same settings trained on tables that keep patients apart show what is left of the score for those it does not know;
the difference is what the first owes to knowing them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.checkpoints import Checkpoint, note_metrics
from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.evaluation.beats import card_entry, evaluate
from models.experiments.fields import differences
from models.metrics.resampling import metric_text

TITLES = {"random": "split at random", "patient": "split by patient"}
LEAKAGE = "leakage"
_FIRST_WORDS = "Macro-F1 of N, S and V on tables"
_ELSEWHERE = ("data.", "device", "mlflow")
"""Settings that differ between the two trainings and change nothing of what is learned."""


def note_leakage(
    random: tuple[Checkpoint, Path],
    patient: tuple[Checkpoint, Path],
    *,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Score two checkpoints of one configuration, each on the test table of its own split, and enter both scores in
    both cards.

    Args:
        random: a checkpoint that was trained on tables split beat by beat, and their folder.
        patient: one that was trained on tables that keep patients apart, and theirs.
        progress: told tables done, tables in all, their split.

    Returns:
        Metrics of both by :data:`TITLES`, and under :data:`LEAKAGE` the F1 of the first less that of the second, by
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
    for number, (split, (checkpoint, tables)) in enumerate((("random", random), ("patient", patient))):
        result = evaluate(checkpoint, tables)
        if result.get("tables") != split:
            raise ConfigError(
                split, f"{checkpoint.name} on {Path(tables).name} is not scored {TITLES[split]}; name the tables that "
                "it was trained on, in this order"
            )  # fmt: skip
        found[TITLES[split]] = card_entry(result) | {
            "data": result["data"],
            "checkpoint_sha256": result["checkpoint_sha256"],
        }
        if progress is not None:
            progress(number + 1, len(TITLES), TITLES[split])
    found[LEAKAGE] = _difference(*(found[title]["scores"] for title in TITLES.values()))
    for checkpoint, _ in (random, patient):
        limits = [limit for limit in checkpoint.card.limits if not limit.startswith(_FIRST_WORDS)]
        for key, metrics in found.items():
            note_metrics(checkpoint.folder, key, metrics, limits=(*limits, found[LEAKAGE]["sentence"]))
    return found


def render(found: dict[str, Any]) -> str:
    """The result of :func:`note_leakage` as text: F1 by class of both splits, and the leakage."""
    lines = []
    for title in TITLES.values():
        scores = found[title]["scores"]
        cells = [f"{key.removesuffix('_f1')} {metric_text(scores[key])}" for key in scores if key.endswith("_f1")]
        lines.append(f"{title}: F1  {'  '.join(cells)}")
    return "\n".join([*lines, found[LEAKAGE]["sentence"]])


def _difference(random: dict[str, Any], patient: dict[str, Any]) -> dict[str, Any]:
    lost = {
        name: None if None in (random[name]["value"], patient[name]["value"])
        else random[name]["value"] - patient[name]["value"]
        for name in random if name.endswith("_f1")
    }  # fmt: skip
    owed = lost["macro_f1"]
    finding = "leakage cannot be told" if owed is None else "none of the first shows as leakage"
    if owed is not None and owed > 0:
        finding = f"{owed:.3f} of the first is leakage, knowing the patients' other beats"
    sentence = (
        f"{_FIRST_WORDS} split at random {metric_text(random['macro_f1'])}, by patient "
        f"{metric_text(patient['macro_f1'])}, of one configuration trained on each: {finding}."
    )
    return {"f1_lost": lost, "sentence": sentence}
