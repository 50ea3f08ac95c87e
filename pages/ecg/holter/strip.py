"""The ECG paper of the view; a click selects a beat."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from ecgviz.analysis.events import reference_letters
from ecgviz.figures import ecg_paper
from ecgviz.figures.ecg_paper import CHART_CONFIG, Shown
from ecgviz.results import Beats, SaliencyMap
from ecgviz.saliency.parts import Reasons
from models import Checkpoint
from models.core.words import clock
from pages.ecg.holter.keys import scope
from pages.ecg.paper_view import PaperView
from pages.parts import appearance, keys
from pages.parts.background_call import BackgroundCall
from pages.parts.width import measure

_CHART = scope("paper")


@dataclass(frozen=True)
class Explained:
    """A map with the upper end of its recording's colour scale, and its tests, if they are wanted."""

    map: SaliencyMap
    vmax: float
    tests: BackgroundCall | None = None


@dataclass(frozen=True, kw_only=True)
class Strip(PaperView):
    """One view with its beats and the map of one of them."""

    checkpoint: Checkpoint
    beats: Beats | None
    about: int | None
    explained: Explained | None
    reasons: Reasons | None = None

    def shown(self) -> Shown:
        """Content shared by figure and file."""
        reads = self.checkpoint.task.describe()
        shown = replace(
            super().shown(),
            beats=self.beats,
            network_input=reads,
            selected=self.about,
            reasons=self.reasons,
            reference=reference_letters(self.opened.recording, self.start_s, self.start_s + self.seconds),
        )
        found = self.explained
        return shown if found is None else self.with_map(shown, found.map, found.vmax, found.tests)


def show(strip: Strip, *, keep_place_of_map: bool) -> None:
    """Draw the paper, with a reserved place for a pending map."""
    recording, beats = strip.opened.recording, strip.beats
    width_px = measure(scope("paper", "width"))
    figure = strip.figure(appearance.theme(), width_px, rows_above=2 if strip.checkpoint.card.rhythm_classes else 1)
    if keep_place_of_map and strip.explained is None:
        ecg_paper.keep_place_of_map(figure, width_px)
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
    """Handle a selection: a box measures, a click selects a beat, an empty one removes the calipers."""
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
