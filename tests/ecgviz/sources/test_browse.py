"""What a person can go through on the server: nothing but the roots, one entry for each recording, and in bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgviz.errors import ReadError
from ecgviz.sources import browse
from ecgviz.sources.address import open_address
from ecgviz.sources.browse import list_folder, records_in


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """Two records of several files each, a table, a folder below, a hidden one, and a link to what is outside."""
    folder = tmp_path / "data"
    (folder / "below").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (tmp_path / "secret").mkdir()
    (folder / "out").symlink_to(tmp_path / "secret")
    signal = np.sin(np.arange(5000) / 40)[:, None]
    for name in ("a", "b"):
        wfdb.wrsamp(name, 250, ["mV"], ["II"], signal, fmt=["16"], write_dir=str(folder))
    wfdb.wrsamp("c", 250, ["mV"], ["II"], signal, fmt=["16"], write_dir=str(folder / "below"))
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(folder))
    return folder


def test_each_recording_is_one_entry_that_opens(root):
    found = list_folder()
    assert [one.name for one in found.folders] == ["below"]
    assert [one.name for one in found.records] == ["a.hea", "b.hea"]
    assert found.parent is None
    for record in (*found.records, *list_folder(found.folders[0].address).records):
        assert open_address(f"path:{record.address}").n_samples == 5000
        assert not record.address.startswith("/"), "a link does not tell where the server keeps its files"


def test_one_goes_down_and_up_again(root):
    below = list_folder(list_folder().folders[0].address)
    assert below.name == "data/below" and [one.name for one in below.records] == ["c.hea"]
    assert list_folder(below.parent).records == list_folder().records


@pytest.mark.parametrize("path", ["/etc", "..", "below/../..", "out"])
def test_nothing_outside_is_listed(root, path):
    with pytest.raises(ReadError, match="outside the folders"):
        list_folder(path)


def test_what_cannot_be_listed_says_so(root):
    with pytest.raises(ReadError, match="cannot be listed"):
        list_folder("a.dat")


def test_several_roots_are_a_list_of_their_own(root, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.hea").write_text((root / "a.hea").read_text())
    (other / "a.dat").write_bytes((root / "a.dat").read_bytes()[:200])
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", f"{root}:{other}")
    top = list_folder()
    assert [one.name for one in top.folders] == [str(root), str(other)] and not top.records
    [same] = list_folder(str(other)).records
    assert Path(same.address) == other / "a.hea", "a short name would open the record of the other root"


def test_a_long_folder_is_cut_off_and_says_how_much(root, monkeypatch):
    monkeypatch.setattr(browse, "MOST", 2)
    found = list_folder()
    assert len(found.folders) + len(found.records) == 2 and found.left_out == 1


def test_a_folder_of_several_offers_them_and_of_one_does_not(root):
    assert len(records_in("path:.").records) == 2
    assert records_in("path:below") is None
    assert records_in("path:a") is None
    assert records_in("sample:mitdb-208") is None
