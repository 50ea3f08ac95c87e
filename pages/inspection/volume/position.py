"""Number inputs for the position, for use without a pointer."""

from __future__ import annotations

import streamlit as st

from pages.inspection.volume import keys, view
from pages.inspection.volume.keys import scope
from pages.inspection.volume.view import View
from readers.volumes.address import AXES
from readers.volumes.volume import Volume


def picker(volume: Volume, shown: View, along: int) -> View:
    """Inputs for z, y and x; returns the view at that position."""
    edition = st.session_state.get(keys.EDITION, 0)
    found = []
    with st.container(horizontal=True, gap="xsmall", key=scope("position")):
        for axis, name in enumerate("zyx"):
            words = f"{AXES[axis].capitalize()} plane, from 0 to {volume.shape[axis] - 1}"
            key = scope(name, edition, hash(shown.key))
            found.append(
                st.number_input(name, 0, volume.shape[axis] - 1, shown.at[axis], key=key, width=88, help=words)
            )
    at = int(found[0]), int(found[1]), int(found[2])
    if at == shown.at:
        return shown
    moved = view.go_to(volume, shown, at, along)
    st.rerun()
    return moved
