"""Reasons by parts of a picture as one sentence, as bars, and as a document."""

from __future__ import annotations

from typing import Any

from ecgviz.saliency.picture_parts import PicturePart, PictureReasons

LEAST_TOLD = 0.3
"""Log odds that a part brings at least to be named."""
MOST_SHOWN = 6
"""Parts that have a bar of their own."""


def sentence(reasons: PictureReasons) -> str:
    """Why the picture has the class, such as "defect 0.93, because of part 3, lower left (+2.1 ± 0.2); with it blurred
    it would be 0.21."."""
    claim = f"{reasons.target} {reasons.prob:.2f}"
    told = [part for part in reasons.strongest[:2] if part.contribution >= max(LEAST_TOLD, 2 * part.error)]
    usual = f"as in {reasons.usual_of} normal slices nearby" if reasons.usual_of else "blurred"
    if not told:
        return f"{claim}: no part stands out; with all {usual} it would be {reasons.replaced_prob:.2f}."
    named = " and ".join(f"{part.name} ({part.contribution:+.1f} ± {part.error:.1f})" for part in told)
    then = reasons.prob_without(*(part.name for part in told))
    be = "still be" if round(then, 2) >= round(reasons.prob, 2) else "be"
    return f"{claim}, because of {named}; with {'these' if len(told) > 1 else 'it'} {usual} it would {be} {then:.2f}."


def brought(reasons: PictureReasons) -> list[tuple[str, float]]:
    """What the strongest parts bring, for or against, the others together, and what is left beside them."""
    by_size = sorted(reasons.parts, key=lambda part: -abs(part.contribution))
    strong = sorted(by_size[:MOST_SHOWN], key=lambda part: -part.contribution)
    others = sum(part.contribution for part in by_size[MOST_SHOWN:])
    left = [("beside the parts", reasons.context)] if reasons.usual_of else []
    return [*((part.name, part.contribution) for part in strong), ("other parts", others), *left]


def document(reasons: PictureReasons) -> dict[str, Any]:
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
        "method": "Shapley values of random orders, each with its reverse",
        "checkpoint": reasons.checkpoint,
        "sentence": sentence(reasons),
    }


def _entry(part: PicturePart) -> dict[str, Any]:
    return {"name": part.name, "box": list(part.box), "contribution": part.contribution, "error": part.error}
