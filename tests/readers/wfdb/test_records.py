"""WFDB records as people have them: annotations, segments, faults of headers, files that are not there."""

from __future__ import annotations

import numpy as np
import pytest
import wfdb

from ecgviz.errors import ReadError
from readers import open_recording
from readers.wfdb import checksums as wfdb_checksums


@pytest.mark.parametrize("name", ["rec", "rec.hea", "rec.dat", "rec.atr"])
def test_opened_by_any_of_its_files(record, name):
    recording = open_recording(record.parent / name)
    assert (recording.name, recording.format, recording.fs) == ("rec", "WFDB", 250.0)
    np.testing.assert_array_equal(recording.annotations.sample, [100, 400, 700, 2000])
    assert list(recording.annotations.symbol) == ["N", "V", "N", "A"]
    assert list(recording.annotations.aux) == ["(N", "", "", ""]


def test_folder_and_several_files(record, tmp_path):
    by_folder = open_recording(record.parent)
    uploaded = open_recording([record.with_suffix(".dat"), record, record.with_suffix(".atr")])
    np.testing.assert_array_equal(by_folder.signal_mV(), uploaded.signal_mV())
    assert len(uploaded.annotations) == 4
    without = open_recording([record, record.with_suffix(".dat")])
    assert without.annotations is None


def test_a_signal_file_that_was_not_uploaded(record):
    with pytest.raises(ReadError, match=r"rec\.hea: its signal file rec\.dat is missing"):
        open_recording([record, record.with_suffix(".atr")])
    with pytest.raises(ReadError, match=r"header \(\.hea\)"):
        open_recording([record.with_suffix(".dat"), record.with_suffix(".atr")])


@pytest.mark.parametrize(
    "name", ["../other.dat", "/etc/passwd", "sub/x.dat", "..\\x.dat", "C:x.dat", "..", "https://host/x.dat"]
)
def test_header_that_points_elsewhere(tmp_path, name):
    folder = tmp_path / "inside"
    folder.mkdir()
    np.zeros(1000, "<i2").tofile(tmp_path / "other.dat")
    (folder / "a.hea").write_text(f"a 1 250 100\n{name} 16 200 16 0 0 0 0 I\n")
    with pytest.raises(ReadError, match=r"a\.hea.*beside its header"):
        open_recording(folder / "a.hea")


def test_segment_and_link_that_lead_out(tmp_path, make):
    folder = tmp_path / "inside"
    folder.mkdir()
    make.wfdb(tmp_path, "out")
    (folder / "m.hea").write_text("m/1 2 250 2500\n../out 2500\n")
    with pytest.raises(ReadError, match="beside its header"):
        open_recording(folder / "m.hea")
    make.wfdb(folder, "rec")
    (folder / "rec.dat").unlink()
    (folder / "rec.dat").symlink_to(tmp_path / "out.dat")
    with pytest.raises(ReadError, match=r"rec\.dat: it is a link"):
        open_recording(folder / "rec.hea")


def test_truncated_signal_file(record):
    path = record.with_suffix(".dat")
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ReadError, match=r"rec\.dat: the file is truncated: it holds 2400 of the 2500"):
        open_recording(record)


def test_wrong_checksum_is_a_warning_that_names_the_lead(record):
    data = bytearray(record.with_suffix(".dat").read_bytes())
    data[300] ^= 1  # the low bits of an even value: lead MLII
    record.with_suffix(".dat").write_bytes(bytes(data))
    warnings = open_recording(record).warnings
    assert len(warnings) == 1
    assert "checksum of MLII in rec.hea" in warnings[0]


def test_wrong_checksums_of_segments_name_lead_and_segment(tmp_path, make):
    for name in ("s1", "s2", "s3"):
        make.wfdb(tmp_path, name, n=1000, annotated=False)
    (tmp_path / "m.hea").write_text("m/5 2 250 4100\ns1 1000\ns2 1000\n~ 100\ns3 1000\ns2 1000\n")
    assert not any("checksum" in sentence for sentence in open_recording(tmp_path / "m").warnings)
    for name, byte in (("s2", 100), ("s3", 202)):
        data = bytearray((tmp_path / f"{name}.dat").read_bytes())
        data[byte] ^= 1
        (tmp_path / f"{name}.dat").write_bytes(bytes(data))
    warnings = [sentence for sentence in open_recording(tmp_path / "m").warnings if "checksum" in sentence]
    assert len(warnings) == 1
    assert "checksum of MLII in s2.hea, V1 in s3.hea does not fit" in warnings[0]


def test_checksum_of_two_hours(tmp_path):
    n = 2 * 3600 * 250
    samples = np.zeros(n, "<i2")
    samples[-1] = 5
    samples.tofile(tmp_path / "a.dat")
    for stated, wrong in ((5, False), (6, True)):
        (tmp_path / "a.hea").write_text(f"a 1 250 {n}\na.dat 16 200 16 0 0 {stated} 0 II\n")
        recording = open_recording(tmp_path / "a")
        assert any("checksum of II in a.hea" in sentence for sentence in recording.warnings) == wrong
        assert recording.remarks == ()


def test_checksums_that_are_not_checked_are_a_remark(tmp_path, record, monkeypatch):
    monkeypatch.setattr(wfdb_checksums, "MAX_SAMPLES", 4999)
    recording = open_recording(record)
    assert recording.warnings == ()
    assert recording.remarks[0].startswith("The checksums were not checked: ")
    record.write_text(record.read_text().replace(" 212 ", " 212:1 "))
    assert open_recording(record).remarks == ("The checksums were not checked where leads are skewed.",)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a", f"a 1 10 {46 * 864_000}\na.dat 16 200 16 0 0 0 0 I", "a.hea: it claims to last 46 days; up to 45"),
        ("m", "m/2 1 250 9000000100\ns 100\n~ 9000000000", "m.hea: it claims to last 417 days, 417 of them in gaps"),
    ],
)
def test_a_few_lines_cannot_claim_a_year(tmp_path, name, text, fault):
    with (tmp_path / "a.dat").open("wb") as file:
        file.truncate(2 * 46 * 864_000)
    np.zeros(100, "<i2").tofile(tmp_path / "s.dat")
    (tmp_path / "s.hea").write_text("s 1 250 100\ns.dat 16 200 16 0 0 0 0 I\n")
    (tmp_path / f"{name}.hea").write_text(text + "\n")
    with pytest.raises(ReadError, match=fault):
        open_recording(tmp_path / name)


@pytest.mark.parametrize(
    ("first", "line", "fault"),
    [
        ("a 0 250 100", "", "zero leads"),
        ("a 1 0 100", "a.dat 16 200 16 0 0 0 0 I", "0 Hz"),
        ("a 1 -5 100", "a.dat 16 200 16 0 0 0 0 I", "-5 Hz"),
        ("a 1 nan 100", "a.dat 16 200 16 0 0 0 0 I", "nan Hz"),
        ("a 1 1e9 100", "a.dat 16 200 16 0 0 0 0 I", "1e.09 Hz"),
        ("a 1 x 100", "a.dat 16 200 16 0 0 0 0 I", "sampling frequency reads 'x'"),
        ("a x 250 100", "a.dat 16 200 16 0 0 0 0 I", "number of leads"),
        ("a 3 250 100", "a.dat 16 200 16 0 0 0 0 I", "announces 3 leads and describes 1"),
        ("a 999999999 250 100", "a.dat 16 200 16 0 0 0 0 I", "number of leads"),
        ("a 1 250 -3", "a.dat 16 200 16 0 0 0 0 I", "number of samples"),
        ("a 1 250 999999999999", "a.dat 16 200 16 0 0 0 0 I", "truncated"),
        ("a 1 250 100", "a.dat 99 200 16 0 0 0 0 I", "signal format '99'"),
        ("a 1 250 100", "a.dat 16x0 200 16 0 0 0 0 I", "samples per frame"),
        ("a 1 250 100", "a.dat 16 inf 16 0 0 0 0 I", "gain of lead 1"),
        ("a 1 250 100", "a.dat 16 2o0 16 0 0 0 0 I", "gain of lead 1"),
        ("a 1 250 100", "a.dat 16 1e-300/mV 16 0 0 0 0 I", "gain of lead 1 is 1e-300"),
        ("a 1 250 100", "a.dat 16 -1e300/mV 16 0 0 0 0 I", "gain of lead 1 is -1e\\+300"),
        ("a 1 250 1000000000", "~ 0 200/mV 0 0 0 0 0 II", "none of its leads has a signal file"),
        ("a 1 250 100", "gone.dat 16 200 16 0 0 0 0 I", "gone.dat is missing"),
        ("a/2 1 250 100", "b 50", "announces 2 segments"),
        ("a/1 1 250 100", "b 50", "segment b is missing"),
        ("a/1 1 250 100", "a 50", "segment may not consist"),
        ("a/2 1 250 100", "~ 50\n~ 50", "gaps alone"),
    ],
)
def test_headers_that_make_no_sense(tmp_path, first, line, fault):
    (tmp_path / "a.hea").write_text(f"{first}\n{line}\n")
    np.zeros(100, "<i2").tofile(tmp_path / "a.dat")
    with pytest.raises(ReadError, match=fault) as caught:
        open_recording(tmp_path / "a.hea")
    assert str(caught.value).startswith(("a.hea: ", "a.dat: "))


def test_no_samples(tmp_path):
    (tmp_path / "a.hea").write_text("a 1 250 0\na.dat 16 200 16 0 0 0 0 I\n")
    (tmp_path / "a.dat").write_bytes(b"")
    with pytest.raises(ReadError, match="holds 0 samples"):
        open_recording(tmp_path / "a.hea")


def test_flat_line_is_no_error(tmp_path):
    (tmp_path / "a.hea").write_text("a 1 250 100\na.dat 16 200 16 0 0 0 0 I\n")
    np.zeros(100, "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a.hea")
    assert recording.warnings == ()
    assert not recording.signal_mV().any()


def test_length_from_the_file_where_the_header_has_none(tmp_path):
    (tmp_path / "a.hea").write_text("# a comment first\na 2\na.dat 16\na.dat 16\n")
    np.zeros(100, "<i2").tofile(tmp_path / "a.dat")
    recording = open_recording(tmp_path / "a.hea")
    assert (recording.fs, recording.n_samples, recording.leads) == (250.0, 50, ("lead 1", "lead 2"))


def test_segments_of_fixed_layout_with_a_gap(tmp_path, make):
    make.wfdb(tmp_path, "s1", n=1000, annotated=False)
    make.wfdb(tmp_path, "s2", n=500, fmt="212", annotated=False)
    (tmp_path / "m.hea").write_text("m/3 2 250 1700 10:11:12 13/02/2020\ns1 1000\n~ 200\ns2 500\n")
    recording = open_recording(tmp_path)
    assert (recording.name, recording.n_samples) == ("m", 1700)
    assert recording.start.isoformat() == "2020-02-13T10:11:12"
    whole = recording.signal_mV()
    np.testing.assert_array_equal(whole[:1000], open_recording(tmp_path / "s1").signal_mV())
    np.testing.assert_array_equal(whole[1200:], open_recording(tmp_path / "s2").signal_mV())
    assert np.isnan(whole[1000:1200]).all()
    for start, stop in [(900, 1250), (1000, 1200), (1050, 1060), (1199, 1201), (0, 1)]:
        np.testing.assert_array_equal(recording.signal_mV(start, stop), whole[start:stop])
    assert any("1 gap," in sentence for sentence in recording.warnings)


def test_segments_of_variable_layout_equal_wfdb(tmp_path, make):
    for name, leads in {"s1": ["II", "V"], "s2": ["V"]}.items():
        signal = make.wave(300, len(leads))
        wfdb.wrsamp(name, 250, ["mV"] * len(leads), leads, signal, fmt=["16"] * len(leads), write_dir=str(tmp_path))
    (tmp_path / "lay.hea").write_text("lay 2 250 0\n~ 0 200/mV 0 0 0 0 0 II\n~ 0 200/mV 0 0 0 0 0 V\n")
    (tmp_path / "m.hea").write_text("m/4 2 250 700\nlay 0\ns1 300\n~ 100\ns2 300\n")
    recording = open_recording(tmp_path / "m")
    peer = wfdb.rdrecord(str(tmp_path / "m"), return_res=32)
    assert list(recording.leads) == peer.sig_name
    np.testing.assert_allclose(recording.signal_mV(), peer.p_signal, rtol=1e-6)


def test_annotations_of_another_time_base(tmp_path, make):
    make.wfdb(tmp_path, annotated=False)
    wfdb.wrann("rec", "atr", np.array([128, 256, 1264]), ["N", "V", "N"], fs=128, write_dir=str(tmp_path))
    recording = open_recording(tmp_path / "rec")
    np.testing.assert_array_equal(recording.annotations.sample, [250, 500, 2469])


def test_annotations_outside_the_recording_are_dropped(tmp_path, make):
    make.wfdb(tmp_path, annotated=False)
    wfdb.wrann("rec", "atr", np.array([10, 2499, 2500, 900_000]), ["N"] * 4, write_dir=str(tmp_path))
    recording = open_recording(tmp_path / "rec")
    np.testing.assert_array_equal(recording.annotations.sample, [10, 2499])
    assert any("rec.atr has 2 annotations outside" in sentence for sentence in recording.warnings)


def test_truncated_annotations_keep_what_came_before(record):
    path = record.with_suffix(".atr")
    path.write_bytes(path.read_bytes()[:-4])
    recording = open_recording(record)
    assert 1 <= len(recording.annotations) < 4
    assert any("rec.atr is damaged" in sentence for sentence in recording.warnings)


def test_comments_of_the_header_go_nowhere(record):
    record.write_text(record.read_text() + "# <name>: Secret Person <age>: 69 <patient id>: PAT-4711\n")
    assert "Secret" not in repr(open_recording(record))


def test_a_day_opens_at_once(tmp_path):
    """24 h of two leads: opening adds up their samples for the checksums, ten seconds at the end cost ten seconds."""
    n = 24 * 3600 * 250
    with (tmp_path / "day.dat").open("wb") as file:
        file.truncate(n * 3)
    (tmp_path / "day.hea").write_text(f"day 2 250 {n}\nday.dat 212 200 12 0 0 1 0 II\nday.dat 212 200 12 0 0 1 0 V1\n")
    import time

    began = time.perf_counter()
    recording = open_recording(tmp_path / "day")
    opened = time.perf_counter()
    assert any("checksum" in sentence for sentence in recording.warnings)
    assert recording.signal_mV(n - 2500, n).shape == (2500, 2)
    assert time.perf_counter() - opened < 0.2
    assert opened - began < 1.5
