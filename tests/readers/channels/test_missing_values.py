"""Numbers that stand for missing samples become gaps in every format; the ends of a signal that saturates do not."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from readers import open_recording

FS, N = 250, 5000
GONE = np.zeros(N, bool)
GONE[1000:1300] = GONE[3000] = True


def _csv(path, values: np.ndarray) -> None:
    path.write_text("\n".join(["time,ECG (uV)", *(f"{i / FS},{value:g}" for i, value in enumerate(values))]))


def _edf(path, values: np.ndarray, make) -> None:
    """Digital -32768 is the least physical value of the file."""
    make.edf(path, np.where(GONE, -10.0, values / 1000)[:, None], FS, labels=("ECG",))


WRITERS = {
    "a.csv": _csv,
    "a.npy": lambda path, values: np.save(path, values.astype(np.int32)),
    "a.npz": lambda path, values: np.savez(path, ecg=values, fs=FS, unit="uV"),
    "a.mat": lambda path, values: scipy.io.savemat(path, {"val": values[None, :]}),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("code", [-32768, 32767, -9999, 99999, -(2**31), 65535])
def test_codes_are_gaps_and_told_of(tmp_path, make, name, code):
    right = np.rint(1000 * make.beats(N))
    WRITERS[name](tmp_path / name, np.where(GONE, code, right))
    recording = open_recording(tmp_path / name, fs=FS, unit="uV")
    read = recording.signal_mV()[:, 0]
    np.testing.assert_array_equal(np.isnan(read), GONE)
    np.testing.assert_allclose(read[~GONE], right[~GONE] / 1000, atol=1e-3)
    assert any("taken for missing" in sentence for sentence in recording.warnings)
    assert np.isnan(recording.signal_mV(2999, 3002)[1, 0])


def test_the_least_digital_value_of_an_edf(tmp_path, make):
    right = np.rint(1000 * make.beats(N))
    _edf(tmp_path / "a.edf", right, make)
    read = open_recording(tmp_path / "a.edf").signal_mV()[:, 0]
    assert np.isnan(read[1000:1300]).all()
    assert np.isfinite(read[~GONE]).all()


@pytest.mark.parametrize("gain", [200, 20_000, 80_000])
@pytest.mark.parametrize("fs", [100, 250, 1000])
def test_a_signal_that_saturates_loses_nothing(tmp_path, make, gain, fs):
    steps = np.clip(gain * make.beats(N, fs), -32768, 32767).astype(np.int16)
    np.savez(tmp_path / "a.npz", ecg=steps, fs=fs)
    assert np.isfinite(open_recording(tmp_path / "a.npz", unit="unknown").signal_mV()).all()


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_counts_of_a_converter_lose_nothing(tmp_path, make, bits):
    """255, 1023 and 4095 are values as any other."""
    steps = np.clip(2 ** (bits - 1) * (1 + make.beats(N)), 0, 2**bits - 1).astype(int)
    np.savez(tmp_path / "a.npz", ecg=steps, fs=FS)
    assert np.isfinite(open_recording(tmp_path / "a.npz", unit="unknown").signal_mV()).all()


def test_the_unit_of_a_wfdb_header_is_that_of_its_amplitudes(tmp_path, make):
    """A header in uV that is right has nothing to be told of."""
    steps = np.rint(200 * make.beats(N)).astype("<i2")
    (tmp_path / "a.dat").write_bytes(steps.tobytes())
    (tmp_path / "a.hea").write_text(f"a 1 {FS} {N}\na.dat 16 0.2(0)/uV 16 0 {steps[0]} 0 0 II\n")
    recording = open_recording(tmp_path / "a.hea")
    np.testing.assert_allclose(recording.signal_mV()[:, 0], make.beats(N), atol=0.003)
    assert not recording.warnings
