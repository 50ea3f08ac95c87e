"""Reasons by parts of a beat as one sentence, and as a document."""

from __future__ import annotations

from typing import Any

from ecgviz.results import NORMAL
from ecgviz.saliency.parts import Part, Reasons

_WAVES = {"P and PR": "its P wave and PR", "QRS": "its QRS", "ST and T": "its ST and T wave"}
LEAST_TOLD = 0.5
"""Log odds that a part brings at least to be named."""


def sentence(reasons: Reasons) -> str:
    """Why the beat has its class, such as "V 0.97, because its QRS (+3.7) is unlike this patient's usual; with the
    usual one it would be N 0.92."."""
    if reasons.target == NORMAL:
        return _usual(reasons)
    told = [part for part in reasons.strongest[:2] if part.contribution >= LEAST_TOLD]
    names = tuple(part.name for part in told)
    label, prob = reasons.said_without(*names)
    said = f"{reasons.target} {reasons.prob:.2f}"
    if not told or (label == reasons.target and reasons.context > sum(part.contribution for part in told)):
        every, sure = reasons.said_without(*(part.name for part in reasons.parts))
        still = "still" if every == reasons.target else "then"
        return (
            f"{said} comes from the rest of the strip ({reasons.context:+.1f}): with all parts of the beat as usual it "
            f"would {still} be {every} {sure:.2f}."
        )
    would = "still be" if label == reasons.target else "be"
    usual = "the usual one" if len(told) == 1 else "the usual ones"
    return f"{said}, because {_because(told, reasons)}; with {usual} it would {would} {label} {prob:.2f}."


def timing(part: Part, reasons: Reasons) -> str:
    """Whether a beat comes early or late, and the one behind it; "" for a wave."""
    if part.name not in {"RR before", "RR after"}:
        return ""
    short = part.end_s - part.start_s < reasons.usual_rr_s
    if part.name == "RR before":
        return "it comes early" if short else "it comes late"
    return "the next beat comes early" if short else "a pause follows"


def document(reasons: Reasons) -> dict[str, Any]:
    """The reasons as JSON: contributions, ``context`` and ``base`` sum to ``log_odds``."""
    return {
        "target": reasons.target,
        "prob": reasons.prob,
        "parts": [
            {
                "name": part.name,
                "start_s": round(part.start_s, 4),
                "end_s": round(part.end_s, 4),
                "contribution": part.contribution,
            }
            for part in reasons.parts
        ],
        "context": reasons.context,
        "base": reasons.base,
        "log_odds": reasons.log_odds,
        "replaced_prob": reasons.replaced_prob,
        "top_two_replaced_prob": reasons.top_two_replaced_prob,
        "usual_of": reasons.usual_of,
        "checkpoint": reasons.checkpoint,
        "sentence": sentence(reasons),
    }


def _usual(reasons: Reasons) -> str:
    """Of a beat that is called normal: that it is like the usual ones, or what speaks against it."""
    against = [part for part in reasons.strongest[:-3:-1] if part.contribution <= -LEAST_TOLD]
    said = f"{reasons.target} {reasons.prob:.2f}"
    if not against:
        return f"{said}: the beat is like this patient's usual ones."
    label, prob = reasons.said_without(*(part.name for part in against))
    return f"{said}, although {_because(against, reasons)}; else it would be {label} {prob:.2f}."


def _because(told: list[Part], reasons: Reasons) -> str:
    waves = [part for part in told if part.name in _WAVES]
    clauses = [f"{timing(part, reasons)} ({part.contribution:+.1f})" for part in told if part.name not in _WAVES]
    if waves:
        are = "is" if len(waves) == 1 and waves[0].name == "QRS" else "are"
        named = " and ".join(f"{_WAVES[part.name]} ({part.contribution:+.1f})" for part in waves)
        clauses.insert(0 if waves[0] is told[0] else 1, f"{named} {are} unlike this patient's usual")
    return " and ".join(clauses)
