# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Similar beats of a relabelled one: drawn in one picture and relabelled by one edit."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.figures.family_picture import alt_text, as_image, family_svg
from ecgviz.review import ReviewState, editing
from ecgviz.review.alike import alike
from ecgviz.review.families import Shapes, family_of
from ecgviz.review.state import places_of
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from pages.ecg.holter import reviewing
from pages.ecg.holter.keys import scope
from pages.ecg.holter.reviewing import Reviewing
from pages.parts import appearance, progress, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane
from pages.parts.shared_calls import kept

_WAIT_S = 0.5


def show(found: Reviewing, shapes: Shapes | None) -> None:
    """Popover; similar beats are searched while it is open."""
    popover = st.popover("Alike beats", disabled=shapes is None, key=scope("alike"), on_change="rerun")
    if shapes is None or not popover.open:
        return
    with popover:
        index = _relabelled(found)
        if index is None:
            st.caption("Give the chosen beat another class; then this offers the beats alike it.")
            return
        number, mark = int(found.state.beats.edits.number[index]), reviewing.log_mark(found, found.state)
        call = shared_calls.watch("alike", _alike, found.state, shapes, index, mark, number)
        call.wait(_WAIT_S)
        if not call.done:
            progress.caption(call, "Looking for beats alike ...")
        elif call.result is None:
            st.error(str(call.error or "The search was stopped."))
        else:
            _offer(found, shapes, call.result, found.state.beats.label[index])


def _relabelled(found: Reviewing) -> int | None:
    """Index of the chosen beat if a person gave it another class than the network; else None."""
    number = reviewing.chosen_number(found)
    [index] = places_of(found.state.beats.edits.number, np.array([number])) if number is not None else [-1]
    if index < 0:
        return None
    edits = found.state.beats.edits
    other = edits.decided[index] and edits.before[index] not in (-1, found.state.beats.class_index[index])
    return int(index) if other else None


def _offer(found: Reviewing, shapes: Shapes, offered: np.ndarray, letter: str) -> None:
    if not len(offered):
        st.caption("No other beat is like it, by all that was decided so far.")
        return
    family = family_of(found.opened.recording, found.state, shapes, np.sort(offered))
    st.html(as_image(family_svg(family, shapes.waves.time_s, theme=appearance.theme()), alt_text(family)))
    numbers = found.state.beats.edits.number[offered]
    st.button(
        f"{counted(len(offered), 'alike beat')}: {letter}", key=scope("alike_apply"), type="primary",
        on_click=reviewing.decide, args=(found, lambda state: _relabel(state, numbers, letter)),
        help="Called what this one was called before. One edit, which one undo takes back.",
    )  # fmt: skip


def _relabel(state: ReviewState, numbers: np.ndarray, letter: str):
    return editing.relabel(state, np.flatnonzero(np.isin(state.beats.edits.number, numbers)), letter)


@kept(unwatched=4)
def _alike(_state: ReviewState, _shapes: Shapes, _index: int, mark: str, number: int) -> BackgroundCall:
    """Background call that finds similar beats; its result is indices of the edited beats."""

    def compute(progress: Progress, should_stop: ShouldStop) -> np.ndarray:
        return alike(_state, _shapes, _index)

    return BackgroundCall(compute, Lane.MAP)
