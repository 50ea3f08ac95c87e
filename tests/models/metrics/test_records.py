"""Figures for recordings with several labels, against numbers by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation.records import render_recordings
from models.metrics.records import (
    best_thresholds,
    calibrated,
    calibration_error,
    fit_calibration,
    record_metrics,
    referral,
    summarise_records,
    uncertainty,
)

CLASSES = ("A", "B", "C")


@pytest.fixture(scope="module")
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    target = (generator.random((400, 3)) < [0.5, 0.2, 0.1]).astype(np.float32)
    logits = 2 * target - 1 + 1.2 * generator.standard_normal((400, 3))
    return 1 / (1 + np.exp(-logits)), target


def test_figures_agree_with_scikit_learn(answers) -> None:
    from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

    prob, target = answers
    found = record_metrics(prob, target, [0.5, 0.6, 0.7], CLASSES)
    said = (prob >= [0.5, 0.6, 0.7]).astype(int)
    assert found["macro_auroc"] == pytest.approx(roc_auc_score(target, prob, average="macro"))
    assert found["B_auroc"] == pytest.approx(roc_auc_score(target[:, 1], prob[:, 1]))
    assert found["macro_f1"] == pytest.approx(f1_score(target, said, average="macro"))
    assert found["exact_match"] == pytest.approx(accuracy_score(target, said))
    assert found["accuracy"] == pytest.approx((said == target).mean())


def test_a_class_that_is_not_there_has_no_figure(answers) -> None:
    prob, target = answers
    target = target.copy()
    target[:, 2] = 0
    found = record_metrics(prob, target, [0.5] * 3, CLASSES)
    assert np.isnan(found["C_auroc"]) and np.isnan(found["C_f1"])
    assert found["macro_auroc"] == pytest.approx((found["A_auroc"] + found["B_auroc"]) / 2)
    assert summarise_records(prob, target, ["x"] * 400, [0.5] * 3, CLASSES)["scores"]["C_auroc"]["value"] is None


def test_thresholds_are_the_best_there_are(answers) -> None:
    prob, target = answers
    chosen = best_thresholds(prob, target)
    for index in range(3):
        best = max(
            record_metrics(prob[:, [index]], target[:, [index]], [at], ("A",))["A_f1"]
            for at in np.unique(prob[:, index])
        )
        assert record_metrics(prob[:, [index]], target[:, [index]], [chosen[index]], ("A",))["A_f1"] == pytest.approx(
            best
        )
    tied = best_thresholds(np.array([[0.4], [0.4], [0.2]]), np.array([[1], [0], [0]]))
    assert tied == [pytest.approx(0.3)]
    assert best_thresholds(np.array([[0.4]]), np.array([[0]])) == [0.5]


def test_calibration_recovers_temperature_and_shift() -> None:
    generator = np.random.default_rng(1)
    true_logits = 2 * generator.standard_normal((6000, 2)) + [0.5, -1.5]
    target = (generator.random((6000, 2)) < 1 / (1 + np.exp(-true_logits))).astype(float)
    stated = (true_logits - [1.0, -1.0]) * 3
    found = fit_calibration(stated, target)
    assert found["temperature"] == pytest.approx(3.0, rel=0.1)
    assert found["shift"] == [pytest.approx(1.0, abs=0.15), pytest.approx(-1.0, abs=0.15)]
    before, after = (calibration_error(calibrated(stated, one), target)[0] for one in ({}, found))
    assert after < 0.02 < before


def test_intervals_come_from_patients(answers) -> None:
    prob, target = answers
    single = summarise_records(prob, target, [str(n) for n in range(400)], [0.5] * 3, CLASSES)
    doubled = summarise_records(
        np.tile(prob, (2, 1)), np.tile(target, (2, 1)), [str(n) for n in range(400)] * 2, [0.5] * 3, CLASSES
    )
    width = [np.diff(one["scores"]["macro_auroc"]["interval95"])[0] for one in (single, doubled)]
    assert width[1] == pytest.approx(width[0], rel=0.15), "a patient's second recording adds no certainty"
    low, high = single["scores"]["macro_auroc"]["interval95"]
    assert low < single["scores"]["macro_auroc"]["value"] < high
    assert single["positives"]["A"] == int(target[:, 0].sum())


def test_the_table_says_that_one_patient_has_no_intervals(answers) -> None:
    prob, target = answers
    head = {"checkpoint": "c", "data": ["d"], "split": "test", "seen_in_training": 0, "classes": CLASSES}
    head |= {"calibration": {"ece": 0.0}, "referral": [{}]}
    for patients, line in (
        (["a"] * 400, "400 recordings of 1 patient (no intervals: they take two patients or more)\n"),
        (["a", "b"] * 200, "400 recordings of 2 patients\n"),
    ):
        assert line in render_recordings(
            head | {"pooled": summarise_records(prob, target, patients, [0.5] * 3, CLASSES)}
        )


def test_referring_the_least_certain_helps(answers) -> None:
    prob, target = answers
    rows = referral(prob, target, [0.5] * 3, CLASSES)
    assert [row["recordings"] for row in rows] == [400, 360, 320]
    assert rows[0]["accuracy"] < rows[1]["accuracy"] < rows[2]["accuracy"]
    assert (uncertainty(prob) >= rows[1]["uncertainty_from"]).sum() == 40
    assert uncertainty(np.array([[0.5, 0.5], [1.0, 0.0]])) == pytest.approx([1.0, 0.0], abs=1e-6)
