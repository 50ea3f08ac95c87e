"""The position in numbers: what the planes follow without a pointer."""

from __future__ import annotations

import streamlit as st

from pages.inspection.volume import keys, view
from pages.inspection.volume.keys import scope
from pages.inspection.volume.view import View
from readers.volumes.volume import Volume


def picker(volume: Volume, shown: View, along: int) -> View:
    """A number for each of z, y and x; the view that they say."""
    edition = st.session_state.get(keys.EDITION, 0)
    found = []
    for axis, name in enumerate("zyx"):
        found.append(
            st.number_input(
                name,
                0,
                volume.shape[axis] - 1,
                shown.at[axis],
                key=scope(name, edition, hash(shown.key)),
                width=110,
                help=f"{('Axial', 'Coronal', 'Sagittal')[axis]} plane, from 0",
            )
        )
    at = int(found[0]), int(found[1]), int(found[2])
    if at == shown.at:
        return shown
    moved = view.go_to(volume, shown, at, along)
    st.rerun()
    return moved
