# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Paired comparison of two runs, case by case."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.training import confusion_figure
from ecgviz.operator import confine
from models.config import make_config
from models.core.callbacks import Progress, ShouldStop
from models.experiments.paired import Paired, compare
from models.experiments.predictions import Predictions, common_cases, predict
from models.experiments.runs import Run
from pages.parts import progress, tables
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.workshop import appearance
from pages.workshop.experiments.keys import scope

_SIDES = {"validation": "what the epoch was chosen by", "test": "what was kept apart"}
_MOST_CASES = 500


@dataclass(frozen=True)
class Compared:
    """Two compared runs with their predictions."""

    paired: Paired
    first: Predictions
    second: Predictions


@st.cache_resource(max_entries=12, show_spinner=False)
def _comparing(
    _first: Run, _second: Run, first_folder: str, second_folder: str, stamps: tuple, side: str
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> Compared:
        configs = [make_config(confine(run.job.config)) for run in (_first, _second)]
        cases = common_cases(*configs, side)
        found = []
        for number, (run, config) in enumerate(zip((_first, _second), configs, strict=True)):

            def told(done: int, total: int, note: str, number: int = number) -> None:
                if should_stop():
                    raise EcgvizError("The comparison was stopped; compare again.")
                tell(number * total + done, 2 * total, "Asking both networks")

            found.append(predict(run.folder, config, cases, progress=told))
        tell(99, 100, "Resampling")
        return Compared(compare(*found), *found)

    return BackgroundCall(compute)


def show(baseline: Run, other: Run) -> None:
    """Paired comparison of two finished runs."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        side = st.segmented_control(
            "Cases", list(_SIDES), default="validation", required=True, key=scope("compare_side"),
            format_func=_SIDES.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
        asked = st.button("Compare", icon=":material/compare:", key=scope("compare"), type="primary",
                          help="Both networks answer the same cases, none of which either was trained on.")  # fmt: skip
    pair = (baseline.job.id, other.job.id, side)
    if asked:
        st.session_state[scope("compared")] = pair
    if st.session_state.get(scope("compared")) != pair:
        st.caption(f"**{other.job.name}** against **{baseline.job.name}**: Compare asks both on the same cases.")
        return
    folders = (str(baseline.folder), str(other.folder))
    stamps = tuple(Path(folder, "card.json").stat().st_mtime_ns for folder in folders)
    arguments = (baseline, other, *folders, stamps, side)
    call = _comparing(*arguments)
    if not call.wait(1.0):
        progress.bar(call, "Comparing", scope("comparing"))
        return
    if call.error is not None:
        st.error(str(call.error))
        _comparing.clear(*arguments)
        return
    _result(call.result, baseline.job.name, other.job.name)


def _result(found: Compared, first: str, second: str) -> None:
    paired = found.paired
    words = {"macro_f1": "Macro-F1", "auroc": "Area under the ROC curve"}[paired.metric]
    units = "records" if paired.metric == "macro_f1" else "groups"
    with st.container(horizontal=True, key=styled("metrics")):
        st.metric(f"{words}, {first}", f"{paired.first:.3f}", width="content")
        st.metric(f"{words}, {second}", f"{paired.second:.3f}", width="content")
        st.metric("Difference", f"{paired.difference:+.3f}", width="content")
        st.metric("95% interval", _interval(paired), width="content", help=f"From resampling whole {units}.")
        st.metric(
            "Cases",
            f"{paired.cases:,} of {paired.groups:,} {units if paired.groups > 1 else units[:-1]}",
            width="content",
        )
        st.metric("McNemar", f"p = {paired.p_value:.2g}", width="content",
                  help="Chance of so uneven a split, were both equally good and the cases independent. Beats of one "
                  "recording are not: trust the interval.")  # fmt: skip
    st.markdown(_verdict(paired, second))
    tables.dataframe(
        pd.DataFrame(
            {
                "": [f"{first} right", f"{first} wrong"],
                f"{second} right": [paired.both_right, paired.only_second],
                f"{second} wrong": [paired.only_first, paired.both_wrong],
            }
        ),
        hide_index=True, key=scope("mcnemar"),
    )  # fmt: skip
    left, right = st.columns(2)
    for column, name, counts in ((left, first, paired.confusion_first), (right, second, paired.confusion_second)):
        with column:
            st.markdown(f"**{name}**")
            st.plotly_chart(
                confusion_figure(counts.tolist(), found.first.classes, theme=appearance.theme()), theme=None,
                key=scope("confusion", column is right), config={"displayModeBar": False},
                alt=f"Confusion matrix of {name}",
            )  # fmt: skip
    _changed(found, first, second)


def _interval(paired: Paired) -> str:
    return "–" if paired.interval is None else f"{paired.interval[0]:+.3f} to {paired.interval[1]:+.3f}"


def _verdict(paired: Paired, second: str) -> str:
    if paired.interval is None:
        return "All cases are of one record or group: nothing can be said of others."
    low, high = paired.interval
    if low > 0:
        return f"**{second}** is better: the whole interval lies above zero."
    if high < 0:
        return f"**{second}** is worse: the whole interval lies below zero."
    return "No difference is shown: the interval holds zero."


def _changed(found: Compared, first: str, second: str) -> None:
    chosen, classes = found.paired.changed, found.first.classes
    with st.expander(f"{len(chosen):,} cases that they answered differently"):
        rows = [
            {
                "Case": found.first.case[place],
                "Truth": classes[found.first.truth[place]],
                first: f"{classes[found.first.predicted[place]]} {found.first.prob[place].max():.2f}",
                f"{second} ": f"{classes[found.second.predicted[place]]} {found.second.prob[place].max():.2f}",
            }
            for place in chosen[:_MOST_CASES]
        ]
        if rows:
            tables.dataframe(
                pd.DataFrame(rows), hide_index=True, key=scope("changed"), height=min(35 * (len(rows) + 1) + 2, 360)
            )
        if len(chosen) > _MOST_CASES:
            st.caption(f"The first {_MOST_CASES}.")
