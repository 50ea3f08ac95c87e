"""Reasons of a beat in words: what was measured, and nothing small."""

from __future__ import annotations

import json
import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from ecgviz.saliency.parts import Part, Reasons
from ecgviz.saliency.parts_words import document, sentence
from ecgviz.saliency.usual_beat import (
    PARTS,
)


def told(
    target: str,
    contributions: dict[str, float],
    context: float,
    base: float,
    rr_s: tuple[float, float] = (0.8, 0.8),
    rival: str = "N",
) -> Reasons:
    """Reasons of a network that adds up: what ``rival`` has is what ``target`` has not."""
    values = [contributions.get(name, 0.0) for name in PARTS]
    answers = {own: base + context + float(np.dot(own, values)) for own in product((False, True), repeat=len(PARTS))}
    chance = {own: float(expit(value)) for own, value in answers.items()}
    said = {own: (target, p) if p >= 0.5 else (rival, 1 - p) for own, p in chance.items()}
    places = [(9.7, 9.9), (9.9, 10.1), (10.1, 10.4), (10 - rr_s[0], 10.0), (10.0, 10 + rr_s[1])]
    parts = tuple(Part(name, *place, value) for name, place, value in zip(PARTS, places, values, strict=True))
    return Reasons(
        beat=9, target=target, parts=parts, base=base, usual=np.zeros((1, 80), np.float32), usual_start_s=9.7,
        leads=("II",), usual_of=9, population=False, groups=((0,),),
        checkpoint="made", usual_rr_s=0.8, coalition_values=answers, coalition_labels=said,
    )  # fmt: skip


BROUGHT = st.fixed_dictionaries({name: st.floats(-9, 9) for name in PARTS})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from("NSVF"),
    BROUGHT,
    st.floats(-6, 6),
    st.floats(-7, 7),
    st.tuples(st.sampled_from([0.0, 0.3, 0.78, 0.8, 0.82, 1.4]), st.sampled_from([0.0, 0.3, 0.78, 0.8, 0.82, 1.4])),
)
def test_a_sentence_claims_what_was_measured_and_nothing_small(target, brought, context, base, rr_s) -> None:
    reasons = told(target, brought, context, base, rr_s, rival="V" if target == "N" else "N")
    words = sentence(reasons)
    assert words.endswith(".")
    assert "  " not in words
    assert "because ;" not in words
    assert "although ;" not in words
    assert "P wave" not in words, "a paced beat has none"
    for value in re.findall(r"\(([+-]\d+\.\d)\)", words):
        assert abs(float(value)) >= 0.5
    before = "it comes" in words.replace("next beat comes", "")
    assert not before or rr_s[0] > 0, "there is no RR interval at a gap"
    if before:
        assert ("it comes early" in words or "it comes slightly early" in words) == (rr_s[0] < 0.8)
        assert ("slightly" in words.split("it comes ")[1][:9]) == (0.72 < rr_s[0] < 0.88)
    if "a pause follows" in words:
        assert rr_s[1] >= 0.96
    likeliest, prob = reasons.label_without()
    assert words.startswith(f"{target} {reasons.prob:.2f}")
    assert (f"behind {likeliest} {prob:.2f}" in words) == (likeliest != target)
    assert ("because" in words) <= (likeliest == target != "N")
    if target == "N":
        assert "still be N" not in words
    json.dumps(document(reasons), allow_nan=False)


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (
            told("V", {"QRS": 2.0, "RR before": 1.4}, -0.2, -5.0, (0.4, 0.8)),
            (
                "V 0.14, behind N 0.86 in the beat's own strip: for V, its QRS (+2.0) is unlike this patient's usual "
                "and it comes early (+1.4)."
            ),
        ),
        (told("V", {}, 0.1, -4.0), "V 0.02, behind N 0.98 in the beat's own strip: no part of the beat speaks for V."),
        (
            told("S", {"P and PR": 0.4}, 0.2, 0.0),
            "S 0.65: no part of the beat stands out; with all parts of the beat as usual it would still be S 0.55.",
        ),
        (
            told("N", {"RR before": -2.0}, 0.0, 3.0, (0.5, 0.8)),
            "N 0.73, although it comes early (-2.0); with the usual one it would be N 0.95.",
        ),
        (
            told("N", {}, -3.0, 4.0),
            "N 0.73: the beat is like this patient's usual ones, but the rest of the strip speaks against it (-3.0).",
        ),
        (
            told("V", {"P and PR": 2.0, "QRS": 6.0}, 0.0, -5.0),
            (
                "V 0.95, because its QRS (+6.0) and the stretch before the QRS (+2.0) are unlike this patient's usual; "
                "with the usual ones it would be N 0.99."
            ),
        ),
    ],
)
def test_sentences_as_a_cardiologist_reads_them(reasons: Reasons, words: str) -> None:
    assert sentence(reasons) == words
