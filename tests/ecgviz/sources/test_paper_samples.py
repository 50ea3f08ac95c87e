"""The photograph that the project is tried with: made once, a file like any other, with the truth behind it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from ecgviz.__main__ import main
from ecgviz.errors import ReadError
from ecgviz.sources import paper_samples
from ecgviz.sources.address import picture_at
from readers.paper.pictures import open_picture


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    return tmp_path


def test_it_is_made_once_and_opens_like_a_photograph():
    (sample,) = paper_samples.list_samples()
    file = picture_at(f"sample:{sample.name}")
    made = file.stat().st_mtime_ns
    assert picture_at(f"sample:{sample.name}") == file and file.stat().st_mtime_ns == made
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    picture = open_picture(file)
    assert picture.format == "JPEG" and picture.pixels.shape == (584, 1320, 3) and not picture.warnings
    assert "by code" in picture.name
    assert np.ptp(picture.pixels.mean(axis=2)) > 150
    assert picture_at("sample:mitdb-208") is None


def test_a_full_disk_is_a_sentence_and_leaves_nothing(home, monkeypatch):
    def full(file):
        Path(file).write_bytes(b"half")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(paper_samples, "_write", full)
    with pytest.raises(ReadError, match="free space on the server"):
        paper_samples.sample_file("photographed-ecg")
    assert not [one for one in home.rglob("*") if one.is_file()]


def test_the_command_answers_to_it(home):
    target = home / "labels.json"
    assert main(["analyze", "sample:photographed-ecg", "--checkpoint", "ecg-paper-lite0", "--json", str(target)]) == 0
    labels = {one["name"]: one for one in json.loads(target.read_text())["labels"]}
    assert [name for name, one in labels.items() if one["positive"]] == ["NORM"]
