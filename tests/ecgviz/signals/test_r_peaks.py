"""R peaks: known peaks of a made-up ECG at any rate, polarity and fault, and three real records."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.signals.r_peaks import detect_r_peaks
from ecgviz.signals.silence import Silence

WAVES = ((-0.17, 0.12, 0.025), (0.0, 1.0, 0.012), (0.03, -0.2, 0.012), (0.28, 0.25, 0.05))


def made_up_ecg(fs: float, duration_s: float, seed: int = 0, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """P, R, S and T as Gaussians at irregular beats with a little noise; samples (n,) and R times in seconds."""
    rng = np.random.default_rng(seed)
    beats = 0.6 + np.cumsum(0.85 + 0.12 * rng.standard_normal(int(duration_s / 0.4)).clip(-2, 2))
    beats = beats[beats < duration_s - 0.6]
    t = np.arange(round(duration_s * fs)) / fs
    x = 0.01 * rng.standard_normal(len(t))
    for beat in beats:
        near = slice(max(0, int((beat - 0.5) * fs)), int((beat + 0.8) * fs))
        for offset, height, width in WAVES:
            x[near] += height * np.exp(-0.5 * ((t[near] - beat - offset) / width) ** 2)
    return (gain * x).astype(np.float32), beats


def detect(x: np.ndarray, fs: float, **options) -> np.ndarray:
    return detect_r_peaks(lambda start, stop: x[start:stop], fs, len(x), **options)


def assert_found(peaks: np.ndarray, beats: np.ndarray, fs: float, within_s: float = 0.012) -> None:
    assert peaks.dtype == np.int64
    assert len(peaks) == len(beats)
    np.testing.assert_allclose(peaks / fs, beats, atol=within_s + 0.5 / fs)


@pytest.mark.parametrize("fs", [50, 100, 128, 250, 257.3, 360, 500, 1000, 2000, 10_000, 48_000])
@pytest.mark.parametrize("gain", [1.0, -1.0, 0.02, -3000.0])
def test_every_beat_at_any_rate_polarity_and_unit(fs, gain):
    x, beats = made_up_ecg(fs, 40, gain=gain)
    assert_found(detect(x, fs), beats, fs)


def test_wander_and_tone_do_not_disturb():
    fs = 360
    x, beats = made_up_ecg(fs, 60)
    t = np.arange(len(x)) / fs
    x = x + 1.5 * np.sin(2 * np.pi * 0.3 * t) + 0.1 * np.sin(2 * np.pi * 24 * t) + 0.1 * np.sin(2 * np.pi * 50 * t) + 40
    assert_found(detect(x.astype(np.float32), fs), beats, fs, within_s=0.02)


def test_one_low_and_one_tall_beat_between_normal_ones():
    fs = 250
    x, beats = made_up_ecg(fs, 60)
    for k, factor in ((20, 0.45), (40, 3.0)):
        near = slice(int((beats[k] - 0.3) * fs), int((beats[k] + 0.4) * fs))
        x[near] *= factor
    assert_found(detect(x, fs), beats, fs)


@pytest.mark.parametrize("fault", ["nan", "flat", "rail", "inf"])
def test_no_beat_in_a_dead_stretch_and_all_around_it(fault):
    fs = 360
    x, beats = made_up_ecg(fs, 90)
    start, stop = 30 * fs, 50 * fs
    x[start:stop] = {"nan": np.nan, "flat": 0.0, "rail": 5.0, "inf": np.inf}[fault]
    x[70 * fs] = np.nan
    peaks = detect(x, fs)
    assert not ((peaks >= start) & (peaks < stop)).any()
    far = [b for b in beats if not 29.7 < b < 50.3]
    found = [p for p in peaks if not 29.7 * fs < p < 50.3 * fs]
    assert_found(np.asarray(found), np.asarray(far), fs)


@pytest.mark.parametrize(
    "x",
    [
        np.empty(0, np.float32),
        np.array([0.1, 0.5, 0.2], np.float32),
        np.zeros(7000, np.float32),
        np.full(7000, np.nan, np.float32),
        np.full(7000, 3e38, np.float32),
        np.tile(np.float32([0, 1]), 3500),
    ],
    ids=["empty", "three samples", "flat", "missing", "overflow", "square wave"],
)
def test_a_lead_without_a_heart_has_few_peaks_and_no_error(x):
    assert len(detect(x, 360)) <= 2


def test_a_pause_is_not_filled_with_beats():
    fs = 360
    x, beats = made_up_ecg(fs, 120)
    first, last = 40, 60
    noise = np.random.default_rng(1).standard_normal(len(x)).astype(np.float32) * 0.01
    start, stop = int((beats[first] + 0.6) * fs), int((beats[last] - 0.4) * fs)
    x[start:stop] = noise[start:stop]
    assert_found(detect(x, fs), np.concatenate([beats[: first + 1], beats[last:]]), fs)


@pytest.mark.parametrize("block_s", [3.0, 17.0, 61.3, 1e6])
def test_blocks_leave_no_trace(block_s):
    x, _ = made_up_ecg(360, 200, seed=3)
    x[30_000:31_000] = np.nan
    x += 0.2 * np.random.default_rng(4).standard_normal(len(x)).astype(np.float32)
    np.testing.assert_array_equal(detect(x, 360, block_s=block_s), detect(x, 360))


@pytest.mark.parametrize("block_s", [3.0, 17.0, 61.3, 1e6])
def test_blocks_of_two_leads_leave_no_trace(block_s):
    x, _ = two_leads(360, 200, seed=3)
    x[30_000:31_000, 0] = np.nan
    x[50_000:55_000, 1] = np.nan
    np.testing.assert_array_equal(detect(x, 360, block_s=block_s), detect(x, 360))


def two_leads(fs: float, duration_s: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The made-up ECG in two leads, each with noise as strong as a QRS in every second half minute; R times, s."""
    x, beats = made_up_ecg(fs, duration_s, seed)
    rng = np.random.default_rng(seed)
    both = np.stack([x, -0.4 * x], axis=1)
    half_minute = np.arange(len(x)) // round(30 * fs)
    noise = rng.standard_normal(both.shape) * (0.8, 0.25)
    noise[half_minute % 2 == 0, 0] = 0
    noise[half_minute % 2 == 1, 1] = 0
    return (both + noise).astype(np.float32), beats


def test_noise_in_one_lead_neither_hides_nor_makes_a_beat():
    fs = 360
    x, beats = two_leads(fs, 240)
    for lead in (0, 1):
        assert sum(errors(detect(x[:, lead], fs), beats, fs)) > 20, "the noise is strong enough to matter"
    lost, made = errors(detect(x, fs), beats, fs)
    assert lost == 0
    assert made <= 4, "the noise changes the lead seven times, each time within a second"


def errors(found: np.ndarray, beats: np.ndarray, fs: float) -> tuple[int, int]:
    """Beats lost and beats made, by 100 ms."""
    apart = np.abs(found[:, None] / fs - beats[None])
    return int((apart.min(axis=0) > 0.1).sum()), int((apart.min(axis=1) > 0.1).sum())


def test_a_burst_of_muscle_noise_makes_no_beat():
    fs = 360
    x, beats = made_up_ecg(fs, 120)
    burst = (np.arange(len(x)) // fs) % 10 < 2
    x = x + (0.3 * burst * np.random.default_rng(2).standard_normal(len(x))).astype(np.float32)
    found = detect(x, fs)
    apart = np.abs(found[:, None] / fs - beats[None]).min(axis=1)
    assert (apart > 0.1).sum() <= 1
    assert abs(len(found) - len(beats)) <= 2


PULSES = {
    "spike": lambda since: np.abs(since) < 0.004,
    "triangle": lambda since: np.clip(1 - np.abs(since) / 0.04, 0, None),
    "rectangle": lambda since: np.abs(since) < 0.03,
    "triangle down": lambda since: -np.clip(1 - np.abs(since) / 0.04, 0, None),
    "QRS": lambda since: np.where(np.abs(since) < 0.05, np.exp(-0.5 * (since / 0.012) ** 2), 0),
}


def generator(shape: str, rate: float, fs: float, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """A test generator: pulses with a flat line of exact zeros between them; samples (n,), times in seconds."""
    beats = np.arange(0.5, seconds - 0.4, 60 / rate)
    t = np.arange(round(fs * seconds)) / fs
    nearest = beats[np.clip(np.rint((t - 0.5) * rate / 60).astype(int), 0, len(beats) - 1)]
    return PULSES[shape](t - nearest).astype(np.float32), beats


@pytest.mark.parametrize("shape", PULSES)
@pytest.mark.parametrize("fs", [100, 128, 250, 360, 1000])
@pytest.mark.parametrize("rate", [22, 30, 60, 180, 240, 280, 300])
def test_a_generator_loses_no_beat_from_22_to_300_a_minute(shape, fs, rate):
    if shape == "spike" and fs < 1000:
        pytest.skip("so short a spike changes its height from sample to sample")
    x, beats = generator(shape, rate, fs, 40)
    found = detect(x, fs)
    assert len(found) == len(beats)
    assert np.abs(found / fs - beats).max() <= 0.05


@pytest.mark.parametrize(("offset", "gain"), [(0.0, 1.0), (5.0, 1.0), (2048, 200), (-3e-3, 1e-3)])
def test_lost_packets_are_no_beats(offset, gain):
    fs = 250
    x, beats = made_up_ecg(fs, 60)
    x = gain * x + offset
    lost = np.zeros(len(x), bool)
    for start in range(5 * fs, len(x) - 5 * fs, 7 * fs):
        lost[start : start + int(0.8 * fs)] = True
    x[lost] = 0
    found = detect(x.astype(np.float32), fs)
    near_loss = np.convolve(lost, np.ones(int(0.6 * fs)), "same") > 0
    seen = beats[~near_loss[(beats * fs).astype(int)]]
    apart = np.abs(found[:, None] / fs - beats[None]).min(axis=1)
    assert (apart < 0.06).all()
    assert np.abs(found[:, None] / fs - seen[None]).min(axis=0).max() < 0.03


@pytest.mark.parametrize("lost", ["tops", "every third", "by chance"])
def test_single_lost_samples_hide_no_beat(lost):
    fs = 250
    x, beats = made_up_ecg(fs, 40)
    places = {
        "tops": (np.round(beats * fs).astype(int)[:, None] + np.arange(-1, 2)).ravel(),
        "every third": np.arange(1, len(x), 3),
        "by chance": np.random.default_rng(3).choice(len(x), len(x) // 10, replace=False),
    }
    x[places[lost]] = np.nan
    assert_found(detect(x, fs), beats, fs)
    silence = Silence(fs, ("II",))
    silence.look(0, x[:, None])
    assert silence.sentences("a", len(x)) == ()


def test_progress_and_stop():
    x, beats = made_up_ecg(100, 100)
    told = []
    peaks = detect(x, 100, block_s=20, progress=lambda done, total, note: told.append((done, total)))
    assert told[-1] == (len(x), len(x))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    told.clear()
    early = detect(x, 100, block_s=20, progress=lambda done, *_: told.append(done), should_stop=lambda: len(told) >= 2)
    assert len(told) == 2
    assert early[-1] < told[-1]
    assert set(early[:-2]) <= set(peaks)
    assert len(early) > 0.3 * len(beats)


def test_what_cannot_work_is_refused():
    x = np.zeros(1000, np.float32)
    with pytest.raises(ValueError, match="20 Hz"):
        detect(x, 20)
    with pytest.raises(ValueError, match="no R peak method 'magic'"):
        detect(x, 100, method="magic")
    with pytest.raises(ValueError, match="got 10 samples"):
        detect_r_peaks(lambda start, stop: x[:10], 100, 1000)


@pytest.mark.parametrize("method", ["sleepecg", "neurokit"])
def test_second_opinions_agree_on_a_clean_lead_and_survive_faults(method):
    fs = 250
    x, beats = made_up_ecg(fs, 60)
    peaks = detect(x, fs, method=method)
    assert_found(peaks[peaks > beats[0] * fs - 10], beats, fs)
    x[20 * fs : 30 * fs] = np.nan
    peaks = detect(x, fs, method=method)
    assert not ((peaks >= 20 * fs) & (peaks < 30 * fs)).any()
    assert abs(len(peaks) - len(beats)) < 18
    assert len(detect(np.zeros(5000, np.float32), fs, method=method)) == 0
    assert len(detect(np.full(3, np.nan, np.float32), fs, method=method)) == 0


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "sensitivity", "precision"), [("100", 0.999, 0.999), ("208", 0.99, 0.99), ("231", 0.995, 0.995)]
)
def test_real_records(data_root, name, sensitivity, precision):
    import wfdb

    record = wfdb.rdrecord(str(data_root / "mitdb" / name), channel_names=["MLII"])
    marks = wfdb.rdann(str(data_root / "mitdb" / name), "atr")
    beats = marks.sample[np.isin(marks.symbol, list("NLRejAaJSVEF/fQ"))]
    x = record.p_signal[:, 0].astype(np.float32)
    peaks = detect(x, record.fs)
    after = np.searchsorted(peaks, beats)
    nearest = np.minimum(
        np.abs(beats - peaks[np.clip(after, 0, len(peaks) - 1)]), np.abs(beats - peaks[np.clip(after - 1, 0, None)])
    )
    hits = int((nearest <= 0.15 * record.fs).sum())
    assert hits / len(beats) >= sensitivity
    assert hits / len(peaks) >= precision
    assert np.median(nearest) / record.fs <= 0.006


@pytest.mark.parametrize("fs", [100, 250, 360, 1000])
def test_a_slope_that_the_recording_cuts_is_no_beat(fs):
    """The next R peak would stand on the sample behind the last one, or on the one before the first."""
    time_s = np.arange(8 * fs) / fs
    beats = np.arange(0, 8.1, 0.8) - 1 / fs
    x = sum(np.exp(-0.5 * ((time_s - at) / 0.012) ** 2) for at in beats).astype(np.float32)
    found = detect_r_peaks(lambda start, stop: x[start:stop], fs, len(x))
    assert np.abs(found / fs - beats[1:-1]).max() < 0.012
    assert len(found) == len(beats) - 2
