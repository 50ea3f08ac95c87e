"""The folders and recordings below the data roots of the server, to go through and open from."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.sources.browse import Listing, list_folder
from pages.parts.keys import scope

_FOLDER = scope("browsed")
_HEIGHT_PX = 280


def show(key: str, then: Callable[[str], None], begin: Listing | None = None) -> None:
    """A folder's contents; a click goes into a folder, or gives a recording's address to ``then``.

    Args:
        key: of this place.
        then: called with ``path:`` and the recording.
        begin: the folder to show first; the roots by default.
    """
    place = f"{_FOLDER}-{key}"
    try:
        chosen = st.session_state.get(place)
        found = begin if chosen is None and begin is not None else list_folder(chosen or "")
    except EcgvizError as error:
        st.error(str(error))
        st.button("Back to the top", key=scope("browse", key, "top"), on_click=_go, args=(place, ""))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "", icon=":material/arrow_upward:", key=scope("browse", key, "up"), help="The folder above", on_click=_go,
            args=(place, found.parent or ""), disabled=found.parent is None,
        )  # fmt: skip
        st.caption(found.name or "Folders that may be opened", width="content")
    with st.container(height=_HEIGHT_PX, gap="xxsmall", key=scope("browse", key, "list")):
        for number, folder in enumerate(found.folders):
            st.button(
                folder.name, icon=":material/folder:", key=scope("browse", key, "folder", number), type="tertiary",
                on_click=_go, args=(place, folder.address),
            )  # fmt: skip
        for number, record in enumerate(found.records):
            st.button(
                record.name, icon=":material/ecg_heart:", key=scope("browse", key, "record", number), type="tertiary",
                on_click=then, args=(f"path:{record.address}",),
            )  # fmt: skip
        if not found.folders and not found.records:
            st.caption("Nothing to open here.")
    if found.left_out:
        st.caption(f"{found.left_out:,} more are not listed; type the name.")


def _go(place: str, folder: str) -> None:
    st.session_state[place] = folder
