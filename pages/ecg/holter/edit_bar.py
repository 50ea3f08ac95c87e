"""Buttons and keys that edit the chosen beat; both enter the same decisions."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ecgviz.figures.beat_marks import words_of
from ecgviz.review import ReviewState, editing
from ecgviz.review.events import Event
from ecgviz.review.families import membership
from ecgviz.review.queue import families_first
from models.data.aami import AAMI_CLASSES
from pages.ecg.holter import review_keys, reviewing
from pages.ecg.holter.keys import scope
from pages.ecg.holter.review_keys import LETTERS, Press
from pages.ecg.holter.review_memory import memory
from pages.ecg.holter.reviewing import WHO, Reviewing
from pages.parts import keys, view

FAMILY = scope("family")
"""Key of the number of a beat in the chosen family; None if no family is chosen."""
_AT, _SNAP, _NEW = scope("edit_at"), scope("edit_snap"), scope("edit_class")
_ON_BEAT = {"x": "reject", "d": "delete", "y": "confirm"}
_ON_FAMILY = {"x": "reject", "d": "delete", "a": "accept"}


def show(found: Reviewing, about: int | None) -> None:
    """Name, buttons for the chosen beat, undo and redo."""
    number = None if about is None else int(found.state.beats.edits.number[about])
    st.text_input(
        "Your name", key=WHO, persist_state="session", placeholder="Your name, to edit", max_chars=200,
        label_visibility="collapsed",
    )  # fmt: skip
    with st.container(horizontal=True, gap="xxsmall", key=scope("edit_class_row")):
        for letter in AAMI_CLASSES:
            _button(letter, letter, f"This beat is {words_of(letter)}, key {letter}.", found, number, "relabel", letter)
        _button("reject", "×", "Artefact, key X: no RR interval goes across.", found, number, "reject")
        _button("delete", "Delete", "No beat, key D: RR goes to the next beat.", found, number, "delete")
    with st.container(horizontal=True, gap="xxsmall", key=scope("edit_row")):
        _button("confirm", "Confirm", "This label is right, key Y.", found, number, "confirm")
        for action, icon, told in (("undo", "undo", "Ctrl+Z"), ("redo", "redo", "Ctrl+Y or Ctrl+Shift+Z")):
            st.button(
                "", icon=f":material/{icon}:", key=scope("edit", action), on_click=_undo_or_redo, args=(found, action),
                disabled=not found.state.events, help=f"{action.capitalize()} the last edit, {told}.",
            )  # fmt: skip
        with st.popover("Add, move", key=scope("edit_add")):
            _add_or_move(found, number)


def _button(name: str, label: str, told: str, found: Reviewing, number: int | None, *action: str) -> None:
    st.button(
        label, key=scope("edit", name), on_click=_on_beat, args=(found, number, *action), disabled=number is None,
        help=told,
    )  # fmt: skip


def _on_beat(found: Reviewing, number: int | None, action: str, *letter: str) -> None:
    if number is not None:
        _on_beats(found, [number], action, *letter)


def _on_beats(found: Reviewing, numbers: list[int], action: str, *letter: str, seen: int | None = None) -> None:
    """Enter a decision about beats; if they are removed, the next beat is chosen."""
    before = reviewing.now(found).beats
    if not reviewing.decide(found, lambda state: _made(state, numbers, action, *letter), seen):
        return
    if action in {"delete", "reject"}:
        stay = np.flatnonzero(~np.isin(before.edits.number, numbers))
        place = int(np.flatnonzero(before.edits.number == numbers[-1])[0])
        following = stay[min(int(np.searchsorted(stay, place)), len(stay) - 1)] if len(stay) else None
        st.session_state[keys.BEAT] = None if following is None else int(before.sample[following])


def _made(state: ReviewState, numbers: list[int], action: str, *letter: str) -> Event:
    made: Event = getattr(editing, action)(state, [reviewing.index_of(state, number) for number in numbers], *letter)
    return made


def on_family(found: Reviewing, number: int, action: str, *letter: str, seen: int | None = None) -> None:
    """Enter a decision about the current members of a beat's family; "accept" applies to undecided beats only."""
    call = found.shapes()
    if call.result is None:
        st.toast("The families are not ready yet.", icon=":material/hourglass_top:")
        return

    def made(state: ReviewState) -> Event:
        family = membership(state, call.result)
        members = np.flatnonzero(family == family[reviewing.index_of(state, number)])
        event: Event = getattr(editing, action)(state, members, *letter)
        return event

    reviewing.decide(found, made, seen)


def _undo_or_redo(found: Reviewing, action: str, seen: int | None = None) -> None:
    reviewing.decide(found, getattr(editing, action), seen)


def act_on_keys(found: Reviewing) -> None:
    """Apply the pressed keys in order to the review as this session has last seen it."""
    kept = memory()
    for press in review_keys.new_presses():
        kept.acting = press.number
        if press.key in _MOVES:
            kept.acted()
            _MOVES[press.key](found)
        elif press.key in {"undo", "redo"}:
            _undo_or_redo(found, press.key, press.revision)
        else:
            _edit(found, press)
        kept.acted()
        kept.acting = 0.0


def _edit(found: Reviewing, press: Press) -> None:
    chosen = st.session_state.get(FAMILY)
    led_to = f"beats {reviewing.chosen_number(found)}" if chosen is None else f"family {chosen}"
    kind, *words = (press.seen or led_to).split(" ")
    numbers = [int(word) for word in words if word.lstrip("-").isdecimal()]
    letter = (press.key.upper(),) if press.key in LETTERS else ()
    action = "relabel" if letter else (_ON_FAMILY if kind == "family" else _ON_BEAT).get(press.key)
    if not numbers:
        return
    if kind == "at" and press.key == "a":
        _add(found, numbers[0] / found.opened.recording.fs, True, "N", press.revision)
    elif kind == "family" and action:
        on_family(found, numbers[0], action, *letter, seen=press.revision)
    elif kind == "beats" and action:
        _on_beats(found, numbers, action, *letter, seen=press.revision)


def to_next(found: Reviewing) -> None:
    """Go to the beat whose label is most likely wrong."""
    st.session_state[FAMILY] = None
    index = reviewing.next_in_queue(found)
    if index is None:
        st.toast("Nothing in the queue: every beat was decided by itself.", icon=":material/done_all:")
    else:
        view.to_beat(found.opened.recording, reviewing.now(found).beats, index)


def to_next_family(found: Reviewing) -> None:
    """Choose the undecided family with the most doubtful labels."""
    call, state = found.shapes(), reviewing.now(found)
    if call.result is None:
        st.toast("The families are not ready yet.", icon=":material/hourglass_top:")
        return
    family = membership(state, call.result)
    waiting = families_first(reviewing.doubts(found, state), family, state.beats.edits.decided)
    if not len(waiting):
        st.toast("Every family is decided.", icon=":material/done_all:")
        return
    first = int(np.flatnonzero(family == waiting[0])[0])
    st.session_state[FAMILY] = int(state.beats.edits.number[first])
    view.to_beat(found.opened.recording, state.beats, first)


def _let_go(_: Reviewing) -> None:
    st.session_state[FAMILY] = None


_MOVES = {"w": to_next, "g": to_next_family, "escape": _let_go}


def _add_or_move(found: Reviewing, number: int | None) -> None:
    """Time of a beat to add or move; by default the middle of the calipers, or of the longest RR interval in view."""
    recording = found.opened.recording
    at = st.number_input(
        "At, s", 0.0, recording.duration_s, _suggested(found), 0.01, format="%.3f", key=scope("edit_at", _place(found)),
        help="The middle of the calipers where a box is drawn, else of the longest RR interval in view.",
    )  # fmt: skip
    snap = st.toggle("Snap to the R peak", value=True, key=_SNAP)
    letter = st.segmented_control("Class", AAMI_CLASSES, default="N", required=True, key=_NEW)
    with st.container(horizontal=True, gap="small"):
        st.button("Add a beat", key=scope("edit_add_beat"), on_click=_add, args=(found, at, snap, letter or "N"))
        st.button(
            "Move the chosen beat here", key=scope("edit_move"), on_click=_move, args=(found, number, at, snap),
            disabled=number is None,
        )  # fmt: skip


def _add(found: Reviewing, at_s: float, snap: bool, letter: str, seen: int | None = None) -> None:
    recording, sample = found.opened.recording, _sample(found, at_s, snap)
    if reviewing.decide(found, lambda state: editing.add(state, sample, letter, recording.n_samples), seen):
        st.session_state[keys.BEAT] = sample


def _move(found: Reviewing, number: int | None, at_s: float, snap: bool) -> None:
    recording, sample = found.opened.recording, _sample(found, at_s, snap)
    if number is None:
        return
    moved = reviewing.decide(
        found, lambda state: editing.move(state, reviewing.index_of(state, number), sample, recording.n_samples)
    )
    if moved:
        st.session_state[keys.BEAT] = sample


def _sample(found: Reviewing, at_s: float, snap: bool) -> int:
    recording = found.opened.recording
    sample = min(max(round(at_s * recording.fs), 0), recording.n_samples - 1)
    return editing.snapped(recording, found.network.beats.leads[0], sample) if snap else sample


def _place(found: Reviewing) -> str:
    """Key of the time field, one per suggested time: the browser would overwrite a new default of the same field."""
    return f"{_suggested(found):.3f}"


def _suggested(found: Reviewing) -> float:
    box = st.session_state.get(keys.CALIPERS)
    if box is not None:
        return round((box[0] + box[2]) / 2, 3)
    start_s = view.start(found.opened.recording)
    stop_s = min(start_s + view.seconds(), found.opened.recording.duration_s)
    time_s = found.state.beats.time_s
    inside = time_s[(time_s > start_s) & (time_s < stop_s)]
    edges = np.concatenate([[start_s], inside, [stop_s]])
    longest = int(np.diff(edges).argmax())
    return round(float(edges[longest : longest + 2].mean()), 3)
