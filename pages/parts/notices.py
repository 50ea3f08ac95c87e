"""Box of warnings: one line each, heaviest first, with a button to its position."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from ecgviz.notices import Notice, Weight, in_order
from models.core.words import clock
from pages.parts import view
from pages.parts.keys import scope
from readers.recording import Recording


def trained_on(what: str) -> Notice:
    """Warning that the network was trained on what is open."""
    sentence = f"This network was trained on {what}: its answers here say nothing about new patients."
    return Notice(sentence, Weight.UNSURE)


def show(sentences: Iterable[str], name: str = "", recording: Recording | None = None) -> None:
    """Show the warnings in one box.

    Args:
        sentences: plain, or with weight and place (:class:`ecgviz.notices.Notice`).
        name: of what they are about, which the page's head says already.
        recording: with it, each place outside of the first view gets a button that goes there.
    """
    notices = [notice.under(name) for notice in in_order(sentences)]
    if not notices:
        return
    lines = [str(notice) for notice in notices]
    st.warning(lines[0] if len(lines) == 1 else "\n".join(f"- {line}" for line in lines), icon=":material/warning:")
    if recording is None or recording.duration_s <= view.seconds():
        return
    placed = [notice for notice in notices if notice.at_s is not None]
    if not placed:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=scope("places")):
        st.caption("Look at it there:", width="content")
        for number, notice in enumerate(placed):
            st.button(
                clock(notice.at_s, hours=recording.duration_s >= 3600), key=scope("place", number), type="tertiary",
                icon=":material/my_location:", help=str(notice), on_click=view.to_time, args=(recording, notice.at_s),
            )  # fmt: skip
