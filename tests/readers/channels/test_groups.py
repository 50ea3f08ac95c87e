"""DICOM files of several groups and either byte order; WFDB headers that contradict their files."""

from __future__ import annotations

import copy

import numpy as np
import pydicom
import pytest
import scipy.io

from ecgviz.errors import ReadError
from readers import open_recording
from tests.readers.other_signals import breathing, pressure

FS, N = 250, 2500


@pytest.fixture
def two_groups(tmp_path, make):
    """A file whose first group is arterial pressure and whose second is an ECG, and the data set of it."""
    path = tmp_path / "a.dcm"
    make.dicom(path, 1000 * make.beats(N)[:, None], FS, names=("Lead II",))
    dataset = pydicom.dcmread(path)
    pressed = copy.deepcopy(dataset.WaveformSequence[0])
    channel = pressed.ChannelDefinitionSequence[0]
    channel.ChannelSourceSequence[0].CodeMeaning = "Arterial pressure"
    channel.ChannelSensitivity = "0.1"
    channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"
    channel.ChannelSensitivityUnitsSequence[0].CodeMeaning = "mm[Hg]"
    pressed.WaveformData = np.rint(pressure(N) * 10).astype("<i2").tobytes()
    pressed.MultiplexGroupLabel, dataset.WaveformSequence[0].MultiplexGroupLabel = "BP", "ECG"
    dataset.WaveformSequence.insert(0, pressed)
    dataset.save_as(path)
    return path, dataset


def test_the_group_with_the_ecg_is_shown_and_the_other_offered(two_groups, make):
    path, _ = two_groups
    recording = open_recording(path)
    assert (recording.leads, recording.kinds, recording.others) == (("II",), ("ecg",), ("Arterial pressure (bp)",))
    np.testing.assert_allclose(recording.signal_mV()[:, 0], make.beats(N), atol=2e-3)
    assert any("ecg is shown and bp (10.0 s) is not" in sentence for sentence in recording.warnings)
    wide = recording.with_channel("arterial pressure (BP)")
    assert wide.leads == ("II", "Arterial pressure (bp)")
    np.testing.assert_allclose(wide.signal_mV(100, 900)[:, 1], pressure(N)[100:900], atol=0.06)


def test_a_group_of_another_rate_and_beginning_is_held_beside(two_groups):
    path, dataset = two_groups
    pressed = dataset.WaveformSequence[0]
    pressed.SamplingFrequency, pressed.NumberOfWaveformSamples = "125", N // 2
    pressed.WaveformData = np.rint(pressure(N // 2, 125) * 10).astype("<i2").tobytes()
    pressed.MultiplexGroupTimeOffset = "2000"
    dataset.save_as(path)
    read = open_recording(path).with_channel("Arterial pressure (bp)").signal_mV()[:, 1]
    assert np.isnan(read[:500]).all()
    np.testing.assert_allclose(read[500::2], pressure(N // 2, 125)[: N // 2 - 250], atol=0.06)
    np.testing.assert_array_equal(read[500::2], read[501::2])


def test_a_damaged_group_is_told_of_beside_a_sound_ecg_and_never_hides_one(two_groups):
    path, dataset = two_groups
    for damaged in range(2):
        one = copy.deepcopy(dataset)
        group = one.WaveformSequence[damaged]
        group.WaveformData = group.WaveformData[: N // 2]
        one.save_as(path)
        if damaged == 0:
            recording = open_recording(path)
            assert (recording.leads, recording.others) == (("II",), ())
            assert any("waveform bp of a.dcm cannot be read: the waveform is trunc" in s for s in recording.warnings)
        else:
            with pytest.raises(ReadError, match="the waveform is truncated"):
                open_recording(path)


def test_big_endian_samples(tmp_path, make):
    make.dicom(tmp_path / "little.dcm", 1000 * make.wave(N), FS)
    make.dicom(tmp_path / "big.dcm", 1000 * make.wave(N), FS, big_endian=True)
    recording = open_recording(tmp_path / "big.dcm")
    np.testing.assert_array_equal(recording.signal_mV(), open_recording(tmp_path / "little.dcm").signal_mV())
    assert not recording.warnings


def test_samples_of_the_other_byte_order_than_the_file_states(tmp_path, make):
    path = tmp_path / "a.dcm"
    make.dicom(path, 1000 * make.wave(N), FS)
    expected = open_recording(path).signal_mV()
    dataset = pydicom.dcmread(path)
    group = dataset.WaveformSequence[0]
    group.WaveformData = np.frombuffer(group.WaveformData, "<i2").astype(">i2").tobytes()
    dataset.save_as(path)
    recording = open_recording(path)
    np.testing.assert_array_equal(recording.signal_mV(), expected)
    assert any("other byte order" in sentence for sentence in recording.warnings)


def _write_record(folder, name: str, signals: np.ndarray, header: list[str]) -> None:
    (folder / f"{name}.dat").write_bytes(np.rint(signals * 200).astype("<i2").tobytes())
    (folder / f"{name}.hea").write_text("\n".join(header) + "\n")


@pytest.mark.parametrize("rename", [str.upper, str.lower, lambda name: name[:3].upper() + name[3:]])
def test_names_in_capital_letters(tmp_path, make, rename):
    _write_record(
        tmp_path,
        "rec",
        make.wave(N),
        [f"rec 2 {FS} {N}", "rec.dat 16 200 16 0 0 0 0 II", "rec.dat 16 200 16 0 0 0 0 V1"],
    )
    for file in list(tmp_path.iterdir()):
        file.rename(tmp_path / rename(file.name))
    for opened in (rename("rec.hea"), rename("rec.dat"), rename("rec")):
        recording = open_recording(tmp_path / opened)
        assert (recording.leads, recording.n_samples) == (("II", "V1"), N), opened


def test_frames_of_several_samples(tmp_path, make):
    """Four samples of the ECG and one of breathing in a frame: the ECG has its own frequency, breathing is held."""
    fast, slow = make.beats(N, FS), breathing(N // 4, FS / 4, 1.0)
    frames = np.column_stack([fast.reshape(-1, 4), slow])
    header = [f"rec 2 {FS / 4} {N // 4}", "rec.dat 16x4 200 16 0 0 0 0 II", "rec.dat 16 200/mmHg 16 0 0 0 0 RESP"]
    _write_record(tmp_path, "rec", frames, header)
    recording = open_recording(tmp_path / "rec")
    assert (recording.leads, recording.others, recording.fs, recording.n_samples) == (("II",), ("RESP",), FS, N)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], fast, atol=3e-3)
    wide = recording.with_channel("RESP")
    np.testing.assert_array_equal(wide.signal_mV()[::4, 1], wide.signal_mV()[3::4, 1])


def test_a_signal_file_that_is_longer_than_the_header_says(tmp_path, make):
    _write_record(
        tmp_path,
        "rec",
        make.wave(3 * N),
        [f"rec 2 {FS} {N}", "rec.dat 16 200 16 0 0 0 0 II", "rec.dat 16 200 16 0 0 0 0 V1"],
    )
    recording = open_recording(tmp_path / "rec")
    assert recording.duration_s == 10
    assert any("hold 30 s and 10 s are announced" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize(
    ("values", "version", "stated", "fault"),
    [
        (np.int16, "4", "16+24", None),
        (np.int16, "4", "16", "from byte 0, .* int16 from byte 24"),
        (np.int16, "4", "16x2+24", "4 leads"),
        (np.int32, "4", "16+24", "values of int32 from byte 24"),
        (np.float64, "4", "16+24", "values of double"),
        (np.int16, "5", "16+24", "newer MATLAB file"),
    ],
)
def test_a_header_over_a_matlab_file(tmp_path, make, values, version, stated, fault):
    digital = np.rint(make.wave(N) * 200).astype(values)
    scipy.io.savemat(tmp_path / "A1.mat", {"val": digital.T}, format=version)
    lines = [f"A1.mat {stated} 200/mV 16 0 0 0 0 {lead}" for lead in ("I", "II")]
    (tmp_path / "A1.hea").write_text("\n".join([f"A1 2 {FS} {N}", *lines]) + "\n")
    if fault is None:
        np.testing.assert_allclose(open_recording(tmp_path / "A1.mat").signal_mV(), make.wave(N), atol=1e-5)
        return
    with pytest.raises(ReadError, match=rf"A1\.mat: the header says .*{fault}"):
        open_recording(tmp_path / "A1.hea")


def test_fs_and_unit_act_or_are_told_of(tmp_path, make):
    _write_record(
        tmp_path, "rec", make.wave(N), [f"rec 2 {FS} {N}", "rec.dat 16 0 16 0 0 0 0 II", "rec.dat 16 0 16 0 0 0 0 V1"]
    )
    assert open_recording(tmp_path / "rec").units == ("unknown", "unknown")
    given = open_recording(tmp_path / "rec", unit="mV", fs=360)
    assert given.units == ("mV", "mV")
    np.testing.assert_allclose(given.signal_mV(), make.wave(N), atol=1e-5)
    assert any("360 Hz is not" in sentence for sentence in given.warnings)
