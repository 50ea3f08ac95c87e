"""Beats as a table: DataFrame for pages, CSV for files, with the same columns."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ecgviz.results import Beats
from models.core.files import write_file

if TYPE_CHECKING:
    import pandas as pd


def beat_table(beats: Beats) -> pd.DataFrame:
    """One row a beat: sample, time_s, label, prob_<class> ..., entropy (bit), rr_before_ms, rr_after_ms; where the
    checkpoint knows rhythms, also network_label (the class by the network alone) and rhythm. Of edited beats also
    label_before_edits and edit ("" where nobody decided).

    RR is missing (NaN) before the first beat, after the last and across a gap; rhythm is "" where none is known.
    """
    import pandas as pd

    columns = {"sample": beats.sample, "time_s": beats.time_s, "label": beats.label}
    if beats.rhythm_classes:
        columns |= {"network_label": beats.network_label, "rhythm": beats.rhythm}
    if beats.edits is not None:
        columns |= {"label_before_edits": beats.label_before_edits, "edit": beats.edits.words}
    columns |= {f"prob_{name}": beats.prob[:, index] for index, name in enumerate(beats.classes)}
    columns |= {"entropy": beats.entropy, "rr_before_ms": beats.rr_before_ms, "rr_after_ms": beats.rr_after_ms}
    return pd.DataFrame(columns)


def episode_table(beats: Beats) -> pd.DataFrame:
    """One row per episode: rhythm, start_s, end_s, duration_s, prob."""
    import pandas as pd

    rows = [(one.label, one.start_s, one.end_s, one.duration_s, one.prob) for one in beats.rhythms]
    return pd.DataFrame(rows, columns=["rhythm", "start_s", "end_s", "duration_s", "prob"])


def episodes_csv(beats: Beats) -> str:
    """Episodes as CSV text, times to 1 ms, probabilities to 4 places."""
    table = episode_table(beats).round({"start_s": 3, "end_s": 3, "duration_s": 3, "prob": 4})
    return table.to_csv(index=False, lineterminator="\n")


def beats_csv(beats: Beats) -> str:
    """Beats as CSV text, times to 0.1 ms, probabilities to 4 places; an undefined RR is empty."""
    table = beat_table(beats)
    places = {"time_s": 4, "entropy": 4, "rr_before_ms": 1, "rr_after_ms": 1}
    places |= {name: 4 for name in table.columns if name.startswith("prob_")}
    # float32 probabilities would print their binary tail, so they are widened before they are rounded.
    table = table.astype(dict.fromkeys(places, "float64")).round(places)
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def write_beats_csv(beats: Beats, path: str | os.PathLike[str]) -> Path:
    """Write the CSV file atomically and return its path; creates the folder.

    Raises:
        ReadError: it cannot be written.
    """
    return write_file(path, beats_csv(beats))
