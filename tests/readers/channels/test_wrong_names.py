"""A name lets nothing in that is certainly no ECG, keeps no ECG out, and what a person chooses is always read."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st

from readers import open_recording
from readers.channels.kinds import DOUBTFUL, ECG, OTHER, judge
from readers.channels.signal import SignalEvidence, signal_evidence
from tests.readers.conftest import beats, write_dicom, write_edf
from tests.readers.other_signals import (
    breathing,
    eeg,
    fibrillation,
    muscle,
    pressure,
    steep_pulses,
    volume_pulse,
)

RATES = (50, 100, 125, 128, 250, 256, 360, 500, 1000)


def called_ecg(x: np.ndarray, fs: float) -> str:
    """The verdict on a channel that is called ECG and has a unit of voltage."""
    return judge(["ECG"], ["mV"], signal_evidence(lambda start, stop: x[start:stop, None], fs, len(x), 1))[0].kind


def alpha(n: int, fs: float, seed: int) -> np.ndarray:
    """An EEG of closed eyes: its rhythm of 8 to 12 Hz comes in strong bursts."""
    rng, t = np.random.default_rng(seed), np.arange(n) / fs
    bursts = np.maximum(np.sin(2 * np.pi * 0.25 * t + rng.uniform(0, 6)), 0) ** 2
    return eeg(n, fs, 1.0, seed) + 4 * bursts * np.sin(2 * np.pi * rng.uniform(9, 11.5) * t)


DRAWN = {
    "arterial pressure": lambda n, fs, seed: pressure(n, fs, 50 + 3 * seed),
    "steep pressure": lambda n, fs, seed: steep_pulses(n, fs, 50 + 3 * seed, 0.03, 0.12, seed),
    "light": lambda n, fs, seed: volume_pulse(n, fs, 50 + 3 * seed, seed),
    "breathing": lambda n, fs, seed: breathing(n, fs),
    "EEG": lambda n, fs, seed: eeg(n, fs, seed=seed),
    "EEG, eyes closed": alpha,
    "muscle": muscle,
    "white noise": lambda n, fs, seed: np.random.default_rng(seed).standard_normal(n),
    "drift": lambda n, fs, seed: np.cumsum(np.random.default_rng(seed).standard_normal(n)),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_wrong_name_lets_hardly_any_in(kind):
    """None is simply taken; nine of ten are refused, the rest doubted."""
    found = [called_ecg(DRAWN[kind](20 * fs, fs, seed), fs) for fs in RATES for seed in range(8)]
    assert found.count(ECG) == 0
    assert found.count(OTHER) >= 0.9 * len(found)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(sorted(DRAWN)),
    fs=st.sampled_from(RATES),
    seed=st.integers(0, 20),
    gain=st.floats(1e-3, 1e3),
    offset=st.floats(-100, 100),
    inverted=st.booleans(),
)
def test_gain_offset_and_polarity_do_not_change_the_verdict(kind, fs, seed, gain, offset, inverted):
    x = DRAWN[kind](15 * fs, fs, seed)
    assert called_ecg(gain * ((-x if inverted else x) + offset), fs) == called_ecg(x, fs)


@settings(max_examples=80, deadline=None)
@given(
    fs=st.sampled_from(RATES),
    hz=st.floats(3.0, 7.0),
    wandering=st.floats(0, 0.5),
    seconds=st.sampled_from([6, 10, 30]),
    seed=st.integers(0, 1000),
)
def test_smooth_waves_of_a_ventricle_are_not_kept_out(fs, hz, wandering, seconds, seed):
    """Tachycardia, flutter and fibrillation have no QRS complexes, and it is them that must not be missed."""
    assert called_ecg(fibrillation(seconds * fs, fs, hz, wandering, seed), fs) != OTHER


@settings(max_examples=60, deadline=None)
@given(
    fs=st.sampled_from([rate for rate in RATES if rate > 120]),
    rate=st.floats(30, 180),
    mains_hz=st.sampled_from([50, 60]),
    mains=st.floats(0, 5),
    inverted=st.booleans(),
)
def test_mains_do_not_hide_an_ecg(fs, rate, mains_hz, mains, inverted):
    x = beats(10 * fs, fs, rate) + mains * np.sin(2 * np.pi * mains_hz * np.arange(10 * fs) / fs + 1)
    assert called_ecg(-x if inverted else x, fs) in {ECG, DOUBTFUL}


@pytest.mark.parametrize("fs", RATES)
def test_little_is_not_enough_to_be_certain(fs):
    for kind in ("EEG", "muscle", "white noise"):
        assert called_ecg(DRAWN[kind](4 * fs, fs, 1), fs) == DOUBTFUL


SURE = {kind: SignalEvidence(kind, 1.0, certain=True) for kind in ("slow", "smooth", "noise")}
GOOD = SignalEvidence("ecg", 1.0)


@pytest.mark.parametrize(
    ("name", "look", "alone", "beside"),
    [
        ("ECG 2", "slow", OTHER, OTHER),
        ("ECG 2", "smooth", OTHER, OTHER),
        ("ECG 2", "noise", OTHER, DOUBTFUL),  # the second electrode may be loose
        ("V1", "slow", OTHER, DOUBTFUL),
        ("V1", "smooth", OTHER, DOUBTFUL),
        ("V1", "noise", OTHER, ECG),
    ],
)
def test_what_is_certainly_none_alone_and_beside_an_ecg(name, look, alone, beside):
    assert judge([name], ["mV"], [SURE[look]])[0].kind == alone
    assert judge(["ECG", name], ["mV", "mV"], [GOOD, SURE[look]])[1].kind == beside


def write(suffix: str, folder, x: np.ndarray, names: tuple[str, ...], fs: int) -> dict:
    """A file of columns in mV (n, k) and what has to be given with it."""
    import wfdb

    path = folder / f"a.{suffix}"
    given = {}
    if suffix == "csv":
        rows = "\n".join(",".join(f"{value:.5f}" for value in row) for row in x)
        path.write_text(",".join(names) + "\n" + rows + "\n")
        given = {"fs": fs, "unit": "mV"}
    elif suffix == "npz":
        np.savez(path, data=x, fs=fs, unit="mV", leads=list(names))
    elif suffix == "mat":
        scipy.io.savemat(path, {name.replace(" ", "_"): column for name, column in zip(names, x.T, strict=True)})
        given = {"fs": fs, "unit": "mV"}
    elif suffix == "edf":
        write_edf(path, x, fs, names)
    elif suffix == "dcm":
        write_dicom(path, 1000 * x, fs, names)
    else:
        wfdb.wrsamp("a", fs=fs, units=["mV"] * len(names), sig_name=list(names), p_signal=x, write_dir=str(folder),
                    fmt=["16"] * len(names))  # fmt: skip
    return {"source": path, **given}


@pytest.mark.parametrize("suffix", ["csv", "npz", "mat", "edf", "dcm", "hea"])
def test_every_reader_tells_what_it_found_and_how_to_have_it_all_the_same(tmp_path, suffix):
    """One channel that is called an ECG and holds pressure; then the same beside an ECG."""
    fs, n = 250, 5000
    wave = (pressure(n, fs) - 100) / 20
    given = write(suffix, tmp_path, wave[:, None], ("ECG",), fs)
    alone = open_recording(given.pop("source"), **given)
    assert alone.no_ecg == alone.leads
    sentence = next(text for text in alone.warnings if "No ECG was found" in text)
    assert "pulse, pressure or breathing" in sentence and "--lead" in sentence

    given = write(suffix, tmp_path, np.column_stack([wave, beats(n, fs)]), ("ECG 1", "ECG 2"), fs)
    both = open_recording(given.pop("source"), **given)
    assert len(both.leads) == len(both.others) == 1
    sentence = next(text for text in both.warnings if text.startswith("Left out"))
    assert "pulse, pressure or breathing" in sentence and "--lead" in sentence
    chosen = both.with_channel(both.others[0])
    np.testing.assert_allclose(chosen.signal_mV()[:, -1], wave, atol=0.01)


DATABASES = {"mitdb": 1, "svdb": 1, "svdb_more": 5, "ptbxl/**": 12, "ludb": 6, "cinc": 1, "cinc2017": 12}
"""Which of so many records are looked at."""


@pytest.mark.data
def test_hardly_a_real_lead_is_kept_out_even_by_itself(data_root):
    """Each lead of a recording judged alone, in case it is the only one; and with mains three times its size."""
    import wfdb

    counts = {"as it is": [0, 0], "with mains": [0, 0]}
    for folder, every in DATABASES.items():
        for header in sorted((data_root / folder.split("/")[0]).glob(f"{folder.partition('/')[2] or '.'}/*.hea"))[
            ::every
        ]:
            record = wfdb.rdrecord(str(header.with_suffix("")), sampto=None if "mitdb" not in folder else 21600)
            x, fs = np.nan_to_num(record.p_signal), float(record.fs)
            hum = 1.5 * np.ptp(np.percentile(x[: int(10 * fs)], [1, 99], axis=0), axis=0)
            hum = hum * np.sin(2 * np.pi * 50 * np.arange(len(x)) / fs)[:, None]
            for name, samples in (("as it is", x), ("with mains", x + hum)):
                if name == "with mains" and fs < 120:
                    continue
                looks = signal_evidence(lambda a, b, samples=samples: samples[a:b], fs, len(x), x.shape[1])
                refused = [judge(["ECG"], ["mV"], [look])[0].kind == OTHER for look in looks]
                counts[name][0] += sum(refused)
                counts[name][1] += len(refused)
    assert counts["as it is"][1] > 800
    assert counts["as it is"][0] <= 0.001 * counts["as it is"][1] + 1
    assert counts["with mains"][0] <= 0.01 * counts["with mains"][1]


@pytest.mark.data
def test_fibrillation_of_a_real_heart_is_not_kept_out(data_root):
    """Record 207 of MIT-BIH has ventricular flutter and fibrillation, from [ to ]."""
    import wfdb

    notes = wfdb.rdann(str(data_root / "mitdb" / "207"), "atr")
    signal = wfdb.rdrecord(str(data_root / "mitdb" / "207")).p_signal
    starts, stops = (
        [at for at, mark in zip(notes.sample, notes.symbol, strict=True) if mark == wanted] for wanted in "[]"
    )
    pieces = [signal[a:b] for a, b in zip(starts, stops, strict=True) if b - a >= 6 * 360]
    assert len(pieces) >= 4
    for piece in pieces:
        assert OTHER not in {called_ecg(column, 360) for column in piece.T}
