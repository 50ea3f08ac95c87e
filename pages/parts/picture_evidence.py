"""Panel beside a picture with the evidence on its map."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ecgviz.results import ImageEvidence, ImageMap
from pages.parts import explanation_quality, progress
from pages.parts.background_call import BackgroundCall
from pages.parts.keys import scope

_TESTS = """
- **Finest detail**: nothing smaller than this can be told from its neighbour. **Half of it within**: the smallest part
  of the picture that holds half of the map.
- **Marked part replaced**: how the probability changes when the twentieth of the picture that the map marks most is
  filled in from around it, against parts of the same shape elsewhere.
- **Like a random network's**: rank correlation with the map of the same network with random weights; near 1 means that
  the map shows the picture, not what was learned.
- **Like another method's**: rank correlation with the map of another method.
"""
_FIGURE_PX = 130
_ASKED, _MOST_ASKED = scope("tested_maps"), 60


def show(image_map: ImageMap, call: BackgroundCall, figure_width: int | str = _FIGURE_PX) -> None:
    """Evidence on the map, once known; its place is constant.

    Args:
        image_map: the map.
        call: its test.
        figure_width: of each figure, px or "content"; two beside each other fit into the panel by default.
    """
    progress.follow(call)
    found = call.result
    st.markdown(explanation_quality.HEADING, help=_TESTS)
    explanation_quality.badge(call, "Weak: do not rely on it")
    explanation_quality.show_metrics(_metrics(found, image_map), figure_width)
    for reason in found.reasons if found else ():
        st.caption(reason)


def on_demand(image_map: ImageMap, what: str, start: Callable[[], BackgroundCall]) -> None:
    """Button that tests the map, a bar while it does, then the evidence.

    Args:
        image_map: the map.
        what: names picture, slice, method and class: a test that was asked for one map is not made for the next.
        start: gives the test.
    """
    asked = st.session_state.setdefault(_ASKED, [])
    if what not in asked:
        st.markdown(explanation_quality.HEADING, help=_TESTS)
        st.button(
            "Test this map", icon=":material/science:", key=scope("test_map"), on_click=_ask, args=(what,),
            help="Half a minute: the network with random weights, parts of the picture replaced, another method.",
        )  # fmt: skip
        explanation_quality.show_metrics(_metrics(None, image_map), _FIGURE_PX)
        return
    call = start()
    if not call.done:
        progress.bar(call, "Testing the map", scope("testing_map"))
    show(image_map, call)


def _ask(what: str) -> None:
    st.session_state[_ASKED] = [*st.session_state.get(_ASKED, [])[-_MOST_ASKED:], what]


def keep_place() -> None:
    """Placeholder before there is a map."""
    st.markdown(explanation_quality.HEADING, help=_TESTS)
    st.badge("no map yet", color="gray")
    explanation_quality.show_metrics(explanation_quality.no_metrics(), _FIGURE_PX)


def _metrics(found: ImageEvidence | None, image_map: ImageMap) -> list[tuple[str, str]]:
    if found is None:
        return [
            (explanation_quality.NAMES[0], f"{image_map.resolution_px:.0f} px"),
            *explanation_quality.no_metrics()[1:],
        ]
    detail = f"{found.resolution_px:.0f} px"
    if found.resolution_mm is not None:
        detail += f" ({found.resolution_mm:.2g} mm)"
    return explanation_quality.metrics(found, detail, f"{found.area_share:.0%}")
