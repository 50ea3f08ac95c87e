"""Verdict at the top of the inspection pages: class, probability, threshold, out-of-distribution distance."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.analysis.overrides import Override, latest, read_overrides
from ecgviz.errors import EcgvizError
from ecgviz.results import Verdict
from models import Checkpoint
from models.evaluation.operating_point import UNCHOSEN, OperatingPoint
from pages.inspection import caching

COLOURS = {"normal": "green", "review": "orange", "defect": "red"}
ICONS = {"normal": ":material/check_circle:", "review": ":material/visibility:", "defect": ":material/report:"}


def show(verdict: Verdict | None, checkpoint: Checkpoint, point: OperatingPoint, decided: Override | None) -> None:
    """The numbers at the top; dashes until they are known."""
    known = verdict is not None and not math.isnan(verdict.score)
    st.metric(
        "Verdict",
        f":{COLOURS[verdict.verdict]}[{verdict.verdict.upper()}]" if verdict is not None else "–",
        width="content",
        help=f"By {caching.RULE.describe()}, at the operating point in force.",
    )
    place = f" at slice {verdict.slice_index + 1}" if known and verdict.slice_index is not None else ""
    st.metric(
        "Probability of a defect", f"{verdict.score:.2f}{place}" if known else "–", width="content",
        help="Calibrated on validation pictures: of ten pictures with 0.9, nine had a defect.",
    )  # fmt: skip
    away = f" ({verdict.score - point.threshold:+.2f} away)" if known else ""
    st.metric("Threshold", f"{point.threshold:.2f}{away}", width="content", help=point_words(point))
    zone = f"{point.grey_zone[0]:.2f} to {point.grey_zone[1]:.2f}" if point.grey_zone else "none"
    st.metric("Goes to review", zone, width="content", help="Scores in this grey zone go to a person.")
    st.metric("Unlike training", _unlike(verdict, checkpoint), width="content", help=_UNLIKE)
    if decided is not None:
        st.metric(
            f"Decided by {decided.who}",
            f":{COLOURS[decided.new]}[{decided.new.upper()}]",
            width="content",
            help=f"{decided.time}: {decided.reason}",
        )


_UNLIKE = (
    "Distance of the picture's features from those of the training pictures, and the limit that 99 in 100 validation "
    "pictures keep. Beyond it the network guesses, so the picture goes to review whatever its score."
)


def _unlike(verdict: Verdict | None, checkpoint: Checkpoint) -> str:
    if verdict is None or verdict.in_distribution is None or verdict.distance is None:
        return "–" if verdict is None else "not known"
    limit = caching.distance_limit(checkpoint, str(checkpoint.folder), checkpoint.sha256)
    word = "no" if verdict.in_distribution else ":orange[YES]"
    return f"{word} ({verdict.distance:.2g} of {limit:.2g})" if limit is not None else word


def point_words(point: OperatingPoint) -> str:
    """The current operating point, in a sentence."""
    if point.version == UNCHOSEN:
        return "Nobody has weighed the costs of the two mistakes for this network yet, so the likelier class counts."
    costs = ""
    if point.escape_cost is not None and point.overkill_cost is not None and point.prevalence is not None:
        costs = (
            f": an escape costs {point.escape_cost:g}, an overkill {point.overkill_cost:g}, "
            f"{point.prevalence:.2%} defects expected"
        )
    return f"Operating point, version {point.version}, chosen on {point.chosen_on} ({point.date[:10]}){costs}."


def decision(verdict: Verdict | None) -> Override | None:
    """A person's override for this file and network, if any."""
    if verdict is None or not verdict.sha256:
        return None
    return latest(read_overrides()).get((verdict.sha256, verdict.checkpoint_sha256))


def decisions() -> dict[tuple[str, str], Override]:
    """All current overrides, by (file hash, weight hash)."""
    try:
        return latest(read_overrides())
    except EcgvizError as error:
        st.error(str(error))
        return {}
