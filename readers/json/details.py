"""Finds the details of a JSON series beside or above it: sampling frequency, unit, scale, leads, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from readers.channels.leads import clean_lead_name, is_clinical, millivolts_per, name_speaks
from readers.channels.time_names import is_time_name, seconds_per
from readers.json.columns import Leaf

Path = tuple[str, ...]
_FS = re.compile(
    r"^(?:ecg|ekg)?(?:fs|sfreq|srate|hz|freq|frequency|samp(?:le|les|ling)?(?:rate|freq|frequency|persec|persecond))"
    r"(?:hz|hertz)?(?:ecg|ekg)?$"
)
_INTERVAL = re.compile(
    r"^(?:samp(?:le|ling)?(?:interval|period|time)|dt)(?:in)?(s|sec|seconds?|ms|msec|milliseconds?|us)?$"
)
_UNIT = re.compile(r"^(?:ecg|signal|sample|value|voltage|amplitude|data)?(?:units?|uom)$")
_COUNTS_PER_MV = re.compile(r"^(?:millivolts?)?scalingfactor$")
_NANOVOLTS = re.compile(r"^amplituderesolution$")
_LEADS = re.compile(
    r"^(?:leads?|lead(?:s?names?|type|id|code)|sig(?:nal)?names?|channels?|channelnames?|names?|labels?|display|code)$"
)
_UNIT_BEHIND = re.compile(r"^(.*?)(?:^|[\s_./(-]+)(millivolts?|microvolts?|mcv|[mun\u00b5\u03bc]v)\)?$", re.I)
_WORD_ENDS = re.compile(r"(?<=[a-z])(?=[A-Z])(?!V$)|(?<=[A-Z])(?=[mun\u00b5\u03bc]V$)")
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:k?hz|hertz)?\s*$", re.I)
_MOST_S = 0.1

Found = TypeVar("Found")


def spoken(path: Path) -> str:
    """Kind implied by the names on the path to a series, as ``name_speaks`` (``channels.leads``), innermost first."""
    words = [name_speaks(name) for name in path[::-1]]
    return next((word for word in words if word), "")


def unit_in(name: str) -> tuple[str, str | None]:
    """A field's name and the voltage unit at its end (``ecg_uV``, ``amplitudeMillivolts``); None for none."""
    words = _WORD_ENDS.sub(" ", name)
    match = _UNIT_BEHIND.match(words)
    return (match[1].strip(), match[2]) if match and millivolts_per(match[2]) else (name, None)


class Details:
    """Searches details of a series: beside it first, then level by level above, then anywhere.

    Args:
        leaves: all of the document, each with its path.
    """

    def __init__(self, leaves: Sequence[tuple[Path, Leaf]]):
        self._leaves = leaves

    def sampling_frequency(self, path: Path) -> float | None:
        """Sampling frequency of the series at ``path``, Hz."""
        return self._stated(path, _frequency) or self._stated(path, _of_interval)

    def unit(self, path: Path) -> str | None:
        """The voltage unit named as its unit."""
        return self._stated(path, _voltage)

    def millivolts(self, path: Path) -> float | None:
        """mV per count, where a field of clear meaning states a scale."""
        return self._stated(path, _millivolts)

    def lead(self, path: Path) -> str:
        """The one lead named for it; "" for none."""
        return self._stated(path, _lead) or ""

    def leads(self, path: Path, n: int) -> tuple[str, ...] | None:
        """Distinct lead names for n series at one path, from texts anywhere beside or above them."""
        for level in range(len(path), -1, -1):
            for place, leaf in self._leaves:
                if place[:level] == path[:level] and isinstance(leaf, tuple) and len(leaf) == n:
                    names = tuple(map(clean_lead_name, leaf))
                    if len(set(names)) == n and all(map(is_clinical, names)):
                        return names
        return None

    def names(self, path: Path, n: int) -> tuple[str, ...] | None:
        """Names of n columns, from a list of texts with a fitting name."""
        for _, siblings in self._levels(path):
            for name, leaf in siblings:
                if isinstance(leaf, tuple) and len(leaf) == n > 1 and _LEADS.match(_key(name)):
                    return leaf
        return None

    def times(self, path: Path, n: int) -> Iterator[tuple[str, np.ndarray]]:
        """Candidate times of a series: series of n numbers or dates beside or above it, with names, nearest first."""
        for _, siblings in self._levels(path):
            for name, leaf in siblings:
                if isinstance(leaf, np.ndarray) and leaf.shape == (n,):
                    yield name, leaf
                elif isinstance(leaf, tuple) and len(leaf) == n and is_time_name(name):
                    yield "time [s]", seconds_of(leaf)

    def _levels(self, path: Path) -> Iterator[tuple[Path, list[tuple[str, Leaf]]]]:
        """Fields of its own record and of each record above it."""
        for level in range(len(path), -1, -1):
            above = path[:level]
            siblings = [(place[-1], leaf) for place, leaf in self._leaves if place and place[:-1] == above]
            yield above, siblings

    def _stated(self, path: Path, read: Callable[[str, Leaf], Found | None]) -> Found | None:
        """Value of the nearest field, else the one on which all fields of the document agree."""
        for _, siblings in self._levels(path):
            found = {value for name, leaf in siblings if (value := read(_key(name), leaf)) is not None}
            if len(found) == 1:
                return found.pop()
        found = {value for place, leaf in self._leaves if place and (value := read(_key(place[-1]), leaf)) is not None}
        return found.pop() if len(found) == 1 else None


def seconds_of(texts: Sequence[str]) -> np.ndarray:
    """Dates or times of day as seconds, float64 (n,); NaN for anything else."""
    import pandas as pd

    from readers.delimited.times import as_seconds

    return as_seconds(pd.Series(list(texts), dtype=object), ".")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _number(leaf: Leaf) -> float | None:
    """A number, a number in a text, or the one that all records share."""
    if isinstance(leaf, tuple | np.ndarray) and len(set(np.asarray(leaf).ravel().tolist())) == 1:
        leaf = np.asarray(leaf).ravel().tolist()[0]
    if isinstance(leaf, str):
        match = _NUMBER.match(leaf)
        return float(match[1]) * (1000 if "khz" in leaf.lower() else 1) if match else None
    return float(leaf) if isinstance(leaf, float) and leaf > 0 else None


def _text(leaf: Leaf) -> str | None:
    if isinstance(leaf, tuple) and len(set(leaf)) == 1:
        leaf = leaf[0]
    return leaf if isinstance(leaf, str) else None


def _frequency(key: str, leaf: Leaf) -> float | None:
    return _number(leaf) if _FS.match(key) else None


def _of_interval(key: str, leaf: Leaf) -> float | None:
    """Hz from a sample interval, in the unit at the end of its name, or in s or ms, whichever fits."""
    match, step = _INTERVAL.match(key), _number(leaf)
    if match is None or step is None:
        return None
    seconds = step * (seconds_per(match[1]) or (1.0 if step <= _MOST_S else 1e-3))
    return 1 / seconds if 0 < seconds <= _MOST_S else None


def _voltage(key: str, leaf: Leaf) -> str | None:
    text = _text(leaf) if _UNIT.match(key) else None
    return text if millivolts_per(text) else None


def _millivolts(key: str, leaf: Leaf) -> float | None:
    number = _number(leaf)
    if number is None:
        return None
    return 1 / number if _COUNTS_PER_MV.match(key) else number * 1e-6 if _NANOVOLTS.match(key) else None


def _lead(key: str, leaf: Leaf) -> str | None:
    texts = leaf if isinstance(leaf, tuple) else (leaf,) if isinstance(leaf, str) else ()
    names = {name for text in texts if is_clinical(name := clean_lead_name(text))} if _LEADS.match(key) else set()
    return names.pop() if len(names) == 1 else None
