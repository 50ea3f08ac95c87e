"""JSON as watches, straps, web services and programs write it: every layout gives the samples that were put into it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ecgviz.errors import ReadError
from readers import NeedsDetails, open_recording
from readers.arrays.beat_rows import HoldsBeats
from readers.json import reader as json_file
from tests.readers.delimited.test_exports import ecg

FS, N = 250, 3000
E = ecg()
WATCH = ecg(5120, 512)
COUNTS = np.rint(2000 * E)
TABLE = pd.DataFrame({"time": np.arange(N) / FS, "II": E})


def packets(size: int, fs: float, ticks: float = 1000, of: np.ndarray = E, scale: float = 1000) -> list[dict]:
    """{"Samples": ..., "Timestamp": ...} of so many samples each, in uV unless scaled otherwise."""
    starts = range(0, len(of) // size * size, size)
    rows = ((np.rint(of[at : at + size] * scale).astype(int).tolist(), round(at / fs * ticks) + 7000) for at in starts)
    return [{"Samples": values, "Timestamp": stamp} for values, stamp in rows]


def sampled(lead: np.ndarray, period: dict, **more) -> dict:
    """A SampledData of FHIR with steps of 0.5 uV about 2 mV."""
    data = " ".join(f"{round((value - 2) / 0.0005)}" for value in lead)
    return {"origin": {"value": 2, "unit": "mV"}, "factor": 0.0005, "dimensions": 1, **period, "data": data} | more


def component(name: str, lead: np.ndarray) -> dict:
    return {"code": {"coding": [{"code": "1"}, {"display": name}]}, "valueSampledData": sampled(lead, {"period": 4})}


def kardia(**more) -> dict:
    samples = {"leadI": COUNTS.tolist(), "leadII": (2 * COUNTS).tolist()}
    raw = {"frequency": 300, "mainsFrequency": 50, "samples": samples, "amplitudeResolution": 500, "numLeads": 2}
    return {"heartRate": 70, "data": {"raw": raw, "enhanced": raw}} | more


def fitbit(n: int) -> dict:
    reading = {
        "startTime": "2022-09-28T17:12:30.222", "averageHeartRate": 70, "scalingFactor": 2000, "leadNumber": 1,
        "waveformSamples": COUNTS.astype(int).tolist(), "samplingFrequencyHz": "250", "numberOfWaveformSamples": N,
    }  # fmt: skip
    return {"ecgReadings": [reading] * n, "pagination": {"limit": 10}}


def points(value, start: datetime = datetime(2024, 2, 6, 14, 30)) -> list[dict]:
    stamps = [f"{start + timedelta(seconds=i / 512):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " -0800" for i in range(len(WATCH))]
    return [{"date": stamp, **value(v)} for stamp, v in zip(stamps, WATCH, strict=True)]


MOVESENSE = packets(16, 128)
HELD = E[: N // 16 * 16]
LAYOUTS = {
    "plain": ({"fs": FS, "unit": "mV", "ecg": E.tolist()}, FS, E, ("ECG",), {}),
    "a list": (E.tolist(), FS, E, ("ECG",), {"fs": FS, "unit": "mV"}),
    "texts": ({"fs": "250 Hz", "unit": "mV", "ecg": [f"{value:.4f}" for value in E]}, FS, E, ("ECG",), {}),
    "rows": (np.column_stack([np.arange(N) / FS, E]).tolist(), FS, E, None, {"unit": "mV"}),
    "leads": (
        {"samplingRate": FS, "leads": {"I": E.tolist(), "V1": (-E).tolist()}}, FS, E, ("I", "V1"), {"unit": "mV"},
    ),
    "list of leads": (
        {"sample_rate": FS, "leads": [{"name": k, "unit": "uV", "data": (1000 * E).tolist()} for k in ("I", "aVL")]},
        FS, E, ("I", "aVL"), {},
    ),
    "points": ({"lead": "II", "data": [{"t": i / FS, "mV": v} for i, v in enumerate(E)]}, FS, E, ("II",), {}),
    "details apart": ({"header": {"fs": FS, "unit": "mV"}, "signals": {"ecg": E.tolist()}}, FS, E, ("ECG",), {}),
    "interval": ({"sampleIntervalMs": 4, "unit": "mV", "ecg": E.tolist()}, FS, E, ("ECG",), {}),
    "pandas, records": (json.loads(TABLE.to_json(orient="records")), FS, E, ("II",), {"unit": "mV"}),
    "pandas, columns": (json.loads(TABLE.to_json()), FS, E, ("II",), {"unit": "mV"}),
    "pandas, split": (json.loads(TABLE.to_json(orient="split")), FS, E, ("II",), {"unit": "mV"}),
    "pandas, table": (json.loads(TABLE.to_json(orient="table")), FS, E, ("II",), {"unit": "mV"}),
    "Movesense": ([{"ecg": one} for one in MOVESENSE], 128, HELD, ("ECG",), {"unit": "uV"}),
    "Movesense, data": ({"data": [{"ecg": one} for one in MOVESENSE]}, 128, HELD, ("ECG",), {"unit": "uV"}),
    "Movesense, mV": (
        {"data": [{"ECGmV": one} for one in packets(16, 128, scale=1)]}, 128, np.rint(HELD), ("ECG",), {},
    ),
    "Movesense with motion": (
        {"data": [{"ecg": one, "imu": {"ArrayAcc": [{"x": 1.0, "z": 9.8}] * 4}} for one in MOVESENSE]},
        128, HELD, ("ECG",), {"unit": "uV"},
    ),
    "Polar strap": (
        [{"timestamp": one["Timestamp"], "ecg": one["Samples"]} for one in packets(73, 130, 1e9)],
        130, E[: N // 73 * 73], ("ECG",), {"unit": "uV"},
    ),
    "Polar watch": (
        {"samples": [{"recordingTimeDeltaMilliseconds": 4 * i, "amplitudeMillivolts": v} for i, v in enumerate(E)]},
        FS, E, ("ECG",), {},
    ),
    "Fitbit": (fitbit(1), FS, E, ("ECG",), {}),
    "Google Health": (
        {"dataPoints": [{"electrocardiogram": {
            "waveformSamples": COUNTS.tolist(), "samplingFrequencyHertz": FS, "millivoltsScalingFactor": 2000}}]},
        FS, E, ("ECG",), {},
    ),
    "Withings": (
        {"status": 0, "body": {"signal": (1000 * E).tolist(), "sampling_frequency": FS, "wearposition": 1}},
        FS, E, ("ECG",), {"unit": "uV"},
    ),
    "Health Auto Export": (
        {"data": {"metrics": [], "ecg": [{"classification": "x", "samplingFrequency": 512, "voltageMeasurements":
            points(lambda v: {"voltage": v / 1000, "units": "V"})}]}},
        512, WATCH, ("ECG",), {},
    ),
    "HealthKit reporter": (
        {"harmonized": {"heartRateUnit": "count/min", "samplingFrequency": 512.0, "voltageMeasurements": [
            {"harmonized": {"value": 1000 * v, "unit": "mcV"}, "timeSinceSampleStart": i / 512}
            for i, v in enumerate(WATCH)]}},
        512, WATCH, None, {},
    ),
    "FHIR": (
        {"resourceType": "Observation", "component": [component(f"MDC_ECG_ELEC_POTL_{k}", E) for k in ("I", "V2")]},
        FS, E, ("I", "V2"), {},
    ),
    "FHIR, bundle": (
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "name": [{"family": "x"}]}},
                                             {"resource": {"component": [component("MDC_ECG_LEAD_II", E)]}}]},
        FS, E, ("II",), {},
    ),
    "FHIR R5": (
        {"valueSampledData": sampled(E, {"interval": 0.004, "intervalUnit": "s"})}, FS, E, ("ECG",), {},
    ),
    "Kardia": (kardia(), 300, E, ("I", "II"), {}),
}  # fmt: skip


def _open(tmp_path, document: object, lines: bool = False, encoding: str = "utf-8", **asked):
    text = "\n".join(map(json.dumps, document)) if lines else json.dumps(document)
    (tmp_path / "a.json").write_bytes(text.encode(encoding))
    return open_recording(tmp_path / "a.json", **asked)


def _faults(recording, fs, lead, names) -> list[str]:
    """What of a recording is not as it was written."""
    read = recording.signal_mV()[:, 0]
    same = read.shape == lead.shape and np.allclose(read, lead, rtol=1e-7, atol=1e-3)
    wrong = {
        f"fs {recording.fs}": recording.fs != pytest.approx(fs, rel=1e-5),
        f"leads {recording.leads}": names is not None and recording.leads != names,
        f"units {recording.units}": set(recording.units) != {"mV"},
        f"samples {read[:5]}": not same,
    }
    return [what for what, is_wrong in wrong.items() if is_wrong]


@pytest.mark.parametrize("kind", LAYOUTS)
def test_layouts(tmp_path, kind):
    document, fs, lead, names, asked = LAYOUTS[kind]
    assert not _faults(_open(tmp_path, document, **asked), fs, lead, names)
    if isinstance(document, list) and isinstance(document[0], dict):
        assert not _faults(_open(tmp_path, document, lines=True, **asked), fs, lead, names)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("indent", [None, 1])
def test_every_encoding(tmp_path, encoding, indent):
    text = json.dumps({"Gerät": "Uhr", "fs": FS, "unit": "mV", "ecg": E.tolist()}, indent=indent, ensure_ascii=False)
    (tmp_path / "a.txt").write_bytes(text.encode(encoding))
    assert not _faults(open_recording(tmp_path / "a.txt"), FS, E, ("ECG",))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(4, 80), fs=st.sampled_from([125, 128, 130, 250, 256, 500, 512]),
    ticks=st.sampled_from([1e3, 1e6, 1e9]),
    lost=st.lists(st.tuples(st.integers(2, 30), st.integers(1, 20)), max_size=3), depth=st.integers(0, 3),
    names=st.sampled_from([("ecg", "timestamp"), ("Samples", "Timestamp"), ("ECG_uV", "time")]), last=st.integers(0, 3),
)  # fmt: skip
def test_packets_lie_where_their_times_say(tmp_path, size, fs, ticks, lost, depth, names, last):
    """Whatever their size, rate, clock and nesting: lost packets are gaps of their length, and none else is."""
    lead = ecg(60 * size, fs)
    whole = packets(size, fs, ticks, of=lead)
    kept = np.ones(len(whole), bool)
    for first, n in lost:
        kept[first : first + n] = False
    kept[-2:] = True
    whole[-1]["Samples"] = whole[-1]["Samples"][: size - last]
    document = [
        {names[0]: one["Samples"], names[1]: one["Timestamp"]} for one, keep in zip(whole, kept, strict=True) if keep
    ]
    for name in ("ecg", "body", "x")[:depth]:
        document = [{name: one} for one in document]
    recording = _open(tmp_path, document, unit=None if "uV" in names[0] else "uV")
    expected = np.repeat(np.where(kept, 1.0, np.nan), size)[: len(lead) - last] * lead[: len(lead) - last]
    assert recording.fs == pytest.approx(fs, rel=1e-3)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], expected, atol=1e-3)


@pytest.mark.parametrize("together", [2, 3, 4, 7])
@pytest.mark.parametrize("delay_ms", [0, 2, 15])
def test_packets_stamped_as_they_arrive_have_no_gaps(tmp_path, together, delay_ms):
    """A phone receives several packets one right after the other, and then none for a while."""
    lead = np.tile(E, 3)[:8760]
    document = [
        {"phoneTime": round(i // together * together * 73 / 130 * 1000) + i % together * delay_ms, "ecg": part.tolist()}
        for i, part in enumerate(np.rint(1000 * lead).reshape(-1, 73))
    ]
    recording = _open(tmp_path, document, unit="uV")
    assert recording.fs == pytest.approx(130, rel=5e-3)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], lead, atol=1e-3)


@pytest.mark.parametrize(
    "document",
    [
        fitbit(2), [fitbit(1)["ecgReadings"][0]] * 3,
        {"ecg": [{"start": f"2024-02-0{d}", "samples": E.tolist()} for d in (1, 2)]},
    ],
)  # fmt: skip
def test_several_recordings_are_not_joined(tmp_path, document):
    with pytest.raises(ReadError, match=r"[23] recordings"):
        _open(tmp_path, document, unit="mV", fs=FS)


def test_watch_recordings_of_several_days_are_not_joined(tmp_path):
    def day(d: int) -> dict:
        voltages = points(lambda v: {"voltage": v}, datetime(2024, 2, d))
        return {"samplingFrequency": 512, "voltageMeasurements": voltages}

    with pytest.raises(ReadError, match=r"split the file|recordings"):
        _open(tmp_path, {"data": {"ecg": [day(6), day(9)]}}, unit="mV")


def test_what_is_left_out_is_told(tmp_path):
    recording = _open(tmp_path, kardia())
    assert any("data.raw.samples" in note and "data.enhanced.samples" in note for note in recording.warnings)


def test_details_are_asked_for_and_used(tmp_path):
    with pytest.raises(NeedsDetails) as asked:
        _open(tmp_path, {"ecg": E.tolist()})
    assert asked.value.missing == ("fs", "unit")
    assert not _faults(_open(tmp_path, {"ecg": E.tolist()}, fs=FS, unit="mV"), FS, E, ("ECG",))


def test_beside_notes_in_a_folder(tmp_path):
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "rec.json").write_text(json.dumps({"fs": FS, "unit": "mV", "ecg": E.tolist()}))
    assert not _faults(open_recording(tmp_path), FS, E, ("ECG",))


def test_null_is_a_gap(tmp_path):
    holes = [None if 500 <= i < 700 else float(v) for i, v in enumerate(E)]
    lead = _open(tmp_path, {"fs": FS, "unit": "mV", "ecg": holes}).signal_mV()[:, 0]
    assert np.flatnonzero(np.isnan(lead)).tolist() == list(range(500, 700))


def test_rows_that_are_beats_are_beats(tmp_path):
    rows = np.zeros((5, 188))
    rows[:, :150] = np.clip(np.abs(ecg(150, 125)), 0, 1)
    with pytest.raises(HoldsBeats):
        _open(tmp_path, {"beats": rows.tolist()})


@pytest.mark.parametrize(
    "document",
    [
        {"cells": []}, {"a": 1, "b": {"c": [1, 2, 3]}}, [[]], {}, {"heartRate": np.arange(400.0).tolist()},
        {"steps": [{"date": "2026-01-01", "count": i} for i in range(400)]}, {"ecg": ["x"] * 400},
        {"leads": [{"id": "I", "WaveFormData": "AAECAwQF" * 900}]},
        {"imu": [{"acc": {"x": float(np.sin(i)), "y": 0.5}} for i in range(900)]},
    ],
)  # fmt: skip
def test_json_without_an_ecg_is_named(tmp_path, document):
    with pytest.raises(ReadError, match=r"a\.json: it is JSON, and no series of samples"):
        _open(tmp_path, document, fs=FS, unit="mV")


def test_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(json_file, "MAX_BYTES", 1000)
    with pytest.raises(ReadError, match="at most 0 MB are read; save the samples as CSV"):
        _open(tmp_path, {"ecg": E.tolist()})


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, json.dumps({"fs": FS, "ecg": E.tolist()})[:-9]])
def test_damaged(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ReadError, match="cut off, damaged or nested too deeply"):
        open_recording(tmp_path / "a.json")


KEYS = ["ecg", "fs", "time", "samples", "data", "origin", "period", "columns", "unit", "0", "1", "lead", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=80) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=120,
)  # fmt: skip
FEW = {"min_size": 1, "max_size": 3}
NESTED = st.recursive(st.lists(st.integers(-9, 9), **FEW), lambda inner: st.lists(inner, **FEW), max_leaves=12)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=4), JSON, max_size=3) | NESTED)
@example(document=[[[1, 2]], [[1, 2, 3]]])
@example(document={"data": "1 2", "origin": {"value": 10**400}, "period": 10**400})
def test_nothing_crashes(tmp_path, document):
    with suppress(ReadError):
        _open(tmp_path, document, fs=FS, unit="mV")
