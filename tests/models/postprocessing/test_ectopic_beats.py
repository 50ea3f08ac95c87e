"""What the whole recording says of a beat: beats of one shape together, and classes as common as they are here."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.postprocessing.ectopic_beats import adapt_to_recording, beat_shapes, more_common, shape_size
from models.tasks import BeatInputs

CLASSES = ("N", "S", "V", "F", "Q")
USUAL = {"S": 0.015, "V": 0.005}
N, S, V = 0, 1, 2


def recording(n: int, wide: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Answers that are sure of N for narrow beats and of V for ``wide`` ones, and the beats' shapes in mV."""
    generator = np.random.default_rng(seed)
    time = np.linspace(-0.117, 0.175, 36)
    narrow_qrs, wide_qrs = np.exp(-((time / 0.012) ** 2)), -1.4 * np.exp(-(((time - 0.02) / 0.05) ** 2))
    shape = np.where(wide[:, None], wide_qrs, narrow_qrs)[:, None] * np.array([1.0, 0.6])[:, None]
    prob = np.tile([0.97, 0.01, 0.01, 0.005, 0.005], (n, 1))
    prob[wide] = [0.03, 0.01, 0.95, 0.005, 0.005]
    return prob, (shape + generator.normal(0, 0.03, shape.shape)).astype(np.float32)


def answer(prob: np.ndarray, shapes: np.ndarray, usual: dict[str, float] = USUAL) -> np.ndarray:
    return adapt_to_recording(prob, shapes, CLASSES, usual, np.zeros(len(prob), bool))


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 2600), st.floats(0.02, 0.4), st.integers(0, 5))
def test_a_beat_is_called_what_the_beats_of_its_shape_are(n: int, share: float, seed: int) -> None:
    wide = np.random.default_rng(seed).random(n) < share
    wide[: min(n, 8)] = np.arange(min(n, 8)) % 2 == 1
    prob, shapes = recording(n, wide, seed)
    # Beat 2 is narrow and called V, beat 3 is wide and called N.
    prob[2], prob[3] = [0.3, 0.01, 0.68, 0.005, 0.005], [0.68, 0.01, 0.3, 0.005, 0.005]
    found = answer(prob, shapes)
    assert (found.argmax(axis=1) == np.where(wide, V, N)).all()
    assert found.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("gain", [(1e-3, 1e-3), (1.0, 50.0), (1000.0, 1.0)])
def test_the_gain_of_a_lead_does_not_matter(gain: tuple[float, float]) -> None:
    prob, shapes = recording(300, np.arange(300) % 7 == 3)
    other = (shapes * np.array(gain)[:, None]).astype(np.float32)
    np.testing.assert_allclose(answer(prob, other), answer(prob, shapes), atol=1e-4)


def test_a_beat_like_no_other_keeps_its_answer() -> None:
    prob, shapes = recording(300, np.zeros(300, bool))
    shapes[100] = recording(1, np.ones(1, bool))[1]
    prob[100] = [0.1, 0.01, 0.88, 0.005, 0.005]
    assert answer(prob, shapes)[100].argmax() == V


def test_silent_leads_and_silent_recordings_have_no_say() -> None:
    prob, shapes = recording(50, np.arange(50) % 5 == 0)
    one_lead = shapes * np.array([1.0, 0.0], np.float32)[:, None]
    assert (answer(prob, one_lead).argmax(axis=1) == prob.argmax(axis=1)).all()
    assert np.isfinite(answer(prob, np.zeros_like(shapes))).all()


def test_beats_that_were_not_reached_stay_unknown() -> None:
    prob, shapes = recording(60, np.arange(60) % 5 == 0)
    whole = answer(prob[:40], shapes[:40])
    prob[40:] = np.nan
    found = answer(prob, shapes)
    assert np.isnan(found[40:]).all()
    np.testing.assert_allclose(found[:40], whole)
    assert np.isnan(answer(np.full((3, 5), np.nan), shapes[:3])).all()
    assert answer(np.empty((0, 5)), shapes[:0]).shape == (0, 5)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.001, 0.3), st.integers(0, 5000), st.floats(0, 0.5))
def test_a_class_is_more_common_where_more_beats_are_called_so(usual: float, n: int, share: float) -> None:
    called = np.arange(n) < share * n
    gained = more_common(np.where(called, 30.0, -30.0), usual)
    assert np.sign(np.round(gained, 2)) in (0, np.sign(called.mean() - usual) if n else 0)
    odds = usual / (1 - usual) * np.exp(gained)
    expected = (600 * usual + called.sum()) / (600 + n)
    assert odds / (1 + odds) == pytest.approx(expected, rel=0.05, abs=0.002)


def test_few_beats_change_little_and_many_more() -> None:
    gains = [more_common(np.where(np.arange(n) < n * 0.2, 5.0, -5.0), 0.015) for n in (10, 100, 2000)]
    assert 0 < gains[0] < 0.3 < gains[1] < gains[2]


def test_early_beats_of_atrial_fibrillation_do_not_make_s_common() -> None:
    prob, shapes = recording(1000, np.zeros(1000, bool))
    prob[:500] = [0.2, 0.78, 0.01, 0.005, 0.005]
    in_af = np.arange(1000) < 500
    with_af = adapt_to_recording(prob, shapes, CLASSES, USUAL, in_af)[700, S]
    without = adapt_to_recording(prob, shapes, CLASSES, USUAL, np.zeros(1000, bool))[700, S]
    assert with_af <= prob[700, S] < without


def test_a_shape_is_the_signal_around_the_beat_in_the_recordings_unit() -> None:
    signal = np.arange(400, dtype=np.float32).reshape(1, 1, 400)
    beats = torch.tensor([[5, 100, 395, -1]])
    inputs = BeatInputs(
        torch.from_numpy(np.repeat(signal, 2, axis=1)), {"beats": beats}, fs=120.0, size=np.array([[2.0, 0.0]])
    )
    shapes = beat_shapes(inputs)
    assert shapes.shape[1:] == (4, *shape_size(2, 120.0))
    np.testing.assert_array_equal(shapes[0, 1, 0], 2 * np.arange(86, 122))
    assert (shapes[0, :, 1] == 0).all()
    assert (shapes[0, 0, 0, :9] == 0).all()  # before the strip begins
    assert (shapes[0, 2, 0, -16:] == 0).all()  # behind its end
