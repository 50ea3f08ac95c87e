"""Tab with details of recording and network."""

from __future__ import annotations

import streamlit as st

from models import Checkpoint
from models.core.words import clock, counted
from pages.parts import tables
from pages.parts.appearance import styled
from pages.parts.caching import Analysis
from readers.recording import Recording


def show(recording: Recording, checkpoint: Checkpoint, analysis: Analysis | None) -> None:
    """Two columns: file, network."""
    with st.container(key=styled("about_recording")):
        file, network = st.columns(2, gap="large")
    with file:
        st.markdown("**The recording**")
        st.markdown(_facts(recording, analysis))
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
