"""Maps of a checkpoint that onnxruntime runs are those of its float twin: the sentence that says so."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from models.checkpoints import Checkpoint
from models.compress.twin import twin_sentence


def has_maps(checkpoint: Checkpoint) -> bool:
    """Whether maps can be made; says whose they are where they are another's, and what is missing where they cannot."""
    try:
        sentence = twin_sentence(checkpoint)
    except EcgvizError as error:
        st.info(str(error), icon=":material/visibility_off:")
        return False
    if sentence:
        st.caption(sentence)
    return True
