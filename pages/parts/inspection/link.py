"""What is on the screen as a link: the open picture and its slice, or the folder of the batch. Widgets bind themselves
to the URL; here is what no widget holds."""

from __future__ import annotations

import streamlit as st

from pages.parts import address_bar
from pages.parts.inspection import keys


def read() -> None:
    """Take picture and slice out of the URL when it names others than we wrote: a link, or the back button."""
    state, url = st.session_state, st.query_params
    found = {name: url.get(name, "") for name in (keys.PICTURE, keys.SLICE)}
    if not found[keys.PICTURE] or address_bar.is_ours(keys.LINKED, found):
        return
    if found[keys.PICTURE] != state.get(keys.PICTURE):
        open_picture(found[keys.PICTURE])
    number = found[keys.SLICE]
    state[keys.SLICE] = int(number) - 1 if number.isdecimal() and 1 <= len(number) <= 6 and int(number) else None
    state[keys.SLIDER] = state.get(keys.SLIDER, 0) + 1
    address_bar.remember(keys.LINKED, found)


def write() -> None:
    """Put picture and slice into the URL; the slice that a fresh stack opens with is not yet one."""
    index = st.session_state.get(keys.SLICE)
    view = {
        keys.PICTURE: st.session_state.get(keys.PICTURE) or "",
        keys.SLICE: "" if index is None else str(index + 1),
    }
    address_bar.write(keys.LINKED, view)


def open_picture(address: str, index: int | None = None) -> None:
    """Make another picture the one to show; a stack at its worst slice unless one is named."""
    state = st.session_state
    state[keys.PICTURE] = address
    state[keys.SLICE] = index
    state[keys.OPENINGS] = state.get(keys.OPENINGS, 0) + 1
    state[keys.RANGE] = None


def read_folder() -> None:
    """Take the batch's folder out of the URL."""
    found = {keys.FOLDER: st.query_params.get(keys.FOLDER, "")}
    if not found[keys.FOLDER] or address_bar.is_ours(keys.FOLDER_LINKED, found):
        return
    if found[keys.FOLDER] != st.session_state.get(keys.FOLDER):
        open_folder(found[keys.FOLDER])
    address_bar.remember(keys.FOLDER_LINKED, found)


def write_folder() -> None:
    """Put the batch's folder into the URL."""
    address_bar.write(keys.FOLDER_LINKED, {keys.FOLDER: st.session_state.get(keys.FOLDER) or ""})


def open_folder(address: str) -> None:
    """Make other files the ones to inspect."""
    state = st.session_state
    state[keys.FOLDER] = address
    state[keys.OPENINGS] = state.get(keys.OPENINGS, 0) + 1
    state[keys.PAGE] = 0
    state[keys.CHOSEN] = None
