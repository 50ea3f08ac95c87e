"""Opens a picture or stack: a sample, an upload, or a file or folder on the server."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ecgviz.sources.image_samples import list_samples
from pages.inspection import caching
from pages.inspection.address import OpenedStack
from pages.inspection.keys import scope
from pages.parts import forms, page_head, picture_keys, picture_link
from readers.images import FORMATS

EXAMPLE = scope("example")


def picker() -> None:
    """Popover for opening another picture."""
    ways = {"Sample": _samples, "Upload": _upload, "Path": _path}
    forms.open_popover(scope("open"), picture_keys.OPENINGS, ways)


def samples(key: str = EXAMPLE) -> None:
    """A button per sample; ``key`` distinguishes places."""
    forms.sample_buttons(list_samples(), key, picture_link.open_picture)


def readable() -> str:
    """Supported formats, as text."""
    return ", ".join(dict.fromkeys(row.name for row in FORMATS))


def _samples() -> None:
    st.caption("Pictures that come with the installation; simulated ones are made on first use.")
    samples(scope("sample"))


def _upload() -> None:
    forms.upload_form(
        scope("upload"),
        "A picture, the slices of one stack, or one zip of them",
        "Open upload",
        f"Readable are {readable()}. Several files are taken as the slices of one stack, in the order of their names "
        "(DICOM: of their positions). A labels.csv among them shows the truth. The files are written to this server's "
        "disk at once and stay in its ECGVIZ_HOME folder.",
        picture_link.open_picture,
    )


def _path() -> None:
    forms.path_form(
        scope("path"),
        "File on the server, or folder of slices",
        "Open path",
        "battery_ct/stack",
        picture_link.open_picture,
    )


def opened(address: str) -> OpenedStack | None:
    """The stack at an address; while it opens, a progress bar, or an error message."""
    return forms.opened(caching.opening, address, what="picture")


def begin(name: str, purpose: str, help_text: str, key: str) -> tuple[DeltaGenerator, DeltaGenerator, str] | None:
    """Head of a page of one picture: its row, the place of the title, and the address of what is open.

    None, with the page's purpose and samples, where nothing is; ``key`` is that of the samples' buttons.
    """
    head = page_head.head()
    address = st.session_state.get(picture_keys.PICTURE)
    if not address:
        page_head.invite(head, name, purpose, help_text, picker)
        with st.container(horizontal=True, width=760):
            samples(key)
        return None
    return head, page_head.title_and_picker(head, picker), address
