"""Controls above the paper: navigation in longer recordings, and the map."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.records import LabelAnalysis, label_words
from ecgviz.saliency import get_method
from ecgviz.saliency.ecg_pictures import picture_methods
from ecgviz.saliency.leads import tells_leads_apart
from ecgviz.saliency.records import record_methods
from models import Checkpoint
from models.plugins import plugin_of
from pages.ecg.controls import Map, appearance, back_and_on
from pages.ecg.twelve_lead import keys
from pages.ecg.twelve_lead.keys import scope
from pages.parts import view
from pages.parts.twin import has_maps
from readers.recording import Recording

LIKELIEST = "likeliest"


def move(recording: Recording, start_s: float) -> None:
    """Buttons for the previous and next view, if the recording is longer than the view."""
    if recording.duration_s <= view.seconds() + 0.5:
        return
    back_and_on(recording, start_s)


def saliency(checkpoint: Checkpoint, *, picture: bool = False) -> Map | None:
    """Map controls; None if the map is off.

    Args:
        checkpoint: network to explain.
        picture: whether the map lies over a picture of an ECG instead of behind the traces of a recording.
    """
    if not has_maps(checkpoint):
        return None
    methods = picture_methods(checkpoint) if picture else record_methods(checkpoint)
    st.markdown("**Map**")
    on = st.toggle(
        "Show where the network looked", value=True, key=keys.MAP, bind="query-params",
        help=("Colour over the picture: the stronger, the more that place spoke for the label. " if picture else
              "A band behind the trace: the stronger its colour, the more the sample spoke for the label. ")
        + "All labels share one scale of colours.",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small", key=scope("map_row")):
        method = st.selectbox(
            "Method", methods, index=methods.index(default_method(checkpoint)), key=keys.METHOD, bind="query-params",
            format_func=lambda name: _method_words(name, checkpoint), width=250, disabled=not on,
        )  # fmt: skip
        opacity, colours, style = appearance(on, keys.OPACITY, keys.COLOURS, None if picture else keys.STYLE)
    return Map(method, None, opacity, style, colours) if on else None


def label_picker(checkpoint: Checkpoint) -> None:
    """The label explained by the map, the reasons and the lead weights."""
    st.selectbox(
        "Label", [LIKELIEST, *checkpoint.card.classes], key=keys.LABEL, bind="query-params", width=250,
        format_func=lambda name: "for the likeliest label" if name == LIKELIEST else f"for {label_words(name)}",
        label_visibility="collapsed", help="The label that the map and the weights of the leads are about.",
    )  # fmt: skip


def default_method(checkpoint: Checkpoint) -> str:
    """Default method: the fastest good one for the network's input."""
    return plugin_of(checkpoint).saliency


def target(analysis: LabelAnalysis | None, checkpoint: Checkpoint) -> str | None:
    """Label of map and weights; None while the likeliest is unknown."""
    chosen = st.session_state.get(keys.LABEL)
    if chosen in checkpoint.card.classes:
        return chosen
    if analysis is None:
        return None
    return analysis.answer.classes[int(analysis.answer.probability.argmax())]


def _method_words(name: str, checkpoint: Checkpoint) -> str:
    title = get_method(name).title
    if checkpoint.task.reads_pictures:
        return title
    return f"{title} ({'each lead' if tells_leads_apart(name) else 'all leads alike'})"
