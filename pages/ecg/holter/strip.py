"""The ECG paper of the view: a canvas that is moved, measured and edited in the browser."""

# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from ecgviz.analysis.events import reference_letters
from ecgviz.figures.canvas_beats import beats_message, is_annotated
from ecgviz.figures.canvas_paper import map_message, paper_message, parts_message
from ecgviz.figures.packed_arrays import pack
from ecgviz.figures.strip_view import Shown
from ecgviz.results import Beats, SaliencyMap
from ecgviz.saliency.parts import Reasons
from models import Checkpoint
from pages.ecg.holter.canvas import component, following, signal
from pages.ecg.holter.canvas.component import Kind
from pages.ecg.holter.edit_bar import FAMILY
from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_keys import PAPER
from pages.ecg.holter.review_memory import memory
from pages.ecg.holter.reviewing import WHO, Reviewing
from pages.ecg.paper_view import PaperView
from pages.parts import appearance, caching
from pages.parts.background_call import BackgroundCall


@dataclass(frozen=True)
class Explained:
    """A map with the upper end of its recording's colour scale, and its tests if requested."""

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


def show(strip: Strip, reviewed: Reviewing | None, events: list[int] | bool | None, *, keep_place_of_map: bool) -> None:
    """Draw the paper, with a reserved place for a pending map, and send it its beats and the signal of the view.

    ``events``: samples that the keys J and K step through; None for ectopic beats; False if the page handles the keys.
    """
    opened, recording = strip.opened, strip.opened.recording
    shown, drawn = strip.shown(), strip.drawn(appearance.theme())
    ranges = caching.lead_ranges(recording, opened.key)
    mark = f"{opened.key} {strip.paper.display_filter} {strip.paper.notch_hz}"
    drawn_signal = signal.signal_of(recording, ranges, shown.read, mark)
    answer = f"{opened.key} {strip.checkpoint.sha256}" if reviewed is None else reviewed.mark
    saliency, arrays = map_message(shown, drawn)
    header = paper_message(shown, drawn, ranges) | {
        "source": mark,
        "answer": answer,
        "levels": drawn_signal.source.levels,
        "steps": drawn_signal.source.steps,
        "map": saliency,
        "keep_map": keep_place_of_map,
        "parts": parts_message(shown, drawn, ranges),
        "rhythms": bool(strip.checkpoint.card.rhythm_classes),
        "annotated": is_annotated(recording),
        "events": events,
        "view": _view(strip, reviewed),
    }
    component.draw(
        PAPER, component.framed(pack(header, arrays), Kind.PAPER), lambda: following.hear(PAPER, mark, recording)
    )
    if strip.beats is not None:
        component.feed(scope("paper", "beats"), _beats(strip, reviewed, answer))
    signal.serve(scope("paper", "tiles"), drawn_signal, strip.start_s, strip.seconds)


def _view(strip: Strip, reviewed: Reviewing | None) -> dict:
    """Position of the page, and the function of each key."""
    kept, beats = following.settled(PAPER, strip.start_s), strip.beats
    chosen = None
    if beats is not None and strip.about is not None:
        chosen = int((beats.sample if beats.edits is None else beats.edits.number)[strip.about])
    return {
        "start": strip.start_s,
        "chosen": chosen,
        "move": kept.moves,
        "heard": max(kept.heard, memory().done),
        "done": memory().done,
        "review": reviewed is not None,
        "named": bool(str(st.session_state.get(WHO) or "").strip()),
        "family": st.session_state.get(FAMILY),
    }


def _beats(strip: Strip, reviewed: Reviewing | None, answer: str) -> bytes:
    annotations = strip.opened.recording.annotations
    if reviewed is None:
        return _beats_packed(partial(beats_message, strip.beats, annotations=annotations), answer, "", 0, 0.0)
    state = reviewed.state
    made = partial(beats_message, strip.beats, state.deleted_s, state.rejected_s, annotations)
    return _beats_packed(made, answer, _log_mark(reviewed), state.revision, memory().done)


def _log_mark(reviewed: Reviewing) -> str:
    events = reviewed.state.events
    return f"{events[-1].at} {' '.join(reviewed.key.values)}" if events else ""


@st.cache_resource(max_entries=8, show_spinner=False)
def _beats_packed(_made: Callable[[], tuple[dict, dict]], answer: str, mark: str, revision: int, done: float) -> bytes:
    header, arrays = _made()
    header |= {"source": answer, "revision": revision, "done": done}
    return component.framed(pack(header, arrays, level=6), Kind.BEATS)
