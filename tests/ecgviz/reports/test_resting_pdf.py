"""The printed sheet of a 12-lead ECG: one page, true to scale, with what was measured and labelled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from ecgviz.__main__ import main
from ecgviz.reports.resting_pdf import Earlier, resting_pdf
from ecgviz.signals.resting import measure_resting
from readers.recording import ArraySource
from tests.ecgviz.simulated import twelve_leads
from tests.ecgviz.test_choice import write


def page_of(content: bytes) -> tuple[pypdfium2.PdfPage, str]:
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1
    return document[0], document[0].get_textpage().get_text_range()


def test_command_writes_the_sheet_of_a_12_lead_ecg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = write(tmp_path, "resting", twelve_leads())
    assert main(["report", record, "--pdf", str(tmp_path / "r.pdf"), "--json", str(tmp_path / "r.json")]) == 0
    printed = capsys.readouterr().out
    _, words = page_of((tmp_path / "r.pdf").read_bytes())
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    rate = f"Rate {document['measurements']['rate']:.0f} /min"
    assert rate in words
    assert rate in printed
    assert all(label["name"] in words for label in document["labels"])
    assert "below the threshold" in words
    assert "V6" in words


@pytest.mark.parametrize("option", [["--csv", "x.csv"], ["--strip", "1"], ["--reviewed"]])
def test_options_of_a_holter_report_are_refused(tmp_path: Path, option: list[str], capsys) -> None:
    record = write(tmp_path, "resting", twelve_leads())
    assert main(["report", record, "--pdf", str(tmp_path / "r.pdf"), *option]) == 2
    assert "is for a Holter report" in capsys.readouterr().err


@pytest.mark.parametrize("leads", [1, 2, 8, 12])
@pytest.mark.parametrize("seconds", [1.5, 10, 30])
def test_any_leads_and_length_fit_one_page_at_25_mm_a_second(leads: int, seconds: float) -> None:
    whole = twelve_leads(seconds=seconds)
    part = replace(
        whole,
        name="<b>&\ud55c\uae00",
        leads=whole.leads[:leads],
        units=whole.units[:leads],
        source=type(whole.source)(whole.signal_mV()[:, :leads]),
    )
    page, words = page_of(resting_pdf(part, measure_resting(part), None, why_not="Why not."))
    assert "Why not." in words
    assert "<b>&" in words
    picture = next(one for one in page.get_objects() if one.type == 3)
    left, _, right, _ = picture.get_pos() if hasattr(picture, "get_pos") else picture.get_bounds()
    mm = (right - left) / 72 * 25.4
    assert mm == pytest.approx(25 * min(seconds, 10), abs=30)
    assert mm > 25 * min(seconds, 10)


def test_command_compares_with_an_earlier_recording(tmp_path: Path) -> None:
    now = write(tmp_path, "now", twelve_leads(seed=3))
    before = write(tmp_path, "before", twelve_leads(seed=4))
    options = ["--pdf", str(tmp_path / "r.pdf"), "--json", str(tmp_path / "r.json")]
    assert main(["report", now, "--before", before, *options]) == 0
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert document["before"] == "before"
    [qrs] = [one for one in document["changes"] if one["name"] == "QRS"]
    assert qrs["now"] == document["measurements"]["qrs_ms"]
    pdf = pypdfium2.PdfDocument((tmp_path / "r.pdf").read_bytes())
    assert len(pdf) == 2
    assert "Compared with before" in pdf[1].get_textpage().get_text_range()


def test_recordings_without_a_common_lead_are_compared_by_their_intervals() -> None:
    whole = twelve_leads()
    limbs, chest = (
        replace(
            whole, leads=whole.leads[k : k + 6], units=("mV",) * 6, source=ArraySource(whole.signal_mV()[:, k : k + 6])
        )
        for k in (0, 6)
    )
    earlier = Earlier("limbs", measure_resting(limbs))
    pdf = pypdfium2.PdfDocument(resting_pdf(chest, measure_resting(chest), None, earlier=earlier))
    words = pdf[1].get_textpage().get_text_range()
    assert "QRS" in words
    assert "No lead is in both recordings" in words
