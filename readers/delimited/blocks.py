"""LabChart's text export, in which each recorded block begins with a header and time 0."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import numpy as np

HEADER_KEYS = re.compile(
    r"^(?:Interval|ExcelDateTime|TimeFormat|DateFormat|ChannelTitle|Range|UnitName|TopValue|BottomValue)=\s*$", re.I
)
START_KEY = "exceldatetime="
_EXCEL_DAY_0, _DAY_S, _LEAST_DIGITS = datetime(1899, 12, 30), 86400.0, 12


def seconds_of_start(cells: Sequence[object]) -> float | None:
    """Seconds since 1899-12-30 from the cells after ``ExcelDateTime=``: a serial date, and the date as text.

    The text is taken where the serial was written with few digits and is good to minutes only.
    """
    texts = [str(cell).strip() for cell in cells]
    try:
        serial = float(texts[0]) * _DAY_S
    except (ValueError, IndexError):
        return None
    for form in ("%m/%d/%Y %H:%M:%S.%f", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S"):
        try:
            stated = (datetime.strptime(" ".join(texts[1:])[:26], form) - _EXCEL_DAY_0).total_seconds()
        except ValueError:
            continue
        if len(texts[0]) < _LEAST_DIGITS and abs(stated - serial) < _DAY_S:
            return stated
    return serial


def join_blocks(times: np.ndarray, starts: Sequence[float | None], seconds: float) -> bool:
    """Shift the times of each block, in place, relative to the start of the first.

    Args:
        times: of the rows; they fall where a block begins.
        starts: of all blocks, s; None where not stated.
        seconds: in a unit of the times.

    Returns:
        whether the blocks were found in the times. One that would begin before the last one's end is put behind it.
    """
    begins = np.flatnonzero(np.diff(times) < 0) + 1
    if len(begins) != len(starts) - 1:
        return False
    ends = [*begins[1:].tolist(), len(times)]
    for begin, end, start in zip(begins.tolist(), ends, starts[1:], strict=True):
        step = float(times[begin - 1] - times[begin - 2]) if begin > 1 else 0.0
        first = starts[0]
        wanted = 0.0 if start is None or first is None else (start - first) / seconds
        times[begin:end] += max(wanted, times[begin - 1] + step - times[begin])
    return True
