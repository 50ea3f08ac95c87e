"""Run by run: counts worked out by hand after the rules of EC57 and ``rxr``."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.metrics.ec57.marks import Protocol
from models.metrics.ec57.run_by_run import compare_runs, run_scores
from tests.models.metrics.ec57.annotator import EVERYTHING, beats, marks


def lengths(truth, test, kind="V", protocol=EVERYTHING) -> tuple[dict, dict]:
    """(length in the reference, in the test): how often, for sensitivity and for predictivity."""
    counts = compare_runs(truth, test, kind, protocol)
    return tuple(
        {(i, j): int(matrix[i, j]) for i in range(7) for j in range(7) if matrix[i, j]}
        for matrix in (counts.sensitivity, counts.predictivity)
    )


def test_a_case_by_hand():
    truth = marks(*beats("NVVNNVVVNNVNNVVVVVVVN"))
    test_ = marks(*beats("NVVNNVNVNNVNNVVVVVNVNVVN"))
    # Reference: a couplet, a run of 3, a single V, a run of 7 (6 and more). Test: a couplet, 1 and 1 in the run of 3,
    # a single V, 5 and 1 in the run of 7, and a couplet where the reference has nothing. In the window of the 5 lie 5
    # beats of the run of 7.
    assert lengths(truth, test_) == (
        {(2, 2): 1, (3, 1): 1, (1, 1): 1, (6, 5): 1},
        {(2, 2): 1, (1, 1): 4, (5, 5): 1, (0, 2): 1},
    )


def test_the_scores_of_that_case():
    truth = marks(*beats("NVVNNVVVNNVNNVVVVVVVN"))
    test_ = marks(*beats("NVVNNVNVNNVNNVVVVVNVNVVN"))
    assert run_scores(compare_runs(truth, test_, "V", EVERYTHING)) == {
        "couplet_se": (1, 1),
        "couplet_ppv": (1, 2),
        "short_run_se": (0, 1),
        "short_run_ppv": (1, 1),
        "long_run_se": (0, 1),
        "long_run_ppv": (0, 0),
    }


def test_fusion_beats_belong_to_ventricular_runs_and_end_others():
    both = marks(*beats("NVFVNAFAN"))
    assert lengths(both, both) == ({(3, 3): 1, (1, 1): 1}, {(3, 3): 1, (1, 1): 1})
    assert lengths(both, both, "S") == ({(1, 1): 2}, {(1, 1): 2})


def test_ventricular_fibrillation_is_a_run_of_six():
    truth = marks((100, "N"), (200, "["), (600, "]"), (700, "N"))
    assert lengths(truth, marks(*beats("NVVVVVVN"))) == ({(6, 5): 1}, {(6, 6): 1})
    assert lengths(truth, marks(*beats("N     N"))) == ({(6, 0): 1}, {})


def test_normal_beats_in_atrial_fibrillation_are_a_supraventricular_run():
    truth = marks((150, "+", "(AFIB"), (750, "+", "(N"), *beats("NNNNNNNNN"))
    assert lengths(truth, marks(*beats("NAAAAAAAN")), "S") == ({(6, 6): 1}, {(6, 6): 1})
    assert lengths(truth, marks(*beats("NNNNNNNNN")), "S") == ({(6, 0): 1}, {})


def test_a_run_that_nothing_ends_is_not_counted():
    truth = marks(*beats("NVVNVV"))
    assert lengths(truth, truth) == ({(2, 2): 1}, {(2, 2): 1})


def test_a_shutdown_ends_a_run():
    both = marks((100, "V"), (200, "V"), (250, "~", 0x30), (350, "~", 0), (400, "V"), (500, "N"))
    assert lengths(both, both) == ({(2, 2): 1, (1, 1): 1}, {(2, 2): 1, (1, 1): 1})


def test_runs_of_the_learning_period_do_not_count():
    both = marks(*beats("NVVNNVVVN"))
    assert lengths(both, both, protocol=Protocol(learning_s=5.0)) == ({(3, 3): 1}, {(3, 3): 1})


@pytest.mark.parametrize("kind", ["V", "S"])
@settings(max_examples=60, deadline=None)
@given(st.text("NVAQ", min_size=1, max_size=40))
def test_against_itself_every_run_is_found_at_its_length(kind, text):
    both = marks(*beats(f"{text}N"))
    counts = compare_runs(both, both, kind, EVERYTHING)
    np.testing.assert_array_equal(counts.sensitivity, np.diag(np.diag(counts.sensitivity)))
    np.testing.assert_array_equal(counts.sensitivity, counts.predictivity)
    letter = {"V": "V", "S": "A"}[kind]
    runs = [len(run) for run in "".join(c if c == letter else " " for c in text).split()]
    assert counts.sensitivity.sum() == len(runs)
    assert [counts.sensitivity[n, n] for n in range(1, 6)] == [runs.count(n) for n in range(1, 6)]
