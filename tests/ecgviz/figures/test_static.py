import io
import re
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from models.checkpoints import STATEMENT
from tests.ecgviz.figures.strips import strip_file

MM_PER_POINT = 25.4 / 72


def paths(svg: bytes, gid: str) -> list[np.ndarray]:
    """Corner points in mm of the SVG paths in the groups of that id."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["width"].endswith("pt")
    scale = float(root.attrib["width"][:-2]) / float(root.attrib["viewBox"].split()[2]) * MM_PER_POINT
    found = []
    for group in root.iter("{http://www.w3.org/2000/svg}g"):
        if group.attrib.get("id") == gid:
            for path in group.iter("{http://www.w3.org/2000/svg}path"):
                numbers = re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path.attrib["d"])
                found.append(np.array(numbers, float) * scale)
    return found


def pdf_pages(data: bytes) -> tuple[list[tuple[float, float]], list[str]]:
    """Sizes in mm and drawing operators of each page."""
    sizes = [
        tuple(float(value) * MM_PER_POINT for value in box.split()[2:])
        for box in re.findall(rb"/MediaBox \[ ([\d. ]+) \]", data)
    ]
    streams = []
    for match in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", data, re.S):
        try:
            text = zlib.decompress(match.group(1)).decode("latin-1")
        except zlib.error:
            continue
        if " l\n" in text and "Do" not in text[:5] and len(text) > 5000:
            streams.append(text)
    return sizes, streams


@pytest.mark.parametrize(("speed", "gain"), [(25, 10), (50, 20), (12.5, 5)])
def test_a_ruler_on_the_svg_measures_speed_and_gain(two_leads, speed, gain):
    recording, _ = two_leads
    svg = strip_file(recording, 2, 4, file_format="svg", speed_mm_s=speed, gain_mm_mV=gain)
    (pulse,) = paths(svg, "calibration-MLII")
    assert np.ptp(pulse[:, 1]) == pytest.approx(gain * 1.0, abs=0.1)
    assert pulse[3, 0] - pulse[2, 0] == pytest.approx(speed * 0.2, abs=0.1)
    trace = np.concatenate(paths(svg, "trace-MLII"))
    peaks = trace[trace[:, 1] < trace[:, 1].min() + 0.1 * gain]
    times = np.unique(np.round(peaks[:, 0], 1))
    assert np.diff(times) == pytest.approx(0.8 * speed, abs=0.1), "beats are 0.8 s apart"


def test_a_ruler_on_the_pdf_page_measures_25_mm_for_a_second(two_leads):
    recording, _ = two_leads
    data = strip_file(recording, 0, 10, file_format="pdf", leads=["MLII"])
    sizes, streams = pdf_pages(data)
    assert sizes == [pytest.approx((297, 210), abs=0.01)]
    lines = [
        np.array(re.findall(r"([-\d.]+) ([-\d.]+) [ml]\n", run), float) * MM_PER_POINT
        for run in re.split(r"\nS\n", streams[0])
    ]
    trace = max(lines, key=len)
    high = trace[trace[:, 1] > trace[:, 1].max() - 1.0]
    assert np.diff(high[:, 0]) == pytest.approx(20.0, abs=0.1), "0.8 s at 25 mm/s"
    assert np.ptp(trace[:, 1]) == pytest.approx(10 * np.ptp(recording.signal_mV(0, 3601)[:, 0]), abs=0.1)


def test_long_strips_go_on_in_lines_and_pages_at_the_same_scale(two_leads):
    recording, beats = two_leads
    sizes, _ = pdf_pages(strip_file(recording, 0, 30, file_format="pdf", beats=beats, leads=["MLII"]))
    assert len(sizes) == 1
    sizes, _ = pdf_pages(strip_file(recording, 0, 30, file_format="pdf", gain_mm_mV=20, beats=beats))
    assert len(sizes) > 1 and all(size == pytest.approx((297, 210), abs=0.01) for size in sizes)
    svg = strip_file(recording, 0, 30, file_format="svg", beats=beats, leads=["MLII"])
    assert len(paths(svg, "trace-MLII")) == 3
    root = ElementTree.fromstring(svg)
    letters = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text") if t.text in set("NSVFQ")]
    assert len(letters) == len(beats)


def test_no_letter_stands_beyond_the_strip(two_leads):
    recording, beats = two_leads
    root = ElementTree.fromstring(strip_file(recording, 0, 12, file_format="svg", beats=beats))
    letters = [t.text for t in root.iter("{http://www.w3.org/2000/svg}text") if t.text in set("NSVFQ")]
    assert len(letters) == np.count_nonzero(beats.time_s <= 12)


def test_the_page_says_what_it_shows(two_leads, make):
    recording, beats = two_leads
    svg = strip_file(
        recording,
        0,
        10,
        file_format="svg",
        beats=beats,
        saliency=make.map(3, 6, 4.4),
        map_vmax=0.5,
        network_input="120 Hz",
        selected=4,
        edited=[5],
    ).decode()
    for part in (STATEMENT, "25 mm/s", "10 mm/mV", "network input: 120 Hz", "importance for V", "beat-strip", "00:10"):
        assert part in svg
    assert "<image" in svg


def test_the_png_prints_true_to_scale_and_the_map_is_on_it(two_leads, make):
    recording, beats = two_leads
    kwargs = {"file_format": "png", "beats": beats, "dpi": 100, "leads": ["MLII"]}
    plain = Image.open(io.BytesIO(strip_file(recording, 0, 10, **kwargs)))
    assert plain.width / plain.info["dpi"][0] * 25.4 == pytest.approx(297, abs=0.3)
    hot = Image.open(io.BytesIO(strip_file(recording, 0, 10, saliency=make.map(3, 6, 4.4), **kwargs)))
    difference = np.abs(np.asarray(plain.convert("RGB"), int) - np.asarray(hot.convert("RGB"), int)).sum(axis=2)
    paper_left = 10 + 11 + 12
    columns = np.flatnonzero(difference[difference.shape[0] // 3 :].max(axis=0) > 30) / 100 * 25.4
    assert columns.min() >= paper_left + 3 * 25 - 1 and columns.max() <= paper_left + 6 * 25 + 1


def test_dark_gaps_unknown_units_and_trace_style_are_drawn(make):
    samples, peaks = make.spiky(20, 360, 2)
    samples[1800:2520, 0] = np.nan
    recording = make.recording(samples, 360.0, units=["mV", "unknown"])
    svg = strip_file(
        recording,
        0,
        10,
        file_format="svg",
        theme="dark",
        beats=make.beats(peaks, 360.0),
        saliency=make.map(3, 6, 4.4),
        map_style="trace",
        colormap="magma",
    )
    assert b"no signal" in svg and b"unit unknown" in svg and b"#141414" in svg
    assert not paths(svg, "calibration-V1") and paths(svg, "calibration-MLII")


def test_twelve_leads_make_the_page_higher_and_not_the_scale_smaller(make):
    samples, _ = make.spiky(10, 200, 12)
    leads = ["I", "II", "III", "aVR", "aVL", "aVF", *(f"V{i}" for i in range(1, 7))]
    recording = make.recording(samples, 200.0, leads)
    sizes, _ = pdf_pages(strip_file(recording, 0, 10, file_format="pdf"))
    assert sizes[0][0] == pytest.approx(297, abs=0.01) and sizes[0][1] > 300
    sizes, _ = pdf_pages(strip_file(recording, 0, 10, file_format="pdf", layout="3x4 + II"))
    assert sizes == [pytest.approx((297, 210), abs=0.01)]


def test_an_unknown_format_says_which_there_are(two_leads):
    with pytest.raises(ValueError, match="png, svg, pdf"):
        strip_file(two_leads[0], 0, 10, file_format="gif")
