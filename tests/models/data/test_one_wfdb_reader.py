"""Training reads WFDB records as an inspection does: the same leads, in mV, the same marks; and nothing half."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.core.errors import ReadError
from models.data import mitdb, ptbxl
from models.data.aami import aami_classes
from models.data.augment import NOISE_RECORDS, load_noise
from models.data.examples import draw_beats
from models.tasks.conditioning import Conditioner
from readers import open_recording

FS, N = 250, 5000
BEATS = np.arange(125, N, 200)


def ecg(amplitude_mV: float = 1.0) -> np.ndarray:
    """Narrow complexes on a slow wave, float64 (N,), mV."""
    time = np.arange(N)
    spikes = sum(np.exp(-(((time - at) / 3.0) ** 2)) for at in BEATS)
    return amplitude_mV * (spikes - 0.3 * sum(np.exp(-(((time - at - 8) / 4.0) ** 2)) for at in BEATS))


def write(
    folder: Path, signals: np.ndarray, units: list[str], names: list[str], gains: list[float], fmt: str = "16"
) -> None:
    """A record ``rec`` with the signals, (N, n) in the units, and its beats, every fifth a V."""
    n = len(names)
    wfdb.wrsamp(
        "rec", fs=FS, units=units, sig_name=names, p_signal=signals, fmt=[fmt] * n, adc_gain=gains,
        baseline=[0] * n, write_dir=str(folder),
    )  # fmt: skip
    symbols = ["+", *("V" if number % 5 == 0 else "N" for number in range(len(BEATS)))]
    notes = ["(N", *[""] * len(BEATS)]
    wfdb.wrann("rec", "atr", np.array([10, *BEATS]), symbols, aux_note=notes, write_dir=str(folder))


def same(folder: Path, name: str = "rec") -> mitdb.BeatRecord:
    """The record as training reads it, after it was compared with what an inspection opens."""
    record, opened = mitdb.load_record(folder, name), open_recording(folder / name)
    assert (record.fs, record.leads, record.n_samples) == (opened.fs, opened.leads, opened.n_samples)
    np.testing.assert_array_equal(record.signal_mV, opened.signal_mV())
    beats = aami_classes(opened.annotations.symbol) >= 0
    np.testing.assert_array_equal(record.sample, opened.annotations.sample[beats])
    return record


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    unit=st.sampled_from([("mV", 1.0), ("uV", 1000.0), ("V", 0.001), ("µV", 1000.0)]),
    fmt=st.sampled_from(["16", "24", "32", "80", "212"]),
    amplitude=st.floats(0.5, 3.0),
    missing=st.booleans(),
)
def test_training_sees_millivolts_whatever_the_unit(tmp_path, unit, fmt, amplitude, missing):
    name, per_mV = unit
    wave = ecg(amplitude)
    bits = {"80": 7, "212": 11}.get(fmt, 15)
    gain = (2**bits - 10) / (1.3 * amplitude * per_mV)
    stored = np.stack([wave, -0.5 * wave], axis=1) * per_mV
    if missing:
        stored[1000:1100] = np.nan
    write(tmp_path, stored, [name] * 2, ["MLII", "V1"], [gain] * 2, fmt)
    record = same(tmp_path)
    assert record.leads == ("MLII", "V1")
    step = 1 / (gain * per_mV)
    expected = np.stack([wave, -0.5 * wave], axis=1)
    if missing:
        expected[1000:1100] = np.nan
    np.testing.assert_allclose(record.signal_mV, expected, atol=step + 1e-5)
    assert np.bincount(record.label, minlength=3).tolist()[:3:2] == [20, 5]
    assert (record.rhythm == 1).all()


def test_a_channel_that_is_no_ecg_is_no_lead_of_the_training_either(tmp_path):
    breathing = np.sin(np.arange(N) * 2 * np.pi * 0.25 / FS)
    write(tmp_path, np.stack([ecg(), breathing], axis=1), ["mV", "L"], ["II", "RESP"], [1000.0, 1000.0])
    assert same(tmp_path).leads == ("II",)


def test_a_lead_that_was_sampled_more_often_keeps_its_samples(tmp_path):
    fast = np.round(np.interp(np.arange(2 * N) / 2, np.arange(N), ecg()) * 1000).astype("<i2")
    slow = np.round(ecg() * 1000).astype("<i2")
    np.concatenate([fast.reshape(N, 2), slow[:, None]], axis=1).tofile(tmp_path / "rec.dat")
    lines = ["rec 2 250 5000", "rec.dat 16x2 1000/mV 16 0 0 0 0 II", "rec.dat 16 1000/mV 16 0 0 0 0 V1"]
    (tmp_path / "rec.hea").write_text("\n".join(lines) + "\n")
    wfdb.wrann("rec", "atr", BEATS, ["N"] * len(BEATS), write_dir=str(tmp_path))
    record = same(tmp_path)
    assert record.fs == 500
    np.testing.assert_array_equal(record.signal_mV[:, 0], fast.astype(np.float32) / np.float32(1000))
    np.testing.assert_array_equal(record.sample, 2 * BEATS)


def test_nothing_is_read_by_another_reader():
    """The package wfdb writes, and draws what others' pictures look like."""
    read = re.compile(r"wfdb\.(?:rd\w+|io\b)|from wfdb")
    root = Path(__file__).resolve().parents[3]
    files = [file for folder in ("benchmarks", "ecgviz", "models", "pages", "readers", "scripts")
             for file in (root / folder).rglob("*.py")]  # fmt: skip
    assert len(files) > 300
    assert [file.name for file in files if read.search(re.sub(r"``.*?``", "", file.read_text("utf-8")))] == []


@pytest.mark.parametrize("kept", [0, 3, 20])
def test_annotations_that_end_early_are_refused(tmp_path, kept):
    """An inspection shows what is left of them; a training would take the beats after the end for none."""
    write(tmp_path, ecg()[:, None], ["mV"], ["II"], [1000.0])
    marks = tmp_path / "rec.atr"
    marks.write_bytes(marks.read_bytes()[:kept])
    assert not open_recording(tmp_path / "rec").annotations.whole
    for read in (mitdb.load_record, mitdb.open_record):
        with pytest.raises(ReadError, match=r"rec\.atr: is damaged or truncated"):
            read(tmp_path, "rec")


@pytest.mark.parametrize("lost", ["rec.hea", "rec.atr", "rec.dat"])
def test_a_file_that_is_not_there_is_named(tmp_path, lost):
    write(tmp_path, ecg()[:, None], ["mV"], ["II"], [1000.0])
    (tmp_path / lost).unlink()
    with pytest.raises(ReadError, match=lost.replace(".", r"\.")) as caught:
        mitdb.load_record(tmp_path, "rec")
    assert "missing" in str(caught.value)


def test_an_example_is_a_piece_of_the_record_that_is_trained_on(tmp_path):
    write(tmp_path, np.stack([ecg(), ecg(0.5)], axis=1) * 1000, ["uV"] * 2, ["II", "V5"], [1.0] * 2)
    whole = same(tmp_path)
    for example in draw_beats(tmp_path, {"rec": {"N": 20, "V": 5}}):
        peak = round(example.at_s * FS)
        first = peak + round(float(example.time_s[0]) * FS)
        np.testing.assert_array_equal(example.signal_mV, whole.signal_mV[first : first + len(example.time_s), 0])
        assert example.lead == "II"


@pytest.mark.data
@pytest.mark.parametrize("folder", ["mitdb", "svdb", "svdb_more"])
def test_real_records_are_what_wfdb_makes_of_them(data_root, folder):
    names = mitdb.list_records(data_root / folder)[::6]
    assert names
    for name in names:
        record, old = same(data_root / folder, name), wfdb.rdrecord(str(data_root / folder / name))
        assert (record.fs, list(record.leads)) == (old.fs, old.sig_name)
        np.testing.assert_array_equal(record.signal_mV, old.p_signal.astype(np.float32))
        marks = wfdb.rdann(str(data_root / folder / name), "atr")
        label = aami_classes(np.asarray(marks.symbol))
        np.testing.assert_array_equal(record.sample, np.asarray(marks.sample)[label >= 0])
        np.testing.assert_array_equal(record.label, label[label >= 0])


@pytest.mark.data
def test_noise_is_read_whole_though_it_is_no_ecg(data_root):
    conditioner = Conditioner(fs_in=360.0, fs_out=120.0)
    noise = load_noise(data_root / "nstdb", conditioner)
    assert len(noise) == 6
    for number, name in enumerate(NOISE_RECORDS):
        samples = wfdb.rdrecord(str(data_root / "nstdb" / name), physical=False).d_signal.astype(np.float32)
        wanted = conditioner.condition(
            lambda start, stop, samples=samples: samples[start:stop], len(samples), 0, noise.shape[1]
        )
        wanted /= wanted.std(axis=1, keepdims=True)
        np.testing.assert_allclose(noise[2 * number : 2 * number + 2], wanted, atol=1e-3)


@pytest.mark.data
def test_recordings_of_ptb_xl_are_what_wfdb_makes_of_them(data_root):
    files = sorted((data_root / "ptbxl").rglob("*.hea"))[::25]
    assert len(files) == 20
    for file in files:
        signal, fs, leads = ptbxl.read_wfdb(file.with_suffix(""))
        old, opened = wfdb.rdrecord(str(file.with_suffix(""))), open_recording(file)
        assert fs == opened.fs == old.fs
        assert [lead.lower() for lead in leads] == [lead.lower() for lead in opened.leads]
        np.testing.assert_array_equal(signal, opened.signal_mV())
        np.testing.assert_array_equal(signal, old.p_signal.astype(np.float32))
