"""A sampling frequency that the person gives acts where the file states none that can be, in every format."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import scipy.io

from ecgviz.errors import ReadError
from readers import open_recording

FS, N = 250, 2500


def _wfdb(path, make, per_frame: int = 1) -> None:
    steps = np.rint(200 * make.beats(N)).astype("<i2")
    path.with_name("a.dat").write_bytes(steps.tobytes())
    path.write_text(f"a 1 0 {N // per_frame}\na.dat 16x{per_frame} 200 16 0 {steps[0]} 0 0 II\n")


def _dicom(path, make) -> None:
    make.dicom(path, 1000 * make.beats(N)[:, None], FS, names=("Lead II",))
    dataset = pydicom.dcmread(path)
    dataset.WaveformSequence[0].SamplingFrequency = "0"
    dataset.save_as(path)


def _edf(path, make) -> None:
    make.edf(path, make.beats(N)[:, None], FS, labels=("ECG II",))
    written = bytearray(path.read_bytes())
    written[244:252] = b"0       "
    path.write_bytes(written)


WRITERS = {
    "a.hea": _wfdb,
    "frames.hea": lambda path, make: _wfdb(path, make, per_frame=4),
    "a.dcm": _dicom,
    "a.edf": _edf,
    "a.mat": lambda path, make: scipy.io.savemat(path, {"ecg": make.beats(N), "fs": 0.0, "units": "mV"}),
    "a.npz": lambda path, make: np.savez(path, ecg=make.beats(N), fs=0.0, unit="mV"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_zero_hertz_gives_way_to_the_given_frequency(tmp_path, make, name):
    WRITERS[name](tmp_path / name, make)
    with pytest.raises(ReadError, match=r"\(fs\b"):
        open_recording(tmp_path / name)
    recording = open_recording(tmp_path / name, fs=FS)
    assert recording.fs == pytest.approx(FS)
    np.testing.assert_allclose(recording.signal_mV()[:N, 0], make.beats(N), atol=0.004)


def test_every_channel_of_groups_with_one_label_can_be_chosen(tmp_path, make):
    """Exports write RHYTHM above each group, whatever leads are in it."""
    parts = [make.wave(N, 2, seed) * (seed + 1) / 3 for seed in range(3)]
    groups = []
    for part in parts:
        make.dicom(tmp_path / "a.dcm", 1000 * part, FS, names=("Lead I", "Lead II"))
        dataset = pydicom.dcmread(tmp_path / "a.dcm")
        dataset.WaveformSequence[0].MultiplexGroupLabel = "RHYTHM"
        groups.append(dataset.WaveformSequence[0])
    dataset.WaveformSequence = groups
    dataset.save_as(tmp_path / "a.dcm")
    recording = open_recording(tmp_path / "a.dcm")
    assert len({*recording.leads, *recording.others}) == 6
    chosen = [recording.signal_mV()] + [recording.with_channel(name).signal_mV()[:, [-1]] for name in recording.others]
    np.testing.assert_allclose(np.hstack(chosen), np.hstack(parts), atol=0.002)
