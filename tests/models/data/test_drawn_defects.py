"""Defects that are drawn into good parts."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.data.drawn_defects import draw_defects


def surface(height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.3, 0.7, (height, width)).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(32, 90), width=st.integers(32, 90), seed=st.integers(0, 10_000))
def test_a_defect_changes_what_it_marks_and_nothing_else_by_much(height, width, seed):
    unit = surface(height, width, seed)
    drawn, mask = draw_defects(unit, np.random.default_rng(seed))
    assert drawn.shape == mask.shape == unit.shape
    assert drawn.dtype == np.float32
    assert mask.dtype == bool
    assert 0 <= drawn.min() <= drawn.max() <= 1
    changed = np.abs(drawn - unit)
    assert changed[~mask].mean() < 0.02
    again, _ = draw_defects(unit, np.random.default_rng(seed))
    np.testing.assert_array_equal(drawn, again)


def test_most_pictures_get_a_defect_and_most_of_the_picture_stays():
    shares = [draw_defects(surface(96, 96, 1), np.random.default_rng(seed))[1].mean() for seed in range(60)]
    assert np.mean(np.array(shares) > 0) > 0.8
    assert np.median(shares) < 0.1


def test_a_drawing_in_black_and_white_gets_defects_in_its_own_values():
    board = (np.indices((96, 96)).sum(axis=0) // 12 % 2).astype(np.float32)
    pure = 0
    for seed in range(40):
        drawn, mask = draw_defects(board, np.random.default_rng(seed))
        inside = drawn[mask & (np.abs(drawn - board) > 0.5)]
        pure += len(inside) > 0 and bool(np.mean(np.minimum(inside, 1 - inside) < 0.1) > 0.5)
    assert pure >= 5
