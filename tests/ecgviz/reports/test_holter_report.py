"""The Holter report: its numbers are those of its parts, its strips are true to scale, its links lead to the beats."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.figures.fonts import script_of
from ecgviz.figures.holter_trends import rate_by_bin, trend_picture
from ecgviz.figures.static import ecg_lines_picture, seconds_in_line
from ecgviz.figures.strip_view import Shown
from ecgviz.holter.st_level import BANDWIDTH
from ecgviz.reports.holter import EditMade, HolterReport, Wanted, diary_of, holter_report
from ecgviz.reports.holter_pdf import holter_pdf
from ecgviz.reports.holter_tables import report_csv, report_document, report_rows
from ecgviz.reports.links import Links
from ecgviz.reports.pdf import markup
from ecgviz.results import RhythmEpisode
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT, load_checkpoint
from pages.navigation import HOLTER
from pages.parts import keys
from readers.recording import Annotations, ArraySource
from tests.ecgviz.holter.made import beats, recording

LABELS = "N" * 60 + "VVVV" + "N" * 60 + "SS" + "N" * 200 + "NV" * 5 + "N" * 400
DURATION_S = 700.0


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


def make(checkpoint, *, base_url: str = "http://localhost:8501", name: str = "made", edits=()) -> HolterReport:
    rr = [0.9, 0.88, 0.92, 0.9] * (len(LABELS) // 4 + 1)
    rr = rr[: len(LABELS) - 1]
    rr[60:64] = [0.4] * 4
    rr[200] = 3.5
    rhythms = [
        RhythmEpisode(0, 300, "N", 0.9),
        RhythmEpisode(300, 420, "AFIB", 0.95),
        RhythmEpisode(420, 700, "N", 0.9),
    ]
    made = beats(LABELS, rr, rhythms=rhythms)
    notes = Annotations(np.array([2500, 5000]), np.array(['"', "+"]), np.array(["어지러움 (dizzy) <b>", "(N"]))
    opened = recording(made, DURATION_S, name=name, start=datetime(2026, 3, 2, 9, 40, 10), annotations=notes)
    links = Links(base_url, "sample:mitdb-208", checkpoint.name)
    return holter_report(opened, made, checkpoint, wanted=Wanted([20.0, 9999.0], edits, links))


@pytest.fixture(scope="module")
def report(checkpoint) -> HolterReport:
    return make(checkpoint)


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def test_the_numbers_are_those_of_the_beats(report):
    document = report_document(report)
    json.dumps(document, allow_nan=False)
    assert document["counts"] == {letter: LABELS.count(letter) for letter in "NSVFQ"}
    assert [run["beats"] for run in document["ectopy"]["V"]["tachycardia"]] == [4]
    assert document["ectopy"]["V"]["tachycardia"][0]["rate"] == pytest.approx(150, abs=1)
    assert len(document["ectopy"]["S"]["couplet"]) == len(document["ectopy"]["V"]["bigeminy"]) == 1
    assert document["pauses"]["counts"] == {"2": 1, "2.5": 1, "3": 1}
    assert document["af"]["seconds"] == pytest.approx(120)
    assert [one["kind"] for one in document["findings"]] == ["vt", "pause", "af"]
    assert document["not_assessed"] == []
    assert BANDWIDTH in document["st"]["limits"]
    assert document["statement"] == STATEMENT


def test_the_table_has_the_same_numbers(report):
    document = report_document(report)
    rows = {(row["section"], row["number"]): row for row in csv.DictReader(io.StringIO(report_csv(report)))}
    assert len(rows) == len(report_rows(report))  # each number once
    assert float(rows["V", "tachycardia"]["value"]) == len(document["ectopy"]["V"]["tachycardia"])
    assert float(rows["HRV", "SDNN"]["value"]) == pytest.approx(document["hrv"]["sdnn_ms"], rel=1e-4)
    assert float(rows["AF", "time"]["value"]) == document["af"]["seconds"]
    hours = [row for (section, name), row in rows.items() if section.startswith("hour") and name == "beats"]
    assert sum(int(row["value"]) for row in hours) == document["beats"] == len(LABELS)
    assert rows["HRV", "SDNN"]["unit"] == "ms"


def test_what_is_not_known_is_empty_and_not_zero(checkpoint):
    made = beats("NNVN" * 20, classes=("N", "V"))
    report = holter_report(recording(made, 70.0), made, checkpoint)
    document = report_document(report)
    assert (document["af"], document["not_assessed"], document["usable_share"]) == (None, ["S"], None)
    rows = {(section, name): value for section, name, value, *_ in report_rows(report)}
    assert rows["S", "isolated"] is rows["AF", "burden"] is rows["recording", "usable share"] is None
    assert text_of(holter_pdf(report)).count("not assessed") >= 2


def test_each_event_leads_to_its_beat(report):
    for event, beat in (
        (report_document(report)["ectopy"]["V"]["run"][0], 60),
        (report_document(report)["pauses"]["list"][0], 200),
    ):
        parts = urlsplit(event["link"])
        view = {name: value for name, [value] in parse_qs(parts.query).items()}
        assert parts.path.strip("/") == HOLTER.url_path
        assert view[keys.RECORD] == "sample:mitdb-208"
        assert int(view[keys.BEAT]) == report.beats.sample[beat]
        assert float(view[keys.START]) == pytest.approx(report.beats.time_s[beat] - 5, abs=0.01)
        assert view[keys.CHECKPOINT] == DEFAULT_BEAT_CHECKPOINT


def test_without_a_dashboard_there_are_no_links(checkpoint):
    plain = make(checkpoint, base_url="")
    assert "link" not in json.dumps(report_document(plain))
    assert b"/URI" not in holter_pdf(plain)


def test_the_pdf_says_it_all(report, checkpoint):
    edits = [EditMade("김하나 & <i>", "2026-03-03T10:00:00+00:00", "relabel 1 beat at 00:55.00: N to V")]
    edited = make(checkpoint, name="홍길동 <b>", edits=edits)
    pdf = holter_pdf(edited)
    said = re.sub(r"\s+", " ", text_of(pdf))
    for words in (
        "Holter report: 홍길동 <b>", STATEMENT, "Ventricular tachycardia: 1 run", "Hour by hour",
        "Longest pause: 3.50 s",
        "어지러움 (dizzy) <b>", "김하나 & <i>", "relabel 1 beat", checkpoint.sha256[:16], "Chosen by hand", "SDANN",
        "They select, they do not diagnose", "09:40:",
    ):  # fmt: skip
        assert words in said, words
    assert pdf.count(b"/URI (http://localhost:8501/holter?") > 15
    assert "Nothing: all beats" in text_of(holter_pdf(report))


def test_strips_by_hand_lie_in_the_recording(report):
    assert [one.start_s for one in report.strips if one.by_hand] == [20.0]


@pytest.mark.parametrize("dpi", [100, 200])
def test_a_ruler_measures_25_mm_for_a_second(report, dpi):
    """The QRS complexes of a lead are 0.88 to 0.92 s apart, so 22 to 23 mm."""
    shown = Shown(report.recording, 10.0, 6.0, leads=["II"])
    content, width_mm, height_mm = ecg_lines_picture(shown, width_mm=174, dpi=dpi)
    picture = Image.open(io.BytesIO(content)).convert("L")
    assert picture.width / dpi * 25.4 == pytest.approx(width_mm, abs=25.4 / dpi)
    assert picture.height / dpi * 25.4 == pytest.approx(height_mm, abs=25.4 / dpi)
    dark = np.asarray(picture) < 90
    dark[:, : round(26 / 25.4 * dpi)] = False  # the lead's name and the calibration pulse
    top = np.flatnonzero(dark.any(axis=1))[0]
    columns = np.flatnonzero(dark[top : top + max(dpi // 40, 2)].any(axis=0))
    peaks = [group.mean() for group in np.split(columns, np.flatnonzero(np.diff(columns) > dpi / 10) + 1)]
    inside = report.beats.time_s[(report.beats.time_s > 10.0) & (report.beats.time_s < 16.0)]
    assert np.diff(peaks) / dpi * 25.4 == pytest.approx(np.diff(inside) * 25.0, abs=0.35)


def test_a_line_is_as_long_as_fits():
    assert seconds_in_line(174.0) == 6
    assert seconds_in_line(174.0, 50.0) == 2


def test_the_trend_is_of_the_beats(report):
    time_s, low, mean, high = rate_by_bin(report.numbers)
    known = np.isfinite(mean)
    assert (low[known] <= mean[known] + 1e-9).all()
    assert (mean[known] <= high[known] + 1e-9).all()
    assert np.nanmax(high) == pytest.approx(report.numbers.rates.maximum.value)
    assert np.nanmin(low) == pytest.approx(report.numbers.rates.minimum.value)
    assert len(time_s) == math.ceil(DURATION_S / 60)
    content, width_mm, height_mm = trend_picture(report.numbers, report.beats.rhythms, report.st, dpi=100)
    assert Image.open(io.BytesIO(content)).size == pytest.approx((width_mm / 0.254, height_mm / 0.254), abs=1)


def test_an_empty_recording_has_a_report(checkpoint):
    nothing = beats("")
    report = holter_report(recording(nothing, 30.0), nothing, checkpoint)
    assert report_document(report)["beats"] == 0
    assert "Nothing urgent" in text_of(holter_pdf(report))


def test_the_diary_takes_comments_alone(report):
    assert [(one.time_s, one.text) for one in diary_of(report.recording)] == [(10.0, "어지러움 (dizzy) <b>")]
    assert diary_of(replace(report.recording, annotations=None)) == ()


def test_letters_of_any_script_have_a_font():
    assert [script_of(text) for text in ("한글", "カナ漢字", "汉字")] == ["korean", "japanese", "chinese"]
    assert markup("a < b") == "a &lt; b"
    assert re.fullmatch(r'x <font name="[^"]+">한글</font> y', markup("x 한글 y"))


def test_the_command(tmp_path, capsys):
    files = {kind: tmp_path / f"r.{kind}" for kind in ("pdf", "json", "csv")}
    options = [text for kind, path in files.items() for text in (f"--{kind}", str(path))]
    assert main(["report", "sample:synthetic-holter", *options, "--base-url", "http://host/", "--strip", "5"]) == 0
    document = json.loads(files["json"].read_text())
    assert document["beats"] > 0
    assert document["rates"]["maximum"]["link"].startswith("http://host/holter?record=sample%3Asynthetic-holter&t=")
    assert files["pdf"].read_bytes().startswith(b"%PDF")
    assert files["csv"].read_text().startswith("section,number,value,unit,link\n")
    assert STATEMENT in capsys.readouterr().out
    assert main(["report", "sample:synthetic-holter"]) == 2
    assert "name the file that the report is written to" in capsys.readouterr().err


def test_a_link_to_a_file_whose_name_is_no_text_has_its_bytes():
    name = b"na\xffme.csv".decode("utf-8", "surrogateescape")
    assert "na%FFme.csv" in Links("http://localhost", f"path:/x/{name}").to(8.0)


def test_a_strip_fits_on_its_page_however_large_the_waves_are(checkpoint):
    made = beats("N" * 20 + "V" * 50 + "N" * 30, 0.5)
    opened = recording(made, 52.0)
    opened = replace(opened, source=ArraySource(40 * opened.signal_mV()))
    report = holter_report(opened, made, checkpoint)
    assert any(one.end_s - one.start_s > 20 for one in report.strips)
    shown = Shown(opened, 10.0, 18.0, leads=opened.leads, beats=made)
    _, _, whole = ecg_lines_picture(shown, width_mm=174, dpi=20)
    _, _, height = ecg_lines_picture(shown, width_mm=174, height_mm=240, dpi=20)
    assert height <= 240 < whole
    assert "mean probability" in text_of(holter_pdf(report))
