"""What decided beats of a recording teach, and what they must not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.postprocessing.patient_beats import MOST_LEARNT, BeatView, adapt, ask_next, beat_view, learn

CLASSES = ("N", "S", "V", "F", "Q")
N, S, V = range(3)


def recording(n: int, seed: int, wrong: bool) -> tuple[BeatView, np.ndarray]:
    """Beats of two shapes, N and every fifth a wide V, and the truth; the network calls the V N where it is wrong."""
    rng = np.random.default_rng(seed)
    truth = np.where(np.arange(n) % 5 == 4, V, N)
    time = np.linspace(-0.117, 0.175, 36)
    narrow, wide = np.exp(-((time / 0.015) ** 2)), 1.5 * np.sin(time / 0.05)
    shapes = np.where((truth == V)[:, None, None], wide, narrow) + 0.05 * rng.standard_normal((n, 1, 36))
    prob = np.full((n, len(CLASSES)), 0.02)
    prob[np.arange(n), np.where(wrong, N, truth)] = 0.92
    return beat_view(prob, shapes.astype(np.float32), 0.8 + 0.02 * rng.standard_normal(n), CLASSES), truth


@given(n=st.integers(0, 60), seed=st.integers(0, 99))
def test_without_decided_beats_the_answers_are_the_networks(n, seed):
    view, _ = recording(n, seed, wrong=True) if n else (beat_view(*nothing(), CLASSES), None)
    found = adapt(view, np.empty(0, np.int64), np.empty(0, np.int64))
    assert np.allclose(found.prob, np.exp(view.log_prob))
    assert not found.better


def nothing() -> tuple[np.ndarray, ...]:
    return np.empty((0, 5)), np.empty((0, 1, 36), np.float32), np.empty(0)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99))
def test_a_mistake_that_repeats_is_learnt_and_the_held_out_beats_say_so(seed):
    view, truth = recording(300, seed, wrong=True)
    decided = np.arange(60)
    found = adapt(view, decided, truth[decided])
    assert found.better
    assert (found.wrong_before, found.spoilt) == (12, 0)
    assert (found.prob.argmax(axis=1) == truth)[60:].mean() > 0.99


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 999), slips=st.integers(0, 8))
def test_a_handful_of_wrong_labels_is_not_applied_where_the_network_is_right(seed, slips):
    view, truth = recording(200, seed, wrong=False)
    rng = np.random.default_rng(seed)
    decided = np.sort(rng.choice(200, 80, replace=False))
    label = truth[decided].copy()
    label[rng.choice(80, slips, replace=False)] = rng.integers(0, 4, slips)
    assert not adapt(view, decided, label).better


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999))
def test_what_is_learnt_in_spite_of_wrong_labels_is_right_more_often_than_before(seed):
    view, truth = recording(300, seed, wrong=True)
    rng = np.random.default_rng(seed)
    label = truth[:100].copy()
    label[rng.choice(100, 5, replace=False)] = S
    found = adapt(view, np.arange(100), label)
    if found.better:
        right = found.prob.argmax(axis=1) == truth
        assert right[100:].mean() >= (view.log_prob.argmax(axis=1) == truth)[100:].mean()


def test_beats_unlike_all_decided_ones_keep_a_sure_answer():
    view, truth = recording(100, 0, wrong=False)
    normal = np.flatnonzero(truth == N)[:40]
    prob = learn(view, normal, truth[normal])
    assert (prob.argmax(axis=1) == truth).all()


@given(seed=st.integers(0, 99), count=st.integers(1, 30), share=st.floats(0, 1))
def test_what_is_asked_next_was_not_decided_and_is_named_once(seed, count, share):
    view, _ = recording(50, seed, wrong=True)
    decided = np.random.default_rng(seed).random(50) < share
    asked = ask_next(view, np.exp(view.log_prob), decided, count)
    assert len(asked) == len(set(asked.tolist())) == min(count, int((~decided).sum()))
    assert not decided[asked].any()


def test_of_many_decided_beats_the_rare_ones_are_kept():
    view, truth = recording(3 * MOST_LEARNT, 3, wrong=True)
    truth = np.where(np.arange(len(truth)) % 50 == 4, truth, N)  # every tenth wide beat is V
    prob = learn(view, np.arange(len(truth)), truth)
    assert prob.shape == (len(truth), 5)
    assert np.isfinite(prob).all()
    wide = np.arange(len(truth)) % 5 == 4
    assert prob[wide, V].mean() == pytest.approx(0.1, abs=0.06), "each stands for as many as there are"


@pytest.mark.parametrize("fault", ["silent", "nan rr", "alike"])
def test_a_recording_without_information_breaks_nothing(fault):
    n = 900
    shapes, rr = np.zeros((n, 2, 36)), np.full(n, 0.8)
    if fault == "nan rr":
        rr[:] = np.nan
    if fault == "alike":
        shapes = np.linspace(0, 1, 36) + 1e-4 * np.random.default_rng(0).standard_normal((n, 2, 36))
    view = beat_view(np.eye(5)[np.zeros(n, int)], shapes.astype(np.float32), rr, CLASSES)
    found = adapt(view, np.arange(700), np.zeros(700, int))
    assert np.isfinite(found.prob).all()
    assert found.prob.argmax(axis=1).tolist() == [N] * n
