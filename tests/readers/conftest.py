"""Files to read, made by code: one small recording in every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

FS = 250


def beats(n: int, fs: float = FS, rate: float = 72.0, height_mV: float = 1.1) -> np.ndarray:
    """Drawn sinus beats with P, QRS and T in mV, float64 (n,)."""
    since = (np.arange(n) / fs) % (60 / rate) - 0.25
    waves = ((-0.16, 0.024, 0.12), (-0.026, 0.010, -0.1), (0.0, 0.010, 1.0), (0.027, 0.011, -0.2), (0.25, 0.045, 0.26))
    return height_mV * sum(size * np.exp(-0.5 * ((since - at) / width) ** 2) for at, width, size in waves)


def wave(n: int, n_leads: int = 2, seed: int = 0) -> np.ndarray:
    """Beats on a wandering baseline in mV on a grid of 1/200 mV, float64 (n, n_leads)."""
    rng = np.random.default_rng(seed)
    wander = 20 * np.sin(np.arange(n) / 400)[:, None] + rng.integers(-2, 3, (n, n_leads))
    steps = np.rint(200 * beats(n)[:, None] * np.linspace(1, 0.7, n_leads) + wander)
    return np.rint(steps - steps.mean(axis=0)) / 200


def write_edf(path: Path, signals: np.ndarray, fs: float = FS, labels=("ECG II", "ECG V1"), unit="uV", annotations=()):
    """An EDF+ file with edfio; values in mV are written in the unit."""
    import edfio

    factor = {"uV": 1000, "mV": 1}[unit]
    parts = [
        edfio.EdfSignal(
            signals[:, i] * factor,
            sampling_frequency=fs,
            label=label,
            physical_dimension=unit,
            physical_range=(-10 * factor, 10 * factor),
        )
        for i, label in enumerate(labels)
    ]
    patient = edfio.Patient(name="Secret_Person", code="PAT-4711")
    notes = [edfio.EdfAnnotation(onset, None, text) for onset, text in annotations]
    edfio.Edf(parts, patient=patient, annotations=notes).write(path)


def write_dicom(
    path: Path, signals_uv: np.ndarray, fs: float = 500.0, names=("Lead II", "Lead aVR"), unit="uV", big_endian=False
) -> None:
    """A DICOM waveform of int16 steps of 2.5 units each."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, TwelveLeadECGWaveformStorage, generate_uid

    def code(value: str, meaning: str) -> Dataset:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "TEST", meaning
        return item

    channels = []
    for name in names:
        channel = Dataset()
        channel.ChannelSourceSequence = [code("x", name)]
        channel.ChannelSensitivity = "2.5"
        channel.ChannelSensitivityUnitsSequence = [code(unit, unit)]
        channel.ChannelSensitivityCorrectionFactor = "1"
        channel.ChannelBaseline = "0"
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group = Dataset()
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = len(names), len(signals_uv)
    group.SamplingFrequency = str(fs)
    group.ChannelDefinitionSequence = channels
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformData = np.rint(signals_uv / 2.5).astype(">i2" if big_endian else "<i2").tobytes()
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian if big_endian else ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = TwelveLeadECGWaveformStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Secret^Person", "PAT-4711", "19500101"
    dataset.WaveformSequence = [group]
    dataset.save_as(path, enforce_file_format=True)


def pack(values: np.ndarray, fmt: str) -> bytes:
    """Digital values (n, 2) in one of the formats that wfdb reads and does not write; by signal(5)."""
    flat = values.reshape(-1)
    if fmt == "8":
        return np.diff(values, axis=0, prepend=values[:1]).astype("i1").tobytes()
    if fmt == "61":
        return flat.astype(">i2").tobytes()
    if fmt == "160":
        return (flat + 32768).astype("<u2").tobytes()
    padded = np.concatenate([flat, np.zeros(-len(flat) % 3, np.int64)]) & 0x3FF
    a, b, c = padded[0::3], padded[1::3], padded[2::3]
    if fmt == "311":
        return (a | b << 10 | c << 20).astype("<u4").tobytes()
    words = np.column_stack([a << 1 | (c & 0x1F) << 11, b << 1 | (c >> 5) << 11])
    return words.astype("<u2").tobytes()


def write_wfdb(folder: Path, name: str = "rec", fmt: str = "16", n: int = 2500, annotated: bool = True) -> np.ndarray:
    """A WFDB record of two leads in one format, with annotations; returns the signal in mV."""
    import wfdb

    signal = wave(n)
    if fmt in {"80", "508"}:
        signal = np.rint(np.clip(signal / 8, -0.6, 0.6) * 200) / 200
    elif fmt in {"310", "311"}:
        signal = np.clip(signal, -2.5, 2.5)
    digital = np.rint(signal * 200).astype(np.int64) + 3
    if fmt in {"8", "61", "160", "310", "311"}:
        (folder / f"{name}.dat").write_bytes(pack(digital, fmt))
        sums = [int(total) % 65536 for total in digital.sum(axis=0)]
        fields = zip(digital[0], sums, ["MLII", "V1"], strict=True)
        lines = [f"{name}.dat {fmt} 200.0(3)/mV 0 0 {first} {total} 0 {lead}" for first, total, lead in fields]
        (folder / f"{name}.hea").write_text("\n".join([f"{name} 2 {FS} {n}", *lines]) + "\n")
    else:
        wfdb.wrsamp(
            name, fs=FS, units=["mV", "mV"], sig_name=["MLII", "V1"], d_signal=digital, fmt=[fmt, fmt],
            adc_gain=[200.0, 200.0], baseline=[3, 3], write_dir=str(folder),
        )  # fmt: skip
    if annotated:
        marks = np.array([100, 400, 700, 2000])
        wfdb.wrann(name, "atr", marks, ["N", "V", "N", "A"], aux_note=["(N", "", "", ""], write_dir=str(folder))
    return signal


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Header of a format 212 record with annotations."""
    write_wfdb(tmp_path, fmt="212")
    return tmp_path / "rec.hea"


@pytest.fixture
def make():
    """The writers above, for tests that need their own files."""

    class Writers:
        wave = staticmethod(wave)
        beats = staticmethod(beats)
        wfdb = staticmethod(write_wfdb)
        edf = staticmethod(write_edf)
        dicom = staticmethod(write_dicom)

    return Writers
