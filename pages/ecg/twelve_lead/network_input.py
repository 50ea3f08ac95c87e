"""Displays the network's input where it is a picture of a sheet or recording."""

from __future__ import annotations

import base64
import io

import numpy as np
import streamlit as st
from PIL import Image

from models.tasks.record import RecordTask

_LARGER = 3
WIDTH_PX = 720


def network_view(picture: np.ndarray, task: RecordTask) -> None:
    """An expander with the network's input.

    Args:
        picture: uint8 (H, W, 3).
        task: that made it.
    """
    height, width = picture.shape[:2]
    with st.expander("The picture as the network saw it", icon=":material/visibility:"):
        st.image(_squares(picture), width=WIDTH_PX, alt=f"The network's input, {width} x {height} pixels")
        st.caption(f"{width} × {height} pixels, each drawn as a square. {_words(task)}")


def _squares(picture: np.ndarray) -> str:
    """The picture with enlarged square pixels, as a data URI: smoothing would look sharper than the input, and a server
    file could be gone when the browser asks."""
    buffer = io.BytesIO()
    Image.fromarray(picture.repeat(_LARGER, axis=0).repeat(_LARGER, axis=1)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _words(task: RecordTask) -> str:
    """Explanation of the picture's layout."""
    if not task.reads_paper:
        leads = ", ".join(task.ecg_leads)
        return f"A band of rows is a lead, from above {leads}; time runs to the right, brighter is higher."
    return (
        "A 3x4 sheet shows a quarter of the time of each lead, and lead II whole below it. Where a lead is not drawn, "
        "the network knows nothing of it and no map marks it."
    )
