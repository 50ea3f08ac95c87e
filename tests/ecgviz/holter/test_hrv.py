"""Heart rate variability against formulas, planted waves, and what must not count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.holter.hrv import FEWEST_NN, NN, nn_intervals, variability
from ecgviz.results import RhythmEpisode
from tests.ecgviz.holter.made import beats, quality


def intervals_of(rr_ms: np.ndarray, keep: np.ndarray | None = None) -> NN:
    """Intervals one behind the other, of which some are kept."""
    time_s = np.cumsum(rr_ms) / 1000
    beat = np.arange(1, len(rr_ms) + 1)
    kept = np.ones(len(rr_ms), bool) if keep is None else keep
    return NN(rr_ms[kept], time_s[kept], beat[kept], float(kept.mean()), float(rr_ms[kept].sum()) / 3.6e6)


def waves(seconds: float, lf_ms: float, hf_ms: float) -> np.ndarray:
    """RR intervals of 1 s that swing at 0.1 and 0.25 Hz with these amplitudes."""
    time_s, rr = 0.0, []
    while time_s < seconds:
        rr.append(1000 + lf_ms * np.sin(2 * np.pi * 0.1 * time_s) + hf_ms * np.sin(2 * np.pi * 0.25 * time_s))
        time_s += rr[-1] / 1000
    return np.array(rr)


def test_only_intervals_between_normal_beats_count():
    made = beats("NNNVNNSNNFNN")
    assert nn_intervals(made).beat.tolist() == [1, 2, 5, 8, 11]
    assert nn_intervals(made).share == pytest.approx(5 / 11)


def test_gaps_noise_fibrillation_and_impossible_intervals_do_not():
    made = beats("N" * 50, 1.0)
    assert len(nn_intervals(made).beat) == 49
    assert set(range(50)) - set(nn_intervals(beats("N" * 50, 1.0, gaps=[(10.2, 10.9)])).beat) == {0, 10}
    # Beats lie at 1, 2, ... 50 s: noise from 10 to 20 s touches the intervals that end at 11 to 20 s.
    assert set(range(50)) - set(nn_intervals(made, quality(".n....")).beat) == {0, *range(10, 20)}
    rhythms = [
        RhythmEpisode(0, 20.5, "N", 1.0),
        RhythmEpisode(20.5, 30.5, "AFIB", 1.0),
        RhythmEpisode(30.5, 60, "N", 1),
    ]
    assert set(range(50)) - set(nn_intervals(beats("N" * 50, 1.0, rhythms=rhythms)).beat) == {0, *range(20, 31)}
    assert nn_intervals(beats("NNNN", [0.28, 2.04, 1.0])).beat.tolist() == [3]


def test_an_early_beat_in_fibrillation_is_no_normal_beat():
    rhythms = [RhythmEpisode(0, 100, "AFIB", 1.0)]
    made = beats("NNSNN", rhythms=rhythms)
    assert "".join(made.label) == "NNNNN"
    assert len(nn_intervals(made).beat) == 0


def test_measures_are_the_formulas_of_the_task_force():
    generator = np.random.default_rng(0)
    rr = generator.normal(850, 60, 2000)
    found = variability(intervals_of(rr))
    steps = np.diff(rr)
    assert found.mean_nn_ms == pytest.approx(rr.mean())
    assert found.sdnn_ms == pytest.approx(rr.std(ddof=1))
    assert found.rmssd_ms == pytest.approx(np.sqrt((steps**2).mean()))
    assert found.pnn50 == pytest.approx(100 * (np.abs(steps) > 50).mean(), rel=2e-3)
    minutes = (np.cumsum(rr) / 1000 // 300).astype(int)
    whole = [rr[minutes == one].mean() for one in range(minutes[-1] + 1) if rr[minutes == one].sum() >= 60_000]
    assert found.sdann_ms == pytest.approx(np.std(whole, ddof=1))
    assert found.sd1_ms == pytest.approx(np.std(steps, ddof=1) / np.sqrt(2))
    assert found.sd1_ms**2 + found.sd2_ms**2 == pytest.approx(2 * found.sdnn_ms**2, rel=0.01)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.filterwarnings("ignore")
def test_values_are_those_of_neurokit2(seed):
    import neurokit2

    generator = np.random.default_rng(seed)
    rr = waves(900, *generator.uniform(10, 60, 2))
    rr = rr + generator.normal(0, 15, len(rr))
    keep = generator.random(len(rr)) > 0.03
    made = intervals_of(rr, keep)
    found = variability(made)
    theirs = neurokit2.hrv_time({"RRI": made.rr_ms, "RRI_Time": made.time_s}).iloc[0]
    for ours, name in (("mean_nn_ms", "MeanNN"), ("sdnn_ms", "SDNN"), ("rmssd_ms", "RMSSD"), ("pnn50", "pNN50")):
        assert getattr(found, ours) == pytest.approx(theirs[f"HRV_{name}"], rel=1e-9), name
    powers = []
    for one in range(3):
        inside = made.time_s // 300 == one
        times = made.time_s[inside]
        of_segment = {"RRI": made.rr_ms[inside], "RRI_Time": times - times[0]}
        powers.append(neurokit2.hrv_frequency(of_segment, normalize=False, silent=True).iloc[0])
    assert found.segments == 3
    assert found.lf_ms2 == pytest.approx(np.mean([one["HRV_LF"] for one in powers]), rel=1e-9)
    assert found.hf_ms2 == pytest.approx(np.mean([one["HRV_HF"] for one in powers]), rel=1e-9)


def test_differences_across_a_break_do_not_count():
    """Two halves of constant intervals: their only step lies where intervals were left out."""
    rr = np.concatenate([np.full(200, 800.0), np.full(5, 900.0), np.full(200, 1000.0)])
    keep = np.ones(405, bool)
    keep[200:205] = False
    found = variability(intervals_of(rr, keep))
    assert (found.rmssd_ms, found.pnn50, found.sd1_ms) == (0.0, 0.0, 0.0)
    assert found.sdnn_ms == pytest.approx(100, rel=0.01)


def test_planted_waves_are_found_in_their_bands():
    found = variability(intervals_of(waves(1800, 50, 30)))
    assert found.segments == 6
    assert found.lf_ms2 == pytest.approx(50**2 / 2, rel=0.05)
    assert found.hf_ms2 == pytest.approx(30**2 / 2, rel=0.1)
    assert found.lf_hf == pytest.approx(found.lf_ms2 / found.hf_ms2)
    slow = variability(intervals_of(waves(1800, 50, 0)))
    assert slow.lf_hf > 50


def test_half_empty_segments_have_no_spectrum():
    rr = waves(1500, 40, 20)
    keep = np.ones(len(rr), bool)
    keep[(np.cumsum(rr) / 1000 % 300 < 60)] = False
    found = variability(intervals_of(rr, keep))
    assert (found.segments, np.isnan(found.lf_hf)) == (0, True)
    assert np.isfinite(found.sdann_ms)
    assert any("No segment" in one for one in found.cautions)
    assert any("80%" in one for one in found.cautions) == (found.share < 0.8)


def test_too_few_intervals_say_so():
    found = variability(intervals_of(np.full(FEWEST_NN - 1, 800.0)))
    assert np.isnan([found.sdnn_ms, found.rmssd_ms, found.lf_hf]).all()
    assert "too few" in found.cautions[0]
    assert variability(nn_intervals(beats(""))).intervals == 0


def test_it_ends_when_told_to():
    done = []
    found = variability(
        intervals_of(waves(1500, 40, 20)), progress=lambda *one: done.append(one), should_stop=lambda: len(done) == 2
    )
    assert found.segments == len(done) == 2


@given(st.text("NNNNNNVS", min_size=2, max_size=80), st.lists(st.floats(0.2, 2.4), min_size=79, max_size=79))
def test_every_interval_that_counts_is_between_two_normal_neighbours(labels, rr):
    made = beats(labels, rr[: len(labels) - 1])
    found = nn_intervals(made)
    assert all(labels[at] == labels[at - 1] == "N" for at in found.beat)
    assert (found.rr_ms >= 300).all()
    assert (found.rr_ms <= 2000).all()
    assert 0 <= found.share <= 1
