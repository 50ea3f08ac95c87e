"""Tables of the pages, and how shares and checkpoints read in them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import pages
from models import list_checkpoints
from pages.parts import tables


@given(st.integers(0, 100_000), st.integers(1, 100_000))
@example(1, 100_000)
@example(99_999, 100_000)
@example(5, 720)
def test_nothing_and_all_are_said_of_nothing_and_all_alone(count, total):
    share = min(count, total) / total
    text = tables.percent(share)
    assert (text == "0%") == (share == 0) and (text == "100%") == (share == 1)
    if text[0] not in "<>":
        assert float(text.rstrip("%")) == pytest.approx(100 * share, abs=0.5 + 1e-9)


def test_a_list_of_choices_tells_the_day_of_each_checkpoint_and_where_it_breaks_no_day():
    found = [one for one in list_checkpoints() if one.card is not None]
    names = tables.dated(found)
    assert list(names) == [one.name for one in found]
    for one in found:
        day = names[one.name].removeprefix(f"{one.name} (").removesuffix(")")
        assert day.replace("\u2011", "-") == one.card.date and "-" not in day
    assert all(name in tables.dates(names.values()) for name in names.values())


def test_what_a_table_lacks_is_a_dash():
    def script():
        import pandas as pd

        from pages.parts import tables

        tables.dataframe(pd.DataFrame({"RR before, ms": [None, 812.0]}))

    [table] = AppTest.from_function(script, default_timeout=120).run().dataframe
    assert table.proto.placeholder == tables.MISSING


def test_every_table_of_the_pages_is_such_a_table():
    for file in Path(pages.__file__).parent.rglob("*.py"):
        assert "st.dataframe(" not in file.read_text(encoding="utf-8"), f"{file.name}: use tables.dataframe"
