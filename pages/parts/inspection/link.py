"""What is on the screen as a link: the open picture and its slice, or the folder of the batch. Widgets bind themselves
to the URL; here is what no widget holds."""

from __future__ import annotations

import math
import time

import streamlit as st

from pages.parts.inspection import keys

ECHO_S = 5.0
"""A browser that is behind still sends the address before the last; one from earlier is a link or the back button."""


def read() -> None:
    """Take picture and slice out of the URL when it names others than we wrote: a link, or the back button."""
    state, url = st.session_state, st.query_params
    found = {name: url.get(name, "") for name in (keys.PICTURE, keys.SLICE)}
    if not found[keys.PICTURE] or _written(found):
        return
    if found[keys.PICTURE] != state.get(keys.PICTURE):
        open_picture(found[keys.PICTURE])
    number = found[keys.SLICE]
    state[keys.SLICE] = int(number) - 1 if number.isdecimal() and 1 <= len(number) <= 6 and int(number) else None
    state[keys.SLIDER] = state.get(keys.SLIDER, 0) + 1
    _remember(found)


def write() -> None:
    """Put picture and slice into the URL; the slice that a fresh stack opens with is not yet one."""
    index = st.session_state.get(keys.SLICE)
    view = {
        keys.PICTURE: st.session_state.get(keys.PICTURE) or "",
        keys.SLICE: "" if index is None else str(index + 1),
    }
    for name, value in view.items():
        _put(name, value)
    _remember(view)


def open_picture(address: str, index: int | None = None) -> None:
    """Make another picture the one to show; a stack at its worst slice unless one is named."""
    state = st.session_state
    state[keys.PICTURE] = address
    state[keys.SLICE] = index
    state[keys.OPENINGS] = state.get(keys.OPENINGS, 0) + 1
    state[keys.RANGE] = None


def read_folder() -> None:
    """Take the batch's folder out of the URL."""
    state, address = st.session_state, st.query_params.get(keys.FOLDER, "")
    if address and address != state.get(keys.FOLDER_LINKED):
        if address != state.get(keys.FOLDER):
            open_folder(address)
        state[keys.FOLDER_LINKED] = address


def write_folder() -> None:
    """Put the batch's folder into the URL."""
    address = st.session_state.get(keys.FOLDER) or ""
    _put(keys.FOLDER, address)
    st.session_state[keys.FOLDER_LINKED] = address


def open_folder(address: str) -> None:
    """Make other files the ones to inspect."""
    state = st.session_state
    state[keys.FOLDER] = address
    state[keys.OPENINGS] = state.get(keys.OPENINGS, 0) + 1
    state[keys.PAGE] = 0
    state[keys.CHOSEN] = None


def _written(view: dict[str, str]) -> bool:
    """Whether we put this into the URL ourselves: it is the last, or was until so shortly ago that the browser may not
    have heard of the next."""
    views = st.session_state.get(keys.LINKED) or []
    return any(view == one and until > time.monotonic() - ECHO_S for one, until in views)


def _remember(view: dict[str, str]) -> None:
    """Make a view the last; each is kept with the time until which it was that."""
    views, now = st.session_state.get(keys.LINKED) or [], time.monotonic()
    if views and views[-1][0] == view:
        return
    if views:
        views[-1] = (views[-1][0], now)
    st.session_state[keys.LINKED] = [*(one for one in views if one[1] > now - ECHO_S), (view, math.inf)]


def _put(name: str, value: str) -> None:
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    elif not value and name in st.query_params:
        del st.query_params[name]
