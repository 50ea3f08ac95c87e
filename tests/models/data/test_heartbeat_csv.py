"""Tables of single beats: read as they are known, made from annotated records, trained on and scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models import load_checkpoint
from models.__main__ import main
from models.config import load_config, make_config
from models.core.errors import ConfigError, ReadError
from models.data import heartbeat_csv, heartbeat_rows
from models.data.mitdb import load_record
from models.experiments.preflight import outlook
from models.jobs.submission import check_data, check_network
from tests.models.conftest import write_record

WIDTH = 60


def write_tables(folder: Path, records: bool = False, width: int = WIDTH) -> Path:
    """Three shapes of beats, one a class, of five records."""
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(0)
    time = np.arange(width)
    for name, count in (("mitbih_train", 400), ("mitbih_test", 100)):
        label = generator.integers(0, 3, count)
        beats = np.exp(-0.5 * ((time - width // 2) / (2 + 3 * label[:, None])) ** 2)
        beats += 0.02 * generator.random((count, width))
        np.savetxt(folder / f"{name}.csv", np.column_stack([beats, label]), fmt="%.4f", delimiter=",")
        if records:
            (folder / f"{name}.records.txt").write_text("\n".join(f"r{number % 5}" for number in range(count)))
    return folder


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tables(tmp_path_factory.mktemp("tables"))


def config_for(root: Path, *changes: str):
    small = ["network.arguments={width: 8, layers: [1]}", "batch_size=64", "beats_per_epoch=0", "epochs=10", "lr=0.02"]
    return load_config("heartbeat_resnext", [f"data.root={root}", *small, *changes])


def test_rows_come_through_the_task_as_they_are(tables: Path) -> None:
    config = config_for(tables)
    beats, label, _ = heartbeat_csv.read_table(tables / "mitbih_test.csv")
    (record,) = heartbeat_csv.load_test(tables, config.task)

    def read(start: int, stop: int) -> np.ndarray:
        return record.signal_mV[start:stop]

    batch = next(config.task.batches(read, record.fs, record.n_samples, record.sample))
    scaled = (beats - beats.mean(axis=1, keepdims=True)) / beats.std(axis=1, keepdims=True)
    np.testing.assert_allclose(batch.x[:, 0].numpy(), scaled, atol=1e-4)
    assert (record.label == label).all()


def test_sides(tables: Path, tmp_path: Path) -> None:
    task = config_for(tables).task
    train, validation = heartbeat_csv.load_sides(tables, task)
    assert [len(side[0].label) for side in (train, validation)] == [360, 40]
    train, validation = heartbeat_csv.load_sides(write_tables(tmp_path, records=True), task)
    assert [one.name for one in train] == ["r0", "r1", "r2", "r3"]
    assert [one.name for one in validation] == ["r4"]


def test_training_and_scoring(tables: Path, tmp_path: Path, capsys) -> None:
    from models.training import RunContext, run

    config = config_for(tables)
    check_data(config)
    assert outlook(config).cases.steps == 6
    folder = run(config, RunContext(tmp_path / "run"))
    assert main(["evaluate", str(folder), "--data", str(tables), "--to-card", "random split"]) == 0
    shown = capsys.readouterr().out
    assert "(test)" in shown and "100 beats" in shown
    card = load_checkpoint(folder).card
    assert card.metrics["random split"]["scores"]["macro_f1"]["value"] > 0.9
    assert [record.name for record in card.training_records] == ["mitbih_train"]
    assert "not for recordings" in card.limits[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("task.segment_seconds=1", "task.segment_seconds"),
        ("task.fs_out=250", "task.fs_out"),
        ("task.highpass_s=2", "task.fs_out"),
        ("task.rr=true", "task.rr"),
    ],
)
def test_a_task_that_would_change_the_rows_is_refused(tables: Path, change: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_data(config_for(tables, change))
    assert caught.value.field == field


@pytest.mark.parametrize("width", [20, 50, 187, 400])
def test_windows_are_as_long_as_the_rows_whatever_their_width(width: int, tmp_path: Path) -> None:
    config = config_for(write_tables(tmp_path, width=width))
    assert config.task.length == width
    check_data(config)
    check_network(config)
    again = make_config(config.model_dump(mode="json"))
    assert again == config, "a queued training is the one that was checked"
    assert load_config("heartbeat_resnext", ["data.root=nowhere"]).task.segment_seconds == 5.0


def test_narrow_rows_are_learned_from(tmp_path: Path) -> None:
    root = write_tables(tmp_path / "tables", width=20)
    sets = ["--set", f"data.root={root}", "--set", "epochs=1", "--set", "network.arguments={width: 8, layers: [1]}"]
    assert main(["train", "heartbeat_resnext", *sets, "--run-dir", str(tmp_path / "run")]) == 0
    assert load_checkpoint(tmp_path / "run" / "checkpoint").task.length == 20


@pytest.mark.parametrize(("architecture", "width"), [("resnext1d", 12), ("se_resnet_lstm", 7)])
def test_rows_too_narrow_for_a_network_are_refused(architecture: str, width: int, tmp_path: Path, capsys) -> None:
    root = write_tables(tmp_path / "tables", width=width)
    changes = [f"data.root={root}", f"network.architecture={architecture}", "network.arguments={}"]
    with pytest.raises(ConfigError, match=f"cannot take windows of {width} samples") as caught:
        check_network(load_config("heartbeat_resnext", changes))
    assert caught.value.field == "task.segment_seconds"
    sets = [word for change in changes for word in ("--set", change)]
    assert main(["train", "heartbeat_resnext", *sets, "--run-dir", str(tmp_path / "run")]) == 2
    assert "choose another network" in capsys.readouterr().err


def test_tables_that_are_none_are_named(tmp_path: Path) -> None:
    file = tmp_path / "mitbih_train.csv"
    for text, fault in (("a,b\n", "cannot be read as a table"), ("0,1,7\n", "no class 0 to 4"), ("1,2\n", "2 columns")):
        file.write_text(text)
        with pytest.raises(ReadError, match=fault):
            heartbeat_csv.read_table(file)
    file.write_text("0,1,0\n0,1,1\n")
    file.with_suffix(".records.txt").write_text("one")
    with pytest.raises(ReadError, match="names 1 records for 2 beats"):
        heartbeat_csv.read_table(file)


def test_beats_are_cut_from_their_r_peak_on_and_scaled(tmp_path: Path) -> None:
    write_record(tmp_path, "sim", 60.0, 1)
    record = load_record(tmp_path, "sim")
    rows = heartbeat_rows.cut_beats(record)
    assert rows.shape == (len(record.label), 187)
    assert rows.min() == 0
    assert np.median(rows.max(axis=1)) == 1
    normal = rows[record.label == 0]
    assert np.median(normal[:, :4].max(axis=1)) > 0.8, "the R peak stands at the start"
    assert (normal[:, -20:] == 0).mean() > 0.5, "zeros fill the row"


@pytest.mark.data
@pytest.mark.parametrize("split", ["random", "patient"])
def test_tables_of_the_real_records(data_root: Path, tmp_path: Path, split: str, monkeypatch) -> None:
    monkeypatch.setattr(heartbeat_rows.mitdb, "DS1", ("208", "119"))
    monkeypatch.setattr(heartbeat_rows.mitdb, "DS2", ("210", "233"))
    assert main(["heartbeats", str(tmp_path), "--data", str(data_root / "mitdb"), "--split", split]) == 0
    train, test = (heartbeat_csv.read_table(tmp_path / name) for name in ("mitbih_train.csv", "mitbih_test.csv"))
    assert set(test[2]) == ({"210", "233"} if split == "patient" else {"208", "119", "210", "233"})
    assert (train[2] is None) == (split == "random")
    assert heartbeat_csv.width_of(tmp_path) == 187
