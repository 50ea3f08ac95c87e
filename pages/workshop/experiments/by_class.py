"""Metrics of each class of the ticked runs, beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from models.experiments.by_class import side_by_side
from models.experiments.runs import Run
from pages.parts import tables
from pages.workshop.experiments.keys import scope


def show(chosen: Sequence[Run], baseline: Run) -> None:
    """A row a run, the baseline's last."""
    runs = list({run.job.id: run for run in (*chosen, baseline)}.values())
    rows = side_by_side(runs)
    if not rows:
        st.caption("These runs keep no counts by class.")
        return
    table = pd.DataFrame(rows)
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in table if not name.endswith("cases")
               and name not in {"Run", "On"}}  # fmt: skip
    tables.dataframe(table, hide_index=True, key=scope("by_class"), column_config=numbers)
    lacking = sorted({name for run in runs for name in run.lacking})
    if lacking:
        st.warning(f"No case of {', '.join(lacking)} is held out: nothing is known of it.", icon=":material/warning:")
    st.caption("On validation data, which the epoch was chosen by.")
