"""Files are whole or not there; a place that cannot be written to is told before anything is made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.core.errors import ReadError
from models.core.files import file_to_write, folder_to_write, write_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("kept")
    return path


def test_places_that_can_be_written_to_are_given_back_and_nothing_is_made(tmp_path: Path, file: Path) -> None:
    for place in (file, tmp_path / "new", tmp_path / "a" / "b" / "c.json"):
        assert file_to_write(str(place)) == place
    for place in (tmp_path, tmp_path / "new", tmp_path / "a" / "b"):
        assert folder_to_write(place) == place
    assert list(tmp_path.iterdir()) == [file]


def test_other_places_are_named_with_the_reason(tmp_path: Path, file: Path) -> None:
    for check in (file_to_write, folder_to_write):
        with pytest.raises(ReadError, match=r"^x: cannot be written \(file is no folder\); choose another place$"):
            check(file / "x")
        with pytest.raises(ReadError, match="too long"):
            check(tmp_path / ("x" * 300))
    with pytest.raises(ReadError, match="it is a folder"):
        file_to_write(tmp_path)
    with pytest.raises(ReadError, match=r"^\.: cannot be written"):
        file_to_write("")
    with pytest.raises(ReadError, match=r"^file: cannot be written \(it is no folder\)"):
        folder_to_write(file)


def test_a_folder_without_the_right_to_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda place, mode: False)  # root may do everything
    with pytest.raises(ReadError, match="you may not write to"):
        file_to_write(tmp_path / "x.json")
    with pytest.raises(ReadError, match="you may not write to"):
        folder_to_write(tmp_path)


def test_a_file_is_written_whole_with_its_folder(tmp_path: Path, file: Path) -> None:
    assert write_file(tmp_path / "a" / "b.txt", "é").read_bytes() == "é".encode()
    with pytest.raises(ReadError, match=r"b\.txt: cannot be written \(.*\); choose another place"):
        write_file(file / "b.txt", b"x")
    assert file.read_text() == "kept"


def test_a_link_stays_a_link_and_a_pipe_is_written_into(tmp_path: Path, file: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    write_file(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert file_to_write(pipe) == pipe
        write_file(pipe, "through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_an_error_names_places_that_have_no_name() -> None:
    assert str(ReadError(".", "is empty")) == ".: is empty"
    assert str(ReadError("/", "is empty")) == "/: is empty"
