"""``python -m ecgviz``: what it writes, and that every refusal is one sentence and status 2."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.sources.samples import open_sample
from tests.ecgviz.rhythmic import fibrillating, registered, rhythm_checkpoint

SAMPLE = "sample:mitdb-208"


def write_record(folder: Path, name: str, signal_mV: np.ndarray, lead: str = "MLII") -> None:
    """One lead at 360 Hz as a WFDB record."""
    folder.mkdir(exist_ok=True)
    wfdb.wrsamp(
        name, fs=360, units=["mV"], sig_name=[lead], p_signal=signal_mV.reshape(-1, 1), fmt=["16"],
        write_dir=str(folder),
    )  # fmt: skip


@pytest.fixture(scope="module")
def minute() -> np.ndarray:
    """A minute of the sample, mV, float64 (n,): too short to be known as a training recording."""
    return open_sample("mitdb-208").signal_mV(0, 60 * 360)[:, 0].astype(np.float64)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """An analysis that is begun is a failure: what cannot be is told before."""

    def begun(*_: object, **__: object) -> None:
        pytest.fail("the network was asked")

    monkeypatch.setattr("ecgviz.analysis.folder.analyse_beats", begun)


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
    of_rhythm = [] if document["rhythms"] is None else ["network_label", "rhythm"]
    assert list(first) == ["sample", "time_s", "label", *of_rhythm, "prob"]
    assert list(first["prob"]) == ["N", "S", "V", "F", "Q"]
    assert sum(first["prob"].values()) == pytest.approx(1, abs=1e-3)
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert [row["label"] for row in rows] == [beat["label"] for beat in document["beats"]]
    [written] = (tmp_path / "atr").glob("*.atr")
    marks = wfdb.rdann(str(written.with_suffix("")), "atr")
    written = [mark for mark in zip(marks.sample.tolist(), marks.symbol, strict=True) if mark[1] != "+"]
    assert written == [(beat["sample"], beat["label"]) for beat in document["beats"]]
    assert "Not for diagnosis" in capsys.readouterr().out


def test_analyze_writes_rhythms_where_the_checkpoint_knows_them(tmp_path: Path, capsys) -> None:
    recording = fibrillating()
    signal_mV = recording.signal_mV().astype(float)
    wfdb.wrsamp("af", recording.fs, ["mV"], ["II"], signal_mV, fmt=["16"], write_dir=str(tmp_path))
    rhythm_checkpoint(tmp_path / "checkpoint")
    places = ["--json", str(tmp_path / "af.json"), "--csv", str(tmp_path / "af.csv"), "--atr", str(tmp_path / "atr")]
    with registered():
        assert main(["analyze", str(tmp_path / "af"), "--checkpoint", str(tmp_path / "checkpoint"), *places]) == 0
    said = capsys.readouterr()
    assert re.search(r"3 rhythm episodes: N 6\d\.\d%, AFIB 3\d\.\d%; AF burden 3\d\.\d%", said.out)
    assert "early beats within atrial fibrillation or flutter count as N" in said.err
    document = json.loads((tmp_path / "af.json").read_text())
    assert [one["label"] for one in document["rhythms"]] == ["N", "AFIB", "N"]
    assert 0.3 < document["af_burden"] < 0.45
    rows = list(csv.DictReader((tmp_path / "af.csv").read_text().splitlines()))
    assert [row["rhythm"] for row in rows] == [beat["rhythm"] for beat in document["beats"]]
    marks = wfdb.rdann(str(tmp_path / "atr" / "af"), "atr")
    starts = [at for at, symbol in zip(marks.sample, marks.symbol, strict=True) if symbol == "+"]
    assert starts == pytest.approx([one["start_s"] * recording.fs for one in document["rhythms"]], abs=1)


def test_explain_says_what_must_be_seen_beside_the_map(tmp_path: Path, minute: np.ndarray, capsys) -> None:
    write_record(tmp_path, "unnamed", minute, "chest strap")
    shown, kept = {}, {}
    for name, record in (("unnamed", str(tmp_path / "unnamed")), ("seen", SAMPLE)):
        assert main(["explain", record, "--at", "30", "--method", "grad_cam", "--npz", str(tmp_path / name)]) == 0
        shown[name] = capsys.readouterr()
        with np.load(tmp_path / name, allow_pickle=False) as arrays:
            kept[name] = {key: arrays[key] for key in arrays}
    assert "seen in training: this is (part of) record 208" in shown["seen"].out
    assert str(kept["seen"]["seen_in_training"]) == "208"
    assert kept["seen"]["warnings"].tolist() == []
    (warning,) = kept["unnamed"]["warnings"].tolist()
    assert "trained on lead MLII" in warning
    assert shown["unnamed"].err == f"warning: {warning}\n"
    assert str(kept["unnamed"]["seen_in_training"]) == ""
    assert "seen in training" not in shown["unnamed"].out


def test_the_map_is_written_to_the_file_that_was_named(tmp_path: Path) -> None:
    names = ["--npz", str(tmp_path / "map"), "--png", str(tmp_path / "strip")]
    assert main(["explain", SAMPLE, "--at", "60", "--method", "grad_cam", *names]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map", "strip"]


def test_a_strip_that_cannot_be_drawn_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    def too_large(*_: object, **__: object) -> bytes:
        raise ValueError("Image size of 2338x99999 pixels is too large")

    monkeypatch.setattr("ecgviz.figures.static.ecg_strip_file", too_large)
    arguments = ["--method", "grad_cam", "--seconds", "300", "--png", str(tmp_path / "x.png")]
    assert main(["explain", SAMPLE, "--at", "60", *arguments]) == 2
    assert "error: seconds: a strip of 300 s cannot be drawn" in capsys.readouterr().err


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
        (["analyze", ""], "record: is empty"),
        (["analyze", "x" * 300], "cannot be looked into"),
    ],
)
def test_a_refusal_is_one_sentence_and_status_2(arguments, sentence, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr().err
    assert sentence in captured
    assert "Traceback" not in captured
    assert captured.startswith("error: ")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        *[(["analyze", SAMPLE, option, "PLACE"], "x: cannot be written") for option in ("--json", "--csv", "--atr")],
        *[
            (["explain", SAMPLE, "--at", "60", option, "PLACE"], "x: cannot be written")
            for option in ("--npz", "--png")
        ],
        (["evaluate", "beat-strip", "--data", ".", "--json", "PLACE"], "x: cannot be written"),
        (["analyze", SAMPLE, "--json", "."], ".: cannot be written (it is a folder)"),
        (["explain", SAMPLE, "--at", "60", "--png", "x.jpg"], "png: x.jpg is no png, svg, pdf"),
        (["explain", SAMPLE, "--at", "99999"], "at: 99999 s lies outside the recording"),
        *(
            (["explain", SAMPLE, *at, "--seconds", seconds], f"seconds: {seconds} s is no length")
            for seconds in ("nan", "inf", "0")
            for at in ((), ("--at", "60"))
        ),
        (
            ["explain", SAMPLE, "--checkpoint", "ct-lite0"],
            "at: ct-lite0 classifies pictures; choose another checkpoint",
        ),
        *(
            (["report", SAMPLE, "--csv", "x.csv", "--strip", time_s], f"strip: {float(time_s):g} s lies outside")
            for time_s in ("nan", "inf", "1e300", "99999")
        ),
        (["report", SAMPLE, "--csv", "x.csv", "--base-url", "javascript:x"], "base-url: 'javascript:x' is no address"),
        *[(["explain", SAMPLE, "--at", "60", "--seconds", value], "seconds: ") for value in ("0", "-3", "nan")],
    ],
)
def test_what_cannot_be_is_said_before_the_network_is_asked(arguments, sentence, no_network, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x")
    assert main([place if word == "PLACE" else word for word in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"error: {sentence}")
    assert captured.err.count("\n") == 1


def test_a_reference_is_known_before_the_network_is_asked(minute: np.ndarray, no_network, tmp_path, capsys) -> None:
    write_record(tmp_path, "r", minute)
    wfdb.wrann("r", "atr", np.array([400]), symbol=["N"], fs=360, write_dir=str(tmp_path))
    assert main(["analyze", str(tmp_path / "r"), "--atr", str(tmp_path)]) == 2
    assert "r.atr: exists and was not written by ecgviz" in capsys.readouterr().err


def test_the_folder_one_stands_in_is_analysed(minute: np.ndarray, tmp_path, monkeypatch, capsys) -> None:
    """A recording whose annotations cannot be written is told, and the other one is done."""
    for name in ("a", "b"):
        write_record(tmp_path, name, minute)
    wfdb.wrann("a", "atr", np.array([400]), symbol=["N"], fs=360, write_dir=str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["analyze", ".", "--json", "out", "--atr", "."]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.json", "b.json"]
    assert any(note.startswith("ecgviz") for note in wfdb.rdann("b", "atr").aux_note)
    assert "error: a.atr: exists and was not written by ecgviz" in capsys.readouterr().err
    assert main(["analyze", ".", "--json", "a.hea"]) == 2
    assert "a.hea: cannot be written (it is no folder)" in capsys.readouterr().err


def test_files_of_one_name_have_an_answer_each(minute: np.ndarray, tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("a.csv", "a.tsv", "b.csv"):
        np.savetxt(source / name, minute, header="MLII", comments="", fmt="%.4f")
    places = ["--json", str(target), "--csv", str(target)]
    assert main(["analyze", str(source), "--fs", "360", "--unit", "mV", *places]) == 0
    names = [f"{name}.{kind}" for name in ("a.csv", "a.tsv", "b") for kind in ("csv", "json")]
    assert sorted(path.name for path in target.iterdir()) == names


def test_leads_that_a_file_does_not_name_can_be_named(minute: np.ndarray, tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "a.npy", np.stack([np.zeros_like(minute), minute], axis=1))
    usual = ["analyze", str(tmp_path / "a.npy"), "--fs", "360", "--unit", "mV", "--json", str(tmp_path / "a.json")]
    assert main([*usual, "--leads", "V1, MLII"]) == 0
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["leads"] == ["MLII"]
    assert not any("trained on lead" in warning for warning in document["warnings"])
    assert main([*usual, "--leads", "MLII"]) == 2
    assert "2 leads and 1 names" in capsys.readouterr().err


def test_a_recording_without_beats_gets_annotations_without_beats_which_a_comparison_counts(tmp_path: Path) -> None:
    write_record(tmp_path, "flat", np.full(60 * 360, 0.5))
    places = ["--json", str(tmp_path / "flat.json"), "--atr", str(tmp_path / "atr")]
    assert main(["analyze", str(tmp_path / "flat"), *places]) == 0
    assert json.loads((tmp_path / "flat.json").read_text())["beats"] == []
    wfdb.wrann("flat", "atr", np.array([360, 720, 1080]), list("NVN"), fs=360, write_dir=str(tmp_path))
    bench = ["bench", str(tmp_path / "flat"), str(tmp_path / "atr" / "flat"), "--learning", "0"]
    assert main([*bench, "--json", str(tmp_path / "bench.json")]) == 0
    found = json.loads((tmp_path / "bench.json").read_text())["gross"]["qrs_se"]
    assert (found["numerator"], found["denominator"]) == (0, 3)


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
