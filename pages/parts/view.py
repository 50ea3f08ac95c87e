"""The view of a recording: what is shown of it, and every way to move it. Each move is a callback, so a click costs
one rerun."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ecgviz.analysis import navigate, rhythms
from ecgviz.results import Beats
from pages.parts import keys
from readers.recording import Recording

LENGTHS_S = (5, 10, 20, 30, 60)
DEFAULT_S = 10


def seconds() -> float:
    """Length of the view, s: the picker's, or in the first run, when there is no picker yet, the link's."""
    linked = {f"{length} s": length for length in LENGTHS_S}.get(st.query_params.get(keys.SECONDS, ""), DEFAULT_S)
    return float(st.session_state.get(keys.SECONDS) or linked)


def start(recording: Recording) -> float:
    """First second of the view, inside the recording."""
    return _clamped(st.session_state.get(keys.START, 0.0), recording)


def chosen(beats: Beats | None) -> int | None:
    """Index of the beat that was chosen, or of the one that the view is about; None where there is none."""
    sample = st.session_state.get(keys.BEAT)
    return navigate.index_of_sample(beats, sample) if beats is not None and sample is not None else None


def settle(recording: Recording, beats: Beats | None) -> tuple[float, int | None]:
    """Where the view is and which beat it is about, once the beats are known: a fresh recording opens at its first
    beat of interest."""
    state = st.session_state
    if beats is not None and state.get(keys.JUMP):
        state[keys.JUMP] = False
        first = navigate.first_of_interest(beats)
        if first is not None:
            to_beat(recording, beats, first)
    begin = start(recording)
    state[keys.START] = begin
    if beats is None:
        return begin, None
    about = navigate.beat_in_view(beats, begin, min(begin + seconds(), recording.duration_s), chosen(beats))
    state[keys.BEAT] = int(beats.sample[about]) if about is not None else None
    return begin, about


def to_time(recording: Recording, middle_s: float) -> None:
    """Bring a time into the middle of the view."""
    turn(recording, middle_s - seconds() / 2)


def to_beat(recording: Recording, beats: Beats, index: int) -> None:
    """Choose a beat and bring it into the middle."""
    to_time(recording, float(beats.time_s[index]))
    st.session_state[keys.BEAT] = int(beats.sample[index])


def turn(recording: Recording, start_s: float) -> None:
    """To the view that starts there. An absolute time: Streamlit may call back twice for one key where a fragment
    reruns meanwhile, and the second call must not turn another page."""
    st.session_state[keys.START] = _clamped(start_s, recording)
    st.session_state[keys.JUMP] = False
    st.session_state[keys.CALIPERS] = None


def next_of(recording: Recording, beats: Beats, classes: Sequence[str], about: int | None) -> int | None:
    """The next beat of these classes after the one that the view is about; None where there is none."""
    after = float(beats.time_s[about]) if about is not None else start(recording)
    return navigate.next_beat(beats, classes, after)


def episodes_around(beats: Beats, start_s: float, about: int | None) -> tuple[int | None, int | None]:
    """First beats of the episodes before and after the beat that the view is about (or its middle) that are no sinus
    rhythm; None where there is none."""
    at_s = float(beats.time_s[about]) if about is not None else start_s + seconds() / 2
    return rhythms.beat_of_episode_before(beats, at_s), rhythms.beat_of_next_episode(beats, at_s)


def jump(recording: Recording, beats: Beats, index: int, about: int | None) -> None:
    """To a beat that was found when the page was drawn, absolute for the same reason as :func:`turn`."""
    if about is not None and index <= about:
        st.toast("The last one was reached: starting again from the first.")
    to_beat(recording, beats, index)


def to_least_sure(recording: Recording, beats: Beats, rank: int) -> None:
    """To the beat of the ``rank``-th lowest probability, the least sure one being 0."""
    st.session_state[keys.RANK] = rank
    found = navigate.least_sure(beats, rank)
    if found is not None:
        to_beat(recording, beats, found)


def _clamped(start_s: float, recording: Recording) -> float:
    return round(min(max(start_s, 0.0), max(recording.duration_s - seconds(), 0.0)), 3)
