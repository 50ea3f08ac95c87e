"""Parses the lines above a text table: sampling frequency, unit and names, in the spellings of many recorders.

Beside lines of "key, value" it knows the headers of LabChart, AcqKnowledge and OpenSignals (BITalino). Whatever
else stands there, such as a patient's name, is not looked at.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from readers.channels.leads import millivolts_per
from readers.channels.time_names import TIME_UNITS, round_fs
from readers.delimited.blocks import seconds_of_start
from readers.delimited.cells import split

_NUMBER = r"((?:(?<=[\s=:,;])[+-])?[0-9]+(?:[.,][0-9]+)?)"
_WORD = r"([a-z\u00b5\u03bc]+)"
_HERTZ = (
    "(k?hz|hert[zs][a-z\u00e4\u016f\u00e4]*|her[ct][a-z\u00f3]*|\u30d8\u30eb\u30c4|\ud5e4\ub974\uce20|\u8d6b\u5179|\u8d6b|"
    "\u0433\u0435\u0440\u0446|\u0433\u0446|\u03c7\u03b5\u03c1\u03c4\u03b6|\u0647\u0631\u062a\u0632|\u05d4\u05e8\u05e5|"
    "\u0e40\u0e2e\u0e34\u0e23\u0e15\u0e0b\u0e4c)"
)
"""The unit as a watch writes it in the language of its owner: the last ones are Japanese, Korean, Chinese, Russian,
Greek, Arabic, Hebrew and Thai."""
_FS = re.compile(
    rf"(?:\bfs\b|sampl\w*[\s_]*(?:rate|freq\w*)|\bsrate\b|\bsamples?\s?(?:/|per)\s?s(?:ec(?:onds?)?)?\b)[^0-9\n]{{0,24}}?{_NUMBER}\s*{_HERTZ}?",
    re.I,
)
_OTHER_FS = re.compile(
    rf"(?:\bfrequency\b[^0-9\n]{{0,12}}?{_NUMBER}\s*{_HERTZ}?|[\s,;:=\"]{_NUMBER}\s*{_HERTZ}(?![a-z]))", re.I
)
_INTERVAL = re.compile(
    rf"(?:\binterval\b|\bdelta_x\b|\bsampl\w*[\s_]*(?:period|time)\b|\bdt\b)\s*(?:[(\[]{_WORD}[)\]])?[^0-9\n]{{0,6}}?{_NUMBER}\s*{_WORD}?",
    re.I,
)
_PER_SAMPLE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z\u00b5\u03bc]+)\s*/\s*sample\b", re.I)
_EACH = re.compile(r"^['\"]?([0-9]*\.[0-9]+) (s|secs?|ms|msec)['\"]?[,;\t]", re.I)
"""The unit that PhysioNet's rdsamp gives its column of sample intervals."""
_FILTER = re.compile(
    r"filt|notch|mains|line|power|pass|cut|netz|heart|puls|alternat|band|range|low|high|[0-9]\s*-", re.I
)
_KEY_UNIT = re.compile(r"^\W*units?\W+([^\s,;]+)", re.I)
_LEAD_WORDS = (
    "lead|channel|ableitung|d[\u00e9e]rivation|deriva[\u00e7c][\u00e3a]o|derivaci[\u00f3o]n|derivazione|afleiding|avledning|"
    "\ub9ac\ub4dc|\uc720\ub3c4|\u30ea\u30fc\u30c9|\u8a98\u5c0e|\u5bfc\u8054|\u5c0e\u7a0b"
)
_KEY_LEAD = re.compile(rf"^\W*(?:{_LEAD_WORDS})\W*[,;:=\t]\W*(?:(?:{_LEAD_WORDS})\W*)?([\w +-]{{1,20}}?)\W*$", re.I)
_PAIR = re.compile(r"^[^,;:=\t]{1,40}[,;:=\t]\s*['\"]?([m\u00b5\u03bcu]V)['\"]?[\s,;]*$", re.I)
_IN_UNIT = re.compile(
    r"\b(?:data|values?|samples?|signals?|amplitudes?|voltages?|ecg|ekg|eeg|exg)\b[^,;\n]{0,40}?\b(?:in|are|is)\s+"
    r"((?:milli|micro|nano)?-?volts?|[mun\u00b5\u03bc]?V)\b",
    re.I,
)
"""A unit in a sentence: "Other Columns = EEG data in microvolts followed by Accel Data (in G)"."""
_CHANNELS = re.compile(r"^\s*(\d{1,3}) channels?\s*$", re.I)
_LONGEST_STEP_S = 0.025
"""Longer intervals in a preface are those of the heart."""
_LOWEST_FS = 90.0
"""Lower frequencies in a preface are those of filters, unless it calls them the sampling frequency."""
_LINES, _LINE_LENGTH, _JSON_LENGTH = 100, 200, 20_000


@dataclass(frozen=True)
class Preface:
    """Details stated above a table.

    Attributes:
        fs: sampling frequency, Hz.
        unit: of all leads.
        lead: name of a single lead.
        names: of the columns, the last ones where the table has one of times before them.
        units: of those columns, None where not stated.
        no_leads: those among the names that the file itself calls no signals.
        start_s: when a LabChart export begins, seconds since 1899-12-30.
    """

    fs: float | None = None
    unit: str | None = None
    lead: str | None = None
    names: tuple[str, ...] = ()
    units: tuple[str | None, ...] = ()
    no_leads: frozenset[str] = frozenset()
    start_s: float | None = None


def read_preface(lines: Sequence[str]) -> Preface:
    """Parse the lines above a table; a sampling frequency of 0 or less is ignored."""
    known = _opensignals(lines[:_LINES])
    lines = [line[:_LINE_LENGTH] for line in lines[:_LINES]]
    found = known or _labchart(lines) or _acqknowledge(lines) or Preface()
    unit = lead = None
    for line in lines:
        if (match := _KEY_UNIT.match(line)) and millivolts_per(match[1].strip("'\"")):
            unit = match[1].strip("'\"")
        elif match := _PAIR.match(line) or _IN_UNIT.search(line):
            unit = match[1]
        elif not states_fs(line) and (match := _KEY_LEAD.match(line)):
            lead = match[1]
    return replace(found, fs=found.fs or _sampling_frequency(lines), unit=unit, lead=lead)


def states_fs(line: str) -> bool:
    """Whether a line states the sampling frequency."""
    return bool(_FS.search(line[:_LINE_LENGTH]))


def states_unit(line: str) -> bool:
    """Whether a line states the unit."""
    return bool(_KEY_UNIT.match(line[:_LINE_LENGTH]))


def _sampling_frequency(lines: Sequence[str]) -> float | None:
    stated = next((match for line in lines if (match := _FS.search(line))), None)
    if stated is not None:
        return _hertz(stated[1], stated[2])
    for line in lines:
        if match := _PER_SAMPLE.search(line) or _EACH.match(line):
            number, unit = match[1], match[2]
        elif match := _INTERVAL.search(line):
            number, unit = match[2], match[1] or match[3] or "s"
        else:
            continue
        step = float(number.replace(",", ".")) * TIME_UNITS.get(unit.lower(), 0.0)
        if 0 < step <= _LONGEST_STEP_S:
            return round_fs(1 / step, 1e-4)
    others = {
        _hertz(match[1] or match[3], match[2] or match[4])
        for line in lines
        if not _FILTER.search(line) and (match := _OTHER_FS.search(line))
    }
    plausible = [fs for fs in others if fs is not None and fs >= _LOWEST_FS]
    return plausible[0] if len(plausible) == 1 else None


def _hertz(number: str, unit: str | None) -> float | None:
    fs = float(number.replace(",", ".")) * (1000 if (unit or "").lower() == "khz" else 1)
    return fs if isfinite(fs) and fs > 0 else None


def _labchart(lines: Sequence[str]) -> Preface | None:
    """Lines such as "ChannelTitle=<tab>ECG<tab>Pulse" and "Range=<tab>5 mV<tab>10.000 V"."""
    rows = {cells[0].rstrip("= ").lower(): cells[1:] for line in lines if len(cells := split(line, "\t")) > 1}
    if not (titles := rows.get("channeltitle")):
        return None
    named, ranges = rows.get("unitname", ()), rows.get("range", ())
    stated = [
        name if name.strip("* ") else limits.split()[-1] if limits.split() else None
        for name, limits in itertools.zip_longest(named, ranges, fillvalue="")
    ]
    units = [*stated, *[None] * len(titles)][: len(titles)]
    return Preface(names=tuple(titles), units=tuple(units), start_s=seconds_of_start(rows.get("exceldatetime", ())))


def _acqknowledge(lines: Sequence[str]) -> Preface | None:
    """A line "2 channels", followed by name and unit of each channel on separate lines."""
    for number, line in enumerate(lines):
        if match := _CHANNELS.match(line):
            pairs = [text.strip() for text in lines[number + 1 : number + 1 + 2 * int(match[1])]]
            if len(pairs) == 2 * int(match[1]):
                return Preface(names=tuple(pairs[::2]), units=tuple(unit or None for unit in pairs[1::2]))
    return None


def _opensignals(lines: Sequence[str]) -> Preface | None:
    """A comment with the JSON of each device: columns, signals among them, and their sensors."""
    for line in lines:
        if not line.startswith("# {"):
            continue
        try:
            devices = json.loads(line[2:_JSON_LENGTH])
            (device,) = devices.values()
            columns = [str(name) for name in device["column"]]
            signals = [str(name) for name in device.get("label", ())]
            sensors = [str(name) for name in device.get("sensor", ())]
            fs = float(device["sampling rate"])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            return None
        if len(sensors) != len(signals):
            sensors = signals
        shown = {
            name: sensor if sensor.lower() not in {"", "raw", "custom"} else name
            for name, sensor in zip(signals, sensors, strict=True)
        }
        others = frozenset(name for name in columns if name not in signals) if {*signals} <= {*columns} else frozenset()
        names = tuple(shown.get(name, name) for name in columns)
        return Preface(
            fs=fs if isfinite(fs) and fs > 0 else None, names=names, units=(None,) * len(names), no_leads=others
        )
    return None
