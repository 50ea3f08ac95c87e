"""Whether a map can be believed: the badge and the metrics that the panels of a beat and of a picture share."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ecgviz.results import MapEvidence
from ecgviz.saliency import get_method
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall

QUESTION = "**Explanation quality**"
NAMES = (
    "Finest detail",
    "Half of it within",
    "Marked part replaced",
    "Random part replaced",
    "Like a random network's",
    "Like another method's",
)


def badge(call: BackgroundCall, weak: str) -> None:
    """How the test went; ``weak`` is said of a map that failed it."""
    found: MapEvidence | None = call.result
    if not call.done:
        st.badge("testing", color="gray")
    elif found is None:
        st.badge("not tested", color="gray", help=str(call.error or "The test was stopped."))
    elif found.weak:
        st.badge(weak, icon=":material/warning:", color="orange")
    else:
        st.badge("It passed all tests", icon=":material/check:", color="green")


def metrics(found: MapEvidence, detail: str, within: str) -> list[tuple[str, str]]:
    """Names and values of what was measured; the first two are in the units of the map."""
    values = [
        detail,
        within,
        _change(-found.deletion_drop),
        _change(-found.random_drop),
        _correlation(found.randomised_correlation),
        _correlation(found.agreement),
    ]
    return list(zip((*NAMES[:-1], f"Like {get_method(found.agreement_with).title}"), values, strict=True))


def no_metrics() -> list[tuple[str, str]]:
    """The names with dashes, for as long as there is nothing."""
    return [(name, "–") for name in NAMES]


def show_metrics(pairs: Sequence[tuple[str, str]], width: int | str) -> None:
    """A metric each, in a row that breaks."""
    with st.container(horizontal=True, key=styled("evidence_figures")):
        for name, value in pairs:
            st.metric(name, value, width=width)


def _correlation(value: float) -> str:
    """A rank correlation; one that rounds to nothing has no sign."""
    return f"{round(value, 2) + 0.0:.2f}"


def _change(value: float) -> str:
    """A change of a probability with its sign; one that rounds to nothing has none."""
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"
