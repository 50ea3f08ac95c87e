"""Links to pictures and folders: the state that no widget binds to the URL."""

from __future__ import annotations

import streamlit as st

from pages.parts import address_bar, picture_keys


def read() -> None:
    """Read picture and slice from the URL if they are not those we wrote: a link, or the back button."""
    state, url = st.session_state, st.query_params
    found = {name: url.get(name, "") for name in (picture_keys.PICTURE, picture_keys.SLICE)}
    if not found[picture_keys.PICTURE] or address_bar.is_ours(picture_keys.LINKED, found):
        return
    if found[picture_keys.PICTURE] != state.get(picture_keys.PICTURE):
        open_picture(found[picture_keys.PICTURE])
    number = found[picture_keys.SLICE]
    state[picture_keys.SLICE] = (
        int(number) - 1 if number.isdecimal() and 1 <= len(number) <= 6 and int(number) else None
    )
    state[picture_keys.SLIDER] = state.get(picture_keys.SLIDER, 0) + 1
    address_bar.remember(picture_keys.LINKED, found)


def write() -> None:
    """Write picture and slice to the URL, except the initial slice of a new stack."""
    index = st.session_state.get(picture_keys.SLICE)
    view = {
        picture_keys.PICTURE: st.session_state.get(picture_keys.PICTURE) or "",
        picture_keys.SLICE: "" if index is None else str(index + 1),
    }
    address_bar.write(picture_keys.LINKED, view)


def open_picture(address: str, index: int | None = None) -> None:
    """Open another picture; a stack at its worst slice unless one is given."""
    state = st.session_state
    state[picture_keys.PICTURE] = address
    state[picture_keys.SLICE] = index
    state[picture_keys.OPENINGS] = state.get(picture_keys.OPENINGS, 0) + 1
    state[picture_keys.RANGE] = None


def read_folder() -> None:
    """Read the batch's folder from the URL."""
    found = {picture_keys.FOLDER: st.query_params.get(picture_keys.FOLDER, "")}
    if not found[picture_keys.FOLDER] or address_bar.is_ours(picture_keys.FOLDER_LINKED, found):
        return
    if found[picture_keys.FOLDER] != st.session_state.get(picture_keys.FOLDER):
        open_folder(found[picture_keys.FOLDER])
    address_bar.remember(picture_keys.FOLDER_LINKED, found)


def write_folder() -> None:
    """Write the batch's folder to the URL."""
    address_bar.write(
        picture_keys.FOLDER_LINKED, {picture_keys.FOLDER: st.session_state.get(picture_keys.FOLDER) or ""}
    )


def open_folder(address: str) -> None:
    """Open other files for inspection."""
    state = st.session_state
    state[picture_keys.FOLDER] = address
    state[picture_keys.OPENINGS] = state.get(picture_keys.OPENINGS, 0) + 1
    state[picture_keys.PAGE] = 0
    state[picture_keys.CHOSEN] = None
