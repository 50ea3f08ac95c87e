"""Options for reading a recording: deciding lead, and beat positions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from ecgviz.analysis.beat_positions import no_beats_are_looked_for
from ecgviz.analysis.events import is_annotated
from models import Checkpoint
from pages.ecg.holter import keys
from pages.parts.caching import Opened
from readers.recording import Recording

AUTOMATIC = "automatic"
DETECTED, REFERENCE = "detected", "reference"


def choice(recording: Recording) -> tuple[str | None, str]:
    """(lead, positions) for :func:`ecgviz.analysis.analyse_beats`; lead None for the default choice."""
    lead = st.session_state.get(keys.LEAD) or AUTOMATIC
    positions = st.session_state.get(keys.POSITIONS) or DETECTED
    known = (*recording.leads, *recording.others)
    return (lead if lead in known else None), (positions if is_annotated(recording) else DETECTED)


def picker(recording: Recording, checkpoint: Checkpoint, avoid: tuple[str, ...] = ()) -> None:
    """Summary of what is read, and its options. Leads to ``avoid`` come last."""
    lead, positions = choice(recording)
    if no_beats_are_looked_for(recording, lead, positions):
        words = "no ECG found"
    else:
        first = lead or checkpoint.task.choose_leads(recording.leads, avoid=avoid).names[0]
        words = f"{first} · {'reference beats' if positions == REFERENCE else 'beats found'}"
    st.markdown(f"**Read**: {words}", help="The lead that the network reads first, and whose beats")
    st.selectbox(
        "Lead that decides", [AUTOMATIC, *recording.leads, *recording.others], key=keys.LEAD, bind="query-params",
        format_func=partial(_shown, others=(*recording.others, *recording.no_ecg)),
        help="The R peaks are found on this lead, and the network reads it first.",
    )  # fmt: skip
    there = is_annotated(recording)
    st.segmented_control(
        "Beats to classify", [DETECTED, REFERENCE], default=DETECTED, required=True, key=keys.POSITIONS,
        bind="query-params", disabled=not there,
        format_func={DETECTED: "found in the signal", REFERENCE: "of the file's annotations"}.get,
        help="Those of the file's annotations make metrics comparable with published ones.",
    )  # fmt: skip
    if not there:
        st.caption("This recording came without beat annotations.")


def widened(opened: Opened, lead: str | None) -> Opened:
    """The open recording with the chosen channel of the file among its leads."""
    if lead is None or lead in opened.recording.leads:
        return opened
    return replace(opened, recording=opened.recording.with_channel(lead), key=f"{opened.key} {lead}")


def _shown(name: str, others: tuple[str, ...]) -> str:
    if name == AUTOMATIC:
        return "as the network was trained, or the likeliest"
    return f"{name} (no ECG)" if name in others else name
