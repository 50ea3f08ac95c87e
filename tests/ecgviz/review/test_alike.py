"""Beats alike one that was relabelled are those of its shape, and never what a person decided by itself."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.review import editing
from ecgviz.review.alike import alike
from models.core.errors import ReviewError
from tests.ecgviz.review.test_families import reviewed


def test_one_relabelled_wide_beat_offers_the_other_wide_beats():
    kinds = "nnwnnn" * 20
    _, script, shapes = reviewed(kinds, "N" * len(kinds))
    wide = np.flatnonzero([kind == "w" for kind in kinds])
    for index in wide[:12]:
        script.enter(editing.relabel(script.state, [index], "V"))
    script.enter(editing.confirm(script.state, np.array([0])))
    script.enter(editing.confirm(script.state, np.array([wide[15]])))
    found = alike(script.state, shapes, int(wide[0]))
    assert set(found) == set(wide) - {*wide[:12], wide[15]}
    before = len(script.events)
    script.enter(editing.relabel(script.state, found, "V"))
    assert len(script.events) == before + 1
    assert (script.state.beats.label[found] == "V").all()
    script.enter(editing.undo(script.state))
    assert (script.state.beats.label[found] == "N").all(), "one undo takes all of them back"


def test_a_deleted_beat_does_not_shift_what_is_offered():
    kinds = "nnwnnn" * 20
    _, script, shapes = reviewed(kinds, "N" * len(kinds))
    wide = np.flatnonzero([kind == "w" for kind in kinds])
    for index in wide[1:13]:
        script.enter(editing.relabel(script.state, [index], "V"))
    for index in (7, 9, 10, 13):
        script.enter(editing.confirm(script.state, [index]))
    script.enter(editing.delete(script.state, [0]))
    found = alike(script.state, shapes, int(wide[1]) - 1)
    assert {kinds[one + 1] for one in found} == {"w"}
    assert len(found) == len(wide) - 12


@pytest.mark.parametrize("make", [editing.confirm, editing.accept, None])
def test_without_another_class_there_is_nothing_to_be_alike(make):
    _, script, shapes = reviewed("nnwnnn" * 4, "N" * 24)
    if make is not None:
        script.enter(make(script.state, np.array([3])))
    with pytest.raises(ReviewError, match="give this beat its class first"):
        alike(script.state, shapes, 3)
