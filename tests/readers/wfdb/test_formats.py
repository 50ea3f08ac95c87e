"""WFDB samples: every format equals wfdb's own decoding, as a whole and by ranges."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb

from ecgviz.errors import ReadError
from readers import open_recording
from readers.wfdb import source as wfdb_source

FORMATS = ["8", "16", "24", "32", "61", "80", "160", "212", "310", "311", "508", "516", "524"]


@pytest.fixture(autouse=True, params=[wfdb_source.MOST_KEPT, 0], ids=["kept", "by ranges"])
def most_kept(request, monkeypatch) -> int:
    """Short records are kept and long ones are decoded by ranges: both give the same."""
    monkeypatch.setattr(wfdb_source, "MOST_KEPT", request.param)
    return request.param


@pytest.mark.parametrize("fmt", FORMATS)
def test_equal_to_wfdb_as_a_whole_and_by_ranges(tmp_path, make, fmt):
    make.wfdb(tmp_path, fmt=fmt, n=2501)
    peer = wfdb.rdrecord(str(tmp_path / "rec")).p_signal.astype(np.float32)
    recording = open_recording(tmp_path / "rec")
    assert recording.leads == ("MLII", "V1")
    assert recording.units == ("mV", "mV")
    assert recording.warnings == ()
    whole = recording.signal_mV()
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, peer, rtol=1e-6, atol=1e-7)
    for start, stop in [(0, 1), (1, 2), (7, 7), (1, 100), (2, 101), (333, 1334), (2490, 2501), (2500, 2501)]:
        np.testing.assert_array_equal(recording.signal_mV(start, stop), whole[start:stop])


@pytest.mark.parametrize("fmt", ["16", "212", "516"])
def test_a_short_record_is_decoded_once(tmp_path, make, fmt, most_kept):
    """Its files are not needed any more; those of a long one are, for each range anew."""
    make.wfdb(tmp_path, fmt=fmt, n=2501)
    recording = open_recording(tmp_path / "rec")
    whole = recording.signal_mV()
    (tmp_path / "rec.dat").unlink()
    if most_kept:
        np.testing.assert_array_equal(recording.signal_mV(7, 2000), whole[7:2000])
        return
    with pytest.raises((OSError, ReadError)):
        recording.signal_mV(7, 2000)


def test_what_a_reader_does_to_a_range_does_not_change_the_record(tmp_path, make):
    make.wfdb(tmp_path, fmt="16", n=2501)
    recording = open_recording(tmp_path / "rec")
    whole = recording.signal_mV()
    recording.signal_mV()[:] = np.nan
    np.testing.assert_array_equal(recording.signal_mV(), whole)


def test_16_bit_formats_are_bit_equal_to_wfdb_in_float32(tmp_path, make):
    make.wfdb(tmp_path, fmt="16")
    peer = wfdb.rdrecord(str(tmp_path / "rec"), return_res=32).p_signal
    np.testing.assert_array_equal(open_recording(tmp_path / "rec").signal_mV(), peer)


def test_packed_bits_by_hand(tmp_path):
    """Format 212: 3 bytes hold two 12-bit values; 310 and 311: 4 bytes hold three of 10 bits."""
    (tmp_path / "a.hea").write_text("a 1 250 2\na.dat 212 1/mV 12 0 0 0 0 I\n")
    (tmp_path / "a.dat").write_bytes(bytes([0xFF, 0x7F, 0x01]))  # 0xFFF = -1, 0x701 = 1793
    np.testing.assert_array_equal(open_recording(tmp_path / "a.hea").signal_mV()[:, 0], [-1, 1793])
    (tmp_path / "b.hea").write_text("b 1 250 3\nb.dat 311 1/mV 10 0 0 0 0 I\n")
    word = 5 | (0x3FF << 10) | (0x1FF << 20)
    (tmp_path / "b.dat").write_bytes(word.to_bytes(4, "little"))
    np.testing.assert_array_equal(open_recording(tmp_path / "b.hea").signal_mV()[:, 0], [5, -1, 511])
    (tmp_path / "c.hea").write_text("c 1 250 3\nc.dat 310 1/mV 10 0 0 0 0 I\n")
    low, high = 5 << 1 | (0x1F << 11), 0x3FF << 1  # third value: 5 low bits set in the first word
    (tmp_path / "c.dat").write_bytes(low.to_bytes(2, "little") + high.to_bytes(2, "little"))
    np.testing.assert_array_equal(open_recording(tmp_path / "c.hea").signal_mV()[:, 0], [5, -1, 31])


def test_invalid_samples_are_gaps(tmp_path):
    (tmp_path / "a.hea").write_text("a 1 250 4\na.dat 16 100(10)/mV 16 0 0 0 0 V1\n")
    np.array([10, -32768, 110, 10], "<i2").tofile(tmp_path / "a.dat")
    np.testing.assert_array_equal(open_recording(tmp_path / "a").signal_mV()[:, 0], [0, np.nan, 1, 0])


def test_baseline_other_than_adc_zero_and_volts(tmp_path):
    (tmp_path / "a.hea").write_text(
        "a 3 250 2\na.dat 16 100(7)/uV 16 5 0 0 0 I\na.dat 16 2/V 16 5 0 0 0 II\na.dat 16 10/mmHg 16 0 0 0 0 ABP\n"
    )
    np.array([[7, 5, 1], [107, 7, 1]], "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a")
    assert recording.leads == ("I", "II")
    np.testing.assert_allclose(recording.signal_mV(), [[0, 0], [0.001, 1000]], rtol=1e-6)
    assert any("ABP" in sentence for sentence in recording.warnings)


def test_skewed_leads_are_aligned(tmp_path):
    (tmp_path / "a.hea").write_text("a 2 250 5\na.dat 16 1/mV 16 0 0 0 0 I\na.dat 16:2 1/mV 16 0 0 0 0 II\n")
    np.array([[i, 10 * i] for i in range(5)], "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a")
    np.testing.assert_array_equal(recording.signal_mV()[:, 1], [20, 30, 40, np.nan, np.nan])
    np.testing.assert_array_equal(recording.signal_mV(1, 3)[:, 1], [30, 40])
    np.testing.assert_array_equal(recording.signal_mV(1, 4)[:, 1], [30, 40, np.nan])


def test_several_samples_per_frame(tmp_path):
    """Lead I has 2 samples a frame and II one: the recording runs at twice the frame rate, and II is held."""
    (tmp_path / "a.hea").write_text("a 2 100 3\na.dat 16x2 1/mV 16 0 0 0 0 I\na.dat 16 1/mV 16 0 0 0 0 II\n")
    np.array([1, 2, 50, 3, 4, 60, 5, 6, 70], "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a")
    assert (recording.fs, recording.n_samples) == (200.0, 6)
    np.testing.assert_array_equal(recording.signal_mV().T, [[1, 2, 3, 4, 5, 6], [50, 50, 60, 60, 70, 70]])
    np.testing.assert_array_equal(recording.signal_mV(1, 4).T, [[2, 3, 4], [50, 60, 60]])
    assert any("II was sampled at 100 Hz" in sentence for sentence in recording.warnings)


def test_gain_zero_is_unknown_and_not_zero(tmp_path):
    (tmp_path / "a.hea").write_text("a 1 360 2\na.dat 16 0 12 0 0 0 0 noise1\n")
    np.array([200, -400], "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a")
    assert recording.units == ("unknown",)
    np.testing.assert_array_equal(recording.signal_mV()[:, 0], [1, -2])
    assert any("gain" in sentence and "200" in sentence for sentence in recording.warnings)


def test_damaged_flac_is_told(tmp_path, make):
    make.wfdb(tmp_path, fmt="516", n=100_000)
    path = tmp_path / "rec.dat"
    data = path.read_bytes()
    for broken in (data[: len(data) // 2], b"RIFF" + data[4:], data[:30]):
        path.write_bytes(broken)
        with pytest.raises(ReadError, match=r"rec\.dat"):
            open_recording(tmp_path / "rec").signal_mV()
