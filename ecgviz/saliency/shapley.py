"""What each player brings to a game: Shapley values, and Owen's where players belong together.

With ten players and more the sets are too many to ask a network for each. Owen's value (Owen 1977, "Values of games
with a priori unions") lets players come in by their unions: the unions in every order, the players of each in every
order within it. It is exact, sums up as Shapley's does, and of twelve players in four unions it asks 208 sets, not
4,096.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import factorial

Kept = tuple[bool, ...]
"""Of each player whether it is there."""
Unions = Sequence[Sequence[int]]
"""The players of each union, all players once."""


def owen_sets(unions: Unions) -> list[Kept]:
    """All sets of players that :func:`owen` asks for: whole unions, and any part of one more."""
    return list(dict.fromkeys(players for _, players, _ in _joined(unions)))


def owen(value: Mapping[Kept, float], unions: Unions) -> list[float]:
    """Owen value of each player: Shapley's, of the unions and of the players within each.

    Args:
        value: of each of :func:`owen_sets`.
        unions: of the players.
    """
    brought = [0.0] * sum(len(union) for union in unions)
    for union, before, weight in _joined(unions):
        for player in union:
            if not before[player]:
                after = (*before[:player], True, *before[player + 1 :])
                brought[player] += weight * (value[after] - value[before])
    return brought


def shapley(value: Mapping[Kept, float], n: int) -> list[float]:
    """Shapley value of each of ``n`` players; ``value`` of each set of players that are there."""
    return owen(value, [range(n)])


def _joined(unions: Unions) -> Iterator[tuple[Sequence[int], Kept, float]]:
    """Each union, a set of players in which any of it are and whole others, and in which share of the orders one of
    the rest of the union comes next."""
    n = sum(len(union) for union in unions)
    for union in unions:
        others = [one for one in unions if one is not union]
        for whole in product((False, True), repeat=len(others)):
            there = {player for one, joined in zip(others, whole, strict=True) if joined for player in one}
            for part in product((False, True), repeat=len(union)):
                players = there | {player for player, joined in zip(union, part, strict=True) if joined}
                weight = _share(sum(whole), len(unions)) * _share(sum(part), len(union))
                yield union, tuple(player in players for player in range(n)), weight


def _share(before: int, n: int) -> float:
    """Of all orders of ``n`` players those in which just these ``before`` come before a given other one."""
    return 0.0 if before == n else factorial(before) * factorial(n - before - 1) / factorial(n)
