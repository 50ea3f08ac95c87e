"""ST level on beats with a level that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from ecgviz.holter.st_level import BANDWIDTH, FEWEST_BEATS, StMinutes, st_trend
from ecgviz.results import Beats
from readers.recording import ArraySource, Recording
from tests.ecgviz.holter.made import CLASSES, beats, recording

FS = 250.0


def ecg(levels_mV: list[float], rate: float = 60.0, wander_mV: float = 0.0, unit: str = "mV", qrs_s: float = 0.012):
    """A lead with a P wave, a QRS and a T wave; in each minute the line from the QRS to the T wave lies at a level."""
    n = round(60 * len(levels_mV) * FS)
    time_s = np.arange(n) / FS
    at = np.arange(0.5, time_s[-1] - 1, 60 / rate)
    x = np.zeros(n)
    for beat in at:
        t = time_s[max(round((beat - 0.4) * FS), 0) : round((beat + 0.6) * FS)] - beat
        place = slice(max(round((beat - 0.4) * FS), 0), max(round((beat - 0.4) * FS), 0) + len(t))
        level = levels_mV[min(int(beat // 60), len(levels_mV) - 1)]
        x[place] += 0.12 * np.exp(-(((t + 0.16) / 0.02) ** 2)) + 1.2 * np.exp(-((t / qrs_s) ** 2))
        x[place] += level / (1 + np.exp(-(t - 0.035) / 0.004)) / (1 + np.exp((t - 0.19) / 0.01))
        x[place] += 0.2 * np.exp(-(((t - 0.27) / 0.04) ** 2)) * (rate < 100)
    x += wander_mV * np.sin(2 * np.pi * 0.2 * time_s)
    recording = Recording("made", FS, n, ("II",), (unit,), ArraySource(x[:, None].astype(np.float32)), "array")
    sample = np.rint(at * FS).astype(np.int64)
    prob = np.zeros((len(at), 5), np.float32)
    prob[:, 0] = 1
    return recording, Beats(sample, prob, CLASSES, FS, "made", ("II",))


def test_the_level_of_each_minute_is_found():
    levels = [0.0, 0.1, -0.2, 0.3, 0.0]
    trend = st_trend(*ecg(levels))
    assert trend.leads == ("II",)
    np.testing.assert_allclose(trend.level_mV[:, 0], levels, atol=0.02)
    assert (trend.j_plus_ms == 80).all()
    (low, low_s), (high, high_s) = trend.extremes("II")
    assert (low, low_s, high, high_s) == (pytest.approx(-0.2, abs=0.02), 120.0, pytest.approx(0.3, abs=0.02), 180.0)
    assert BANDWIDTH in trend.limits


def test_a_line_that_wanders_changes_nothing():
    still, wandering = (st_trend(*ecg([0.1, -0.1], wander_mV=wander)) for wander in (0.0, 0.5))
    np.testing.assert_allclose(wandering.level_mV, still.level_mV, atol=0.02)


def test_a_fast_minute_is_read_earlier():
    trend = st_trend(*ecg([0.1, 0.1], rate=130))
    assert (trend.j_plus_ms == 60).all()
    np.testing.assert_allclose(trend.level_mV[:, 0], 0.1, atol=0.03)


def test_beats_of_other_classes_do_not_count():
    recording, beats = ecg([0.2, 0.2])
    prob = beats.prob.copy()
    prob[: 55 + FEWEST_BEATS] = np.eye(5)[2]
    few = Beats(beats.sample, prob, CLASSES, FS, "made", ("II",))
    trend = st_trend(recording, few)
    assert np.isnan(trend.level_mV[0, 0])
    assert trend.beats.tolist()[0] == 0
    assert trend.level_mV[1, 0] == pytest.approx(0.2, abs=0.02)


def test_what_cannot_be_assessed_says_so():
    unknown = st_trend(*ecg([0.1], unit="unknown"))
    assert not unknown.assessed
    assert any("unit is not known: II" in one for one in unknown.limits)
    wide = st_trend(*ecg([0.1], qrs_s=0.06))
    assert not wide.assessed
    assert any("behind a wide QRS" in one for one in wide.limits)
    recording, beats = ecg([0.1])
    empty = st_trend(recording, beats.take(slice(0, 0)))
    assert not empty.assessed
    assert empty.extremes("II") is None
    assert any("no minute has" in one for one in empty.limits)


def test_missing_samples_leave_out_their_beats():
    recording, beats = ecg([0.1, 0.1])
    samples = recording.signal_mV().copy()
    samples[: round(60 * FS)] = np.nan
    trend = st_trend(Recording("made", FS, recording.n_samples, ("II",), ("mV",), ArraySource(samples), "array"), beats)
    assert np.isnan(trend.level_mV[0, 0])
    assert trend.level_mV[1, 0] == pytest.approx(0.1, abs=0.02)


@pytest.mark.data
def test_on_a_real_recording_the_level_is_that_of_its_own_median_beat(data_root: Path):
    """Record 103, whose ST segment lies at the line; a constant added to the signal is no ST level."""
    from models.data.aami import aami_classes
    from readers import open_recording

    recording = open_recording(data_root / "mitdb" / "103")
    column = aami_classes(recording.annotations.symbol)
    at, column = recording.annotations.sample[column >= 0], column[column >= 0]
    beats = Beats(at, np.eye(5, dtype=np.float32)[column], CLASSES, recording.fs, "reference", recording.leads)
    trend = st_trend(recording, beats)
    assert np.isfinite(trend.level_mV).mean() > 0.9
    assert np.nanmax(np.abs(trend.level_mV)) < 0.1
    raised = Recording(
        "raised", recording.fs, recording.n_samples, recording.leads, recording.units,
        ArraySource(recording.signal_mV() + 2.0), "array",
    )  # fmt: skip
    np.testing.assert_allclose(st_trend(raised, beats).level_mV, trend.level_mV, atol=1e-4)


@given(st.lists(st.tuples(st.integers(0, 399), st.sampled_from("NV")), min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_minutes_measured_before_change_no_level(edits):
    letters, minutes = ["N"] * 400, StMinutes()
    opened = recording(beats("N" * 400, 0.75), 310.0)
    for place, letter in edits:
        letters[place] = letter
        made = beats("".join(letters), 0.75)
        again, fresh = st_trend(opened, made, minutes=minutes), st_trend(opened, made)
        assert again.marks_s == fresh.marks_s
        assert_array_equal(again.level_mV, fresh.level_mV)
        assert_array_equal(again.beats, fresh.beats)


def test_an_edit_reads_its_own_minute_again_and_no_other():
    opened, minutes = recording(beats("N" * 400, 0.75), 310.0), StMinutes()
    st_trend(opened, beats("N" * 400, 0.75), minutes=minutes)
    before = dict(minutes.levels)
    st_trend(opened, beats("N" * 200 + "V" + "N" * 199, 0.75), minutes=minutes)
    assert [number for number, found in minutes.levels.items() if found is not before[number]] == [2]
