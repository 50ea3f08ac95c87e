"""Sentences beside an answer: each once, the heaviest first, and still plain text to whoever writes them down."""

from __future__ import annotations

import json
import pickle

from hypothesis import given
from hypothesis import strategies as st

from ecgviz.notices import Notice, Weight, in_order

plain = st.text(min_size=1, max_size=8)
notices = st.builds(Notice, plain, st.sampled_from(Weight), st.none() | st.floats(0, 1e5))


@given(st.lists(plain | notices, max_size=12))
def test_each_once_and_the_heaviest_first(sentences):
    ordered = in_order(sentences)
    assert sorted(ordered) == sorted(set(sentences))
    assert [one.weight for one in ordered] == sorted(one.weight for one in ordered)
    assert in_order(ordered) == ordered
    for weight in Weight:
        of_it = [one for one in ordered if one.weight == weight]
        assert of_it == sorted(of_it, key=sentences.index), "those of one weight keep their order"


@given(notices, plain)
def test_it_is_text_that_keeps_its_place(notice, name):
    assert json.loads(json.dumps([notice])) == [str(notice)]
    copied = pickle.loads(pickle.dumps(notice))
    named = notice.about(name)
    assert named == f"{name}: {notice}"
    assert named.under(name)[1:] == notice[1:]
    for one in (copied, named, named.under(name)):
        assert (one.weight, one.at_s) == (notice.weight, notice.at_s)


def test_one_without_a_weight_is_about_the_file():
    [found] = in_order(["Left out: RSP."])
    assert found.weight == Weight.PARTLY
    assert found.at_s is None
