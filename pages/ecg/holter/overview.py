"""Overview of the whole recording for navigation, by click and by slider."""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from ecgviz.figures.overview import mark_view
from ecgviz.figures.rhythms import rhythm_legend
from models import Checkpoint
from models.core.words import clock
from pages.ecg.holter.drawn import while_drawn
from pages.ecg.holter.keys import scope
from pages.parts import appearance, caching, view
from pages.parts.appearance import styled
from pages.parts.caching import Analysis, Opened
from readers.recording import Recording

_EPOCH = datetime(2000, 1, 1)
_CHART = scope("overview")


def show(opened: Opened, analysis: Analysis | None, checkpoint: Checkpoint, start_s: float) -> None:
    """Overview with the current view, rhythm legend, and slider."""
    recording, theme = opened.recording, appearance.theme()
    mark = analysis.mark if analysis is not None else ""
    rhythms = bool(checkpoint.card.rhythm_classes)
    figure = caching.overview(recording, analysis, opened.key, checkpoint.sha256, mark, theme, rhythms)
    stop_s = min(start_s + view.seconds(), recording.duration_s)
    mark_view(figure, (start_s, stop_s), recording.duration_s, theme=theme)
    if rhythms:
        with st.container(key=styled("rhythm_legend")):
            st.html((rhythm_legend(analysis.beats.rhythms) if analysis is not None else "") or "&nbsp;")
    st.plotly_chart(
        figure,
        key=_CHART,
        theme=None,
        config={"displayModeBar": False, "scrollZoom": False},
        on_select=lambda: _clicked(recording),
        selection_mode="points",
        alt=f"Overview of {recording.name}: heart rate, beats by class, {'rhythm ' if rhythms else ''}and signal "
        f"quality over {clock(recording.duration_s, hours=recording.duration_s >= 3600)}",
    )
    _slider(recording, start_s)


def _clicked(recording: Recording) -> None:
    points = st.session_state[_CHART].selection.points
    if points and "customdata" in points[0]:
        view.to_time(recording, float(_first(points[0]["customdata"])))


def _first(value: object) -> object:
    return value[0] if isinstance(value, list | tuple) else value


def _slider(recording: Recording, start_s: float) -> None:
    """Slider for the position of the view.

    Each position has a slider with its own key: the browser would overwrite a new value of the same slider.
    """
    last = recording.duration_s - view.seconds()
    if last <= 0:
        return
    step = 1.0 if last > 20 else 0.1
    key = scope("position", f"{start_s:.3f}")
    st.slider(
        "Start of the view",
        _EPOCH,
        _EPOCH + timedelta(seconds=last),
        _EPOCH + timedelta(seconds=min(round(start_s / step) * step, last)),
        step=timedelta(seconds=step),
        format="H:mm:ss" if recording.duration_s >= 3600 else "mm:ss",
        key=key,
        on_change=while_drawn("position", key, _slid),
        args=(recording, key),
        label_visibility="collapsed",
    )


def _slid(recording: Recording, key: str) -> None:
    view.turn(recording, (st.session_state[key] - _EPOCH).total_seconds())
