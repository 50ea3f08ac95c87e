"""The tab Review: beats to check first, families, rhythm episodes, and the log of decisions."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from ecgviz.figures.beat_marks import words_of
from ecgviz.figures.family_picture import WIDTH, alt_text, as_image, family_svg
from ecgviz.figures.rhythms import episode_text
from ecgviz.review import editing
from ecgviz.review.families import Family, Shapes, part_to_split
from ecgviz.review.queue import beats_first, why_doubted
from ecgviz.review.words import event_words
from models.core.words import clock, counted
from models.data.aami import AAMI_CLASSES
from models.data.rhythms import RHYTHM_CLASSES
from pages.ecg.holter import adapting, alike_beats, edit_bar, reviewing
from pages.ecg.holter.drawn import while_drawn
from pages.ecg.holter.edit_bar import FAMILY
from pages.ecg.holter.keys import scope
from pages.ecg.holter.reviewing import Reviewing
from pages.parts import appearance, progress, tables, view

_LOG, _QUEUE = scope("review_log"), scope("review_queue")
_SHOWN, _LOG_SHOWN = 20, 200


def show(found: Reviewing) -> None:
    """Everything of the tab."""
    call = found.shapes()
    call.wait(0.2)
    _head(found, call.result if call.done else None)
    st.markdown("**Families**", help=(
        "Beats of one shape. Choose a family and press a key: N S V F Q relabels all of it, A accepts it, X rejects "
        "it as artefact, D deletes it, Esc lets it go. The band is where four in five of its beats lie."
    ))  # fmt: skip
    if not call.done:
        progress.bar(call, "Families", scope("families"))
    elif call.result is None:
        st.error(str(call.error or "The families were not made."))
    else:
        _families(found, call.result)
    queue, log = st.columns([1, 1], gap="large")
    with queue:
        _queue(found, call.result if call.done else None)
        _rhythms(found)
    with log:
        _log(found)


def _head(found: Reviewing, shapes: Shapes | None) -> None:
    """Progress of the review, and the buttons that complete it."""
    state = found.state
    edits, n = state.beats.edits, len(state.beats)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key=scope("review_head")):
        st.metric("Decided", f"{int(edits.decided.sum()):,} of {n:,}", width="content")
        st.metric("Changed", f"{int(edits.changed.sum()):,}", width="content", help="Relabelled, added or moved.")
        gone = f"{len(state.deleted_s):,} · {len(state.rejected_s):,}"
        st.metric("Deleted · rejected", gone, width="content")
        st.button(
            "Next in the queue", icon=":material/low_priority:", key=scope("review_next"), on_click=edit_bar.to_next,
            args=(found,), help="The beat whose label is most likely wrong, key W.", type="primary",
        )  # fmt: skip
        st.button(
            "Next family", icon=":material/view_cozy:", key=scope("review_next_family"),
            on_click=edit_bar.to_next_family, args=(found,),
            help="Of those that are not decided, the family with the most doubtful labels, key G.",
        )  # fmt: skip
        with st.popover("Accept the rest", disabled=bool(edits.decided.all())):
            st.markdown(f"{counted(int((~edits.decided).sum()), 'label')} that nobody decided are taken for right.")
            st.button("Accept", key=scope("accept_rest"), on_click=reviewing.decide, args=(found, editing.accept_rest))
        alike_beats.show(found, shapes)
        adapting.show(found, shapes)
    if state.unknown:
        st.warning(f"{counted(state.unknown, 'decided beat is', 'decided beats are')} not among those found now.")


def _families(found: Reviewing, shapes: Shapes) -> None:
    families, number = reviewing.family_list(found, shapes), found.state.beats.edits.number
    chosen = next((one for one in families if st.session_state.get(FAMILY) in number[one.members]), None)
    with st.container(key=scope("family_bar")):
        _chosen_family(found, shapes, families, chosen)
    theme = appearance.theme()
    with st.container(horizontal=True, gap="small", key=scope("families_grid")):
        for place, family in enumerate(families):
            with st.container(width=WIDTH, gap="xxsmall"):
                svg = family_svg(family, shapes.waves.time_s, theme=theme, chosen=family is chosen)
                st.html(as_image(svg, alt_text(family)))
                mark = ":material/check: " if family.whole else ""
                st.button(
                    f"{mark}**{family.label}** {len(family):,} · {family.confidence:.2f}", key=scope("family", place),
                    on_click=_choose, args=(found, int(number[family.members[0]]), family), width="stretch",
                    type="primary" if family is chosen else "secondary",
                )  # fmt: skip


def _about(found: Reviewing, family: Family) -> str:
    hours = found.opened.recording.duration_s >= 3600
    first, last = clock(family.first_s, hours=hours), clock(family.last_s, hours=hours)
    return (
        f"{counted(len(family), 'beat')}, {tables.percent(family.agreement)} {words_of(family.label)}, mean "
        f"probability {family.confidence:.2f}, spread {family.spread:.2f}, from {first} to {last}, "
        f"{family.decided:,} decided."
    )


def _choose(found: Reviewing, number: int, family: Family) -> None:
    """Choose a family, or clear the choice, and show its first typical beat."""
    chosen = st.session_state.get(FAMILY) == number
    st.session_state[FAMILY] = None if chosen else number
    if not chosen:
        view.to_beat(found.opened.recording, found.state.beats, int(family.members[0]))


def _chosen_family(found: Reviewing, shapes: Shapes, families: tuple[Family, ...], chosen: Family | None) -> None:
    """Actions on the chosen family; their place is reserved if none is chosen."""
    number = st.session_state.get(FAMILY) if chosen is not None else None
    st.caption("No family is chosen." if chosen is None else f"{_about(found, chosen)} Keys are for all of them.")
    with st.container(horizontal=True, gap="xxsmall", vertical_alignment="center"):
        actions = [(letter, "relabel", letter) for letter in AAMI_CLASSES]
        for label, *action in (*actions, ("Accept", "accept"), ("Artefact", "reject"), ("Delete", "delete")):
            st.button(
                label, key=scope("family_edit", label), on_click=edit_bar.on_family, args=(found, number, *action),
                disabled=number is None or (label == "Accept" and chosen.whole),
            )  # fmt: skip
        st.button(
            "Split", key=scope("family_split"), on_click=_split, args=(found, shapes, chosen), disabled=chosen is None,
            help="Into the two parts that it falls into by itself.",
        )  # fmt: skip
        with st.popover("Merge", disabled=chosen is None or len(families) < 2):
            others = [place for place, one in enumerate(families) if one is not chosen]
            into = st.selectbox(
                "Into the family", others, key=scope("family_into"),
                format_func=lambda place: f"{families[place].label} {len(families[place]):,}",
            )  # fmt: skip
            if chosen is not None and into is not None:
                target = int(found.state.beats.edits.number[families[into].members[0]])
                st.button("Merge", key=scope("family_merge"), on_click=_merge, args=(found, chosen, target))


def _split(found: Reviewing, shapes: Shapes, family: Family) -> None:
    part = part_to_split(found.state, shapes, family.members)
    if part is None:
        st.toast("All of its beats are alike: there is nothing to split.")
        return
    numbers = found.state.beats.edits.number[part]
    reviewing.decide(found, lambda state: editing.split(state, _still(state, numbers)))


def _merge(found: Reviewing, family: Family, into: int) -> None:
    numbers = found.state.beats.edits.number[family.members]
    reviewing.decide(found, lambda state: editing.merge(state, _still(state, numbers), reviewing.index_of(state, into)))


def _still(state, numbers: np.ndarray) -> np.ndarray:
    """Indices of those beats that still exist."""
    return np.flatnonzero(np.isin(state.beats.edits.number, numbers))


def _queue(found: Reviewing, shapes: Shapes | None) -> None:
    doubts = reviewing.doubts(found, found.state)
    st.markdown("**What first**", help=(
        "Beats by how likely their label is wrong: the network's probability and what speaks against it and, as soon "
        "as something is decided, what was learnt from that about this recording."
    ))  # fmt: skip
    order = beats_first(doubts, _SHOWN)
    if not len(order):
        st.caption("Every beat was decided by itself.")
        return
    if (more := int((doubts > 0).sum()) - len(order)) > 0:
        st.caption(f"The first {len(order)}; {more:,} come after them.")
    beats, hours = found.state.beats, found.opened.recording.duration_s >= 3600
    why = [why_doubted(found.state, shapes, int(index)) if shapes is not None else "" for index in order]
    tables.dataframe(
        pd.DataFrame(
            {
                "Time": [clock(float(beats.time_s[index]), hours=hours, decimals=2) for index in order],
                "Class": beats.label[order],
                "Doubt": doubts[order].clip(0, 1),
                "Why": why,
            }
        ),
        key=(key := f"{_QUEUE}-{found.state.revision}"),
        on_select=while_drawn("review_queue", key, partial(_to_row, found, order)),
        selection_mode="single-row",
        hide_index=True,
        height=240,
        column_config={"Doubt": st.column_config.ProgressColumn("Doubt", min_value=0, max_value=1, format="%.2f")},
    )


def _to_row(found: Reviewing, order: np.ndarray) -> None:
    rows = st.session_state[f"{_QUEUE}-{found.state.revision}"].selection.rows
    if rows and rows[0] < len(order):
        view.to_beat(found.opened.recording, found.state.beats, int(order[rows[0]]))


def _rhythms(found: Reviewing) -> None:
    """Add, change or remove an episode."""
    recording, episodes = found.opened.recording, found.state.beats.rhythms
    hours = recording.duration_s >= 3600
    with st.popover("Edit the rhythm", icon=":material/vital_signs:"):
        which = st.selectbox(
            "Episode", [None, *range(len(episodes))], key=scope("rhythm_which", found.state.revision),
            format_func=lambda place: "a new one" if place is None else episode_text(episodes[place], hours=hours),
        )  # fmt: skip
        old = None if which is None else episodes[which]
        start_s = view.start(recording)
        bounds = (
            (start_s, min(start_s + view.seconds(), recording.duration_s)) if old is None else (old.start_s, old.end_s)
        )
        field = (found.state.revision, which, f"{start_s:.3f}")
        begin = st.number_input("From, s", 0.0, recording.duration_s, bounds[0], key=scope("rhythm_from", *field))
        end = st.number_input("To, s", 0.0, recording.duration_s, bounds[1], key=scope("rhythm_to", *field))
        label = st.selectbox(
            "Rhythm", RHYTHM_CLASSES, index=RHYTHM_CLASSES.index(old.label) if old else 0, key=scope("rhythm", *field)
        )
        with st.container(horizontal=True):
            st.button(
                "Enter", key=scope("rhythm_enter"), on_click=reviewing.decide,
                args=(found, lambda state: editing.rhythm(state, old, (begin, end, label), recording.duration_s)),
            )  # fmt: skip
            st.button(
                "Take away", key=scope("rhythm_away"), on_click=reviewing.decide, disabled=old is None,
                args=(found, lambda state: editing.rhythm(state, old, None, recording.duration_s)),
            )  # fmt: skip


def _log(found: Reviewing) -> None:
    """The newest events first; a chosen one can be undone, or brought back."""
    state, recording = found.state, found.opened.recording
    st.markdown("**Log**", help="Nothing is ever taken out of it: an undo is an entry, too.")
    shown = list(reversed(state.events))[:_LOG_SHOWN]
    if not shown:
        st.caption(
            "Nothing was decided yet. Choose a beat and press N, S, V, F, Q, X (artefact), D (delete) or Y (yes)."
        )
        return
    key = f"{_LOG}-{state.revision}"
    chosen = tables.dataframe(
        pd.DataFrame(
            {
                "#": [event.revision for event in shown],
                "What": [event_words(event, recording.fs, recording.duration_s) for event in shown],
                "Who": [event.who for event in shown],
                "When (UTC)": [event.at[:19].replace("T", " ") for event in shown],
                "Counts": [event.revision in state.live if event.is_edit else None for event in shown],
            }
        ),
        key=key,
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        height=240,
        column_config={"#": st.column_config.NumberColumn("#", width="small")},
    )
    rows = chosen.selection.rows
    event = shown[rows[0]] if rows and rows[0] < len(shown) else None
    with st.container(horizontal=True):
        counts = event is not None and event.revision in state.live
        st.button(
            "Undo this one", key=scope("log_undo"), icon=":material/undo:", disabled=not counts,
            on_click=reviewing.decide, args=(found, lambda now: editing.undo(now, event.revision)),
        )  # fmt: skip
        st.button(
            "Bring it back", key=scope("log_redo"), icon=":material/redo:",
            disabled=event is None or not event.is_edit or counts,
            on_click=reviewing.decide, args=(found, lambda now: editing.redo(now, event.revision)),
        )  # fmt: skip
