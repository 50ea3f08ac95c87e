"""DICOM waveforms against pydicom's own numbers."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from ecgviz.errors import ReadError
from ecgviz.readers import open_recording

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
