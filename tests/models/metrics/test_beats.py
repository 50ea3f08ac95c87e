"""Figures of merit against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.beats import render
from models.metrics.beats import (
    confusion,
    expected_calibration_error,
    fit_temperature,
    intervals,
    match_beats,
    scores,
    summarise,
)

CLASSES = ("N", "S", "V", "F", "Q")


def test_beats_are_matched_nearest_first_within_150_ms() -> None:
    reference, detected = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.95, 1.1, 2.149, 3.2])
    to_detected, to_reference = match_beats(reference, detected)
    assert to_detected.tolist() == [0, 2, -1, -1]
    assert to_reference.tolist() == [0, -1, 1, -1]


def test_matching_agrees_with_a_search_over_all_pairs() -> None:
    generator = np.random.default_rng(0)
    for _ in range(50):
        reference, detected = (np.sort(generator.uniform(0, 20, generator.integers(0, 30))) for _ in range(2))
        to_detected, to_reference = match_beats(reference, detected)
        pairs = sorted(
            (abs(r - d), i, j) for i, r in enumerate(reference) for j, d in enumerate(detected) if abs(r - d) <= 0.15
        )
        taken_i, taken_j = {}, {}
        for _, i, j in pairs:
            if i not in taken_i and j not in taken_j:
                taken_i[i], taken_j[j] = j, i
        assert to_detected.tolist() == [taken_i.get(i, -1) for i in range(len(reference))]
        assert to_reference.tolist() == [taken_j.get(j, -1) for j in range(len(detected))]


def test_confusion_counts_missed_and_extra_beats() -> None:
    counts = confusion(np.array([0, 0, 2, 2, -1]), np.array([0, 2, 2, -1, 2]), 5)
    assert counts[0, 0] == 1
    assert counts[0, 2] == 1
    assert counts[2, 2] == 1
    assert counts[2, 5] == 1, "the missed beat stands in the last column"
    assert counts[5, 2] == 1, "the extra detection stands in the last row"


def test_scores_by_hand() -> None:
    counts = np.zeros((6, 6), int)
    counts[0, :3] = (90, 5, 5)
    counts[1, :2] = (4, 6)
    counts[2, 2], counts[2, 5], counts[5, 2] = 8, 2, 3
    metrics = scores(counts, CLASSES)
    assert metrics["N_se"] == pytest.approx(0.9)
    assert metrics["S_se"] == pytest.approx(0.6)
    assert metrics["S_ppv"] == pytest.approx(6 / 11)
    assert metrics["V_se"] == pytest.approx(0.8)
    assert metrics["V_ppv"] == pytest.approx(8 / 16)
    assert metrics["V_f1"] == pytest.approx(16 / 26)
    assert np.isnan(metrics["F_se"])
    assert metrics["macro_f1"] == pytest.approx(np.mean([180 / 194, 12 / 21, 16 / 26]))


def test_intervals_hold_the_value_and_narrow_with_agreement() -> None:
    same = np.diag([90, 5, 5, 0, 0, 0])
    same[0, 2] = 10
    alike = {str(i): same for i in range(10)}
    low, high = intervals(alike, CLASSES, resamplings=100)["V_ppv"]
    assert low == high == pytest.approx(5 / 15)
    other = np.diag([90, 5, 50, 0, 0, 0])
    mixed = {str(i): same if i % 2 else other for i in range(10)}
    low, high = intervals(mixed, CLASSES, resamplings=200)["V_ppv"]
    assert low < 275 / 325 < high


def test_one_record_has_no_interval_and_the_table_says_so() -> None:
    counts = np.diag([90, 5, 50, 0, 0, 0])
    counts[0, 2] = 10
    one, two = (dict.fromkeys(names, counts) for names in (["100"], ["100", "101"]))
    head = {"checkpoint": "c", "data": "d", "split": "all", "positions": "reference", "classes": CLASSES}
    assert summarise(one, CLASSES)["scores"]["V_ppv"] == {"value": 50 / 60, "interval95": [None, None]}
    assert summarise(one, CLASSES)["scores"]["F_se"] == {"value": None, "interval95": [None, None]}
    shown = render(head | {"pooled": summarise(one, CLASSES)})
    assert "pooled: 1 record, 155 beats (no intervals: they take two records or more)" in shown
    assert "N  se 0.900  ppv 1.000  f1 0.947" in shown
    shown = render(head | {"pooled": summarise(two, CLASSES)})
    assert "pooled: 2 records, 310 beats\n" in shown
    assert "N  se 0.900 (0.900-0.900)" in shown


def test_temperature_finds_the_scale_that_was_put_in() -> None:
    generator = np.random.default_rng(0)
    true = generator.normal(0, 2, (20000, 5))
    prob = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    target = np.array([generator.choice(5, p=p) for p in prob])
    assert fit_temperature(true * 3.0, target) == pytest.approx(3.0, rel=0.05)


def test_calibration_error_by_hand() -> None:
    prob = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    error, bins = expected_calibration_error(prob, np.array([0, 1, 0, 0]))
    assert error == pytest.approx(0.5 * abs(0.9 - 0.5) + 0.5 * abs(0.6 - 1.0))
    assert [row["n"] for row in bins] == [2, 2]
