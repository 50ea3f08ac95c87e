"""Tables of facts and sortable tables, with dashes for missing values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import streamlit as st

from models import CheckpointSummary

MISSING = "–"
dataframe = partial(st.dataframe, placeholder=MISSING)
"""`st.dataframe`, which else says None where a table has no value."""


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as a Markdown table; the first row becomes its mandatory header."""
    lines = [f"| {_plain(name)} | {_plain(value)} |" for name, value in rows]
    return "\n".join([lines[0], "|:--|:--|", *lines[1:]])


def day(date: str) -> str:
    """An ISO date with non-breaking hyphens."""
    return date.replace("-", "\u2011")


def percent(share: float) -> str:
    """A share, 0 to 1, in whole percent; only exact 0 and 1 show as 0% and 100%."""
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def dated(found: Iterable[CheckpointSummary]) -> dict[str, str]:
    """Checkpoint names in a selection, with the date of their training."""
    return {one.name: f"{one.name} ({day(one.card.date)})" if one.card else one.name for one in found}


def dates(dated_names: Iterable[str]) -> str:
    """Help text of such a selection, where the dates do not fit."""
    return f"Trained until: {'; '.join(dated_names)}."


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "/").split())
