"""Panel beside the paper: class, probabilities, reasons and evidence of a beat."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from ecgviz.figures.beat_marks import words_of
from ecgviz.figures.curves import class_probability_bars, gate_bars
from ecgviz.figures.rhythms import episode_text
from ecgviz.results import Beats, Evidence, SaliencyMap
from models.core.words import clock
from models.postprocessing.rhythm_episodes import rhythm_at
from pages.ecg.keys import scope
from pages.parts import appearance, explanation_quality, progress
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall

_TESTS = """
- **Finest detail**: no wave shorter than this can be told from its neighbour. **Half of it within**: how much of the
  signal holds half of the map.
- **Replaced**: how the probability changes when the tenth of the neighbourhood that the map marks most is
  replaced by a straight line, against random parts of the same size.
- **Like a random network's**: rank correlation with the map of the same network with random weights; near 1 means that
  the map shows the signal, not what was learned.
- **Like another method's**: rank correlation with the map of another method.
"""
TESTS = scope("tests")
_STATIC = {"displayModeBar": False, "staticPlot": True}


def show(
    beats: Beats | None,
    index: int | None,
    why: Callable[[], None] | None = None,
    edit: Callable[[], None] | None = None,
) -> None:
    """Class, reasons, probabilities, RR intervals, entropy; ``why`` draws the reasons, ``edit`` the decisions."""
    if beats is None or index is None:
        st.markdown("**This beat**")
        st.caption("No beat in this view." if beats is not None else "The beats appear when they are classified.")
        if edit is not None:
            edit()
        return
    time_s, prob = float(beats.time_s[index]), beats.prob[index]
    one = beats.take(slice(index, index + 1))
    st.markdown(f"**Beat {index + 1:,}** at {clock(time_s, hours=time_s >= 3600, decimals=2)}")
    decided = one.edits is not None and bool(one.edits.decided[0])
    # What a person decided has no probability; the network's stands in the sentence below the buttons.
    sure = "decided by a person" if decided else f"probability **{one.confidence[0]:.2f}**"
    st.markdown(f"## {words_of(one.label[0])}  \n {sure}")
    if edit is not None:
        edit()  # above all sentences that come and go, so that its buttons stay under the pointer
    if decided:
        before = one.label_before_edits[0]
        network = f"; the network says {words_of(before)} ({prob.max():.2f})" if before else ""
        st.caption(f"By a person: {one.edits.words[0]}{network}.")
    elif one.not_early[0]:
        st.caption(
            f"Elsewhere it would be called {words_of('S')}; in {one.rhythm[0]} an early beat counts as N, and the "
            "probability is of N and S together."
        )
    elif one.changed[0]:
        st.caption(
            f"In its own minute the network says {words_of(one.network_label[0])} ({one.network_prob[0].max():.2f}); "
            "the beats of its shape, and how common its class is in this recording, say otherwise."
        )
    elif round(float(one.network_prob[0].max()), 2) != round(float(one.confidence[0]), 2):
        st.caption(
            f"In view of the whole recording. In the beat's own minute it is {one.network_prob[0].max():.2f}"
            f"{'' if why is None else ', which is what the reasons explain'}."
        )
    if why is not None:
        why()
    st.plotly_chart(
        class_probability_bars(prob, beats.classes, theme=appearance.theme()),
        key=scope("bars"),
        theme=None,
        config=_STATIC,
        alt="Probability of each class: " + ", ".join(f"{c} {p:.2f}" for c, p in zip(beats.classes, prob, strict=True)),
    )
    before, after = (
        "–" if math.isnan(ms) else f"{ms:.0f}" for ms in (beats.rr_before_ms[index], beats.rr_after_ms[index])
    )
    [place] = rhythm_at(beats.rhythms, one.time_s)
    if place >= 0:
        st.markdown(f"Rhythm: **{episode_text(beats.rhythms[place], hours=beats.rhythms[place].end_s >= 3600)}**")
    st.markdown(
        f"RR before **{before}** ms, after **{after}** ms  \nEntropy **{one.entropy[0]:.2f}** bit",
        help="RR: time to the beat before and after; across missing signal there is none. Entropy: 0 bit is certain, "
        f"{len(beats.classes)} equal classes are {_most(beats):.2f} bit.",
    )


def _most(beats: Beats) -> float:
    return math.log2(len(beats.classes))


def show_evidence(saliency: SaliencyMap, call: BackgroundCall | None) -> None:
    """The switch for the tests, their progress and their results, in a fixed place. ``call`` is None if the tests are
    off."""
    with st.container(key=styled("evidence")):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=scope("quality")):
            st.markdown(explanation_quality.HEADING, help=_TESTS, width="content")
            explanation_quality.badge(call, "Weak explanation: do not rely on it")
            tests_switch()
        if call is None:
            return
        if not call.done:
            progress.bar(call, "Testing", scope("testing"))
        found = call.result
        explanation_quality.show_metrics(_metrics(found), "content")
        for reason in found.reasons if found else ():
            st.caption(reason)
        if saliency.gates:
            with st.expander("Gates of the SE blocks: how strongly each lets its channels pass"):
                st.plotly_chart(
                    gate_bars(saliency.gates, theme=appearance.theme()), key=scope("gates"), theme=None, config=_STATIC
                )


def tests_are_wanted() -> bool:
    """Whether to test the explanations shown; off by default, since it takes seconds."""
    return bool(st.session_state.get(TESTS))


def tests_switch() -> None:
    """The switch that turns on the tests of the explanations shown now and later."""
    st.toggle(
        "Test explanations", key=TESTS, persist_state="session",
        help="Of each map and its reasons that are shown. It takes some seconds each.",
    )  # fmt: skip


def _metrics(found: Evidence | None) -> list[tuple[str, str]]:
    if found is None:
        return explanation_quality.no_metrics()
    return explanation_quality.metrics(found, f"{found.resolution_ms:.0f} ms", f"{found.width_ms:.0f} ms")
