"""DICOM waveforms against pydicom's own numbers."""

from __future__ import annotations

import copy
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from ecgviz.errors import ReadError
from readers import open_recording

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def test_the_rhythm_of_two_groups_in_mv():
    path = get_testdata_file("waveform_ecg.dcm", download=False)
    recording = open_recording(path)
    assert (recording.leads, recording.fs, recording.n_samples) == (LEADS, 1000.0, 10_000)
    assert set(recording.units) == {"mV"}
    expected = pydicom.dcmread(path).waveform_array(0) / 1000
    np.testing.assert_allclose(recording.signal_mV(), expected, atol=1e-6)
    assert any("median beat" in sentence for sentence in recording.warnings)


def test_names_units_and_no_patient(tmp_path, make):
    signal = np.column_stack([np.arange(500) * 2.5, -np.arange(500) * 2.5])
    make.dicom(tmp_path / "a.dcm", signal, names=("Lead aVR (Goldberger)", "MDC_ECG_LEAD_V3"))
    recording = open_recording(tmp_path / "a.dcm")
    assert recording.leads == ("aVR", "V3")
    np.testing.assert_allclose(recording.signal_mV(), signal / 1000, atol=1e-6)
    assert "Secret" not in repr(recording)
    assert "4711" not in repr(recording)


def test_a_picture_is_no_recording():
    with pytest.raises(ReadError, match="holds no waveform"):
        open_recording(get_testdata_file("CT_small.dcm", download=False))


@pytest.mark.parametrize(
    ("tag", "value", "fault"),
    [
        ("SamplingFrequency", "0", "length and sampling frequency"),
        ("NumberOfWaveformSamples", 10_000_000, "truncated"),
        ("NumberOfWaveformChannels", 0, "0 leads"),
        ("WaveformSampleInterpretation", "ZZ", "'ZZ'"),
    ],
)
def test_descriptions_that_do_not_fit(tmp_path, make, tag, value, fault):
    make.dicom(tmp_path / "a.dcm", np.zeros((500, 2)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    setattr(dataset.WaveformSequence[0], tag, value)
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(ReadError, match=fault):
        open_recording(tmp_path / "a.dcm")


@pytest.mark.parametrize(("announced", "said"), [(999, False), (400, True), (1, True)])
def test_more_samples_than_announced_are_told(tmp_path, make, announced, said):
    make.dicom(tmp_path / "a.dcm", np.zeros((1000, 2)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.WaveformSequence[0].NumberOfWaveformSamples = announced
    dataset.save_as(tmp_path / "a.dcm")
    recording = open_recording(tmp_path / "a.dcm")
    assert recording.n_samples == announced
    assert any("holds 2 s" in sentence for sentence in recording.warnings) == said


def test_padding_is_a_gap_and_an_unstated_unit_unknown(tmp_path, make):
    make.dicom(tmp_path / "a.dcm", np.arange(1000).reshape(500, 2) * 2.5)
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    group = dataset.WaveformSequence[0]
    group.add_new("WaveformPaddingValue", "OW", np.array([10], "<i2").tobytes())
    del group.ChannelDefinitionSequence[1].ChannelSensitivity
    dataset.save_as(tmp_path / "a.dcm")
    recording = open_recording(tmp_path / "a.dcm")
    assert recording.units == ("mV", "unknown")
    signal = recording.signal_mV()
    assert np.isnan(signal[5, 0])
    assert np.isfinite(signal[6]).all()


def test_a_median_beat_does_not_stand_for_a_rhythm_without_frequency(tmp_path, make):
    make.dicom(tmp_path / "a.dcm", np.ones((500, 2)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    median = copy.deepcopy(dataset.WaveformSequence[0])
    median.WaveformOriginality, median.MultiplexGroupLabel = "DERIVED", "MEDIAN BEAT"
    dataset.WaveformSequence.append(median)
    dataset.WaveformSequence[0].MultiplexGroupLabel = "RHYTHM"
    dataset.save_as(tmp_path / "a.dcm")
    assert "median beat (1.0 s) is not" in open_recording(tmp_path / "a.dcm").warnings[0]
    dataset.WaveformSequence[0].SamplingFrequency = "0"
    dataset.save_as(tmp_path / "a.dcm")
    with pytest.raises(ReadError, match=r"a\.dcm: its waveform rhythm states 0 Hz .* only derived from it; export it"):
        open_recording(tmp_path / "a.dcm")


def test_the_samples_stay_as_they_are_stored(tmp_path, make):
    """12 MB of 16 bits: the bytes of the file, and of float32 only what is asked for."""
    n = 500_000
    names = ("Lead I", "Lead II", "EEG", *(f"Lead V{i}" for i in range(1, 7)), "Lead III", "Lead aVR", "Lead aVL")
    make.dicom(tmp_path / "a.dcm", np.zeros((n, len(names)), np.float32), names=names)
    make.dicom(tmp_path / "b.dcm", np.zeros((500, 2)))
    open_recording(tmp_path / "b.dcm")  # imports
    tracemalloc.start()
    try:
        recording = open_recording(tmp_path / "a.dcm")
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (recording.n_samples, len(recording.leads)) == (n, 11)
    assert held < 1.1 * n * 12 * 2
    assert peak < 2.2 * n * 12 * 2


def test_a_sensitivity_beyond_float32_is_none(tmp_path, make, recwarn):
    make.dicom(tmp_path / "a.dcm", np.ones((500, 2)))
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSensitivity = "1e300"
    dataset.save_as(tmp_path / "a.dcm")
    recording = open_recording(tmp_path / "a.dcm")
    assert recording.units == ("unknown", "mV")
    assert np.isfinite(recording.signal_mV()).all()
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]
