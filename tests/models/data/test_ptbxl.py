"""PTB-XL and folders of arrays: labels, folds, what is left out, and that both sources of PTB-XL agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.config.record import RecordDataConfig
from models.core.errors import ConfigError, ReadError
from models.data.ptbxl import superclasses_of
from models.data.record_dataset import CropDataset, WindowDataset
from models.data.survey import recognise, survey
from models.data.whole_recordings import load_split, positive_weights, prepare, samples_sha256
from models.tasks import RecordTask
from tests.models.data.ptbxl_folder import labels_of, write_arrays, write_more, write_ptbxl

EIGHT = RecordTask(
    target="abnormal", ecg_leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), fs_out=500, segment_seconds=10
)


def names(rows) -> list[str]:
    return [row.name for row in rows]


def test_labels_folds_and_patients(ptbxl_root: Path) -> None:
    split = load_split(RecordDataConfig(root=str(ptbxl_root)), RecordTask())
    rows = [row for side in split.sides.values() for row in side]
    assert split.left_out == {"without superclass": 1}
    assert len(rows) == 60
    for row in rows:
        assert row.target == labels_of(int(row.name.split()[1]))
    assert {row.group for row in split.sides["train"]}.isdisjoint(row.group for row in split.sides["test"])
    assert sorted(int(name.split()[1]) // 2 % 10 + 1 for name in names(split.sides["validation"])) == [9] * 6


def test_a_code_counts_whatever_its_likelihood() -> None:
    diagnostic = {"IMI": "MI", "LVH": "HYP", "NORM": "NORM"}
    assert superclasses_of(["SR", "LVH", "IMI"], diagnostic) == (0, 1, 0, 0, 1)
    assert superclasses_of(["SR"], diagnostic) == (0,) * 5


def test_recordings_of_both_folders_are_taken_once_and_from_the_first(ptbxl_root: Path, tmp_path: Path) -> None:
    more = write_more(tmp_path / "more", [1, 2, 201, 202, 203])
    config = RecordDataConfig(root=str(ptbxl_root), more=str(more))
    split = load_split(config, RecordTask())
    rows = [row for side in split.sides.values() for row in side]
    assert split.left_out["in both folders, taken once"] == 2
    assert len(rows) == 63
    assert {row.filtered for row in rows if row.name in {"ptbxl 1", "ptbxl 2"}} == {False}
    further = [row for row in rows if row.filtered]
    assert sorted(names(further)) == ["ptbxl 201", "ptbxl 202", "ptbxl 203"]
    data = prepare(further, RecordTask())
    assert [signal.shape for signal in data.signals] == [(12, 1000)] * 3


def test_the_two_ways_of_one_recording_agree(ptbxl_root: Path, tmp_path: Path) -> None:
    more = write_more(tmp_path / "more", [5])
    task = RecordTask()
    here = [r for r in load_split(RecordDataConfig(root=str(ptbxl_root)), task).sides["train"] if r.name == "ptbxl 5"]
    there = load_split(RecordDataConfig(root="nowhere", more=str(more), train_folds=(6,)), task).sides["train"]
    first, second = (prepare(rows, task).signals[0] for rows in (here, there))
    window = task.windows(first, [100])[0], task.windows(second, [100])[0]
    # The array here was not filtered, so only the shape of the beats is alike.
    assert np.corrcoef(window[0][1], window[1][1])[0, 1] > 0.9


def test_500_hz_records_are_taken_where_there_are_no_others_or_the_network_wants_them(tmp_path: Path) -> None:
    root = write_ptbxl(tmp_path / "high", 6, fs=500)
    rows = load_split(RecordDataConfig(root=str(root)), RecordTask()).sides["train"]
    assert rows[0].load()[1] == 500
    assert prepare(rows[:1], RecordTask()).signals[0].shape == (12, 1000)
    low = write_ptbxl(tmp_path / "low", 6)
    (low / "records500").symlink_to(root / "records500")
    wanted = RecordTask(fs_out=250)
    assert load_split(RecordDataConfig(root=str(low)), wanted).sides["train"][0].load()[1] == 500
    assert load_split(RecordDataConfig(root=str(low)), RecordTask()).sides["train"][0].load()[1] == 100


def test_a_record_that_is_missing_or_damaged_is_counted(tmp_path: Path) -> None:
    root = write_ptbxl(tmp_path / "x", 8)
    (root / "records100" / "00000" / "00001_lr.hea").unlink()
    (root / "records100" / "00000" / "00002_lr.dat").write_bytes(b"no")
    split = load_split(RecordDataConfig(root=str(root)), RecordTask())
    assert split.left_out["without record file"] == 1
    data = prepare([row for side in split.sides.values() for row in side], RecordTask())
    assert list(data.left_out) == ["ptbxl 2"]


def test_tables_that_went_through_a_spreadsheet(tmp_path: Path) -> None:
    root = write_ptbxl(tmp_path / "x", 8)
    more = write_more(tmp_path / "more", [101, 102])
    config = RecordDataConfig(root=str(root), more=str(more))
    wanted = load_split(config, RecordTask())
    for file in (root / "ptbxl_database.csv", root / "scp_statements.csv", more / "labels.csv"):
        text = file.read_text()
        empty = ["," * text.splitlines()[0].count(","), ",,,", " ," * 40]
        file.write_text(text + "\n".join([*empty, ""]), encoding="utf-8-sig")
    found = load_split(config, RecordTask())
    assert {side: names(rows) for side, rows in found.sides.items()} == {
        side: names(rows) for side, rows in wanted.sides.items()
    }
    assert found.left_out == wanted.left_out
    assert survey(root).items == 8


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("7,2,{'NORM': 100.0},fold one", "row 7 is damaged"),
        ("7,2", "row 7 is damaged"),
        ("7,2,12,1,a,b", "row 7 is damaged"),
        ("inf,2,{},1,a,b", "row inf is damaged"),
        (",2,{},1,a,b", "a row without ecg_id is damaged"),
    ],
)
def test_a_damaged_row_is_named(row: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nNORM,1.0,NORM\n")
    head = "ecg_id,patient_id,scp_codes,strat_fold,filename_lr,filename_hr"
    (tmp_path / "ptbxl_database.csv").write_text(f"{head}\n{row}\n")
    with pytest.raises(ReadError, match=said):
        load_split(RecordDataConfig(root=str(tmp_path)), RecordTask())


def test_a_damaged_row_of_further_recordings_is_named(tmp_path: Path) -> None:
    more = write_more(tmp_path, [1])
    with (more / "labels.csv").open("a") as stream:
        stream.write("two,1,1,0,0,0,0\n")
    with pytest.raises(ReadError, match=r"labels\.csv: row two is damaged"):
        load_split(RecordDataConfig(root="nowhere", more=str(more)), RecordTask())


def test_tables_that_are_others_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds neither ptbxl_database"):
        load_split(RecordDataConfig(root=str(tmp_path)), RecordTask())
    (tmp_path / "ptbxl_database.csv").write_text("a,b\n1,2\n")
    (tmp_path / "scp_statements.csv").write_text(",diagnostic,diagnostic_class\nNORM,1.0,NORM\n")
    with pytest.raises(ReadError, match="has no column ecg_id"):
        load_split(RecordDataConfig(root=str(tmp_path)), RecordTask())
    with pytest.raises(ConfigError, match="two sides"):
        RecordDataConfig(train_folds=(1, 9))


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout of the 8-lead document."""
    return write_arrays(tmp_path_factory.mktemp("arrays"))


def test_folders_of_arrays(arrays: Path) -> None:
    split = load_split(RecordDataConfig(root=str(arrays)), EIGHT)
    assert {side: len(rows) for side, rows in split.sides.items()} == {"train": 4, "validation": 2, "test": 2}
    data = prepare(split.sides["train"], EIGHT)
    assert list(data.left_out) == ["train/normal/3.npy"]
    assert "8.00 s; the network needs 9.9 s" in data.left_out["train/normal/3.npy"]
    assert data.targets[:, 0].tolist() == [1, 1, 0]
    windows = WindowDataset(data, EIGHT)
    assert [number for number, _ in windows.places] == [0, 1, 1, 1, 2]
    assert windows[0, 0][0].shape == (8, 5000)
    assert not windows[0, 0][0][:, 4950:].any()
    with pytest.raises(ConfigError, match=r"set task\.target to abnormal"):
        load_split(RecordDataConfig(root=str(arrays)), RecordTask())


def test_the_folder_is_the_label_and_the_name_only_where_no_folder_says_it(tmp_path: Path) -> None:
    wanted = {
        "train/normal/not_abnormal_7.npy": 0,
        "train/normal/abnormal clinic/8.npy": 0,
        "train/abnormal/normal_9.npy": 1,
        "test/Abnormal_1.npy": 1,
        "test/normal-2.npy": 0,
        "test/more/3 normal.npy": 0,
    }
    unsaid = ["test/not_abnormal_4.npy", "test/normal_or_abnormal.npy", "test/5.npy"]
    for name in (*wanted, *unsaid):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    split = load_split(RecordDataConfig(root=str(tmp_path)), EIGHT)
    assert {row.name: row.target[0] for rows in split.sides.values() for row in rows} == wanted
    assert split.left_out == {"without label": len(unsaid)}


def write_damaged(folder: Path) -> list[str]:
    """Files called .npy that are no arrays; their names."""
    (folder / "empty.npy").touch()
    (folder / "zip.npy").write_bytes(b"PK\x03\x04 and no more")
    with (folder / "archive.npy").open("wb") as stream:
        np.savez(stream, x=np.zeros((8, 5000)))
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (8, 1000000000000), }\n"
    (folder / "lying.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    (folder / "torn.npy").write_bytes(b"\x93NUMPY\x01\x00\x40\x00{'descr': '<f4', 'shape': (8, ")
    return ["empty", "zip", "archive", "lying", "torn"]


def test_files_that_are_no_arrays_are_left_out_counted_and_named(tmp_path: Path) -> None:
    root = write_arrays(tmp_path)
    wanted = {f"train/normal/{name}.npy" for name in write_damaged(root / "train" / "normal")}
    data = prepare(load_split(RecordDataConfig(root=str(root)), EIGHT).sides["train"], EIGHT)
    assert len(data.rows) == 3
    assert set(data.left_out) == wanted | {"train/normal/3.npy"}
    found = survey(root)
    assert {problem.file for problem in found.problems if problem.what == "unreadable"} == wanted
    assert found.items == 8


def test_an_array_of_another_shape_is_named(arrays: Path, tmp_path: Path) -> None:
    from models.data.array_folders import read_array

    np.save(tmp_path / "x.npy", np.zeros((3, 100)))
    with pytest.raises(ReadError, match=r"x\.npy: holds float64 \(3, 100\)"):
        read_array(tmp_path / "x.npy")
    np.save(tmp_path / "y.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ReadError, match="cannot be read as an array"):
        read_array(tmp_path / "y.npy")


def test_crops_depend_on_epoch_number_and_seed_alone(ptbxl_root: Path) -> None:
    task = RecordTask()
    rows = load_split(RecordDataConfig(root=str(ptbxl_root)), task).sides["test"]
    data = prepare(rows, task)
    from models.config.record import RecordAugmentConfig

    augment = RecordAugmentConfig(
        noise=0.2, wander=0.2, gain=0.3, drop_lead=0.3, mask=0.2, shift_seconds=0.5, stretch=0.1
    )
    crops, again = (CropDataset(data, task, augment, 3) for _ in range(2))
    first = crops[2, 1][0]
    assert first.shape == (12, 800)
    assert first.equal(again[2, 1][0])
    assert not first.equal(crops[3, 1][0])
    assert first.isfinite().all()
    plain = CropDataset(data, task, RecordAugmentConfig(), 3)[0, 0][0]
    assert any(plain.equal(task.window(data.signals[0], start)) for start in range(201))


def test_positive_weights() -> None:
    targets = np.array([[1, 0], [0, 0], [0, 0], [0, 0]])
    assert positive_weights(targets, 1.0).tolist() == [3.0, 4.0]
    assert positive_weights(targets, 0.0).tolist() == [1.0, 1.0]


def test_the_survey_counts_labels_and_patients(ptbxl_root: Path, arrays: Path) -> None:
    assert recognise(ptbxl_root) == "whole recordings"
    found = survey(ptbxl_root)
    assert (found.kind, found.items, found.groups) == ("whole recordings", 60, 31)
    assert found.classes["NORM"] == 12
    assert found.hours == pytest.approx(600 / 3600)
    assert [problem.words for problem in found.problems] == ["1 recordings without superclass; they are left out"]
    folders = survey(arrays)
    assert folders.sides["train"] == {"normal": 2, "abnormal": 2}
    assert any("shorter than a window" in problem.words for problem in folders.problems)


@pytest.mark.data
def test_the_real_folders(data_root: Path) -> None:
    task = RecordTask()
    config = RecordDataConfig(root=str(data_root / "ptbxl"))
    alone = load_split(config, task)
    rows = [row for side in alone.sides.values() for row in side]
    counts = np.array([row.target for row in rows]).sum(axis=0)
    assert counts.tolist() == [297, 73, 96, 78, 40]
    assert alone.left_out == {"without superclass": 12}
    both = load_split(config.model_copy(update={"more": str(data_root / "ptbxl_more")}), task)
    assert {side: len(rows) for side, rows in both.sides.items()} == {"train": 1772, "validation": 250, "test": 251}
    assert both.left_out["in both folders, taken once"] == 34


@pytest.mark.data
def test_recordings_that_are_in_both_real_folders_look_alike_after_conditioning(data_root: Path) -> None:
    task = RecordTask()
    here = load_split(RecordDataConfig(root=str(data_root / "ptbxl")), task)
    there = load_split(RecordDataConfig(root="none", more=str(data_root / "ptbxl_more")), task)
    by_name = {row.name: row for side in there.sides.values() for row in side}
    rows = [row for side in here.sides.values() for row in side if row.name in by_name]
    assert len(rows) == 34
    first, second = prepare(rows, task), prepare([by_name[row.name] for row in rows], task)
    assert (first.targets == second.targets).all()
    alike = [
        np.corrcoef(a[lead, 100:900], b[lead, 100:900])[0, 1]
        for a, b in zip(first.signals, second.signals, strict=True)
        for lead in range(12)
    ]
    assert np.median(alike) > 0.99
    assert min(alike) > 0.95
    assert len({samples_sha256(row) for row in rows}) == 34
