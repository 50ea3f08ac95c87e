"""Details of the recording and of its network."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis.records import RecordAnalysis
from models import Checkpoint
from models.core.words import clock, counted
from pages.parts import tables
from readers.recording import Recording


def show(recording: Recording, checkpoint: Checkpoint, analysis: RecordAnalysis | None) -> None:
    """Two columns: file, network."""
    file, network = st.columns(2, gap="large")
    with file:
        st.markdown("**The recording**")
        st.markdown(_facts(recording, analysis))
    with network:
        st.markdown(f"**The network: {checkpoint.name}**")
        for sentence in _origin(checkpoint, analysis):
            st.markdown(f"- {sentence}")


def _facts(recording: Recording, analysis: RecordAnalysis | None) -> str:
    unknown = [lead for lead, unit in zip(recording.leads, recording.units, strict=True) if unit != "mV"]
    rows = [
        ("Format", recording.format),
        ("Length", f"{clock(recording.duration_s)} ({recording.n_samples:,} samples)"),
        ("Sampling", f"{recording.fs:g} Hz"),
        ("Leads", ", ".join(recording.leads)),
        ("Unit", f"unknown in {', '.join(unknown)}" if unknown else "mV"),
        ("Start", recording.start.strftime("%H:%M:%S") if recording.start else "not stated"),
    ]
    if recording.remarks:
        rows.append(("Remarks", " ".join(recording.remarks)))
    if analysis is not None:
        windows = analysis.answer
        words = f"{counted(len(windows.start_s), 'window')} of {windows.window_seconds:g} s on {analysis.device} in "
        words += f"{sum(analysis.seconds.values()):.2f} s; uncertainty {windows.uncertainty:.2f} bit"
        rows.append(("Classified", words))
        if analysis.derived:
            rows.append(("Computed from I and II", ", ".join(analysis.derived)))
    return tables.facts(rows)


def _origin(checkpoint: Checkpoint, analysis: RecordAnalysis | None) -> list[str]:
    card, sentences = checkpoint.card, []
    if analysis is not None:
        seen = analysis.seen_in_training
        sentences.append(
            f"Seen in training: **yes**, as {seen}; its answers here say nothing about new patients."
            if seen
            else "Seen in training: **no**."
        )
    sentences.append(f"Reads {checkpoint.task.describe()}.")
    if card.training_records:
        sentences.append(f"Trained on {counted(len(card.training_records), 'recording')} until {card.date}.")
    return [*sentences, *card.limits]
