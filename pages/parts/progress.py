"""Progress display for long calls: fraction, remaining time, cancel button."""

from __future__ import annotations

import streamlit as st

from pages.parts.background_call import BackgroundCall
from pages.parts.pool import POOL

POLL_S = 0.5
"""How often a page looks at its work when nobody else is there."""
MOST_POLLS = 10.0
"""Looks of all sessions together, 1/s: each is a run of a piece of script, and they take turns with the moves."""


def pace_s() -> float:
    """Polling interval of a page."""
    return max(POLL_S, POOL.sessions / MOST_POLLS)


def follow(call: BackgroundCall) -> None:
    """Rerun the page when the call is done, then stop polling."""
    if call.done:
        return

    @st.fragment(run_every=pace_s())
    def look() -> None:
        if call.done:
            st.rerun()

    look()


def bar(call: BackgroundCall, title: str, key: str) -> None:
    """Progress bar of a pending call; reruns the page at its end. ``key`` is that of its place."""

    @st.fragment(run_every=pace_s())
    def draw() -> None:
        if call.done:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.progress(call.fraction, text=f"{title}: {describe(call)}")
            st.button(
                "", icon=":material/close:", key=f"{key}-cancel", on_click=call.cancel, disabled=call.cancelled,
                help="Cancel",
            )  # fmt: skip

    draw()


def caption(call: BackgroundCall, text: str) -> None:
    """Progress line for calls of a few seconds, without cancel button."""

    @st.fragment(run_every=pace_s())
    def draw() -> None:
        if call.done:
            st.rerun()
        st.caption(text)

    draw()


def describe(call: BackgroundCall) -> str:
    """Current step and remaining time of a call, as text."""
    if call.cancelled:
        return "stopping"
    if not call.begun:
        return "waiting for its turn"
    note = call.note[:1].lower() + call.note[1:] if call.note else "starting"
    left = call.seconds_left
    if left is None:
        return f"{note}, {call.fraction:.0%}"
    return f"{note}, {call.fraction:.0%}, {spell_seconds(left)} left"


def spell_seconds(seconds: float) -> str:
    """A duration as text: "12 s", "3 min", "1 h 20 min"."""
    if seconds < 100:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
