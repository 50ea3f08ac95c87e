"""The default network's answer depends on the heart, not on the recorder: labels, R peaks, maps at any rate and gain.

The reference is the same piece at 360 Hz. Pieces of MIT-BIH are resampled; drawn sinus rhythm needs no data.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from ecgviz.analysis import analyse_beats
from ecgviz.analysis.summary import summarise
from ecgviz.results import Beats
from ecgviz.saliency.beat import explain_beats
from ecgviz.signals.quality import assess_quality
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, Checkpoint
from models.metrics.beats import match_beats
from readers import open_recording
from readers.recording import ArraySource, Recording
from tests.models.tasks.test_invariance import RATES, heart

RECORDS = ("100", "119", "208", "214", "222", "231")


@pytest.fixture(scope="module")
def network() -> Checkpoint:
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


def recording(samples: np.ndarray, fs: float) -> Recording:
    leads = ("MLII", "V1")[: samples.shape[1]]
    source = ArraySource(samples.astype(np.float32))
    return Recording("made", fs, len(samples), leads, ("mV",) * len(leads), source, "array")


def agreement(one: Beats, other: Beats, within_s: float) -> float:
    """Share of the beats of both that have a twin in the other with the same label, near enough."""
    to_other, _ = match_beats(one.time_s, other.time_s, within_s)
    same = (to_other >= 0) & (one.label == other.label[to_other])
    return 2 * same.sum() / max(len(one) + len(other), 1)


def near(fs: float) -> float:
    """8 ms, and half a sample of either recording: R peaks are sample numbers."""
    return 0.008 + 0.5 / fs + 0.5 / 360


@settings(max_examples=30, deadline=None)
@example(fs=360, seconds=75, place=0.5, share=0.3125, level=np.nan, both=True)  # the first strip ends in the gap
@example(fs=250, seconds=75, place=0.3, share=0.11, level=5.0, both=True)
@example(fs=250, seconds=75, place=0.3, share=0.11, level=np.nan, both=False)
@example(fs=50, seconds=10, place=0.5, share=0.25, level=0.07, both=True)  # a flat line like no other around
@example(fs=125, seconds=10, place=0.5, share=0.2, level=0.07, both=True)
@given(
    fs=st.sampled_from(RATES),
    seconds=st.sampled_from([10, 31, 75]),
    place=st.floats(0.25, 0.6),
    share=st.floats(0, 0.35),
    level=st.sampled_from([np.nan, 5.0, -300.0, 0.07]),
    both=st.booleans(),
)
def test_sinus_rhythm_is_n_whatever_part_of_it_is_missing(fs, seconds, place, share, level, both) -> None:
    """Not recorded, or a line at some voltage while the electrode was off; on both leads, or on the one that decides.

    A beat of which the line cuts off a part may be another.
    """
    signal, _ = heart(fs, seconds)
    signal[round(place * len(signal)) : round((place + share) * len(signal)), slice(None if both else 1)] = level
    beats = analyse_beats(recording(signal, fs), load_checkpoint(DEFAULT_BEAT_CHECKPOINT))
    assert len(beats) >= 4
    cut = np.abs(beats.time_s[:, None] - seconds * np.array([place, place + share])).min(axis=1) < 0.3
    assert set(beats.label[~cut]) == {"N"}
    assert (beats.label[cut] != "N").sum() <= 1


@pytest.mark.parametrize("level", [np.nan, 5.0])
@pytest.mark.parametrize("gap_s", [0.7, 1.0, 3.0, 8.0])
def test_a_lead_that_goes_off_again_and_again_makes_no_ectopic_beats(network: Checkpoint, level, gap_s) -> None:
    signal, _ = heart(250, 120)
    for start in range(10, 120, 20):
        signal[start * 250 : round((start + gap_s) * 250)] = level
    beats = analyse_beats(recording(signal, 250), network)
    assert len(beats.gaps) == 6
    assert set(beats.label) == {"N"}
    assert np.isnan(beats.rr_before_ms).sum() == 7
    assert np.nanmax(beats.rr_before_ms) < 1200


@pytest.mark.parametrize("level", [np.nan, 5.0])
def test_ten_seconds_with_a_gap_have_a_heart_rate_and_are_usable_beside_it(network: Checkpoint, level: float) -> None:
    signal, _ = heart(250, 10)
    whole = recording(signal, 250)
    signal = signal.copy()
    signal[1000:1750] = level
    broken = recording(signal, 250)
    found = [
        summarise(analyse_beats(one, network), assess_quality(lambda a, b, s=one: s.signal_mV(a, b)[:, 0], 250, 2500))
        for one in (whole, broken)
    ]
    assert [one.usable_share for one in found] == pytest.approx([1.0, 0.7], abs=0.01)
    assert found[1].rate_median == pytest.approx(found[0].rate_median, rel=0.05)
    assert found[1].pauses == ()


@pytest.mark.data
@pytest.mark.parametrize("gap_s", [1.0, 2.0, 4.0])
def test_strips_of_normal_people_with_a_gap_stay_normal(data_root: Path, network: Checkpoint, gap_s: float) -> None:
    """Numbers that end in 0 validate: no network was trained on them. Without a gap 99.4% are N; R peaks at the gap's
    edge may be none."""
    rows = csv.DictReader((data_root / "cinc2017" / "labels.csv").open())
    names = [row["record"] for row in rows if row["label"] == "N" and row["record"].endswith("0")][:24]
    labels: list[str] = []
    for name in names:
        whole = open_recording(data_root / "cinc2017" / name)
        samples = whole.signal_mV()[-round(10 * whole.fs) :]
        samples[round(4 * whole.fs) : round((4 + gap_s) * whole.fs)] = np.nan
        labels += analyse_beats(recording(samples, whole.fs), network).label.tolist()
    assert np.mean(np.array(labels) == "N") > 0.97


@pytest.mark.parametrize("fs", RATES)
def test_sinus_rhythm_is_n_at_any_rate_and_length(network: Checkpoint, fs: float) -> None:
    labels: list[str] = []
    for seconds in (4, 10, 31, 75):
        signal, peak_s = heart(fs, seconds)
        beats = analyse_beats(recording(signal, fs), network)
        assert len(beats) == len(peak_s)
        assert np.abs(beats.time_s - peak_s).max() < near(fs)
        labels += beats.label.tolist()
    assert labels.count("N") >= 0.99 * len(labels)


@settings(max_examples=25, deadline=None)
@given(
    fs=st.sampled_from(RATES[1:]),
    gain=st.floats(0.1, 10),
    offset_mV=st.floats(-10, 10),
    wander_mV=st.floats(0, 0.3),
    shift=st.integers(0, 5000),
    seconds=st.floats(3, 70),
    turned=st.booleans(),
    leads=st.sampled_from([1, 2]),
    stored=st.sampled_from(["float32", "int16"]),
)
def test_sinus_rhythm_is_n_whatever_the_recorder(
    network, fs, gain, offset_mV, wander_mV, shift, seconds, turned, leads, stored
) -> None:
    signal, _ = heart(fs, seconds + 5)
    signal = signal[shift % round(5 * fs) :, :leads] * (-1 if turned else 1)
    wander = wander_mV * np.sin(2 * np.pi * 0.2 * np.arange(len(signal)) / fs)[:, None]
    recorded = gain * (signal + wander) + offset_mV
    if stored == "int16":
        recorded = np.rint(recorded * 1000).astype(np.int16) / 1000
    beats = analyse_beats(recording(recorded, fs), network)
    assert len(beats) >= seconds - 1
    # One beat at an edge, of which half is cut off, may be another.
    assert (beats.label != "N").sum() <= max(1, 0.01 * len(beats))


@pytest.mark.data
@pytest.mark.parametrize("fs", RATES)
def test_real_pieces_have_the_labels_of_360_hz(network: Checkpoint, data_root: Path, fs: float) -> None:
    """Pooled over six records: sinus, bundle branch block, ectopic beats, fusion, flutter; two minutes of each.

    At 50 Hz nothing above 22 Hz is left of a QRS, so fewer labels of ectopic and fused beats are the same.
    """
    same, total = 0.0, 0
    for name in RECORDS:
        whole = open_recording(data_root / "mitdb" / name)
        samples = whole.signal_mV(100_000, 100_000 + 120 * 360).astype(float)
        reference = analyse_beats(recording(samples, 360.0), network)
        other = samples if fs == 360 else resample_poly(samples, fs, 360, axis=0, padtype="line")
        found = analyse_beats(recording(other, float(fs)), network)
        n = len(reference) + len(found)
        same, total = same + agreement(reference, found, near(fs)) * n, total + n
    assert same / total >= (0.96 if fs == 50 else 0.99)


@pytest.mark.data
def test_real_pieces_upside_down_have_the_same_labels(network: Checkpoint, data_root: Path) -> None:
    same, total = 0.0, 0
    for name in RECORDS:
        samples = open_recording(data_root / "mitdb" / name).signal_mV(100_000, 100_000 + 120 * 360).astype(float)
        one, other = (analyse_beats(recording(sign * samples, 360.0), network) for sign in (1, -1))
        same, total = same + agreement(one, other, near(360)) * len(one), total + len(one)
    assert same / total >= 0.99


@pytest.mark.parametrize("fs", [100, 125, 250, 500, 1000])
def test_the_map_of_a_beat_is_that_of_360_hz(network: Checkpoint, fs: float) -> None:
    """Of nine beats together: an R peak that is rounded into the next cell of 17 ms moves the map of one beat."""
    time_s = np.linspace(2, 20, 1080)
    curves, resolutions = [], set()
    for rate in (360, fs):
        signal, _ = heart(rate, 30)
        one = recording(3.7 * signal + 2, float(rate))
        beats = analyse_beats(one, network)
        maps = explain_beats(one, network, beats, range(8, 17), method="hires_cam", target="N")
        curves.append(sum(np.interp(time_s, found.time_s, found.values) for found in maps))
        resolutions |= {round(found.resolution_ms, 3) for found in maps}
    assert len(resolutions) == 1
    assert np.corrcoef(*curves)[0, 1] > 0.9
