"""Home: what this is, three recordings to open with one click, what is installed and what runs."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis import choose_device
from ecgviz.analysis.devices import device_name
from ecgviz.errors import EcgvizError
from ecgviz.readers.samples import list_samples
from pages.navigation import HOLTER, NETWORKS, SYSTEM
from pages.parts import keys, link, sidebar


def page() -> None:
    """The whole page."""
    st.header("ecgviz", anchor=False)
    st.markdown(
        "Open an ECG recording: a trained network **classifies every beat**, says **how sure** it is, and "
        "**shows on the ECG paper where it looked**."
    )
    st.markdown("##### Open an example")
    for column, sample in zip(st.columns(3), list_samples(), strict=False):
        with column, st.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.markdown(f"**{sample.title}**")
            st.caption(sample.description)
            if st.button("Open", key=f"home-{sample.name}", type="primary", icon=":material/play_arrow:"):
                link.open_record(f"sample:{sample.name}")
                st.switch_page(HOLTER)
    st.markdown("Or open a recording of your own: WFDB, EDF, DICOM, CSV, NumPy, MATLAB, or a record of PhysioNet.")
    st.page_link(HOLTER, label="Open a recording", icon=":material/folder_open:")
    _installed()


def _installed() -> None:
    networks, device, running = st.columns(3)
    with networks:
        st.markdown("##### Networks")
        found = sidebar.usable_checkpoints()
        for summary in found:
            st.markdown(f"- **{summary.name}**, {summary.card.parameters:,} parameters")
        if not found:
            st.error("No checkpoint was found; restore the folder checkpoints/ from the repository.")
        st.page_link(NETWORKS, label="What they were trained on")
    with device:
        st.markdown("##### This machine")
        try:
            st.markdown(f"Networks run on **{device_name(choose_device(st.session_state.get(keys.DEVICE)))}**.")
        except EcgvizError as error:
            st.error(str(error))
        st.page_link(SYSTEM, label="Check the installation")
    with running:
        st.markdown("##### Open now")
        address = st.session_state.get(keys.RECORD)
        if address:
            st.markdown("A recording is open.")
            st.page_link(HOLTER, label="Back to it")
        else:
            st.markdown("Nothing is open.")


page()
