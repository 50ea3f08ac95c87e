# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Cached samples of a data set: beats as signals, pictures as thumbnails."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.picture_layers import grey_png, shrink
from ecgviz.figures.window_level import apply_window, window_presets
from models.config.image import ImageDataConfig
from models.data.examples import BeatExample, draw_beats, draw_pictures
from models.data.survey_result import Survey
from models.tasks.image import IMAGE_CLASSES
from readers.images import open_images

_SIDE_PX = 128
_PNG_BYTES = 60_000


@st.cache_data(max_entries=32, show_spinner=False)
def beats(root: str, added: float, _survey: Survey, seed: int) -> list[BeatExample]:
    """A beat of each class."""
    return draw_beats(root, _survey.records, seed)


@st.cache_data(max_entries=16, show_spinner=False)
def pictures(root: str, added: float, seed: int) -> dict[str, list[tuple[str, str]]]:
    """File name and thumbnail of some pictures of each class; unreadable ones are left out."""
    found: dict[str, list[tuple[str, str]]] = {IMAGE_CLASSES[0]: []}
    for row in draw_pictures(root, count=12, seed=seed, config=ImageDataConfig(unlabelled="normal")):
        try:
            stack = open_images(str(row.path))
            pixels = row.pixels()
            window = next(iter(window_presets(pixels, stack).values()))
            png = grey_png(shrink(apply_window(pixels, window), _SIDE_PX), _PNG_BYTES)
        except (EcgvizError, OSError):
            continue
        found.setdefault(row.defect_type or IMAGE_CLASSES[row.label], []).append((Path(row.name).name, png))
    return {name: files for name, files in found.items() if files}
