"""The picture as the network saw it: what is left of a sheet or a recording when it enters the network."""

from __future__ import annotations

import numpy as np
import streamlit as st

from models.tasks.record import RecordTask

_LARGER = 4
WIDTH_PX = 900


def network_view(picture: np.ndarray, task: RecordTask) -> None:
    """An expander with the network's input.

    Args:
        picture: uint8 (H, W, 3).
        task: that made it.
    """
    height, width = picture.shape[:2]
    with st.expander("The picture as the network saw it", icon=":material/visibility:"):
        # Each pixel as a square: enlarged smoothly, it would look sharper than what the network had.
        st.image(
            picture.repeat(_LARGER, axis=0).repeat(_LARGER, axis=1), width=WIDTH_PX,
            alt=f"The network's input, {width} x {height} pixels",
        )  # fmt: skip
        st.caption(f"{width} × {height} pixels, each drawn as a square. {_words(task)}")


def _words(task: RecordTask) -> str:
    """What stands where in it."""
    if task.form == "matrix":
        leads = ", ".join(task.ecg_leads)
        return f"A band of rows is a lead, from above {leads}; time runs to the right, brighter is higher."
    return (
        "A 3x4 sheet shows a quarter of the time of each lead, and lead II whole below it. Where a lead is not drawn, "
        "the network knows nothing of it and no map marks it."
    )
