"""Review of the open recording: the network's beats, the decisions of people, and the one function that enters more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from ecgviz.analysis import navigate
from ecgviz.analysis.summary import summarise
from ecgviz.errors import ReviewError, StaleReviewError
from ecgviz.review import ReviewKey, ReviewLog, ReviewState, review_key, review_state
from ecgviz.review.events import Event
from ecgviz.review.families import Family, Shapes, families
from ecgviz.review.queue import doubt
from ecgviz.review.state import places_of
from models import Checkpoint
from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_memory import memory
from pages.parts import caching, keys, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis, Opened
from readers.recording import Recording

WHO = scope("reviewer")
_KEPT = 4
"""Cached review states; that of a day takes up to 15 MB and 10 ms to compute."""


@dataclass(frozen=True)
class Reviewing:
    """A recording under review.

    Attributes:
        opened, checkpoint: the recording and network under review.
        key: key of its log.
        network: the network's analysis.
        state: review state of this run of the page.
        analysis: the analysis with the edited beats, which the page shows.
    """

    opened: Opened
    checkpoint: Checkpoint
    key: ReviewKey
    network: Analysis
    state: ReviewState
    analysis: Analysis

    @property
    def mark(self) -> str:
        """Identifies the analysis under review."""
        return f"{self.opened.key} {self.checkpoint.sha256} {self.network.mark}"

    def network_index(self, index: int | None) -> int | None:
        """Index of a beat in the network's analysis; None for a beat that a person added."""
        if index is None:
            return None
        [place] = places_of(self.network.beats.sample, self.state.beats.edits.number[index : index + 1])
        return int(place) if place >= 0 else None

    def shapes(self) -> BackgroundCall:
        """Background call that computes the shapes of beats for families; its result is a ``Shapes``."""
        asked = (self.opened, self.network.beats, self.mark)
        return shared_calls.watch("shapes", caching.shapes, *asked, lasting=True)


def of(opened: Opened, checkpoint: Checkpoint, network: Analysis) -> Reviewing:
    """The current review of an analysis; its revision is recorded as seen by this session."""
    key = review_key(network.recording_hash, checkpoint.sha256, network.beats)
    try:
        revision = ReviewLog().revision(key)
        mark = _mark(opened, network, key, revision)
        state = _state(network, key, revision, mark)
    except ReviewError as error:
        st.error(str(error))
        revision, state, mark = 0, review_state(network.beats, ()), ""
    kept = memory()
    kept.key, kept.revision = key, revision
    analysis = network if not state.live else _edited(network, state, revision, mark)
    return Reviewing(opened, checkpoint, key, network, state, analysis)


def as_known(opened: Opened, checkpoint: Checkpoint, network: Analysis) -> Reviewing | None:
    """The review as last seen by this session; None if it has seen none."""
    key = review_key(network.recording_hash, checkpoint.sha256, network.beats)
    kept = memory()
    if kept.key != key:
        return None
    try:
        state = _state(network, key, kept.revision, _mark(opened, network, key, kept.revision))
    except ReviewError:  # shown when the page is drawn
        return None
    return Reviewing(opened, checkpoint, key, network, state, network)


def decide(reviewing: Reviewing, make: Callable[[ReviewState], Event], seen: int | None = None) -> bool:
    """Enter the event of ``make`` for the review as last seen; returns whether it was entered. ``seen`` is the revision
    on the screen, if the browser reports it.

    Decisions made in another tab since then are not overwritten: the page is redrawn with them and shows a message.
    """
    who = str(st.session_state.get(WHO) or "").strip()
    if not who:
        st.toast("Write your name first: it signs every edit.", icon=":material/badge:")
        return False
    log, key, kept = ReviewLog(), reviewing.key, memory()
    try:
        now = log.revision(key)
        if kept.key == key and now != kept.revision:
            raise StaleReviewError(kept.revision, now)
        if seen is not None and not kept.wrote_all(key, seen, now):
            raise StaleReviewError(seen, now)
        state = _state(reviewing.network, key, now, _mark(reviewing.opened, reviewing.network, key, now))
        event = make(state)
        [written] = log.append(key, [event], who=who, seen=now)
        kept.written(key, written.revision)
    except StaleReviewError:
        st.toast(
            "Somebody else, or another tab, has edited this recording meanwhile. The page shows it as it is now; "
            "decide again.", icon=":material/sync_problem:",
        )  # fmt: skip
        return False
    except ReviewError as error:
        st.toast(str(error), icon=":material/error:")
        return False
    return True


def now(reviewing: Reviewing) -> ReviewState:
    """The review with the events that this session entered since it was drawn."""
    kept = memory()
    known = kept.revision if kept.key == reviewing.key else reviewing.state.revision
    try:
        mark = _mark(reviewing.opened, reviewing.network, reviewing.key, known)
        return _state(reviewing.network, reviewing.key, known, mark)
    except ReviewError:
        return reviewing.state


def family_list(reviewing: Reviewing, shapes: Shapes) -> tuple[Family, ...]:
    """The current families."""
    return _families(reviewing.opened.recording, reviewing.state, shapes, log_mark(reviewing, reviewing.state))


def doubts(reviewing: Reviewing, state: ReviewState) -> np.ndarray:
    """Probability that each label is wrong; from the class probability alone until the shapes are known."""
    call = reviewing.shapes()
    if not call.done or call.result is None:
        return np.where(state.beats.edits.singly, 0.0, 1.0 - state.beats.confidence)
    return _doubts(state, call.result, log_mark(reviewing, state))


def next_in_queue(reviewing: Reviewing) -> int | None:
    """Index, in the current review, of the next beat to check; None if no doubtful beat is left.

    A beat that was shown and left undecided returns after all others.
    """
    state = now(reviewing)
    found = doubts(reviewing, state)
    visited = memory().visited.setdefault(reviewing.key, [])
    number = state.beats.edits.number
    fresh = np.where(np.isin(number, visited), 0.0, found)
    if not (fresh > 0).any():
        visited.clear()
        fresh = found
    if not (fresh > 0).any():
        return None
    index = int(fresh.argmax())
    visited.append(int(number[index]))
    return index


def chosen_number(reviewing: Reviewing) -> int | None:
    """Number of the current beat, in the current review."""
    beats, sample = now(reviewing).beats, st.session_state.get(keys.BEAT)
    index = navigate.index_of_sample(beats, sample) if sample is not None else None
    return None if index is None else int(beats.edits.number[index])


def index_of(state: ReviewState, number: int) -> int:
    """Index of a beat by its number.

    Raises:
        ReviewError: it is deleted or rejected.
    """
    [place] = places_of(state.beats.edits.number, np.array([number]))
    if place < 0:
        raise ReviewError("this beat is deleted or rejected; undo that to decide about it again")
    return int(place)


def log_mark(reviewing: Reviewing, state: ReviewState) -> str:
    """Identifies a review in this ``state`` among all on this server; does not read the log."""
    last = f"{state.revision} {state.events[-1].at}" if state.events else "0"
    return f"{reviewing.mark} {ReviewLog().path} {last} {' '.join(reviewing.key.values)}"


def _mark(opened: Opened, network: Analysis, key: ReviewKey, revision: int) -> str:
    """Identifies a review at a revision among all on this server."""
    return f"{opened.key} {network.mark} {ReviewLog().mark(key, revision)} {' '.join(key.values)}"


# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _state(_network: Analysis, _key: ReviewKey, revision: int, mark: str) -> ReviewState:
    return review_state(_network.beats, ReviewLog().events(_key)[:revision])


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _edited(_network: Analysis, _state: ReviewState, revision: int, mark: str) -> Analysis:
    beats = _state.beats
    return replace(_network, beats=beats, summary=summarise(beats, _network.quality), revision=revision)


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _families(_recording: Recording, _state: ReviewState, _shapes: Shapes, mark: str) -> tuple[Family, ...]:
    return families(_recording, _state, _shapes)


@st.cache_resource(max_entries=_KEPT, show_spinner=False)
def _doubts(_state: ReviewState, _shapes: Shapes, mark: str) -> np.ndarray:
    return doubt(_state, _shapes)
