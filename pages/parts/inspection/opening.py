"""Opening a picture or stack: a sample, an upload, or a file or folder on the server."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.readers.address import stamp
from ecgviz.readers.image_samples import list_samples
from ecgviz.readers.images import FORMATS
from ecgviz.readers.roots import data_roots
from ecgviz.readers.spool import spool
from pages.parts import keys as shared
from pages.parts import progress
from pages.parts.inspection import caching, keys, link
from pages.parts.inspection.address import OpenedStack

PATIENCE_S = 2.0
_WAYS = ("Sample", "Upload", "Path")


def picker() -> None:
    """The popover that opens another picture."""
    # Another key is another popover: this one closes when a picture was opened from it.
    key = f"_open_picture_{st.session_state.get(keys.OPENINGS, 0)}"
    with st.popover("Open", icon=":material/folder_open:", type="primary", key=key):
        way = st.segmented_control("From", _WAYS, default="Sample", required=True, key="_open_picture_from")
        {"Sample": _samples, "Upload": _upload, "Path": _path}[way or "Sample"]()


def samples(key: str = "home") -> None:
    """A button for each sample."""
    for sample in list_samples():
        st.button(
            sample.title,
            key=f"sample-{key}-{sample.name}",
            on_click=link.open_picture,
            args=(f"sample:{sample.name}",),
            help=sample.description,
            width="stretch",
        )


def upload_form(key: str, label: str, button: str, help_text: str, then: Callable[[str], None]) -> None:
    """Files from the browser, written to the disk at once; ``then`` gets their address."""
    with st.form(key, border=False, clear_on_submit=True):
        files = st.file_uploader(label, accept_multiple_files=True, help=help_text)
        if st.form_submit_button(button, type="primary") and files:
            session = st.session_state.setdefault(shared.SESSION, secrets.token_hex(16))
            try:
                token = spool(session, [(file.name, file) for file in files])
            except EcgvizError as error:
                st.error(str(error))
                return
            then(f"upload:{token}")
            st.rerun()


def path_form(key: str, label: str, button: str, placeholder: str, then: Callable[[str], None]) -> None:
    """A path on the server, below its roots; ``then`` gets its address."""
    roots = "\n".join(f"- `{root}`" for root in data_roots())
    with st.form(key, border=False):
        path = st.text_input(
            label,
            placeholder=placeholder,
            help=f"Only below these folders, which ECGVIZ_DATA_ROOTS sets:\n\n{roots}",
        )
        if st.form_submit_button(button, type="primary") and path.strip():
            then(f"path:{path.strip()}")
            st.rerun()


def readable() -> str:
    """The formats that can be read, in words."""
    return ", ".join(dict.fromkeys(row.name for row in FORMATS))


def _samples() -> None:
    st.caption("Pictures that come with the installation; simulated ones are made on first use.")
    samples("popover")


def _upload() -> None:
    upload_form(
        "_picture_upload",
        "A picture, the slices of one stack, or one zip of them",
        "Open upload",
        f"Readable are {readable()}. Several files are taken as the slices of one stack, in the order of their names "
        "(DICOM: of their positions). A labels.csv among them shows the truth. The files are written to this server's "
        "disk at once and stay in its ECGVIZ_HOME folder.",
        link.open_picture,
    )


def _path() -> None:
    path_form(
        "_picture_path", "File on the server, or folder of slices", "Open path", "battery_ct/stack", link.open_picture
    )


def opened(address: str) -> OpenedStack | None:
    """The stack at an address; meanwhile a bar, or one sentence on what is wrong, takes its place."""
    try:
        arguments = (address, stamp(address))
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
    st.error(str(work.error) if work.error else "The opening was stopped; open the picture again.")
    return None
