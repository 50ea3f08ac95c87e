"""From a table of single beats to the class of each row, by the library and by the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ecgviz.__main__ import main
from ecgviz.analysis.beat_rows import analyse_rows, explain_row
from ecgviz.analysis.beats import analyse_beats
from ecgviz.analysis.choice import choose_checkpoints
from ecgviz.errors import CheckpointError
from ecgviz.figures.beat_row import beat_row_figure
from ecgviz.sources.samples import open_sample
from models import load_checkpoint
from models.checkpoints import DEFAULT_ROWS_CHECKPOINT
from models.data import heartbeat_rows, mitdb
from models.evaluation.beats import evaluate
from models.metrics.beats import confusion, scores
from readers import open_recording
from readers.arrays.beat_rows import FS, WIDTH, BeatRows, HoldsBeats
from tests.readers.arrays.test_beat_rows import CLASSES, ROWS, beats

TABLE = np.column_stack([ROWS, CLASSES])


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(DEFAULT_ROWS_CHECKPOINT)


@pytest.fixture
def table(tmp_path) -> Path:
    np.savetxt(tmp_path / "beats.csv", TABLE, fmt="%.4g", delimiter=",")
    return tmp_path / "beats.csv"


def rows(table: np.ndarray, label: np.ndarray | None = None) -> BeatRows:
    return BeatRows("beats", np.asarray(table, np.float32), label, "array")


def test_rows_that_look_alike_are_answered_alike(checkpoint) -> None:
    """In any order, scaled by beat or by window, alone or among a thousand, and normal beats mostly as N."""
    found = analyse_rows(rows(ROWS), checkpoint)
    assert found.prob.shape == (len(ROWS), 5) and found.answered.all()
    np.testing.assert_allclose(found.prob.sum(axis=1), 1, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(ROWS))
    np.testing.assert_allclose(analyse_rows(rows(ROWS[order]), checkpoint).prob, found.prob[order], atol=1e-4)
    length = WIDTH - (ROWS[:, ::-1] != 0).argmax(axis=1)[:, None]
    other = np.where(np.arange(WIDTH) < length, 0.2 + 0.5 * ROWS, 0)
    np.testing.assert_allclose(analyse_rows(rows(other), checkpoint).prob, found.prob, atol=2e-3)
    np.testing.assert_allclose(analyse_rows(rows(ROWS[7:8]), checkpoint).prob, found.prob[7:8], atol=1e-4)
    steady = analyse_rows(rows(beats(lengths=(120, 121))), checkpoint)  # 1.2 of the 0.8 s between these beats
    assert (steady.label == "N").mean() > 0.9


def test_rows_without_a_beat_have_no_answer(checkpoint) -> None:
    broken = ROWS.copy()
    broken[2], broken[4], broken[6, 30] = 0, np.nan, np.nan
    broken[8] = 0.5
    found = analyse_rows(rows(broken, CLASSES), checkpoint)
    assert np.flatnonzero(~found.answered).tolist() == [2, 4, 6, 8]
    assert found.label[2] == "" and np.isnan(found.confidence[4])
    assert sum(found.counts.values()) == found.confusion.sum() == len(ROWS) - 4
    assert "2 rows hold no beat" in " ".join(found.warnings)
    np.testing.assert_allclose(found.prob[9:], analyse_rows(rows(ROWS[9:]), checkpoint).prob, atol=1e-4)
    nothing = analyse_rows(rows(np.zeros((3, WIDTH))), checkpoint)
    assert not nothing.answered.any() and sum(nothing.counts.values()) == 0


def test_the_work_can_be_stopped(checkpoint) -> None:
    told = []
    many = rows(beats(1000))
    found = analyse_rows(many, checkpoint, progress=lambda *seen: told.append(seen), should_stop=lambda: len(told) >= 2)
    assert 0 < found.answered.sum() < 1000
    assert "Stopped before the end" in " ".join(found.warnings)


def test_a_network_of_rows_is_kept_from_recordings_and_others_from_rows(checkpoint, tmp_path, capsys) -> None:
    with pytest.raises(CheckpointError, match="does not classify beats of recordings"):
        analyse_beats(open_sample("mitdb-208"), checkpoint)
    with pytest.raises(CheckpointError, match="does not classify the rows"):
        analyse_rows(rows(ROWS), load_checkpoint("beat-dcrnn"))
    with pytest.raises(CheckpointError, match="of 90 samples"):
        analyse_rows(rows(ROWS[:, :90]), checkpoint)
    assert main(["analyze", "sample:mitdb-208", "--checkpoint", DEFAULT_ROWS_CHECKPOINT]) == 2
    assert "classifies tables of single beats" in capsys.readouterr().err
    assert main(["evaluate", DEFAULT_ROWS_CHECKPOINT, "--data", str(tmp_path)]) == 2


def test_the_map_of_a_row_lies_on_its_samples(checkpoint) -> None:
    found = analyse_rows(rows(ROWS), checkpoint)
    seen = explain_row(found, checkpoint, 11)
    assert (seen.beat, seen.target, len(seen.values)) == (11, found.label[11], WIDTH)
    np.testing.assert_allclose(seen.time_s, np.arange(WIDTH) / FS, atol=1e-9)
    assert seen.values.max() > 0
    figure = beat_row_figure(ROWS[11], FS, "N", seen)
    assert len(figure.layout.images) == 1 and len(figure.data[0].x) + len(figure.data[1].x) == WIDTH + 1
    assert not beat_row_figure(np.full(WIDTH, np.nan), FS, "").layout.images


def test_the_command_line_answers_a_table(table, tmp_path, capsys) -> None:
    assert main(["analyze", str(table), "--json", str(tmp_path / "a.json"), "--csv", str(tmp_path / "a.csv")]) == 0
    said = capsys.readouterr()
    assert "each of its 60 rows is a single heartbeat" in said.out and "60 rows classified: N " in said.out
    assert f"by {DEFAULT_ROWS_CHECKPOINT}, because each of its rows is a single beat" in said.err
    assert "says little of new patients" in said.err
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["choice"]["kind"] == "rows" and found["checkpoint"] == DEFAULT_ROWS_CHECKPOINT
    assert "no R peaks, no rhythm and no time axis" in found["is"]
    assert [row["stated"] for row in found["rows"]] == list(np.array(list("NSVFQ"))[CLASSES])
    assert np.sum(found["confusion"]) == 60 == sum(found["counts"].values())
    with (tmp_path / "a.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["label"] for line in lines] == [row["label"] for row in found["rows"]]
    assert lines[0].keys() >= {"row", "stated", "probability", "prob_N"}


@pytest.mark.parametrize(
    "more", [["--fs", "125"], ["--unit", "mV"], ["--lead", "II"], ["--beats", "reference"], ["--leads", "II"]]
)
def test_options_of_recordings_are_refused_for_a_table(table, more, capsys) -> None:
    assert main(["analyze", str(table), *more]) == 2
    assert "is for recordings, and beats is a table of single beats" in capsys.readouterr().err


def test_tables_in_a_folder_of_recordings(table, tmp_path, capsys) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    table.rename(folder / "beats.csv")
    np.save(folder / "more.npy", ROWS)
    np.save(folder / "zeros.npy", np.zeros((9, WIDTH)))
    assert main(["analyze", str(folder), "--json", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("nothing but zeros") == 1
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {"beats", "more"}


def test_the_choice_says_why() -> None:
    assert choose_checkpoints(rows(ROWS)).describe().endswith("because each of its rows is a single beat")


@pytest.mark.data
def test_beats_of_patients_that_were_never_seen(checkpoint, data_root, tmp_path) -> None:
    """Rows of six records of DS2, written as the public table is, opened and classified as a stranger's file is."""
    names = ("100", "105", "121", "200", "221", "233")
    assert not {record.name for record in checkpoint.card.training_records} & {*names, *mitdb.DS2}
    source = [heartbeat_rows.Source(data_root / "mitdb", names)]
    folder = heartbeat_rows.write_sides(tmp_path, [heartbeat_rows.Source(data_root / "mitdb", ("101",))], source)
    with pytest.raises(HoldsBeats) as told:
        open_recording(folder / "mitbih_test.csv")
    found = analyse_rows(told.value.rows, checkpoint)
    figures = scores(confusion(found.rows.label, found.class_index, 5), found.classes)
    assert figures["N_se"] > 0.95
    assert figures["V_se"] > 0.4 and figures["V_ppv"] > 0.9
    again = evaluate(checkpoint, folder)
    assert again["tables"] == "patient"
    assert again["pooled"]["scores"]["V_se"]["value"] == pytest.approx(figures["V_se"], abs=0.005)
