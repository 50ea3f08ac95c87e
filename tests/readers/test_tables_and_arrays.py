"""CSV, NumPy and MAT: what the file says is used, what it does not say is asked for."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
import scipy.io

from ecgviz.errors import ReadError
from readers import NeedsDetails, open_recording


def _table(path, signal, header, fmt="%.4f", delimiter=","):
    np.savetxt(path, signal, fmt=fmt, delimiter=delimiter, header=header, comments="")
    return path


def test_header_with_units_and_times(tmp_path, make):
    signal = make.wave(1000)
    times = np.arange(1000) / 360
    path = _table(
        tmp_path / "a.csv", np.column_stack([times, signal[:, 0], signal[:, 1] * 1000]), "time [s],MLII (mV),v1_uV"
    )
    recording = open_recording(path)
    assert (recording.leads, recording.units, recording.fs) == (("MLII", "V1"), ("mV", "mV"), 360.0)
    np.testing.assert_allclose(recording.signal_mV(), signal, atol=1e-4)


@pytest.mark.parametrize(
    ("scale", "name", "fmt"), [(1, "t", "%.3f"), (1000, "time_ms", "%.0f"), (1000, "Time (ms)", "%.1f")]
)
def test_rounded_times_give_the_true_frequency(tmp_path, scale, name, fmt):
    times = np.arange(20_000) / 360 * scale
    path = _table(tmp_path / "a.csv", np.column_stack([times, np.sin(times)]), f"{name},II (mV)", fmt=[fmt, "%.3f"])
    assert open_recording(path).fs == 360.0


def test_asks_for_what_the_file_does_not_say(tmp_path, make):
    path = _table(tmp_path / "a.tsv", make.wave(500), "I\tII", delimiter="\t")
    with pytest.raises(NeedsDetails) as caught:
        open_recording(path)
    assert caught.value.missing == ("fs", "unit")
    assert "a.tsv" in str(caught.value)
    with pytest.raises(NeedsDetails) as caught:
        open_recording(path, fs=500)
    assert caught.value.missing == ("unit",)
    recording = open_recording(path, fs=500, unit="uV")
    np.testing.assert_allclose(recording.signal_mV(), make.wave(500) / 1000, atol=1e-6)
    assert open_recording(path, fs=500, unit="unknown").units == ("unknown", "unknown")


def test_no_header_semicolons_and_decimal_commas(tmp_path, make):
    lines = [f"{i};{a:.3f};{b:.3f}".replace(".", ",") for i, (a, b) in enumerate(make.wave(300))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    recording = open_recording(tmp_path / "a.csv", fs=200, unit="mV", lead_names=["I", "avf"])
    assert recording.leads == ("I", "aVF")
    np.testing.assert_allclose(recording.signal_mV(), make.wave(300), atol=1e-3)


def test_output_of_rdsamp(tmp_path):
    rows = "\n".join(f"{i / 360:.3f},{i % 7 / 10:.3f},{i % 5 / 10:.3f}" for i in range(2000))
    (tmp_path / "a.csv").write_text(f"'Elapsed time','MLII','V5'\n'seconds','mV','mV'\n{rows}\n")
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.leads, recording.units, recording.fs) == (("MLII", "V5"), ("mV", "mV"), 360.0)
    clock = "\n".join(f"'{i // 15000}:{i % 15000 / 250:06.3f}',{i % 7}" for i in range(20_000))
    (tmp_path / "b.csv").write_text(f"'Elapsed time','ECG1'\n'hh:mm:ss.mmm','mV'\n{clock}\n")
    recording = open_recording(tmp_path / "b.csv")
    assert (recording.leads, recording.units, recording.fs) == (("ECG1",), ("mV",), 250.0)


def test_export_of_a_watch(tmp_path):
    values = "\n".join(f"{i % 50 - 25}.125" for i in range(3000))
    preface = "Name,Secret Person\nDate of Birth,1 Jan 1950\nSample Rate,512 hertz\n\n\nLead,Lead I\nUnit,µV\n\n"
    (tmp_path / "a.csv").write_text(preface + values, encoding="utf-8")
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.leads, recording.fs, recording.n_samples) == (("I",), 512.0, 3000)
    assert recording.signal_mV()[0, 0] == pytest.approx(-0.025125, abs=1e-3)
    assert "Secret" not in repr(recording)


def test_times_with_a_gap(tmp_path):
    times = np.concatenate([np.arange(100), np.arange(150, 200)]) / 100
    path = _table(tmp_path / "a.csv", np.column_stack([times, np.ones(150)]), "seconds,II (mV)")
    recording = open_recording(path)
    assert recording.n_samples == 200
    np.testing.assert_array_equal(
        np.isnan(recording.signal_mV()[:, 0]), (np.arange(200) >= 100) & (np.arange(200) < 150)
    )
    assert any("1 gap, 0.5 s" in sentence for sentence in recording.warnings)


def test_cells_that_are_no_numbers_are_gaps(tmp_path):
    rows = "\n".join(f"{i * 0.004:.3f},{i}" for i in range(500)).replace("2.000,500", "")
    (tmp_path / "a.csv").write_text("time,II (mV)\n" + rows.replace(",100\n", ",lead off\n"))
    recording = open_recording(tmp_path / "a.csv")
    assert np.isnan(recording.signal_mV()[100, 0])
    assert any("1 cells" in sentence for sentence in recording.warnings)


def test_times_that_run_backwards(tmp_path):
    path = _table(tmp_path / "a.csv", np.column_stack([[0, 1, 2, 1, 4, 5], np.ones(6)]), "time,II (mV)")
    with pytest.raises(ReadError, match="backwards at row 4"):
        open_recording(path)


def test_numpy_arrays(tmp_path, make):
    signal = make.wave(600)
    np.save(tmp_path / "a.npy", signal.T)
    with pytest.raises(NeedsDetails):
        open_recording(tmp_path / "a.npy")
    recording = open_recording(tmp_path / "a.npy", fs=250, unit="mV")
    assert (recording.n_samples, recording.leads) == (600, ("lead 1", "lead 2"))
    np.testing.assert_allclose(recording.signal_mV(10, 20), signal[10:20], atol=1e-6)
    np.savez(tmp_path / "b.npz", ecg=signal * 1000, fs=250, leads=["ii", "avl"], unit="uV")
    recording = open_recording(tmp_path / "b.npz")
    assert (recording.leads, recording.fs) == (("II", "aVL"), 250.0)
    np.testing.assert_allclose(recording.signal_mV(), signal, atol=1e-6)
    assert open_recording(tmp_path / "b.npz", fs=300).warnings


def test_pickles_and_false_claims(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ReadError, match="pickled"):
        open_recording(tmp_path / "a.npy")
    (tmp_path / "b.npy").write_bytes(pickle.dumps([1, 2, 3]))
    with pytest.raises(ReadError):
        open_recording(tmp_path / "b.npy")
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)})
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as archive:
        archive.writestr("ecg.npy", head.getvalue() + b"0" * 800)
    with pytest.raises(ReadError, match="claims"):
        open_recording(tmp_path / "c.npz")


def test_mat_alone_and_with_its_header(tmp_path, make):
    values = np.rint(1000 * make.wave(1000)).astype(np.int16).T
    scipy.io.savemat(tmp_path / "A1.mat", {"val": values}, format="4")
    with pytest.raises(NeedsDetails) as caught:
        open_recording(tmp_path / "A1.mat")
    assert caught.value.missing == ("fs", "unit")
    alone = open_recording(tmp_path / "A1.mat", fs=500, unit="uV", lead_names=["I", "II"])
    lines = [f"A1.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in ("I", "II")]
    (tmp_path / "A1.hea").write_text("\n".join(["A1 2 500 1000 12-May-2020 12:33:59", *lines]))
    recording = open_recording(tmp_path / "A1.mat")
    assert (recording.leads, recording.fs, recording.format) == (("I", "II"), 500.0, "WFDB")
    np.testing.assert_allclose(recording.signal_mV(), values.T / 1000, atol=1e-6)
    np.testing.assert_allclose(alone.signal_mV(), recording.signal_mV(), atol=1e-6)
    assert recording.start.isoformat() == "2020-05-12T12:33:59"
    scipy.io.savemat(tmp_path / "B.mat", {"val": values, "fs": 500})
    assert open_recording(tmp_path / "B.mat", unit="mV").fs == 500.0


def test_mat_without_a_matrix_says_what_it_holds(tmp_path):
    held = {
        "ECG": ({"data": np.zeros((2, 100))}, r"ECG \(struct\)"),
        "val": (np.zeros((2, 100)) + 1j, r"val \(complex numbers\)"),
        "three": (np.zeros((2, 100, 3)), r"three \(double of 3 dimensions\)"),
        "small": (np.zeros((2, 3)), r"small \(2 x 3\)"),
    }
    for name, (value, words) in held.items():
        scipy.io.savemat(tmp_path / "a.mat", {name: value})
        with pytest.raises(ReadError, match=rf"a\.mat: .* it holds {words}\. Save the samples as one matrix 'val'"):
            open_recording(tmp_path / "a.mat")


def test_numbers_beyond_float32_are_gaps_without_a_word_on_stderr(tmp_path, recwarn):
    values = np.full((500, 2), 1e300)
    values[:250] = 0.5
    np.savez(tmp_path / "a.npz", ecg=values, fs=250, unit="mV")
    path = _table(tmp_path / "a.csv", np.column_stack([np.arange(500) / 250, values]), "time,I (mV),II (mV)", fmt="%g")
    for recording in (open_recording(tmp_path / "a.npz"), open_recording(path)):
        np.testing.assert_array_equal(np.isnan(recording.signal_mV()[:, 0]), np.arange(500) >= 250)
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.xml", b"<?xml version='1.0'?><AnnotatedECG/>", "XML"),
        ("a.pdf", b"%PDF-1.4", "PDF"),
        ("a.bin", bytes(range(256)), "known format"),
        ("a.dat", b"\x01\x02" * 500, r"\.hea"),
        ("a.csv", b"one,two\nthree,four\n", "known format"),
        ("a.csv", b"", "empty"),
    ],
)
def test_unknown_files_say_what_can_be_read(tmp_path, name, content, word):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=word) as caught:
        open_recording(tmp_path / name)
    assert str(caught.value).startswith(name)
    assert content == b"" or "EDF" in str(caught.value)


def test_arguments_that_cannot_be(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(1000))
    with pytest.raises(ReadError, match="0 Hz"):
        open_recording(tmp_path / "a.npy", fs=0, unit="mV")
    with pytest.raises(ReadError, match="no voltage"):
        open_recording(tmp_path / "a.npy", fs=250, unit="bananas")
    with pytest.raises(ReadError, match="1 leads and 2 names"):
        open_recording(tmp_path / "a.npy", fs=250, unit="mV", lead_names=["I", "II"])
    with pytest.raises(ReadError, match="no such file"):
        open_recording(tmp_path / "gone.edf")
    with pytest.raises(ReadError, match="choose the files"):
        open_recording([])
