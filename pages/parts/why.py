"""The panel "Why": reasons by parts as one sentence and as bars, and whether they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from ecgviz.errors import ConfigError
from ecgviz.figures.curves import contribution_bars
from ecgviz.saliency import parts_words, picture_parts_words, record_parts_words
from ecgviz.saliency.parts import Reasons
from ecgviz.saliency.picture_parts import PictureReasons
from ecgviz.saliency.reasons_evidence import PartsEvidence
from ecgviz.saliency.record_parts import RecordReasons
from pages.parts import appearance, progress
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall
from pages.parts.keys import scope

_Found = TypeVar("_Found", Reasons, RecordReasons, PictureReasons)


@dataclass(frozen=True)
class Told(Generic[_Found]):
    """How reasons of a kind are told.

    Attributes:
        sentence: why, in words.
        brought: names of the bars and their log odds.
        help: what was done.
    """

    sentence: Callable[[_Found], str]
    brought: Callable[[_Found], list[tuple[str, float]]]
    help: str


OF_A_BEAT = Told(
    parts_words.sentence,
    parts_words.brought,
    """
Each part of the beat is replaced by this patient's usual one (the median of beats called N nearby; where there are
none, that of normal recordings, and the sentence says so) and the network is asked again. A bar is what the part brings
to the class, in log odds (Shapley value): +2.3 multiplies the odds by ten. **Rest of the strip** (or window) is what
the network says of a usual beat in this place. On the paper the usual beat is drawn behind this one. Reasons are
**weak** where the two strongest parts do not carry the answer, or the same parts of another beat do as well. They
explain the network's answer in this beat's own minute; the one above the bars of the classes is in view of the whole
recording.
""",
)
OF_A_RECORDING = Told(
    record_parts_words.sentence,
    record_parts_words.brought,
    """
A wave of all beats in a group of leads is replaced by that of normal recordings (PTB-XL, folds 1 to 8) and the network
is asked again. A bar is what it brings to the label, in log odds (Owen value): +2.3 multiplies the odds by ten.
Inferior leads: II, III, aVF; lateral leads: I, aVL, aVR, V5, V6. The normal beat is drawn faintly behind the paper's
beats. **Between the waves** is what the network says of
normal waves in this rhythm. Reasons are **weak** where the two strongest parts do not carry the label, or this
recording's own median beat in their place changes it as well.
""",
)
OF_A_PICTURE = Told(
    picture_parts_words.sentence,
    picture_parts_words.brought,
    """
Parts of the picture (superpixels) are exchanged for how they usually look and the network is asked again: for the same
place in the slices nearby that are judged normal (their median), or, where there are fewer than three, for the picture
so blurred that no detail is left. A bar is what the part brings to the class, in log odds (Shapley value from random
orders, ± its standard error): +2.3 multiplies the odds by ten. Reasons are **weak** where the two strongest parts do
not carry the answer, or two others change it as well.
""",
)


def show(call: BackgroundCall, judged: Callable[[_Found], BackgroundCall], told: Told[_Found]) -> None:
    """Why, as one sentence and as a bar for each part, and whether that holds."""
    found: _Found | None = call.result
    # What cannot be told keeps no place for its bars.
    with st.container(key=styled("reasons") if call.error is None else scope("no_reasons")):
        progress.follow(call)
        st.markdown("**Why**", help=told.help, width="content")
        if found is None:
            error = call.error
            why = error.why if isinstance(error, ConfigError) else str(error)
            st.caption("Measuring what each part brings …" if error is None else f"Cannot be told: {why.rstrip('.')}.")
            return
        st.markdown(told.sentence(found))
        bars = told.brought(found)
        st.plotly_chart(
            contribution_bars(bars, theme=appearance.theme()),
            key=scope("reason_bars"),
            theme=None,
            config={"displayModeBar": False, "staticPlot": True},
            alt="Log odds that each part brings: " + ", ".join(f"{name} {value:+.1f}" for name, value in bars),
        )
        _verdict(judged(found))


def _verdict(tested: BackgroundCall) -> None:
    progress.follow(tested)
    found: PartsEvidence | None = tested.result
    if found is not None and found.tested and not found.weak:
        st.badge("The reasons passed their tests", icon=":material/check:", color="green")
    if found is not None and found.weak:
        st.badge("Weak reasons", icon=":material/warning:", color="orange", help=" ".join(found.reasons))
