"""Notice that maps of an ONNX checkpoint are made with its float original."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from models.checkpoints import Checkpoint
from models.compress.twin import twin_sentence


def has_maps(checkpoint: Checkpoint) -> bool:
    """Whether maps can be made; shows a notice where another network makes them, or why there are none."""
    try:
        sentence = twin_sentence(checkpoint)
    except EcgvizError as error:
        st.info(str(error), icon=":material/visibility_off:")
        return False
    if sentence:
        st.caption(sentence)
    return True
