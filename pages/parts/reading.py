"""How a recording is read: the lead that decides, and whose beats are classified."""

from __future__ import annotations

import streamlit as st

from ecgviz.recording import Recording
from models import Checkpoint
from models.data.aami import aami_classes
from pages.parts import keys

AUTOMATIC = "automatic"
DETECTED, REFERENCE = "detected", "reference"


def choice(recording: Recording) -> tuple[str | None, str]:
    """(lead or None for the network's own choice, positions), as :func:`ecgviz.analysis.analyse_beats` takes them."""
    lead = st.session_state.get(keys.LEAD) or AUTOMATIC
    positions = st.session_state.get(keys.POSITIONS) or DETECTED
    return (lead if lead in recording.leads else None), (positions if _has_reference(recording) else DETECTED)


def picker(recording: Recording, checkpoint: Checkpoint, avoid: tuple[str, ...] = ()) -> None:
    """The popover that changes it; its label says how it stands. Leads to ``avoid`` are the last choice."""
    lead, positions = choice(recording)
    first = lead or checkpoint.task.choose_leads(recording.leads, avoid=avoid).names[0]
    label = f"{first} · {'reference beats' if positions == REFERENCE else 'beats found'}"
    with st.popover(label, icon=":material/tune:", help="The lead that the network reads first, and whose beats"):
        st.selectbox(
            "Lead that decides", [AUTOMATIC, *recording.leads], key=keys.LEAD, bind="query-params",
            format_func=lambda name: "as the network was trained, or the likeliest" if name == AUTOMATIC else name,
            help="The R peaks are found on this lead, and the network reads it first.",
        )  # fmt: skip
        there = _has_reference(recording)
        st.segmented_control(
            "Beats to classify", [DETECTED, REFERENCE], default=DETECTED, required=True, key=keys.POSITIONS,
            bind="query-params", disabled=not there,
            format_func={DETECTED: "found in the signal", REFERENCE: "of the file's annotations"}.get,
            help="Those of the file's annotations make figures comparable with published ones.",
        )  # fmt: skip
        if not there:
            st.caption("This recording came without beat annotations.")


def _has_reference(recording: Recording) -> bool:
    marks = recording.annotations
    return marks is not None and bool((aami_classes(marks.symbol) >= 0).any())
