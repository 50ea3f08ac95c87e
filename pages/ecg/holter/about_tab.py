"""Tab with details of recording, rhythm and network."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import streamlit as st

from ecgviz.analysis.rhythms import SINUS
from ecgviz.figures.rhythms import rhythm_words
from models import Checkpoint
from models.core.words import clock, counted
from pages.ecg.holter.keys import scope
from pages.parts import tables, view
from pages.parts.appearance import styled
from pages.parts.caching import Analysis
from readers.recording import Recording

_MOST = 500


def show(recording: Recording, checkpoint: Checkpoint, analysis: Analysis | None) -> None:
    """Three columns: file, rhythm, network."""
    with st.container(key=styled("about_recording")):
        file, rhythm, network = st.columns(3, gap="large")
    with file:
        st.markdown("**The recording**")
        st.markdown(_facts(recording, analysis))
    with rhythm:
        st.markdown("**Rhythm**")
        if analysis is None:
            st.caption("The rhythm appears when the beats are classified.")
        else:
            _rhythm(recording, analysis)
    with network:
        st.markdown(f"**The network: {checkpoint.name}**")
        for sentence in _origin(checkpoint, analysis):
            st.markdown(f"- {sentence}")


def _facts(recording: Recording, analysis: Analysis | None) -> str:
    leads = ", ".join(
        f"{lead} ({unit if unit == 'mV' else 'unit unknown'})"
        for lead, unit in zip(recording.leads, recording.units, strict=True)
    )
    rows = [
        ("Format", recording.format),
        ("Length", f"{clock(recording.duration_s, hours=True)} ({recording.n_samples:,} samples)"),
        ("Sampling", f"{recording.fs:g} Hz"),
        ("Leads", leads),
        ("Start", recording.start.strftime("%H:%M:%S") if recording.start else "not stated"),
        ("Annotations", f"{len(recording.annotations):,}" if recording.annotations is not None else "none"),
    ]
    if recording.remarks:
        rows.append(("Remarks", " ".join(recording.remarks)))
    if analysis is not None:
        quality, beats = analysis.quality, analysis.beats
        lost = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in quality.lost_s.items() if seconds >= 0.5)
        rows.append(("Not usable", lost or "nothing"))
        took = sum(beats.seconds.values())
        rows.append(
            (
                "Analysed",
                f"{counted(len(beats), 'beat')} on {beats.device} in {took:.1f} s, lead {' + '.join(beats.leads)}",
            )
        )
    return tables.facts(rows)


def _rhythm(recording: Recording, analysis: Analysis) -> None:
    summary, hours = analysis.summary, recording.duration_s >= 3600
    kinds = Counter((family.kind, family.label) for family in summary.families)
    words = ", ".join(f"{n} × {kind} ({label})" for (kind, label), n in kinds.most_common())
    st.markdown(
        f"Families: {words or 'none'}.  \nPauses over 2 s: {len(summary.pauses)}.",
        help="Couplet: two ectopic beats in a row; run: three or more; bigeminy: every second; trigeminy: every third.",
    )
    rows = [
        (family.start_s, f"{family.kind} ({family.label})", family.n_beats, f"{family.rate:.0f} /min", family.first)
        for family in summary.families
    ] + [(pause.time_s, "pause", 0, f"{pause.rr_s:.2f} s", pause.beat) for pause in summary.pauses]
    time_s = analysis.beats.time_s
    for episode in analysis.beats.rhythms:
        if episode.label != SINUS:
            first, stop = np.searchsorted(time_s, (episode.start_s, episode.end_s)).tolist()
            words = f"{rhythm_words(episode.label)}, {episode.prob:.2f}"
            rows.append((episode.start_s, words, stop - first, f"{episode.duration_s:.0f} s", first))
    rows.sort()
    if not rows:
        return
    shown = rows[:_MOST]
    if len(rows) > _MOST:
        st.caption(f"The first {_MOST} of {len(rows):,}.")
    tables.dataframe(
        pd.DataFrame(
            {
                "Time": [clock(row[0], hours=hours) for row in shown],
                "What": [row[1] for row in shown],
                "Beats": [row[2] or None for row in shown],
                "Rate or length": [row[3] for row in shown],
            }
        ),
        key=scope("families"),
        on_select=lambda: _chosen(recording, analysis, shown),
        selection_mode="single-row",
        hide_index=True,
        height=240,
    )


def _chosen(recording: Recording, analysis: Analysis, rows: list[tuple]) -> None:
    selected = st.session_state[scope("families")].selection.rows
    if selected and selected[0] < len(rows):
        view.to_beat(recording, analysis.beats, int(rows[selected[0]][4]))


def _origin(checkpoint: Checkpoint, analysis: Analysis | None) -> list[str]:
    card = checkpoint.card
    sentences = []
    if analysis is not None:
        seen = analysis.beats.seen_in_training
        sentences.append(
            f"Seen in training: **yes**, as record {seen}; its answers here say nothing about new patients."
            if seen
            else "Seen in training: **no**."
        )
    sentences.append(f"Reads {checkpoint.task.describe()}.")
    if card.training_records:
        sentences.append(f"Trained on {counted(len(card.training_records), 'record')} until {card.date}.")
    return [*sentences, *card.limits]
