"""Reasons by parts of a whole recording as one sentence, and as a document of the form that those of a beat have."""

from __future__ import annotations

from typing import Any

from ecgviz.analysis.records import NORMAL
from ecgviz.saliency.parts import Part
from ecgviz.saliency.parts_words import LEAST_TOLD, part_entry
from ecgviz.saliency.record_parts import RecordReasons

MOST_SHOWN = 5
"""Parts that have a bar of their own."""


def sentence(reasons: RecordReasons) -> str:
    """Why the recording has the label, such as "MI 0.93, because ST and T of the inferior leads (+3.1) are unlike those
    of 956 normal recordings of PTB-XL; with normal ones it would be 0.04."."""
    normal = reasons.target == NORMAL
    claim, sign = f"{reasons.target} {reasons.prob:.2f}", -1 if normal else 1
    below = reasons.prob < reasons.threshold
    if below:
        claim += f", below its threshold of {reasons.threshold:.2f}"
    by_weight = reasons.strongest[::sign]
    told = [part for part in by_weight[:2] if sign * part.contribution >= LEAST_TOLD]
    rest = sign * reasons.context
    if not told or rest > sum(sign * part.contribution for part in told):
        if rest >= LEAST_TOLD:
            speaks = f"speaks {'against' if normal else 'for'} it ({reasons.context:+.1f})"
            then = _be(reasons.replaced_prob, reasons)
            return f"{claim}: what lies between the waves, and their timing, {speaks}; with all waves normal it {then}."
        alike = "no wave speaks against it" if normal else "no wave stands out"
        return f"{claim}: {alike}, compared with {reasons.normal_of}."
    named = " and ".join(f"{_of(part)} ({part.contribution:+.1f})" for part in told)
    several = len(told) > 1 or told[0].name.startswith(("P and", "ST and"))
    are, ones = ("are unlike those", "normal ones") if several else ("is unlike that", "a normal one")
    link = ", although" if normal else ": for it," if below else ", because"
    then = _be(reasons.prob_without(*(part.name for part in told)), reasons)
    return f"{claim}{link} {named} {are} of {reasons.normal_of}; with {ones} it {then}."


def brought(reasons: RecordReasons) -> list[tuple[str, float]]:
    """What the strongest parts bring, for or against, the others together, and what lies between the waves."""
    by_size = sorted(reasons.parts, key=lambda part: -abs(part.contribution))
    strong = sorted(by_size[:MOST_SHOWN], key=lambda part: -part.contribution)
    others = sum(part.contribution for part in by_size[MOST_SHOWN:])
    return [
        *((part.name, part.contribution) for part in strong),
        ("other waves", others),
        ("between the waves", reasons.context),
    ]


def document(reasons: RecordReasons) -> dict[str, Any]:
    """The reasons as JSON: contributions, ``context`` and ``base`` sum to ``log_odds``."""
    return {
        "target": reasons.target,
        "prob": reasons.prob,
        "threshold": reasons.threshold,
        "parts": [
            part_entry(part) | {"leads": list(leads)} for part, leads in zip(reasons.parts, reasons.leads, strict=True)
        ],
        "context": reasons.context,
        "base": reasons.base,
        "log_odds": reasons.log_odds,
        "replaced_prob": reasons.replaced_prob,
        "top_two_replaced_prob": reasons.top_two_replaced_prob,
        "r_peaks_s": [round(float(one), 4) for one in reasons.r_peaks_s],
        "normal_of": reasons.normal_of,
        "method": "Owen values, groups of leads as unions",
        "checkpoint": reasons.checkpoint,
        "sentence": sentence(reasons),
    }


def _of(part: Part) -> str:
    wave, leads = part.name.split(", ", 1)
    return f"{'the ' if wave == 'QRS' else ''}{wave} of {'the ' if leads.endswith('leads') else ''}{leads}"


def _be(then: float, reasons: RecordReasons) -> str:
    stays = reasons.target != NORMAL and round(then, 2) >= round(reasons.prob, 2)
    return f"would {'still be' if stays else 'be'} {then:.2f}"
