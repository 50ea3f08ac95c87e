from itertools import pairwise

import pytest

from ecgviz.figures import geometry as geo
from models.core.words import clock


def strip(**kwargs):
    settings = {"units": ["mV", "mV"]} | kwargs
    return geo.lay_out(10.0, 10.0, ["MLII", "V1"], [(-0.5, 0.0, 1.2), (-1.4, 0.1, 0.4)], **settings)


def test_a_second_and_a_millivolt_have_the_length_that_speed_and_gain_say():
    for speed in geo.SPEEDS_MM_S:
        for gain in geo.GAINS_MM_MV:
            laid = strip(speed_mm_s=speed, gain_mm_mV=gain)
            assert laid.x_mm(12.0) - laid.x_mm(11.0) == pytest.approx(speed)
            lane = laid.lanes[0]
            assert lane.y_mm(1.0) - lane.y_mm(0.0) == pytest.approx(gain)


def test_lanes_hold_their_lead_and_do_not_overlap():
    first, second = strip().lanes
    assert first.y_mm(1.2) <= first.top_mm and first.y_mm(-0.5) >= first.bottom_mm
    assert second.y_mm(0.4) <= second.top_mm and second.y_mm(-1.4) >= second.bottom_mm
    assert first.bottom_mm >= second.top_mm


def test_more_gain_takes_more_paper_and_whole_major_squares():
    low, high = strip(gain_mm_mV=10.0), strip(gain_mm_mV=20.0)
    assert high.height_mm > low.height_mm
    for lane in high.lanes:
        assert lane.up_mm % geo.MAJOR_MM == 0 and lane.down_mm % geo.MAJOR_MM == 0


def test_the_pulse_is_one_millivolt_and_200_ms_and_ends_before_the_signal():
    laid = strip(gain_mm_mV=5.0, speed_mm_s=50.0)
    x, y = geo.calibration_pulse(laid, laid.lanes[0])
    assert max(y) - min(y) == pytest.approx(5.0)
    assert x[3] - x[2] == pytest.approx(0.2 * 50.0)
    assert x[0] >= 0 and x[-1] <= laid.x_mm(10.0)


def test_an_unknown_unit_is_scaled_to_fit_and_gets_no_pulse():
    laid = geo.lay_out(0, 10, ["X"], [(-900.0, 0.0, 1100.0)], units=["unknown"])
    lane = laid.lanes[0]
    assert lane.y_mm(1100.0) - lane.y_mm(-900.0) == pytest.approx(20.0)
    assert geo.calibration_pulse(laid, lane) == ([], [])


def test_an_artefact_does_not_open_a_lane_without_end():
    laid = geo.lay_out(0, 10, ["I"], [(-400.0, 0.0, 400.0)], units=["mV"])
    assert laid.height_mm < 140


TWELVE = ["i", "II", "III", "AVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.mark.parametrize(
    ("layout", "rows", "columns"), [("12x1", 12, 1), ("6x2", 6, 2), ("3x4", 3, 4), ("12x1 Cabrera", 12, 1)]
)
def test_layouts_show_each_lead_once_over_the_whole_time(layout, rows, columns):
    laid = geo.lay_out(0, 10, TWELVE, [(-1, 0, 1)] * 12, units=["mV"] * 12, rows=geo.lead_rows(TWELVE, layout))
    grid = laid.rows()
    assert len(grid) == rows and all(len(row) == columns for row in grid)
    assert sorted(lane.column for lane in laid.lanes) == list(range(12))
    for row in grid:
        edges = [(lane.start_s, lane.stop_s) for lane in row]
        assert edges[0][0] == 0 and edges[-1][1] == 10
        assert all(a[1] == b[0] for a, b in pairwise(edges))


def test_the_rhythm_row_repeats_lead_two_over_the_whole_time():
    rows = geo.lead_rows(TWELVE, "3x4 + II")
    assert rows[-1] == ("II",) and rows[0] == ("I", "aVR", "V1", "V4")


def test_cabrera_draws_minus_avr_upside_down():
    rows = geo.lead_rows(TWELVE, "12x1 Cabrera")
    assert [row[0] for row in rows[:6]] == ["aVL", "I", "-aVR", "II", "aVF", "III"]
    laid = geo.lay_out(0, 10, TWELVE, [(-1, 0, 1)] * 12, units=["mV"] * 12, rows=rows)
    lane = next(lane for lane in laid.lanes if lane.lead == "-aVR")
    assert lane.y_mm(-1.0) > lane.baseline_mm


def test_a_layout_without_its_leads_says_which_the_recording_has():
    with pytest.raises(ValueError, match="MLII"):
        geo.lead_rows(["MLII"], "3x4")
    with pytest.raises(ValueError, match="stacked"):
        geo.lead_rows(["I"], "4x3")
    with pytest.raises(ValueError, match="positive"):
        geo.lay_out(0, 0, ["I"], [(0, 0, 1)], units=["mV"])


@pytest.mark.parametrize(
    ("time_s", "kwargs", "text"),
    [
        (65.0, {}, "01:05"),
        (3599.96, {"decimals": 1}, "60:00.0"),
        (3723.4, {"hours": True}, "1:02:03"),
        (90061.0, {"hours": True}, "25:01:01"),
        (12.25, {"decimals": 3}, "00:12.250"),
    ],
)
def test_clock(time_s, kwargs, text):
    assert clock(time_s, **kwargs) == text


@pytest.mark.parametrize("speed", geo.SPEEDS_MM_S)
@pytest.mark.parametrize("room", [0.1, 0.9, 3.0, 50.0])
def test_clock_labels_fall_on_major_lines(speed, room):
    step = geo.clock_step_s(60, speed, room)
    squares = step * speed / geo.MAJOR_MM
    assert step >= room and squares == pytest.approx(round(squares))


def test_colours_are_those_of_the_paper():
    light, dark = geo.THEMES["light"], geo.THEMES["dark"]
    assert (light.paper, light.minor, light.major, light.trace) == ("#fffafa", "#f9dcdc", "#efb3b3", "#1a1a1a")
    assert (dark.paper, dark.minor, dark.major, dark.trace) == ("#141414", "#331a1a", "#5c2b2b", "#f2f2f2")
    assert list(geo.CLASS_COLOURS) == list(geo.CLASS_WORDS) == list("NSVFQ")
