"""The ECG paper: draws the view, and a click on a beat chooses it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ecgviz.figures.ecg_paper import CHART_CONFIG, ecg_strip_figure
from ecgviz.figures.geometry import clock
from ecgviz.figures.static import ecg_strip_file
from ecgviz.results import Beats, SaliencyMap
from ecgviz.signals.filters import describe_filter, read_filtered
from models import Checkpoint
from pages.parts import caching, keys, look
from pages.parts.caching import Opened
from pages.parts.controls import Map, Paper
from pages.parts.width import measure

_CHART = "_paper"
_PROBE = "_paper_width"


@dataclass(frozen=True)
class Explained:
    """A map with the upper end of its recording's colours."""

    map: SaliencyMap
    vmax: float


@dataclass(frozen=True)
class Strip:
    """One view with everything that is drawn in it, for the screen and for a file alike."""

    opened: Opened
    checkpoint: Checkpoint
    start_s: float
    seconds: float
    paper: Paper
    beats: Beats | None
    about: int | None
    explained: Explained | None
    drawn_map: Map | None

    def arguments(self, theme: str) -> dict:
        """What the figure and the file take alike."""
        recording, paper = self.opened.recording, self.paper
        drawn = {}
        if self.explained is not None and self.drawn_map is not None:
            drawn = {
                "saliency": self.explained.map,
                "map_vmax": self.explained.vmax,
                "map_style": self.drawn_map.style,
                "colormap": self.drawn_map.colours,
                "opacity": self.drawn_map.opacity,
            }
        read = None
        if paper.display_filter != "none" or paper.notch_hz:
            read = partial(
                _filtered, recording.signal_mV, recording.fs, recording.n_samples, paper.display_filter, paper.notch_hz
            )
        return {
            "layout": paper.layout,
            "beats": self.beats,
            "theme": theme,
            "speed_mm_s": paper.speed_mm_s,
            "gain_mm_mV": paper.gain_mm_mV,
            "read": read,
            "display_filter": describe_filter(paper.display_filter, paper.notch_hz),
            "network_input": self.checkpoint.task.describe(),
            "selected": self.about,
            "ranges": caching.lead_ranges(recording, self.opened.key),
            **drawn,
        }

    def figure(self, theme: str, width_px: int) -> go.Figure:
        """The strip for the screen."""
        return ecg_strip_figure(
            self.opened.recording,
            self.start_s,
            self.seconds,
            width_px=width_px,
            calipers=st.session_state.get(keys.CALIPERS),
            **self.arguments(theme),
        )

    def file(self, file_format: str) -> bytes:
        """The strip as a file, on white paper."""
        return ecg_strip_file(
            self.opened.recording, self.start_s, self.seconds, file_format=file_format, **self.arguments("light")
        )


def _filtered(read, fs: float, n_samples: int, name: str, notch_hz: float | None, start: int, stop: int) -> np.ndarray:
    return read_filtered(read, fs, n_samples, start, stop, name=name, notch_hz=notch_hz)


def show(strip: Strip, *, keep_place_of_map: bool) -> None:
    """Draw the paper; where the map is still to come its place is kept."""
    recording, beats = strip.opened.recording, strip.beats
    figure = strip.figure(look.theme(), measure(_PROBE))
    if keep_place_of_map and strip.explained is None:
        figure.update_layout(margin_t=figure.layout.margin.t + 46, height=figure.layout.height + 46)
    span = f"{clock(strip.start_s)} to {clock(strip.start_s + strip.seconds)}"
    st.plotly_chart(
        figure,
        key=_CHART,
        theme=None,
        config=CHART_CONFIG,
        on_select=lambda: _clicked(beats),
        selection_mode=("points", "box"),
        alt=f"ECG of {recording.name}, {span}, leads {', '.join(recording.leads)}",
    )


def _clicked(beats: Beats | None) -> None:
    """A box measures, a click chooses a beat, nothing takes the calipers away."""
    selection = st.session_state[_CHART].selection
    points, boxes = selection.points, selection.box
    st.session_state[keys.CALIPERS] = _corners(boxes[-1]) if boxes else None
    if boxes:
        return
    if not points or beats is None or "customdata" not in points[0]:
        return
    index = points[0]["customdata"]
    index = int(index[0] if isinstance(index, list | tuple) else index)
    if 0 <= index < len(beats):
        st.session_state[keys.BEAT] = int(beats.sample[index])


def _corners(box: dict) -> tuple[float, float, float, float]:
    """A selected box as (x0, y0, x1, y1) in the figure's seconds and mV."""
    (x0, x1), (y0, y1) = box["x"], box["y"]
    return float(x0), float(y0), float(x1), float(y1)
