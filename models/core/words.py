"""Formats counts and times for people."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A count with its noun: "1 beat", "2,048 beats"; ``several`` where the plural is not ``one`` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def clock(time_s: float, *, hours: bool = False, decimals: int = 0) -> str:
    """Time from the start of the recording as mm:ss or, with ``hours``, h:mm:ss."""
    units = round(max(time_s, 0.0) * 10**decimals)
    whole, rest = divmod(units, 10**decimals)
    minutes, seconds = divmod(whole, 60)
    tail = f"{seconds:02d}" + (f".{rest:0{decimals}d}" if decimals else "")
    return f"{minutes // 60}:{minutes % 60:02d}:{tail}" if hours else f"{minutes:02d}:{tail}"
