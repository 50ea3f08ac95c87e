"""Files as people bring them: the ECG among their channels is found, in the right unit and at the right time."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from ecgviz.errors import ReadError
from readers import NeedsDetails, open_recording
from tests.readers.other_signals import breathing, eeg, pressure

FS = 250


def ecg(make, seconds: float = 10.0, fs: float = FS, rate: float = 72.0) -> np.ndarray:
    """Beats in mV with a little noise, float64 (n,)."""
    n = round(seconds * fs)
    return make.beats(n, fs, rate) + 0.005 * np.random.default_rng(1).standard_normal(n)


def write_raw_edf(path, channels, seconds: int, announced: int | None = None) -> None:
    """An EDF byte by byte. ``channels``: (label, unit as bytes, physical minimum, maximum, digital int16 (n,))."""

    def field(text: str | bytes, width: int) -> bytes:
        return (text if isinstance(text, bytes) else str(text).encode()).ljust(width)

    count = len(channels)
    head = field("0", 8) + field("X X X X", 80) + field("Startdate X X X X", 80) + field("01.02.2010.30.00", 16)
    head += field(256 * (count + 1), 8) + field("", 44) + field(seconds if announced is None else announced, 8)
    head += field(1, 8) + field(count, 4)
    columns = [
        [field(c[0], 16) for c in channels], [field("", 80)] * count, [field(c[1], 8) for c in channels],
        [field(c[2], 8) for c in channels], [field(c[3], 8) for c in channels],
        [field(-32768, 8)] * count, [field(32767, 8)] * count, [field("", 80)] * count,
        [field(len(c[4]) // seconds, 8) for c in channels], [field("", 32)] * count,
    ]  # fmt: skip
    records = b"".join(
        b"".join(c[4].astype("<i2").reshape(seconds, -1)[second].tobytes() for c in channels)
        for second in range(seconds)
    )
    path.write_bytes(head + b"".join(map(b"".join, columns)) + records)


def digital(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.rint((values - low) / (high - low) * 65535 - 32768)


def labchart(channels, fs=(FS, FS), titles=("ECG", "Arterial BP"), units=("V", "mmHg"), **more) -> dict:
    """The matrices of a LabChart file of one block."""
    ends = np.cumsum([len(channel) for channel in channels])
    return {
        "data": np.concatenate(channels)[None, :],
        "datastart": np.concatenate([[1], ends[:-1] + 1]).astype(float)[:, None],
        "dataend": ends.astype(float)[:, None],
        "samplerate": np.array(fs, float)[:, None],
        "titles": np.array(titles),
        "unittext": np.array(units),
        "unittextmap": np.arange(1.0, len(channels) + 1)[:, None],
        "blocktimes": np.array([[738000.0]]),
    } | more


def peak_to_peak(recording, lead: str) -> float:
    return float(np.ptp(recording.signal_mV(leads=[lead])))


@pytest.mark.parametrize(
    ("unit", "per_mV"),
    [
        *((unit, 1000) for unit in ("uV", "\u00b5V", "\u03bcV", "microV", "uVolt", "UV")),
        *((unit, 1) for unit in ("mV", "mVolt", "MV", "milliV")),
        *(("V", 1e-3), ("volts", 1e-3), ("nV", 1e6)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_units_of_edf_in_either_encoding(tmp_path, make, unit, per_mV, encoding):
    try:
        written = unit.encode(encoding)
    except UnicodeEncodeError:
        pytest.skip("this letter is not in Latin-1")
    limit = 5 * per_mV
    channels = [
        ("EKG", written, f"{-limit:g}", f"{limit:g}", digital(ecg(make) * per_mV, -limit, limit)),
        ("CHAN 2", b"", -200, 200, digital(breathing(2500, size=120), -200, 200)),
    ]
    write_raw_edf(tmp_path / "a.edf", channels, 10)
    recording = open_recording(tmp_path / "a.edf")
    assert (recording.leads, recording.units, recording.others) == (("EKG",), ("mV",), ("CHAN 2",))
    assert peak_to_peak(recording, "EKG") == pytest.approx(np.ptp(ecg(make)), abs=0.01)
    assert any("CHAN 2" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize("unit", ["", "foo", "?V", "mmHg"])
def test_a_doubtful_unit_throws_no_ekg_out(tmp_path, make, unit):
    channels = [("EKG", unit.encode(), -5, 5, digital(ecg(make), -5, 5))]
    write_raw_edf(tmp_path / "a.edf", channels, 10)
    recording = open_recording(tmp_path / "a.edf")
    assert recording.leads == ("EKG",)
    assert recording.units == ("unknown",)
    assert recording.kinds == ("doubtful",) if unit == "mmHg" else ("ecg",)
    given = open_recording(tmp_path / "a.edf", unit="mV")
    assert given.units == (("unknown",) if unit == "mmHg" else ("mV",))
    assert unit != "mmHg" or any("its unit is mmHg" in sentence for sentence in given.warnings)


def test_inverted_physical_range_of_edf(tmp_path, make):
    write_raw_edf(tmp_path / "a.edf", [("ECG II", b"mV", 5, -5, digital(-ecg(make), -5, 5))], 10)
    np.testing.assert_allclose(open_recording(tmp_path / "a.edf").signal_mV()[:, 0], ecg(make), atol=2e-4)


@pytest.mark.parametrize(("announced", "said"), [(10, "30 s and 10 s are announced"), (40, "truncated"), (-1, "")])
def test_record_counts_that_contradict_the_file(tmp_path, make, announced, said):
    signal = ecg(make, 30)
    write_raw_edf(tmp_path / "a.edf", [("ECG II", b"mV", -5, 5, digital(signal, -5, 5))], 30, announced)
    recording = open_recording(tmp_path / "a.edf")
    assert recording.duration_s == 30
    assert any(said in sentence for sentence in recording.warnings) == bool(said)


def test_an_empty_unit_of_edf_is_given(tmp_path, make):
    write_raw_edf(tmp_path / "a.edf", [("ECG II", b"", -5000, 5000, digital(1000 * ecg(make), -5000, 5000))], 10)
    assert open_recording(tmp_path / "a.edf").units == ("unknown",)
    given = open_recording(tmp_path / "a.edf", unit="uV")
    assert (given.leads, given.units) == (("II",), ("mV",))
    assert peak_to_peak(given, "II") == pytest.approx(np.ptp(ecg(make)), abs=0.01)


def test_a_recording_of_eeg_alone_has_no_ecg_and_can_be_read_all_the_same(tmp_path):
    places = ("EEG Fpz-Cz", "EEG Pz-Oz", "EOG horizontal")
    channels = [(name, b"uV", -300, 300, digital(eeg(3000, 100, seed=i), -300, 300)) for i, name in enumerate(places)]
    write_raw_edf(tmp_path / "a.edf", channels, 30)
    recording = open_recording(tmp_path / "a.edf")
    assert recording.no_ecg == recording.leads == places
    assert "No ECG was found in a.edf, only EEG Fpz-Cz, EEG Pz-Oz, EOG horizontal" in recording.warnings[-1]


def test_channels_of_several_rates_have_the_ecgs(tmp_path, make):
    channels = [
        ("EEG C3-A2", b"uV", -300, 300, digital(eeg(5120, 512), -300, 300)),
        ("ECG", b"mV", -5, 5, digital(ecg(make, 10, 256), -5, 5)),
        ("Resp", b"", -300, 300, digital(breathing(320, 32), -300, 300)),
    ]
    write_raw_edf(tmp_path / "a.edf", channels, 10)
    recording = open_recording(tmp_path / "a.edf")
    assert (recording.leads, recording.fs, recording.n_samples) == (("ECG",), 256.0, 2560)
    wide = recording.with_channel("resp")
    assert (wide.leads, wide.fs, wide.kinds, wide.others) == (("ECG", "Resp"), 256.0, ("ecg", "other"), ("EEG C3-A2",))
    np.testing.assert_array_equal(wide.signal_mV(leads=["ECG"]), recording.signal_mV())
    widest = wide.with_channel("EEG C3-A2")
    assert (widest.fs, widest.n_samples, widest.others) == (512.0, 5120, ())
    np.testing.assert_allclose(widest.signal_mV(leads=["EEG C3-A2"])[:, 0] * 1000, eeg(5120, 512), atol=0.02)
    with pytest.raises(ValueError, match="no channel 'SpO2'; the recording has ECG, EEG C3-A2, Resp"):
        recording.with_channel("SpO2")


def test_labchart(tmp_path, make):
    blocks = labchart([ecg(make) / 1000, pressure(2500)])
    scipy.io.savemat(tmp_path / "a.mat", blocks)
    recording = open_recording(tmp_path / "a.mat", fs=FS, unit="V")
    assert (recording.leads, recording.others, recording.fs) == (("ECG",), ("Arterial BP",), FS)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], ecg(make), atol=1e-5)
    np.testing.assert_allclose(recording.with_channel("Arterial BP").signal_mV()[:, 1], pressure(2500), atol=1e-3)


def test_labchart_with_another_rate_for_each_channel(tmp_path, make):
    scipy.io.savemat(tmp_path / "a.mat", labchart([ecg(make, 10, 1000), pressure(1000, 100)], (1000, 100)))
    recording = open_recording(tmp_path / "a.mat", unit="mV")
    assert (recording.leads, recording.fs, recording.n_samples) == (("ECG",), 1000.0, 10_000)
    assert recording.with_channel("Arterial BP").fs == 1000.0


def test_labchart_with_two_blocks_keeps_the_gap(tmp_path, make):
    signal = ecg(make, 20)
    matrices = labchart([signal]) | {
        "datastart": np.array([[1.0, 2501.0]]),
        "dataend": np.array([[2500.0, 5000.0]]),
        "samplerate": np.array([[250.0, 250.0]]),
        "titles": np.array(["ECG"]),
        "unittext": np.array(["mV"]),
        "unittextmap": np.array([[1.0, 1.0]]),
        "blocktimes": np.array([[738000.0, 738000.0 + 15 / 86400]]),
    }
    scipy.io.savemat(tmp_path / "a.mat", matrices)
    recording = open_recording(tmp_path / "a.mat")
    read = recording.signal_mV()[:, 0]
    assert len(read) == pytest.approx(25 * FS, abs=1)
    assert np.isnan(read[2501:3749]).all()
    np.testing.assert_allclose(read[:2500], signal[:2500], atol=1e-6)
    assert any("2 blocks" in sentence and "5.0 s" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize(
    "change",
    [
        {"dataend": np.array([[9e9], [5000.0]])},
        {"datastart": np.array([[1.0]])},
        {"datastart": np.array(["1", "2"])},
        {"samplerate": np.zeros((2, 1))},
    ],
)
def test_labchart_that_contradicts_itself(tmp_path, make, change):
    scipy.io.savemat(tmp_path / "a.mat", labchart([ecg(make), pressure(2500)]) | change)
    with pytest.raises(ReadError, match=r"a\.mat: "):
        open_recording(tmp_path / "a.mat")


def test_labchart_with_a_channel_that_would_be_held_a_thousandfold(tmp_path, make):
    channels = labchart([ecg(make), pressure(2500)], (FS, 0.0101))
    scipy.io.savemat(tmp_path / "a.mat", channels)
    recording = open_recording(tmp_path / "a.mat")
    assert (recording.leads, recording.n_samples, recording.others) == (("ECG",), 2500, ("Arterial BP",))
    with pytest.raises(ReadError, match=r"a\.mat: its channels differ too much"):
        recording.with_channel("Arterial BP")


def test_acqknowledge(tmp_path, make):
    matrices = {
        "data": np.column_stack([breathing(5000, 500, 2), ecg(make, 10, 500)]),
        "units": np.array(["Volts", "mV"]),
        "labels": np.array(["RSP, X, RSPEC-R", "ECG, Y, RSPEC-R"]),
        "isi": 2.0,
        "isi_units": "ms",
        "start_sample": 0.0,
    }
    scipy.io.savemat(tmp_path / "a.mat", matrices)
    recording = open_recording(tmp_path / "a.mat")
    assert (recording.fs, recording.units) == (500.0, ("mV",))
    assert (recording.leads, recording.others) == (("ECG, Y, RSPEC-R",), ("RSP, X, RSPEC-R",))


TIMES = {
    "seconds": (np.arange(2500) / FS, 1),
    "milliseconds": (np.arange(2500) * 4, 1),
    "rounded": (np.round(np.arange(2500) / 360, 2), 0.7),
    "a date": (738000 + np.arange(2500) / FS / 86400, 1),
    "with jitter": (np.arange(2500) / FS + 2e-4 * np.random.default_rng(0).standard_normal(2500), 1),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("name", ["x", "t", "a", "time", "Var1"])
@pytest.mark.parametrize("suffix", ["mat", "npz"])
def test_what_rises_is_time_under_any_name(tmp_path, make, kind, name, suffix):
    times, _ = TIMES[kind]
    arrays = {name: times, "y": ecg(make)}
    path = tmp_path / f"a.{suffix}"
    scipy.io.savemat(path, arrays) if suffix == "mat" else np.savez(path, **arrays)
    recording = open_recording(path, unit="mV")
    assert recording.fs == pytest.approx(360 if kind == "rounded" else FS, rel=0.01)
    assert len(recording.leads) == 1
    assert not recording.no_ecg
    np.testing.assert_allclose(recording.signal_mV()[:, 0], ecg(make), atol=1e-6)
    with_fs = open_recording(path, unit="mV", fs=500)
    assert len(with_fs.leads) == 1
    assert any("500 Hz is not" in sentence for sentence in with_fs.warnings)


@pytest.mark.parametrize("save", [np.save, lambda path, x: np.savez(path, data=x)], ids=["npy", "npz"])
def test_a_first_column_of_times_is_no_lead(tmp_path, make, save):
    path = tmp_path / ("a.npy" if save is np.save else "a.npz")
    save(path, np.column_stack([np.arange(2500) / FS, ecg(make), 0.7 * ecg(make)]))
    recording = open_recording(path, unit="mV")
    assert (recording.fs, recording.n_samples, len(recording.leads)) == (FS, 2500, 2)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], ecg(make), atol=1e-6)


def test_gaps_of_the_times_remain_gaps(tmp_path, make):
    keep = np.r_[0:1000, 1750:2500]
    np.savez(tmp_path / "a.npz", x=keep / FS, y=ecg(make)[keep])
    for given in (None, FS):
        recording = open_recording(tmp_path / "a.npz", unit="mV", fs=given)
        read = recording.signal_mV()[:, 0]
        assert len(read) == 2500
        assert np.isnan(read[1000:1750]).all()
        np.testing.assert_allclose(read[1750:], ecg(make)[1750:], atol=1e-6)
        assert any("1 gap" in sentence for sentence in recording.warnings)


def test_arrays_of_one_length_are_the_channels_of_one_recording(tmp_path, make):
    n = 2500
    arrays = {"ecg": ecg(make), "rsp": breathing(n), "ppg": pressure(n), "acc_x": eeg(n), "fs": FS, "unit": "mV"}
    np.savez(tmp_path / "a.npz", **arrays)
    recording = open_recording(tmp_path / "a.npz")
    assert (recording.leads, recording.others) == (("ecg",), ("rsp", "ppg", "acc_x"))


def test_times_alone_are_no_recording(tmp_path):
    np.savez(tmp_path / "a.npz", t=np.arange(2500) / FS)
    with pytest.raises(ReadError, match=r"a\.npz: it holds times and no samples"):
        open_recording(tmp_path / "a.npz", unit="mV")


def test_times_that_contradict_the_stated_frequency(tmp_path, make):
    np.savez(tmp_path / "a.npz", ecg=ecg(make), t=np.arange(2500) / FS, fs=500)
    recording = open_recording(tmp_path / "a.npz", unit="mV")
    assert recording.fs == FS
    assert any("states 500 Hz, and its times are 250 Hz" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize(("rate", "seconds"), [(240, 20), (300, 10), (30, 62), (25, 30), (72, 3)])
@pytest.mark.parametrize("fs", [50, 250, 4000])
def test_fast_slow_and_short_strips_are_ecg(tmp_path, make, rate, seconds, fs):
    np.savez(tmp_path / "a.npz", ecg=make.beats(round(seconds * fs), fs, rate), fs=fs, unit="mV", leads="II")
    recording = open_recording(tmp_path / "a.npz")
    assert recording.leads == ("II",)
    if rate == 300:  # nothing lies between such beats that they could stand out of
        assert recording.kinds in {("ecg",), ("doubtful",)}
    else:
        assert (recording.kinds, recording.warnings) == (("ecg",), ())


@pytest.mark.parametrize(
    ("factor", "unit", "said"),
    [
        (1000.0, "mV", "V from peak to peak, which is no ECG: the unit mV does not fit the values. They would fit uV"),
        (1e-3, "mV", "mV from peak to peak, which is no ECG"),
        (1.0, "V", "They would fit mV"),
        (1.0, "uV", "They would fit mV"),
        (1.0, "mV", ""),
    ],
)
def test_units_that_contradict_the_amplitudes(tmp_path, make, factor, unit, said):
    np.savez(tmp_path / "a.npz", ecg=factor * ecg(make), fs=FS, unit=unit)
    recording = open_recording(tmp_path / "a.npz")
    assert any(said in sentence for sentence in recording.warnings) == bool(said)
    if said.endswith("uV"):
        given = open_recording(tmp_path / "a.npz", unit="uV")
        assert peak_to_peak(given, "ECG") == pytest.approx(np.ptp(ecg(make)), abs=0.01)
        assert any("does not fit its values; uV is used" in sentence for sentence in given.warnings)


def test_a_given_unit_that_is_not_used_is_told(tmp_path, make):
    np.savez(tmp_path / "a.npz", ecg=ecg(make), fs=FS, unit="mV")
    recording = open_recording(tmp_path / "a.npz", unit="uV")
    assert any("states mV for ECG, which is used; the given uV is not" in sentence for sentence in recording.warnings)
    assert peak_to_peak(recording, "ECG") == pytest.approx(np.ptp(ecg(make)), abs=0.01)


@pytest.mark.parametrize("signal", [breathing(2500, size=1.0), pressure(2500) / 100], ids=["breathing", "pressure"])
def test_a_name_alone_lets_nothing_in(tmp_path, signal):
    np.savez(tmp_path / "a.npz", ecg=signal, fs=FS, unit="mV", leads="ECG")
    recording = open_recording(tmp_path / "a.npz")
    assert recording.kinds != ("ecg",)
    assert any("no ECG" in sentence or "No ECG" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize("signal", [breathing(2500, size=1.0), pressure(2500), eeg(2500)])
def test_channels_without_names_are_left_out_beside_an_ecg(tmp_path, make, signal):
    np.save(tmp_path / "a.npy", np.column_stack([signal, ecg(make)]))
    recording = open_recording(tmp_path / "a.npy", fs=FS, unit="mV")
    assert (recording.leads, recording.others) == (("lead 2",), ("lead 1",))
    named = open_recording(tmp_path / "a.npy", fs=FS, unit="mV", lead_names=["I", "II"])
    assert named.leads == ("I", "II")


def test_the_unit_is_asked_for_leads_alone(tmp_path, make):
    np.savez(tmp_path / "a.npz", data=np.column_stack([ecg(make), pressure(2500)]), fs=FS, leads=["ECG", "ABP"])
    with pytest.raises(NeedsDetails) as caught:
        open_recording(tmp_path / "a.npz")
    assert caught.value.missing == ("unit",)
    np.savez(tmp_path / "b.npz", data=np.column_stack([ecg(make), pressure(2500)]), fs=FS, leads=["ECG", "ABP"],
             units=["mV", ""])  # fmt: skip
    assert open_recording(tmp_path / "b.npz").leads == ("ECG",)


@pytest.mark.parametrize(("text", "fs"), [("250", 250), ("250 Hz", 250), ("12.5e1Hz", 125), ("fast", None), ("", None)])
@pytest.mark.parametrize("suffix", ["mat", "npz"])
def test_a_frequency_in_words(tmp_path, make, suffix, text, fs):
    path = tmp_path / f"a.{suffix}"
    arrays = {"ecg": ecg(make), "fs": text, "unit": "mV"}
    scipy.io.savemat(path, arrays) if suffix == "mat" else np.savez(path, **arrays)
    if fs is None:
        with pytest.raises(ReadError, match="no single number"):
            open_recording(path)
    else:
        assert open_recording(path).fs == fs
