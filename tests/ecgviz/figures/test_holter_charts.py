"""The charts of the page's numbers hold the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.figures.holter_charts import MOST_POINTS, poincare_figure, st_figure
from ecgviz.holter.hrv import nn_intervals
from ecgviz.holter.st_level import StTrend
from tests.ecgviz.holter.made import beats


def test_each_point_is_two_neighbouring_intervals_and_leads_to_their_beat():
    made = beats("NNNNVNNNN", [0.8, 0.9, 1.0, 0.5, 1.3, 0.7, 0.75, 0.8])
    [trace] = poincare_figure(nn_intervals(made)).data
    pairs = list(zip(trace.x, trace.y, trace.customdata, strict=True))
    assert pairs == [(800.0, 900.0, 2), (900.0, 1000.0, 3), (700.0, 752.0, 7), (752.0, 800.0, 8)]


def test_a_long_recording_is_thinned_evenly():
    generator = np.random.default_rng(0)
    made = beats("N" * 20_000, generator.uniform(0.7, 1.0, 19_999))
    [trace] = poincare_figure(nn_intervals(made), theme="dark").data
    assert MOST_POINTS / 2 < len(trace.x) <= MOST_POINTS
    assert np.ptp(np.diff(trace.customdata)) == 0


def test_nothing_to_draw_is_an_empty_chart():
    [trace] = poincare_figure(nn_intervals(beats(""))).data
    assert len(trace.x) == 0


@pytest.mark.parametrize(("minutes", "unit"), [(30, "minutes"), (600, "hours")])
def test_the_trend_has_a_line_for_each_lead(minutes, unit):
    level = np.column_stack([np.linspace(-0.3, 0.1, minutes), np.full(minutes, np.nan)])
    time_s = np.arange(minutes) * 60.0
    trend = StTrend(time_s, ("II", "V5"), level, np.full(minutes, 60), np.full(minutes, 80), (-0.04, 0.04), ())
    figure = st_figure(trend)
    assert [trace.name for trace in figure.data] == ["II", "V5"]
    assert figure.layout.xaxis.title.text == f"{unit} from the start"
    np.testing.assert_array_equal(figure.data[0].customdata, time_s)
    assert figure.layout.yaxis.range[0] <= -0.3
    np.testing.assert_allclose(figure.data[0].y, level[:, 0], atol=6e-4)
