"""Text tables as recorders, spreadsheets and programs write them: each read as its author means it, or refused."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ecgviz.errors import ReadError
from readers import NeedsDetails, open_recording

N, FS = 3000, 250
TIMES = np.arange(N) / FS
SINCE = TIMES % 0.8 - 0.3
BEATS = np.exp(-0.5 * (SINCE / 0.01) ** 2) - 0.2 * np.exp(-0.5 * ((SINCE - 0.03) / 0.012) ** 2)
SIGNAL = np.round(np.column_stack([BEATS * 0.8 + np.sin(np.arange(N) / 90) / 9, BEATS * -0.5]), 3)


def _lines(row: str, start: str = "12:00:00", **more) -> list[str]:
    """The row for every sample: number ``i``, time ``t``, time of day ``c`` and two leads ``a`` and ``b``.

    ``more`` are functions of the number and the time, for what else stands in a row.
    """
    return [
        row.format(
            i=i, t=t, c=_daytime(t, start), a=a, b=b, **{name: function(i, t) for name, function in more.items()}
        )
        for i, (t, (a, b)) in enumerate(zip(TIMES.tolist(), SIGNAL.tolist(), strict=True))
    ]


def _commas(row: str, **more) -> list[str]:
    return [line.replace(".", ",") for line in _lines(row, **more)]


def _daytime(t: float, start: str) -> str:
    hours, minutes, seconds = (float(part) for part in start.split(":"))
    at = (hours * 3600 + minutes * 60 + seconds + t) % 86400
    return f"{int(at // 3600):02d}:{int(at // 60) % 60:02d}:{at % 60:06.3f}"


OPENSIGNALS = {
    "20:16": {
        "device name": "x" * 200,
        "column": ["nSeq", "I1", "O1", "A1"],
        "sampling rate": 250,
        "label": ["A1"],
        "sensor": ["ECG"],
    }
}
OPENBCI = (
    "Sample Index, EXG Channel 0, EXG Channel 1, Other, Timestamp, Timestamp (Formatted)",
    "{d}, {a}, {b}, 192.0, {p:.6f}, 2021-01-01 {c}",
)
II, ECG, BOTH = ("II",), ("ECG",), ("I", "II")
UNIT = ("unit",)
DIALECTS = {
    "date with a blank": (["time,II (mV)", *_lines("2020-01-01 {c},{a}")], II),
    "date with a blank, semicolons": (["time;II (mV)", *_lines("2020-01-01 {c};{a}")], II),
    "date with T and zone": (["time,II_mv", *_lines("2020-01-01T{c}+01:00,{a}")], II),
    "day first": (["Time,II (mV)", *_lines("01/02/2020 {c},{a}")], II),
    "day first, short year": (["Time,II (mV)", *_lines("01/02/20 {c},{a}", "23:59:55")], II),
    "date and time apart": (["Date,Time,II (mV)", *_lines("2020-01-01,{c},{a}")], II),
    "dates of a spreadsheet": (["Date,II (mV)", *_lines("{d:.12f},{a}", d=lambda i, t: 44000 + t / 86400)], II),
    "date, white space": (_lines("2020-01-01 {c} {a}"), ECG, UNIT),
    "before and after noon": (
        ["Time,II (mV)", *_lines("{c} {n}M,{a}", "11:59:55", n=lambda i, t: "P" if t >= 5 else "A")],
        II,
    ),
    "over midnight": (["'Elapsed time','II'", "'hh:mm:ss.mmm','mV'", *_lines("'{c}',{a}", "23:59:55")], II),
    "whole seconds": (["Time,II (mV)", *_lines("{c:.8},{a}")], II),
    "two decimals": (["time,II (mV)", *_lines("{t:.2f},{a}")], II),
    "nanoseconds": (["timestamp [ns],II [mV]", *_lines("{n},{a}", n=lambda i, t: 6 * 10**17 + 4_000_000 * i)], II),
    "label in every row": (["time,II (mV),rhythm", *_lines("{t:.3f},{a},AFIB")], II),
    "label in some rows": (
        ["time,II (mV),label", *_lines("{t:.3f},{a},{n}", n=lambda i, t: "" if i % 250 else "N")],
        II,
    ),
    "label of numbers": (["time,II (mV),label", *_lines("{t:.3f},{a},{n}", n=lambda i, t: int(i % 250 == 0))], II),
    "decimal commas": (["Zeit (s);I (mV);II (mV)", *_commas("{t:.3f};{a};{b}")], BOTH),
    "decimal commas in quotes": (
        ['"Zeit","II (mV)"', *(f'"{line}"'.replace(";", '","') for line in _commas("{t:.3f};{a}"))],
        II,
    ),
    "decimal commas, white space": (["t II_mV", *_commas("{t:.3f} {a}")], II),
    "decimal commas and clocks": (["Zeit;II (mV)", *_commas("{c};{a}")], II),
    "one column of decimal commas": (["Name;Jane", "Abtastrate;250,0 Hz", "Einheit;mV", "", *_commas("{a:.3f}")], ECG),
    "said by Excel": (["sep=;", "t (s);I (mV);II (mV)", *_lines("{t:.3f};{a};{b}")], BOTH),
    "strokes": (["time|II (mV)", *_lines("{t:.3f}|{a}")], II),
    "quoted numbers": (['"time","I (mV)","II (mV)"', *_lines('"{t:.3f}","{a}","{b}"')], BOTH),
    "separator at every end": (["time,II (mV),", *_lines("{t:.3f},{a},")], II),
    "separator at the rows' ends": (["time,II (mV)", *_lines("{t:.3f},{a},")], II),
    "unit behind a stroke": (["Time/s,I/mV,II mV", *_lines("{t:.3f},{a},{b}")], BOTH),
    "lead in brackets": (["Time,ECG (lead I),ECG (II)", *_lines("{t:.3f},{a},{b}")], BOTH, UNIT),
    "columns without names": (["0,1,2", *_lines("{t:.3f},{a},{b}")], ("lead 1", "lead 2"), UNIT),
    "names of numbers": (["time,1,2", *_lines("{t:.3f},{a},{b}")], ("1", "2"), UNIT),
    "written by R": (['"I" "II"', *_lines('"{n}" {a} {b}', n=lambda i, t: i + 1)], BOTH, ("fs", "unit")),
    "rdsamp -v": (
        ["  sample #      I        II", "   (sec)     (mV)   (mV)", *_lines("{t:10.3f} {a:8.3f} {b:8.3f}")],
        BOTH,
    ),
    "rdsamp -pv": (
        [
            "   Elapsed time       I         II",
            "  hh:mm:ss.mmm      (mV)       (mV)",
            *_lines("  {c} {a:8.3f} {b:8.3f}"),
        ],
        BOTH,
    ),
    "Shimmer": (
        [
            "sep=\t",
            "Timestamp_Unix\tI\tII\t",
            "ms\tmV\tmV\t",
            *_lines("{n}\t{a}\t{b}\t", n=lambda i, t: 4 * i + 10**12),
        ],
        BOTH,
    ),
    "Movesense": (["Timestamp (ms),Sample (mV)", *_lines("{n},{a}", n=lambda i, t: 4 * i)], ("Sample",)),
    "OpenBCI": (
        [
            "%OpenBCI Raw EXG Data",
            "%Number of channels = 2",
            "%Sample Rate = 250 Hz",
            OPENBCI[0],
            *_lines(OPENBCI[1], d=lambda i, t: i % 256, p=lambda i, t: 1.6e9 + i // 10 * 0.04),
        ],
        ("EXG Channel 0", "EXG Channel 1"),
        UNIT,
    ),
    "LabChart": (
        [
            "Interval=\t0.004 s",
            "ExcelDateTime=\t4.08e+04\t10/17/2011 14:48:20",
            "ChannelTitle=\tII\tPulse",
            "Range=\t5 mV\t10.000 V",
            *_lines("{t:.3f}\t{a}\t{b}{n}", n=lambda i, t: "\t#1 start" * (i % 1000 == 5)),
        ],
        II,
    ),
    "LabChart without times": (
        ["Interval=\t4 ms", "ChannelTitle=\tI\tII", "Range=\t5 mV\t5 mV", *_lines("{a}\t{b}")],
        BOTH,
    ),
    "AcqKnowledge": (
        [
            *("a.acq", "4 msec/sample", "2 channels", "II", "mV", "Resp", "Volts", "min\tCH1\tCH2\t", f"\t{N}\t{N}\t"),
            *_lines("{m:.8f}\t{a}\t{b}\t", m=lambda i, t: t / 60),
        ],
        II,
    ),
    "OpenSignals": (
        [
            "# OpenSignals Text File Format",
            "# " + json.dumps(OPENSIGNALS),
            "# EndOfHeader",
            *_lines("{n}\t0\t0\t{a}\t", n=lambda i, t: i % 16),
        ],
        ECG,
        UNIT,
    ),
    "interval in the preface": (["Sampling interval (ms): 4", "Unit: mV", "Lead: II", "", *_lines("{a}")], II),
    "filters in the preface": (
        ["# Notch frequency: 50 Hz", "# sampling_frequency: 250", "II (mV)", *_lines("{a}")],
        II,
    ),
    "filters beside the frequency": (
        ["Bandbreite;0.5 - 40 Hz", "Netzfilter;50 Hz", "Abtastung;250 Hz", "II (mV)", *_lines("{a}")],
        II,
    ),
    "other languages": (["Nom,Jane", "Fréquence d’échantillonnage,250 hertz", "Unité,mV", "", *_lines("{a}")], ECG),
    "keys as wide as the table": (["Name,Jane", "Gain,1", "time,II (mV)", *_lines("{t:.3f},{a}")], II),
    "comments": (["; made by", "# hand", "time,II (mV)", *_lines("{t:.3f},{a}")], II),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_dialects(tmp_path, dialect):
    lines, leads, *rest = DIALECTS[dialect]
    asked = rest[0] if rest else ()
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if asked:
        with pytest.raises(NeedsDetails) as caught:
            open_recording(path)
        assert caught.value.missing == asked
    recording = open_recording(path, **{name: {"fs": FS, "unit": "mV"}[name] for name in asked})
    assert recording.leads == leads
    assert recording.fs == FS
    assert set(recording.units) == {"mV"}
    np.testing.assert_allclose(recording.signal_mV(), SIGNAL[:, : len(leads)], atol=2e-3)
    assert not any("gaps" in sentence for sentence in recording.warnings)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.sampled_from(["A1", "ECG", ""]),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["column", "label", "sensor", "sampling rate"]), value=ANYTHING)
@example(name="sampling rate", value=10**400)
def test_a_header_in_json_that_lies_is_no_crash(tmp_path, name, value):
    head = json.dumps({"20:16": OPENSIGNALS["20:16"] | {name: value}})
    rows = _lines("{n}\t0\t0\t{a}\t", n=lambda i, t: i % 16)
    (tmp_path / "a.txt").write_text("\n".join(["# OpenSignals Text File Format", "# " + head, "# EndOfHeader", *rows]))
    with suppress(ReadError):
        open_recording(tmp_path / "a.txt", fs=FS, unit="mV")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_ends_of_lines(tmp_path, encoding, end):
    lines = ["Zeit;II (\u00b5V)", *_commas("{t:.3f};{n}", n=lambda i, t: round(1000 * SIGNAL[i, 0]))]
    (tmp_path / "a.csv").write_bytes((end.join(lines) + end).encode(encoding))
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.leads, recording.fs, recording.n_samples) == (("II",), FS, N)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], SIGNAL[:, 0], atol=1e-6)


@pytest.mark.parametrize("rows", [[0], [3], range(20)])
@pytest.mark.parametrize("separator", [",", ";"])
def test_text_among_the_first_numbers_is_a_gap(tmp_path, separator, rows):
    write = _commas if separator == ";" else _lines
    lines = write(f"{{t:.3f}}{separator}{{n}}", n=lambda i, t: "lead off" if i in rows else SIGNAL[i, 0])
    (tmp_path / "a.csv").write_text("\n".join([f"time{separator}II (mV)", *lines]))
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.leads, recording.n_samples) == (("II",), N)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(recording.signal_mV()[:, 0])), list(rows))
    assert f"{len(rows)} cells" in recording.warnings[0]


@pytest.mark.parametrize("stated", ["# fs = -5 Hz", "# fs = 0", "Sample Rate,-250 hertz"])
def test_a_sampling_frequency_that_cannot_be_is_asked_for(tmp_path, stated):
    (tmp_path / "a.csv").write_text("\n".join([stated, "II (mV)", *_lines("{a}")]))
    with pytest.raises(NeedsDetails) as caught:
        open_recording(tmp_path / "a.csv")
    assert caught.value.missing == ("fs",)
    assert open_recording(tmp_path / "a.csv", fs=FS).n_samples == N


def test_times_that_contradict_the_stated_frequency(tmp_path):
    lines = ["# fs: 500 Hz", "time (s),II (mV)", *_lines("{t:.3f},{a}")]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    recording = open_recording(tmp_path / "a.csv")
    assert recording.fs == 500
    assert recording.warnings == ("a.csv states 500 Hz, which is used; its times say 250 Hz.",)


def test_rows_without_a_time(tmp_path):
    lines = _lines("{n},{a}", n=lambda i, t: "" if i in {500, 501} else f"{t:.3f}")
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    recording = open_recording(tmp_path / "a.csv")
    assert recording.n_samples == N
    assert "2 rows of a.csv have no readable time" in recording.warnings[0]
    lines = _lines("{n},{a}", n=lambda i, t: "" if i % 10 else f"{t:.3f}")
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    with pytest.raises(ReadError, match=r"a\.csv: most of its rows have no time; .* or give the sampling"):
        open_recording(tmp_path / "a.csv")
    assert open_recording(tmp_path / "a.csv", fs=FS).n_samples == N


def test_800_hz_in_whole_milliseconds(tmp_path):
    lines = [f"{i / 800:.3f},{i % 7}" for i in range(N)]
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    assert open_recording(tmp_path / "a.csv").fs == 800.0


def test_dates_of_more_than_one_chunk(tmp_path):
    lines = [
        f"2020-01-01T{i // 900_000:02d}:{i // 15_000 % 60:02d}:{i % 15_000 / 250:06.3f},{SIGNAL[i % N, 0]}"
        for i in range(100_000)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.fs, recording.n_samples, recording.warnings) == (250.0, 100_000, ())


def test_many_gaps_are_read_by_ranges(tmp_path):
    rows = np.delete(np.arange(N), np.concatenate([np.arange(start, start + 40) for start in range(300, 2700, 300)]))
    lines = [f"{TIMES[row]:.3f},{SIGNAL[row, 0]}" for row in rows]
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    recording = open_recording(tmp_path / "a.csv")
    expected = np.full(N, np.nan)
    expected[rows] = SIGNAL[rows, 0]
    assert recording.n_samples == N
    np.testing.assert_allclose(recording.signal_mV()[:, 0], expected, atol=1e-6)
    for start, stop in [(290, 350), (300, 340), (310, 320), (339, 341), (0, 1), (2690, 3000)]:
        np.testing.assert_allclose(recording.signal_mV(start, stop)[:, 0], expected[start:stop], atol=1e-6)
    assert "8 gaps, 1.3 s" in recording.warnings[0]


@pytest.mark.parametrize("beside", ["0.5", "lead off"])
def test_no_exponent_ends_the_process(tmp_path, beside):
    """pandas crashes at this number, in columns of numbers and in those of text."""
    lines = [f"{i / 250:.3f},{i % 7}" for i in range(100)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,II (mV)", *lines, f"0.400,{beside}", "0.404,1e2147483648"]))
    code = f"from readers import open_recording; print(open_recording({str(path)!r}).n_samples)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "102"), done.stderr[-300:]


def test_a_quotation_mark_without_end(tmp_path):
    lines = _lines("{n}{t:.3f},{a}", n=lambda i, t: '"' if i == 1000 else "")
    (tmp_path / "a.csv").write_text("\n".join(["time,II (mV)", *lines]))
    with pytest.raises(ReadError, match=r"a\.csv: a quotation mark in it is never closed"):
        open_recording(tmp_path / "a.csv")


def test_a_list_of_patients_is_refused(tmp_path):
    lines = [f'{i},{40 + i % 30},{i % 2},"sinus, normal",2001-01-0{1 + i % 9} 09:17:34' for i in range(300)]
    (tmp_path / "a.csv").write_text("\n".join(["ecg_id,age,sex,report,recording_date", *lines]))
    with pytest.raises(ReadError, match=r"a\.csv: .*taken for no recording. Give a table"):
        open_recording(tmp_path / "a.csv")


@pytest.mark.parametrize("timed", [False, True])
def test_a_table_is_in_memory_once(tmp_path, timed):
    """10 MB of samples: the array, its times and one chunk at a time."""
    n, leads = 655_360, ("I", "II", "III", "V1")
    rows = [",".join(f"{(i * k) % 200 / 100 - 1}" for k in (1, 3, 7, 11)) for i in range(200)]
    lines = (f"{i / 250:.3f},{rows[i % 200]}" if timed else rows[i % 200] for i in range(n))
    with (tmp_path / "a.csv").open("w") as file:
        file.write(",".join([*["time"] * timed, *(f"{lead} (mV)" for lead in leads)]) + "\n")
        file.writelines(line + "\n" for line in lines)
    (tmp_path / "b.csv").write_text("time,II (mV)\n0,1\n0.01,2\n0.02,3\n")
    open_recording(tmp_path / "b.csv")  # imports
    tracemalloc.start()
    try:
        recording = open_recording(tmp_path / "a.csv", fs=None if timed else 250)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (recording.n_samples, recording.leads) == (n, leads)
    assert peak < (2.2 if timed else 1.7) * n * len(leads) * 4
