"""The row above the paper: the view before and after, previous and next of one kind of event, and the gain."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.analysis import events
from ecgviz.figures.geometry import CLASS_WORDS
from models import Checkpoint
from pages.ecg import controls
from pages.ecg.holter.keys import KIND
from pages.ecg.keys import scope
from pages.parts import keys, view
from pages.parts.caching import Analysis, Opened

CONFIDENCE = "confidence"
_AROUND = "It is looked for from the chosen beat on, and after the last from the first."


def show(opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, start_s: float, about: int | None) -> None:
    """The whole row; kinds of events that the network or file cannot have are not offered."""
    recording = opened.recording
    with st.container(horizontal=True, gap="xxsmall", width="content", vertical_alignment="center"):
        controls.back_and_on(recording, start_s)
    with st.container(horizontal=True, gap="xxsmall", width="content", vertical_alignment="center"):
        _previous_and_next(opened, checkpoint, analysis, about)
    with st.container(horizontal=True, gap="xxsmall", width="content", vertical_alignment="center"):
        _by_a_key_of_their_own(opened, analysis, about)
        if checkpoint.card.rhythm_classes:
            _rhythms(opened, analysis, start_s, about)
    controls.gain_buttons()


def _previous_and_next(opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, about: int | None) -> None:
    """Buttons around the kind of event that they go to."""
    recording, beats = opened.recording, analysis.beats if analysis else None
    kinds = [*events.kinds(recording, checkpoint.card.classes, checkpoint.card.rhythm_classes), CONFIDENCE]
    kind = st.session_state.get(KIND)
    if kind not in kinds:
        kind = st.session_state[KIND] = events.ECTOPIC
    word = events.WORDS.get(kind, "beat of lowest confidence")
    if kind == CONFIDENCE:
        rank = st.session_state.get(keys.RANK, -1)
        last = -1 if beats is None else len(beats) - 1
        goes, there = view.to_least_sure, [rank > 0, rank < last]
        arguments = [(recording, beats, rank + step) for step in (-1, 1)]
    else:
        found = np.empty(0, np.int64)
        if analysis is not None:
            found = _samples(opened, analysis, kind, opened.key, analysis.mark)
        here = view.here(recording, beats, about)
        around = events.around(found, here)
        goes, there = view.to_sample, [at is not None for at in around]
        arguments = [(recording, beats, at, step, here) for at, step in zip(around, (-1, 1), strict=True)]
    for place, (name, key, shortcut) in enumerate((("Previous", "previous_event", "K"), ("Next", "next_event", "J"))):
        st.button(
            "", icon=f":material/skip_{name.lower()}:", shortcut=shortcut, key=scope(key), disabled=not there[place],
            on_click=goes, args=arguments[place], help=f"{name} {word}, key {shortcut}. {_AROUND}",
        )  # fmt: skip
        if not place:
            st.selectbox(
                "Kind of event", kinds, key=KIND, width=178, label_visibility="collapsed", persist_state="session",
                format_func=lambda one: events.WORDS.get(one, "lowest confidence"),
            )  # fmt: skip


def places(opened: Opened, analysis: Analysis | None) -> list[int] | bool | None:
    """Samples of the chosen kind; None for ectopic beats, which the browser finds itself; False for the order of
    confidence, which only the page steps through."""
    kind = st.session_state.get(KIND)
    if kind == CONFIDENCE:
        return False
    if analysis is None or kind in {None, events.ECTOPIC}:
        return None
    found: list[int] = _samples(opened, analysis, kind, opened.key, analysis.mark).tolist()
    return found


def _by_a_key_of_their_own(opened: Opened, analysis: Analysis | None, about: int | None) -> None:
    """Buttons for the next beat of a class and the next in the order of confidence."""
    recording, beats = opened.recording, analysis.beats if analysis else None
    counts = analysis.summary.counts if analysis else {}
    for letter in ("S", "V", "F"):
        following = view.next_of(recording, beats, (letter,), about) if beats is not None else None
        st.button(
            letter, shortcut=f"Shift+{letter}", key=scope("next", letter), on_click=view.jump,
            args=(recording, beats, following, about), disabled=not counts.get(letter),
            help=f"The next {letter} beat ({CLASS_WORDS[letter]}), key Shift+{letter}. {_AROUND}",
        )  # fmt: skip
    st.button(
        "", icon=":material/psychology_alt:", shortcut="L", key=scope("least_sure"), on_click=view.to_least_sure,
        args=(recording, beats, st.session_state.get(keys.RANK, -1) + 1), disabled=beats is None or not len(beats),
        help="The beat of lowest confidence; again for the second lowest, and so on. Key L.",
    )  # fmt: skip


def _rhythms(opened: Opened, analysis: Analysis | None, start_s: float, about: int | None) -> None:
    """Buttons for the previous and next episode of non-sinus rhythm."""
    beats = analysis.beats if analysis else None
    before, following = view.episodes_around(beats, start_s, about) if beats is not None else (None, None)
    words = "of a rhythm that is not sinus rhythm, to its first beat"
    st.button(
        "", icon=":material/first_page:", shortcut="Shift+E", key=scope("episode_before"), on_click=view.to_beat,
        args=(opened.recording, beats, before), disabled=before is None,
        help=f"The episode before {words}, key Shift+E.",
    )  # fmt: skip
    st.button(
        "", icon=":material/last_page:", shortcut="E", key=scope("next_episode"), on_click=view.jump,
        args=(opened.recording, beats, following, about), disabled=following is None,
        help=f"The next episode {words}, key E. After the last it goes on from the first.",
    )  # fmt: skip


# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
@st.cache_resource(max_entries=16, show_spinner=False)
def _samples(_opened: Opened, _analysis: Analysis, kind: str, key: str, mark: str) -> np.ndarray:
    return events.samples_of(kind, _opened.recording, _analysis.beats)
