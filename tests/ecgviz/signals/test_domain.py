"""What lies outside of the networks' domain is said, once, where it is; a good recording is told nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.domain import arm_and_leg_exchanged, arms_exchanged, chest_exchanged, noises, warned
from ecgviz.analysis.domain_warnings import domain_warnings
from ecgviz.notices import Weight
from ecgviz.signals.r_peaks import detect_r_peaks
from readers.recording import ArraySource, Recording
from tests.ecgviz.signals.test_invariance import sinus
from tests.ecgviz.signals.test_r_peaks import generator
from tests.ecgviz.simulated import LEADS, twelve_leads

FS = 250.0


def recorded(x: np.ndarray, fs: float = FS, leads: tuple[str, ...] = ("II", "V1")) -> Recording:
    x = np.asarray(x, np.float32).reshape(len(x), -1)
    leads = leads[: x.shape[1]]
    return Recording("case", fs, len(x), leads, ("mV",) * len(leads), ArraySource(x), "array")


def told(recording: Recording, leads: tuple[str, ...] | None = None) -> list[str]:
    """Warnings with the R peaks that are found on the first two leads, or on those that are named."""
    leads = leads or recording.leads[:2]
    x = recording.signal_mV(leads=leads)
    peaks = detect_r_peaks(lambda start, stop: x[start:stop], recording.fs, len(x))
    warnings = domain_warnings(recording, peaks, leads)
    assert all(sentence.startswith("case: ") and sentence.endswith(".") for sentence in warnings)
    assert all(sentence.weight == Weight.UNSURE for sentence in warnings)
    return list(warnings)


@pytest.mark.parametrize("gain", [1e-6, 1.0, 1e5])
@pytest.mark.parametrize("rate", [35, 70, 140])
@pytest.mark.parametrize("seconds", [6, 30, 700])
def test_a_good_recording_is_told_nothing(gain, rate, seconds):
    assert told(recorded(gain * sinus(seconds, FS, rate=rate))) == []


@pytest.mark.parametrize(("rate", "words"), [(240, "faster than 220/min"), (22, "slower than 25/min")])
def test_rates_that_no_network_has_seen(rate, words):
    (sentence,) = told(recorded(generator("QRS", rate, FS, 60)[0]))
    assert words in sentence
    assert f"({rate}" in sentence or f"({rate - 1}" in sentence


def test_the_rate_of_an_infant():
    (sentence,) = told(recorded(generator("QRS", 170, FS, 60)[0]))
    assert "median heart rate is 170/min" in sentence or "median heart rate is 171/min" in sentence


def test_where_the_fast_rhythm_is():
    slow, fast = sinus(120, FS, rate=70)[:, 0], generator("QRS", 240, FS, 20)[0]
    (sentence,) = told(recorded(np.concatenate([slow, fast, slow])))
    assert any(f"from 02:0{second} on" in sentence for second in range(4))
    assert sentence.at_s == pytest.approx(120, abs=4)


@pytest.mark.parametrize("seconds", [2.5, 4.5])
def test_too_short(seconds):
    (sentence,) = told(recorded(sinus(10, FS)[: round(seconds * FS)]))
    assert f"{seconds:.1f} s long" in sentence


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("seconds", [10, 40, 600])
@pytest.mark.parametrize("kind", ["white", "wander", "muscle"])
def test_noise_alone(kind, seconds, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((round(seconds * FS), 2))
    if kind == "wander":
        x = np.cumsum(x, axis=0)
    if kind == "muscle":
        x *= 1 + 0.7 * np.sin(np.arange(len(x)) / FS)[:, None]
    sentences = told(recorded(x))
    assert any("noise more than ECG" in s or "no beats were found" in s for s in sentences)


def test_noise_in_a_part_says_how_much_and_where():
    x = sinus(600, FS)
    x[round(300 * FS) :] = np.random.default_rng(0).standard_normal((round(300 * FS), 2)).astype(np.float32)
    (sentence,) = [s for s in told(recorded(x)) if "noise" in s]
    assert "of 48 places" in sentence
    assert "first at 04:5" in sentence or "first at 05:0" in sentence
    assert sentence.at_s == pytest.approx(300, abs=10)


@pytest.mark.parametrize("up", [True, False])
def test_clipped_tops_and_bottoms(up):
    x = sinus(30, FS)
    x = np.minimum(x, 0.5) if up else np.maximum(-x, -0.5)
    (sentence,) = told(recorded(x))
    assert "lead II is clipped in 3 of 3 places" in sentence


@pytest.mark.parametrize("level", [5.0, -0.4])
@pytest.mark.parametrize("seconds", [10, 60])
def test_an_electrode_that_was_off_is_no_clipping(level: float, seconds: int) -> None:
    x = sinus(seconds, FS)
    x[round(4 * FS) : round(7 * FS)] = level
    assert not any("clipped" in sentence for sentence in told(recorded(x)))


def test_flat_lines_of_a_generator_are_no_clipping():
    for shape in ("triangle", "triangle down", "QRS"):
        assert told(recorded(generator(shape, 60, FS, 60)[0])) == []


def test_ten_seconds_without_a_beat():
    x = sinus(120, FS)
    rng = np.random.default_rng(0)
    x[round(50 * FS) : round(68 * FS)] = 0.01 * rng.standard_normal((round(18 * FS), 2)).astype(np.float32)
    (sentence,) = [s for s in told(recorded(x)) if "no beat" in s]
    assert "from 00:49 to 01:0" in sentence or "from 00:50 to 01:0" in sentence
    assert sentence.at_s == pytest.approx(50, abs=1.5)


def test_a_lead_that_was_off_is_not_a_pause():
    x = sinus(120, FS)
    x[round(50 * FS) : round(68 * FS)] = np.nan
    assert told(recorded(x)) == []


def twelve() -> Recording:
    """A healthy heart in twelve leads, all of one shape, that obeys Einthoven."""
    heart = sinus(12, 500.0)[:, :1]
    weights = {"I": 0.6, "II": 1.0, "III": 0.4, "aVR": -0.8, "aVL": 0.1, "aVF": 0.7}
    weights |= {"V1": -0.6, "V2": -0.3, "V3": 0.4, "V4": 1.0, "V5": 1.0, "V6": 0.8}
    return recorded(heart * np.float32([weights[lead] for lead in LEADS]), 500.0, LEADS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (arms_exchanged, "those of the arms"),
        (arm_and_leg_exchanged, "two limb electrodes seem exchanged"),
        (chest_exchanged(0, 3), "V1 and V4 seem exchanged"),
        (chest_exchanged(1, 5), "V2 and V6 seem exchanged"),
    ],
)
def test_exchanged_electrodes_are_named(change, words):
    assert told(twelve(), ("II", "V1")) == []
    (sentence,) = told(change(twelve()), ("II", "V1"))
    assert words in sentence


def test_a_heart_on_the_right_side_is_no_exchange():
    recording = arms_exchanged(twelve())
    x = recording.signal_mV().copy()
    x[:, 6:] *= -1
    assert not any("limb" in sentence for sentence in told(replace(recording, source=ArraySource(x)), ("II", "V1")))


@pytest.mark.data
def test_exchanged_electrodes_of_real_recordings(data_root):
    from readers import open_recording

    paths = sorted((data_root / "ptbxl").rglob("*_lr.hea"))[:60]
    recordings = [open_recording(path) for path in paths]
    due = {
        "limb electrodes": (arms_exchanged, arm_and_leg_exchanged),
        "chest leads": (chest_exchanged(0, 3), chest_exchanged(1, 4)),
    }
    for kind, changes in due.items():
        assert np.mean([kind in warned(one) for one in recordings]) <= 0.02
        for change in changes:
            assert np.mean([kind in warned(change(one)) for one in recordings]) >= 0.75


@pytest.mark.data
@pytest.mark.parametrize("noise", ["bw", "em", "ma"])
def test_noise_of_nstdb(data_root, noise):
    assert np.mean(["noise" in warned(one) for one in noises(data_root / "nstdb" / noise)]) >= 0.8


def test_the_analyses_say_it(tmp_path):
    from ecgviz.analysis.beats import analyse_beats
    from models import load_checkpoint

    x = np.random.default_rng(0).standard_normal((7200, 2)).astype(np.float32)
    beats = analyse_beats(recorded(x, 360.0), load_checkpoint("beat-strip"))
    assert any("noise more than ECG" in sentence for sentence in beats.warnings)
    halted = analyse_beats(recorded(x, 360.0), load_checkpoint("beat-strip"), should_stop=lambda: True)
    assert not any("no beat" in sentence for sentence in halted.warnings)


def test_the_analysis_of_a_whole_recording_says_it(tmp_path):
    from ecgviz.analysis.records import analyse_record
    from models import load_checkpoint
    from models.tasks.record import RecordTask
    from tests.ecgviz.simulated import save_record_checkpoint

    checkpoint = load_checkpoint(save_record_checkpoint(tmp_path / "small", RecordTask(segment_seconds=10.0)))
    recording = replace(twelve_leads(10.0), name="case")
    noise = np.random.default_rng(0).standard_normal((1000, 12)).astype(np.float32)
    noisy = replace(recording, source=ArraySource(noise))
    assert any("noise more than ECG" in s for s in analyse_record(noisy, checkpoint).warnings)
    assert not any("noise more than ECG" in s for s in analyse_record(recording, checkpoint).warnings)
