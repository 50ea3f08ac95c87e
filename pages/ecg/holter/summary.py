"""Head of the page above the paper: name of the recording, numbers of its beats, and warnings."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.analysis.summary import Summary
from ecgviz.figures.geometry import CLASS_WORDS
from ecgviz.holter.ectopy import is_assessed
from ecgviz.reports.holter_tables import NOT_ASSESSED
from models import Checkpoint
from models.core.words import clock
from pages.ecg.holter.keys import scope
from pages.parts import notices, progress, shared_calls, tables
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis
from readers.recording import Recording

MOST_NAMED = 3
"""Leads that the title names; of more it says how many."""


def title(place, recording: Recording, analysis: Analysis | None) -> None:
    seen = ""
    if analysis is not None:
        record = analysis.beats.seen_in_training
        seen = f" · seen in training: **{'yes' if record else 'no'}**"
    length = clock(recording.duration_s, hours=recording.duration_s >= 3600)
    leads = " ".join(recording.leads) if len(recording.leads) <= MOST_NAMED else f"{len(recording.leads)} leads"
    st.set_page_config(page_title=f"{recording.name} · Holter · ecgviz")
    place.markdown(f"# **{recording.name}** · {length} · {leads} · {recording.fs:g} Hz{seen}")


def warnings(recording: Recording, analysis: Analysis | None, call: BackgroundCall) -> None:
    """Progress of the analysis, then its warnings."""
    if not call.done:
        with st.container(key=scope("analysing"), width=420):
            progress.bar(call, "Analysing", scope("analysis"))
    sentences = list(analysis.beats.warnings if analysis else recording.warnings)
    if analysis is not None and analysis.beats.seen_in_training:
        sentences.append(notices.trained_on(f"record {analysis.beats.seen_in_training}"))
    if call.done and call.cancelled and call.error is None and not any("Stopped" in one for one in sentences):
        sentences.append("The analysis was stopped before its end.")
    notices.show(sentences, recording.name, recording)
    if call.done and not sentences:
        st.caption("No warnings.")
    if call.done and call.error is not None:
        st.error(str(call.error))
    if call.done and (call.error is not None or call.cancelled):
        st.button("Analyse again", on_click=shared_calls.forget, args=("analysis",), key=scope("again"))


def metrics(analysis: Analysis | None, checkpoint: Checkpoint) -> None:
    """The summary numbers; dashes until they are known."""
    found = analysis.summary if analysis else None
    noisy = found.in_unusable if found else 0
    st.metric("Beats", f"{found.n_beats:,}" if found else "–", width="content")
    if noisy:
        st.metric(
            "in unusable signal", f"{noisy:,}", width="content",
            help="Of these beats: in ten seconds of clipping, noise or motion, where classes mean little.",
        )  # fmt: skip
    for letter in ("V", "S", "F"):
        value, why = "–", None
        if analysis is not None and not is_assessed(analysis.beats, letter):
            value, why = NOT_ASSESSED, f"The network was trained without {letter} beats, so it finds none."
        elif found and found.n_beats:
            value = f"{found.counts.get(letter, 0):,} ({tables.percent(found.share(letter))})"
        st.metric(f"{letter}: {CLASS_WORDS[letter]}", value, width="content", help=why)
    if checkpoint.card.rhythm_classes:
        _af_burden(found)
    rates = (found.rate_min, found.rate_median, found.rate_max) if found else (math.nan,) * 3
    few = found is not None and math.isnan(found.rate_min)  # too few beats for averages over eight
    rates = rates[1:2] if few else rates
    st.metric(
        "Heart rate, median" if few else "Heart rate",
        " · ".join("–" if math.isnan(rate) else f"{rate:.0f}" for rate in rates) + " /min",
        width="content",
        help="From the median RR interval." if few else "Lowest, median and highest average over eight beats.",
    )
    usable = found.usable_share if found else math.nan
    st.metric(
        "Signal usable", "–" if math.isnan(usable) else tables.percent(usable), width="content",
        help="Share of the time that is no gap or flat line, nor in ten seconds of clipping, noise or motion.",
    )  # fmt: skip


def _af_burden(found: Summary | None) -> None:
    """Share of time in atrial fibrillation or flutter."""
    af = found.af if found else None
    told = "Share of the time with a known rhythm in atrial fibrillation or flutter."
    if af is not None and af.episodes:
        longest = f"{af.longest_s:.0f} s" if af.longest_s < 120 else f"{af.longest_s / 60:,.0f} min"
        told += f" Episodes: {af.episodes:,}, of 30 s or more: {af.clinical:,}; the longest lasts for {longest}."
    value = "–" if af is None or math.isnan(af.burden) else tables.percent(af.burden)
    st.metric("AF burden", value, width="content", help=told)
