"""Form for lead names where the file has none, since networks select leads by name."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.ecg.twelve_lead.keys import scope
from pages.parts import keys
from pages.parts.caching import Opened
from readers.channels.lead_order import is_unnamed
from readers.channels.leads import distinct
from readers.core.lead_names import EIGHT_LEADS, TWELVE_LEADS
from readers.recording import Recording


def named(opened: Opened) -> Opened:
    """The recording with the names given on this page, if any."""
    names = st.session_state.get(keys.LEAD_NAMES) or ()
    if len(names) != len(opened.recording.leads):
        return opened
    return replace(opened, recording=replace(opened.recording, leads=names), key=f"{opened.key} {' '.join(names)}")


def ask(recording: Recording) -> bool:
    """Form for the names, where the file has none; returns whether it was shown."""
    if not is_unnamed(recording):
        return False
    n = len(recording.leads)
    st.info("The file does not name its leads, and the network reads leads by name. Say which they are.")
    with st.form(scope("names_form"), width=620):
        text = st.text_input(
            f"Names of the {n} leads, in the file's order",
            " ".join(next((leads for leads in (TWELVE_LEADS, EIGHT_LEADS) if len(leads) == n), ())),
            help="The file does not name them, and they do not obey Einthoven's law in the standard order.",
        )
        if st.form_submit_button("Name the leads", type="primary"):
            names = distinct(text.replace(",", " ").split())
            if len(names) == n:
                st.session_state[keys.LEAD_NAMES] = names
                st.rerun()
            st.error(f"The file has {n} leads and {len(names)} names were given; give one for each.")
    return True
