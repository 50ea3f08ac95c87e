"""Lead names and units: from the many spellings of recorders to those a clinician reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CLINICAL = [
    *("I", "II", "III", "aVR", "aVL", "aVF", "-aVR"),
    *(f"V{n}" for n in range(1, 10)),
    *(f"V{n}R" for n in range(1, 8)),
    *("MLI", "MLII", "MLIII", "MV1", "MV5", "CM5", "CC5", "MCL1", "ML5", "mod.V1"),
]
_SPELLINGS = {name.lower(): name for name in _CLINICAL} | {
    "d1": "I", "d2": "II", "d3": "III", "di": "I", "dii": "II", "diii": "III",
    "vr": "aVR", "vl": "aVL", "vf": "aVF", "c1": "V1", "c2": "V2", "c3": "V3", "c4": "V4", "c5": "V5", "c6": "V6",
}  # fmt: skip
_BARE = {"vr", "vl", "vf", "c1", "c2", "c3", "c4", "c5", "c6"}
"""Short forms that mean a lead only behind the word "Lead" or "ECG"."""
_PREFIX = re.compile(r"^(?:mdc_ecg_lead_|(?:ecg|ekg)[\s_:.-]*lead[\s_:.-]*|lead[\s_:.-]+|(?:ecg|ekg)[\s_:.-]+)", re.I)
_SUFFIX = re.compile(r"\s*(?:\((?:einthoven|goldberger|wilson)[^)]*\)|[\s_-]+ref)\s*$", re.I)

_MV_PER = {
    "mv": 1.0, "millivolt": 1.0, "millivolts": 1.0,
    "uv": 1e-3, "\u00b5v": 1e-3, "\u03bcv": 1e-3, "microvolt": 1e-3, "microvolts": 1e-3, "\ufffdv": 1e-3,
    "v": 1e3, "volt": 1e3, "volts": 1e3,
    "nv": 1e-6, "nanovolt": 1e-6, "nanovolts": 1e-6,
}  # fmt: skip
_NO_UNIT = {
    "",
    "unknown",
    "adu",
    "a.u.",
    "au",
    "count",
    "counts",
    "digit",
    "digits",
    "lsb",
    "none",
    "n/a",
    "?",
    "-",
    "x",
}
_ELECTRODE = (
    r"(?:fp[12z]?|af[3478z]|f[1-9z]|fc[1-6z]|c[1-6z]|cp[1-6z]|t[3-8]|tp[78]|p[1-9z]|po[3478z]|o[12z]|a[12]|m[12])"
)
_OTHER_SENSORS = re.compile(
    r"^(?:eeg|eog|emg|erg|meg|mcg|resp|airflow|flow|temp|sao2|spo2|sound|snore|event|light|dist|area|pos|position|abp|"
    r"art|bp|pleth|ppg|cvp|pap|icp|status|marker|trigger|battery|accel|acc|gyro|thor|thorax|thoracic|abd|abdo|abdomen|"
    r"abdominal|effort|nasal|cannula|new air|ox stat|cpap|leak|chin|leg|lleg|rleg|tibialis|loc|roc|mic|co2|etco2|gsr|"
    r"eda|h\.r\.|hr|heart|rr|bpm|pulse|other|analog channel|labels?|ann|annotations?|class|target|rhythm|comments?|"
    r"quality)(?:[\s_\-:.0-9(]|$)"
    # A pair of places of the international 10-20 system, as in an EEG: Fp1-F7, C3-A2.
    rf"|^{_ELECTRODE}-(?:{_ELECTRODE}|ref|le|avg)(?:\s|$)|^e[12]-(?:m|a)[12](?:\s|$)",
    re.I,
)


def clean_lead_name(name: str) -> str:
    """A lead's clinical name, such as aVR for ``avr``, ``AVR``, ``Lead aVR (Goldberger)`` or ``ECG aVR``.

    A name that is no lead's is given back as it stands, without control characters and at most 40 long.
    """
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split()).strip(" '\"")[:40]
    short = _SUFFIX.sub("", plain)
    stripped = _PREFIX.sub("", short).strip()
    key = stripped.lower().replace(" ", "")
    if key in _BARE and stripped == short:
        return plain
    return _SPELLINGS.get(key, plain)


def is_clinical(name: str) -> bool:
    """Whether a cleaned name is one of a lead that clinicians know."""
    return name in _CLINICAL


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Cleaned names, each once: a second ``ECG`` becomes ``ECG (2)``, an empty one ``lead 3``."""
    seen: set[str] = set()
    result = []
    for number, name in enumerate(names, 1):
        base = clean_lead_name(name) or f"lead {number}"
        unique, count = base, 1
        while unique.lower() in seen:
            count += 1
            unique = f"{base} ({count})"
        seen.add(unique.lower())
        result.append(unique)
    return tuple(result)


def millivolts_per(unit: str | None) -> float | None:
    """How many mV one of the unit is: 0.001 for uV. None for no unit, an unknown one or one of no voltage."""
    return _MV_PER.get((unit or "").strip().lower())


def is_other_quantity(name: str, unit: str | None) -> bool:
    """Whether a channel is surely no ECG: a unit of another quantity (mmHg, %), or a sensor's name (EEG, Resp, ABP)."""
    key = (unit or "").strip().lower()
    stated_other = key not in _NO_UNIT and key not in _MV_PER
    return stated_other or bool(_OTHER_SENSORS.match(name.strip()))


def choose_channels(names: Sequence[str], units: Sequence[str | None]) -> tuple[list[int], tuple[str, ...]]:
    """Which channels of a file are ECG leads.

    Returns:
        their indices (all, when none looks like an ECG), and a warning that names what was left out.
    """
    keep = [i for i, (name, unit) in enumerate(zip(names, units, strict=True)) if not is_other_quantity(name, unit)]
    if not keep or len(keep) == len(names):
        return list(range(len(names))), ()
    left_out = [clean_lead_name(names[i]) or f"channel {i + 1}" for i in range(len(names)) if i not in keep]
    return keep, (f"Left out because it is no ECG: {', '.join(left_out[:12])}{' ...' if len(left_out) > 12 else ''}.",)


def unit_warnings(leads: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """A sentence about the leads whose unit is unknown, if there are any."""
    unknown = [lead for lead, unit in zip(leads, units, strict=True) if unit != "mV"]
    if not unknown:
        return ()
    which = "all leads" if len(unknown) == len(leads) else ", ".join(unknown)
    return (f"The unit of {which} is not known: amplitudes are not in mV and cannot be measured.",)
