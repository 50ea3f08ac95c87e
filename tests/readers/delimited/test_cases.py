"""Tables of drawn heartbeats from the file to the R peaks: a wrong column or frequency would show as other beats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgviz.errors import ReadError
from ecgviz.signals.r_peaks import detect_r_peaks
from readers import open_recording
from tests.readers.delimited.test_exports import commas, ecg


def _file(folder: Path, lines: list[str]) -> Path:
    (folder / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "a.csv"


def _beats(recording, lead: int = 0) -> int:
    return len(detect_r_peaks(lambda a, b: recording.signal_mV(a, b)[:, lead], recording.fs, recording.n_samples))


def _timed(fs: float, n: int, row: str, signal: np.ndarray) -> list[str]:
    return [row.format(s=i / fs, ms=round(1000 * i / fs), a=signal[i], c=512 + 200 * signal[i]) for i in range(n)]


MS_360 = _timed(360, 3600, "{s:.3f},{a:.3f}", ecg(3600, 360))
COUNTS = _timed(250, 2500, "{ms},{c:.0f}", ecg(2500, 250))
SHIMMER = [
    '"sep=\t"',
    "Shimmer_B64E_Timestamp_FormattedUnix_CAL\tShimmer_B64E_ECG_LL-RA_24BIT_CAL\t",
    "yyyy/mm/dd hh:mm:ss.000\tmV\t",
    *(f"2022/05/03 10:30:{30 + i // 250:02d}.{4 * i % 1000:03d}\t{value}\t" for i, value in enumerate(ecg(2000, 250))),
]
WATCH = [
    *("Name,Test Person", 'Date of Birth,"4 Jan 1992"', "Recorded Date,2026-08-26 18:15:35 +0100", "Symptoms,"),
    *('Device,"Watch7,11"', "Sample Rate,512 hertz", "", "", "Lead,Lead I", "Unit,\u00b5V", ""),
    *commas([f"{1000 * value:.3f}".rstrip("0").rstrip(".") for value in ecg(5120, 512)]),
]
BREATH = ["time_s,ECG,RSP", *(f"{line},{np.sin(i / 150):.3f}" for i, line in enumerate(
    _timed(250, 3750, "{s:.3f},{a:.3f}", ecg(3750, 250))))]  # fmt: skip
CASES = {
    "PhysioNet's text, no header": (MS_360, {"unit": "mV"}, 360, 3600, "ECG", 12),
    "milliseconds and counts": (COUNTS, {"unit": "unknown"}, 250, 2500, "ECG", 12),
    "watch with decimal commas": (WATCH, {}, 512, 5120, "I", 12),
    "Shimmer": (SHIMMER, {}, 250, 2000, "Shimmer_B64E_ECG_LL-RA_24BIT_CAL", 10),
    "respiration beside it": (BREATH, {"unit": "mV"}, 250, 3750, "ECG", 19),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("given", [False, True])
def test_the_beats_of_a_table(tmp_path, case, given):
    lines, asked, fs, n, lead, beats = CASES[case]
    recording = open_recording(_file(tmp_path, lines), **asked, **{"fs": fs} if given else {})
    assert (recording.fs, recording.n_samples, recording.leads[0]) == (fs, n, lead)
    assert _beats(recording) == beats
    assert not any("times" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize("given", [None, 250])
@pytest.mark.parametrize("header", [["time_s,II (mV)"], []])
def test_a_gap_of_three_seconds_remains_one(tmp_path, given, header):
    signal = ecg(2500, 250)
    lines = [line for i, line in enumerate(_timed(250, 2500, "{s:.3f},{a}", signal)) if not 1000 <= i < 1750]
    asked = {} if header else {"unit": "mV"}
    recording = open_recording(_file(tmp_path, header + lines), fs=given, **asked)
    assert (recording.fs, recording.n_samples) == (250, 2500)
    expected = signal.copy()
    expected[1000:1750] = np.nan
    np.testing.assert_allclose(recording.signal_mV()[:, 0], expected, atol=1e-6)
    assert "1 gap, 3.0 s" in " ".join(recording.warnings)


@pytest.mark.data
@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1000), ("min", 1 / 60)])
@pytest.mark.parametrize("record", ["100", "208", "232"])
def test_real_leads_with_times_of_any_unit_and_name(tmp_path, data_root, record, unit, factor):
    """Half a minute of MIT-BIH as people export it: only the times are time, whatever they are called."""
    truth = open_recording(data_root / "mitdb" / f"{record}.hea")
    signal = truth.signal_mV(0, 10_800)
    digits = {"s": 3, "ms": 0, "min": 7}[unit]
    lines = [f"{i / 360 * factor:.{digits}f},{a:.3f},{b:.3f}" for i, (a, b) in enumerate(signal.tolist())]
    for header in ([], ["x,a,b"], ["t,a,b"]):
        recording = open_recording(_file(tmp_path, header + lines), unit="mV")
        assert (recording.fs, recording.n_samples, len(recording.leads)) == (360, 10_800, 2)
        np.testing.assert_allclose(recording.signal_mV(), signal, atol=1e-3)


@pytest.mark.parametrize("every", [2, 4])
@pytest.mark.parametrize("missing", ["", "NaN"])
def test_a_slower_lead_beside_a_fast_sensor_keeps_its_beats_and_its_gaps(tmp_path, every, missing):
    fs = 250 * every
    signal = np.repeat(ecg(2500, 250), every)
    cells = [f"{value:.4f}" if i % every == 0 else missing for i, value in enumerate(signal)]
    cells[4 * fs : 6 * fs] = [missing] * (2 * fs)
    lines = ["time,ecg (mV),acc x (g)", *(f"{i / fs:.4f},{cell},{i % 7}" for i, cell in enumerate(cells))]
    recording = open_recording(_file(tmp_path, lines))
    assert (recording.fs, recording.leads) == (fs, ("ecg",))
    lost = np.isnan(recording.signal_mV()[:, 0])
    assert 2 * fs <= lost.sum() <= 2 * fs + 2 * every
    assert _beats(recording) in {9, 10}  # 12, less those of two seconds
    assert any("those between are drawn" in sentence for sentence in recording.warnings)


def test_few_missing_cells_are_gaps(tmp_path):
    cells = [f"{value:.4f}" for value in ecg(2500, 250)]
    cells[100:2400:100] = [""] * 23
    recording = open_recording(_file(tmp_path, ["ecg (mV),x", *(f"{cell},0" for cell in cells)]), fs=250, unit="mV")
    assert np.isnan(recording.signal_mV()[:, 0]).sum() == 23


def test_numbers_behind_the_last_column_are_told(tmp_path):
    values = [f"{value:,.3f}" for value in 1000 * ecg(2500, 250)]  # 1,100.000 in a table of commas
    spilt = sum("," in value for value in values)
    assert spilt > 5
    recording = open_recording(_file(tmp_path, ["ecg (uV)", *values]), fs=250)
    assert any(sentence.startswith(f"{spilt} rows of a.csv have more numbers") for sentence in recording.warnings)


def test_a_constant_beside_the_ecg_is_no_lead(tmp_path):
    lines = ["age,ecg (mV)", *(f"67,{value:.4f}" for value in ecg(2500, 250))]
    recording = open_recording(_file(tmp_path, lines), fs=250, unit="mV")
    assert (recording.leads, recording.others) == (("ecg",), ("age",))


@pytest.mark.parametrize("fs", [0, -250, 1e9, float("nan")])
def test_a_given_frequency_that_cannot_be_is_no_fault_of_the_header(tmp_path, fs):
    with pytest.raises(ReadError, match=r"the given sampling frequency .*give another"):
        open_recording(_file(tmp_path, ["ecg (mV)", *map(str, ecg(2500, 250))]), fs=fs)
