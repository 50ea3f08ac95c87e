"""Reasons by parts of a beat as one sentence, and as a document."""

from __future__ import annotations

from typing import Any

from ecgviz.results import NORMAL
from ecgviz.saliency.parts import Part, Reasons

_WAVES = {
    "P and PR": ("the stretch before the QRS", "is"),
    "QRS": ("its QRS", "is"),
    "ST and T": ("its ST and T wave", "are"),
}
"""A wave in words that hold where there is none: a paced beat and one in fibrillation have no P wave."""
LEAST_TOLD = 0.5
"""Log odds that a part brings at least to be named."""
_MUCH = -1.0
"""Log odds by which the rest of the strip speaks against N at least to be told."""
_SURE = 0.9
"""Probability of N at which that is of no account."""
_SLIGHT, _PAUSE = 0.1, 0.2
"""Share of the usual RR interval: a beat is slightly early within the first, and a pause is longer by the second."""


def sentence(reasons: Reasons) -> str:
    """Why the beat has its class, such as "V 0.97, because its QRS (+3.7) is unlike this patient's usual; with the
    usual one it would be N 0.92."."""
    taken = f" This recording has no usual beat: the median of {reasons.usual_of} normal recordings is taken."
    return _why(reasons) + (taken if reasons.population else "")


def _why(reasons: Reasons) -> str:
    if reasons.label_without()[0] != reasons.target:
        return _behind(reasons)
    if reasons.target == NORMAL:
        return _usual(reasons)
    told = _for(reasons)
    claim, names = f"{reasons.target} {reasons.prob:.2f}", tuple(part.name for part in told)
    rest = reasons.context > max(sum(part.contribution for part in told), LEAST_TOLD)
    if told and not (rest and reasons.label_without(*names)[0] == reasons.target):
        return f"{claim}, because {_because(told, reasons)}; {_instead(told, reasons)}."
    whence = (
        f" comes from the rest of the {reasons.within} ({reasons.context:+.1f})"
        if rest
        else ": no part of the beat stands out"
    )
    every, sure = reasons.label_without(*(part.name for part in reasons.parts))
    return f"{claim}{whence}; with all parts of the beat as usual it would {_be(every, reasons)} {every} {sure:.2f}."


def timing(part: Part, reasons: Reasons) -> str:
    """Whether a beat comes early or late, and the one behind it; "" for a wave, and where there is no RR interval."""
    rr_s, usual_s = part.end_s - part.start_s, reasons.usual_rr_s
    if part.kind in _WAVES or rr_s <= 0:
        return ""
    if part.name == "RR after" and rr_s >= (1 + _PAUSE) * usual_s:
        return "a pause follows"
    who = "it" if part.name == "RR before" else "the next beat"
    slightly = "slightly " if abs(rr_s - usual_s) < _SLIGHT * usual_s else ""
    return f"{who} comes {slightly}{'early' if rr_s < usual_s else 'late'}"


def brought(reasons: Reasons) -> list[tuple[str, float]]:
    """What each part and the rest of the strip bring, for a table or bars."""
    return [
        *((part.name, part.contribution) for part in reasons.parts),
        (f"rest of the {reasons.within}", reasons.context),
    ]


def document(reasons: Reasons) -> dict[str, Any]:
    """The reasons as JSON: contributions, ``context`` and ``base`` sum to ``log_odds``."""
    return {
        "target": reasons.target,
        "prob": reasons.prob,
        "parts": [_entry(part) for part in reasons.parts],
        "context": reasons.context,
        "base": reasons.base,
        "log_odds": reasons.log_odds,
        "replaced_prob": reasons.replaced_prob,
        "top_two_replaced_prob": reasons.top_two_replaced_prob,
        "usual_of": reasons.usual_of,
        "usual_from": "normal recordings" if reasons.population else "this recording",
        "checkpoint": reasons.checkpoint,
        "sentence": sentence(reasons),
    }


def part_entry(part: Part) -> dict[str, Any]:
    """A part as JSON."""
    return {
        "name": part.name,
        "start_s": round(part.start_s, 4),
        "end_s": round(part.end_s, 4),
        "contribution": part.contribution,
    }


def _entry(part: Part) -> dict[str, Any]:
    bounds = {"bounds": "measured" if part.measured else "fixed"} if part.kind in _WAVES else {}
    return part_entry(part) | bounds | ({"leads": list(part.leads)} if part.leads else {})


def _for(reasons: Reasons) -> list[Part]:
    return [part for part in reasons.strongest[:2] if part.contribution >= LEAST_TOLD and _words(part, reasons)]


def _against(reasons: Reasons) -> list[Part]:
    return [part for part in reasons.strongest[:-3:-1] if part.contribution <= -LEAST_TOLD and _words(part, reasons)]


def _words(part: Part, reasons: Reasons) -> str:
    return _named(part) if part.kind in _WAVES else timing(part, reasons)


def _named(part: Part) -> str:
    return _WAVES[part.kind][0] + (f" in {' and '.join(part.leads)}" if part.leads else "")


def _whose(reasons: Reasons, this: str, those: str) -> str:
    return those if reasons.population else this


def _usual(reasons: Reasons) -> str:
    """Of a beat that is called normal: that it is like the usual ones, or what speaks against it."""
    against, claim = _against(reasons), f"{reasons.target} {reasons.prob:.2f}"
    if against:
        label, prob = reasons.label_without(*(part.name for part in against))
        turned = label != NORMAL or round(prob, 2) > round(reasons.prob, 2)
        return f"{claim}, although {_because(against, reasons)}{'; ' + _instead(against, reasons) if turned else ''}."
    doubted = reasons.context <= _MUCH and reasons.prob < _SURE
    rest = f"the rest of the {reasons.within} speaks against it ({reasons.context:+.1f})" if doubted else ""
    if _for(reasons):
        return f"{claim}: {rest or 'no part of the beat speaks against it'}."
    like = _whose(reasons, "this patient's usual ones", "those of normal recordings")
    return f"{claim}: the beat is like {like}{', but ' + rest if rest else ''}."


def _behind(reasons: Reasons) -> str:
    """Of a class that is not the network's in the beat's strip: what speaks for it all the same, or against it."""
    label, prob = reasons.label_without()
    claim = f"{reasons.target} {reasons.prob:.2f}, behind {label} {prob:.2f} in the beat's own {reasons.within}"
    speaks = _for(reasons) if reasons.target != NORMAL else []
    if speaks and reasons.context <= sum(part.contribution for part in speaks):
        return f"{claim}: for {reasons.target}, {_because(speaks, reasons)}."
    if reasons.context < LEAST_TOLD and (against := _against(reasons)):
        return f"{claim}: against {reasons.target}, {_because(against, reasons)}."
    if abs(reasons.context) >= LEAST_TOLD:
        side = "for" if reasons.context > 0 else "against"
        return f"{claim}: the rest of the {reasons.within} speaks {side} {reasons.target} ({reasons.context:+.1f})."
    return f"{claim}: no part of the beat speaks for {reasons.target}."


def _instead(told: list[Part], reasons: Reasons) -> str:
    """What the network says with these parts usual."""
    label, prob = reasons.label_without(*(part.name for part in told))
    usual = "the usual one" if len(told) == 1 else "the usual ones"
    be = "be" if label == NORMAL else _be(label, reasons)
    return f"with {usual} it would {be} {label} {prob:.2f}"


def _be(label: str, reasons: Reasons) -> str:
    return "still be" if label == reasons.target else "be"


def _because(told: list[Part], reasons: Reasons) -> str:
    waves = [part for part in told if part.kind in _WAVES]
    clauses = [f"{timing(part, reasons)} ({part.contribution:+.1f})" for part in told if timing(part, reasons)]
    if waves:
        are = "are" if len(waves) > 1 else _WAVES[waves[0].kind][1]
        named = " and ".join(f"{_named(part)} ({part.contribution:+.1f})" for part in waves)
        unlike = _whose(reasons, "this patient's usual", "those of normal recordings")
        clauses.insert(0 if waves[0] is told[0] else 1, f"{named} {are} unlike {unlike}")
    return " and ".join(clauses)
