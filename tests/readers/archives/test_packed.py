"""Single files compressed by gzip, bzip2 or xz are read as what is in them, within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import numpy as np
import pytest

from ecgviz.errors import ReadError
from readers import open_recording
from readers.archives import zip as uploads

PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.fixture
def table(make) -> tuple[np.ndarray, bytes]:
    """A lead in mV and the CSV of it."""
    lead = np.round(make.beats(3000), 4)
    text = "time,II (mV)\n" + "".join(f"{i / 250:.3f},{value}\n" for i, value in enumerate(lead))
    return lead, text.encode()


def _holds(recording, lead) -> bool:
    read = recording.signal_mV()[:, 0]
    same = read.shape == lead.shape and np.allclose(read, lead, rtol=1e-7, atol=1e-6)
    return same and (recording.fs, recording.leads) == (250.0, ("II",))


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("name", ["ecg.csv", "ecg.txt", "ecg.tsv", "ecg", "ecg.json"])
@pytest.mark.parametrize("suffix", ["own", "none"])
def test_a_packed_table(tmp_path, table, kind, name, suffix):
    lead, text = table
    path = tmp_path / (name + (f".{kind}" if suffix == "own" else ""))
    path.write_bytes(PACKERS[kind](text))
    assert _holds(open_recording(path), lead)


@pytest.mark.parametrize("kind", PACKERS)
def test_several_streams_are_one_file(tmp_path, table, kind):
    """As pigz, pbzip2 and ``cat a.gz b.gz`` write them."""
    lead, text = table
    (tmp_path / f"a.csv.{kind}").write_bytes(PACKERS[kind](text[:9000]) + PACKERS[kind](text[9000:]))
    assert _holds(open_recording(tmp_path / f"a.csv.{kind}"), lead)


@pytest.mark.parametrize("kind", PACKERS)
def test_in_a_zip_in_a_folder_and_among_uploads(tmp_path, table, kind):
    lead, text = table
    name, content = f"a.csv.{kind}", PACKERS[kind](text)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / name).write_bytes(content)
    (folder / "README.md").write_text("about")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, content)
    for given in (folder, tmp_path / "a.zip", sorted(folder.iterdir())):
        assert _holds(open_recording(given), lead)


def test_beside_others_it_counts_as_what_is_in_it(tmp_path, table):
    lead, text = table
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "notes.txt.gz").write_bytes(gzip.compress(b"about"))
    (tmp_path / "about.json").write_text("{}")
    assert _holds(open_recording(tmp_path), lead)
    (tmp_path / "b.csv").write_bytes(text)
    with pytest.raises(ReadError, match=r"2 records in it \(a\.csv\.gz, b\.csv\)"):
        open_recording(tmp_path)


def test_every_format_may_be_in_it(tmp_path, make):
    lead = make.wave(2500, 1)
    make.edf(tmp_path / "a.edf", lead, labels=("ECG II",))
    np.save(tmp_path / "a.npy", lead)
    for name in ("a.edf", "a.npy"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        recording = open_recording(tmp_path / f"{name}.gz", **{"fs": 250, "unit": "mV"} if name == "a.npy" else {})
        np.testing.assert_allclose(recording.signal_mV(), lead, atol=1e-3)


@pytest.mark.parametrize("kind", PACKERS)
@pytest.mark.parametrize("keep", [0.3, 0.9, -1])
def test_cut_off(tmp_path, table, kind, keep):
    content = PACKERS[kind](table[1])
    (tmp_path / "a.gz").write_bytes(content[: int(len(content) * keep) if keep > 0 else -1])
    with pytest.raises(ReadError, match="cut off or damaged; copy it again"):
        open_recording(tmp_path / "a.gz")


@pytest.mark.parametrize("kind", PACKERS)
def test_damage_is_refused_or_changes_no_sample(tmp_path, table, kind):
    (tmp_path / "whole.csv").write_bytes(PACKERS[kind](table[1]))
    whole = open_recording(tmp_path / "whole.csv").signal_mV()
    content, rng = bytearray(PACKERS[kind](table[1])), np.random.default_rng(0)
    for place in rng.integers(6, len(content), 30):
        broken = bytes(content[:place]) + bytes([content[place] ^ 0x55]) + bytes(content[place + 1 :])
        (tmp_path / "a.csv").write_bytes(broken)
        try:
            found = open_recording(tmp_path / "a.csv").signal_mV()
        except ReadError:
            continue
        np.testing.assert_array_equal(found, whole)  # a byte that holds no sample, such as a time stamp


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb(tmp_path, monkeypatch, kind):
    """What comes out counts, whatever the file claims."""
    monkeypatch.setattr(uploads, "FREE_BYTES", 1 << 20)
    (tmp_path / "a.csv").write_bytes(PACKERS[kind](b"0,0\n" * (4 << 20)))
    with pytest.raises(ReadError, match="would unpack to more than"):
        open_recording(tmp_path / "a.csv")


def test_an_archive_in_it_is_named(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(out.getvalue()))
    with pytest.raises(ReadError, match=r"a\.tar: It is a tar archive; unpack it first"):
        open_recording(tmp_path / "a.tar.gz")


def test_nothing_in_it(tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b""))
    with pytest.raises(ReadError, match="the file in it is empty"):
        open_recording(tmp_path / "a.csv.gz")


def test_no_file_is_left_behind(tmp_path, table, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(table[1]))
    recording = open_recording(tmp_path / "a.csv.gz")
    assert recording.n_samples == 3000
    del recording
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"no table"))
    with pytest.raises(ReadError):
        open_recording(tmp_path / "b.csv.gz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv.gz", "b.csv.gz"]


def test_a_channel_taken_later_outlives_the_recording(tmp_path, make):
    """``with_channel`` gives a recording of its own: what was unpacked must live as long as that."""
    both = np.column_stack([make.beats(5000), np.sin(np.arange(5000) / 200)])
    make.edf(tmp_path / "a.edf", both, labels=("ECG II", "Resp"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.write(tmp_path / "a.edf", "a.edf")
    (tmp_path / "a.zip").write_bytes(out.getvalue())
    (tmp_path / "a.edf.gz").write_bytes(gzip.compress((tmp_path / "a.edf").read_bytes()))
    for name in ("a.zip", "a.edf.gz"):
        recording = open_recording(tmp_path / name)
        assert recording.others == ("Resp",)
        wider = recording.with_channel("Resp")
        del recording
        np.testing.assert_allclose(wider.signal_mV(), both, atol=1e-3)
