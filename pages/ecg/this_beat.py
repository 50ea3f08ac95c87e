"""The panel beside the paper: what the network says of a beat, how sure it is, and whether to believe its map."""

from __future__ import annotations

import math
from collections.abc import Callable

import streamlit as st

from ecgviz.errors import ConfigError
from ecgviz.figures.curves import class_probability_bars, contribution_bars, gate_bars
from ecgviz.figures.marks import words_of
from ecgviz.figures.rhythms import episode_text
from ecgviz.results import Beats, Evidence, SaliencyMap
from ecgviz.saliency.parts import Reasons
from ecgviz.saliency.parts_words import sentence
from models.core.words import clock
from models.evaluation.rhythm_episodes import rhythm_at
from pages.ecg.keys import scope
from pages.parts import appearance, progress, trust
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
_WHY = "**Why**"
_PARTS = """
Each part of the beat is replaced by this patient's usual one (the median of beats called N nearby) and the network is
asked again. A bar is what the part brings to the class, in log odds (Shapley value): +2.3 multiplies the odds by ten.
**Rest of the strip** is what the network says of a usual beat in this place. On the paper the usual beat is drawn
behind this one. Reasons are **weak** where the two strongest parts do not carry the answer, or the same parts of
another beat do as well. The sentence's probability is the network's in this beat's own minute; the one above is in
view of the whole recording.
"""
_STATIC = {"displayModeBar": False, "staticPlot": True}


def show(
    beats: Beats | None,
    index: int | None,
    why: Callable[[], None] | None = None,
    edit: Callable[[], None] | None = None,
) -> None:
    """Class, why it has it, probabilities, RR intervals, entropy; ``why`` shows the reasons in their place, ``edit``
    what a person can decide."""
    if beats is None or index is None:
        st.markdown("**This beat**")
        st.caption("No beat in this view." if beats is not None else "The beats appear when they are classified.")
        if edit is not None:
            edit()
        return
    time_s, prob = float(beats.time_s[index]), beats.prob[index]
    one = beats.take(slice(index, index + 1))
    st.markdown(f"**Beat {index + 1:,}** at {clock(time_s, hours=time_s >= 3600, decimals=2)}")
    st.markdown(f"##### {words_of(one.label[0])}  \n probability **{one.confidence[0]:.2f}**")
    if edit is not None:
        edit()  # above all sentences that come and go, so that its buttons stay under the pointer
    if one.edits is not None and one.edits.decided[0]:
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


def show_reasons(call: BackgroundCall, judged: Callable[[Reasons], BackgroundCall]) -> None:
    """Why it has its class, as one sentence and as a bar for each part, and whether that holds."""
    found: Reasons | None = call.result
    # What cannot be told keeps no place for its bars.
    with st.container(key=styled("reasons") if call.error is None else scope("no_reasons")):
        progress.follow(call)
        st.markdown(_WHY, help=_PARTS, width="content")
        if found is None:
            error = call.error
            told = error.why if isinstance(error, ConfigError) else str(error)
            st.caption("Asking the network …" if error is None else f"Cannot be told: {told.rstrip('.')}.")
            return
        st.markdown(sentence(found))
        values = ", ".join(f"{part.name} {part.contribution:+.1f}" for part in found.parts)
        st.plotly_chart(
            contribution_bars(found, theme=appearance.theme()), key=scope("reason_bars"), theme=None, config=_STATIC,
            alt=f"Log odds that each part brings: {values}, rest of the strip {found.context:+.1f}",
        )  # fmt: skip
        tested = judged(found)
        progress.follow(tested)
        if tested.result is not None and tested.result.tested and not tested.result.weak:
            st.badge("The reasons passed their tests", icon=":material/check:", color="green")
        if tested.result is not None and tested.result.weak:
            reasons = " ".join(tested.result.reasons)
            st.badge("Weak reasons", icon=":material/warning:", color="orange", help=reasons)


def _most(beats: Beats) -> float:
    return math.log2(len(beats.classes))


def show_evidence(saliency: SaliencyMap, call: BackgroundCall) -> None:
    """What speaks for and against the map, as soon as it is known; the place is the same before and after."""
    with st.container(key=styled("evidence")):
        progress.follow(call)
        found = call.result
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(trust.QUESTION, help=_TESTS, width="content")
            trust.badge(call, "Weak explanation: do not rely on it")
        trust.show_metrics(_metrics(found), "content")
        for reason in found.reasons if found else ():
            st.caption(reason)
        if saliency.gates:
            with st.expander("Gates of the SE blocks: how strongly each lets its channels pass"):
                st.plotly_chart(
                    gate_bars(saliency.gates, theme=appearance.theme()), key=scope("gates"), theme=None, config=_STATIC
                )


def _metrics(found: Evidence | None) -> list[tuple[str, str]]:
    if found is None:
        return trust.no_metrics()
    return trust.metrics(found, f"{found.resolution_ms:.0f} ms", f"{found.width_ms:.0f} ms")
