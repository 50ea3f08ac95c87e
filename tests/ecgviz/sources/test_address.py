"""What a link may open: nothing outside the roots, nothing by a guessed token."""

from __future__ import annotations

import io

import numpy as np
import pytest

from ecgviz.errors import ReadError
from ecgviz.sources.address import open_address, stamp
from ecgviz.sources.roots import data_roots, inside_roots
from ecgviz.sources.spool import spool, spooled

SESSION = "0123456789abcdef" * 2


@pytest.fixture
def root(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(folder))
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    np.save(folder / "ecg.npy", np.zeros((1000, 1), np.float32))
    np.save(tmp_path / "outside.npy", np.zeros((1000, 1), np.float32))
    return folder


def test_default_roots_are_data_and_home(monkeypatch, tmp_path):
    monkeypatch.delenv("ECGVIZ_DATA_ROOTS", raising=False)
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert data_roots() == ((tmp_path / "data").resolve(), tmp_path.resolve())


def test_paths_inside(root):
    assert inside_roots("ecg.npy") == (root / "ecg.npy").resolve()
    assert inside_roots(str(root / "ecg.npy")) == (root / "ecg.npy").resolve()


@pytest.mark.parametrize("path", ["../outside.npy", "/etc/passwd", "~/x", "x/../../outside.npy", "/proc/self/environ"])
def test_paths_outside(root, path):
    with pytest.raises(ReadError, match="outside the folders"):
        inside_roots(path)


def test_links_out(root):
    (root / "link.npy").symlink_to(root.parent / "outside.npy")
    (root / "folder").symlink_to(root.parent)
    for path in ("link.npy", "folder/outside.npy"):
        with pytest.raises(ReadError, match="outside the folders"):
            inside_roots(path)


@pytest.mark.parametrize("ask", ["wh?t/../../record", "li?nk/record", "wh?t/../../record?axis=coronal"])
def test_no_question_mark_in_a_name_leads_out(root, ask):
    """What stands after one is no query where the name of a folder holds it."""
    (root.parent / "record.hea").write_text("record 1 100 10\n")
    (root / "wh?t").mkdir()
    (root / "wh").touch()
    (root / "li?nk").symlink_to(root.parent)
    with pytest.raises(ReadError, match="outside the folders"):
        inside_roots(ask)
    (root / "wh?t" / "record.hea").write_text("record 1 100 10\n")
    assert inside_roots("wh?t/record") == root.resolve() / "wh?t" / "record"


@pytest.mark.parametrize("path", ["", "  ", "\0"])
def test_no_path(root, path):
    with pytest.raises(ReadError, match="nothing was given"):
        inside_roots(path)


def test_a_sibling_whose_name_begins_alike_is_outside(root):
    (root.parent / "data2").mkdir()
    with pytest.raises(ReadError, match="outside the folders"):
        inside_roots("../data2")


def test_the_stamp_changes_with_the_file(root):
    before = stamp("path:ecg.npy")
    np.save(root / "ecg.npy", np.zeros((2000, 1), np.float32))
    assert stamp("path:ecg.npy") != before
    assert stamp("sample:mitdb-208") == ""


def test_spooled_files_come_back_by_their_token_only(root):
    files = [("a.npy", io.BytesIO((root / "ecg.npy").read_bytes()))]
    token = spool(SESSION, files)
    assert [path.name for path in spooled(token)] == ["a.npy"]
    assert spool(SESSION, files) == token
    assert open_address(f"upload:{token}", fs=100, unit="mV").n_samples == 1000
    for wrong in (token[:-1], f"../{token}", f"{SESSION}/{'0' * 32}", "..", ""):
        with pytest.raises(ReadError, match="upload them again"):
            spooled(wrong)


def test_names_of_uploads_lead_nowhere(root):
    token = spool(SESSION, [("../../evil.npy", io.BytesIO(b"x")), ("C:\\dir\\b.npy", io.BytesIO(b"y"))])
    found = spooled(token)
    assert [path.name for path in found] == ["b.npy", "evil.npy"]
    assert all(path.is_relative_to(root.parent / "home") for path in found)
    with pytest.raises(ReadError, match="this name"):
        spool(SESSION, [("a", io.BytesIO(b"x")), ("dir/a", io.BytesIO(b"y"))])
    with pytest.raises(ReadError, match="rename it"):
        spool(SESSION, [("..", io.BytesIO(b"x"))])


@pytest.mark.parametrize("address", ["", "x", "http://example.org/a.hea", "file:/etc/passwd", "sample"])
def test_addresses_of_nothing(root, address):
    with pytest.raises(ReadError):
        open_address(address)
