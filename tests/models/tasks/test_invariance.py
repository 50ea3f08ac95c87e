"""The network's input depends on the heart, not on the recorder: sampling frequency, gain, offset, wander, length.

What is compared is the input itself, for windows and strips, with that of the same stretch at 360 Hz: a network cannot
answer otherwise on an input that is the same. The recordings are drawn sinus rhythm, with premature and wide beats.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.tasks import BeatTask, RecordTask, StripTask
from models.tasks.conditioning import Conditioner
from models.tasks.strip import qrs_size

RATES = (50, 100, 125, 128, 200, 250, 257, 300, 360, 400, 500, 512, 1000, 2000, 4000)
STRIP = StripTask(segment_seconds=20, margin_seconds=4)
WINDOW = BeatTask(fs_out=120, segment_seconds=3, ecg_leads=("MLII", "*"))


def heart(fs: float, seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A drawn ECG of two leads, float64 (n, 2) in mV, and its R peaks in seconds; the same heart at any ``fs``."""
    generator = np.random.default_rng(seed)
    # With the breath, every fifth beat, the rhythm goes up and down; beats that come at random would be another rhythm.
    breath = 0.04 * np.sin(2 * np.pi * np.arange(8000) / 5)
    peak_s = np.cumsum(0.8 + breath + generator.normal(0, 0.008, 8000))
    peak_s = peak_s[(peak_s > 0.3) & (peak_s < seconds - 0.3)]
    time_s = np.arange(round(seconds * fs)) / fs
    signal = np.zeros((len(time_s), 2))
    waves = ((-0.16, 0.03, 0.15, 0.08), (0.0, 0.02, 1.2, -0.7), (0.04, 0.02, -0.3, 0.4), (0.28, 0.06, 0.3, 0.15))
    for at in peak_s:
        first, stop = np.searchsorted(time_s, [at - 0.5, at + 0.7])
        near = time_s[first:stop, None] - at
        for place, width, *heights in waves:
            signal[first:stop] += np.array(heights) * np.exp(-0.5 * ((near - place) / width) ** 2)
    return signal, peak_s


def inputs(task, signal: np.ndarray, fs: float, peak_s: np.ndarray) -> np.ndarray:
    """Network input of all strips or windows, one after another, (n, leads, L)."""
    peaks = np.rint(peak_s * fs).astype(np.int64)
    batches = task.batches(lambda a, b: signal[a:b], fs, len(signal), peaks)
    return np.concatenate([batch.x.numpy() for batch in batches])


def assert_same(one: np.ndarray, other: np.ndarray, task, smallest: float = 0.995) -> None:
    """Both inputs have the same shape, and the same waves in each row: correlation and size.

    A window's centre is an R peak rounded at ``fs`` (at 50 Hz by up to 10 ms) and again at 120 Hz: it may be two off.
    """
    length = min(one.shape[-1], other.shape[-1])  # a recording may end a sample earlier at another frequency
    one, other = one[..., :length].astype(float), other[..., :length].astype(float)
    assert one.shape == other.shape
    for row, twin in zip(one.reshape(-1, length), other.reshape(-1, length), strict=True):
        lags = range(-2, 3) if task is WINDOW else [0]
        assert max(np.corrcoef(np.roll(row, lag)[2:-2], twin[2:-2])[0, 1] for lag in lags) > smallest
        assert np.std(row) == pytest.approx(np.std(twin), rel=0.05)


@pytest.mark.parametrize("fs_out", [100.0, 120.0, 360.0])
@pytest.mark.parametrize("fs", RATES)
def test_every_phase_of_the_resampling_has_the_same_gain(fs: float, fs_out: float) -> None:
    """A constant stays constant to 1e-6 of itself, so 10 mV of offset are less than 10 nV of signal."""
    x = np.full((round(3 * fs), 1), 10.0)
    conditioner = Conditioner(fs, fs_out, highpass_s=0)
    found = conditioner.condition(lambda a, b: x[a:b], len(x), 0, conditioner.n_out(len(x)))
    assert np.abs(found / 10 - 1).max() < 1e-6
    task = RecordTask(fs_out=fs_out, highpass_hz=0, lowpass_hz=0, scaling="mV", ecg_leads=("II",), segment_seconds=2)
    assert np.abs(task.condition(x, fs, ["II"]) / 10 - 1).max() < 1e-6


@settings(max_examples=40, deadline=None)
@given(
    fs=st.sampled_from(RATES),
    gain=st.floats(0.001, 1000),
    offset=st.floats(-10, 10),
    seconds=st.floats(4, 30),
)
def test_a_whole_recording_is_scaled_by_itself(fs: float, gain: float, offset: float, seconds: float) -> None:
    """The record task: leads scaled to SD 1, whatever the unit, the offset and the sampling frequency."""
    task = RecordTask(ecg_leads=("I", "II", "III"), segment_seconds=3)
    signal, _ = heart(fs, seconds)
    reference, _ = heart(100.0, seconds)
    recorded = np.column_stack([gain * (signal + offset), np.full(len(signal), gain * offset)])
    wanted = np.column_stack([reference, np.zeros(len(reference))])
    x, y = (task.window(task.condition(s, f, task.ecg_leads), 50).numpy() for s, f in ((recorded, fs), (wanted, 100.0)))
    assert not x[2].any()
    for row, twin in zip(x[:2], y[:2], strict=True):
        assert np.corrcoef(row, twin)[0, 1] > (0.9 if fs <= 50 else 0.99)
        assert row.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("task", [STRIP, WINDOW], ids=["strip", "window"])
@pytest.mark.parametrize("fs", RATES)
@pytest.mark.parametrize("seconds", [3.0, 10.0, 47.0])
def test_the_input_is_that_of_360_hz(task, fs: float, seconds: float) -> None:
    reference, peak_s = heart(360.0, seconds)
    signal, _ = heart(fs, seconds)
    # 50 Hz keep what lies below 22 Hz: the QRS is a little rounder.
    assert_same(
        inputs(task, signal, fs, peak_s), inputs(task, reference, 360.0, peak_s), task, 0.97 if fs <= 50 else 0.995
    )


@settings(max_examples=40, deadline=None)
@given(
    fs=st.sampled_from(RATES),
    gain=st.floats(0.1, 10),
    offset_mV=st.floats(-10, 10),
    wander_mV=st.floats(0, 0.5),
    seconds=st.floats(3, 90),
    shift=st.integers(0, 400),
    stored=st.sampled_from(["float32", "int16"]),
    seed=st.integers(0, 5),
)
@pytest.mark.parametrize("task", [STRIP, WINDOW], ids=["strip", "window"])
def test_recorder_and_electrodes_leave_the_input_as_it_is(
    task, fs, gain, offset_mV, wander_mV, seconds, shift, stored, seed
) -> None:
    signal, peak_s = heart(fs, seconds + 4, seed)
    signal = signal[shift % round(fs) :]
    peak_s = peak_s - (shift % round(fs)) / fs
    peak_s = peak_s[(peak_s > 0.2) & (peak_s < len(signal) / fs - 0.2)]
    wander = wander_mV * np.sin(2 * np.pi * 0.15 * np.arange(len(signal)) / fs)[:, None]
    recorded = gain * (signal + wander) + offset_mV
    if stored == "int16":
        recorded = np.rint(recorded * 1000).astype(np.int16) / 1000  # steps of 1 uV; 32 mV is the largest
    one = inputs(task, recorded.astype(np.float32), fs, peak_s)
    assert_same(one, inputs(task, signal, fs, peak_s), task, 0.9)
    assert np.abs(one).max() < 20


@settings(max_examples=30, deadline=None)
@given(seconds=st.floats(3, 200), fs=st.sampled_from(RATES), seed=st.integers(0, 5))
def test_a_strip_holds_signal_only_and_answers_each_beat_once(seconds: float, fs: float, seed: int) -> None:
    signal, peak_s = heart(fs, seconds, seed)
    peaks = np.rint(peak_s * fs).astype(np.int64)
    answered = []
    for batch in STRIP.batches(lambda a, b: signal[a:b] + 5, fs, len(signal), peaks):
        assert batch.x.shape[-1] == min(STRIP.length, STRIP.conditioner(fs).n_out(len(signal)))
        answered.extend(batch.beat[batch.beat >= 0])
        for row, (beats, mine) in enumerate(zip(batch.kwargs["beats"].numpy(), batch.beat, strict=True)):
            end = batch.start_s[row] + batch.x.shape[-1] / 120
            at = beats[mine >= 0]
            # A beat is answered with the margin as context, or with all that the recording has of it.
            assert (at >= STRIP.margin).all() or batch.start_s[row] == 0
            assert (at < STRIP.length - STRIP.margin).all() or end >= len(signal) / fs - 0.02
    assert answered == list(range(len(peaks)))


@pytest.mark.parametrize("task", [STRIP, WINDOW], ids=["strip", "window"])
@pytest.mark.parametrize("fs", RATES)
def test_a_beat_on_the_first_or_last_sample_is_answered(task, fs: float) -> None:
    signal, peak_s = heart(fs, 30)
    peaks = np.unique(np.concatenate([[0], np.rint(peak_s * fs).astype(np.int64), [len(signal) - 1]]))
    batches = task.batches(lambda a, b: signal[a:b], fs, len(signal), peaks)
    answered = np.concatenate([batch.beat[batch.beat >= 0] for batch in batches])
    assert answered.tolist() == list(range(len(peaks)))


@pytest.mark.parametrize("per_minute", [25, 30, 60])
def test_a_flat_line_between_beats_does_not_change_the_size(per_minute: int) -> None:
    """A test generator that is silent between its beats has the size of its beats."""
    strip = np.zeros((2, 2400), np.float32)
    beats = np.arange(60, 2340, round(7200 / per_minute))
    for at in beats:
        strip[0, at - 3 : at + 4] = [0.2, 0.5, 0.8, 1.0, 0.8, 0.5, -0.3]
    assert qrs_size(strip, beats, 14).tolist() == pytest.approx([1.3, 0.0])
    x = STRIP.scale(strip, beats).numpy()
    assert x[0].max() == pytest.approx(1 / 1.3)
    assert not x[1].any()


@pytest.mark.parametrize("task", [STRIP, WINDOW], ids=["strip", "window"])
def test_a_silent_second_lead_stays_silent(task) -> None:
    """Rounding of a constant offset is no signal, however little of it there is."""
    signal, peak_s = heart(250.0, 30)
    signal[:, 1] = 7.123456
    x = inputs(task, signal.astype(np.float32), 250.0, peak_s)
    assert not x[:, 1].any()
    assert x[:, 0].any()


@settings(max_examples=30, deadline=None)
@given(
    fs=st.sampled_from(RATES),
    gain=st.floats(0.1, 10),
    offset=st.floats(-10, 10),
    seconds=st.floats(4, 50),
    leads=st.sampled_from([[0, 1], [0], [1], [1, 0]]),
)
def test_an_upright_strip_is_that_of_the_recording_upside_down(fs, gain, offset, seconds, leads) -> None:
    """Whether or not the QRS complexes point up: the first lead's do, the second's do not."""
    signal, peak_s = heart(fs, seconds)
    recorded = gain * signal[:, leads] + offset
    task = STRIP.model_copy(update={"upright": True})
    x = inputs(task, recorded, fs, peak_s)
    assert np.abs(x - inputs(task, -recorded, fs, peak_s)).max() < 1e-4
    assert np.abs(x * (1 if leads[0] == 0 else -1) - inputs(STRIP, recorded, fs, peak_s)).max() < 1e-6


def test_a_strip_that_was_turned_over_tells_it_by_its_size() -> None:
    signal, peak_s = heart(250.0, 20)
    beats = np.rint(peak_s * STRIP.fs_out).astype(np.int64)
    conditioned = STRIP.conditioner(250.0).condition(lambda a, b: signal[a:b], len(signal), 0, round(20 * STRIP.fs_out))
    _, up = STRIP.model_copy(update={"upright": True})._scaled(conditioned, beats)
    _, down = STRIP.model_copy(update={"upright": True})._scaled(-conditioned, beats)
    assert (up > 0).all()
    assert (down == -up).all()


@pytest.mark.parametrize("up", [0.6, 0.7])
def test_a_qrs_complex_that_goes_both_ways_is_left_as_it_is(up: float) -> None:
    """It points down where less than two thirds of what is below the base line are above it."""
    strip = np.zeros((1, 2400), np.float32)
    beats = np.arange(60, 2340, 100)
    for at in beats:
        strip[0, at - 3 : at + 4] = [0, up / 2, up, 0, -0.5, -1, 0]
    (size,) = STRIP.model_copy(update={"upright": True})._scaled(strip, beats)[1][:1]
    assert (size < 0) == (up < 2 / 3)
