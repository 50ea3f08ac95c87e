"""Beats as a table: for the page a DataFrame, for others a CSV file with the same columns."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ecgviz.results import Beats
from models.files import write_file

if TYPE_CHECKING:
    import pandas as pd


def beat_table(beats: Beats) -> pd.DataFrame:
    """One row a beat: sample, time_s, label, prob_<class> ..., entropy (bit), rr_before_ms, rr_after_ms.

    RR is missing (NaN) before the first beat and after the last.
    """
    import pandas as pd

    columns = {"sample": beats.sample, "time_s": beats.time_s, "label": beats.label}
    columns |= {f"prob_{name}": beats.prob[:, index] for index, name in enumerate(beats.classes)}
    columns |= {"entropy": beats.entropy, "rr_before_ms": beats.rr_before_ms, "rr_after_ms": beats.rr_after_ms}
    return pd.DataFrame(columns)


def beats_csv(beats: Beats) -> str:
    """The table as CSV text, times to 0.1 ms, probabilities to 4 places; an RR that does not exist is empty."""
    table = beat_table(beats)
    places = {"time_s": 4, "entropy": 4, "rr_before_ms": 1, "rr_after_ms": 1}
    places |= {name: 4 for name in table.columns if name.startswith("prob_")}
    # float32 probabilities would print their binary tail, so they are widened before they are rounded.
    table = table.astype(dict.fromkeys(places, "float64")).round(places)
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    return buffer.getvalue()


def write_beats_csv(beats: Beats, path: str | os.PathLike[str]) -> Path:
    """Write the CSV file whole or not at all and give its path. The folder is made if need be.

    Raises:
        ReadError: it cannot be written.
    """
    return write_file(path, beats_csv(beats))
