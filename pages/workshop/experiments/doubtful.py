# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Browser of labels that are probably wrong, by runs that did not learn them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.picture_layers import grey_png, shrink
from ecgviz.figures.window_level import apply_window, window_presets
from ecgviz.operator import confine
from models import load_checkpoint
from models.config import make_config
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from models.experiments.label_doubts import LabelDoubts, doubtful_labels
from models.experiments.predictions import held_out
from models.experiments.runs import Run
from pages.parts import access, progress, tables
from pages.parts.background_call import BackgroundCall
from pages.workshop.experiments.keys import scope
from readers.core.file_names import readable
from readers.images import open_images

_MOST, _SIDE_PX, _PNG_BYTES = 60, 96, 24_000


def show(chosen: Sequence[Run], _: Run) -> None:
    """The button, and the doubtful cases of the ticked runs, most doubtful first."""
    runs = [run for run in chosen if run.done]
    if not access.permit().allowed:
        access.refused(access.permit())
        return
    st.caption(
        "A network that did not learn a label may say that it is wrong. Tick several runs whose splits differ (a sweep "
        "over data.split_seed) to hold out more of the cases. A doubt changes no label."
    )
    pair = tuple(run.job.id for run in runs)
    if st.button("Look for doubtful labels", icon=":material/troubleshoot:", key=scope("doubt"), disabled=not runs):
        st.session_state[scope("doubted")] = pair
    if not runs or st.session_state.get(scope("doubted")) != pair:
        return
    call = _doubting(tuple(runs), pair)
    if not call.wait(1.0):
        progress.bar(call, "Asking about the held-out cases", scope("doubting"))
    elif call.error is not None:
        st.error(str(call.error))
        _doubting.clear()
    else:
        _table(call.result, runs[0])


@st.cache_resource(max_entries=8, show_spinner=False)
def _doubting(_runs: tuple[Run, ...], ids: tuple[str, ...]) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> LabelDoubts:
        found = []
        for run in _runs:
            config = make_config(confine(run.job.config))
            found.append(held_out(load_checkpoint(run.folder), config, progress=tell))
            if should_stop():
                raise EcgvizError("It was stopped; look again.")
        return doubtful_labels(found)

    return BackgroundCall(compute)


def _table(found: LabelDoubts, run: Run) -> None:
    st.markdown(f"**{len(found.found):,}** of {counted(found.cases, 'held-out label')} are doubtful.")
    if not found.found:
        return
    shown = found.found[:_MOST]
    root = Path(str(run.job.config["data"].get("root", "")))
    root = root.parent if root.is_file() else root
    pictures = [_thumbnail(root, one.case) for one in shown]
    rows: dict[str, list] = {"Picture": pictures} if any(pictures) else {}
    rows |= {
        "Case": [readable(one.case) for one in shown],
        "Label": [one.label for one in shown],
        "Likelier": [one.likelier for one in shown],
        "P(label)": [one.label_prob for one in shown],
        "P(likelier)": [one.likelier_prob for one in shown],
        "Networks": [one.networks for one in shown],
    }
    tables.dataframe(
        pd.DataFrame(rows), hide_index=True, key=scope("doubtful"), height=440,
        row_height=56 if any(pictures) else None,
        column_config={
            "Picture": st.column_config.ImageColumn(width="small"),
            "P(label)": st.column_config.NumberColumn(format="%.3f"),
            "P(likelier)": st.column_config.NumberColumn(format="%.3f"),
        },
    )  # fmt: skip
    if len(found.found) > _MOST:
        st.caption(f"The {_MOST} most doubtful; `python -m models labels RUN --csv FILE` writes all of them.")


@st.cache_data(max_entries=300, show_spinner=False)
def _thumbnail(root: Path, case: str) -> str | None:
    """The picture of a case below the folder of the data; None where it is no picture."""
    path = (root / case).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    try:
        stack = open_images(path)
        pixels = stack.pixels(0)
    except (EcgvizError, OSError):
        return None
    return grey_png(
        shrink(apply_window(pixels, next(iter(window_presets(pixels, stack).values()))), _SIDE_PX), _PNG_BYTES
    )
