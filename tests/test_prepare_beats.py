"""scripts.prepare_beats: what each database is taken to say, and that nothing of a test set is among it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgviz.signals.r_peaks import detect_r_peaks
from models.config import load_config
from models.data import mitdb
from models.data.aami import AAMI_CLASSES
from models.data.rhythms import RHYTHM_CLASSES
from models.data.strips import StripDataset
from readers.wfdb.annotation_file import open_annotations
from scripts.prepare_beats import (
    Source,
    _statements,
    annotated,
    as_detected,
    cinc2017,
    classes,
    make_sequences,
    prepared,
)

TASK = load_config("beat_rhythm").task


def names(bits: int, of: tuple[str, ...]) -> set[str]:
    return {name for place, name in enumerate(of) if bits >> place & 1}


@pytest.mark.parametrize(
    ("codes", "allowed", "rhythm"),
    [
        ({"SR", "NORM"}, {"N"}, {"N"}),
        ({"SR", "CLBBB"}, {"N"}, {"N"}),
        ({"SBRAD", "1AVB"}, {"N"}, {"N"}),
        ({"AFIB", "PVC"}, {"N", "V"}, {"AFIB"}),
        ({"SR", "PVC"}, {"N", "V", "F"}, {"N"}),
        ({"SR", "PAC"}, {"N", "S"}, {"N"}),
        ({"PACE"}, {"N", "Q"}, {"P"}),
        ({"SR", "PVC", "PAC"}, set(), {"N"}),
        ({"SVARR"}, set(), set()),
        ({"NORM"}, set(), set()),
        ({"BIGU", "PVC"}, set(), {"B"}),
    ],
)
def test_what_statements_say_of_beats(codes: set[str], allowed: set[str], rhythm: set[str]) -> None:
    source = _statements("x", 3, 100.0, np.zeros((10, 12)), codes)
    assert names(source.allowed, AAMI_CLASSES) == allowed
    assert names(source.rhythm, RHYTHM_CLASSES) == rhythm


def test_folds_are_sides() -> None:
    sides = [_statements("x", fold, 100.0, np.zeros((10, 12)), {"SR"}).side for fold in (1, 8, 9, 10)]
    assert sides == ["train", "train", "validation", "test"]


@pytest.mark.data
def test_a_prepared_record_is_what_the_analysis_reads(data_root: Path) -> None:
    [source] = annotated(data_root / "svdb_more", ["802"], TASK)
    record, mark = prepared(source, TASK)
    whole = mitdb.load_record(data_root / "svdb_more", "802")
    choice = TASK.choose_leads(whole.leads)
    read = lambda a, b: whole.signal_mV[a:b, choice.indices]  # noqa: E731
    [ours] = [StripDataset([record], TASK, 1)[3]]
    found = detect_r_peaks(read, whole.fs, whole.n_samples)
    theirs = list(TASK.batches(read, whole.fs, whole.n_samples, found, batch_size=1))[3]
    assert np.array_equal(ours.x.numpy(), theirs.x.numpy())
    assert np.array_equal(ours.kwargs["beats"].numpy(), theirs.kwargs["beats"].numpy())
    assert mark == whole.fingerprint()


@pytest.mark.data
def test_sides_of_the_strips_and_what_is_known_of_them(data_root: Path) -> None:
    strips = list(cinc2017(data_root / "cinc2017"))
    assert {strip.side for strip in strips} == {"train", "validation", "test"}
    assert all((strip.name[-1] in "12") == (strip.side == "test") for strip in strips)
    assert sum(strip.allowed == classes("N") for strip in strips) == 700
    assert sum(names(strip.rhythm, RHYTHM_CLASSES) == {"AFIB"} for strip in strips) == 500


@pytest.mark.data
def test_sequences_hold_whole_recordings_with_their_rhythms(data_root: Path, tmp_path: Path) -> None:
    for ending in ("atr", "hea"):
        (tmp_path / f"00.{ending}").write_bytes((data_root / "ltafdb_beats" / f"00.{ending}").read_bytes())
    found = make_sequences("days", tmp_path, TASK, "", sinus=False)
    assert found.first.tolist() == [0, len(found.position)]
    assert (np.diff(found.position) >= 0).all()
    assert {RHYTHM_CLASSES[int(np.log2(value))] for value in np.unique(found.rhythm) if value} >= {"N", "AFIB"}
    assert found.position[-1] / TASK.fs_out / 3600 > 20


def test_marks_beside_the_r_peak_are_moved_onto_it_and_what_is_not_detected_stays() -> None:
    fs, beats = 128.0, np.arange(0.5, 60, 0.8)
    time_s = np.arange(int(61 * fs)) / fs
    signal = sum(np.exp(-0.5 * ((time_s - at) / 0.015) ** 2) for at in beats)[:, None].astype(np.float32)
    marks = np.rint((beats - 0.03) * fs).astype(np.int64)
    nowhere = np.sort(np.append(marks, round((beats[10] + 0.4) * fs)))
    found = as_detected(signal, fs, nowhere)
    assert found[11] == nowhere[11]
    assert np.abs(np.delete(found, 11) / fs - beats).max() < 0.01
    assert (as_detected(np.zeros_like(signal), fs, marks) == marks).all()


def test_r_peaks_are_found_where_nobody_marked_them() -> None:
    time_s = np.arange(3000) / 300
    signal = sum(np.exp(-0.5 * ((time_s - at) / 0.015) ** 2) for at in np.arange(0.5, 10, 0.8))[:, None]
    record, _ = prepared(Source("s", "train", 300.0, signal.astype(np.float32), None, classes("N"), 1), TASK)
    assert len(record.position) == 12
    assert np.abs(record.position / 120 - np.arange(0.5, 10, 0.8)).max() < 0.02
    assert (record.label == 0).all()


@pytest.mark.data
def test_our_readers_give_what_wfdb_gives(data_root: Path) -> None:
    """To the bit, on the files that the sets were made of."""
    import wfdb

    source = next(cinc2017(data_root / "cinc2017"))
    record = wfdb.rdrecord(str(data_root / "cinc2017" / source.name))
    np.testing.assert_array_equal(source.signal_mV, record.p_signal.astype(np.float32))
    assert source.fs == record.fs
    path = min((data_root / "ltafdb_beats").glob("*.atr"), key=lambda path: path.stat().st_size)
    found, marks = open_annotations(path), wfdb.rdann(str(path.with_suffix("")), "atr")
    assert found.fs == marks.fs
    assert found.annotations.symbol.tolist() == marks.symbol
    assert found.annotations.aux.tolist() == [note.rstrip("\0") for note in marks.aux_note]
    np.testing.assert_array_equal(found.annotations.sample, marks.sample)
