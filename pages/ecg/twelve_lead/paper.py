"""ECG paper of a 12-lead recording, for screen and file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from ecgviz.figures import ecg_paper
from ecgviz.figures.ecg_paper import CHART_CONFIG, Shown
from ecgviz.results import SaliencyMap
from ecgviz.saliency.record_parts import RecordReasons
from models.core.words import clock
from pages.ecg.paper_view import PaperView
from pages.ecg.twelve_lead.keys import scope
from pages.parts import appearance, keys
from pages.parts.width import measure


@dataclass(frozen=True, kw_only=True)
class Sheet(PaperView):
    """One view with the map of a label."""

    network_input: str
    saliency: SaliencyMap | None = None
    vmax: float | None = None
    reasons: RecordReasons | None = None

    def shown(self) -> Shown:
        """Content shared by figure and file."""
        # The whole sentence is longer than the paper is wide; the rest stands with the recording's facts.
        reads = ", ".join(self.network_input.split(", ")[:2])
        shown = replace(super().shown(), network_input=reads, normal=self.reasons)
        return self.with_map(shown, self.saliency, self.vmax)


def show(sheet: Sheet, *, key: str = scope("paper"), keep_place_of_map: bool = False) -> None:
    """Draw the sheet, with a reserved place for a pending map."""
    recording = sheet.opened.recording
    width_px = measure(f"{key}-width")
    figure = sheet.figure(appearance.theme(), width_px)
    if keep_place_of_map and sheet.saliency is None:
        ecg_paper.keep_place_of_map(figure, width_px)
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
    """Handle a selection: a box measures, an empty one removes the calipers."""
    boxes = st.session_state[key].selection.box
    if not boxes:
        st.session_state[keys.CALIPERS] = None
        return
    (x0, x1), (y0, y1) = boxes[-1]["x"], boxes[-1]["y"]
    st.session_state[keys.CALIPERS] = (float(x0), float(y0), float(x1), float(y1))
