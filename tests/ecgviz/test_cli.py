"""``python -m ecgviz``: what it writes, and that every refusal is one sentence and status 2."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from ecgviz.__main__ import main

SAMPLE = "sample:mitdb-208"


def test_analyze_writes_json_csv_and_annotations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"beats.{name}" for name in ("json", "csv")}
    arguments = ["--json", str(files["json"]), "--csv", str(files["csv"]), "--atr", str(tmp_path / "atr")]
    assert main(["analyze", SAMPLE, *arguments]) == 0
    document = json.loads(files["json"].read_text())
    assert list(document)[:5] == ["record", "fs", "n_samples", "checkpoint", "device"]
    assert set(document["seconds"]) == {"load", "detect", "classify"}
    assert document["fs"] == 360
    assert document["seen_in_training"] == "208"
    first = document["beats"][0]
    assert list(first) == ["sample", "time_s", "label", "prob"]
    assert list(first["prob"]) == ["N", "S", "V", "F", "Q"]
    assert sum(first["prob"].values()) == pytest.approx(1, abs=1e-3)
    rows = list(csv.DictReader(files["csv"].open()))
    assert [row["label"] for row in rows] == [beat["label"] for beat in document["beats"]]
    [written] = (tmp_path / "atr").glob("*.atr")
    marks = wfdb.rdann(str(written.with_suffix("")), "atr")
    assert marks.sample.tolist() == [beat["sample"] for beat in document["beats"]]
    assert marks.symbol == [beat["label"] for beat in document["beats"]]
    assert "Not for diagnosis" in capsys.readouterr().out


def test_explain_writes_the_map_and_its_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    npz, png = tmp_path / "map.npz", tmp_path / "map.png"
    assert main(["explain", SAMPLE, "--at", "60", "--method", "grad_cam", "--npz", str(npz), "--png", str(png)]) == 0
    with np.load(npz) as arrays:
        assert arrays["values"].shape == arrays["time_s"].shape
        assert arrays["time_s"][0] < 60 < arrays["time_s"][-1]
        assert {"resolution_ms", "randomised_correlation", "deletion_drop", "random_drop", "agreement"} <= set(arrays)
        assert abs(arrays["sample"] / 360 - 60) < 1.5
    with Image.open(png) as picture:
        assert picture.width > 1000
    assert "map of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["analyze", "nowhere.dat"], "nowhere.dat"),
        (["analyze", "sample:nothing"], "no such sample"),
        (["analyze", SAMPLE, "--checkpoint", "nothing"], "Checkpoint nothing: was not found"),
        (["analyze", SAMPLE, "--lead", "V9"], "no lead V9"),
        (["analyze", SAMPLE, "--device", "abacus"], "no device 'abacus'"),
        (["analyze", SAMPLE, "--beats", "reference"], "without beat annotations"),
        (["explain", SAMPLE, "--at", "99999"], "outside the recording"),
        (["explain", SAMPLE, "--at", "60", "--method", "tea_leaves"], "tea_leaves"),
        (["explain", SAMPLE, "--at", "60", "--target", "X"], "X"),
    ],
)
def test_a_refusal_is_one_sentence_and_status_2(arguments, sentence, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr().err
    assert sentence in captured
    assert "Traceback" not in captured
    assert captured.startswith("error: ")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["analyze", SAMPLE, "--json", str(tmp_path / "file" / "x.json")]) == 2
    assert "x.json: cannot be written" in capsys.readouterr().err


def test_doctor_names_what_it_found(capsys: pytest.CaptureFixture[str]) -> None:
    main(["doctor"])
    out = capsys.readouterr().out
    assert "torch" in out
    assert "beat-strip" in out


@pytest.mark.data
def test_detected_positions_count_missed_and_extra_beats(data_root: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    arguments = ["evaluate", "beat-strip", "--data", str(data_root / "mitdb"), "--records", "119,208"]
    assert main([*arguments, "--json", str(report)]) == 0
    result = json.loads(report.read_text())
    assert result["positions"] == "detected"
    pooled = np.array(result["pooled"]["confusion"])
    assert pooled[:-1].sum() == 1987 + 2955, "every reference beat stands in one row"
    assert pooled[-1].sum() < 30
    assert pooled[:, -1].sum() < 30
