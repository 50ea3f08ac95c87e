"""Names and units of time and counter columns in the spellings of many recorders."""

from __future__ import annotations

import re

from readers.channels.leads import clean_lead_name, is_clinical, millivolts_per

TIME_UNITS = {
    **dict.fromkeys("s sec secs second seconds sek sekunden secondes segundos \u0441 \u79d2 \ucd08".split(), 1.0),
    **dict.fromkeys("ms msec msecs millis millisec millisecond milliseconds \u043c\u0441 \u6beb\u79d2".split(), 1e-3),
    **dict.fromkeys(("us", "\u00b5s", "\u03bcs", "usec", "micros", "microsecond", "microseconds"), 1e-6),
    **dict.fromkeys(("ns", "nsec", "nanos", "nanosecond", "nanoseconds"), 1e-9),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
"""Seconds in each unit."""
UNIT_NAMES = {1.0: "s", 1e-3: "ms", 1e-6: "us", 1e-9: "ns", 60.0: "min", 3600.0: "h", 86400.0: "days"}
COMMON_FS = (
    *(100, 125, 128, 130, 180, 200, 250, 256, 257, 300, 360, 400),
    *(500, 512, 600, 800, 1000, 1024, 2000, 4000, 8000),
)
"""Sampling frequencies of recorders, Hz."""
_SURE_NAMES = re.compile(
    r"^(?:elapsed[\s_]*)?(?:time|timestamp|zeit|temps|tiempo|tempo|tijd|t|s|sec|secs|seconds?|ms|msec|millis|milliseco?n?d?s?|"
    r"minutes|date[\s_]*time|times?tamps?)(?:[\s_]*(?:s|sec|ms|us|ns|min))?$",
    re.I,
)
_TIME_NAMES = re.compile(
    r"time|stamp|zeit|temps|tiempo|tempo|tijd|czas|elapsed|clock|uhr|hora|date|datum|fecha|datenum|epoch|"
    r"(?:^|[\s_])(?:t|s|secs?|seconds?|m?secs?|ms|us|ns|min|minutes|hours)$",
    re.I,
)
_INDEX_NAMES = re.compile(
    r"^(?:unnamed.*|index|idx|nr|no|n?seq|counter|packet|samples?|sample[\s_]*(?:#|no|nr|num|number|index|idx|id)|#|n)$",
    re.I,
)
_SIEMENS = re.compile(r"[munp\u00b5\u03bc]S$")
_PART_OF_SECOND = re.compile(r"s\s?/\s?([1-9]\d{1,4})$")
"""How Hexoskin counts its times: in s/256."""
_BRACKETED = re.compile(r"^(.*?)[\s_]*[(\[]\s*([^()\[\]]{1,16})\s*[)\]]\s*$")


def unit_name(seconds: float) -> str:
    """Name of a unit of so many seconds."""
    return UNIT_NAMES.get(seconds) or f"s/{1 / seconds:g}"


def seconds_per(unit: str | None) -> float | None:
    """Seconds per unit of time; None for other units, such as uS (microsiemens)."""
    unit = (unit or "").strip("()[] .")
    if match := _PART_OF_SECOND.match(unit):
        return 1 / int(match[1])
    return None if _SIEMENS.match(unit) else TIME_UNITS.get(unit.lower())


def seconds_in(name: str) -> float | None:
    """Seconds per unit of a time column, from brackets or the end of its name (``time_ms``); None if unstated."""
    match = _BRACKETED.match(name)
    if match and (stated := seconds_per(match[2])) is not None:
        return stated
    plain = (match[1] if match else name).strip().lower()
    ends = (suffix for suffix in TIME_UNITS if plain == suffix or plain.endswith(tuple(c + suffix for c in "_ ./-")))
    return next((TIME_UNITS[suffix] for suffix in ends), None)


def is_time_name(name: str, *, sure: bool = False) -> bool:
    """Whether a column's name means time; with ``sure``, unambiguously."""
    match = _BRACKETED.match(name.strip())
    plain = (match[1] if match else name).strip()
    if sure:
        return bool(_SURE_NAMES.match(plain))
    return bool(_TIME_NAMES.search(plain)) or bool(match and seconds_per(match[2]) is not None)


def is_index_name(name: str) -> bool:
    """Whether a column's name means a sample counter."""
    return bool(_INDEX_NAMES.match(name.strip()))


def round_fs(fs: float, tolerance: float) -> float:
    """The common or whole frequency nearest to a measured one, within the rounding of the printed times."""
    for candidate in (*COMMON_FS, round(fs)):
        if abs(fs - candidate) <= tolerance * fs:
            return float(candidate)
    return fs


def is_lead_name(name: str) -> bool:
    """Whether a column's name is that of a lead, or has a voltage in brackets."""
    match = _BRACKETED.match(name)
    plain = clean_lead_name(match[1] if match else name)
    volts = match is not None and millivolts_per(match[2]) is not None
    return volts or (is_clinical(plain) and name != "i") or plain.lower() in {"ecg", "ekg"}  # i counts rows
