"""Synchronises the view of the paper with that of the page.

The user moves the paper in the browser, which reports its position at rest; the page moves it by a button, a table row
or a link. A position reported by the paper is not sent back as a move, so a late rerun does not pull the paper back.
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
    """State of one paper in a session.

    Attributes:
        heard: number of the last view that the browser reported.
        moves: number of moves by the page; the browser follows each once.
        start_s: last start of the view that page and paper agreed on; None before.
    """

    heard: float = 0.0
    moves: int = 0
    start_s: float | None = None


def following(key: str) -> Following:
    """State of a paper in the current session."""
    found: Following = st.session_state.setdefault(f"{key}-following", Following())
    return found


def hear(key: str, source: str, recording: Recording) -> None:
    """Callback: the paper has moved. A move by another callback of the same run takes precedence."""
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
    """The move to send with the paper of this run, if the page's view differs from the last one reported."""
    kept = following(key)
    if kept.start_s != start_s:
        kept.moves, kept.start_s = kept.moves + 1, start_s
    return kept


def _sound(told: Any) -> bool:
    """Whether a message from the browser is valid."""
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
