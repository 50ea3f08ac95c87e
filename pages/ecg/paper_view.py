"""A view of a recording on ECG paper, for screen and file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from ecgviz.figures.ecg_paper import ecg_strip_figure
from ecgviz.figures.static import ecg_strip_file
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.results import SaliencyMap
from ecgviz.signals.filters import describe_filter, read_filtered
from pages.ecg.controls import Map, Paper
from pages.parts import caching, explanation_quality, keys
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Opened


@dataclass(frozen=True, kw_only=True)
class PaperView:
    """A stretch of a recording with drawing options; subclasses add content by :meth:`shown`."""

    opened: Opened
    start_s: float
    seconds: float
    paper: Paper
    drawn_map: Map | None = None

    def shown(self) -> Shown:
        """Content shared by figure and file."""
        recording, paper = self.opened.recording, self.paper
        read = None
        if paper.display_filter != "none" or paper.notch_hz:
            read = partial(
                read_filtered, recording.signal_mV, recording.fs, recording.n_samples,
                name=paper.display_filter, notch_hz=paper.notch_hz,
            )  # fmt: skip
        return Shown(
            recording,
            self.start_s,
            self.seconds,
            read=read,
            display_filter=describe_filter(paper.display_filter, paper.notch_hz),
            ranges=caching.lead_ranges(recording, self.opened.key),
        )

    def with_map(
        self, shown: Shown, saliency: SaliencyMap | None, vmax: float | None, tests: BackgroundCall | None
    ) -> Shown:
        """The content with the map and the result of its tests, if there is a map and it is on."""
        if saliency is None or self.drawn_map is None:
            return shown
        return replace(shown, saliency=saliency, map_vmax=vmax, map_quality=explanation_quality.of(tests))

    def drawn(self, theme: str) -> Drawn:
        """Drawing options shared by figure and file."""
        paper, colours = self.paper, self.drawn_map
        drawn = Drawn(
            layout=paper.layout, theme=theme, speed_mm_s=paper.speed_mm_s, gain_mm_mV=paper.gain_mm_mV, fitted=True
        )
        if colours is None:
            return drawn
        return replace(drawn, map_style=colours.style, colormap=colours.colours, opacity=colours.opacity)

    def figure(self, theme: str, width_px: int, rows_above: int | None = None) -> go.Figure:
        """Figure of the view; ``rows_above`` the leads are reserved for pending content."""
        return ecg_strip_figure(
            self.shown(),
            self.drawn(theme),
            width_px=width_px,
            calipers=st.session_state.get(keys.CALIPERS),
            rows_above=rows_above,
        )

    def file(self, file_format: str) -> bytes:
        """The view as a file, on white paper."""
        return ecg_strip_file(self.shown(), replace(self.drawn("light"), fitted=False), file_format=file_format)
