"""Page Simulator: real and simulated slices side by side."""

from __future__ import annotations

import streamlit as st

from models.core.callbacks import Progress, ShouldStop
from pages.inspection.simulator import comparison, keys
from pages.inspection.simulator.comparison import Gallery
from pages.inspection.simulator.keys import scope
from pages.parts import forms, page_head, picture_keys, progress, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane

PURPOSE = "How close are the simulated slices, which the networks for battery CT learned from, to real ones?"
HELP = """
- No open set of labelled battery CT exists, so the defects are **simulated**: cells are drawn or real healthy slices
  are taken, a defect is put in, and the slice goes through a simulated scanner.
- **Real slices** shows nine slices of a folder on the server (or of the folders in it). Nothing is sent anywhere.
- **Simulated slices** shows nine drawn ones; the edge of each defect is blue.
- Each picture is stretched between its own darkest and brightest half per cent.
- How well a network tells the two kinds apart is measured in `docs/battery_ct_sim.md`, with the command that does it.
"""
PATIENCE_S = 1.0


def page() -> None:
    """The whole page."""
    with page_head.head():
        st.subheader("Real and simulated slices", anchor=False)
        # Another key is another popover: this one closes when a folder was opened from it.
        key = keys.scope("open_real", st.session_state.get(picture_keys.OPENINGS, 0))
        with st.popover("Open real slices", icon=":material/folder_open:", type="primary", key=key):
            forms.path_form(keys.scope("real_path"), "Folder on the server", "Open folder", "battery_ct", _choose)
        page_head.help_popover(HELP)
    st.markdown(PURPOSE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kind = st.segmented_control(
            "Simulated", (comparison.HEALTHY, comparison.DEFECTIVE), default=comparison.HEALTHY, required=True,
            key=keys.KIND, persist_state="session",
        )  # fmt: skip
        st.button("Draw others", icon=":material/casino:", on_click=_others, key=scope("draw_others"))
    draw = st.session_state.get(keys.DRAW, 0)
    left, right = st.columns(2, gap="medium")
    with left:
        folder = st.session_state.get(keys.REAL)
        st.markdown("**Real**" + (f" · {folder.partition(':')[2]}" if folder else ""))
        if folder:
            _grid(_real, (folder, draw), "Reading", "real")
        else:
            st.info(
                "Open a folder of real slices, to see them beside the simulated ones.", icon=":material/folder_open:"
            )
    with right:
        st.markdown(f"**Simulated** · {(kind or comparison.HEALTHY).lower()}, drawing {draw + 1}")
        _grid(_simulated, (kind or comparison.HEALTHY, draw), "Drawing", "simulated")


def _grid(start: shared_calls.Kept, arguments: tuple, title: str, what: str) -> None:
    """A gallery, or its progress bar, or an error message."""
    call = shared_calls.watch(what, start, *arguments)
    if not call.wait(PATIENCE_S):
        progress.bar(call, title, keys.scope(what))
        return
    gallery: Gallery | None = call.result
    if gallery is None:
        shared_calls.forget(what)
        st.error(str(call.error) if call.error else "It was stopped; draw others to begin again.")
        return
    st.image(gallery.png, width="stretch")
    if len(set(gallery.words)) > 1:
        st.caption(" · ".join(gallery.words))
    if gallery.note:
        st.warning(gallery.note, icon=":material/warning:")


@shared_calls.kept(unwatched=16)
def _simulated(kind: str, draw: int) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> Gallery:
        return comparison.simulated(kind, draw, progress=tell, should_stop=should_stop)

    return BackgroundCall(compute, Lane.MAP)


@shared_calls.kept(unwatched=16)
def _real(address: str, draw: int) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> Gallery:
        return comparison.real(address, draw, progress=tell, should_stop=should_stop)

    return BackgroundCall(compute, Lane.MAP)


def _choose(address: str) -> None:
    st.session_state[keys.REAL] = address
    st.session_state[picture_keys.OPENINGS] = st.session_state.get(picture_keys.OPENINGS, 0) + 1


def _others() -> None:
    st.session_state[keys.DRAW] = st.session_state.get(keys.DRAW, 0) + 1


page()
