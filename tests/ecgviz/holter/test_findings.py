"""What is told first, which strips are chosen, and which pauses are believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgviz.holter.findings import choose_strips, urgent_findings
from ecgviz.holter.numbers import holter_numbers
from ecgviz.holter.pauses import held_against_leads, pauses_of
from ecgviz.results import Beats, RhythmEpisode
from readers.recording import ArraySource
from tests.ecgviz.holter.made import CLASSES, beats, recording


def findings(made: Beats) -> dict[str, str]:
    numbers = holter_numbers(made, float(made.time_s[-1]) + 1)
    return {one.kind: one.words for one in urgent_findings(numbers, made)}


def test_a_quiet_recording_has_none():
    assert findings(beats("N" * 100)) == {}


def test_what_is_told_first_by_hand():
    labels = "N" * 60 + "VVVV" + "N" * 60 + "SSS" + "N" * 60
    rr = [0.8] * 59 + [0.4] * 4 + [0.8] * 60 + [0.35] * 3 + [0.8] * 30 + [3.2] + [0.8] * 29
    found = findings(beats(labels, rr))
    assert list(found) == ["vt", "pause", "svt"]
    assert found["vt"] == "Ventricular tachycardia: 1 run; fastest 150/min (4 beats), longest 4 beats in 1.2 s."
    assert found["pause"] == "1 pause of 3 s or more; longest 3.20 s."
    assert found["svt"].startswith("Supraventricular tachycardia: 1 run; fastest 171/min")


@pytest.mark.parametrize(
    ("labels", "rr", "kind"),
    [("N" * 60, 1.6, "bradycardia"), ("N" * 60, 1.5, None), ("NNNNV" * 12, 0.8, "v_share"), ("N" * 9 + "S", 0.8, None)],
)
def test_limits_of_rate_and_share(labels, rr, kind):
    found = findings(beats(labels, rr))
    assert (kind in found) if kind else found == {}


def test_atrial_fibrillation_counts_from_30_s_and_leads_to_the_longest_episode():
    rhythms = [
        RhythmEpisode(0, 20, "N", 1.0), RhythmEpisode(20, 45, "AFIB", 1.0), RhythmEpisode(45, 60, "N", 1.0),
        RhythmEpisode(60, 100, "AFIB", 1.0), RhythmEpisode(100, 160, "N", 1.0),
    ]  # fmt: skip
    made = beats("N" * 198, rhythms=rhythms)
    [found] = urgent_findings(holter_numbers(made, 160.0), made)
    assert (found.kind, found.time_s) == ("af", 60.0)
    short = beats("N" * 198, rhythms=[RhythmEpisode(0, 100, "N", 1.0), RhythmEpisode(100, 125, "AFIB", 1.0)])
    assert urgent_findings(holter_numbers(short, 160.0), short) == ()


def test_strips_by_rule_and_by_hand():
    labels = "N" * 30 + "VVV" + "N" * 30 + "VVVV" + "N" * 30 + "VV" + "N" * 30
    rr = [0.8] * 29 + [0.4] * 3 + [0.8] * 30 + [0.5] * 4 + [0.8] * 15 + [2.4] + [0.8] * 46
    made = beats(labels, rr)
    numbers = holter_numbers(made, 130.0)
    found = choose_strips(numbers, made, by_hand_s=[12.0])
    titles = [one.title for one in found]
    assert titles[0] == "Chosen by hand"
    assert (found[0].start_s, found[0].by_hand) == (12.0, True)
    assert any(title.startswith("Fastest VT: 3 beats, 150/min") for title in titles)
    assert any(title.startswith("Longest VT: 4 beats, 120/min") for title in titles)
    assert "Longest pause: 2.40 s" in titles
    fastest = next(one for one in found if one.title.startswith("Fastest VT"))
    assert (fastest.beat, fastest.start_s) == (30, pytest.approx(made.time_s[30]))
    assert len({(one.start_s, one.end_s) for one in found}) == len(found)


def test_one_run_that_is_fastest_and_longest_is_one_strip():
    made = beats("N" * 30 + "VVV" + "N" * 30)
    titles = [one.title for one in choose_strips(holter_numbers(made, 60.0), made)]
    assert sum("run" in title for title in titles) == 1
    assert any("Fastest ventricular run" in title and "longest ventricular run" in title for title in titles)


def test_a_pause_in_which_another_lead_goes_on_is_doubted():
    """The detector missed two beats that stand in V1."""
    every = beats("N" * 40, 1.0)
    seen = np.delete(np.arange(40), [20, 21])
    made = every.take(seen)
    both = recording(every, 45.0, missing={"II": (20, 21), "V1": (20, 21)})
    one = recording(every, 45.0, missing={"II": (20, 21)})
    found = pauses_of(made)
    assert [round(pause.rr_s) for pause in found] == [3]
    assert [pause.doubt for pause in held_against_leads(found, both, made)] == [""]
    assert [pause.doubt for pause in held_against_leads(found, one, made)] == ["other lead"]
    numbers = holter_numbers(made, 45.0, recording=one)
    assert (sum(hour.pauses for hour in numbers.hours), numbers.longest_rr.value) == (0, pytest.approx(1.0))


def test_a_pause_in_which_no_lead_keeps_its_line_is_doubted():
    """An electrode comes off: the line jumps and creeps back over seconds, and no QRS complex can be seen."""
    made = beats("N" * 40, [1.0] * 19 + [5.0] + [1.0] * 19)
    quiet = recording(made, 50.0)
    samples = quiet.signal_mV().copy()
    at = round(20.2 * quiet.fs)
    creep = 3.0 * np.exp(-np.arange(round(4.6 * quiet.fs)) / (1.5 * quiet.fs))
    samples[at : at + len(creep), 0] += creep
    one = replace(quiet, source=ArraySource(samples.copy()))
    samples[at : at + len(creep), 1] += creep
    both = replace(quiet, source=ArraySource(samples))
    found = pauses_of(made)
    doubts = [[pause.doubt for pause in held_against_leads(found, opened, made)] for opened in (quiet, one, both)]
    assert doubts == [[""], [""], ["no line"]]


@pytest.mark.data
@pytest.mark.parametrize(("name", "pauses", "doubted"), [("232", 116, 2), ("203", 1, 1)])
def test_pauses_of_real_recordings(data_root: Path, name, pauses, doubted):
    """232 has pauses in both leads; in two of them V1 shows spikes half as high as its QRS. In 203 MLII is off for
    three seconds and V1 goes on: the beats there are left out here, as a detector that reads MLII leaves them out."""
    from models.data.aami import aami_classes
    from readers import open_recording

    opened = open_recording(data_root / "mitdb" / name)
    column = aami_classes(opened.annotations.symbol)
    at, column = opened.annotations.sample[column >= 0], column[column >= 0]
    if name == "203":
        off = (at / opened.fs > 1488.7) & (at / opened.fs < 1491.5)
        assert off.sum() >= 3
        at, column = at[~off], column[~off]
    reference = Beats(at, np.eye(5, dtype=np.float32)[column], CLASSES, opened.fs, "reference", opened.leads)
    found = held_against_leads(pauses_of(reference), opened, reference)
    assert (len(found), sum(bool(one.doubt) for one in found)) == (pauses, doubted)
    assert bool(max(found, key=lambda one: one.rr_s).doubt) == (name == "203")
