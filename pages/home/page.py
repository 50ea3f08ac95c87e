"""Page Home: introduction, samples to open, installation and background work."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence

import streamlit as st

from ecgviz.analysis import choose_device
from ecgviz.analysis.devices import device_name
from ecgviz.errors import EcgvizError
from ecgviz.figures.family_picture import as_image
from ecgviz.figures.sample_picture import slice_png, strip_svg
from ecgviz.sources import image_samples
from ecgviz.sources.samples import Sample, list_samples, open_sample
from pages.navigation import BATCH, HOLTER, HOME, NETWORKS, SCAN, SYSTEM, TWELVE_LEAD
from pages.parts import (
    appearance,
    background,
    keys,
    link,
    opening,
    page_choice,
    picture_keys,
    picture_link,
    sidebar,
    tables,
)
from pages.parts.key_scope import KeyScope

scope = KeyScope("home")
_PICTURE_S = 6.0
_LOOK_AGAIN_S = 60.0  # for a stack that was not made yet


def page() -> None:
    """The whole page."""
    page_choice.to_page_of_address(HOME)
    st.title("ecgviz", anchor=False)
    st.markdown(
        "Open an ECG recording: a trained network **classifies every beat**. Open a CT picture of a battery: it says "
        "**normal or defect**. Either way you see **how sure** it is and **where it looked**."
    )
    st.markdown("## Open an ECG example")
    for sample, clicked in _cards(list_samples(), lambda name: _strip(name, appearance.theme())):
        if clicked:
            link.open_record(f"sample:{sample.name}")
            st.switch_page((TWELVE_LEAD if sample.kind == "12-lead" else HOLTER).page())
    st.markdown("## Open an ECG of your own")
    opening.picker(samples=False)
    st.caption(
        "WFDB, EDF, DICOM, CSV, NumPy, MATLAB, a record of PhysioNet, or a picture or PDF of an ECG on paper. Page and "
        "network are chosen by what it is: a 12-lead ECG of up to a minute, any other recording, or a picture."
    )
    st.markdown("## Open a CT example")
    for sample, clicked in _cards(image_samples.list_samples(), _slice):
        if clicked:
            picture_link.open_picture(f"sample:{sample.name}")
            st.switch_page(SCAN.page())
    with st.container(horizontal=True):
        st.page_link(
            SCAN.page(),
            label="Or a picture or stack of your own: PNG, JPEG, TIFF, DICOM",
            icon=":material/folder_open:",
        )
        st.page_link(BATCH.page(), label="Or a whole folder, worst first", icon=":material/inventory:")
    _installed()


def _cards(samples: Sequence[Sample], picture: Callable[[str], str]) -> Iterator[tuple[Sample, bool]]:
    """A card per sample, with what ``picture`` gives for its name; yields each with whether it was clicked."""
    for column, sample in zip(st.columns(3), samples, strict=False):
        with column, st.container(border=True, height="stretch", vertical_alignment="distribute"):
            with st.container():
                if drawn := picture(sample.name):
                    st.html(drawn)
                st.markdown(f"**{sample.title}**")
                st.caption(sample.description)
            yield (
                sample,
                st.button("Open", key=scope("open", sample.name), type="primary", icon=":material/play_arrow:"),
            )


@st.cache_resource(max_entries=16, show_spinner=False)
def _strip(name: str, theme: str) -> str:
    """The first seconds of a sample recording as an HTML image; "" where its package is not there."""
    try:
        recording = open_sample(name)
    except EcgvizError:
        return ""
    drawn = strip_svg(recording, 0.0, min(recording.duration_s, _PICTURE_S), theme=theme)
    return as_image(drawn, f"{_PICTURE_S:g} seconds of {recording.name}")


@st.cache_data(max_entries=16, show_spinner=False, ttl=_LOOK_AGAIN_S)
def _slice(name: str) -> str:
    """The middle slice of a sample stack as an HTML image; "" where it is not made yet, which takes seconds."""
    try:
        if not image_samples.is_made(name):
            return ""
        stack = image_samples.open_sample(name)
        blob = base64.b64encode(slice_png(stack.pixels(stack.n_slices // 2))).decode()
    except EcgvizError:
        return ""
    return f'<img src="data:image/png;base64,{blob}" alt="A slice of {stack.name}" style="height:84px">'


def _installed() -> None:
    networks, device, running = st.columns(3)
    with networks:
        st.markdown("## Networks")
        found = [one for kind in ("ecg", "record", "image", "row") for one in sidebar.usable_checkpoints(kind)]
        with st.container(gap=None):
            for summary in (one for one in found if one.is_default):
                words = sidebar.ROLE_WORDS[summary.card.role]
                st.markdown(f"- {words}: **{summary.name}** ({tables.day(summary.card.date)})")
        if not found:
            st.error("No checkpoint was found; restore the folder checkpoints/ from the repository.")
        st.page_link(NETWORKS.page(), label=f"All {len(found)}, and what they were trained on")
    with device:
        st.markdown("## This machine")
        try:
            st.markdown(f"Networks run on **{device_name(choose_device(st.session_state.get(keys.DEVICE)))}**.")
        except EcgvizError as error:
            st.error(str(error))
        st.page_link(SYSTEM.page(), label="Check the installation")
    with running:
        st.markdown("## Open now")
        recording, picture = (st.session_state.get(key) for key in (keys.RECORD, picture_keys.PICTURE))
        if recording:
            st.markdown("A recording is open.")
            last = st.session_state.get(keys.LAST_PAGE, HOLTER)
            st.page_link(last.page(), label="Back to the recording")
        if picture:
            st.markdown("A picture is open.")
            st.page_link(SCAN.page(), label="Back to the picture")
        if not recording and not picture:
            st.markdown("Nothing is open.")
        st.markdown("## Running")
        background.show()


page()
