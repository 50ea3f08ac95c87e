"""Opens a recording: a sample, an upload, a path on the server, or a PhysioNet record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ecgviz.errors import EcgvizError
from ecgviz.sources import paper_samples
from ecgviz.sources.browse import records_in
from ecgviz.sources.physionet import DATABASES
from ecgviz.sources.samples import Sample, list_samples
from pages.navigation import Entry
from pages.parts import caching, file_browser, forms, keys, link, page_choice, page_head
from pages.parts.shared_calls import Kept
from readers import FORMATS, NeedsDetails
from readers.paper.pictures import FORMATS as PAPER_FORMATS


def picker(*, samples: bool = True) -> None:
    """Popover for opening another recording, or a picture of one; optionally with ``samples``."""
    ways = {"Sample": _samples} if samples else {}
    ways |= {"Upload": _upload, "Path": _path, "PhysioNet": _physionet}
    name = keys.scope("open" if samples else "open_own")
    fault = st.session_state.get(keys.OPENING_FAULT) or ""
    forms.open_popover(name, keys.OPENINGS, ways, default=next(iter(ways)), fault=fault)


def begin(
    page: Entry, purpose: str, help_text: str, examples: Iterable[Sample]
) -> tuple[DeltaGenerator, DeltaGenerator, str] | None:
    """Head of a page of recordings: its row, the place of its title, and the address of what is open.

    None where nothing is: then the page invites to open something, one of ``examples`` perhaps, and ends.
    """
    link.read()
    page_choice.to_page_of_address(page)
    row = page_head.head()
    st.session_state[keys.LAST_PAGE] = page
    address = st.session_state.get(keys.RECORD)
    if address:
        place = page_head.title_and_picker(row, picker)
        place.markdown(f"# **{page.title}**")
        return row, place, address
    page_head.invite(row, page.title, purpose, help_text, picker)
    with st.container(horizontal=True, width=760):
        forms.sample_buttons(examples, keys.scope("example"), page_choice.open_record)
    return None


def samples() -> tuple[Sample, ...]:
    """Sample recordings, including those on paper."""
    return (*list_samples(), *paper_samples.list_samples())


def _samples() -> None:
    st.caption("Recordings that come with the installation.")
    forms.sample_buttons(samples(), keys.scope("sample"), page_choice.open_record)


def _upload() -> None:
    readable = ", ".join(dict.fromkeys(row.name for row in FORMATS))
    forms.upload_form(
        keys.scope("upload_form"),
        "Files of one recording, or one zip, or a picture or PDF of an ECG on paper",
        "Open upload",
        f"Readable are {readable}. An ECG on paper as a picture: {', '.join(PAPER_FORMATS)}. A WFDB "
        "record is its .hea and .dat, with the .atr where there is one. "
        "The files are written to this server's disk at once and stay in its ECGVIZ_HOME folder.",
        page_choice.open_record,
    )


def _path() -> None:
    forms.path_form(
        keys.scope("path_form"),
        "File, folder or WFDB record on the server",
        "Open path",
        "mitdb/100",
        page_choice.open_record,
    )
    file_browser.show("open", page_choice.open_record)


def _physionet() -> None:
    with st.form(keys.scope("physionet_form"), border=False):
        database = st.selectbox("Database", list(DATABASES), format_func=lambda name: DATABASES[name].title)
        record = st.text_input("Record", placeholder="208", help="For example 208 of the MIT-BIH Arrhythmia Database.")
        if forms.submitted("Fetch", bool(record.strip()), "Enter the name of a record first."):
            page_choice.open_record(f"physionet:{database}/{record.strip()}")
            st.rerun()


def opened(address: str, start: Kept = caching.opening, *more: object) -> Any:
    """The recording at an address; while it opens, a progress bar, a form for details, or an error message.

    Args:
        address: what to open.
        start: called with the address, its stamp, what the person said of it, and ``more``.
        more: what else the opening depends on.

    Returns:
        what the work gives, an ``Opened`` by default; None while there is nothing.
    """
    fs, unit = st.session_state.get(keys.DETAILS, (None, None))
    try:
        several = records_in(address)
    except EcgvizError as error:
        _failed(error)
        return None
    if several is not None:
        st.info("This folder holds several recordings, or folders; choose one.", icon=":material/folder_open:")
        file_browser.show(f"at {address}", page_choice.open_record, several)
        return None
    found = forms.opened(start, address, fs, unit, *more, what="recording", failed=_failed)
    if found is not None:
        link.opened()
    return found


def _failed(error: EcgvizError) -> None:
    if isinstance(error, NeedsDetails):
        _ask(error)
    elif link.back_to_what_was_open(str(error)):
        st.rerun()
    else:
        st.error(str(error))


def _ask(needed: NeedsDetails) -> None:
    """Form for details that the file does not state."""
    st.info(str(needed))
    fs, unit = st.session_state.get(keys.DETAILS, (None, None))
    with st.form(keys.scope("details_form"), width=420):
        if "fs" in needed.missing:
            fs = st.number_input("Sampling frequency, Hz", 10.0, 200_000.0, 360.0, step=10.0)
        if "unit" in needed.missing:
            unit = st.selectbox("Unit of the values", ["mV", "uV", "V", "unknown"])
        if st.form_submit_button("Open", type="primary"):
            st.session_state[keys.DETAILS] = (fs, unit)
            st.rerun()
