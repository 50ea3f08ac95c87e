"""Controls above the paper: navigation, drawing, and the map."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ecgviz.figures.geometry import CLASS_WORDS, GAINS_MM_MV, LAYOUTS, SPEEDS_MM_S
from ecgviz.figures.overlay import COLORMAPS
from ecgviz.saliency import default_method, get_method, list_methods
from ecgviz.signals.filters import DISPLAY_FILTERS, NOTCH_HZ
from models import Checkpoint
from models.compress.twin import float_twin
from pages.ecg import keys
from pages.ecg.keys import scope
from pages.parts import keys as parts_keys
from pages.parts import view
from pages.parts.twin import has_maps
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import Recording

PREDICTED = "said"
_FILTERS: dict[str, tuple[str, str, float | None]] = {
    name: ("No filter" if name == "none" else choice.label, name, None) for name, choice in DISPLAY_FILTERS.items()
} | {f"mains{hz:.0f}": (f"{hz:g} Hz notch", "none", hz) for hz in NOTCH_HZ}


@dataclass(frozen=True)
class Paper:
    """Drawing options of the strip."""

    speed_mm_s: float
    gain_mm_mV: float
    display_filter: str
    notch_hz: float | None
    layout: str


@dataclass(frozen=True)
class Map:
    """Options of the map; ``target`` None is the predicted class."""

    method: str
    target: str | None
    opacity: float
    style: str
    colours: str


def back_and_on(recording: Recording, start_s: float) -> None:
    """Buttons and arrow keys for the previous and next view."""
    at_end = start_s + view.seconds() >= recording.duration_s - 1e-6
    st.button(
        "", icon=":material/chevron_left:", shortcut="Left", key=scope("back"), on_click=view.turn,
        args=(recording, start_s - view.seconds()), disabled=start_s <= 0, help="The view before",
    )  # fmt: skip
    st.button(
        "", icon=":material/chevron_right:", shortcut="Right", key=scope("on"), on_click=view.turn,
        args=(recording, start_s + view.seconds()), disabled=at_end, help="The next view",
    )  # fmt: skip


def paper(recording: Recording) -> Paper:
    """Duration, speed, gain, filter and, for twelve leads, the layout."""
    st.markdown("**Paper**")
    with st.container(horizontal=True, gap="small", key=scope("paper_row")):
        st.selectbox(
            "Length", view.LENGTHS_S, index=view.LENGTHS_S.index(view.DEFAULT_S), format_func=lambda s: f"{s} s",
            key=parts_keys.SECONDS, bind="query-params", width=86,
        )  # fmt: skip
        speed = st.selectbox(
            "Paper speed", SPEEDS_MM_S, index=1, format_func=lambda v: f"{v:g} mm/s", key=keys.SPEED,
            bind="query-params", width=120,
        )  # fmt: skip
        gain = st.selectbox(
            "Gain", GAINS_MM_MV, index=1, format_func=lambda v: f"{v:g} mm/mV", key=keys.GAIN,
            bind="query-params", width=120, help="Keys: up and down.",
        )  # fmt: skip
        shown = st.selectbox(
            "Display filter", list(_FILTERS), key=keys.FILTER, bind="query-params", width=170,
            format_func=lambda name: _FILTERS[name][0],
            help="What the eye sees; the network never reads filtered samples.",
        )  # fmt: skip
        _, band, notch_hz = _FILTERS[shown]
        layout = "stacked"
        if {lead.lower() for lead in TWELVE_LEADS} <= {lead.lower() for lead in recording.leads}:
            layout = st.selectbox(
                "Layout", ["stacked", *LAYOUTS], index=5, key=keys.LAYOUT, bind="query-params", width=170,
            )  # fmt: skip
    return Paper(float(speed), float(gain), band, notch_hz, layout)


def gain_buttons() -> None:
    """Smaller and larger by a step, with their keys."""
    with st.container(horizontal=True, gap="xxsmall", width="content"):
        for step, shortcut, word in ((-1, "Down", "Smaller"), (1, "Up", "Larger")):
            icon = ":material/remove:" if step < 0 else ":material/add:"
            st.button(
                "", icon=icon, shortcut=shortcut, key=scope("gain", step), on_click=_change_gain, args=(step,),
                help=f"{word} gain",
            )  # fmt: skip


def _change_gain(step: int) -> None:
    place = GAINS_MM_MV.index(st.session_state[keys.GAIN]) + step
    st.session_state[keys.GAIN] = GAINS_MM_MV[min(max(place, 0), len(GAINS_MM_MV) - 1)]


def saliency(checkpoint: Checkpoint) -> Map | None:
    """Map controls; None where the map is off."""
    if not has_maps(checkpoint):
        return None
    classes = checkpoint.card.classes
    methods = list_methods(float_twin(checkpoint).network)
    st.markdown("**Map**")
    on = st.toggle(
        "Show where the network looked", value=True, key=keys.MAP, bind="query-params",
        help="A band behind the trace: the stronger its colour, the more the sample spoke for the class. "
        "All views of a recording share one scale of colours.",
    )  # fmt: skip
    with st.container(horizontal=True, gap="small", key=scope("map_row")):
        method = st.selectbox(
            "Method", methods, index=methods.index(default_method(checkpoint)), key=keys.METHOD, bind="query-params",
            format_func=lambda name: get_method(name).title, width=190, disabled=not on,
        )  # fmt: skip
        target = st.selectbox(
            "Class", [PREDICTED, *classes], key=keys.TARGET, bind="query-params", width=230, disabled=not on,
            format_func=lambda c: "for the predicted class" if c == PREDICTED else f"for {CLASS_WORDS.get(c, c)} ({c})",
        )  # fmt: skip
        opacity, colours, style = appearance(on, keys.OPACITY, keys.COLOURS, keys.STYLE)
    if not on:
        return None
    return Map(method, None if target == PREDICTED else target, opacity, style, colours)


def appearance(on: bool, opacity_key: str, colours_key: str, style_key: str | None = None) -> tuple[float, str, str]:
    """Opacity and colours of a map, and band or trace ("band" without a key for it); the keys are the page's own."""
    style = "band"
    if style_key:
        style = st.selectbox(
            "Drawn as", ["band", "trace"], key=style_key, bind="query-params", width=190, disabled=not on,
            format_func={"band": "a band behind the trace", "trace": "the colour of the trace"}.get,
        )  # fmt: skip
    colours = st.selectbox(
        "Colours", COLORMAPS, key=colours_key, bind="query-params", width=120, disabled=not on,
        format_func=lambda name: "one hue" if name == "hue" else name,
    )  # fmt: skip
    opacity = st.slider("Opacity", 0.1, 1.0, 0.6, 0.1, key=opacity_key, bind="query-params", width=150, disabled=not on)
    return opacity, colours, style
