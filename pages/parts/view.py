"""View of a recording and its navigation. Each move is a callback, so that a click costs one rerun."""

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
    """Duration of the view, s: the selection's, or in the first run the link's."""
    linked = {f"{length} s": length for length in LENGTHS_S}.get(st.query_params.get(keys.SECONDS, ""), DEFAULT_S)
    return float(st.session_state.get(keys.SECONDS) or linked)


def start(recording: Recording) -> float:
    """Start of the view, s, inside the recording."""
    return _clamped(st.session_state.get(keys.START, 0.0), recording)


def chosen(beats: Beats | None) -> int | None:
    """Index of the selected or current beat; None where there is none."""
    sample = st.session_state.get(keys.BEAT)
    return navigate.index_of_sample(beats, sample) if beats is not None and sample is not None else None


def settle(recording: Recording, beats: Beats | None) -> tuple[float, int | None]:
    """Resolve view and current beat once the beats are known: a new recording opens at its first beat of interest."""
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
    """Centre the view on a time."""
    turn(recording, middle_s - seconds() / 2)


def to_beat(recording: Recording, beats: Beats, index: int) -> None:
    """Select a beat and centre the view on it."""
    to_time(recording, float(beats.time_s[index]))
    st.session_state[keys.BEAT] = int(beats.sample[index])


def turn(recording: Recording, start_s: float) -> None:
    """Go to the view with that start. Absolute, since Streamlit may call back twice for one key while a fragment
    reruns."""
    st.session_state[keys.START] = _clamped(start_s, recording)
    st.session_state[keys.JUMP] = False
    st.session_state[keys.CALIPERS] = st.session_state[keys.EVENT] = None


def next_of(recording: Recording, beats: Beats, classes: Sequence[str], about: int | None) -> int | None:
    """Next beat of these classes after the current one; None where there is none."""
    after = float(beats.time_s[about]) if about is not None else start(recording)
    return navigate.next_beat(beats, classes, after)


def episodes_around(beats: Beats, start_s: float, about: int | None) -> tuple[int | None, int | None]:
    """First beats of the previous and next episode of non-sinus rhythm around the current beat (or the middle of the
    view); None where there is none."""
    at_s = float(beats.time_s[about]) if about is not None else start_s + seconds() / 2
    return rhythms.beat_of_episode_before(beats, at_s), rhythms.beat_of_next_episode(beats, at_s)


def jump(recording: Recording, beats: Beats, index: int, about: int | None) -> None:
    """Go to a beat determined when the page was drawn; absolute for the same reason as :func:`turn`."""
    if about is not None and index <= about:
        st.toast("The last one was reached: starting again from the first.")
    to_beat(recording, beats, index)


def to_sample(recording: Recording, beats: Beats | None, sample: int, step: int = 0, here: int = 0) -> None:
    """Go to the beat at a sample number, or to its time where there is none.

    Args:
        recording, beats: what is gone through.
        sample: where to.
        step: 1 or -1 for the next or previous of something, which may go around the end.
        here: sample number that it went on from.
    """
    if step and (sample - here) * step <= 0:
        st.toast(f"The {'last' if step > 0 else 'first'} one was reached: going on from the other end.")
    index = navigate.index_of_sample(beats, sample) if beats is not None else None
    if index is not None:
        to_beat(recording, beats, index)
    else:
        to_time(recording, sample / recording.fs)
        st.session_state[keys.EVENT] = sample


def here(recording: Recording, beats: Beats | None, about: int | None) -> int:
    """Sample number from which the next and the previous are looked for: of an event without a beat that the view was
    brought to, else of the current beat, else of the middle."""
    event: int | None = st.session_state.get(keys.EVENT)
    if event is not None:
        return event
    if beats is not None and about is not None:
        return int(beats.sample[about])
    return round((start(recording) + seconds() / 2) * recording.fs)


def to_least_sure(recording: Recording, beats: Beats, rank: int) -> None:
    """Go to the beat with the ``rank``-th lowest probability, from 0."""
    st.session_state[keys.RANK] = rank
    found = navigate.least_sure(beats, rank)
    if found is not None:
        to_beat(recording, beats, found)


def _clamped(start_s: float, recording: Recording) -> float:
    return round(min(max(start_s, 0.0), max(recording.duration_s - seconds(), 0.0)), 3)
