"""How counts read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.words import counted


@given(st.integers(0, 10**9))
def test_one_has_no_s_and_all_others_have(number):
    text = counted(number, "beat")
    assert text.endswith("beat") == (number == 1) and text.endswith("beats") == (number != 1)
    assert int(text.split()[0].replace(",", "")) == number
    assert re.fullmatch(r"\d{1,3}(,\d{3})* beats?", text)


@pytest.mark.parametrize(("number", "text"), [(1, "1 study"), (2, "2 studies")])
def test_a_plural_of_its_own(number, text):
    assert counted(number, "study", "studies") == text
