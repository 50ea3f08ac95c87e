"""The unrolled winding below the planes: around the mandrel and along it."""

from __future__ import annotations

import streamlit as st

from ecgviz.figures.volume_views import axes_words, unrolled_picture
from ecgviz.figures.window_level import Window
from pages.inspection.volume import caching
from pages.inspection.volume.caching import OpenedVolume
from pages.inspection.volume.keys import scope
from pages.parts import progress, shared_calls
from pages.parts.background_call import BackgroundCall

_PATIENCE_S = 1.5


def show(opened: OpenedVolume, index: int, window: Window) -> None:
    """Both views of the winding for the axial plane ``index``; the mandrel is found or entered."""
    volume, key = opened.volume, opened.key
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=scope("roll_row")):
        by_hand = st.toggle("Mandrel by hand", key=scope("by_hand", hash(key)))
        centre = found = caching.mandrel(volume, key, index)
        if by_hand:
            y = st.number_input(
                "Mandrel y", 0.0, volume.shape[1] - 1.0, round(found[0], 1), 1.0, key=scope("my", hash(key)), width=130
            )
            x = st.number_input(
                "Mandrel x", 0.0, volume.shape[2] - 1.0, round(found[1], 1), 1.0, key=scope("mx", hash(key)), width=130
            )
            centre = float(y), float(x)
        else:
            st.caption(f"Mandrel found at y {centre[0]:.1f}, x {centre[1]:.1f}.")
        angle = st.number_input(
            "Angle of the half plane, degrees", 0.0, 359.0, 0.0, 15.0, key=scope("angle"), width=190,
            help="0 is to the right of the axial plane, 90 down.",
        )  # fmt: skip
    around = shared_calls.watch("unrolled", caching.unrolled, volume, key, index, centre)
    _picture(
        around, window, f"Axial plane z {index} unrolled: layers run from left to right, the mandrel is at the top"
    )
    half = shared_calls.watch("half_plane", caching.along, volume, key, centre, float(angle))
    _picture(half, window, f"Half plane along the mandrel at {angle:g}°: the ends of the layers show the overhang")


def _picture(call: BackgroundCall, window: Window, words: str) -> None:
    if not call.wait(_PATIENCE_S):
        progress.caption(call, f"{words} …")
    elif call.result is None:
        st.error(str(call.error or "It was stopped."))
    else:
        st.image(unrolled_picture(call.result, window), caption=f"{words} ({axes_words(call.result)})", width="stretch")
