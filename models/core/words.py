"""How counts read."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A count with its noun: "1 beat", "2,048 beats"; ``several`` where the plural is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
