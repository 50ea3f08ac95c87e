"""Decides which channels are an ECG, from name, unit and signal together.

None of the three decides alone. A unit that is not understood says nothing; a name lets no breathing in; a signal
without beats throws no lead out that others of the file speak for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from readers.channels.leads import clean_lead_name, is_clinical, millivolts_per, name_speaks, unit_speaks
from readers.channels.signal import SignalEvidence

ECG, DOUBTFUL, OTHER = "ecg", "doubtful", "other"
LEAST_MV, MOST_MV = 0.02, 25.0
"""Peak to peak of complexes. The leads of MIT-BIH, PTB-XL and LUDB have 0.1 to 7 mV, leads on the heart itself 20."""
_LIKELY_MV = 0.1, 8.0
_MANY, _MOST_OF_THEM = 6, 0.66
"""So many channels without names, most of which look like an ECG, are the leads of one, a bad one among them, too."""
_IDLE = 2
"""So many constant channels without names beside an ECG are sensors and inputs that are switched off."""
_UNITS = ("mV", "uV", "V", "nV")
_LOOK = {
    "slow": "its waves are as slow and smooth as those of breathing",
    "smooth": "its waves are as smooth as those of pulse, pressure or breathing",
    "noise": "no beats stand out of its noise, as in EEG, muscle or motion",
    "unclear": "its signal is not clearly one",
    "marks": "it has two or three values alone, as marks of events or classes have",
    "none": "it has no signal",
}


@dataclass(frozen=True)
class ChannelKind:
    """Verdict on one channel.

    Attributes:
        kind: "ecg", "doubtful" (its beats are given, with a warning) or "other" (left out unless it is asked for).
        reason: why it is not simply an ECG, as half a sentence; "" where the name says so by itself.
    """

    kind: str
    reason: str = ""


def judge(
    names: Sequence[str], units: Sequence[str | None], evidence: Sequence[SignalEvidence]
) -> tuple[ChannelKind, ...]:
    """Verdicts on all channels of a file, judged together: one lead may be noisy beside good ones.

    Args:
        names, units: as written, one a channel.
        evidence: what each signal looks like, from :func:`readers.channels.signal.signal_evidence`.
    """
    words = [name_speaks(name) for name in names]
    kinds = [unit_speaks(unit) for unit in units]
    nameless = [signal.kind == "ecg" for word, signal in zip(words, evidence, strict=True) if word == ""]
    alike = len(nameless) >= _MANY and sum(nameless) >= _MOST_OF_THEM * len(nameless)
    if alike:
        words = [word or "ecg" for word in words]
    sure = any(
        signal.kind == "ecg" and word == "ecg" and kind != "other"
        for word, kind, signal in zip(words, kinds, evidence, strict=True)
    )
    idle = [word == "" and signal.kind == "none" for word, signal in zip(words, evidence, strict=True)]
    dropped = sum(idle) >= _IDLE and any(
        signal.kind == "ecg" and word in {"ecg", ""} and kind != "other"
        for word, kind, signal in zip(words, kinds, evidence, strict=True)
    )
    verdicts = [
        ChannelKind(OTHER, _LOOK["none"])
        if dropped and off
        else _judge_one(
            word,
            kind,
            signal,
            f"its unit is {(unit or '').strip()[:20]}",
            sure and (alike or _is_lead(name)),
            sure,
        )
        for name, word, kind, unit, signal, off in zip(names, words, kinds, units, evidence, idle, strict=True)
    ]
    if any(verdict.kind != OTHER for verdict in verdicts):
        return tuple(verdicts)
    vague = [
        word == "vague" and kind != "other" and signal.kind == "ecg"
        for word, kind, signal in zip(words, kinds, evidence, strict=True)
    ]
    may_be = ChannelKind(DOUBTFUL, "its name is that of another sensor")
    return tuple(may_be if let_in else verdict for let_in, verdict in zip(vague, verdicts, strict=True))


def _is_lead(name: str) -> bool:
    return is_clinical(clean_lead_name(name))


def _judge_one(
    word: str, unit: str, signal: SignalEvidence, of_unit: str, one_of_many: bool, sure: bool
) -> ChannelKind:
    """Verdict on a channel by itself.

    Args:
        word, unit, signal: what its name, unit and signal say.
        of_unit: the reason, where that is the unit.
        one_of_many: it is called as one of the leads of which another is an ECG beyond doubt.
        sure: another channel of the file is.
    """
    signal_kind = signal.kind
    if word in {"other", "vague"}:
        return ChannelKind(OTHER)
    if unit == "other":
        accepted = word == "ecg" and signal_kind in {"ecg", "unclear"}
        return ChannelKind(DOUBTFUL if accepted else OTHER, of_unit)
    if signal_kind in {"ecg", "none"}:
        constant = signal_kind == "none" and word == "" and sure and not one_of_many
        return ChannelKind(OTHER, _LOOK[signal_kind]) if constant else ChannelKind(ECG)
    if word == "ecg":
        return _judge_named(signal, one_of_many, sure)
    return ChannelKind(DOUBTFUL if signal_kind == "unclear" else OTHER, _LOOK[signal_kind])


def _judge_named(signal: SignalEvidence, one_of_many: bool, sure: bool) -> ChannelKind:
    """Verdict on a channel named an ECG whose signal does not resemble one."""
    signal_kind = signal.kind
    if signal_kind == "slow" or (signal.certain and signal_kind == "smooth"):
        return ChannelKind(DOUBTFUL if one_of_many else OTHER, _LOOK[signal_kind])
    if signal.certain and not one_of_many:  # beside an ECG, the electrode of a second may be loose
        return ChannelKind(DOUBTFUL if sure else OTHER, _LOOK[signal_kind])
    doubt = not one_of_many if signal_kind == "smooth" else not sure
    return ChannelKind(DOUBTFUL, _LOOK[signal_kind]) if doubt else ChannelKind(ECG)


def fits(swing: float, unit: str | None) -> bool:
    """Whether complexes of that amplitude, in the unit, can be those of an ECG; True where unit or amplitude is
    unknown."""
    factor = millivolts_per(unit)
    return factor is None or not swing > 0 or LEAST_MV <= swing * factor <= MOST_MV


def likely_units(swing: float) -> tuple[str, ...]:
    """Units in which complexes of that amplitude are typical of an ECG."""
    low, high = _LIKELY_MV
    return tuple(unit for unit in _UNITS if low <= swing * (millivolts_per(unit) or 0) <= high)
