"""Normalises lead names and units from the spellings of recorders to clinical ones."""

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
_PREFIX = re.compile(
    r"^(?:mdc_ecg_(?:lead|elec_potl)_|(?:ecg|ekg)[\s_:.-]*lead[\s_:.-]*|lead(?:[\s_:.-]+|(?=i{1,3}$|v[1-9]$|av[rlf]$))|"
    r"(?:ecg|ekg)[\s_:.-]+)",
    re.I,
)
_SUFFIX = re.compile(r"\s*(?:\((?:einthoven|goldberger|wilson)[^)]*\)|[\s_-]+ref)\s*$", re.I)

_PREFIXES = {"": 1e3, "m": 1.0, "milli": 1.0, "u": 1e-3, "mc": 1e-3, "micro": 1e-3, "n": 1e-6, "nano": 1e-6}
"""mV in a volt with each prefix."""
_VOLTAGE = re.compile(
    r"^(\d{1,6}(?:\.\d{1,6})?)?\*?(|m|milli|mili|u|mc|micro|n|nano)[-_]?(?:v|volts?|voltage)"
    r"(?:/(?:bit|lsb|count|digit|unit)s?)?$"
)
_LOCAL_VOLTS = {
    **dict.fromkeys(("\u0432", "\u4f0f", "\u4f0f\u7279", "\ubcfc\ud2b8", "\u30dc\u30eb\u30c8"), ""),
    **dict.fromkeys(
        ("\u043c\u0432", "\u6beb\u4f0f", "\ubc00\ub9ac\ubcfc\ud2b8", "\u30df\u30ea\u30dc\u30eb\u30c8"), "m"
    ),
    **dict.fromkeys(("\u043c\u043a\u0432", "\u5fae\u4f0f", "\ub9c8\uc774\ud06c\ub85c\ubcfc\ud2b8"), "u"),
    "\u30de\u30a4\u30af\u30ed\u30dc\u30eb\u30c8": "u",
}
"""Prefixes of volts as they are written in Cyrillic letters, Chinese, Korean and Japanese."""
_LOCAL_ECG = "\u044d\u043a\u0433|\uc2ec\uc804\ub3c4|\u5fc3\u7535|\u5fc3\u96fb"
"""An ECG in the same languages."""
_MICRO = re.compile("\u00c2\u00b5|\u00ce\u00bc|\u00b5|\u03bc|\ufffd|\u00e6(?=v)|&micro;|&mu;|\\\\mu", re.I)
"""The micro sign and the Greek letter, as they are and as bytes of UTF-8 or code page 437 read in another encoding."""
_NO_UNIT = frozenset(
    ("", "unknown", "adu", "a.u.", "au", "arb", "arbitrary", "count", "counts", "digit", "digits", "lsb", "raw", "nu",
     "none", "n/a", "na", "nan", "null", "?", "-", "x", "1")
)  # fmt: skip
_OTHER_UNIT = re.compile(
    r"^(?:(?:mm|cm|torr|kpa|hpa|pa|bar|mbar)(?:\[?(?:hg|h2o)\]?)?(?:/.*)?|%.*|percent|(?:k|m|c)?l(?:/.*|pm)?|lpm|"
    r"(?:k|c|d|g|mg|ug|n)?m/s(?:\^?2|\*\*2|\u00b2)?|m\.s-2|m?g|g'?s|g-force|deg.*|\u00b0.*|(?:m|d)?rad.*|dps|celsius|kelvin|[cfk]|"
    r"(?:m|k|u|\u00b5|\u03bc)?(?:ohms?|\u03a9|\u2126|s|siemens|a|amp|w|j|n|t|hz|lux|mol)|bpm|/min|1/min|min-1|brpm|rpm|beats.*|"
    r"msec|sec|db.*|lx|kg|nm|m|degc|degf|events?|boolean|bool)$"
)
"""Units of pressure, flow, share, acceleration, angle, temperature, conductance, time and rate."""
_ELECTRODE = (
    r"(?:fp[12z]?|af[3478z]|f[1-9z]|fc[1-6z]|c[1-6z]|cp[1-6z]|t[3-8]|tp[78]|p[1-9z]|po[3478z]|o[12z]|a[12]|m[12])"
)
_OTHER_SENSORS = re.compile(
    r"^(?:eeg|eog|emg|erg|meg|mcg|resp|airflow|flow|temp|sao2|spo2|sound|snore|abp|art|bp|pleth|ppg|cvp|pap|icp|"
    r"marker|trigger|battery|accel|acc|gyro|effort|nasal|cannula|new air|ox stat|cpap|leak|chin|lleg|rleg|"
    r"tibialis|loc|roc|mic|co2|etco2|gsr|eda|h\.r\.|hr|rr|bpm|labels?|ann|annotations?|class|target|"
    r"rhythm|comments?|quality|[ag][xyz])(?:[\s_\-:.0-9(]|$)"
    # A pair of places of the international 10-20 system, as in an EEG: Fp1-F7, C3-A2.
    rf"|^{_ELECTRODE}-(?:{_ELECTRODE}|ref|le|avg)(?:\s|$)|^e[12]-(?:m|a)[12](?:\s|$)",
    re.I,
)
_EEG_HEAD_BOX = re.compile(r"^(?:eeg|pol|bio|exg)[\s_-]+(?=(?:ecg|ekg)(?![a-z]))", re.I)
"""What EEG recorders write before every channel, also before that of the ECG: EEG EKG1-REF, POL ECG."""
_OTHER_WORDS = frozenset(
    "eeg eog emg erg meg mcg ecog seeg rsp resp respiration respiratory breath breathing airflow ppg pleth "
    "plethysmogram bvp abp nibp bp arterial pressure cvp pap icp lvp spo sao spo2 sao2 temp temperature skt acc accel "
    "accelerometer acceleration gyr gyro gyroscope mag magnetometer gsr eda scl scr icg bcg scg pcg phonocardiogram "
    "dzdt hr hrv ibi rr rri rate bpm battery marker trigger stim annotation annotations label labels quality "
    "signalquality timestamp counter humidity velocity doppler torque force posture steps impedance status".split()
)
_VAGUE_NAMES = re.compile(
    r"^(?:event|light|dist|area|pos|position|status|thor|thorax|thoracic|abd|abdo|abdomen|abdominal|leg|heart|pulse|other|"
    r"analog channel)(?:[\s_\-:.0-9(]|$)",
    re.I,
)
"""Names that speak for another sensor, but may stand over an ECG where nothing else does."""
_LEAD_LIKE = re.compile(r"^(?:v|mcl\d?|mv\d|(?:r?la|ra|ll)[-_ ](?:ra|la|ll|rl|lh|c|v\d?))$", re.I)
"""Leads whose names are not those of the twelve, as bedside monitors write them: V, MCL, RA-LL."""
_WORD = re.compile(r"[a-z]+\d?(?=[^a-z]|$)|[A-Z]+(?![a-z])\d?|[A-Z][a-z]+\d?")


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
    """Whether a cleaned name is that of a clinical lead."""
    return name in _CLINICAL


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Unique cleaned names: a second ``ECG`` becomes ``ECG (2)``, an empty one ``lead 3``."""
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
    """The unit in mV: 0.001 for uV; None for no unit, an unknown one, or one of no voltage."""
    plain = "".join(_MICRO.sub("u", (unit or "").strip().lower()).split()).strip("[](){}.,;:\0'\"")
    if plain in _LOCAL_VOLTS:
        return _PREFIXES[_LOCAL_VOLTS[plain]]
    match = _VOLTAGE.match(plain)
    if match is None or plain == "voltage":  # that is a quantity, in a unit that stands elsewhere
        return None
    factor = _PREFIXES[{"mili": "milli"}.get(match[2], match[2])] * float(match[1] or 1)
    return factor or None


def unit_speaks(unit: str | None) -> str:
    """Quantity that a unit implies: "voltage", "other" quantity, "none", or "unclear" where it is not understood."""
    key = (unit or "").strip().lower()
    if key in _NO_UNIT:
        return "none"
    if millivolts_per(unit) is not None:
        return "voltage"
    return "other" if _OTHER_UNIT.match(key.replace(" ", "")) else "unclear"


def name_speaks(name: str) -> str:
    """Kind of channel that a name implies: "ecg", "other" (a sensor or label), "vague" (probably another), or "" for
    nothing."""
    name = name.strip()
    if is_clinical(clean_lead_name(name)) or _LEAD_LIKE.match(name):
        return "ecg"
    name = _EEG_HEAD_BOX.sub("", name)
    words = [word.lower() for word in _WORD.findall(name)]
    of_ecg = re.search(rf"ecg|ekg|[ck]ardiogra|{_LOCAL_ECG}", name, re.I) is not None
    if _OTHER_SENSORS.match(name) or any(
        word in _OTHER_WORDS or word.rstrip("0123456789") in _OTHER_WORDS for word in words
    ):
        return "other"
    if of_ecg:
        return "ecg"
    return "vague" if _VAGUE_NAMES.match(name) else ""


def is_other_quantity(name: str, unit: str | None) -> bool:
    """Whether name or unit alone exclude an ECG: mmHg, %, EEG, Resp, ABP."""
    return unit_speaks(unit) == "other" or name_speaks(name) in {"other", "vague"}


def unit_warnings(leads: Sequence[str], units: Sequence[str]) -> tuple[str, ...]:
    """A warning about the leads of unknown unit, if any."""
    unknown = [lead for lead, unit in zip(leads, units, strict=True) if unit != "mV"]
    if not unknown:
        return ()
    which = "all leads" if len(unknown) == len(leads) else ", ".join(unknown)
    return (f"The unit of {which} is not known: amplitudes are not in mV and cannot be measured.",)
