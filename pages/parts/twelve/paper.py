"""The ECG paper of a 12-lead recording, on the screen and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from ecgviz.figures.ecg_paper import CHART_CONFIG, ecg_strip_figure
from ecgviz.figures.geometry import clock
from ecgviz.figures.static import ecg_strip_file
from ecgviz.results import SaliencyMap
from ecgviz.signals.filters import describe_filter, read_filtered
from pages.parts import caching, keys, look
from pages.parts.caching import Opened
from pages.parts.controls import Map, Paper
from pages.parts.width import measure

MAP_ROOM_PX = 50


@dataclass(frozen=True)
class Sheet:
    """One view with what is drawn in it."""

    opened: Opened
    network_input: str
    start_s: float
    seconds: float
    paper: Paper
    saliency: SaliencyMap | None = None
    vmax: float | None = None
    drawn_map: Map | None = None

    def arguments(self, theme: str) -> dict:
        """What the figure and the file take alike."""
        recording, paper = self.opened.recording, self.paper
        drawn = {}
        if self.saliency is not None and self.drawn_map is not None:
            drawn = {
                "saliency": self.saliency,
                "map_vmax": self.vmax,
                "map_style": self.drawn_map.style,
                "colormap": self.drawn_map.colours,
                "opacity": self.drawn_map.opacity,
            }
        read = None
        if paper.display_filter != "none" or paper.notch_hz:
            read = partial(self._filtered)
        return {
            "layout": paper.layout,
            "theme": theme,
            "speed_mm_s": paper.speed_mm_s,
            "gain_mm_mV": paper.gain_mm_mV,
            "read": read,
            "display_filter": describe_filter(paper.display_filter, paper.notch_hz),
            # The whole sentence is longer than the paper is wide; the rest stands with the recording's facts.
            "network_input": ", ".join(self.network_input.split(", ")[:2]),
            "ranges": caching.lead_ranges(recording, self.opened.key),
            **drawn,
        }

    def figure(self, theme: str, width_px: int) -> go.Figure:
        """The sheet for the screen."""
        return ecg_strip_figure(
            self.opened.recording,
            self.start_s,
            self.seconds,
            width_px=width_px,
            calipers=st.session_state.get(keys.CALIPERS),
            **self.arguments(theme),
        )

    def file(self, file_format: str) -> bytes:
        """The sheet as a file, on white paper."""
        return ecg_strip_file(
            self.opened.recording, self.start_s, self.seconds, file_format=file_format, **self.arguments("light")
        )

    def _filtered(self, start: int, stop: int):
        recording, paper = self.opened.recording, self.paper
        return read_filtered(
            recording.signal_mV, recording.fs, recording.n_samples, start, stop,
            name=paper.display_filter, notch_hz=paper.notch_hz,
        )  # fmt: skip


def show(sheet: Sheet, *, key: str = "_paper", keep_place_of_map: bool = False) -> None:
    """Draw the sheet; where the map is still to come its place is kept."""
    recording = sheet.opened.recording
    figure = sheet.figure(look.theme(), measure(f"{key}_width"))
    if keep_place_of_map and sheet.saliency is None:
        figure.update_layout(margin_t=figure.layout.margin.t + MAP_ROOM_PX, height=figure.layout.height + MAP_ROOM_PX)
    span = f"{clock(sheet.start_s)} to {clock(sheet.start_s + sheet.seconds)}"
    st.plotly_chart(
        figure,
        key=key,
        theme=None,
        config=CHART_CONFIG,
        on_select=lambda: _measured(key),
        selection_mode=("box",),
        alt=f"ECG of {recording.name}, {span}, leads {', '.join(recording.leads)}",
    )


def _measured(key: str) -> None:
    """A box measures; nothing takes the calipers away."""
    boxes = st.session_state[key].selection.box
    if not boxes:
        st.session_state[keys.CALIPERS] = None
        return
    (x0, x1), (y0, y1) = boxes[-1]["x"], boxes[-1]["y"]
    st.session_state[keys.CALIPERS] = (float(x0), float(y0), float(x1), float(y1))
