"""Strips by keywords: what is shown and how it is drawn sorted apart."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import plotly.graph_objects as go

from ecgviz.figures.ecg_paper import ecg_strip_figure
from ecgviz.figures.static import ecg_strip_file
from ecgviz.figures.strip_view import Drawn, Shown
from readers.recording import Recording


def strip_figure(recording: Recording, start_s: float, seconds: float, **settings: Any) -> go.Figure:
    return ecg_strip_figure(*_sorted_apart(recording, start_s, seconds, settings), **settings)


def strip_file(recording: Recording, start_s: float, seconds: float, **settings: Any) -> bytes:
    return ecg_strip_file(*_sorted_apart(recording, start_s, seconds, settings), **settings)


def _sorted_apart(
    recording: Recording, start_s: float, seconds: float, settings: dict[str, Any]
) -> tuple[Shown, Drawn]:
    """Both, taken out of ``settings``."""
    shown, drawn = (
        {one.name: settings.pop(one.name) for one in fields(kind) if one.name in settings} for kind in (Shown, Drawn)
    )
    return Shown(recording, start_s, seconds, **shown), Drawn(**drawn)
