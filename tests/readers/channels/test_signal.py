"""What looks like an ECG and what does not, whatever the scale, the offset, the polarity and the sampling frequency."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readers import open_recording
from readers.channels.kinds import DOUBTFUL, ECG, OTHER, fits, judge
from readers.channels.leads import name_speaks, unit_speaks
from readers.channels.signal import NO_SIGNAL, SignalEvidence, measure, signal_evidence
from tests.readers.conftest import beats
from tests.readers.other_signals import breathing, eeg, pressure, steep_pulses

RATES = (50, 100, 128, 250, 257, 360, 500, 1000, 4000)
FREQUENCIES = pytest.mark.parametrize("fs", RATES)


def kind_of(x: np.ndarray, fs: float) -> str:
    return signal_evidence(lambda start, stop: x[start:stop, None], fs, len(x), 1)[0].kind


@settings(max_examples=60, deadline=None)
@given(
    fs=st.sampled_from(RATES),
    rate=st.floats(25, 200),  # the drawn waves run into each other beyond, as those of a heart do not
    gain=st.floats(1e-4, 1e4),
    offset=st.floats(-100, 100),
    inverted=st.booleans(),
    noise=st.floats(0, 0.05),
    wander=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_drawn_beats_are_an_ecg(fs, rate, gain, offset, inverted, noise, wander, seed):
    n = 10 * fs
    x = beats(n, fs, rate) + noise * np.random.default_rng(seed).standard_normal(n)
    x += wander * np.sin(2 * np.pi * 0.2 * np.arange(n) / fs)
    assert kind_of(gain * (-x if inverted else x) + gain * offset, fs) in {"ecg", "unclear"}


@FREQUENCIES
@pytest.mark.parametrize(("rate", "seconds"), [(25, 12), (60, 3), (180, 3), (300, 3), (72, 10)])
def test_slow_fast_and_short(fs, rate, seconds):
    """At 300/min nothing lies between the beats that they could stand out of: a name has to speak for them."""
    assert kind_of(beats(seconds * fs, fs, rate), fs) in ({"ecg", "unclear"} if rate == 300 else {"ecg"})


@FREQUENCIES
@pytest.mark.parametrize("seconds", [5, 10, 60])
@pytest.mark.parametrize("draw", [breathing, pressure, eeg])
def test_breathing_pressure_and_eeg_are_none(fs, seconds, draw):
    assert kind_of(draw(seconds * fs, fs), fs) in {"slow", "smooth", "noise"}


@pytest.mark.parametrize("fs", [100, 250, 1000])
def test_signals_of_neurokit_are_none(fs):
    import neurokit2 as nk

    n = 10 * fs
    signals = {
        "ppg": nk.ppg_simulate(duration=20, sampling_rate=fs, random_state=1)[:n],
        "rsp": nk.rsp_simulate(duration=40, sampling_rate=fs, random_state=1)[:n],
        "eda": nk.eda_simulate(duration=20, sampling_rate=fs, random_state=1)[:n],
        "emg": nk.emg_simulate(duration=20, sampling_rate=fs, random_state=1)[:n],
    }
    assert {name for name, x in signals.items() if kind_of(x, fs) == "ecg"} == set()
    assert kind_of(nk.ecg_simulate(duration=10, sampling_rate=fs, random_state=1), fs) == "ecg"


@pytest.mark.parametrize("fs", [100, 125, 200, 500])
@settings(max_examples=25, deadline=None)
@given(rate=st.floats(50, 115), rise=st.floats(0.022, 0.05), fall=st.floats(0.075, 0.15), seed=st.integers(0, 99))
def test_pulses_that_rise_steeply_are_none(fs, rate, rise, fall, seed):
    """A QRS complex may rise as fast, but is back within 100 ms."""
    assert kind_of(steep_pulses(20 * fs, fs, rate, rise, fall, seed), fs) in {"smooth", "slow"}


def test_steps_and_rectangles_are_none():
    t = np.arange(2500) / 250
    for x in (np.round(70 + 5 * np.sin(2 * np.pi * 0.1 * t)), (t % 1 > 0.5) * 1.0, np.floor(t)):
        assert kind_of(x, 250) != "ecg"


@pytest.mark.parametrize("values", [(0, 1), (0, 1, 2), (-5, 300)])
@pytest.mark.parametrize("width", [1, 20, 125])
def test_marks_of_events_are_no_ecg(values, width):
    x = np.full(7500, float(values[0]))
    for number, start in enumerate(range(100, 7000, 210)):
        x[start : start + width] = values[1 + number % (len(values) - 1)]
    assert kind_of(x, 250) == "marks"
    assert kind_of(x + 0.01 * beats(7500, 250), 250) != "marks"


@pytest.mark.parametrize(
    "x", [np.zeros(2500), np.full(2500, np.nan), np.array([1.0, np.inf] * 1250), np.full(2500, 1e300), np.arange(9.0)]
)
def test_nothing_to_look_at(x):
    with np.errstate(all="raise"):
        assert measure(x, 250) is None


def test_numbers_of_any_size():
    x = beats(2500, 250)
    for factor in (1e-300, 1e-30, 1e30, 1e290):
        assert measure(x * factor, 250).kind == "ecg"


def test_a_few_windows_are_read_and_no_more():
    asked = []

    def read(start, stop):
        asked.append((start, stop))
        return beats(stop - start, 250)[:, None]

    assert signal_evidence(read, 250, 24 * 3600 * 250, 1)[0].kind == "ecg"
    assert len(asked) == 2
    asked.clear()
    signal_evidence(lambda start, stop: (asked.append((start, stop)), eeg(stop - start)[:, None])[1], 250, 10**8, 1)
    assert len(asked) == 6
    assert sum(stop - start for start, stop in asked) == 6 * 2500


LOOKS = {kind: SignalEvidence(kind, 1.0) for kind in ("ecg", "unclear", "noise", "smooth", "slow", "marks")} | {
    "none": NO_SIGNAL
}


@pytest.mark.parametrize(
    ("name", "unit", "look", "kind"),
    [
        ("EKG", "uV", "ecg", ECG),
        ("EKG", "\u00c2\u00b5V", "ecg", ECG),
        ("EKG", "foo", "unclear", DOUBTFUL),
        ("EKG", "mmHg", "ecg", DOUBTFUL),
        ("EKG", "mmHg", "smooth", OTHER),
        ("ECG", "mV", "slow", OTHER),
        ("ECG", "mV", "smooth", DOUBTFUL),
        ("ECG", "mV", "noise", DOUBTFUL),
        ("ECG", "mV", "none", ECG),
        ("ECG", "mV", "marks", DOUBTFUL),
        ("events", "", "marks", OTHER),
        ("EEG EKG1-REF", "uV", "ecg", ECG),
        ("ch 1", "foo", "ecg", ECG),
        ("ch 1", "", "unclear", DOUBTFUL),
        ("ch 1", "mV", "noise", OTHER),
        ("ch 1", "mV", "slow", OTHER),
        ("ch 1", "mmHg", "ecg", OTHER),
        ("EEG C3", "uV", "ecg", OTHER),
        ("RSP", "mV", "ecg", OTHER),
        ("PPG", "", "ecg", OTHER),
        ("Abdomen_1", "uV", "ecg", DOUBTFUL),
        ("Abdomen_1", "uV", "slow", OTHER),
    ],
)
def test_three_kinds_of_evidence(name, unit, look, kind):
    assert judge([name], [unit], [LOOKS[look]])[0].kind == kind


def test_good_leads_speak_for_a_bad_one_beside_them():
    names, units = ("I", "II", "V1", "ECG resp", "x"), ("mV",) * 5
    looks = [LOOKS["ecg"], LOOKS["noise"], LOOKS["smooth"], LOOKS["ecg"], LOOKS["unclear"]]
    assert [kind.kind for kind in judge(names, units, looks)] == [ECG, ECG, ECG, OTHER, DOUBTFUL]


@pytest.mark.parametrize("bad", ["noise", "smooth", "unclear", "none"])
def test_a_bad_lead_among_twelve_without_names_is_kept(bad):
    looks = [LOOKS["ecg"]] * 11 + [LOOKS[bad]]
    assert {kind.kind for kind in judge([""] * 12, [None] * 12, looks)} == {ECG}
    assert judge([""] * 3, [None] * 3, [*looks[:2], LOOKS["noise"]])[2].kind == OTHER


@pytest.mark.parametrize(
    "name",
    [
        "Shimmer_9A_Accel_LN_X_CAL",
        "AccX",
        "acc_x",
        "HR_ECG",
        "X, RSPEC-R, Respiration",
        "pressure_mmHg",
        "PPG100",
        "ax",
        "gz [dps]",
        "EEG C3-REF",
    ],
)
def test_names_of_other_sensors(name):
    assert name_speaks(name) == "other"


@pytest.mark.parametrize(
    "name",
    [
        "Shimmer_9A_ECG_LL-RA_24BIT_CAL",
        "X, ECG2-R, ECG",
        "ecgSignal",
        "V",
        "LA-RA",
        "EKG2-EKG",
        "EEG EKG1-REF",
        "POL EKG",
        "EEG ECG",
    ],
)
def test_names_of_an_ecg(name):
    assert name_speaks(name) == "ecg"


def test_units_speak():
    assert {unit_speaks(unit) for unit in ("mmHg", "mm[Hg]", "%", "g", "m/s^2", "\u00b5S", "degC", "l/min")} == {
        "other"
    }
    assert {unit_speaks(unit) for unit in ("", None, "adu", "counts", "NU")} == {"none"}
    assert unit_speaks("foo") == "unclear"


def test_sizes_that_can_be_an_ecgs():
    assert [fits(1.2, unit) for unit in ("V", "mV", "uV", "foo", None)] == [False, True, False, True, True]


DATABASES = {
    "mitdb": ("*.hea", 1, 0.0),
    "svdb": ("*.hea", 1, 0.0),
    "svdb_more": ("*.hea", 4, 0.0),
    "ptbxl": ("**/*.hea", 10, 0.005),
    "ludb": ("*.hea", 6, 0.01),
    "cinc": ("*.hea", 1, 0.0),
    "cinc2017": ("*.hea", 30, 0.1),
}
"""Which records, every so many of them, and which share of leads may be doubted; a twelfth of the strips is noise."""


@pytest.mark.data
@pytest.mark.parametrize("folder", DATABASES)
def test_no_real_ecg_is_refused(data_root, folder):
    pattern, every, most = DATABASES[folder]
    headers = sorted((data_root / folder).glob(pattern))[::every]
    assert headers
    opened = [open_recording(header) for header in headers]
    kinds = [kind for recording in opened for kind in recording.kinds]
    assert [recording.name for recording in opened if recording.others or recording.no_ecg] == []
    assert kinds.count(DOUBTFUL) <= most * len(kinds)


@pytest.mark.data
def test_noise_is_not_taken_for_an_ecg(data_root):
    for name in ("bw", "ma"):
        assert set(open_recording(data_root / "nstdb" / name).kinds) <= {DOUBTFUL, OTHER}
