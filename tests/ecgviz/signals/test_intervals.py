"""Median beats and the basic intervals, on beats whose waves are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgviz.figures.record_labels import median_beat_figure
from ecgviz.signals.intervals import LEADS_FOR_P, measure_intervals
from ecgviz.signals.median_beat import median_beats
from ecgviz.signals.resting import measure_resting, measurement_fields
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording

RR_S = 0.84
R_AT = 0.5
LEADS = ("I", "II", "V2", "V5")


def _trapezoid(t: np.ndarray, begin: float, end: float, height: float) -> np.ndarray:
    """A smooth wave that begins and ends at known times."""
    inside = (t >= begin) & (t <= end)
    return np.where(inside, height * np.sin(np.pi * (t - begin) / (end - begin)) ** 2, 0.0)


def _recording(fs: float = 500.0, *, p: bool = True, odd: int | None = None, noise: float = 0.005) -> Recording:
    """P from -0.18 s, QRS from -0.05 to 0.05 s, T until 0.36 s around each R; ``odd`` is an ectopic beat."""
    t = np.arange(round(10 * fs)) / fs
    samples = np.zeros((len(t), len(LEADS)))
    for number, at in enumerate(np.arange(R_AT, 9.6, RR_S)):
        for lead, size in enumerate((0.8, 1.2, 1.5, 1.1)):
            if number == odd:
                samples[:, lead] += _trapezoid(t - at, -0.12, 0.14, -1.5 * size)
                continue
            samples[:, lead] += _trapezoid(t - at, -0.05, 0.05, size) + _trapezoid(t - at, 0.16, 0.36, 0.3 * size)
            if p:
                samples[:, lead] += _trapezoid(t - at, -0.18, -0.08, 0.15 * size)
    samples += noise * np.random.default_rng(0).standard_normal(samples.shape)
    return Recording("simulated", fs, len(t), LEADS, ("mV",) * 4, ArraySource(samples.astype(np.float32)), "array")


@pytest.mark.parametrize("fs", [100.0, 360.0, 500.0, 1000.0])
def test_intervals_of_known_waves(fs: float) -> None:
    found = measure_intervals(median_beats(_recording(fs)))
    assert found.rate == pytest.approx(60 / RR_S, rel=0.01)
    assert found.pr_ms == pytest.approx(130, abs=25)
    assert found.qrs_ms == pytest.approx(100, abs=25)
    assert found.qt_ms == pytest.approx(410, abs=30)
    assert found.qtc_bazett_ms == pytest.approx(found.qt_ms / math.sqrt(RR_S), rel=0.02)
    assert found.qtc_fridericia_ms == pytest.approx(found.qt_ms / RR_S ** (1 / 3), rel=0.02)


def test_without_p_waves_there_is_no_pr() -> None:
    found = measure_intervals(median_beats(_recording(p=False)))
    assert math.isnan(found.pr_ms)
    assert found.qrs_ms == pytest.approx(100, abs=25)


def test_an_ectopic_beat_is_left_out() -> None:
    plain, mixed = median_beats(_recording()), median_beats(_recording(odd=4))
    assert mixed.count < mixed.found
    np.testing.assert_allclose(mixed.samples, plain.samples, atol=0.05)


def test_gaps_and_dead_leads_do_not_stop_it() -> None:
    recording = _recording()
    samples = recording.signal_mV().copy()
    samples[:, 0] = np.nan
    samples[1000:1100, 1] = np.nan
    found = median_beats(replace(recording, source=ArraySource(samples)))
    assert np.isfinite(found.samples).all()
    assert measure_intervals(found).qrs_ms == pytest.approx(100, abs=30)


@pytest.mark.parametrize("level", [np.nan, 3.0])
def test_the_time_across_a_gap_is_no_rr_interval(level: float) -> None:
    whole = _recording()
    samples = whole.signal_mV().copy()
    samples[round(4 * whole.fs) : round(7 * whole.fs)] = level
    longest = measure_intervals(median_beats(whole)).rr_range_s[1]
    found = measure_intervals(median_beats(replace(whole, source=ArraySource(samples))))
    assert found.rr_range_s[1] < longest + 0.05
    assert found.rate == pytest.approx(measure_intervals(median_beats(whole)).rate, rel=0.02)


def test_no_beats_no_median() -> None:
    flat = replace(_recording(), source=ArraySource(np.zeros((5000, 4), np.float32)))
    assert median_beats(flat) is None
    assert median_beats(_recording(), 9.0) is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_median_beat_is_drawn_with_its_marks(theme: str) -> None:
    median = median_beats(_recording())
    figure = median_beat_figure(median, measure_intervals(median), theme=theme)
    assert len(figure.to_json()) < 600_000
    lines = [shape for shape in figure.layout.shapes if shape.line.dash == "dot"]
    assert len(lines) == 4
    assert lines[1].x0 - lines[0].x0 == pytest.approx(0.13, abs=0.03)


def test_on_a_narrow_paper_the_settings_stay_below_the_names_of_the_marks() -> None:
    median = median_beats(_recording())
    notes = {
        note.text: note
        for note in median_beat_figure(median, measure_intervals(median), width_px=560).layout.annotations
    }
    (printed,) = [text for text in notes if "mm/mV" in text]
    assert "<br>" not in printed
    assert notes["QRS"].yshift > notes[printed].font.size


@pytest.mark.parametrize(("width_px", "named"), [(330, False), (1000, True)])
def test_the_marks_of_twelve_leads_are_named_where_the_words_have_room(width_px, named) -> None:
    four = _recording()
    twelve = replace(
        four, leads=TWELVE_LEADS, units=("mV",) * 12, source=ArraySource(np.tile(four.signal_mV(), (1, 3)))
    )  # fmt: skip
    median = median_beats(twelve)
    figure = median_beat_figure(median, measure_intervals(median), width_px=width_px)
    assert len(figure.layout.shapes) >= 12, "the lines themselves stay"
    assert any(note.text == "QRS" for note in figure.layout.annotations) is named


@pytest.mark.data
def test_intervals_of_ludb_are_near_the_cardiologists(data_root: Path) -> None:
    from benchmarks.intervals import ours, reference
    from readers import open_recording

    errors = []
    for number in range(1, 21):
        path = data_root / "ludb" / str(number)
        errors.append(ours(open_recording(path)) - reference(path))
    error = np.array(errors)
    assert (np.abs(np.nanmean(error, axis=0)) < (1, 6, 6, 6)).all()
    assert (np.nanstd(error, axis=0, ddof=1) < (1, 9, 14, 14)).all()
    assert np.isfinite(error).sum() >= 79


def test_pr_of_few_leads_is_not_told():
    whole = _recording()
    for n in (1, 2, 3):
        leads = whole.leads[:n]
        source = ArraySource(whole.signal_mV()[:, :n])
        found = measure_resting(replace(whole, leads=leads, units=whole.units[:n], source=source))
        assert math.isnan(found.intervals.pr_ms) == (n < LEADS_FOR_P)
        assert (measurement_fields(found)["pr_ms"] is None) == (n < LEADS_FOR_P)
        assert found.intervals.qrs_ms > 0
