"""Rhythms in figures: the row of the overview, the legend, and the labels on strips, on the screen and printed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.figures.overview import overview_figure
from ecgviz.figures.rhythms import RHYTHM_COLOURS, RHYTHM_WORDS, labels_in_view, rhythm_legend
from models.data.rhythms import RHYTHM_CLASSES
from models.postprocessing.rhythm_episodes import RhythmEpisode
from readers.core.lead_names import TWELVE_LEADS
from tests.ecgviz.figures.conftest import make_beats, make_recording, spiky
from tests.ecgviz.figures.strips import strip_figure, strip_file


def with_rhythms(beats, *parts: tuple[float, float, str]):
    episodes = tuple(RhythmEpisode(start, end, label, 0.9) for start, end, label in parts)
    return replace(beats, rhythms=episodes, rhythm_classes=RHYTHM_CLASSES)


def row(figure) -> dict[str, list[tuple[float, float]]]:
    """(start, end) of the bars of each rhythm."""
    return {
        trace.name.removeprefix("rhythm "): [
            (x - width / 2, x + width / 2) for x, width in zip(trace.x, trace.width, strict=True)
        ]
        for trace in figure.data
        if (trace.name or "").startswith("rhythm ")
    }


def words(figure) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def test_every_rhythm_has_words_and_a_colour_of_its_own():
    assert set(RHYTHM_WORDS) == set(RHYTHM_COLOURS) == set(RHYTHM_CLASSES)
    assert len(set(RHYTHM_COLOURS.values())) == len(RHYTHM_CLASSES)


def test_the_row_shows_episodes_where_they_are(make):
    beats = with_rhythms(
        make.beats(np.arange(100, 60_000, 80), 100.0), (0, 200, "N"), (200, 500, "AFIB"), (500, 600, "N")
    )
    figure = overview_figure(600, beats, rhythms=True)
    assert row(figure) == {
        "AFIB": [pytest.approx((200, 500))],
        "N": [pytest.approx((0, 200)), pytest.approx((500, 600))],
    }
    assert {"rhythm", "<b>AF</b>", "<b>N</b>"} <= set(words(figure))
    legend = rhythm_legend(beats.rhythms)
    assert "AF atrial fibrillation" in legend and "N sinus rhythm" in legend and "VT" not in legend
    places = next(trace for trace in figure.data if trace.name == "places")
    assert places.hovertext[150].endswith("· AFIB 0.90") and places.hovertext[10].endswith("· N 0.90")


def test_three_beats_of_a_day_are_seen_and_a_restless_day_is_small(make):
    beats = make.beats(np.arange(0, 86_400 * 100, 80), 100.0)
    calm = with_rhythms(beats, (0, 40_000, "N"), (40_000, 40_002, "VT"), (40_002, 86_400, "N"))
    [(start, end)] = row(overview_figure(86_400, calm, rhythms=True))["VT"]
    assert end - start == pytest.approx(96) and (start + end) / 2 == pytest.approx(40_001)
    edges = np.linspace(0, 86_400, 20_001)
    restless = with_rhythms(beats, *((a, b, RHYTHM_CLASSES[n % 9]) for n, (a, b) in enumerate(pairwise(edges))))
    figure = overview_figure(86_400, restless, rhythms=True, quality=np.ones(8640))
    assert len(figure.to_json()) < 600_000


def test_the_place_of_the_row_is_kept_and_not_taken_where_there_is_none(make):
    beats = make.beats(np.arange(100, 60_000, 80), 100.0)
    plain = overview_figure(600, beats)
    kept = overview_figure(600, None, rhythms=True)
    assert kept.layout.height == overview_figure(600, with_rhythms(beats, (0, 600, "N")), rhythms=True).layout.height
    assert kept.layout.height > plain.layout.height
    assert not row(plain) and "rhythm" not in words(plain)


def test_what_is_written_on_a_strip():
    episodes = [RhythmEpisode(0, 10, "N", 0.97), RhythmEpisode(10, 40, "AFIB", 0.9), RhythmEpisode(40, 60, "N", 0.8)]
    found = labels_in_view(episodes, 5, 15)
    assert [(time_s, begins, text) for time_s, begins, _, text in found] == [
        (5, False, "N 0.97"),
        (10, True, "AFIB 0.90"),
    ]
    assert [one[0] for one in labels_in_view(episodes, 20, 30)] == [20]
    assert labels_in_view(episodes, 70, 80) == []


@given(
    lengths=st.lists(st.floats(0.3, 40), min_size=1, max_size=12),
    labels=st.lists(st.sampled_from(RHYTHM_CLASSES), min_size=12, max_size=12),
    width_px=st.sampled_from([300, 390, 700, 1100, 1800]),
    layout=st.sampled_from(["stacked", "3x4 + II"]),
)
@settings(max_examples=40, deadline=None)
def test_the_names_of_rhythms_lie_above_the_leads_and_beside_each_other(lengths, labels, width_px, layout):
    leads = TWELVE_LEADS if layout != "stacked" else ("MLII", "V1")
    samples, peaks = spiky(20, 100, len(leads))
    edges = np.concatenate([[0], np.cumsum(lengths)])
    parts = [(a, b, label) for (a, b), label in zip(pairwise(edges), labels, strict=False)]
    beats = with_rhythms(make_beats(peaks, 100.0), *parts)
    figure = strip_figure(make_recording(samples, 100.0, leads), 2, 10, beats=beats, layout=layout, width_px=width_px)
    paper_px = width_px - figure.layout.margin.l - figure.layout.margin.r
    left, right = figure.layout.xaxis.range
    px_per_s, px_per_mV = (
        paper_px / (right - left),
        (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) / figure.layout.yaxis.range[1],
    )
    traces = max(float(np.nanmax(one.y)) for one in figure.data if one.name in leads)
    tags = sorted((one for one in figure.layout.annotations if one.name == "rhythm"), key=lambda one: one.x)
    for tag in tags:
        assert (tag.y - traces) * px_per_mV >= 16, "a name would cover the trace"
    ends = [tag.x + 6.6 * len(tag.text) / px_per_s for tag in tags]
    for end, following in zip(ends, [*(tag.x for tag in tags[1:]), 12.0], strict=False):
        assert end <= following + 1e-6, "a name would run into the next one, or out of the paper"


def test_a_legend_names_each_rhythm_once_and_breaks_between_them_only():
    episodes = [RhythmEpisode(n, n + 1, label, 0.9) for n, label in enumerate(RHYTHM_CLASSES * 2)]
    legend = rhythm_legend(episodes)
    assert legend.count("nowrap") == len(RHYTHM_CLASSES)
    assert all(legend.count(f" {words}<") == 1 for words in RHYTHM_WORDS.values())
    assert rhythm_legend([]) == ""


def test_the_paper_does_not_move_when_the_beats_arrive(two_leads):
    recording, beats = two_leads
    for rows, found in ((1, beats), (2, with_rhythms(beats, (0, 30, "N"))), (2, beats)):
        before = strip_figure(recording, 8, 10, rows_above=rows)
        after = strip_figure(recording, 8, 10, beats=found, rows_above=rows)
        assert before.layout.height == after.layout.height
        assert before.layout.yaxis.range == after.layout.yaxis.range
    assert strip_figure(recording, 8, 10).layout.height < before.layout.height


def test_a_strip_names_its_rhythms(two_leads):
    recording, beats = two_leads
    beats = with_rhythms(beats, (0, 12, "N"), (12, 30, "AFIB"))
    figure = strip_figure(recording, 8, 10, beats=beats)
    labels = {one.text: one for one in figure.layout.annotations if one.name == "rhythm"}
    assert {text: one.x for text, one in labels.items()} == {"N 0.90": 8, "AFIB 0.90": 12}
    assert labels["AFIB 0.90"].hovertext == "atrial fibrillation (AFIB) 0.90, 00:12 to 00:30"
    assert [shape.x0 for shape in figure.layout.shapes if shape.name == "rhythm"] == [12]
    printed = strip_file(recording, 8, 10, beats=beats, file_format="svg").decode()
    assert "AFIB 0.90" in printed and "N 0.90" in printed
    plain = strip_file(recording, 8, 10, beats=two_leads[1], file_format="svg").decode()
    assert "AFIB" not in plain
