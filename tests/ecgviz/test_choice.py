"""``analyze`` without a checkpoint: what answers is chosen by the recording, and both the choice and why are told."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.analysis.choice import LONGEST_RESTING_S, choose_checkpoints, names_wanted
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_PAPER_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT
from readers.core.lead_names import EIGHT_LEADS, TWELVE_LEADS
from readers.paper.pictures import EcgPicture
from readers.recording import ArraySource, Recording
from tests.ecgviz.simulated import sheet, twelve_leads

BEAT_KEYS = {
    "record", "fs", "n_samples", "checkpoint", "device", "leads", "positions", "seconds", "warnings",
    "seen_in_training", "statement", "beats",
}  # fmt: skip
LABEL_KEYS = {"labels", "uncertainty_bits", "refer", "windows", "derived_leads", "checkpoint_sha256"}


def write(folder: Path, name: str, recording: Recording, leads: tuple[str, ...] = TWELVE_LEADS) -> str:
    """Some leads of a recording as a WFDB record; gives its name for the command line."""
    folder.mkdir(exist_ok=True)
    samples = recording.signal_mV(leads=leads).astype(np.float64)
    wfdb.wrsamp(
        name, fs=recording.fs, units=["mV"] * len(leads), sig_name=list(leads), p_signal=samples,
        fmt=["16"] * len(leads), write_dir=str(folder),
    )  # fmt: skip
    return str(folder / name)


def analysed(record: str, target: Path, *more: str) -> dict:
    assert main(["analyze", record, "--json", str(target), *more]) == 0
    return json.loads(target.read_text(encoding="utf-8"))


def recording(leads: tuple[str, ...], seconds: float, fs: float = 250.0) -> Recording:
    source = ArraySource(np.zeros((1, len(leads)), np.float32))
    return Recording("x", fs, round(seconds * fs), leads, ("mV",) * len(leads), source, "array")


@given(
    extra=st.lists(st.sampled_from(["aVR", "aVL", "V7", "MLII", "Resp"]), unique=True),
    missing=st.sets(st.sampled_from(EIGHT_LEADS), max_size=2),
    seconds=st.floats(1.0, 300.0),
    upper=st.booleans(),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=150, deadline=None)
def test_the_rule_goes_by_leads_and_length_alone(extra, missing, seconds, upper, order) -> None:
    leads = [lead.upper() if upper else lead for lead in EIGHT_LEADS if lead not in missing] + extra
    order.shuffle(leads)
    ecg = recording(tuple(leads), seconds)
    choice = choose_checkpoints(ecg)
    resting = not missing and ecg.duration_s <= LONGEST_RESTING_S
    assert choice.kind == ("resting" if resting else "rhythm")
    assert choice.beats == DEFAULT_BEAT_CHECKPOINT
    assert choice.labels == (DEFAULT_RECORD_CHECKPOINT if resting else None)
    assert choice.reason in choice.describe() and DEFAULT_BEAT_CHECKPOINT in choice.describe()


def test_a_picture_has_labels_alone() -> None:
    choice = choose_checkpoints(EcgPicture("x", np.zeros((2, 2, 3), np.uint8), "PNG"))
    assert (choice.kind, choice.beats, choice.labels) == ("paper", None, DEFAULT_PAPER_CHECKPOINT)


@pytest.mark.parametrize("leads", [TWELVE_LEADS, EIGHT_LEADS])
def test_twelve_leads_of_up_to_a_minute_get_labels_and_beats(tmp_path: Path, capsys, leads: tuple[str, ...]) -> None:
    record = write(tmp_path, "rest", twelve_leads(10.0, 250.0), leads)
    places = ["--csv", str(tmp_path / "rest.csv"), "--atr", str(tmp_path / "atr")]
    document = analysed(record, tmp_path / "rest.json", *places)
    said = capsys.readouterr()
    assert set(document) >= BEAT_KEYS | LABEL_KEYS
    assert document["checkpoint"] == DEFAULT_BEAT_CHECKPOINT
    assert [one["for"] for one in document["checkpoints"]] == ["beats", "labels"]
    assert [one["name"] for one in document["checkpoints"]] == [DEFAULT_BEAT_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT]
    assert document["checkpoint_sha256"] == document["checkpoints"][0]["sha256"]
    assert document["choice"] == {"kind": "resting", "reason": "it is a 12-lead ECG of 10.0 s"}
    assert document["recording_leads"] == list(leads)
    assert set(document["seconds"]) == {"load", "detect", "classify", "label"}
    assert [label["name"] for label in document["labels"]] == ["NORM", "MI", "STTC", "CD", "HYP"]
    assert len(document["derived_leads"]) == 12 - len(leads)
    assert len(document["beats"]) > 5
    assert said.err.startswith(f"rest: beats by {DEFAULT_BEAT_CHECKPOINT} and labels by {DEFAULT_RECORD_CHECKPOINT}")
    assert "because it is a 12-lead ECG of 10.0 s" in said.err
    assert "normal ECG (NORM)" in said.out and "beats: N " in said.out
    with (tmp_path / "rest.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(document["beats"])
    assert (tmp_path / "atr" / "rest.atr").is_file()


def test_the_answers_are_those_of_the_checkpoints_named(tmp_path: Path) -> None:
    record = write(tmp_path, "rest", twelve_leads(12.0, 250.0))
    both = analysed(record, tmp_path / "both.json")
    beats = analysed(record, tmp_path / "beats.json", "--checkpoint", DEFAULT_BEAT_CHECKPOINT)
    labels = analysed(record, tmp_path / "labels.json", "--checkpoint", DEFAULT_RECORD_CHECKPOINT)
    for name in BEAT_KEYS - {"seconds", "warnings", "seen_in_training"}:
        assert both[name] == beats[name], name
    for name in LABEL_KEYS - {"checkpoint_sha256"}:
        assert both[name] == labels[name], name
    assert set(both["warnings"]) == {*beats["warnings"], *labels["warnings"]}
    assert len(both["warnings"]) == len(set(both["warnings"]))
    assert set(labels) - {"recording_leads"} <= set(both)


@pytest.mark.parametrize(
    ("leads", "seconds", "reason"),
    [
        (("II",), 20.0, "it has 1 lead, not those of a 12-lead ECG"),
        (("I", "II", "III"), 20.0, "it has 3 leads, not those of a 12-lead ECG"),
        (TWELVE_LEADS, 61.0, "it lasts 61 s, and a 12-lead ECG of up to 60 s is labelled"),
    ],
)
def test_others_get_their_beats(tmp_path: Path, capsys, leads: tuple[str, ...], seconds: float, reason: str) -> None:
    document = analysed(write(tmp_path, "r", twelve_leads(seconds, 250.0), leads), tmp_path / "r.json")
    assert set(document) >= BEAT_KEYS and not (LABEL_KEYS - {"checkpoint_sha256"}) & set(document)
    assert [one["name"] for one in document["checkpoints"]] == [DEFAULT_BEAT_CHECKPOINT]
    assert document["choice"] == {"kind": "rhythm", "reason": reason}
    assert reason in capsys.readouterr().err


@given(n=st.sampled_from([1, 7, 8, 11, 12, 13]), named=st.booleans(), seconds=st.sampled_from([5.0, 59.0, 61.0, 600.0]))
def test_names_are_asked_for_where_they_would_give_labels_and_only_there(n, named, seconds) -> None:
    leads = (*TWELVE_LEADS, "V7")[:n] if named else tuple(f"lead {number}" for number in range(1, n + 1))
    told = names_wanted(recording(leads, seconds))
    assert bool(told) == (n in (8, 12) and not named and seconds <= LONGEST_RESTING_S)
    for sentence in told:
        [names] = re.findall(r"--leads (\S+)", sentence)
        ecg = recording(tuple(names.split(",")), seconds)
        assert choose_checkpoints(ecg).kind == "resting", "with the names that it proposes there are labels"


def test_unnamed_leads_in_another_order_get_beats_and_the_way_to_labels(tmp_path: Path, capsys) -> None:
    table = twelve_leads(10.0, 250.0).signal_mV()[:, ::-1]
    time_s = np.arange(len(table)) / 250.0
    np.savetxt(tmp_path / "twelve.csv", np.column_stack([time_s, table]), fmt="%.4f", delimiter=",")
    document = analysed(str(tmp_path / "twelve.csv"), tmp_path / "r.json", "--unit", "mV")
    (told,) = [one for one in document["warnings"] if "--leads" in one]
    assert document["beats"] and document["choice"]["kind"] == "rhythm"
    assert f"warning: {told}\n" in capsys.readouterr().err
    order = ",".join(TWELVE_LEADS[::-1])
    named = analysed(str(tmp_path / "twelve.csv"), tmp_path / "r.json", "--unit", "mV", "--leads", order)
    assert named["choice"]["kind"] == "resting" and named["labels"]
    assert not any("--leads" in one for one in named["warnings"])


def test_a_minute_is_still_labelled(tmp_path: Path) -> None:
    document = analysed(write(tmp_path, "r", twelve_leads(60.0, 100.0)), tmp_path / "r.json")
    assert document["choice"]["kind"] == "resting" and document["labels"]


def test_beats_come_where_the_labels_are_refused(tmp_path: Path, capsys) -> None:
    document = analysed(write(tmp_path, "short", twelve_leads(2.0, 250.0)), tmp_path / "short.json")
    assert len(document["beats"]) >= 1
    assert document["labels"] == []
    assert [one["for"] for one in document["checkpoints"]] == ["beats"]
    (why,) = [warning for warning in document["warnings"] if warning.startswith("There are no labels")]
    assert DEFAULT_RECORD_CHECKPOINT in why
    assert f"warning: {why}\n" in capsys.readouterr().err


def test_a_picture_goes_to_the_checkpoint_for_paper(tmp_path: Path, capsys) -> None:
    path = tmp_path / "scan.png"
    Image.fromarray(sheet()).save(path)
    document = analysed(str(path), tmp_path / "scan.json", "--turn", "0")
    assert document["checkpoint"] == DEFAULT_PAPER_CHECKPOINT
    assert document["choice"] == {"kind": "paper", "reason": "it is a picture of an ECG"}
    assert len(document["labels"]) == 5
    assert f"scan: labels by {DEFAULT_PAPER_CHECKPOINT}, because it is a picture of an ECG" in capsys.readouterr().err
    for option, value in (("--csv", "x.csv"), ("--lead", "II"), ("--beats", "reference")):
        assert main(["analyze", str(path), option, value]) == 2
        assert f"error: {option[2:]}: is for beats, and scan.png is a picture" in capsys.readouterr().err
    assert main(["analyze", "sample:photographed-ecg"]) == 0
    assert main(["analyze", "sample:mitdb-208", "--page", "2"]) == 2
    assert "page: is for pictures of ECG paper" in capsys.readouterr().err


def test_each_of_a_folder_is_chosen_for_by_itself(tmp_path: Path, capsys) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write(folder, "rest", twelve_leads(10.0, 250.0))
    write(folder, "strip", twelve_leads(20.0, 250.0), ("II",))
    Image.fromarray(sheet()).save(folder / "sheet.png")
    (folder / "broken.hea").write_text("broken 12 500 5000\n")
    assert main(["analyze", str(folder), "--json", str(out), "--csv", str(out)]) == 1
    said = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == [
        "rest.csv", "rest.json", "sheet.json", "strip.csv", "strip.json",
    ]  # fmt: skip
    kinds = {path.stem: json.loads(path.read_text())["choice"]["kind"] for path in out.glob("*.json")}
    assert kinds == {"rest": "resting", "strip": "rhythm", "sheet": "paper"}
    assert "error: broken.hea: " in said.err
    assert said.out.count("Not for diagnosis") == 1


def test_what_both_networks_say_of_the_file_is_said_once(tmp_path: Path) -> None:
    ecg = twelve_leads(10.0, 250.0)
    samples = ecg.signal_mV().copy()
    samples[500:600] = np.nan
    record = write(tmp_path, "gap", replace(ecg, source=ArraySource(samples)))
    warnings = analysed(record, tmp_path / "gap.json")["warnings"]
    assert len(warnings) == len(set(warnings)) >= 1


def test_the_documents_name_what_is_chosen() -> None:
    words = (Path(__file__).resolve().parents[2] / "docs" / "output.md").read_text(encoding="utf-8")
    for name in (DEFAULT_BEAT_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT, DEFAULT_PAPER_CHECKPOINT):
        assert f"`{name}`" in words
    for key in BEAT_KEYS | LABEL_KEYS | {"checkpoints", "choice", "recording_leads"}:
        assert f"`{key}`" in words, key


@pytest.mark.data
def test_real_twelve_lead_recordings_have_both(data_root: Path, tmp_path: Path) -> None:
    ptbxl = sorted((data_root / "ptbxl").rglob("*_lr.hea"))[:3] + sorted((data_root / "ptbxl").rglob("*_hr.hea"))[:2]
    cinc = sorted((data_root / "cinc").glob("*.hea"))
    assert ptbxl and cinc
    for number, header in enumerate([*ptbxl, *cinc]):
        document = analysed(str(header.with_suffix("")), tmp_path / f"{number}.json")
        assert document["choice"]["kind"] == "resting", header.name
        assert document["beats"] and len(document["labels"]) == 5, header.name


@pytest.mark.data
def test_real_recordings_of_other_kinds_have_beats(data_root: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("mitdb/100", "cinc2017")):
        record = data_root / name
        if record.is_dir():
            record = sorted(record.glob("*.hea"))[0].with_suffix("")
        document = analysed(str(record), tmp_path / f"{number}.json")
        assert document["choice"]["kind"] == "rhythm" and document["beats"] and "labels" not in document


def test_what_both_networks_meet_is_told_once_and_the_heaviest_first(tmp_path, capsys):
    samples = twelve_leads(seconds=10.0).signal_mV().copy()
    samples[:, 6:] = 0.0
    lost = replace(twelve_leads(seconds=10.0), source=ArraySource(samples))
    document = analysed(write(tmp_path, "lost", lost), tmp_path / "lost.json")
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert lines == [f"warning: {sentence}" for sentence in document["warnings"]]
    assert len([line for line in lines if "no signal" in line.lower()]) == 1
    assert len(lines) == len(set(lines))
