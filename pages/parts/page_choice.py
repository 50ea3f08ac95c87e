"""Chooses the page for an opened recording, by leads and length as `analyze` does.

A link shows what it was made on; only what a person has just opened may lead elsewhere.
"""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.choice import choose_checkpoints, may_be_twelve
from ecgviz.errors import EcgvizError
from ecgviz.sources.address import picture_at
from pages.navigation import HOLTER, TWELVE_LEAD, Entry
from pages.parts import keys, link
from readers.paper.pictures import EcgPicture
from readers.recording import Recording


def open_record(address: str) -> None:
    """Open something on its page."""
    link.open_record(address)
    st.session_state[keys.SUITING] = True


def page_of(ecg: Recording | EcgPicture) -> Entry:
    """Page for a recording or picture: 12-lead for a resting ECG, else Holter.

    A short one whose leads could be twelve belongs to the page that asks for their names.
    """
    if choose_checkpoints(ecg).kind != "rhythm":
        return TWELVE_LEAD
    return TWELVE_LEAD if may_be_twelve(ecg) else HOLTER


def to_page_of_address(here: Entry) -> None:
    """Switch page before opening, where the address is a picture, or ``here`` opens nothing."""
    if not st.session_state.get(keys.SUITING):
        return
    try:
        entry = TWELVE_LEAD if picture_at(st.session_state[keys.RECORD]) is not None else HOLTER
    except EcgvizError:
        entry = HOLTER  # it says what is wrong
    if entry is TWELVE_LEAD or here not in {HOLTER, TWELVE_LEAD}:
        _go(entry, here)


def to_page_of(ecg: Recording | EcgPicture, here: Entry) -> None:
    """Switch to the page of what was opened."""
    if st.session_state.get(keys.SUITING):
        st.session_state[keys.SUITING] = False
        _go(page_of(ecg), here)


def other_page(recording: Recording, here: Entry) -> None:
    """Link to the other page, for recordings with both beats and labels."""
    if choose_checkpoints(recording).kind != "resting":
        return
    if here is HOLTER:
        st.page_link(TWELVE_LEAD.page(), label="As a 12-lead ECG", icon=f":material/{TWELVE_LEAD.icon}:")
    else:
        st.page_link(HOLTER.page(), label="Beat by beat", icon=f":material/{HOLTER.icon}:")


def _go(entry: Entry, here: Entry) -> None:
    if entry is not here:
        st.switch_page(entry.page())
