"""What is time and what is none: printed times of every kind are, and no piece of an ECG ever is."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.sources.samples import open_sample, simulate_holter
from readers.channels.time_column import time_column

N = 3000
I = np.arange(N)
FREQUENCIES = (50, 100, 125, 128, 130, 200, 250, 256, 300, 360, 500, 512, 1000, 2000)
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "days": 86400.0}
EPOCHS = {"datenum": (739_000.25, 86400.0), "Excel": (45_000.5, 86400.0), "Unix, s": (1.7e9, 1.0),
          "Unix, ms": (1.7e12, 1e-3), "Unix, us": (1.7e15, 1e-6), "Unix, ns": (1.7e18, 1e-9)}  # fmt: skip


@given(
    fs=st.sampled_from(FREQUENCIES[1:]),
    unit=st.sampled_from(sorted(SECONDS)),
    offset_s=st.floats(-100, 4000),
    name=st.sampled_from([None, "x", "t", "channel 1", "foo"]),
)
@settings(max_examples=150, deadline=None)
def test_even_times_under_any_name(fs, unit, offset_s, name):
    axis = time_column((offset_s + I / fs) / SECONDS[unit], name)
    assert axis is not None
    if (fs, unit) == (1000, "ms") and axis.unit == "samples":
        return  # 0, 1, 2 ... says nothing of milliseconds
    assert axis.fs == pytest.approx(fs, rel=1e-4)
    assert (axis.unit, len(axis.gaps), axis.start) == (unit, 0, None)


@pytest.mark.parametrize("fs", FREQUENCIES)
@pytest.mark.parametrize("digits", [3, 4, 6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_times_rounded_to_few_digits(fs, digits, dtype):
    times = np.round(I / fs, digits)
    for values in (times, np.rint(times * 1000) if digits == 3 else times * 1000):
        axis = time_column(values.astype(dtype), "time" if digits == 3 and fs > 1000 else None)
        if fs == 1000 and values is not times:
            assert axis.unit in {"ms", "samples"}
        else:
            assert axis.fs == fs


@pytest.mark.parametrize("epoch", EPOCHS)
@pytest.mark.parametrize("fs", [100, 130, 250, 360, 1000])
def test_dates_as_numbers(epoch, fs):
    first, seconds = EPOCHS[epoch]
    axis = time_column(first + I / fs / seconds)
    assert (axis.fs, axis.unit) == (fs, "date")
    assert axis.start.year == 2023
    whole = time_column(np.rint(first + I / fs / seconds)) if seconds < 0.1 else axis
    assert whole.fs == fs


def test_dates_of_numpy():
    axis = time_column(np.datetime64("2024-05-01T10:00:00", "ms") + (4 * I).astype("timedelta64[ms]"))
    assert (axis.fs, axis.unit, axis.start.isoformat()) == (250.0, "date", "2024-05-01T10:00:00+00:00")


@given(
    fs=st.sampled_from([100, 128, 250, 360, 500]),
    lengths=st.lists(st.floats(0.05, 50), min_size=1, max_size=5),
    digits=st.sampled_from([3, 6]),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_gaps_remain_gaps(fs, lengths, digits, data):
    rows = sorted(data.draw(st.sets(st.integers(50, N - 50), min_size=len(lengths), max_size=len(lengths))))
    times = I / fs
    for row, length in zip(rows, lengths, strict=True):
        times[row:] += length
    axis = time_column(np.round(times, digits))
    assert axis.fs == fs
    assert axis.gaps[:, 0].tolist() == rows
    np.testing.assert_allclose(axis.gaps[:, 1], np.array(lengths) * fs, atol=1 + fs * 10.0**-digits)


def test_rows_without_a_time_do_not_hide_it():
    times = I / 250
    times[1500:] += 3
    times[[0, 700, 701]] = np.nan
    axis = time_column(times)
    assert (axis.fs, axis.gaps.tolist()) == (250.0, [[1500.0, pytest.approx(750)]])


@pytest.mark.parametrize(
    ("fs", "packet", "tick"),
    [(130, 73, 1e-3), (250, 10, 1e-3), (250, 250, 1.0), (500, 25, 1e-3), (128, 128, 1.0), (250, 3, 1e-2)],
)
@pytest.mark.parametrize("name", ["timestamp", None])
def test_a_stamp_for_each_packet_gives_the_mean_rate(fs, packet, tick, name):
    stamps = np.floor(np.arange(9000) // packet * packet / fs / tick) * tick
    assert time_column(stamps, name).fs == fs
    assert time_column(1.7e9 + stamps, name).fs == fs


def test_a_clock_that_jitters():
    rng = np.random.default_rng(0)
    late = np.maximum.accumulate(4 * I + rng.normal(0, 1, N))
    for name in ("phone time [ms]", "x"):
        assert time_column(late, name).fs == pytest.approx(250, rel=2e-3)
    arrivals = np.repeat(0.04 * np.arange(N // 10) + rng.uniform(0, 0.01, N // 10), 10) + I % 10 * 2e-6
    axis = time_column(1.6e9 + arrivals, "time.time()")
    assert axis.fs == pytest.approx(250, rel=2e-3)
    assert not len(axis.gaps)


def test_lost_samples_do_not_slow_the_clock():
    rng = np.random.default_rng(1)
    kept = np.sort(rng.choice(20_000, 19_700, replace=False))
    assert time_column(kept / 250).fs == 250.0


@pytest.mark.parametrize("fs", [125, 128, 200, 250, 256, 500, 512, 1000])
@pytest.mark.parametrize("name", ["time_ms", "index"])
def test_each_lost_sample_of_an_even_clock_is_missed(fs, name):
    rng = np.random.default_rng(fs)
    kept = np.delete(np.arange(7500), np.unique(rng.choice(np.arange(50, 7450, 3), 40)))
    times = kept if name == "index" else np.round(1000 * kept / fs, 3)
    axis = time_column(times, name)
    assert axis.gaps[:, 1].sum() == pytest.approx(kept[-1] + 1 - len(kept), abs=0.1)
    assert not len(time_column(times[:50], name).gaps)


COUNTERS = {
    "from 0": I,
    "from 1": I + 1,
    "from anywhere": I + 4711,
    "with lost samples": np.r_[I[:1000], I[1000:] + 50],
    "OpenBCI": I % 256,
    "OpenBCI, begun in the middle": (I + 77) % 256,
    "OpenBCI Daisy": 2 * I % 256,
    "OpenBCI Daisy, each twice": I // 2 % 256,
    "BITalino": I % 16,
    "16 bit": np.arange(100_000) % 65_536,
    "ms modulo 1000": 4 * I % 1000,
    "ms modulo 1000 at 360 Hz": np.rint(I / 0.36) % 1000,
    "ms modulo 65536": np.arange(30_000) * 4 % 65_536,
    "number of the packet": I // 10,
}  # fmt: skip


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("name", [None, "x", "Sample Index", "i", "time"])
def test_counters_are_no_leads_and_give_no_frequency(counter, name):
    if (counter, name) == ("number of the packet", "time"):
        return
    axis = time_column(COUNTERS[counter], name)
    assert (axis.fs, axis.unit) == (None, "samples")
    expected = [[1000.0, 50.0]] if counter == "with lost samples" else []
    assert axis.gaps.tolist() == expected


def test_a_name_decides_where_the_numbers_cannot():
    assert time_column(I, "time_ms").fs == 1000.0
    assert time_column(I[:12] / 250, "t").fs == 250.0
    assert time_column(I[:12] / 250) is None
    assert time_column(I / 250, "II") is None
    assert time_column(I / 250, "x (mV)") is None
    assert time_column(np.r_[I, I] / 250, "time").backwards == N
    assert time_column(np.r_[I, I] / 250, "x") is None
    assert time_column(np.zeros(N), "time").fs is None
    assert time_column(np.zeros(N)) is None


def _pieces(signal: np.ndarray, data: st.DataObject) -> np.ndarray:
    """A piece of a lead in steps of some size, as recorders store it."""
    length = data.draw(st.integers(64, 5000))
    start = data.draw(st.integers(0, len(signal) - length))
    step = data.draw(st.sampled_from([0, 0.0025, 0.005, 0.05]))
    piece = data.draw(st.sampled_from([1, -1, 1000])) * signal[start : start + length]
    return np.rint(piece / step) if step else piece


@pytest.fixture(scope="module")
def mitdb_208():
    return open_sample("mitdb-208").signal_mV()


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_piece_of_a_real_recording_is_time(mitdb_208, data):
    piece = _pieces(mitdb_208[:, data.draw(st.integers(0, mitdb_208.shape[1] - 1))], data)
    drift = data.draw(st.sampled_from([0, 1e-4, 1e-3])) * np.ptp(piece) * np.arange(len(piece))
    for name in (None, "x", "ch1", "t_ecg"):
        assert time_column(piece + drift, name) is None


@given(data=st.data(), fs=st.sampled_from([100, 250, 500, 1000, 4000]), noise=st.sampled_from([0, 0.005]))
@settings(max_examples=150, deadline=None)
def test_no_piece_of_a_drawn_ecg_is_time(data, fs, noise):
    seconds = 30.0
    lead = np.asarray(simulate_holter(seconds=seconds, fs=fs).signal_mV()[:, 0], float)
    time = np.arange(len(lead)) / fs
    wander = data.draw(st.floats(0, 1)) * np.sin(time * data.draw(st.floats(0.05, 2)))
    lead = lead + wander + noise * np.random.default_rng(0).standard_normal(len(lead))
    length = data.draw(st.integers(max(64, int(1.5 * fs)), len(lead)))
    start = data.draw(st.integers(0, len(lead) - length))
    lsb = data.draw(st.sampled_from([0, 0.001, 0.005]))
    piece = lead[start : start + length]
    assert time_column(np.rint(piece / lsb) if lsb else piece) is None


@pytest.mark.data
def test_no_minute_of_mitdb_and_no_ludb_lead_is_time(data_root):
    for record in sorted((data_root / "mitdb").glob("*.hea"))[::4]:
        signal = wfdb.rdrecord(str(record.with_suffix("")), physical=False, sampto=21_600 * 5).d_signal
        for column in signal.T:
            assert not any(time_column(column[start : start + 720]) for start in range(0, len(column) - 720, 360))
    for record in sorted((data_root / "ludb").rglob("*.hea"))[:20]:
        signal = wfdb.rdrecord(str(record.with_suffix(""))).p_signal
        assert not any(time_column(column) for column in signal.T)
