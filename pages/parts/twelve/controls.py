"""The row above the paper: the view of a longer recording, and the map behind the traces."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.records import RecordAnalysis, label_words
from ecgviz.recording import Recording
from ecgviz.saliency import get_method
from ecgviz.saliency.leads import tells_leads_apart
from ecgviz.saliency.records import record_methods
from models import Checkpoint
from pages.parts import view
from pages.parts.controls import Map, drawn_as
from pages.parts.twelve import keys
from pages.parts.twin import has_maps

DEFAULT_METHOD = "occlusion"
LIKELIEST = "likeliest"


def move(recording: Recording, start_s: float) -> None:
    """Back and on, where the recording is longer than the view."""
    if recording.duration_s <= view.seconds() + 0.5:
        return
    at_end = start_s + view.seconds() >= recording.duration_s - 1e-6
    st.button(
        "", icon=":material/chevron_left:", shortcut="Left", key="_back", on_click=view.turn,
        args=(recording, start_s - view.seconds()), disabled=start_s <= 0, help="The view before",
    )  # fmt: skip
    st.button(
        "", icon=":material/chevron_right:", shortcut="Right", key="_on", on_click=view.turn,
        args=(recording, start_s + view.seconds()), disabled=at_end, help="The next view",
    )  # fmt: skip


def saliency(checkpoint: Checkpoint) -> Map | None:
    """The row of the map; None where it is switched off. A target of None is the likeliest label."""
    if not has_maps(checkpoint):
        return None
    methods = record_methods(checkpoint)
    on = st.toggle(
        "Show where the network looked", value=True, key=keys.MAP, bind="query-params",
        help="A band behind the trace: the stronger its colour, the more the sample spoke for the label. "
        "All labels of a recording share one scale of colours.",
    )  # fmt: skip
    method = st.selectbox(
        "Method", methods, index=methods.index(DEFAULT_METHOD), key=keys.METHOD, bind="query-params",
        format_func=_method_words, width=250, label_visibility="collapsed", disabled=not on,
    )  # fmt: skip
    label = st.selectbox(
        "Label", [LIKELIEST, *checkpoint.card.classes], key=keys.LABEL, bind="query-params", width=250,
        format_func=lambda name: "for the likeliest label" if name == LIKELIEST else f"for {label_words(name)}",
        label_visibility="collapsed", help="The label that the map and the weights of the leads are about.",
    )  # fmt: skip
    opacity, style, colours = drawn_as(on, keys.OPACITY, keys.STYLE, keys.COLOURS)
    return Map(method, None if label == LIKELIEST else label, opacity, style, colours) if on else None


def target(analysis: RecordAnalysis | None, checkpoint: Checkpoint) -> str | None:
    """The label that map and weights are about; None while the likeliest is not known."""
    chosen = st.session_state.get(keys.LABEL)
    if chosen in checkpoint.card.classes:
        return chosen
    if analysis is None:
        return None
    return analysis.answer.classes[int(analysis.answer.probability.argmax())]


def _method_words(name: str) -> str:
    return f"{get_method(name).title} ({'each lead' if tells_leads_apart(name) else 'all leads alike'})"
