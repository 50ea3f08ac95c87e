"""Current user, and training permission."""

from __future__ import annotations

import streamlit as st

from ecgviz.operator import Permit, may_train, user_header


def who() -> str:
    """User name from the trusted header or the login; empty for unknown users."""
    header = user_header()
    if header:
        return (st.context.headers.get(header) or "").strip()
    for field in ("email", "preferred_username", "name"):
        value = st.user.get(field)
        if isinstance(value, str) and value and _logged_in():
            return value
    return ""


def permit() -> Permit:
    """Whether this user may train."""
    return may_train(who())


def refused(found: Permit) -> None:
    """Explain the refusal, with the remedy."""
    st.info(found.why, icon=":material/lock:")
    if found.login and not user_header() and _login_is_set_up():
        st.button("Log in", on_click=st.login, icon=":material/login:")


def _logged_in() -> bool:
    return bool(getattr(st.user, "is_logged_in", False))


def _login_is_set_up() -> bool:
    return hasattr(st.user, "is_logged_in")
