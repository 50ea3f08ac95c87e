"""Counts against cases worked out by hand, and what must hold for any beats."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.holter.ectopy import ectopy_of
from ecgviz.holter.hours import Counted, hour_edges, hours_of
from ecgviz.holter.numbers import holter_numbers
from ecgviz.holter.pauses import exceeding, longest_rr, noisy_between, pauses_of
from ecgviz.holter.rates import rate_episodes, rates_of
from ecgviz.results import Beats, RhythmEpisode
from ecgviz.signals.rr import heart_rate
from tests.ecgviz.holter.made import CLASSES, beats, quality


def spans(families) -> list[tuple[int, int]]:
    return [(one.first, one.last) for one in families]


def test_ectopic_beats_by_hand():
    #                  0123456789012345678901234567890
    found = ectopy_of(beats("NVNVVNVVVNVVVVNSNSSNSSSNNVNVNVN", 0.5))
    v, s = found["V"], found["S"]
    assert (v.count, v.isolated, spans(v.couplets), spans(v.triplets)) == (13, 4, [(3, 4)], [(6, 8)])
    assert spans(v.runs) == spans(v.tachycardias) == [(6, 8), (10, 13)]
    assert (v.longest.n_beats, v.fastest.rate) == (4, pytest.approx(120))
    assert spans(v.bigeminy) == [(25, 29)]
    assert (s.count, s.isolated, spans(s.couplets), spans(s.runs)) == (6, 1, [(17, 18)], [(20, 22)])


def test_a_slow_run_is_no_tachycardia_and_the_limit_is_one():
    slow, at_limit = beats("NVVVN", 0.612), beats("NVVVN", 0.6)
    assert len(ectopy_of(slow)["V"].runs) == 1
    assert ectopy_of(slow)["V"].tachycardias == ()
    assert len(ectopy_of(at_limit)["V"].tachycardias) == 1


def test_a_gap_divides_a_run():
    rr = [0.5, 0.5, 0.5, 3.0, 0.5, 0.5]
    assert spans(ectopy_of(beats("NVVVVVN", rr))["V"].runs) == [(1, 5)]
    cut = ectopy_of(beats("NVVVVVN", rr, gaps=[(3.0, 5.0)]))["V"]
    assert (spans(cut.runs), spans(cut.couplets)) == ([(1, 3)], [(4, 5)])


def test_a_class_that_the_network_does_not_know_is_not_assessed():
    few = beats("NVVN", classes=("N", "V"))
    numbers = holter_numbers(few, 10.0)
    assert list(numbers.ectopy) == ["V"]
    assert list(numbers.hours[0].ectopic) == ["V"]


def test_pauses_by_hand():
    found = pauses_of(beats("NNVNNN", [1.9, 0.5, 2.0, 2.5, 3.1]))
    assert [(one.beat, one.after, round(one.rr_s, 3)) for one in found] == [(2, "V", 2.0), (3, "N", 2.5), (4, "N", 3.1)]
    assert exceeding(found) == {2.0: 3, 2.5: 2, 3.0: 1}


def test_a_gap_is_no_pause_and_noise_is_told():
    rr = [1.0] * 9 + [4.0] + [1.0] * 9 + [4.0, 1.0]
    made = beats("N" * 22, rr, gaps=[(10.5, 13.5)])
    assert [one.beat for one in pauses_of(made)] == [19]
    assert longest_rr(made).value == pytest.approx(4.0)
    assert longest_rr(made).beat == 19
    [noisy] = pauses_of(made, quality("..n"))
    assert noisy.doubt == "noise"
    assert exceeding([noisy]) == {2.0: 0, 2.5: 0, 3.0: 0}
    assert longest_rr(made, [noisy]).value == pytest.approx(1.0)
    [flat] = pauses_of(made, quality("..f"))
    assert flat.doubt == ""  # what is flat may be asystole


def test_noise_between_two_times():
    marks = quality(".n..n")
    start = np.array([0.0, 5.0, 12.0, 20.0, 25.0, 39.0])
    end = np.array([9.9, 10.5, 13.0, 40.0, 30.0, 41.0])
    np.testing.assert_array_equal(noisy_between(marks, start, end), [False, True, True, False, False, True])
    assert not noisy_between(None, start, end).any()


def test_rates_by_hand():
    """Twenty intervals of 1 s with eight of 0.4 s and eight of 1.6 s among them."""
    rr = [1.0] * 10 + [0.4] * 8 + [1.0] * 10 + [1.6] * 8
    made = beats("N" * 37, rr)
    found = rates_of(heart_rate(made.time_s))
    assert (found.maximum.value, found.minimum.value) == (pytest.approx(150), pytest.approx(37.5))
    assert found.mean == pytest.approx(60 * 36 / sum(rr))
    assert 11 <= found.maximum.beat <= 18
    assert 29 <= found.minimum.beat <= 36


@pytest.mark.parametrize(
    ("rr", "n", "expected"),
    [(1.25, 40, ["bradycardia"]), (0.55, 80, ["tachycardia"]), (1.25, 24, []), (1.1, 60, [])],
    ids=["48/min for 49 s", "109/min", "48/min, but shorter than 30 s", "55/min"],
)
def test_slow_and_fast_stretches(rr, n, expected):
    found = rate_episodes(beats("N" * (20 + n), [0.8] * 20 + [rr] * (n - 1)))
    assert [one.kind for one in found] == expected


def test_a_slow_stretch_by_hand():
    """Means over eight intervals are below 50/min from where six of eight last 1.5 s: (6 * 1.5 + 2 * 0.8) / 8 = 1.325
    s; with five it is 1.2375 s, 48.5/min, and with four 1.15 s, 52/min. So the stretch reaches beyond on both sides."""
    made = beats("N" * 81, [0.8] * 20 + [1.5] * 40 + [0.8] * 20)
    [found] = rate_episodes(made)
    assert found.end_s - found.start_s == pytest.approx(40 * 1.5, abs=4 * 1.5)
    assert found.rate == pytest.approx(40, abs=1.5)
    assert found.rhythm == ""


def test_an_empty_recording():
    numbers = holter_numbers(beats(""), 60.0)
    assert (numbers.n_beats, numbers.pauses, numbers.longest_rr.beat, numbers.episodes) == (0, (), -1, ())
    assert np.isnan(numbers.rates.mean)
    assert numbers.af is None
    assert holter_numbers(beats(""), 0.0).hours == ()


def test_atrial_fibrillation_by_the_hour():
    rhythms = [
        RhythmEpisode(0, 3000, "N", 1.0),
        RhythmEpisode(3000, 4200, "AFIB", 1.0),
        RhythmEpisode(4200, 7200, "N", 1.0),
    ]
    numbers = holter_numbers(beats("N" * 9000, rhythms=rhythms), 7200.0)
    assert [hour.af_min for hour in numbers.hours] == [10.0, 10.0]
    assert (numbers.af_s, numbers.af.burden) == (1200.0, pytest.approx(1 / 6))


def test_hours_of_the_clock():
    start = datetime(2026, 3, 1, 9, 45)
    assert hour_edges(7200, start).tolist() == [0, 900, 4500, 7200]
    assert hour_edges(7200).tolist() == [0, 3600, 7200]
    hours = holter_numbers(beats("N" * 9000), 7200.0, start=start).hours
    assert [hour.clock.strftime("%H:%M") for hour in hours] == ["09:45", "10:00", "11:00"]


def test_the_usable_share_of_an_hour():
    marks = quality("." * 300 + "n" * 60 + "." * 30)  # 3000 s, 600 s of noise, 300 s
    hours = holter_numbers(beats("N" * 100), 3900.0, marks).hours
    assert [hour.usable for hour in hours] == [pytest.approx(5 / 6), pytest.approx(1.0)]


LABELS = st.text("NNNNSVFQ", min_size=0, max_size=150)


@given(LABELS, st.data())
def test_however_it_is_cut_into_hours_the_counts_are_the_same(labels, data):
    rr = data.draw(st.lists(st.sampled_from([0.4, 0.8, 1.0, 2.2, 3.3]), min_size=len(labels), max_size=len(labels)))
    made = beats(labels, rr[1:]) if labels else beats("")
    duration = float(made.time_s[-1]) + 1 if labels else 10.0
    rate, ectopy, pauses = heart_rate(made.time_s), ectopy_of(made), pauses_of(made)
    for hour_s in (7.0, 60.0, 3600.0):
        hours = hours_of(Counted(made, rate, ectopy, pauses), duration, hour_s=hour_s)
        assert sum(hour.beats for hour in hours) == len(labels)
        for letter, found in ectopy.items():
            assert sum(hour.ectopic[letter] for hour in hours) == labels.count(letter) == found.count
            assert sum(hour.couplets[letter] for hour in hours) == len(found.couplets)
            assert sum(hour.runs[letter] for hour in hours) == len(found.runs)
        assert sum(hour.pauses for hour in hours) == len(pauses)
        known = [hour.rate_max for hour in hours if np.isfinite(hour.rate_max)]
        assert max(known, default=np.nan) == pytest.approx(rates_of(rate).maximum.value, nan_ok=True)


@given(LABELS.filter(lambda text: len(text) > 1), st.integers(0, 200))
def test_a_gap_between_two_recordings_keeps_their_counts_apart(labels, cut):
    """One recording with a gap counts as its two parts do."""
    at = cut % (len(labels) - 1) + 1
    first, second = labels[:at], labels[at:]
    rr = [0.5] * (at - 1) + [20.0] + [0.5] * (len(second) - 1)
    whole = ectopy_of(beats(labels, rr, gaps=[(1 + 0.5 * (at - 1) + 1, 1 + 0.5 * (at - 1) + 19)]))
    parts = [ectopy_of(beats(part, 0.5)) for part in (first, second)]
    for letter, found in whole.items():
        assert found.count == sum(part[letter].count for part in parts)
        assert found.isolated == sum(part[letter].isolated for part in parts)
        for kind in ("couplet", "triplet", "run", "tachycardia", "bigeminy", "trigeminy"):
            assert len(found.of_kind(kind)) == sum(len(part[letter].of_kind(kind)) for part in parts)


@given(LABELS)
def test_every_ectopic_beat_is_isolated_or_in_one_row(labels):
    for letter, found in ectopy_of(beats(labels)).items():
        inside = sum(one.n_beats for one in (*found.couplets, *found.runs))
        assert found.isolated + inside == labels.count(letter)
        assert set(found.triplets) | set(found.tachycardias) <= set(found.runs)


def test_a_day_is_counted_in_less_than_a_third_of_a_second():
    generator = np.random.default_rng(1)
    n = 100_000
    labels = "".join(generator.choice(list("NSV"), n, p=[0.9, 0.04, 0.06]))
    made = beats(labels, generator.uniform(0.5, 1.2, n - 1))
    took = []
    for _ in range(3):
        fresh = made.take(slice(None))
        begin = time.perf_counter()
        holter_numbers(fresh, float(made.time_s[-1]))
        took.append(time.perf_counter() - begin)
    assert min(took) <= 0.3


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "v", "couplets", "runs", "longest"),
    [("200", 826, 43, 6, 4), ("203", 444, 64, 21, 9), ("208", 992, 181, 0, 2)],
)
def test_runs_of_real_recordings(data_root: Path, name, v, couplets, runs, longest):
    """The references of MIT-BIH, and the runs found in their letters by another way: a regular expression."""
    from models.data.aami import aami_classes
    from readers import open_recording

    recording = open_recording(data_root / "mitdb" / name)
    column = aami_classes(recording.annotations.symbol)
    at, column = recording.annotations.sample[column >= 0], column[column >= 0]
    rows = [len(row) for row in re.findall("V+", "".join(CLASSES[one] for one in column))]
    assert (sum(rows), rows.count(2), sum(row >= 3 for row in rows), max(rows)) == (v, couplets, runs, longest)
    reference = Beats(at, np.eye(5, dtype=np.float32)[column], CLASSES, recording.fs, "reference", recording.leads)
    found = holter_numbers(reference, recording.duration_s).ectopy["V"]
    assert (found.count, len(found.couplets), len(found.runs)) == (v, couplets, runs)
    assert max((one.n_beats for one in found.runs), default=2) == longest
