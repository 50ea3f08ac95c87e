"""Tables that lie on their side: one row a lead is read, one row a heartbeat is named and refused."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import NeedsDetails, open_recording
from readers.delimited.rows import are_packets
from tests.readers.delimited.test_exports import ecg

NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
LEADS = np.array([(1 - 0.15 * i) * ecg(5000, 500, i) for i in range(12)]).round(4)


def lines(leads: np.ndarray, names: tuple[str, ...] = (), separator: str = ",") -> list[str]:
    cells = [[f"{value:.4f}" for value in lead] for lead in leads]
    return [separator.join([name, *row] if names else row) for name, row in zip(names or leads, cells, strict=False)]


COUNTED = "," + ",".join(map(str, range(5000)))
TIMED = "time," + ",".join(f"{i / 500:.3f}" for i in range(5000))
STANDING = {
    "numbers alone": (lines(LEADS), False),
    "names": (lines(LEADS, NAMES), True),
    "names, tabs": (lines(LEADS, NAMES, "\t"), True),
    "names, decimal commas": ([line.replace(".", ",") for line in lines(LEADS, NAMES, ";")], True),
    "white space": (lines(LEADS, (), " "), False),
    "a separator at the end": ([line + "," for line in lines(LEADS)], False),
    "written by pandas": ([COUNTED, *lines(LEADS, tuple(map(str, range(12))))], False),
    "written by pandas with names": ([COUNTED, *lines(LEADS, NAMES)], True),
    "a row of times": ([TIMED, *lines(LEADS, NAMES)], True),
    "columns called t0, t1": (["lead," + ",".join(f"t{i}" for i in range(5000)), *lines(LEADS, NAMES)], True),
    "a preface": (["# fs: 500 Hz", "# unit: mV", *lines(LEADS)], False),
    "quotes": (['"' + line.replace(",", '","') + '"' for line in lines(LEADS, NAMES)], True),
}


@pytest.mark.parametrize("kind", STANDING)
def test_one_row_a_lead(tmp_path, kind):
    text, named = STANDING[kind]
    (tmp_path / "a.csv").write_text("\n".join(text))
    missing = ({"fs"} if kind not in {"a row of times", "a preface"} else set()) | (
        {"unit"} - {kind == "a preface" and "unit"}
    )
    if missing:
        with pytest.raises(NeedsDetails) as caught:
            open_recording(tmp_path / "a.csv")
        assert set(caught.value.missing) == missing
    recording = open_recording(tmp_path / "a.csv", fs=500, unit="mV", lead_names=None if named else NAMES)
    assert (recording.fs, recording.n_samples, recording.leads) == (500, 5000, NAMES)
    np.testing.assert_allclose(recording.signal_mV(), LEADS.T, atol=1e-6)
    assert "one row a lead" in " ".join(recording.warnings)


@pytest.mark.parametrize(("n_leads", "n"), [(1, 300), (1, 200_000), (2, 5000), (12, 250), (3, 100_000)])
def test_sizes(tmp_path, n_leads, n):
    signal = np.resize(LEADS[:n_leads], (n_leads, n))
    (tmp_path / "a.csv").write_text("\n".join(lines(signal)))
    recording = open_recording(tmp_path / "a.csv", fs=500, unit="mV")
    assert (len(recording.leads), recording.n_samples) == (n_leads, n)
    np.testing.assert_allclose(recording.signal_mV(), signal.T, atol=1e-6)


def test_cells_that_are_no_numbers_are_gaps(tmp_path):
    text = lines(LEADS[:2])
    (tmp_path / "a.csv").write_text("\n".join([text[0].replace(",", ",lead off,", 1), text[1].replace(",", ",,", 1)]))
    gap = np.isnan(open_recording(tmp_path / "a.csv", fs=500, unit="mV").signal_mV())
    assert gap[1].all()
    assert gap.sum() == 2


def _beats(n: int, width: int) -> np.ndarray:
    """Rows from 0 to 1 that begin at an R peak and end in zeros."""
    rng = np.random.default_rng(0)
    beats = np.zeros((n, width))
    for beat in beats:
        length = int(rng.integers(width // 2, width))
        start = 125 * (0.5 + 0.8 * rng.integers(0, 20))
        piece = ecg(2500, 125)[int(start) :][:length]
        beat[:length] = (piece - piece.min()) / np.ptp(piece)
    return beats


@pytest.mark.parametrize("header", [[], [",".join(f"V{i}" for i in range(1, 189))]])
@pytest.mark.parametrize("form", ["%.18e", "%.4f"])
def test_heartbeats_of_kaggle_are_named(tmp_path, header, form):
    table = np.column_stack([_beats(300, 187), np.arange(300) % 5])
    (tmp_path / "a.csv").write_text("\n".join([*header, *(",".join(form % value for value in row) for row in table)]))
    with pytest.raises(
        ReadError, match=r"a\.csv: each of its 300 rows is a single heartbeat.*no R peaks.*ecgviz analyze"
    ):
        open_recording(tmp_path / "a.csv")


@pytest.mark.parametrize("width", [96, 140, 187, 360])
@pytest.mark.parametrize("label", ["first", "last", "none"])
def test_other_tables_of_beats_are_refused(tmp_path, width, label):
    table, classes = 3 * _beats(60, width) - 1, np.arange(60)[:, None] % 2
    table = np.hstack({"first": [classes, table], "last": [table, classes], "none": [table]}[label])
    np.savetxt(tmp_path / "a.csv", table, fmt="%.5f", delimiter=",")
    with pytest.raises(ReadError, match=r"looks like a heartbeat or a piece of ECG.* one column a lead"):
        open_recording(tmp_path / "a.csv", fs=125, unit="mV")


def test_many_columns_of_samples_stand_upright(tmp_path):
    """A body surface map of 64 leads is a table like any other."""
    signal = np.outer(ecg(2000, 500), np.random.default_rng(0).uniform(-1, 1, 64))
    np.savetxt(tmp_path / "a.csv", signal, fmt="%.4f", delimiter=",")
    recording = open_recording(tmp_path / "a.csv", fs=500, unit="mV")
    assert (recording.n_samples, len(recording.leads)) == (2000, 64)
    np.savetxt(tmp_path / "b.csv", np.outer(ecg(2000, 500), np.ones(300)), fmt="%.4f", delimiter=",")
    with pytest.raises(ReadError, match="300 columns; an ECG has at most 256 leads"):
        open_recording(tmp_path / "b.csv", fs=500, unit="mV")


@pytest.mark.parametrize("between", [", ", ",", " "])
@pytest.mark.parametrize("quote", ['"', ""])
def test_a_list_of_samples_in_a_cell_is_one_recording(tmp_path, make, between, quote):
    lead = np.rint(1000 * make.beats(3000))
    row = f"2024-03-01,72,{quote}[{between.join(f'{value:.0f}' for value in lead)}]{quote},250"
    (tmp_path / "a.csv").write_text(f"start,heart_rate,samples,fs\n{row}\n")
    recording = open_recording(tmp_path / "a.csv", unit="uV")
    assert recording.fs == 250
    np.testing.assert_allclose(recording.signal_mV()[:, 0], lead / 1000, atol=1e-6)
    (tmp_path / "b.csv").write_text(f"start,heart_rate,samples,fs\n{row}\n{row}\n")
    with pytest.raises(ReadError, match="2 recordings"):
        open_recording(tmp_path / "b.csv", unit="uV")


@pytest.mark.parametrize(("width", "fs"), [(8, 130), (16, 250), (36, 130)])
@pytest.mark.parametrize("lost", [0, 7])
def test_packets_of_one_channel_are_one_lead(tmp_path, make, width, fs, lost):
    """A row of a strap's packets: its time, and the samples since the row before; lost packets are a gap."""
    packets = np.rint(1000 * make.beats(200 * width, fs)).reshape(-1, width)
    rows = [f"{round(i * width / fs * 1000)}," + ",".join(map(str, row)) for i, row in enumerate(packets)]
    header = "timestamp," + ",".join(f"s{i}" for i in range(width))
    (tmp_path / "a.csv").write_text("\n".join([header, *rows[:80], *rows[80 + lost :]]))
    recording = open_recording(tmp_path / "a.csv", unit="uV")
    assert (recording.fs, recording.leads) == (fs, ("ECG",))
    expected = packets.copy() / 1000
    expected[80 : 80 + lost] = np.nan
    np.testing.assert_allclose(recording.signal_mV()[:, 0], expected.ravel(), atol=1e-6)
    assert any("follow each other" in sentence for sentence in recording.warnings)


@pytest.mark.data
def test_leads_side_by_side_are_no_packets(data_root):
    paths = (
        sorted((data_root / "ptbxl").glob("records100/*/*.hea"))[:100]
        + sorted((data_root / "ludb").rglob("*.hea"))[:20]
    )
    for path in paths:
        assert not are_packets(open_recording(path).signal_mV()[:4096])
