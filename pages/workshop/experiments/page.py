"""Page Experiments: table of all trainings against a baseline, overlaid curves, paired comparison, notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.training import METRIC_WORDS, RUN_COLOURS, confusion_figure, overlay_figure
from models.experiments.curves import monitored
from models.experiments.runs import Run, as_markdown, change_in_words, read_run, write_note
from models.jobs import backend
from pages.navigation import TRAIN
from pages.parts import access, page_head, progress, tables
from pages.workshop import appearance, keys, promoting, run_files
from pages.workshop.experiments import by_class, comparing, doubtful, lighter
from pages.workshop.experiments.keys import scope
from pages.workshop.runs import STATES

PURPOSE = "See what each training changed, what it reached and what it cost; prove a difference before you believe it."
HELP = """
- Tick **rows** of the table: their curves and confusion matrices are shown beside each other.
- The **baseline** is what changes are listed against. **Compare** asks it and a ticked run the same cases, none of
  which either was trained on: the interval of the difference comes from resampling whole records or groups.
- **Classes** has recall and precision of every class of the ticked runs beside each other. **Labels** asks the
  ticked runs about their held-out cases and shows those whose label is probably wrong.
- **Notes** stay beside the run. **Markdown** saves the log: baseline, change, result, effect, cost.
- **Promote** makes a run's network one of those that the other pages offer.
- **Lighter forms**: a checkpoint in eight bits, pruned or for onnxruntime, made by a job and held against its original
  on the test side. The gate promotes what loses little **and** says almost every label as before.
- Figures of trainings are on validation data, which the epoch was chosen by: they flatter. Judge by what was kept
  apart.
"""
_VIEWS = ("Curves", "Classes", "Confusion", "Compare", "Labels", "Notes", "TensorBoard")


def page() -> None:
    """The whole page."""
    appearance.apply()
    try:
        found = [read_run(job) for job in reversed(backend().list()) if not job.lighter]
    except EcgvizError as error:
        st.error(str(error))
        return
    head = page_head.head()
    with head:
        st.subheader("Experiments", anchor=False)
    st.markdown(PURPOSE)
    if not found:
        st.caption("No training yet.")
        st.page_link(TRAIN.page(), label="Train the first network", icon=":material/model_training:")
        with head:
            page_head.help_popover(HELP)
        lighter.show()
        return
    baseline = _baseline(found)
    chosen = _table(found, baseline)
    with head:
        st.download_button(
            "Markdown", as_markdown(list(reversed(found)), baseline), f"experiments-{date.today():%Y-%m-%d}.md",  # noqa: DTZ011
            icon=":material/download:", key=scope("markdown"), on_click="ignore",
            help="The experiment log as a document.",
        )  # fmt: skip
    with head:
        page_head.help_popover(HELP)
    _views(chosen or [baseline], baseline)
    lighter.show()


def _baseline(found: Sequence[Run]) -> Run:
    """Selected baseline, by default the first finished run."""
    by_id = {run.job.id: run for run in reversed(found)}
    linked = st.query_params.get(keys.BASELINE) or st.session_state.get(scope("baseline_kept"))
    first = next((name for name, run in by_id.items() if run.done), next(iter(by_id)))
    first = linked if linked in by_id else first
    name = st.selectbox(
        "Baseline", list(by_id), index=list(by_id).index(first), width=320, key=scope("baseline"),
        format_func=lambda one: f"{by_id[one].job.name} ({one[:6]})" if one in by_id else one,
        help="Changes are listed against it.",
    )  # fmt: skip
    st.query_params[keys.BASELINE] = st.session_state[scope("baseline_kept")] = name
    return by_id.get(name, by_id[first])


def _table(found: Sequence[Run], baseline: Run) -> list[Run]:
    """The table; returns the ticked runs."""
    rows = pd.DataFrame(
        {
            "State": [STATES[run.job.state] for run in found],
            "Name": [run.job.name for run in found],
            "Validation": [_metric(run) for run in found],
            "On": [run.cases for run in found],
            "Changed": ["baseline" if run is baseline else change_in_words(run, baseline) for run in found],
            "Epoch": ["" if run.epoch is None else f"{run.epoch} of {run.job.epochs}" for run in found],
            "Time": ["" if run.seconds is None else progress.spell_seconds(run.seconds) for run in found],
            "Parameters": [run.parameters for run in found],
            "Weights": [_size(run.weight_bytes) for run in found],
            "Note": [run.note.split("\n")[0] for run in found],
            "Run": [run.job.id for run in found],
        }
    )
    order = [run.job.id for run in found]
    event = tables.dataframe(
        rows, key=scope("runs", hash(tuple(order))), on_select="rerun", selection_mode="multi-row", hide_index=True,
        height=min(35 * (len(found) + 1) + 2, 320),
        column_config={
            "Changed": st.column_config.TextColumn(width="medium", help="Settings that differ from the baseline's."),
            "Validation": st.column_config.TextColumn(
                help="Macro-F1 of N, S and V, or area under the ROC curve, on validation data, with its 95% interval. "
                "⚠ names classes of which these hold no case."
            ),
            "Parameters": st.column_config.NumberColumn(format="localized"),
        },
    )  # fmt: skip
    ticked = [found[row] for row in event.selection.rows if row < len(found)]
    if not ticked:
        st.caption("A tick at the left of a row shows that run below; until then it is the baseline.")
    return ticked


def _metric(run: Run) -> str:
    """The metric that compares runs, flagged where its cases lack a class."""
    return f"{run.main}" + (f" ⚠ no {', '.join(run.lacking)}" if run.lacking else "")


def _size(count: int) -> str:
    if not count:
        return ""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def _views(chosen: Sequence[Run], baseline: Run) -> None:
    view = st.segmented_control(
        "View", _VIEWS, default="Curves", required=True, key=scope("view"), label_visibility="collapsed"
    )
    views = {
        "Curves": _curves, "Classes": by_class.show, "Confusion": _confusions, "Compare": _compare,
        "Labels": doubtful.show, "Notes": _notes, "TensorBoard": _board,
    }  # fmt: skip
    views[view or "Curves"](chosen, baseline)


def _curves(chosen: Sequence[Run], baseline: Run) -> None:
    shown = [*chosen, baseline][: len(RUN_COLOURS)]
    curves = {f"{run.job.name} ({run.job.id[:6]})": run_files.curves(str(run.job.run_dir)) for run in _unique(shown)}
    names = [name for name in METRIC_WORDS if any(name in one.series for one in curves.values())]
    if not names:
        st.caption("No curve yet.")
        return
    start = monitored(chosen[0].job.config)[0]
    figure = st.segmented_control(
        "Metric", names, default=start if start in names else names[0], required=True, key=scope("figure", start),
        format_func=METRIC_WORDS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    st.plotly_chart(
        overlay_figure(curves, figure or start, theme=appearance.theme()), key=scope("overlay"), theme=None,
        config={"displayModeBar": False},
        alt=f"{METRIC_WORDS.get(figure or start)} of the chosen runs over their epochs",
    )  # fmt: skip


def _unique(shown: Sequence[Run]) -> list[Run]:
    return list({run.job.id: run for run in shown}.values())


def _confusions(chosen: Sequence[Run], _: Run) -> None:
    drawn = [run for run in chosen if run.confusion and run.classes]
    if not drawn:
        st.caption("These runs keep no confusion matrix; Compare draws those of two networks.")
        return
    for start in range(0, len(drawn), 2):
        for column, run in zip(st.columns(2), drawn[start : start + 2], strict=False):
            with column:
                st.markdown(f"**{run.job.name}** · {run.cases}")
                st.plotly_chart(
                    confusion_figure(run.confusion, run.classes, theme=appearance.theme()), theme=None,
                    key=scope("matrix", run.job.id), config={"displayModeBar": False},
                    alt=f"Confusion matrix of {run.job.name}",
                )  # fmt: skip


def _compare(chosen: Sequence[Run], baseline: Run) -> None:
    other = next((run for run in chosen if run.job.id != baseline.job.id), None)
    if other is None:
        st.caption("Tick a run that is to be compared with the baseline.")
    elif not (other.done and baseline.done):
        st.caption("Both must be finished: there is no network to ask yet.")
    elif not access.permit().allowed:
        access.refused(access.permit())
    else:
        comparing.show(baseline, other)


def _notes(chosen: Sequence[Run], _: Run) -> None:
    run = chosen[0]
    allowed = access.permit().allowed
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=keys.scope("actions")):
        st.markdown(f"**{run.job.name}** ({run.job.id[:6]})", width="stretch")
        if allowed:
            promoting.popover(run.job)
    promoting.show_outcome()
    key = scope("note", run.job.id)
    st.text_area("Notes", value=run.note, key=key, height=140, disabled=not allowed, label_visibility="collapsed",
                 placeholder="What was tried, what came out, what to do next.", on_change=_keep,
                 args=(run, key))  # fmt: skip


def _keep(run: Run, key: str) -> None:
    write_note(run.job.run_dir, st.session_state[key])


def _board(chosen: Sequence[Run], _: Run) -> None:
    st.markdown("Every run writes TensorBoard events: curves, learning rate and the graph of the network.")
    folders = ",".join(f"{run.job.name}-{run.job.id[:6]}:{run.job.run_dir / 'tensorboard'}" for run in _unique(chosen))
    option = "--logdir_spec" if "," in folders else "--logdir"
    st.code(f"tensorboard {option} {folders if ',' in folders else folders.partition(':')[2]}", language="bash")
    st.caption("Run it on the server; the tab Graphs shows the network.")


page()
