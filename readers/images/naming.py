"""Natural order of file names: slice2 before slice10."""

from __future__ import annotations

import re
from pathlib import Path

_DIGITS = re.compile(r"(\d+)")


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Key for ``sorted``: digit runs compare as numbers, letters case-insensitively."""
    parts = _DIGITS.split(path.name)
    pieces = [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts if part]
    return (*pieces, (2, 0, str(path)))
