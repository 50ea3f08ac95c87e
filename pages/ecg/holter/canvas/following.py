"""Who moves the view: the hand on the paper, or the page.

The paper moves by itself and tells where it rests; the page moves it by a button, a row of a table, a link. A place
that the paper told of is not sent back as a move, so a rerun that comes late does not pull the paper back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ecgviz.figures.geometry import GAINS_MM_MV
from pages.ecg import keys
from pages.ecg.holter.canvas.component import state_of
from pages.parts import keys as parts_keys
from pages.parts import view
from readers.recording import Recording


@dataclass
class Following:
    """What a session knows of one paper.

    Attributes:
        heard: number of the last view that the browser told of.
        moves: moves of the page; the browser follows each once.
        start_s: where page and paper agreed to be, None before.
    """

    heard: float = 0.0
    moves: int = 0
    start_s: float | None = None


def following(key: str) -> Following:
    """The one of a paper of the session that runs."""
    found: Following = st.session_state.setdefault(f"{key}-following", Following())
    return found


def hear(key: str, source: str, recording: Recording) -> None:
    """Callback: the paper rests elsewhere. What another callback of the same run moved stays."""
    kept, told = following(key), state_of(key, "view")
    if not _sound(told) or told["source"] != source or told["n"] <= kept.heard:
        return
    kept.heard = told["n"]
    if kept.start_s is not None and st.session_state.get(parts_keys.START) != kept.start_s:
        return
    beat = told["beat"]
    length = view.seconds()
    start_s = told["start"]
    if abs(told["seconds"] - length) > 0.01 * length:  # zoomed: the panel is about the beat, or the middle
        start_s = (told["middle"] if beat is None else beat / recording.fs) - length / 2
    view.turn(recording, start_s)
    st.session_state[parts_keys.BEAT] = None if beat is None else int(beat)
    if told["gain"] in GAINS_MM_MV and keys.GAIN in st.session_state:
        st.session_state[keys.GAIN] = float(told["gain"])
    box = told["calipers"]
    st.session_state[parts_keys.CALIPERS] = None if box is None else (min(box), 0.0, max(box), 0.0)
    kept.start_s = st.session_state[parts_keys.START]


def settled(key: str, start_s: float) -> Following:
    """What to send with the paper of this run: a move, where the page is elsewhere than the paper last told."""
    kept = following(key)
    if kept.start_s != start_s:
        kept.moves, kept.start_s = kept.moves + 1, start_s
    return kept


def _sound(told: Any) -> bool:
    """Whether a message of the browser is one."""
    if not isinstance(told, dict) or not isinstance(told.get("source"), str):
        return False
    numbers = [told.get(name) for name in ("n", "start", "middle", "seconds", "gain")]
    beat, box = told.get("beat"), told.get("calipers")
    numbers += [] if beat is None else [beat]
    if box is not None:
        if not isinstance(box, list) or len(box) != 2:
            return False
        numbers += box
    return all(isinstance(one, int | float) and math.isfinite(one) for one in numbers)
