"""Tables: of facts, and of what can be sorted, where what is missing is a dash."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

MISSING = "–"
frame = partial(st.dataframe, placeholder=MISSING)
"""`st.dataframe`, which else says None where a table has no value."""


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as a Markdown table; the first row is its head, since Markdown has no table without one."""
    lines = [f"| {_plain(name)} | {_plain(value)} |" for name, value in rows]
    return "\n".join([lines[0], "|:--|:--|", *lines[1:]])


def day(date: str) -> str:
    """An ISO date that no line breaks: with hyphens that keep its parts together."""
    return date.replace("-", "\u2011")


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
