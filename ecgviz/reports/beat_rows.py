"""Tables of single beats and what was said of them: as a table, as JSON and as lines for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecgviz.analysis.beat_rows import RowAnswers
from models.checkpoints import STATEMENT
from models.core.files import write_file
from models.core.words import counted

if TYPE_CHECKING:
    import pandas as pd


def row_table(answers: RowAnswers) -> pd.DataFrame:
    """One line a row: row (from 1), label, probability, prob_<class> ..., and stated, where the table states classes.

    A row without an answer has an empty label and no probabilities (NaN).
    """
    import pandas as pd

    columns = {"row": np.arange(1, len(answers) + 1), "label": answers.label}
    if answers.stated is not None:
        columns["stated"] = answers.stated
    columns["probability"] = answers.confidence.astype(float)
    columns |= {f"prob_{name}": answers.prob[:, index].astype(float) for index, name in enumerate(answers.classes)}
    return pd.DataFrame(columns)


def confusion_table(answers: RowAnswers) -> pd.DataFrame | None:
    """Classes that the table states (index) against the answers (columns); None where it states none."""
    import pandas as pd

    if answers.confusion is None:
        return None
    names = list(answers.classes)
    return pd.DataFrame(answers.confusion, pd.Index(names, name="stated"), names)


def rows_csv(answers: RowAnswers) -> str:
    """The table as CSV text, probabilities to 4 places."""
    return row_table(answers).round(4).to_csv(index=False, lineterminator="\n")


def write_rows_csv(answers: RowAnswers, path: Path) -> None:
    """Write the CSV file whole or not at all."""
    write_file(path, rows_csv(answers))


def rows_document(answers: RowAnswers) -> dict[str, Any]:
    """The answers ready for JSON: one entry a row, its ``label`` and ``prob`` None where it has no answer."""
    stated, confusion = answers.stated, answers.confusion
    known = answers.answered
    return {
        "record": answers.rows.name,
        "format": answers.rows.format,
        "is": answers.rows.sentence,
        "checkpoint": answers.checkpoint,
        "device": answers.device,
        "classes": list(answers.classes),
        "counts": answers.counts,
        "confusion": None if confusion is None else confusion.tolist(),
        "seconds": {name: round(value, 4) for name, value in answers.seconds.items()},
        "warnings": list(answers.warnings),
        "statement": STATEMENT,
        "rows": [
            {"row": number + 1, "label": str(label) if known[number] else None}
            | ({} if stated is None else {"stated": str(stated[number]) or None})
            | {"prob": _named(answers.classes, answers.prob[number]) if known[number] else None}
            for number, label in enumerate(answers.label)
        ],
    }


def render_rows(answers: RowAnswers) -> str:
    """Counts by class and, where the table states classes, how they agree, in lines for people."""
    counts = ", ".join(f"{name} {count:,}" for name, count in answers.counts.items())
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in answers.seconds.items())
    lines = [
        f"{answers.rows.name}: {answers.rows.sentence}",
        f"{counted(int(answers.answered.sum()), 'row')} classified: {counts}",
    ]
    if (table := confusion_table(answers)) is not None:
        lines += ["stated (down) and answered (across):", table.to_string(), agreement(answers)]
    return "\n".join([*lines, f"{answers.checkpoint} on {answers.device}; {seconds}"])


def agreement(answers: RowAnswers) -> str:
    """How often table and network say the same, in one line; "" where the table states nothing."""
    counts = answers.confusion
    if counts is None or not counts.sum():
        return ""
    hit, total = int(np.trace(counts)), int(counts.sum())
    return f"{hit:,} of {counted(total, 'row')} with the class that the table states ({hit / total:.1%})"


def _named(classes: tuple[str, ...], prob: np.ndarray) -> dict[str, float]:
    return {name: round(float(p), 5) for name, p in zip(classes, prob, strict=True)}
