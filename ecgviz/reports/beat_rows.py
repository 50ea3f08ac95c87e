"""Predictions for tables of single beats as table, JSON and text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgviz.analysis.beat_rows import RowPredictions
from models.checkpoints import STATEMENT
from models.core.files import write_file
from models.core.words import counted

if TYPE_CHECKING:
    import pandas as pd


def row_table(predictions: RowPredictions) -> pd.DataFrame:
    """One line per row: row (from 1), label, probability, prob_<class> ..., and stated, where the table states classes.

    A row without an answer has an empty label and no probabilities (NaN).
    """
    import pandas as pd

    columns = {"row": np.arange(1, len(predictions) + 1), "label": predictions.label}
    if predictions.stated is not None:
        columns["stated"] = predictions.stated
    columns["probability"] = predictions.confidence.astype(float)
    columns |= {
        f"prob_{name}": predictions.prob[:, index].astype(float) for index, name in enumerate(predictions.classes)
    }
    return pd.DataFrame(columns)


def confusion_table(predictions: RowPredictions) -> pd.DataFrame | None:
    """Stated classes (index) against predicted ones (columns); None where none are stated."""
    import pandas as pd

    if predictions.confusion is None:
        return None
    names = list(predictions.classes)
    return pd.DataFrame(predictions.confusion, pd.Index(names, name="stated"), names)


def rows_csv(predictions: RowPredictions) -> str:
    """The table as CSV text, probabilities to 4 places."""
    return row_table(predictions).round(4).to_csv(index=False, lineterminator="\n")


def write_rows_csv(predictions: RowPredictions, path: Path) -> None:
    """Write the CSV file atomically."""
    write_file(path, rows_csv(predictions))


def rows_document(predictions: RowPredictions) -> dict[str, Any]:
    """The predictions ready for JSON: one entry per row, ``label`` and ``prob`` None without a prediction."""
    stated, confusion = predictions.stated, predictions.confusion
    known = predictions.answered
    return {
        "record": predictions.rows.name,
        "format": predictions.rows.format,
        "is": predictions.rows.sentence,
        "checkpoint": predictions.checkpoint,
        "device": predictions.device,
        "classes": list(predictions.classes),
        "counts": predictions.counts,
        "confusion": None if confusion is None else confusion.tolist(),
        "seconds": {name: round(value, 4) for name, value in predictions.seconds.items()},
        "warnings": list(predictions.warnings),
        "statement": STATEMENT,
        "rows": [
            {"row": number + 1, "label": str(label) if known[number] else None}
            | ({} if stated is None else {"stated": str(stated[number]) or None})
            | {"prob": _named(predictions.classes, predictions.prob[number]) if known[number] else None}
            for number, label in enumerate(predictions.label)
        ],
    }


def render_rows(predictions: RowPredictions) -> str:
    """Counts by class and, where the table states classes, the agreement, as text."""
    counts = ", ".join(f"{name} {count:,}" for name, count in predictions.counts.items())
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in predictions.seconds.items())
    lines = [
        f"{predictions.rows.name}: {predictions.rows.sentence}",
        f"{counted(int(predictions.answered.sum()), 'row')} classified: {counts}",
    ]
    if (table := confusion_table(predictions)) is not None:
        lines += ["stated (down) and answered (across):", table.to_string(), agreement(predictions)]
    return "\n".join([*lines, f"{predictions.checkpoint} on {predictions.device}; {seconds}"])


def agreement(predictions: RowPredictions) -> str:
    """Agreement of table and network, in one line; "" where the table states nothing."""
    counts = predictions.confusion
    if counts is None or not counts.sum():
        return ""
    hit, total = int(np.trace(counts)), int(counts.sum())
    return f"{hit:,} of {counted(total, 'row')} with the class that the table states ({hit / total:.1%})"


def _named(classes: tuple[str, ...], prob: np.ndarray) -> dict[str, float]:
    return {name: round(float(p), 5) for name, p in zip(classes, prob, strict=True)}
