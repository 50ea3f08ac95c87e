"""Natural order of file names: slice2 before slice10, z_1.25mm before z_1.5mm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)")
_DIGITS = re.compile(r"(\d+)")
_DOTTED = re.compile(r"\d+(?:[.,]\d+){2,}")
_FEWEST_COUNTED = 3

_Key = tuple[tuple[int, int, str], ...]


def natural_order(paths: Iterable[Path]) -> list[Path]:
    """Files sorted by the numbers in their names, which may be decimal.

    ``run1.2`` is the second of a first run where the others count on to ``run1.10``, and 1.2 of something elsewhere;
    which of the two is told by all names together.
    """
    files = list(paths)
    decimals = not any(_counts(found) for found in _after_the_dot(files).values())
    return sorted(files, key=lambda path: _key(path, decimals=decimals))


def _key(path: Path, *, decimals: bool) -> _Key:
    stem = path.stem
    pattern = _NUMBER if decimals and not _DOTTED.search(stem) else _DIGITS
    pieces: list[tuple[int, int, str]] = []
    for part in pattern.split(stem):
        whole, mark, fraction = part.replace(",", ".").partition(".")
        if whole.isdecimal() and (fraction.isdecimal() or not mark):
            pieces.append((0, int(whole), fraction.rstrip("0")))
        elif part:
            pieces.append((1, 0, part.casefold()))
    return (*pieces, (2, 0, path.suffix.casefold()), (2, 0, str(path)))


def _after_the_dot(files: Iterable[Path]) -> dict[str, list[str]]:
    """Digits after the dot of decimal-looking numbers, grouped by the text before it."""
    found: dict[str, list[str]] = {}
    for path in files:
        for match in _NUMBER.finditer(path.stem):
            whole, mark, fraction = match.group().replace(",", ".").partition(".")
            if mark:
                found.setdefault(path.stem[: match.start()] + whole, []).append(fraction)
    return found


def _counts(fractions: list[str]) -> bool:
    """Whether these are 1, 2, ... 9, 10, without a gap: a counter rather than decimal fractions."""
    numbers = sorted({int(text) for text in fractions})
    widths = {len(text) for text in fractions}
    plain = not any(text.startswith("0") and len(text) > 1 for text in fractions)
    return len(numbers) >= _FEWEST_COUNTED and len(widths) > 1 and plain and numbers[-1] - numbers[0] < len(numbers)
