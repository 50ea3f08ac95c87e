import json
import time
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from ecgviz.edits import How
from ecgviz.figures import geometry as geo
from ecgviz.figures.beat_marks import GONE_SIGNS, marks_in_view
from ecgviz.figures.ecg_paper import keep_place_of_map
from ecgviz.results import SaliencyMap
from ecgviz.review import editing, review_state
from ecgviz.review.events import Undo, stamped
from readers.recording import ArraySource
from tests.ecgviz.figures.strips import strip_figure, strip_file


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def texts(figure):
    return " | ".join(annotation.text or "" for annotation in figure.layout.annotations)


def test_a_millimetre_is_one_length_in_both_directions(two_leads):
    recording, _ = two_leads
    for speed, gain in ((25, 10), (50, 10), (12.5, 20)):
        layout = strip_figure(recording, 5, 10, speed_mm_s=speed, gain_mm_mV=gain, width_px=1400).layout
        assert layout.yaxis.scaleanchor == "x"
        assert layout.yaxis.scaleratio == pytest.approx(gain / speed)
        width = layout.xaxis.range[1] - layout.xaxis.range[0]
        height = layout.yaxis.range[1] - layout.yaxis.range[0]
        px = (1400 - layout.margin.l - layout.margin.r) / width
        assert layout.height - layout.margin.t - layout.margin.b == pytest.approx(height * px * gain / speed, abs=1)


@pytest.mark.parametrize(
    "names", [("EEG Fpz-Cz", "EOG horizontal"), ("a channel that somebody has named", "I"), ("x" * 64,)]
)
@pytest.mark.parametrize("width_px", [330, 820])
def test_the_margin_has_room_for_the_names_of_any_channels(two_leads, names, width_px):
    recording, _ = two_leads
    named_so = replace(recording, leads=names, source=ArraySource(recording.signal_mV()[:, : len(names)]))
    layout = strip_figure(named_so, 5, 10, width_px=width_px).layout
    beside = [one for one in layout.annotations if one.xanchor == "right" and one.text.startswith("<b>")]
    assert len(beside) == len(names)
    for one, name in zip(beside, names, strict=True):
        lines = one.text.removeprefix("<b>").removesuffix("</b>").split("<br>")
        assert len(lines) <= 2 and lines[0][:3] == name[:3]
        assert 0.64 * one.font.size * max(map(len, lines)) <= layout.margin.l - 5, "cut off"
    assert layout.margin.l < 90
    px_per_mV = (layout.height - layout.margin.t - layout.margin.b) / layout.yaxis.range[1]
    heights = [1.3 * one.font.size * len(one.text.split("<br>")) for one in beside]
    for (above, below), room in zip(pairwise(beside), map(sum, pairwise(heights)), strict=True):
        assert (above.y - below.y) * px_per_mV >= room / 2 - 2, "one name runs into the next"


@pytest.mark.parametrize("width_px", range(300, 900, 60))
def test_the_words_on_the_map_stand_beside_its_colour_bar_on_any_paper(two_leads, make, width_px):
    recording, beats = two_leads
    with_map = strip_figure(
        recording, 0, 10, beats=beats, saliency=make.map(3, 6, 4.4), map_vmax=0.5, width_px=width_px
    )
    layout, bar = with_map.layout, named(with_map, "map scale").marker.colorbar
    (words,) = [one for one in layout.annotations if (one.text or "").startswith("importance for")]
    lines, paper_px = words.text.split("<br>"), width_px - layout.margin.l - layout.margin.r
    assert 0.52 * words.font.size * max(map(len, lines)) < paper_px - bar.len - bar.xpad, "the words run into the bar"
    assert 1.3 * words.font.size * len(lines) < layout.margin.t, "the words are cut off above"
    without = strip_figure(recording, 0, 10, beats=beats, width_px=width_px)
    keep_place_of_map(without, width_px)
    assert (without.layout.height, without.layout.margin.t) == (layout.height, layout.margin.t), "the paper would jump"


@pytest.mark.parametrize("with_map", [True, False])
@pytest.mark.parametrize("width_px", [300, 340, 420])
def test_the_buttons_of_a_phone_lie_above_the_paper_and_its_words(two_leads, make, width_px, with_map):
    recording, beats = two_leads
    saliency = {"saliency": make.map(3, 6, 4.4), "map_vmax": 0.5} if with_map else {}
    layout = strip_figure(recording, 0, 10, beats=beats, width_px=width_px, **saliency).layout
    assert layout.modebar.orientation == "h"
    words = [one for one in layout.annotations if (one.text or "").startswith("importance for")]
    taken_px = sum(1.3 * one.font.size * len(one.text.split("<br>")) for one in words)
    assert layout.margin.t - taken_px >= 26, "the buttons would cover what is written or drawn"


@pytest.mark.parametrize("width_px", [320, 380, 520, 900])
def test_the_printed_settings_end_on_the_paper(two_leads, width_px):
    recording, _ = two_leads
    reads = "0.5-54 Hz at 120 Hz, MLII + another lead"
    layout = strip_figure(recording, 5, 10, network_input=reads, width_px=width_px).layout
    (printed,) = [one for one in layout.annotations if "display filter" in (one.text or "")]
    lines = printed.text.replace(" &nbsp; ", "   ").split("<br>")
    assert 0.52 * printed.font.size * max(map(len, lines)) < width_px - layout.margin.l
    assert reads in " ".join(" ".join(lines).split())
    assert len(lines) <= 3


def test_the_grid_is_millimetre_paper(two_leads):
    recording, _ = two_leads
    layout = strip_figure(recording, 5, 10).layout
    assert layout.xaxis.minor.dtick == pytest.approx(0.04) and layout.yaxis.minor.dtick == pytest.approx(0.1)
    assert np.diff(layout.xaxis.tickvals) == pytest.approx(0.2) and layout.yaxis.dtick == pytest.approx(0.5)
    assert layout.xaxis.gridcolor == "#efb3b3" and layout.xaxis.minor.gridcolor == "#f9dcdc"
    assert layout.plot_bgcolor == "#fffafa"
    dark = strip_figure(recording, 5, 10, theme="dark").layout
    assert (dark.plot_bgcolor, dark.yaxis.gridcolor, dark.yaxis.minor.gridcolor) == ("#141414", "#5c2b2b", "#331a1a")


def test_clock_labels_stand_at_their_second(make):
    samples, _ = make.spiky(4000, 50, 1)
    recording = make.recording(samples, 50.0, ["II"])
    axis = strip_figure(recording, 3599.0, 10).layout.xaxis
    at = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert at[3600.0] == "1:00:00" and at[3605.0] == "1:00:05" and at[3600.2] == ""


def test_the_trace_is_in_true_seconds_and_millivolts(two_leads):
    recording, beats = two_leads
    figure = strip_figure(recording, 5, 10)
    trace = named(figure, "MLII")
    x = trace.x0 + trace.dx * np.arange(len(trace.y))
    peaks = x[np.asarray(trace.y) > np.asarray(trace.y).max() - 0.1]
    expected = beats.time_s[(beats.time_s >= 5) & (beats.time_s <= 15)]
    np.testing.assert_allclose(peaks, expected, atol=1e-9)
    assert np.ptp(trace.y) == pytest.approx(np.ptp(recording.signal_mV(1800, 5401)[:, 0]), abs=1e-4)
    assert np.asarray(trace.customdata).max() == 1500, "hover gives uV"
    assert trace.line.width == 1 and trace.line.color == "#1a1a1a"


def test_no_webgl(two_leads):
    recording, beats = two_leads
    assert {trace.type for trace in strip_figure(recording, 0, 10, beats=beats).data} == {"scatter"}


@pytest.mark.parametrize("seconds", [5, 10, 30, 60])
@pytest.mark.parametrize("layout", ["stacked", "3x4 + II"])
def test_any_view_stays_under_600_kilobytes_and_keeps_every_r_peak(make, seconds, layout):
    samples, peaks = make.spiky(65, 1000, 12, rr_s=0.35)
    recording = make.recording(
        samples, 1000.0, ["I", "II", "III", "aVR", "aVL", "aVF", *(f"V{i}" for i in range(1, 7))]
    )
    beats = make.beats(peaks, 1000.0, leads=recording.leads)
    restless = np.random.default_rng(1).random(60_000).astype(np.float32)
    saliency = SaliencyMap(restless, np.arange(60_000) / 1000, "saliency", "V", "beat-strip", 1.0, 3)
    for style in ("band", "trace"):
        figure = strip_figure(
            recording, 0, seconds, beats=beats, saliency=saliency, map_style=style, layout=layout, selected=3
        )
        size = len(figure.to_json())
        assert size <= 600_000, (style, size)
    lane = [trace for trace in figure.data if trace.name == "II"][-1]
    height = np.asarray(lane.y)
    high = height > height.max() - 0.2
    runs = np.count_nonzero(np.diff(high.astype(int), prepend=0) == 1)
    assert runs == np.count_nonzero(peaks <= seconds * 1000)


def test_ten_seconds_of_two_leads_are_quick(two_leads):
    recording, beats = two_leads
    strip_figure(recording, 0, 10, beats=beats)
    seconds = []
    for start in range(8):
        begun = time.process_time()
        strip_figure(recording, start, 10, beats=beats, selected=start + 2)
        seconds.append(time.process_time() - begun)
    # Processor time, so that a busy machine does not decide the test; 16 ms on one core.
    assert min(seconds) < 0.05


def test_the_cost_does_not_grow_with_the_recording(make):
    peaks = np.arange(100, 86_400 * 100, 80)
    recording = make.recording(np.zeros((86_400 * 100, 1), np.int8), 100.0, ["II"])
    beats = make.beats(peaks, 100.0)
    assert len(marks_in_view(beats, 50_000, 50_010)) == np.count_nonzero((peaks >= 5_000_000) & (peaks <= 5_001_000))
    begun = time.process_time()
    figure = strip_figure(recording, 50_000, 10, beats=beats)
    assert time.process_time() - begun < 0.3
    assert len(figure.to_json()) < 100_000


def test_each_beat_has_letter_colour_and_points_that_select_it(two_leads):
    recording, beats = two_leads
    figure = strip_figure(recording, 0, 10, beats=beats, selected=4, edited=[6])
    shown = np.flatnonzero(beats.time_s <= 10)
    found = {}
    for letter in "NSVFQ":
        trace = named(figure, f"beats {letter}")
        assert trace.text == letter and trace.marker.color == geo.CLASS_COLOURS[letter]
        found |= dict.fromkeys(trace.customdata, letter)
    assert found == {int(i): beats.label[i] for i in shown}
    peaks = named(figure, "R peaks")
    assert set(peaks.customdata) == set(shown.tolist())
    k = list(peaks.customdata).index(4)
    assert peaks.x[k] == pytest.approx(beats.time_s[4], abs=1e-3)
    assert list(named(figure, "changed by hand").x) == pytest.approx([beats.time_s[6]])
    assert list(named(figure, "chosen beat").x) == pytest.approx([beats.time_s[4]])
    hover = named(figure, "beats S").hovertext[0]
    assert "supraventricular ectopic (S)" in hover and "0.92" in hover and "ms" in hover and "/min" in hover


def test_letters_stand_above_every_trace(two_leads):
    recording, beats = two_leads
    figure = strip_figure(recording, 0, 10, beats=beats)
    px_per_mV = (figure.layout.height - figure.layout.margin.t - figure.layout.margin.b) / figure.layout.yaxis.range[1]
    letters, top = named(figure, "beats N").y[0], np.nanmax(named(figure, "MLII").y)
    assert (letters - top) * px_per_mV >= 10


def test_the_band_is_below_the_traces_and_only_inside_the_window(two_leads, make):
    recording, beats = two_leads
    figure = strip_figure(recording, 0, 10, beats=beats, saliency=make.map(3, 6, 4.4), map_vmax=0.5)
    (image,) = figure.layout.images
    assert image.layer == "below" and image.name == "map MLII", "only the lead that the network read"
    assert image.x >= 2.98 and image.x + image.sizex <= 6.02
    assert image.source.startswith("data:image/png;base64,")
    assert "importance for V" in texts(figure) and "67 ms" in texts(figure)
    bar = named(figure, "map scale").marker.colorbar
    assert tuple(bar.ticktext) == ("0", "0.5")
    outside = strip_figure(recording, 15, 10, beats=beats, saliency=make.map(3, 6, 4.4))
    assert not outside.layout.images


def test_the_trace_style_colours_the_line_inside_the_window(two_leads, make):
    recording, beats = two_leads
    figure = strip_figure(recording, 0, 10, beats=beats, saliency=make.map(3, 6, 4.4), map_style="trace")
    assert not figure.layout.images
    lines = [trace for trace in figure.data if (trace.name or "").startswith("map MLII")]
    x = np.concatenate([np.asarray(trace.x, float) for trace in lines])
    assert len(lines) > 3 and np.nanmin(x) >= 3 and np.nanmax(x) <= 6.01
    widths = [trace.line.width for trace in lines]
    assert widths == sorted(widths)


def test_gaps_are_hatched_and_named(make):
    samples, _ = make.spiky(20, 360, 2)
    samples[1800:2520, 0] = np.nan
    figure = strip_figure(make.recording(samples, 360.0), 0, 10)
    hatched = named(figure, "no signal MLII")
    assert hatched.fillpattern.shape == "/"
    assert min(x for x in hatched.x if x is not None) == pytest.approx(5.0)
    assert max(x for x in hatched.x if x is not None) == pytest.approx(7.0)
    assert "no signal" in texts(figure)
    trace = named(figure, "MLII")
    x = trace.x0 + trace.dx * np.arange(len(trace.y))
    assert np.isnan(np.asarray(trace.y)[(x > 5.01) & (x < 6.99)]).all() and not trace.connectgaps


def test_empty_views_and_flat_or_missing_leads_draw_paper(make):
    recording = make.recording(np.full((3600, 2), np.nan, np.float32), 360.0)
    assert "no signal" in texts(strip_figure(recording, 0, 10))
    flat = make.recording(np.zeros((3600, 2), np.float32), 360.0)
    assert strip_figure(flat, 9.9, 10).layout.height > 100
    assert strip_figure(flat, 100, 10).layout.height > 100
    json.loads(strip_figure(recording, 0, 10).to_json())


def test_the_settings_are_printed(two_leads):
    recording, _ = two_leads
    printed = texts(
        strip_figure(recording, 0, 10, display_filter="0.5-40 Hz", network_input="0.5-45 Hz, 120 Hz", gain_mm_mV=20)
    )
    for part in ("25 mm/s", "20 mm/mV", "display filter: 0.5-40 Hz", "network input: 0.5-45 Hz, 120 Hz", "360 Hz"):
        assert part in printed


def test_an_unknown_unit_is_said(make):
    samples, _ = make.spiky(10, 100, 1)
    figure = strip_figure(make.recording(samples * 900, 100.0, ["X"], ["unknown"]), 0, 5)
    assert "unit unknown" in texts(figure) and "unit unknown" in named(figure, "X").hovertemplate
    assert not [trace for trace in figure.data if trace.name == "calibration X"]


def test_filtered_samples_come_from_the_reader_that_is_given(two_leads):
    recording, _ = two_leads
    figure = strip_figure(recording, 0, 10, leads=["V1"], read=lambda a, b: np.full((b - a, 1), 0.25, np.float32))
    assert set(named(figure, "V1").customdata) == {250}


def test_calipers_read_time_rate_and_voltage(two_leads):
    recording, _ = two_leads
    figure = strip_figure(recording, 0, 10, calipers=(4.0, 1.0, 3.2, 2.5))
    assert "800 ms · 75 /min · 1.50 mV" in texts(figure)


def test_zoom_stays_while_paging_and_goes_with_the_scale(two_leads):
    recording, _ = two_leads
    first, second = (strip_figure(recording, start, 10).layout.uirevision for start in (0, 10))
    assert first == second != strip_figure(recording, 0, 10, gain_mm_mV=20).layout.uirevision


def test_wrong_settings_say_what_would_do(two_leads, make):
    recording, _ = two_leads
    with pytest.raises(ValueError, match="light, dark"):
        strip_figure(recording, 0, 10, theme="blue")
    with pytest.raises(ValueError, match="band or trace"):
        strip_figure(recording, 0, 10, saliency=make.map(0, 3, 1), map_style="dots")
    with pytest.raises(ValueError, match="positive"):
        strip_figure(recording, 0, 0)


def test_what_was_taken_away_is_a_ghost_that_chooses_nothing_and_can_be_told_from_the_other(two_leads):
    recording, beats = two_leads
    state = review_state(beats, ())
    events = [
        stamped(editing.delete(state, [3, 30]), 1, "A", "2026-11-30T12:00:00+00:00", ""),
        stamped(editing.reject(state, [5]), 2, "A", "2026-11-30T12:00:00+00:00", ""),
    ]
    edited = review_state(beats, events).beats
    ghosts = named(strip_figure(recording, 0, 10, beats=edited), "taken away by hand")
    assert list(ghosts.x) == pytest.approx(beats.time_s[[3, 5]], abs=1e-3)  # the third is not in view
    assert len(set(ghosts.text)) == 2
    assert ghosts.customdata is None
    assert "deleted" in ghosts.hovertext[0] and "artefact" in ghosts.hovertext[1]
    for view in (beats, review_state(beats, [*events, stamped(Undo(target=1), 3, "A", "", "")]).beats):
        drawn = strip_figure(recording, 0, 10, beats=view)
        there = [list(trace.text) for trace in drawn.data if trace.name == "taken away by hand"]
        assert there == ([] if view is beats else [[GONE_SIGNS[How.REJECTED]]])
    svg = ElementTree.fromstring(strip_file(recording, 0, 10, file_format="svg", beats=edited))
    printed = [one for one in svg.iter("{http://www.w3.org/2000/svg}g") if one.get("id") == "taken-away"]
    assert len(printed) == 2
