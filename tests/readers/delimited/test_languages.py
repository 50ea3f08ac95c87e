"""Words and letters of other languages, and sentences, in the headers of text tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import open_recording

FS, N = 250, 2500


def _lead(make) -> np.ndarray:
    return np.round(make.beats(N) + 0.004 * np.random.default_rng(3).standard_normal(N), 4)


def _timed(header: str, lead: np.ndarray) -> str:
    return "\n".join([header, *(f"{i / FS:.3f};{value}" for i, value in enumerate(lead))])


@pytest.mark.parametrize(
    ("header", "encoding", "per_mV"),
    [
        ("Время (с);ЭКГ (мВ)", "utf-8", 1),
        ("Время (с);ЭКГ (мкВ)", "cp1251", 1000),
        ("시간(초);심전도(mV)", "cp949", 1),
        ("時間(秒);心電図(mV)", "cp932", 1),
        ("时间(秒);心电(毫伏)", "gb18030", 1),
        ("時間(秒);心電圖(mV)", "big5", 1),
        ("Zeit (s);EKG (µV)", "latin-1", 1000),
    ],
)
def test_headers_in_the_encoding_of_their_country(tmp_path, make, header, encoding, per_mV):
    (tmp_path / "a.csv").write_bytes(_timed(header, _lead(make) * per_mV).encode(encoding))
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.fs, recording.units, recording.kinds) == (FS, ("mV",), ("ecg",))
    assert recording.leads == (header.split(";")[1].split("(")[0].strip(),)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], _lead(make), atol=1e-4)


@pytest.mark.parametrize("rate", ["512 herców", "512 هرتز", "512 hertzů", "512 hertsiä", "512 χερτζ", "512 Гц"])
def test_a_watch_says_hertz_in_the_language_of_its_owner(tmp_path, make, rate):
    head = ["Name,X", f"?,{rate}", "", "?,I", "Unit,µV", ""]
    (tmp_path / "a.csv").write_text("\n".join([*head, *(f"{1000 * v:.1f}" for v in _lead(make))]), encoding="utf-8")
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.fs, recording.units) == (512, ("mV",))


def test_a_watch_of_korea_in_its_own_encoding(tmp_path, make):
    text = "\n".join(
        ["이름,홍", "샘플률,512헤르츠", "리드,I", "단위,uV", "", *(f"{1000 * v:.1f}" for v in _lead(make))]
    )
    (tmp_path / "a.csv").write_bytes(text.encode("cp949"))
    assert open_recording(tmp_path / "a.csv").fs == 512


def test_voltage_is_a_quantity_whose_unit_stands_above(tmp_path, make):
    head = ["Frequency,500Hz", "Lead,Lead I", "Unit,mV", "", "Voltage"]
    (tmp_path / "a.csv").write_text("\n".join([*head, *map(str, _lead(make))]))
    recording = open_recording(tmp_path / "a.csv")
    np.testing.assert_allclose(recording.signal_mV()[:, 0], _lead(make), atol=1e-4)


def test_a_unit_in_a_sentence(tmp_path, make):
    """OpenBCI's first format; its sensors of acceleration that are switched off are no leads."""
    lead = _lead(make) * 1000
    head = [
        *("%OpenBCI Raw EEG Data", "%Number of channels = 1", "%Sample Rate = 250.0 Hz", "%First Column = SampleIndex"),
        "%Other Columns = EEG data in microvolts followed by Accel Data (in G) interleaved with Aux Data",
    ]
    rows = [f"{i % 256}, {value:.2f}, 0.000, 0.000, 0.000" for i, value in enumerate(lead)]
    (tmp_path / "a.txt").write_text("\n".join([*head, *rows]))
    recording = open_recording(tmp_path / "a.txt")
    assert (recording.fs, recording.leads, recording.units) == (FS, ("lead 1",), ("mV",))
    np.testing.assert_allclose(recording.signal_mV()[:, 0], lead / 1000, atol=1e-4)


def test_labels_that_name_no_column_hide_none(tmp_path, make):
    device = {"x": {"column": ["nSeq", "A2"], "label": ["ECGBIT"], "sensor": ["ECG"], "sampling rate": FS}}
    rows = [f"{i % 16}\t{int(512 + 340 * value)}" for i, value in enumerate(_lead(make))]
    (tmp_path / "a.txt").write_text("\n".join(["# " + json.dumps(device), "# EndOfHeader", *rows]))
    recording = open_recording(tmp_path / "a.txt", unit="unknown")
    assert (recording.leads, recording.kinds) == (("A2",), ("ecg",))


@pytest.mark.parametrize(
    "head",
    [
        b"\x40\x08MFR 12 L",
        bytes([1, 1, 1, 0x17, 3]) + b"ABC" + bytes([0x0B, 2, 0, 1, 0x0C, 1, 0, 0x1E, 0x82, 3, 232]),
    ],
)
def test_mfer_by_its_tags(tmp_path, head):
    (tmp_path / "a.bin").write_bytes(head + bytes(1000))
    with pytest.raises(ReadError, match="MFER"):
        open_recording(tmp_path / "a.bin")


@pytest.mark.parametrize("suffix", ["csv", "npy", "npz"])
def test_a_channel_without_a_name_is_judged_by_its_signal(tmp_path, make, suffix):
    """That a reader calls the only channel ECG is no evidence."""
    noise = np.round(np.random.default_rng(1).standard_normal(N), 3)
    path = tmp_path / f"a.{suffix}"
    for signal, kind in ((noise, "other"), (_lead(make), "ecg")):
        if suffix == "csv":
            path.write_text("\n".join(map(str, signal)))
        else:
            np.save(path, signal) if suffix == "npy" else np.savez(path, x=signal)
        recording = open_recording(path, fs=FS, unit="mV")
        assert (recording.leads, recording.kinds) == (("ECG",), (kind,))


@pytest.mark.parametrize("header", [[], ["time,ECG"], ["foo,ECG"]])
@pytest.mark.parametrize("first", [lambda i: f"{i / FS:.3f}", lambda i: 1000 + 4 * i, lambda i: i % 256])
def test_the_unit_of_the_leads_is_not_that_of_the_times(tmp_path, make, header, first):
    """A unit that stands above the table makes no lead of its first column."""
    rows = [f"{first(i)},{value}" for i, value in enumerate(_lead(make))]
    (tmp_path / "a.csv").write_text("\n".join(["Unit: mV", "", *header, *rows]))
    recording = open_recording(tmp_path / "a.csv", fs=FS)
    assert (len(recording.leads), recording.others, recording.units) == (1, (), ("mV",))
    np.testing.assert_allclose(recording.signal_mV()[:, 0], _lead(make), atol=1e-4)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ('"time (ms)","ECG (uV)"', '"{t:,.3f}","{v:,.1f}"'),
        ("time (ms)\tECG (uV)", "{t:,.3f}\t{v:,.1f}"),
        ("time (ms);ECG (uV)", "{t:,.3f};{v:,.1f}"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_thousands_are_grouped(tmp_path, make, header, row, swapped):
    """As spreadsheets show numbers, in English and with the marks swapped, as in German."""
    rows = [row.format(t=4.0 * i, v=3000 * v) for i, v in enumerate(_lead(make))]
    if swapped:
        marks = str.maketrans(",.", ".,")
        rows = ['","'.join(part.translate(marks) for part in line.split('","')) for line in rows]
    (tmp_path / "a.csv").write_text("\n".join([header, *rows]))
    recording = open_recording(tmp_path / "a.csv")
    assert (recording.fs, recording.units, recording.warnings) == (FS, ("mV",), ())
    np.testing.assert_allclose(recording.signal_mV()[:, 0], 3 * _lead(make), atol=2e-4)
