"""Lot, serial number and inspector of a report, kept for the session."""

from __future__ import annotations

import streamlit as st

from ecgviz.reports.inspection_pdf import Head
from pages.inspection import keys
from pages.inspection.keys import scope


def fields(name: str) -> Head:
    """The fields, filled as they were before."""
    with st.container(horizontal=True, gap="small"):
        lot = st.text_input("Lot", key=scope("lot"), persist_state="session", max_chars=120, width=130)
        serial = st.text_input("Serial number", key=scope("serial"), persist_state="session", max_chars=200, width=150)
    inspector = str(st.session_state.get(keys.DECIDER) or "")
    st.caption(f"Inspector: {inspector or 'none named yet'}. The report has a line to sign on.")
    return Head(lot.strip(), serial.strip(), inspector.strip(), name)
