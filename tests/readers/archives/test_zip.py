"""Zips: one record is opened and its folder goes away again; whatever escapes or explodes is refused."""

from __future__ import annotations

import gc
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import open_recording
from readers.archives import zip as uploads


def test_a_record_in_a_zip_and_the_folder_after_it(record, tmp_path):
    archive = tmp_path / "up.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for suffix in (".hea", ".dat", ".atr"):
            packed.write(record.with_suffix(suffix), f"deep/er/rec{suffix}")
        packed.writestr("__MACOSX/deep/._rec.hea", "x")
        packed.writestr("RECORDS", "rec")
    expected = open_recording(record).signal_mV()
    recording = open_recording(archive)
    folder = Path(recording.source._folder.name)
    assert folder.is_dir()
    np.testing.assert_array_equal(recording.signal_mV(), expected)
    assert len(recording.annotations) == 4
    del recording
    gc.collect()
    assert not folder.exists()


@pytest.mark.parametrize(("offset", "number"), [(6, 99), (10, 77)], ids=["version", "compression"])
@pytest.mark.parametrize("name", ["up.zip", "up.npz"])
def test_a_zip_of_a_kind_that_zipfile_does_not_know(tmp_path, name, offset, number):
    archive = tmp_path / name
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("rec.hea", "rec 1 360 10")
    data = bytearray(archive.read_bytes())
    for magic, start in ((b"PK\x03\x04", offset - 2), (b"PK\x01\x02", offset)):
        place = data.index(magic) + start
        data[place : place + 2] = number.to_bytes(2, "little")
    archive.write_bytes(data)
    with pytest.raises(ReadError, match="up"):
        open_recording(archive)
    with pytest.raises(ReadError, match="unknown kind"):
        uploads.unpack(archive, tmp_path / "inside")


@pytest.mark.parametrize("name", ["../evil.hea", "/evil.hea", "a/../../evil.hea", "..\\evil.hea", "C:\\evil.hea"])
def test_paths_that_lead_out(tmp_path, name):
    archive = tmp_path / "up.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("ok.hea", "ok 1")
        packed.writestr(name, "evil")
    target = tmp_path / "inside"
    target.mkdir()
    with pytest.raises(ReadError, match=r"up\.zip: the zip holds a path that leads out"):
        uploads.unpack(archive, target)
    assert not (tmp_path / "evil.hea").exists()


def test_links(tmp_path):
    info = zipfile.ZipInfo("rec.dat")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(ReadError, match="link"):
        open_recording(tmp_path / "up.zip")


def test_bombs(tmp_path):
    with zipfile.ZipFile(tmp_path / "up.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.dat", b"\0" * (90 << 20))
    with pytest.raises(ReadError, match="unpack"):
        open_recording(tmp_path / "up.zip")
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as packed:
        for i in range(uploads.MAX_FILES + 1):
            packed.writestr(f"{i}", b"")
    with pytest.raises(ReadError, match="files"):
        open_recording(tmp_path / "many.zip")


def test_a_zip_that_lies_about_sizes(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "FREE_BYTES", 1000)
    monkeypatch.setattr(uploads, "MAX_RATIO", 1)
    path = tmp_path / "up.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.dat", b"\0" * 2_000_000)
    data = path.read_bytes().replace((2_000_000).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(ReadError, match=r"up\.zip"):
        open_recording(path)


def test_several_records_or_none(tmp_path, make):
    make.wfdb(tmp_path, "one")
    make.wfdb(tmp_path, "two")
    with pytest.raises(ReadError, match=r"2 records in it \(one\.hea, two\.hea\)"):
        open_recording(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ReadError, match="empty: there is no recording"):
        open_recording(empty)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(ReadError, match=r"broken\.zip: the zip is damaged"):
        open_recording(tmp_path / "broken.zip")


def test_two_uploads_of_one_name(tmp_path):
    (tmp_path / "b").mkdir()
    for folder in (tmp_path, tmp_path / "b"):
        (folder / "x.edf").write_bytes(b"0")
    with pytest.raises(ReadError, match=r"two of the given files|2 records"):
        open_recording([tmp_path / "x.edf", tmp_path / "b" / "x.edf"])
