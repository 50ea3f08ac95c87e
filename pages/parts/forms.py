"""Shared parts of all openings: popover, sample buttons, upload and path forms, progress.

What is opened, a recording, a picture or a folder, says the page's own part by the functions that it hands in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.sources.address import stamp
from ecgviz.sources.roots import data_roots
from ecgviz.sources.samples import Sample
from ecgviz.sources.spool import spool
from pages.parts import keys, progress, shared_calls

PATIENCE_S = 2.0
Then = Callable[[str], None]


def open_popover(
    key: str, openings: str, ways: dict[str, Callable[[], None]], default: str = "Sample", fault: str = ""
) -> None:
    """Popover Open; ``openings`` is the session key of its counter. With a ``fault`` of the last opening it is open and
    says it."""
    # Another key is another popover: this one closes when something was opened from it.
    name = f"{key}-{st.session_state.get(openings, 0)}"
    if fault:
        st.session_state.setdefault(name, True)
    change = "rerun" if fault else "ignore"
    with st.popover("Open", icon=":material/folder_open:", type="primary", key=name, on_change=change):
        if fault:
            st.error(fault)
        way = st.segmented_control("From", list(ways), default=default, required=True, key=f"{key}-from")
        ways[way or default]()


def sample_buttons(samples: Iterable[Sample], key: str, then: Then) -> None:
    """A button per sample; ``then`` gets its address."""
    for sample in samples:
        st.button(
            sample.title,
            key=f"{key}-{sample.name}",
            on_click=then,
            args=(f"sample:{sample.name}",),
            help=sample.description,
            width="stretch",
        )


def submitted(button: str, given: bool, lacking: str) -> bool:
    """Submit button of a form; true if pressed with the required input, else an error message is shown."""
    pressed = st.form_submit_button(button, type="primary")
    if pressed and not given:
        st.info(lacking)
    return pressed and given


def upload_form(key: str, label: str, button: str, help_text: str, then: Then) -> None:
    """Upload form; the files are written to disk and ``then`` gets their address."""
    with st.form(key, border=False, clear_on_submit=True):
        files = st.file_uploader(label, accept_multiple_files=True, help=help_text)
        # The button can be faster than the browser, which tells of a file once it has begun to send it.
        if submitted(button, bool(files), "No file has arrived yet. Choose one first."):
            session = st.session_state.setdefault(keys.SESSION, secrets.token_hex(16))
            try:
                token = spool(session, [(file.name, file) for file in files])
            except EcgvizError as error:
                st.error(str(error))
                return
            then(f"upload:{token}")
            st.rerun()


def path_form(key: str, label: str, button: str, placeholder: str, then: Then) -> None:
    """Form for a path on the server, below its roots; ``then`` gets its address."""
    roots = "\n".join(f"- `{root}`" for root in data_roots())
    with st.form(key, border=False):
        path = st.text_input(
            label,
            placeholder=placeholder,
            help=f"Only below these folders, which ECGVIZ_DATA_ROOTS sets:\n\n{roots}",
        )
        if submitted(button, bool(path.strip()), "Enter a path first."):
            then(f"path:{path.strip()}")
            st.rerun()


def _say(error: EcgvizError) -> None:
    st.error(str(error))


def opened(
    start: shared_calls.Kept,
    address: str,
    *details: object,
    what: str,
    patience_s: float = PATIENCE_S,
    failed: Callable[[EcgvizError], None] = _say,
) -> Any:
    """What lies at an address, or None while a progress bar or an error message is shown.

    Args:
        start: called with the address, its stamp and ``details``.
        address: what to open.
        details: what the address does not say.
        what: word for what is opened.
        patience_s: seconds without a bar.
        failed: told of the error that ended the opening.
    """
    try:
        arguments = (address, stamp(address), *details)
    except EcgvizError as error:
        failed(error)
        return None
    call = shared_calls.watch(what, start, *arguments, lasting=True)
    if not call.wait(patience_s):
        progress.bar(call, "Opening", keys.scope("opening"))
        return None
    if call.result is not None:
        return call.result
    shared_calls.forget(what)
    if call.error:
        failed(call.error)
    else:
        st.error(f"The opening was stopped; open the {what} again.")
    return None
