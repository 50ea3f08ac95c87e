"""Evidence display shared by the panels of beats and pictures: badge and metrics."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ecgviz.figures.overlay import PASSED, TESTING, UNTESTED, WEAK
from ecgviz.results import MapEvidence
from ecgviz.saliency import get_method
from pages.parts.appearance import styled
from pages.parts.background_call import BackgroundCall

HEADING = "**Explanation quality**"
NAMES = (
    "Finest detail",
    "Half of it within",
    "Marked part replaced",
    "Random part replaced",
    "Like a random network's",
    "Like another method's",
)


def of(tests: BackgroundCall | None) -> str:
    """What tests say of a map, as the paper prints it; None for those that nobody asked for."""
    if tests is None:
        return UNTESTED
    found: MapEvidence | None = tests.result
    if not tests.done:
        return TESTING
    return UNTESTED if found is None else WEAK if found.weak else PASSED


def badge(call: BackgroundCall | None, weak: str) -> None:
    """Badge of the evidence; ``weak`` marks a map that failed."""
    found: MapEvidence | None = call.result if call is not None else None
    if call is None:
        st.badge("not tested", color="gray")
    elif not call.done:
        st.badge("testing", color="gray")
    elif found is None:
        st.badge("not tested", color="gray", help=str(call.error or "The test was stopped."))
    elif found.weak:
        st.badge(weak, icon=":material/warning:", color="orange")
    else:
        st.badge("It passed all tests", icon=":material/check:", color="green")


def metrics(found: MapEvidence, detail: str, within: str) -> list[tuple[str, str]]:
    """Names and values of the evidence; the first two in the units of the map."""
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
    """Names with dashes, while nothing is known."""
    return [(name, "–") for name in NAMES]


def show_metrics(pairs: Sequence[tuple[str, str]], width: int | str) -> None:
    """Show metrics in a wrapping row."""
    with st.container(horizontal=True, key=styled("evidence_figures")):
        for name, value in pairs:
            st.metric(name, value, width=width)


def _correlation(value: float) -> str:
    """A rank correlation as text; no sign where it rounds to zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _change(value: float) -> str:
    """A change of probability as text, with its sign unless it rounds to zero."""
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"
