"""Shapley and Owen values: what the definitions demand, and how many sets are asked."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.saliency.shapley import owen, owen_sets, shapley

UNIONS = st.sampled_from([[[0, 1], [2, 3]], [[0, 2], [1], [3]], [[0, 1, 2, 3]], [[0], [1], [2], [3]]])
GAME = st.lists(st.floats(-9, 9), min_size=16, max_size=16)
SETS = list(product((False, True), repeat=4))


def by_orders(value: dict, unions: list[list[int]]) -> list[float]:
    """Owen's definition: the mean over all orders in which no union is broken up."""
    orders = [
        [player for part in whole for player in part]
        for union_order in permutations(unions)
        for whole in product(*(permutations(union) for union in union_order))
    ]
    brought = np.zeros(4)
    for order in orders:
        there = [False] * 4
        for player in order:
            before = value[tuple(there)]
            there[player] = True
            brought[player] += (value[tuple(there)] - before) / len(orders)
    return brought.tolist()


@given(GAME, UNIONS)
def test_owen_values_are_those_of_the_definition_and_ask_no_set_beyond(game, unions) -> None:
    value = dict(zip(SETS, game, strict=True))
    asked = {one: value[one] for one in owen_sets(unions)}
    found = owen(asked, unions)
    assert found == pytest.approx(by_orders(value, unions), abs=1e-9)
    assert sum(found) == pytest.approx(value[SETS[-1]] - value[SETS[0]], abs=1e-9)


@given(GAME)
def test_unions_of_one_and_one_union_of_all_are_shapley(game) -> None:
    value = dict(zip(SETS, game, strict=True))
    assert owen(value, [[0], [1], [2], [3]]) == pytest.approx(shapley(value, 4), abs=1e-9)


def test_twelve_parts_of_four_groups_take_208_sets() -> None:
    assert len(owen_sets([range(3 * group, 3 * group + 3) for group in range(4)])) == 208
