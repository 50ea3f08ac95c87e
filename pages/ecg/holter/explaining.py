"""Explanations of the predicted class of the current beat: its map, its reasons by parts, and the tests of both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from ecgviz.saliency.parts import Reasons, has_parts
from models import Checkpoint
from pages.ecg import this_beat
from pages.ecg.controls import Map
from pages.ecg.holter.strip import Explained, Strip
from pages.parts import caching, progress, shared_calls, why
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.caching import Analysis, Opened
from pages.parts.pool import POOL, Lane

EXPLAIN_S = 0.25


def explain(
    opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, about: int | None, drawn: Map | None
) -> tuple[Explained | None, BackgroundCall | None]:
    """Map of the current beat, or the pending call for its scale."""
    if analysis is None or about is None or drawn is None:
        return None, None
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    asked = (opened, checkpoint, analysis.beats, key)
    scale = shared_calls.watch("scale", caching.map_scale, *asked, drawn.target, drawn.method)
    found = shared_calls.watch("map", caching.saliency_map, *asked, about, drawn.target, drawn.method)
    queue_is_short = POOL.waiting(Lane.MAP) <= POOL.cores + 2  # includes these two
    for call in (found, scale):
        if not call.wait(EXPLAIN_S if queue_is_short else 0.0):
            return None, call
        if call.result is None:
            st.error(str(call.error or "The map was stopped."))
            return None, None
    tests = None
    if this_beat.tests_are_wanted():
        evidence = (opened, checkpoint, analysis.beats, found.result, key)
        of = (found.result.beat, found.result.target, found.result.method)
        tests = shared_calls.watch("evidence", caching.evidence, *evidence, *of)
    return Explained(found.result, scale.result, tests), None


def reasons(
    opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, about: int | None, drawn: Map | None
) -> BackgroundCall | None:
    """Contributions of the current beat's parts to its class; None if the network does not support them."""
    if analysis is None or about is None or drawn is None or not has_parts(checkpoint):
        return None
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    call = shared_calls.watch("reasons", caching.reasons, opened, checkpoint, analysis.beats, key, about, drawn.target)
    call.wait(EXPLAIN_S if POOL.waiting(Lane.MAP) <= POOL.cores + 2 else 0.0)
    return call


def told(
    opened: Opened, checkpoint: Checkpoint, analysis: Analysis | None, asked: BackgroundCall | None
) -> Callable[[], None] | None:
    """The drawing of :func:`reasons`; None if there are none."""
    if asked is None or analysis is None:
        return None
    judged = partial(_parts_judged, opened, checkpoint, analysis) if this_beat.tests_are_wanted() else None
    return partial(why.show, asked, judged, why.OF_A_BEAT)


def _parts_judged(opened: Opened, checkpoint: Checkpoint, analysis: Analysis, found: Reasons) -> BackgroundCall:
    """Tests of the current reasons."""
    key = f"{opened.key} {checkpoint.sha256} {analysis.mark}"
    asked = (opened, checkpoint, analysis.beats, found, key, found.beat, found.target)
    return shared_calls.watch("parts", caching.parts_evidence, *asked)


def verdict(strip: Strip, waiting: BackgroundCall | None) -> None:
    """Tests of whether the map on the strip is faithful; with ``waiting`` they are computed if missing."""
    if waiting is not None:
        with st.container(key=styled("evidence")):
            progress.caption(waiting, "Measuring where the network looked, on the scale of colours of this recording …")
    if strip.explained is not None:
        this_beat.show_evidence(strip.explained.map, strip.explained.tests)
