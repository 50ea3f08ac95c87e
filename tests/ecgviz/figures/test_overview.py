import numpy as np
import pytest

from ecgviz.figures.overview import bin_beats, overview_figure


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


def test_rate_and_counts_of_a_bin(make):
    peaks = np.array([0, 360, 720, 1080, 1260, 1440, 1620, 1800])
    bins = bin_beats(make.beats(peaks, 360.0, labels=[0, 0, 2, 2, 0, 0, 1, 0]), 6.0)
    assert bins.step_s == 2.0 and bins.middle_s.tolist() == [1.0, 3.0, 5.0]
    assert bins.rate[0] == pytest.approx(60.0)
    assert bins.rate[1] == pytest.approx(60 * 3 / (1 + 1 + 0.5)) and bins.rate[2] == pytest.approx(120.0)
    assert bins.counts["V"].tolist() == [0, 2, 0] and bins.counts["S"].tolist() == [0, 0, 1]


def test_pauses_do_not_count_for_the_rate(make):
    bins = bin_beats(make.beats(np.array([0, 360, 5 * 360]), 360.0), 6.0)
    assert bins.rate[0] == pytest.approx(60.0) and np.isnan(bins.rate[2])


def test_a_day_is_as_small_as_half_an_hour(make):
    day = make.beats(np.arange(0, 86_400 * 360, 300), 360.0)
    quality = np.random.default_rng(0).random(86_400)
    figure = overview_figure(86_400, day, view=(40_000, 40_010), quality=quality)
    assert len(figure.to_json()) < 400_000
    assert len(named(figure, "places").x) == 1440


def test_clicks_give_seconds_and_hover_tells(make):
    beats = make.beats(np.arange(100, 600 * 100, 80), 100.0)
    figure = overview_figure(600, beats)
    places = named(figure, "places")
    assert list(places.customdata) == list(places.x) and places.customdata[10] == 21.0
    assert "/min" in places.hovertext[10] and "00:21" in places.hovertext[10]
    assert figure.layout.hovermode == "x" and figure.layout.hoverdistance == -1


def test_classes_by_row_letter_and_colour(make):
    beats = make.beats(np.arange(100, 600 * 100, 80), 100.0, labels=np.arange(749) % 3)
    figure = overview_figure(600, beats)
    assert named(figure, "V per 2 s").marker.color == "#d55e00"
    assert not [trace for trace in figure.data if trace.name.startswith("F ")]
    words = " ".join(annotation.text for annotation in figure.layout.annotations)
    for letter, count in (("S", 250), ("V", 249), ("F", 0)):
        assert f"{count} <b>{letter}</b>" in words


def test_quality_runs_and_the_view(make):
    quality = np.array([1, 1, 0, 0, 1.0])
    figure = overview_figure(1000, None, view=(500, 510), quality=quality)
    bad = named(figure, "signal not usable")
    assert list(bad.x) == [600.0] and list(bad.width) == [400.0] and bad.marker.pattern.shape == "/"
    (view,) = [shape for shape in figure.layout.shapes if shape.name == "view"]
    assert view.x0 == 500 and view.x1 == 510
    (tiny,) = [shape for shape in overview_figure(86_400, None, view=(500, 510)).layout.shapes if shape.name == "view"]
    assert tiny.x1 - tiny.x0 == pytest.approx(216), "still visible on a day"


def test_without_beats_the_place_is_held():
    assert overview_figure(1800, None).layout.height == overview_figure(1800, None, view=(0, 10)).layout.height
    with pytest.raises(ValueError, match="light, dark"):
        overview_figure(10, None, theme="sepia")
