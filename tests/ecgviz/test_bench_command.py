"""``python -m ecgviz bench``: files, records and folders of annotations, and what it writes."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgviz.__main__ import main
from models.metrics.ec57.comparison import CELLS
from readers.wfdb.annotation_file import open_annotations

FS = 100


def annotate(folder: Path, name: str, text: str, extension: str = "atr", header: bool = True) -> None:
    """A letter a beat, one a second from 1 s on; ``.`` is none."""
    folder.mkdir(exist_ok=True)
    found = [(100 * (at + 1), letter) for at, letter in enumerate(text) if letter != "."]
    sample, symbol = (np.array(column) for column in zip(*found, strict=True))
    wfdb.wrann(name, extension, sample, symbol=list(symbol), write_dir=str(folder))
    if header:
        (folder / f"{name}.hea").write_text(f"{name} 1 {FS} {100 * (len(text) + 1)}\n{name}.dat 16 200 16 0 0 0 0 I\n")


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    truth, test = tmp_path / "truth", tmp_path / "test"
    annotate(truth, "a", "NNVNNANN")
    annotate(test, "a", "NNVNNVNN", "ai", header=False)
    annotate(truth, "b", "NNVNN")
    annotate(test, "b", "NN.NN", "ai", header=False)
    annotate(truth, "paced", "////")
    annotate(test, "paced", "VVVV", "ai", header=False)
    return truth, test


def run(*arguments: str | Path, learning: str = "0") -> int:
    return main(["bench", *map(str, arguments), "--learning", learning])


def test_a_folder(folders, tmp_path, capsys):
    table, document = tmp_path / "t.csv", tmp_path / "t.json"
    assert run(*folders, "--test-extension", "ai", "--csv", table, "--json", document) == 0
    rows = {row["record"]: row for row in csv.DictReader(table.read_text().splitlines())}
    assert list(rows) == ["a", "b", "paced", "Gross", "Average"]
    counts = {name: {cell: int(row[cell]) for cell in CELLS if int(row[cell])} for name, row in list(rows.items())[:4]}
    assert counts == {
        "a": {"Nn": 6, "Vv": 1, "Sv": 1},
        "b": {"Nn": 4, "Vo": 1},
        "paced": {"Qv": 4},
        "Gross": {"Nn": 10, "Vv": 1, "Vo": 1, "Sv": 1},
    }
    assert [float(rows[name]["veb_se"]) for name in ("a", "b", "Gross", "Average")] == [1.0, 0.0, 0.5, 0.5]
    assert [float(rows[name]["qrs_se"]) for name in ("Gross", "Average")] == pytest.approx([12 / 13, 0.9])
    assert rows["b"]["veb_ppv"] == rows["b"]["sveb_se"] == ""  # no case, no share
    found = json.loads(document.read_text())
    assert found["left_out"] == ["paced"]
    assert found["gross"]["veb_ppv"] == {"value": 0.5, "numerator": 1, "denominator": 2}
    assert found["average"]["veb_ppv"] == 0.5
    assert found["protocol"] == {"learning_s": 0.0, "window_s": 0.15, "escape": "S"}
    said = capsys.readouterr().out
    assert "left out, since they have paced beats: paced" in said
    assert "VEB Se" in said


def test_paced_recordings_count_where_that_is_wanted(folders, tmp_path):
    document = tmp_path / "t.json"
    assert run(*folders, "--test-extension", "ai", "--with-paced", "--json", document) == 0
    assert json.loads(document.read_text())["gross"]["qrs_se"]["denominator"] == 17


def test_a_record_and_a_file(folders, capsys):
    truth, test = folders
    assert run(truth / "a", test / "a.ai") == 0
    matrix = capsys.readouterr().out.splitlines()[1:4]
    assert [line.split() for line in matrix] == [
        ["n", "s", "v", "f", "q", "o", "x"],
        ["N", "6", "0", "0", "0", "0", "0", "0"],
        ["S", "0", "0", "1", "0", "0", "0", "0"],
    ]


def test_the_learning_period_is_that_of_the_standard_unless_said(folders, capsys):
    truth, test = folders
    assert main(["bench", str(truth / "a"), str(test / "a.ai")]) == 0
    assert "learning period 300 s" in capsys.readouterr().out


def test_one_that_cannot_be_read_costs_no_other(folders, capsys):
    test = folders[1]
    (test / "b.ai").write_bytes(b"")
    assert run(*folders, "--test-extension", "ai") == 1
    captured = capsys.readouterr()
    assert "b.ai: no annotation can be read" in captured.err
    assert "2 recordings" in captured.out


@pytest.mark.parametrize(
    ("truth", "test", "message"),
    [
        ("truth/b", "test/a.ai", ""),
        ("truth", "nowhere", "nowhere.ai: there is no such annotation file"),
        ("truth/c", "test/a.ai", "c.atr: there is no such annotation file"),
        ("test", "test", "the folder holds no .atr file"),
        ("truth/a", "test/a", ""),
    ],
)
def test_what_is_not_there(folders, tmp_path, capsys, truth, test, message):
    status = run(tmp_path / truth, tmp_path / test, "--test-extension", "ai")
    assert (status, message) == ((2, message) if message else (0, ""))
    assert message in capsys.readouterr().err


def test_no_record_in_common(folders, tmp_path, capsys):
    annotate(tmp_path / "other", "z", "NN", "ai")
    annotate(tmp_path / "other", "y", "NN", "ai")
    assert run(folders[0], tmp_path / "other", "--test-extension", "ai") == 2
    assert "no record has both .atr in truth and .ai here" in capsys.readouterr().err


def test_a_file_without_a_time_base_needs_one(tmp_path):
    annotate(tmp_path, "a", "NN", header=False)
    with pytest.raises(Exception, match=r"a\.atr: neither a header .* give --fs HZ"):
        open_annotations(tmp_path / "a.atr")
    assert open_annotations(tmp_path / "a.atr", 250.0).fs == 250.0


def test_the_time_base_of_the_file_counts(tmp_path):
    wfdb.wrann("own", "atr", np.array([500, 1000]), symbol=["N", "V"], fs=500, write_dir=str(tmp_path))
    alone = open_annotations(tmp_path / "own.atr")
    assert (alone.fs, alone.annotations.sample.tolist(), alone.n_samples) == (500.0, [500, 1000], None)
    (tmp_path / "own.hea").write_text("own 1 100 400\nown.dat 16 200 16 0 0 0 0 I\n")
    beside = open_annotations(tmp_path / "own.atr")
    assert (beside.fs, beside.annotations.sample.tolist(), beside.n_samples) == (100.0, [100, 200], 400)


def test_subtypes_are_read_as_wfdb_reads_them(tmp_path):
    subtype = np.array([0, 0x33, -1, 7, 0])
    wfdb.wrann(
        "s", "atr", np.arange(1, 6) * 100, symbol=list("N~~NN"), subtype=subtype, fs=100, write_dir=str(tmp_path)
    )
    np.testing.assert_array_equal(open_annotations(tmp_path / "s.atr").annotations.subtype, subtype)


@pytest.mark.data
def test_the_subtypes_of_a_real_file(data_root: Path):
    found = open_annotations(data_root / "mitdb" / "105.atr").annotations
    expected = wfdb.rdann(str(data_root / "mitdb" / "105"), "atr")
    np.testing.assert_array_equal(found.sample, expected.sample)
    np.testing.assert_array_equal(found.subtype, expected.subtype)
    assert (found.subtype != 0).any()


def test_two_folders_of_one_record_each_are_compared_by_name(folders, tmp_path, capsys):
    truth, test = tmp_path / "one", tmp_path / "other"
    annotate(truth, "a", "NNVN")
    annotate(test, "b", "NNVN")
    assert run(truth, test) == 2
    assert "no record has both" in capsys.readouterr().err
    assert run(truth, test / "b.atr") == 2
    assert run(truth / "a", test / "b") == 0, "two files that are named may have any names"
    annotate(test, "a", "NNVN")
    assert run(truth, test) == 0


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "-inf"])
def test_a_learning_period_that_is_none_is_refused(folders, capsys, seconds):
    assert main(["bench", *map(str, folders), "--test-extension", "ai", f"--learning={seconds}"]) == 2
    assert "error: learning" in capsys.readouterr().err


def test_a_recording_within_the_learning_period_is_told(folders, capsys):
    truth, test = folders
    assert run(truth / "a", test / "a.ai", learning="300") == 0
    assert "warning: a: no beat behind the learning period of 300 s" in capsys.readouterr().err


@pytest.mark.parametrize(("extension", "status"), [(".ai", 0), ("ai", 0), ("", 2), (".", 2), ("../ai", 2)])
def test_an_extension_may_have_its_dot(folders, capsys, extension, status):
    truth, test = folders
    for one, other in ((truth, test), (truth / "a", test / "a")):
        assert run(one, other, "--truth-extension", ".atr", "--test-extension", extension) == status
