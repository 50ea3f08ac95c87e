"""The patient's own network on the tab Review: tried, shown before and after, applied, and taken back."""

from __future__ import annotations

import streamlit as st

from ecgviz.edits import How
from ecgviz.review.families import Shapes
from ecgviz.review.patient import LEAST, in_force, revert
from models.core.words import counted
from pages.ecg.holter import reviewing
from pages.ecg.holter.keys import scope
from pages.ecg.holter.reviewing import Reviewing
from pages.parts import caching, progress, shared_calls

_TRIED = scope("adaptation_tried")
_WAIT_S = 0.5


def show(found: Reviewing, shapes: Shapes | None) -> None:
    """What is in force, and a new try with what is decided by now."""
    with st.popover("Adapt the network", disabled=shapes is None, key=scope("adapt_open")):
        if shapes is not None:
            _in_force(found)
            _trial(found, shapes)


def _in_force(found: Reviewing) -> None:
    event = in_force(found.state)
    if event is None:
        return
    st.markdown(
        f"In force: {counted(len(event.beats), 'label')} changed, by {counted(event.used, 'decided beat')}. Of "
        f"{event.checked} held out, wrong before: {event.wrong_before}, after: {event.wrong_after}."
    )
    st.button("Revert", key=scope("adapt_revert"), on_click=reviewing.decide, args=(found, revert))


def _trial(found: Reviewing, shapes: Shapes) -> None:
    """Try it; what is better on held-out beats can be applied."""
    edits = found.state.beats.edits
    singly = int((edits.decided & (edits.how != How.ACCEPTED)).sum())
    st.markdown(
        "The network's answers for this recording learn from the beats that you confirmed and relabelled. Nothing "
        "leaves the recording, and what you decided stays."
    )
    version = (found.mark, found.state.revision)
    st.button(
        f"Try with {counted(singly, 'decided beat')}", key=scope("adapt_try"), on_click=_try, args=(version,),
        disabled=singly < LEAST, help=f"At least {LEAST} beats that were confirmed or relabelled.",
    )  # fmt: skip
    if st.session_state.get(_TRIED) != version:
        return
    call = shared_calls.watch(
        "adaptation", caching.adaptation, found.state, shapes, reviewing.log_mark(found, found.state)
    )
    call.wait(_WAIT_S)
    if not call.done:
        progress.caption(call, "The network is adapted ...")
    elif call.result is None:
        st.error(str(call.error or "The network was not adapted."))
    else:
        st.markdown("  \n".join(call.result.lines))
        event = call.result.event
        if event is not None:
            st.button(
                "Apply", key=scope("adapt_apply"), type="primary", on_click=reviewing.decide,
                args=(found, lambda _: event),
            )  # fmt: skip


def _try(version: tuple[str, int]) -> None:
    st.session_state[_TRIED] = version
