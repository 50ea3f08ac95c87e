"""The canvas has the geometry, words and colours of the printed strip."""

import numpy as np
import pytest

from ecgviz.figures import geometry as geo
from ecgviz.figures.canvas_paper import map_message, paper_message, parts_message
from ecgviz.figures.overlay import heat_scale
from ecgviz.figures.strip_signal import lead_ranges
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.results import SaliencyMap
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording


def _recording(leads=("MLII", "raw"), units=("mV", "unknown"), n: int = 5000) -> Recording:
    samples = np.random.default_rng(0).normal(0, 0.3, (n, len(leads))).astype(np.float32)
    return Recording("r", 250.0, n, tuple(leads), tuple(units), ArraySource(samples), "array")


def test_lanes_are_those_of_the_strip_in_millimetres():
    recording = _recording()
    ranges = lead_ranges(recording)
    message = paper_message(Shown(recording, 3.0, 10.0, display_filter="0.5-40 Hz"), Drawn(gain_mm_mV=20.0), ranges)
    strip = geo.lay_out(
        0.0, 10.0, recording.leads, list(ranges.values()), units=recording.units, gain_mm_mV=20.0,
        head_mm=0.0, foot_mm=0.0,
    )  # fmt: skip
    assert message["height_mm"] == strip.height_mm
    assert message["left_mm"] + 10.0 * message["speed"] + message["right_mm"] == geo.strip_width_mm(10.0, 25.0)
    for lane, made in zip(strip.lanes, message["lanes"], strict=True):
        assert (made["baseline"], made["up"], made["down"]) == (lane.baseline_mm, lane.up_mm, lane.down_mm)
        assert (made["scale"], made["unit"]) == (lane.mm_per_unit, lane.unit)
    assert message["lanes"][0]["pulse"][0] and not message["lanes"][1]["pulse"][0], "no pulse where the unit is unknown"
    assert message["printed"] == ["20 mm/mV", "display filter: 0.5-40 Hz", "250 Hz", "unit unknown: scaled to fit"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_twelve_leads_share_the_width_as_their_layout_says(theme):
    recording = _recording(TWELVE_LEADS, ("mV",) * 12)
    message = paper_message(Shown(recording, 0.0, 10.0), Drawn("12x1 Cabrera", theme), lead_ranges(recording))
    assert [lane["lead"] for lane in message["lanes"]][:4] == ["aVL", "I", "-aVR", "II"]
    assert message["lanes"][2]["scale"] == -10.0, "upside down"
    assert message["colours"]["trace"] == geo.THEMES[theme].trace
    message = paper_message(Shown(recording, 0.0, 10.0), Drawn("3x4", theme), lead_ranges(recording))
    assert [(lane["from"], lane["to"]) for lane in message["lanes"][:4]] == [
        (0, 0.25),
        (0.25, 0.5),
        (0.5, 0.75),
        (0.75, 1),
    ]


def _map() -> SaliencyMap:
    time_s = np.linspace(2.0, 8.0, 61)
    values = np.where((time_s > 4.9) & (time_s < 5.1), 1.0, 0.1)
    return SaliencyMap(
        values=values, time_s=time_s, method="saliency", target="V", checkpoint="x", resolution_ms=100.0, beat=0
    )  # fmt: skip


@pytest.mark.parametrize("style", ["band", "trace"])
def test_the_map_has_the_colours_of_the_strip(style):
    shown = Shown(_recording(), 0.0, 10.0, saliency=_map(), map_vmax=2.0)
    drawn = Drawn(map_style=style)
    header, arrays = map_message(shown, drawn)
    assert header["window"] == [2.0, 8.0] and header["top"] == "2" and len(header["bands"]) == 2
    band = header["bands"][0]
    values = arrays[band["array"]]
    places = band["from"] + (np.arange(len(values)) + 0.5) * (band["to"] - band["from"]) / len(values)
    strongest = values[:, 3] if style == "band" else values
    assert abs(places[int(strongest.argmax())] - 5.0) < 0.2
    if style == "band":
        full = heat_scale(_map(), 2.0).rgba(np.array([1.0]))[0]
        np.testing.assert_array_equal(values[int(strongest.argmax())], full)
    else:
        assert (values.max(), values.min()) == (5, 0)
    assert map_message(Shown(_recording(), 0.0, 10.0), drawn) == (None, {})
    assert parts_message(shown, drawn, lead_ranges(shown.recording)) is None
