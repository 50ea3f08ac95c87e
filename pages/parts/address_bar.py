"""Browser address of the view, robust against late messages of a slow browser.

Each request of the browser carries its address as of then. One that was on its way while a page wrote another view (a
second press of a key, a part of the page that draws itself again) carries the view before, and following it would take
the person back. Only an address that we did not write, or that the browser left some time ago, is a link or its back
button.
"""

from __future__ import annotations

import math
import time

import streamlit as st

ECHO_S = 5.0
"""A request is this late at most: two cores under full load had it at one to two seconds."""

View = dict[str, str]
"""Parameters of the address by name; the empty text for those that are not in it."""


def is_ours(key: str, found: View) -> bool:
    """Whether this view is the last that we wrote, or was so recently that the browser may lag. ``key`` names the
    session's record."""
    views = st.session_state.get(key) or []
    if views and views[-1][0] == found:
        st.session_state[key] = views[-1:]  # it has heard of the last; an older one is now the back button
        return True
    return any(found == view and until > time.monotonic() - ECHO_S for view, until in views)


def remember(key: str, view: View) -> None:
    """Record a view as the last one, with the time until which it was current."""
    views, now = st.session_state.get(key) or [], time.monotonic()
    if views and views[-1][0] == view:
        return
    if views:
        views = [*views[:-1], (views[-1][0], now)]
    st.session_state[key] = [*(one for one in views if one[1] > now - ECHO_S), (view, math.inf)]


def write(key: str, view: View) -> None:
    """Write a view to the address as one history step, and remember it."""
    url = st.query_params
    changed = {name: value for name, value in view.items() if value and url.get(name) != value}
    if changed:
        url.update(changed)
    for name, value in view.items():
        if not value and name in url:
            del url[name]
    remember(key, view)
