"""The view in the URL, so that it can be sent as a link.

Widgets bind themselves to the URL. Here is what no widget holds: the recording, the time, the chosen beat, and the page
of a PDF or TIFF of ECG paper, and how far a picture of one was turned.
"""

from __future__ import annotations

import math

import streamlit as st

from pages.parts import address_bar, keys
from readers.paper.pictures import TURNS

_VIEW = (keys.RECORD, keys.DETAILS, keys.LEAD_NAMES, keys.START, keys.BEAT, keys.PAGE, keys.TURN, keys.RANK, keys.JUMP)


def read() -> None:
    """Read the view from the URL if it is not the one we wrote: a link, or the back button."""
    state, url = st.session_state, st.query_params
    found = {name: url.get(name, "") for name in (keys.RECORD, keys.START, keys.BEAT, keys.PAGE, keys.TURN)}
    if not found[keys.RECORD] or address_bar.is_ours(keys.LINKED, found):
        return
    if found[keys.RECORD] != state.get(keys.RECORD):
        open_record(found[keys.RECORD])
    start, beat = _number(found[keys.START]), _number(found[keys.BEAT])
    if start is not None:
        state[keys.START] = max(start, 0.0)
        state[keys.JUMP] = False
    state[keys.BEAT] = int(beat) if beat is not None and beat >= 0 else None
    page = _number(found[keys.PAGE])
    state[keys.PAGE] = int(page) if page is not None and page >= 1 else 1
    turn = _number(found[keys.TURN])
    state[keys.TURN] = int(turn) if turn in TURNS else 0
    address_bar.remember(keys.LINKED, found)


def write() -> None:
    """Write the view to the URL."""
    state = st.session_state
    beat = state.get(keys.BEAT)
    view = {
        keys.RECORD: state.get(keys.RECORD) or "",
        keys.START: "" if state.get(keys.JUMP) else f"{state.get(keys.START, 0.0):.2f}".rstrip("0").rstrip("."),
        keys.BEAT: "" if beat is None else str(beat),
        keys.PAGE: "" if state.get(keys.PAGE, 1) == 1 else str(state[keys.PAGE]),
        keys.TURN: str(state.get(keys.TURN) or ""),
    }
    address_bar.write(keys.LINKED, view)


def open_record(address: str) -> None:
    """Open another recording at its first beat of interest."""
    state = st.session_state
    if state.get(keys.RECORD) and state.get(keys.BEFORE) is None:  # what is being opened may fail
        state[keys.BEFORE] = {name: state.get(name) for name in _VIEW}
    state[keys.OPENING_FAULT] = ""
    state[keys.RECORD] = address
    state[keys.SUITING] = False
    state[keys.OPENINGS] = state.get(keys.OPENINGS, 0) + 1
    state[keys.DETAILS] = (None, None)
    state[keys.LEAD_NAMES] = None
    state[keys.START] = 0.0
    state[keys.BEAT] = None
    state[keys.PAGE] = 1
    state[keys.TURN] = 0
    state[keys.RANK] = -1
    state[keys.CALIPERS] = state[keys.EVENT] = None
    state[keys.JUMP] = True


def opened() -> None:
    """What was to be opened is open: there is no way back but the browser's."""
    st.session_state[keys.BEFORE] = None


def back_to_what_was_open(fault: str) -> bool:
    """What was to be opened cannot be; whether something was open before, which is open again. ``fault`` says why and
    is shown where the person asked for it."""
    before = st.session_state.get(keys.BEFORE)
    if before is None:
        return False
    for name, value in before.items():
        st.session_state[name] = value
    st.session_state[keys.BEFORE], st.session_state[keys.OPENING_FAULT] = None, fault
    st.session_state[keys.OPENINGS] = st.session_state.get(keys.OPENINGS, 0) + 1
    return True


def close_record() -> None:
    """Close the recording."""
    open_record("")
    st.session_state[keys.JUMP] = False


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
