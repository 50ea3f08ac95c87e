"""Damaged files of every format: a Recording or a ReadError, soon, and never anything else."""

from __future__ import annotations

import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgviz.errors import ReadError
from readers import open_recording
from readers.recording import Recording

SECONDS = 10.0
HEADER_BYTES = {
    "edf": 1024,
    "dcm": 1400,
    "hea": 400,
    "atr": 60,
    "npy": 128,
    "npz": 1200,
    "mat": 200,
    "csv": 300,
    "zip": 400,
    "flac": 200,
}


@pytest.fixture(scope="session")
def originals(tmp_path_factory, make_session) -> dict[str, Path]:
    """One good file in each format, each in a folder of its own."""
    root = tmp_path_factory.mktemp("originals")
    signal = make_session.wave(600)
    folders = {}
    for kind in ("edf", "dcm", "npy", "npz", "mat", "csv", "zip", "hea", "atr", "flac", "seg"):
        folders[kind] = root / kind
        folders[kind].mkdir()
    make_session.edf(folders["edf"] / "a.edf", make_session.wave(1000), annotations=[(0.5, "x")])
    make_session.dicom(folders["dcm"] / "a.dcm", signal * 1000)
    np.save(folders["npy"] / "a.npy", signal)
    np.savez(folders["npz"] / "a.npz", ecg=signal, fs=250.0, unit="mV")
    scipy.io.savemat(folders["mat"] / "a.mat", {"val": signal, "fs": 250.0}, do_compression=True)
    table = np.column_stack([np.arange(600) / 250, signal])
    np.savetxt(folders["csv"] / "a.csv", table, fmt="%.4f", delimiter=",", header="time,I (mV),II (mV)", comments="")
    for kind, fmt in (("hea", "212"), ("atr", "16"), ("flac", "516")):
        make_session.wfdb(folders[kind], "a", fmt=fmt)
    make_session.wfdb(folders["seg"], "s1", n=500, annotated=False)
    (folders["seg"] / "a.hea").write_text("a/3 2 250 1100\ns1 500\n~ 100\ns1 500\n")
    with zipfile.ZipFile(folders["zip"] / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for part in sorted(folders["hea"].iterdir()):
            packed.write(part, part.name)
    files = {kind: folder / f"a.{kind}" for kind, folder in folders.items()}
    files["flac"], files["seg"] = folders["flac"] / "a.dat", folders["seg"] / "a.hea"
    return files


@pytest.fixture(scope="session")
def make_session():
    """The writers of conftest for fixtures of the whole session."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("reader_files", Path(__file__).with_name("conftest.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Writers:
        wave = staticmethod(module.wave)
        wfdb = staticmethod(module.write_wfdb)
        edf = staticmethod(module.write_edf)
        dicom = staticmethod(module.write_dicom)

    return Writers


def open_and_use(path: Path) -> bool:
    """Opens a file as a page would, and reads from it; of errors only a ReadError that names a file is let through.

    Returns whether it was a recording.
    """
    began = time.perf_counter()
    try:
        recording = open_recording(path, fs=None)
    except ReadError as error:
        recording, message = None, str(error)
    else:
        message = "file: fault"
    assert ": " in message
    assert "\n" not in message
    if recording is not None:
        _use(recording)
    assert time.perf_counter() - began < SECONDS
    return recording is not None


def _use(recording: Recording) -> None:
    assert recording.n_samples > 0
    assert recording.fs > 0
    assert len(recording.leads) == len(recording.units) == len(set(recording.leads)) > 0
    n = recording.n_samples
    for start, stop in [(0, min(n, 500)), (n // 2, min(n, n // 2 + 100)), (max(0, n - 50), n)]:
        try:
            samples = recording.signal_mV(start, stop)
        except ReadError:
            continue
        assert samples.shape == (stop - start, len(recording.leads))
        assert samples.dtype == np.float32
        assert not np.isinf(samples).any()
    if recording.annotations is not None:
        marks = recording.annotations.sample
        assert len(marks) == len(recording.annotations.symbol) == len(recording.annotations.aux)
        assert (np.diff(marks) >= 0).all()
        assert not len(marks) or (marks[0] >= 0 and marks[-1] < n)


KINDS = ("edf", "dcm", "npy", "npz", "mat", "csv", "zip", "hea", "atr", "flac", "seg")


@pytest.mark.parametrize("kind", KINDS)
def test_the_originals_open(originals, kind):
    unit = {"unit": "mV", "fs": 250} if kind in {"npy", "mat"} else {}
    recording = open_recording(originals[kind], **unit)
    _use(recording)
    samples = recording.signal_mV(0, recording.n_samples)
    assert np.isfinite(samples).mean() > 0.5, "an undamaged file holds its signal"
    assert np.nanstd(samples) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_anywhere(originals, tmp_path, kind):
    data = originals[kind].read_bytes()
    folder = tmp_path / "f"
    shutil.copytree(originals[kind].parent, folder)
    target = folder / originals[kind].name
    for length in sorted({*range(0, min(len(data), 40), 5), *np.linspace(0, len(data) - 1, 25).astype(int).tolist()}):
        target.write_bytes(data[:length])
        opened = open_and_use(target)
        assert length or not opened, "an empty file is no recording"


def _mutated(data: bytes, edits: list[tuple[float, int]], reach: int) -> bytes:
    changed = bytearray(data)
    for place, value in edits:
        changed[int(place * (min(reach, len(changed)) - 1))] = value
    return bytes(changed)


BYTES = st.one_of(st.sampled_from(b"0123456789 -+.x/\n\0\xff"), st.integers(0, 255))
EDITS = st.lists(st.tuples(st.floats(0, 1), BYTES), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(edits=EDITS)
def test_headers_with_changed_bytes(originals, tmp_path_factory, kind, edits):
    original = originals[kind]
    folder = tmp_path_factory.getbasetemp() / f"mutated-{kind}"
    if not folder.exists():
        shutil.copytree(original.parent, folder)
    target = folder / original.name
    target.write_bytes(_mutated(original.read_bytes(), edits, HEADER_BYTES.get(kind, 400)))
    open_and_use(target)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.one_of(st.binary(max_size=600), st.text("0123456789,;\t\n .-eE#abIV:/()", max_size=600).map(str.encode)))
def test_files_of_nothing_in_particular(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "noise"
    folder.mkdir(exist_ok=True)
    for name in ("a", "a.csv", "a.hea", "a.edf", "a.mat", "a.npy"):
        target = folder / name
        target.write_bytes(data)
        try:
            open_and_use(target)
        finally:
            target.unlink()


def test_long_lines_take_no_time(tmp_path):
    for number, text in enumerate(
        (" " * 200_000, "," * 200_000, "a " * 100_000, "1 " * 100_000, "lead" + ":" * 200_000 + "1\n1,2\n3,4\n")
    ):
        path = tmp_path / f"{number}.csv"
        path.write_text("1,2\n" + text + "\n1,2\n3,4\n")
        began = time.perf_counter()
        assert not open_and_use(path), "nobody said how fast it was sampled"
        assert time.perf_counter() - began < SECONDS
