"""Verdict at the top of the inspection pages: class, probability, threshold, out-of-distribution distance."""

from __future__ import annotations

import math

import streamlit as st

from ecgviz.analysis.dispositions import Decisions, Final, Override
from ecgviz.analysis.overrides import read_overrides
from ecgviz.errors import EcgvizError
from ecgviz.results import Verdict
from models import Checkpoint
from models.evaluation.operating_point import UNCHOSEN, OperatingPoint
from pages.inspection import caching

COLOURS = {"normal": "green", "review": "orange", "defect": "red"}
ICONS = {"normal": ":material/check_circle:", "review": ":material/visibility:", "defect": ":material/report:"}


def show(final: Final | None, checkpoint: Checkpoint, point: OperatingPoint) -> None:
    """The numbers at the top; dashes until they are known."""
    verdict = None if final is None else final.network
    known = verdict is not None and not math.isnan(verdict.score)
    st.metric(
        "Verdict",
        f":{COLOURS[final.verdict]}[{final.verdict.upper()}]" if final is not None else "–",
        width="content",
        help=f"What counts: a person's decision, else the network's by {caching.RULE.describe()}, at the current "
        "operating point. Table, report and picture of the export say the same.",
    )
    if final is not None and final.decided:
        st.metric(
            f"Decided by {final.decided_by}",
            f"network: :{COLOURS[final.network.verdict]}[{final.network.verdict}]",
            width="content",
            help=f"{final.decided_at}: {final.decision_reason}",
        )
    place = f" at slice {verdict.slice_index + 1}" if known and verdict.slice_index is not None else ""
    st.metric(
        "Probability of a defect", f"{verdict.score:.2f}{place}" if known else "–", width="content",
        help="Calibrated on validation pictures: of ten pictures with 0.9, nine had a defect.",
    )  # fmt: skip
    st.metric("Threshold", f"{point.threshold:.2f}", width="content", help=point_words(point))
    st.metric(
        "Margin", f"{verdict.score - point.threshold:+.2f}" if known else "–", width="content",
        help="Probability minus threshold: from 0 on it is a defect.",
    )  # fmt: skip
    zone = f"{point.grey_zone[0]:.2f} to {point.grey_zone[1]:.2f}" if point.grey_zone else "none"
    st.metric("Grey zone", zone, width="content", help="Scores in this zone go to review by a person.")
    st.metric("In distribution", _in_distribution(verdict, checkpoint), width="content", help=_DISTANCE)


_DISTANCE = (
    "Distance of the picture's features from those of the training pictures, and the limit that 99 in 100 validation "
    "pictures keep. Beyond it the network guesses, so the picture goes to review whatever its score."
)


def _in_distribution(verdict: Verdict | None, checkpoint: Checkpoint) -> str:
    if verdict is None or verdict.in_distribution is None or verdict.distance is None:
        return "–" if verdict is None else "not known"
    limit = caching.distance_limit(checkpoint, str(checkpoint.folder), checkpoint.sha256)
    word = "yes" if verdict.in_distribution else ":orange[NO]"
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


def standing() -> tuple[Decisions, tuple[Override, ...]]:
    """The decisions that stand, and the whole log; an error message and none where it cannot be read."""
    try:
        log = read_overrides()
    except EcgvizError as error:
        st.error(str(error))
        return Decisions(rule=caching.RULE), ()
    return Decisions(log, caching.RULE), log
