"""EDF, EDF+ and BDF against edfio, and the faults that recorders make."""

from __future__ import annotations

import edfio
import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import open_recording

N_RECORDS_FIELD, DURATION_FIELD, RESERVED_FIELD = slice(236, 244), slice(244, 252), slice(192, 236)


def _patch(path, field: slice, text: str) -> None:
    data = bytearray(path.read_bytes())
    data[field] = text.encode("latin-1").ljust(field.stop - field.start)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("unit", ["uV", "mV"])
def test_equal_to_edfio(tmp_path, make, unit):
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(2500), unit=unit, annotations=[(1.5, "Patient presses button"), (4.0, "rest")])
    peer = edfio.read_edf(path)
    recording = open_recording(path)
    assert (recording.leads, recording.units, recording.fs, recording.n_samples) == (
        ("II", "V1"),
        ("mV", "mV"),
        250.0,
        2500,
    )
    expected = np.column_stack([signal.data for signal in peer.signals]) / {"uV": 1000, "mV": 1}[unit]
    np.testing.assert_allclose(recording.signal_mV(), expected, atol=1e-6)
    np.testing.assert_array_equal(recording.signal_mV(333, 777), recording.signal_mV()[333:777])
    np.testing.assert_array_equal(recording.annotations.sample, [375, 1000])
    assert list(recording.annotations.aux) == ["Patient presses button", "rest"]
    assert "Secret" not in repr(recording)


def test_other_quantities_and_slower_leads(tmp_path, make):
    fast, slow = make.beats(1000, 200), make.beats(500, 100)
    signals = [
        edfio.EdfSignal(fast, 200, label="ECG I", physical_dimension="mV", physical_range=(-2, 2)),
        edfio.EdfSignal(slow, 100, label="ECG 2", physical_dimension="mV", physical_range=(-2, 2)),
        edfio.EdfSignal(slow, 100, label="Resp", physical_dimension="l", physical_range=(-2, 2)),
        edfio.EdfSignal(fast, 200, label="EEG Fpz-Cz", physical_dimension="uV", physical_range=(-2, 2)),
    ]
    edfio.Edf(signals).write(tmp_path / "a.edf")
    recording = open_recording(tmp_path / "a.edf")
    assert recording.leads == ("I", "ECG 2")
    assert recording.fs == 200.0
    held = recording.signal_mV()[:, 1]
    np.testing.assert_allclose(held[0::2], held[1::2])
    assert any("Resp" in sentence and "EEG" in sentence for sentence in recording.warnings)
    assert any("100 Hz" in sentence for sentence in recording.warnings)


def test_bdf(tmp_path):
    values = np.linspace(-3000, 3000, 1000)
    edfio.Bdf(
        [edfio.BdfSignal(values, 250, label="ECG V2", physical_dimension="uV", physical_range=(-5000, 5000))]
    ).write(tmp_path / "a.bdf")
    recording = open_recording(tmp_path / "a.bdf")
    assert recording.format == "BDF"
    np.testing.assert_allclose(recording.signal_mV()[:, 0], values / 1000, atol=2e-6)


def test_gaps_of_edf_plus_d(tmp_path, make):
    """Records 4 s apart instead of 1 s from the third on: a gap of 3 s."""
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(1250), annotations=[(0.1, "x")])
    whole = open_recording(path).signal_mV()
    data = path.read_bytes().replace(b"EDF+C", b"EDF+D", 1)
    for second in (2, 3, 4):
        data = data.replace(f"+{second}\x14\x14".encode(), f"+{second + 3}\x14\x14".encode())
    for second in (2, 3, 4)[::-1]:
        assert f"+{second + 3}\x14\x14".encode() in data
    path.write_bytes(data)
    recording = open_recording(path)
    assert recording.n_samples == 1250 + 750
    read = recording.signal_mV()
    np.testing.assert_array_equal(read[:500], whole[:500])
    assert np.isnan(read[500:1250]).all()
    np.testing.assert_array_equal(read[1250:], whole[500:])
    np.testing.assert_array_equal(recording.signal_mV(400, 1300), read[400:1300])
    assert any("1 gap, 3.0 s" in sentence for sentence in recording.warnings)


def test_recorder_that_never_wrote_the_number_of_records(tmp_path, make):
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(2500))
    _patch(path, N_RECORDS_FIELD, "-1")
    assert open_recording(path).n_samples == 2500


def test_truncated_file_shows_what_is_there(tmp_path, make):
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(2500))
    path.write_bytes(path.read_bytes()[:-600])
    recording = open_recording(path)
    assert recording.n_samples < 2500
    assert any("a.edf is truncated" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize(
    ("field", "text", "fault"),
    [
        (slice(252, 256), "0", "0 signals"),
        (slice(252, 256), "abc", "number of signals"),
        (slice(252, 256), "9999", "9999 signals"),
        (DURATION_FIELD, "0", "0 s"),
        (DURATION_FIELD, "-1", "-1 s"),
        (DURATION_FIELD, "nan", "length of a data record"),
        (DURATION_FIELD, "1e-6", "cannot be that of an ECG"),
        (N_RECORDS_FIELD, "0", "no complete data record"),
        (N_RECORDS_FIELD, "x", "number of data records"),
    ],
)
def test_headers_that_make_no_sense(tmp_path, make, field, text, fault):
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(2500))
    _patch(path, field, text)
    with pytest.raises(ReadError, match=fault) as caught:
        open_recording(path)
    assert str(caught.value).startswith("a.edf: ")


@pytest.mark.parametrize("lowest", ["10000", "-1e300"])
def test_a_lead_without_calibration_is_unknown(tmp_path, make, lowest):
    """A range of no width, its maximum being 10000, or beyond what float32 holds."""
    path = tmp_path / "a.edf"
    make.edf(path, make.wave(2500))
    n_signals = 3 if b"EDF Annotations" in path.read_bytes()[:2000] else 2
    p_min = 256 + n_signals * (16 + 80 + 8)
    _patch(path, slice(p_min, p_min + 8), lowest)
    recording = open_recording(path)
    assert np.isfinite(recording.signal_mV()).all()
    assert recording.units == ("unknown", "mV")
