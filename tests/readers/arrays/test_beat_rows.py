"""Tables whose row is one beat, in the dialects that people bring them in, and what only looks like one."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from ecgviz.errors import ReadError
from models.data import heartbeat_csv
from readers import NeedsDetails, open_recording
from readers.arrays import beat_rows
from readers.arrays.beat_rows import WIDTH, HoldsBeats
from tests.readers.delimited.test_exports import ecg

N = 60


def beats(n: int = N, seed: int = 0, lengths: tuple[int, int] = (80, 150)) -> np.ndarray:
    """Rows from 0 to 1 that begin at an R peak, hold 1.2 beats and end in zeros, rounded as files have them."""
    rng = np.random.default_rng(seed)
    lead, table = ecg(60 * 125, 125), np.zeros((n, WIDTH))
    for row in table:
        start, length = round(125 * (0.5 + 0.8 * rng.integers(0, 60))), int(rng.integers(*lengths))
        beat = lead[start : start + length] + 0.03 * rng.standard_normal()
        row[: len(beat)] = (beat - beat.min()) / np.ptp(beat)
    return table.round(4)


ROWS = beats()
CLASSES = np.random.default_rng(1).permutation(np.arange(N) % 5)
LETTERS = np.array(list("NSVFQ"))[CLASSES]
SHUFFLED = np.random.default_rng(2).permutation(N) * 7


def opened(path: Path) -> beat_rows.BeatRows:
    with pytest.raises(
        HoldsBeats, match=r"each of its [\d,]+ rows is a single heartbeat.*no R peaks.*no time axis"
    ) as told:
        open_recording(path)
    return told.value.rows


def text(table: list[np.ndarray], separator: str = ",", header: str = "", decimal: str = ".") -> str:
    cells = [[np.char.mod("%g", column) if column.dtype.kind in "if" else column for column in part] for part in table]
    lines = [separator.join(np.concatenate([np.atleast_1d(one) for one in row])) for row in cells]
    if decimal == ",":
        lines = [line.replace(".", ",") for line in lines]
    return "\n".join([*([header] if header else []), *lines, ""])


def columns(*parts: np.ndarray) -> list[list[np.ndarray]]:
    """The rows of a table of several parts side by side."""
    return [[np.atleast_1d(part[i]) for part in parts] for i in range(len(parts[0]))]


NUMBERED = ",".join(map(str, range(WIDTH + 1)))
TEXTS = {
    "as on Kaggle": (text(columns(ROWS, CLASSES.astype(float))), True),
    "without classes": (text(columns(ROWS)), False),
    "classes first": (text(columns(CLASSES, ROWS)), True),
    "semicolons": (text(columns(ROWS, CLASSES), ";"), True),
    "semicolons, decimal commas": (text(columns(ROWS, CLASSES), ";", decimal=","), True),
    "tabs": (text(columns(ROWS, CLASSES), "\t"), True),
    "white space": (text(columns(ROWS, CLASSES), " "), True),
    "a separator at the end": (text(columns(ROWS, CLASSES)).replace("\n", ",\n"), True),
    "letters last": (text(columns(ROWS, LETTERS)), True),
    "letters first, tabs": (text(columns(LETTERS, ROWS), "\t"), True),
    "a header of names": (
        text(columns(ROWS, CLASSES), header=",".join([*(f"s{i}" for i in range(187)), "class"])),
        True,
    ),
    "a header that calls them leads": (text(columns(ROWS), header=",".join(f"V{i + 1}" for i in range(187))), False),
    "a header of numbers": (text(columns(ROWS, CLASSES), header=NUMBERED), True),
    "row numbers": (text(columns(np.arange(N), ROWS, CLASSES)), True),
    "row numbers, no classes": (text(columns(np.arange(N), ROWS)), False),
    "written by pandas": (text(columns(np.arange(N), ROWS, CLASSES), header="," + NUMBERED), True),
    "mixed by pandas": (text(columns(SHUFFLED, ROWS, CLASSES), header="," + NUMBERED), True),
    "mixed, classes in front": (text(columns(SHUFFLED, CLASSES, ROWS)), True),
    "a comment above": ("# beats at 125 Hz\n" + text(columns(ROWS, CLASSES)), True),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_tables(tmp_path, kind):
    content, labelled = TEXTS[kind]
    (tmp_path / "beats.csv").write_text(content)
    found = opened(tmp_path / "beats.csv")
    np.testing.assert_allclose(found.rows, ROWS, atol=1e-6)
    assert found.name == "beats"
    if labelled:
        np.testing.assert_array_equal(found.label, CLASSES)
    else:
        assert found.label is None


ARRAYS = {
    "x, y": {"X": ROWS, "y": CLASSES},
    "as networks take them": {"x": ROWS[..., None].astype(np.float32), "y": CLASSES[:, None]},
    "one of five columns set": {"beats": ROWS, "onehot": np.eye(5)[CLASSES]},
    "letters": {"beats": ROWS, "classes": LETTERS},
    "together": {"data": np.column_stack([ROWS, CLASSES])},
    "classes first": {"data": np.column_stack([CLASSES, ROWS])},
    "none": {"ecg": ROWS},
}


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("form", ["npz", "mat"])
def test_named_arrays(tmp_path, kind, form):
    arrays = ARRAYS[kind]
    path = tmp_path / f"beats.{form}"
    if form == "npz":
        np.savez(path, **arrays)
    else:
        if kind in {"as networks take them", "letters"}:
            arrays = {"x": ROWS, "y": CLASSES[None]}  # what MATLAB would hold
        savemat(path, arrays)
    found = opened(path)
    np.testing.assert_allclose(found.rows, ROWS, atol=1e-6)
    assert found.label is None if kind == "none" else (found.label == CLASSES).all()


@pytest.mark.parametrize(
    ("array", "labelled"),
    [
        (ROWS, False),
        (ROWS.astype(np.float32)[:, :, None], False),
        (ROWS[:, None], False),
        (np.column_stack([ROWS, CLASSES]), True),
        (beats(400), False),
        (ROWS[:1], False),
    ],
    ids=["few", "n 187 1", "n 1 187", "188", "more rows than samples", "one"],
)
def test_an_array(tmp_path, array, labelled):
    np.save(tmp_path / "beats.npy", array)
    found = opened(tmp_path / "beats.npy")
    assert len(found) == len(array)
    assert (found.label is not None) == labelled


def test_a_long_table_is_read_to_its_end(tmp_path):
    table = np.tile(np.column_stack([ROWS, CLASSES]), (300, 1))
    np.savetxt(tmp_path / "beats.csv", table, fmt="%.4g", delimiter=",")
    found = opened(tmp_path / "beats.csv")
    assert len(found) == 300 * N
    np.testing.assert_allclose(found.rows, table[:, :-1], atol=1e-6)
    np.testing.assert_array_equal(found.label, table[:, -1])


def test_scaled_by_the_window_around_it_or_by_itself_is_the_same_to_a_network():
    length = (ROWS[:, ::-1] != 0).argmax(axis=1)
    beat = np.arange(WIDTH) < WIDTH - length[:, None]
    other = np.where(beat, 0.1 + 0.7 * ROWS, 0)
    np.testing.assert_allclose(heartbeat_csv.scaled(other), heartbeat_csv.scaled(ROWS), atol=1e-4)
    assert (WIDTH, beat_rows.FS) == (heartbeat_csv.WIDTH, heartbeat_csv.FS)


def test_rows_with_gaps_are_told(tmp_path):
    table = np.column_stack([ROWS, CLASSES])
    table[3, 20], table[5, 40:50], table[7, -1] = np.nan, np.nan, np.nan
    np.savetxt(tmp_path / "beats.csv", table, fmt="%.4g", delimiter=",")
    found = opened(tmp_path / "beats.csv")
    assert "2 rows have cells that are no numbers" in " ".join(found.warnings)
    assert np.flatnonzero(~np.isfinite(found.rows).all(axis=1)).tolist() == [3, 5]
    assert found.label[7] == -1


def test_classes_of_the_other_kaggle_tables_are_doubted(tmp_path):
    np.savetxt(tmp_path / "ptbdb_abnormal.csv", np.column_stack([ROWS, np.ones(N)]), fmt="%.4g", delimiter=",")
    assert "1 means abnormal" in " ".join(opened(tmp_path / "ptbdb_abnormal.csv").warnings)


@pytest.mark.parametrize("form", ["csv", "npy", "mat"])
@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (np.zeros((N, WIDTH + 1)), "nothing but zeros"),
        (np.column_stack([3 * ROWS - 1, CLASSES]), "from -1 to 2: scale each row to 0 to 1"),
    ],
    ids=["zeros", "another scale"],
)
def test_beats_that_cannot_be_classified_end_in_one_sentence(tmp_path, form, table, fault):
    path = tmp_path / f"beats.{form}"
    match form:
        case "csv":
            np.savetxt(path, table, fmt="%.4g", delimiter=",")
        case "npy":
            np.save(path, table)
        case "mat":
            savemat(path, {"val": table})
    with pytest.raises(ReadError, match=fault) as told:
        open_recording(path, fs=125, unit="mV")
    assert not isinstance(told.value, HoldsBeats)


def test_several_arrays_of_beats_are_named(tmp_path):
    np.savez(tmp_path / "beats.npz", X_train=ROWS, X_test=beats(20, 1), y_train=CLASSES, y_test=CLASSES[:20])
    with pytest.raises(ReadError, match="several of its arrays hold single heartbeats"):
        open_recording(tmp_path / "beats.npz")


def test_what_is_compressed_is_unpacked(tmp_path):
    (tmp_path / "beats.csv.gz").write_bytes(gzip.compress(TEXTS["as on Kaggle"][0].encode()))
    assert len(opened(tmp_path / "beats.csv.gz")) == N


@pytest.mark.parametrize("label", ["", ",2", ",2.0"])
@pytest.mark.parametrize(
    "header", ["", ",".join(map(str, range(188))) + "\n", ",".join(f"p{i}" for i in range(188)) + "\n"]
)
def test_a_row_alone(tmp_path, label, header):
    text = ",".join(f"{value:.6f}" for value in ROWS[0]) + label + "\n"
    (tmp_path / "beat.csv").write_text(header + text if label else text)
    found = opened(tmp_path / "beat.csv")
    assert (len(found), found.label is not None) == (1, bool(label))
    np.testing.assert_allclose(found.rows[0], ROWS[0], atol=1e-5)


def test_a_short_row_of_a_lead_is_no_beat(tmp_path):
    (tmp_path / "a.csv").write_text(",".join(f"{value:.4f}" for value in ecg(200, 125)) + "\n")
    assert open_recording(tmp_path / "a.csv", fs=125, unit="mV").n_samples == 200


LEADS = np.array([(1 - 0.15 * i) * ecg(188, 125, i) for i in range(12)]).round(4)


@pytest.mark.parametrize("form", ["csv", "npy"])
@pytest.mark.parametrize(
    ("table", "shape"),
    [
        (LEADS, (188, 12)),
        (LEADS.T, (188, 12)),
        ((LEADS - LEADS.min(1, keepdims=True)) / np.ptp(LEADS, axis=1)[:, None], (188, 12)),
        (np.column_stack([ecg(187, 125), ecg(187, 125, 1)]), (187, 2)),
        (np.column_stack([ecg(3000, 125, i) for i in range(187)]), (3000, 187)),
    ],
    ids=["a row a lead", "a column a lead", "a row a lead, 0 to 1", "187 rows, 2 columns", "a body surface map"],
)
def test_recordings_of_that_size_stay_recordings(tmp_path, form, table, shape):
    path = tmp_path / f"a.{form}"
    if form == "csv":
        np.savetxt(path, table, fmt="%.5f", delimiter=",")
    else:
        np.save(path, table)
    with pytest.raises(NeedsDetails):
        open_recording(path)
    recording = open_recording(path, fs=125, unit="mV")
    assert (recording.n_samples, len(recording.leads)) == shape
