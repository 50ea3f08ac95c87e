"""A recording classified as a whole: labels, the mark for a person, warnings, and the command that writes them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ecgviz.__main__ import main
from ecgviz.analysis.records import analyse_record, record_seen, refer_reasons
from ecgviz.errors import CheckpointError, ConfigError
from models import load_checkpoint
from models.checkpoints import Checkpoint, TrainingRecord
from models.evaluation.records import RecordAnswer
from models.tasks.record import RecordTask
from readers.recording import ArraySource
from tests.ecgviz.simulated import EIGHT, only, save_record_checkpoint, twelve_leads


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_record_checkpoint(
        tmp_path_factory.mktemp("checkpoints") / "small",
        RecordTask(),
        calibration={"thresholds": {"NORM": 0.4}, "refer_from": 0.0},
    )


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Checkpoint:
    return load_checkpoint(folder)


def _answer(prob: list[float], windows: list[list[float]] | None = None, classes=("NORM", "MI")) -> RecordAnswer:
    by_window = np.array(windows or [prob])
    limits = np.full(len(prob), 0.5)
    return RecordAnswer(
        classes, np.zeros(len(prob)), np.array(prob), limits, np.array(prob) >= limits, 0.3,
        np.arange(len(by_window)) * 1.0, 8.0, by_window, by_window,
    )  # fmt: skip


def test_labels_windows_and_order(checkpoint: Checkpoint) -> None:
    found = analyse_record(twelve_leads(), checkpoint)
    assert found.answer.classes == ("NORM", "MI", "STTC", "CD", "HYP")
    assert found.answer.thresholds[0] == 0.4 and len(found.answer.start_s) == 3
    low, high = found.interval
    assert (low <= high).all()
    said = [found.answer.probability[found.answer.classes.index(name)] for name in found.positive_labels]
    assert said == sorted(said, reverse=True)
    assert any("least certain fifth" in reason for reason in found.refer), "the card refers every answer"


@pytest.mark.parametrize(
    ("answer", "limit", "words"),
    [
        (_answer([0.9, 0.1]), None, []),
        (_answer([0.1, 0.2]), None, ["No label reaches"]),
        (_answer([0.9, 0.8]), None, ["normal and MI at once"]),
        (_answer([0.6, 0.1], [[0.4, 0.1], [0.8, 0.1]]), None, ["do not agree on NORM"]),
        (_answer([0.9, 0.1]), 0.25, ["least certain fifth"]),
        (_answer([0.1], classes=("abnormal",)), None, []),
    ],
)
def test_what_is_referred_to_a_person(answer: RecordAnswer, limit: float | None, words: list[str]) -> None:
    reasons = refer_reasons(answer, limit)
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons, strict=True))


def test_leads_that_are_made_are_announced(checkpoint: Checkpoint) -> None:
    found = analyse_record(only(twelve_leads(), EIGHT), checkpoint)
    assert found.derived == ("III", "aVR", "aVL", "aVF")
    assert "III, aVR, aVL, aVF are computed from I and II." in found.warnings


def test_what_is_missing_is_announced(checkpoint: Checkpoint) -> None:
    whole = twelve_leads(fs=50.0)
    samples = whole.signal_mV().copy()
    samples[:, 7] = 0.0
    found = analyse_record(replace(whole, source=ArraySource(samples)), checkpoint)
    words = " ".join(found.warnings)
    assert "no signal on V2" in words and "Sampled at 50 Hz" in words


@pytest.mark.parametrize(("seconds", "leads"), [(3.0, EIGHT), (10.0, ("I", "II", "V1"))])
def test_a_recording_that_does_not_suit_gets_one_sentence(checkpoint, seconds: float, leads: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        analyse_record(only(twelve_leads(seconds), leads), checkpoint)


def test_a_checkpoint_for_beats_is_refused() -> None:
    with pytest.raises(CheckpointError, match="whole recordings"):
        analyse_record(twelve_leads(), load_checkpoint("beat-strip"))


def test_a_training_recording_is_known_again(checkpoint: Checkpoint) -> None:
    recording = twelve_leads()
    digest = hashlib.sha256(np.ascontiguousarray(recording.signal_mV(), dtype=np.float32)).hexdigest()
    card = checkpoint.card.model_copy(update={"training_records": (TrainingRecord(name="ptbxl 7", sha256=digest),)})
    assert record_seen(recording, replace(checkpoint, card=card)) == "ptbxl 7"
    assert record_seen(twelve_leads(seed=4), replace(checkpoint, card=card)) is None
    for name, seen in (("00007_lr", "ptbxl 7"), ("00007_hr", "ptbxl 7"), ("00008_lr", None), ("00007", None)):
        named = replace(twelve_leads(seed=4), name=name)
        assert record_seen(named, replace(checkpoint, card=card)) == seen, "by the name that PTB-XL gives its files"


def test_the_command_writes_the_labels(folder: Path, tmp_path: Path, capsys) -> None:
    target = tmp_path / "labels.json"
    assert main(["analyze", "sample:dicom-12-lead", "--checkpoint", str(folder), "--json", str(target)]) == 0
    document = json.loads(target.read_text())
    assert [row["name"] for row in document["labels"]] == ["NORM", "MI", "STTC", "CD", "HYP"]
    for row in document["labels"]:
        assert {"name", "prob", "threshold", "positive"} <= set(row)
        assert row["positive"] == (row["prob"] >= row["threshold"])
    assert document["statement"] in capsys.readouterr().out


def test_the_command_goes_through_a_folder(folder: Path, tmp_path: Path, capsys) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("a", "b"):
        samples = twelve_leads().signal_mV()
        header = ",".join(twelve_leads().leads)
        np.savetxt(source / f"{name}.csv", samples, delimiter=",", header=header, comments="", fmt="%.4f")
    (source / "c.csv").write_text("I,II\n1,2\n" * 3)
    arguments = ["--checkpoint", str(folder), "--fs", "100", "--unit", "mV", "--json", str(tmp_path / "out")]
    assert main(["analyze", str(source), *arguments]) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.json", "b.json"]
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("several", [False, True])
def test_a_place_that_cannot_be_written_to_is_told_before_the_answer(
    folder: Path, tmp_path: Path, several: bool, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr("ecgviz.record_command._answer", lambda *_: pytest.fail("the network was asked"))
    source, file = tmp_path / "in", tmp_path / "file"
    source.mkdir()
    file.write_text("")
    for name in ("a", "b"):
        (source / f"{name}.csv").write_text("I,II\n1,2\n")
    record, place = (source, file) if several else ("sample:dicom-12-lead", file / "x")
    assert main(["analyze", str(record), "--checkpoint", str(folder), "--json", str(place)]) == 2
    assert f"error: {place.name}: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--csv", "x.csv"], ["--lead", "V1"], ["--beats", "reference"], ["--ray"]])
def test_options_of_beats_are_refused(folder: Path, option: list[str], capsys) -> None:
    assert main(["analyze", "sample:dicom-12-lead", "--checkpoint", str(folder), *option]) == 2
    assert "labels whole recordings" in capsys.readouterr().err


@pytest.mark.data
def test_a_training_recording_of_ptbxl_is_known_by_its_file(data_root: Path, checkpoint: Checkpoint) -> None:
    from models.data.ptbxl import read_wfdb
    from readers import open_recording

    path = data_root / "ptbxl" / "records100" / "00000" / "00001_lr"
    digest = hashlib.sha256(np.ascontiguousarray(read_wfdb(path)[0])).hexdigest()
    card = checkpoint.card.model_copy(update={"training_records": (TrainingRecord(name="ptbxl 1", sha256=digest),)})
    assert record_seen(open_recording(path), replace(checkpoint, card=card)) == "ptbxl 1"
