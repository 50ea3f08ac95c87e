"""Opening a recording: a sample, an upload, a path on the server, or a record of PhysioNet."""

from __future__ import annotations

import secrets

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.readers import FORMATS, NeedsDetails
from ecgviz.readers.address import stamp
from ecgviz.readers.physionet import DATABASES
from ecgviz.readers.roots import data_roots
from ecgviz.readers.samples import list_samples
from ecgviz.readers.spool import spool
from pages.parts import caching, keys, link, progress
from pages.parts.caching import Opened

PATIENCE_S = 2.0
_WAYS = ("Sample", "Upload", "Path", "PhysioNet")


def picker() -> None:
    """The popover that opens another recording."""
    # Another key is another popover: this one closes when a recording was opened from it.
    key = f"_open_{st.session_state.get(keys.OPENINGS, 0)}"
    with st.popover("Open", icon=":material/folder_open:", type="primary", key=key):
        way = st.segmented_control("From", _WAYS, default="Sample", required=True, key="_open_from")
        {"Sample": _samples, "Upload": _upload, "Path": _path, "PhysioNet": _physionet}[way or "Sample"]()


def samples(key: str = "home") -> None:
    """A button for each sample."""
    for sample in list_samples():
        st.button(
            sample.title,
            key=f"sample-{key}-{sample.name}",
            on_click=link.open_record,
            args=(f"sample:{sample.name}",),
            help=sample.description,
            width="stretch",
        )


def _samples() -> None:
    st.caption("Recordings that come with the installation.")
    samples("popover")


def _upload() -> None:
    readable = ", ".join(dict.fromkeys(row.name for row in FORMATS))
    with st.form("_upload_form", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "Files of one recording, or one zip",
            accept_multiple_files=True,
            help=f"Readable are {readable}. A WFDB record is its .hea and .dat, with the .atr where there is one. "
            "The files are written to this server's disk at once and stay in its ECGVIZ_HOME folder.",
        )
        if st.form_submit_button("Open upload", type="primary") and files:
            session = st.session_state.setdefault(keys.SESSION, secrets.token_hex(16))
            try:
                token = spool(session, [(file.name, file) for file in files])
            except EcgvizError as error:
                st.error(str(error))
                return
            link.open_record(f"upload:{token}")
            st.rerun()


def _path() -> None:
    roots = "\n".join(f"- `{root}`" for root in data_roots())
    with st.form("_path_form", border=False):
        path = st.text_input(
            "File, folder or WFDB record on the server",
            placeholder="mitdb/100",
            help=f"Only below these folders, which ECGVIZ_DATA_ROOTS sets:\n\n{roots}",
        )
        if st.form_submit_button("Open path", type="primary") and path.strip():
            link.open_record(f"path:{path.strip()}")
            st.rerun()


def _physionet() -> None:
    with st.form("_physionet_form", border=False):
        database = st.selectbox("Database", list(DATABASES), format_func=lambda name: DATABASES[name].title)
        record = st.text_input("Record", placeholder="208", help="For example 208 of the MIT-BIH Arrhythmia Database.")
        if st.form_submit_button("Fetch", type="primary") and record.strip():
            link.open_record(f"physionet:{database}/{record.strip()}")
            st.rerun()


def opened(address: str) -> Opened | None:
    """The recording at an address; meanwhile a bar, a question or one sentence on what is wrong takes its place."""
    fs, unit = st.session_state.get(keys.DETAILS, (None, None))
    try:
        arguments = (address, stamp(address), fs, unit)
    except EcgvizError as error:
        st.error(str(error))
        return None
    work = caching.opening(*arguments)
    if not work.wait(PATIENCE_S):
        progress.bar(work, "Opening", "opening")
        return None
    if work.result is not None:
        return work.result
    caching.opening.clear(*arguments)
    if isinstance(work.error, NeedsDetails):
        _ask(work.error)
    else:
        st.error(str(work.error) if work.error else "The opening was stopped; open the recording again.")
    return None


def _ask(question: NeedsDetails) -> None:
    """The form for what the file does not say."""
    st.info(str(question))
    fs, unit = st.session_state.get(keys.DETAILS, (None, None))
    with st.form("_details_form", width=420):
        if "fs" in question.missing:
            fs = st.number_input("Sampling frequency, Hz", 10.0, 200_000.0, 360.0, step=10.0)
        if "unit" in question.missing:
            unit = st.selectbox("Unit of the values", ["mV", "uV", "V", "unknown"])
        if st.form_submit_button("Open", type="primary"):
            st.session_state[keys.DETAILS] = (fs, unit)
            st.rerun()
