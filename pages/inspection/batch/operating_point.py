"""Operating point of a batch: costs of both errors, threshold and grey zone, and performance on labelled files."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.operating_point import confusion_figure, cost_figure, precision_recall_figure, roc_figure
from models import Checkpoint
from models.evaluation.operating_point import ESCAPE_COST, OVERKILL_COST, PREVALENCE, OperatingPoint, choose, save
from models.evaluation.operating_scores import Performance, performance
from pages.inspection.batch import keys
from pages.inspection.batch.keys import scope
from pages.inspection.verdict import point_words
from pages.parts import appearance

CURVES = ("ROC", "Precision and recall", "Cost", "Confusion")
CURVE_PX = 270
Labelled = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray]


def show(checkpoint: Checkpoint, point: OperatingPoint, labels: Labelled, name: str, *, finished: bool) -> None:
    """Costs, the resulting operating point, its performance, and the button that applies it."""
    truth = labels[1]
    both = len(truth) and truth.any() and not truth.all()
    head = f"Operating point: threshold {point.threshold:.3f}, version {point.version}"
    # Its state is the server's: the browser would fold it whenever the threshold in its label changes.
    with st.expander(head, expanded=bool(both), icon=":material/tune:", key=scope("point_box"), on_change="rerun"):
        st.caption(point_words(point))
        with st.container(horizontal=True, key=scope("point_sides")):
            left, right = st.container(key=scope("point_left")), st.container(key=scope("point_right"))
        with left:
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                costs = _costs(point)
            proposed, fault = _proposed(labels, costs, name) if both else (None, _why_not(truth))
            with st.container(horizontal=True, vertical_alignment="center", gap="medium", key=scope("point_row")):
                _say(proposed)
                st.button(
                    "Apply", type="primary", icon=":material/save:", key=scope("point_save"), on_click=_save,
                    args=(checkpoint, proposed), disabled=proposed is None or not finished,
                    help="Saved with the checkpoint under a new version; every page, the command line and every report "
                    "judge by it from then on.",
                )  # fmt: skip
            if proposed is None:
                st.info(fault, icon=":material/info:")
                return
            if not finished:
                st.caption("It can be applied when all files are inspected.")
            _effect(point, proposed, labels)
        with right:
            _curves(proposed, labels, costs)


def _say(proposed: OperatingPoint | None) -> None:
    """The operating point for the costs, as text."""
    zone = "–"
    if proposed is not None:
        zone = "none" if proposed.grey_zone is None else "{:.3f} to {:.3f}".format(*proposed.grey_zone)
    st.metric("Threshold at these costs", "–" if proposed is None else f"{proposed.threshold:.3f}", width="content")
    st.metric("Grey zone, to review", zone, width="content")


def _costs(point: OperatingPoint) -> tuple[float, float, float]:
    escape = st.number_input(
        "An escape costs", 0.01, 1e9, point.escape_cost or ESCAPE_COST, key=keys.ESCAPE, persist_state="session",
        width=150, help="A defect that is passed, in any money.",
    )  # fmt: skip
    overkill = st.number_input(
        "An overkill costs", 0.01, 1e9, point.overkill_cost or OVERKILL_COST, key=keys.OVERKILL,
        persist_state="session", width=150, help="A good part that is rejected, in the same money.",
    )  # fmt: skip
    expected = st.number_input(
        "Defects expected, %", 0.001, 99.0, 100 * (point.prevalence or PREVALENCE), step=0.1,
        format="%.3f", key=keys.PREVALENCE, persist_state="session", width=150,
        help="Share of defects on the line, which is seldom that of a collection of pictures.",
    )  # fmt: skip
    return escape, overkill, expected / 100


def _why_not(truth: np.ndarray) -> str:
    if not len(truth):
        return (
            "A threshold is chosen on files whose truth is known: sort them into folders named normal and defect, or "
            "put a labels.csv with the columns file,label beside them. Until then the current point judges."
        )
    lacking = "defects" if not truth.any() else "good parts"
    return f"There are no {lacking} among the labelled files, so what a threshold costs cannot be known; add some."


@st.cache_data(max_entries=32, show_spinner=False)
def _chosen(
    scores: np.ndarray, truth: np.ndarray, groups: np.ndarray | None, costs: tuple[float, float, float], name: str
) -> OperatingPoint:
    return choose(scores, truth, *costs, groups=groups, chosen_on=name)


@st.cache_data(max_entries=32, show_spinner=False)
def _performance(
    scores: np.ndarray, truth: np.ndarray, groups: np.ndarray | None, in_distribution: np.ndarray, point: str
) -> Performance:
    found = OperatingPoint.model_validate_json(point)
    return performance(scores, truth, found, groups=groups, in_distribution=in_distribution)


def _proposed(labels: Labelled, costs: tuple[float, float, float], name: str) -> tuple[OperatingPoint | None, str]:
    scores, truth, groups, _ = labels
    try:
        return _chosen(scores, truth, groups, costs, name), ""
    except EcgvizError as error:
        return None, str(error)


def _effect(point: OperatingPoint, proposed: OperatingPoint, labels: Labelled) -> None:
    """Performance of the current and the proposed point on these files."""
    scores, truth, groups, in_distribution = labels
    costs = {name: getattr(proposed, name) for name in ("escape_cost", "overkill_cost", "prevalence")}
    rows = [
        "| | Escapes: defects passed | Overkill: good rejected | To review | Cost of a part |",
        "|:--|:--|:--|:--|--:|",
    ]
    for words, one in (("current", point.model_copy(update=costs)), ("with these costs", proposed)):
        found = _performance(scores, truth, groups, in_distribution, one.model_dump_json())
        review = found.defects_to_review.count + found.good_to_review.count
        rows.append(
            f"| {words} ({one.threshold:.3f}) | **{found.escapes}** | **{found.overkill}** | "
            f"{review} | {found.cost:.3g} |"
        )
    st.markdown("\n".join(rows))
    st.caption(
        f"On {len(truth)} labelled files; in brackets the share and the range that holds it in 95 of 100 cases. Cost: "
        "expected for a part. Chosen and counted on the same files, the second row is better than new files will show."
    )


def _curves(proposed: OperatingPoint, labels: Labelled, costs: tuple[float, float, float]) -> None:
    scores, truth, groups, in_distribution = labels
    chosen = st.segmented_control(
        "Curve", CURVES, default=CURVES[0], required=True, key=keys.CURVE, bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    theme = appearance.theme()
    if chosen == "Cost":
        figure = cost_figure(scores, truth, *costs, proposed, theme=theme)
    elif chosen == "Confusion":
        found = _performance(scores, truth, groups, in_distribution, proposed.model_dump_json())
        figure = confusion_figure(found, theme=theme)
    else:
        draw = precision_recall_figure if chosen == CURVES[1] else roc_figure
        figure = draw(scores, truth, proposed, groups=groups, theme=theme)
    figure.update_layout(height=CURVE_PX)
    st.plotly_chart(
        figure, key=scope("point_curve"), theme=None, config={"displayModeBar": False}, alt=f"{chosen} with the point"
    )


def _save(checkpoint: Checkpoint, proposed: OperatingPoint) -> None:
    try:
        saved = save(checkpoint.folder, proposed)
    except (EcgvizError, OSError) as error:
        st.toast(f"Not saved: {error}", icon=":material/error:")
        return
    st.toast(f"Version {saved.version} applies now.", icon=":material/check:")
