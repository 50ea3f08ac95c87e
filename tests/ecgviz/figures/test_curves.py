import numpy as np
import pytest

from ecgviz.figures import curves


def test_bars_say_words_before_the_letter():
    (bars,) = curves.class_probability_bars(np.array([0.1, 0.2, 0.7, 0, 0]), "NSVFQ").data
    assert list(bars.y)[:2] == ["normal (N)", "supraventricular ectopic (S)"]
    assert list(bars.x) == [0.1, 0.2, 0.7, 0, 0] and list(bars.text)[2] == "0.70"
    assert list(bars.marker.color)[2] == "#d55e00"


def test_gates_are_sorted_and_keep_their_channel():
    figure = curves.gate_bars({"layer1": np.array([0.2, 0.9, 0.5]), "layer2": np.array([0.1, 0.3])})
    assert list(figure.data[0].y) == [0.9, 0.5, 0.2] and list(figure.data[0].customdata) == [1, 2, 0]
    assert len(figure.data) == 2
    with pytest.raises(ValueError, match="SE"):
        curves.gate_bars({})


def test_reliability_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    correct = np.array([1, 1, 1, 0, 1, 0], bool)
    mean, right, number, error = curves.reliability(confidence, correct)
    assert mean == pytest.approx([0.55, 0.95]) and right == pytest.approx([0.5, 0.75]) and number.tolist() == [2, 4]
    assert float(error) == pytest.approx((2 * 0.05 + 4 * 0.2) / 6)
    assert "0.150" in curves.reliability_diagram(confidence, correct).layout.annotations[0].text
    assert curves.reliability(np.array([1.0]), np.array([True]))[3] == 0


def test_rhythm_figures_are_bounded_and_choose_by_index(make):
    beats = make.beats(np.arange(0, 100_000 * 280, 280), 360.0)
    for figure in (curves.tachogram(beats, view=(0, 10)), curves.poincare(beats)):
        points = [trace for trace in figure.data if trace.name in set("NSVFQ")]
        assert 4000 < sum(len(trace.x) for trace in points) <= 6000
        assert len(figure.to_json()) < 400_000
    few = make.beats(np.array([0, 360, 540]), 360.0, labels=[0, 2, 1])
    (point,) = [trace for trace in curves.poincare(few).data if trace.name == "V"]
    assert (point.x[0], point.y[0], point.customdata[0]) == (1000, 500, 1)
    assert curves.tachogram(make.beats(np.array([], int), 360.0)).data == ()
