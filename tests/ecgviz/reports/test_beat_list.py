"""The list of beats that a page shows, and the zip of annotations."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import wfdb

from ecgviz.reports.archive import annotations_zip
from ecgviz.reports.beat_list import list_beats
from ecgviz.results import Beats
from readers.recording import ArraySource, Recording


@pytest.fixture
def beats() -> Beats:
    sure = np.linspace(0.51, 0.95, 300)
    prob = np.zeros((300, 5), np.float32)
    which = np.arange(300) % 3 == 0
    prob[:, 0] = np.where(which, 1 - sure, sure)
    prob[:, 2] = np.where(which, sure, 1 - sure)
    return Beats((np.arange(300) + 1) * 100, prob, ("N", "S", "V", "F", "Q"), 100.0, "x", ("II",))


def test_classes_and_columns(beats):
    found = list_beats(beats, "V")
    assert found.total == 100
    assert set(found.table["label"]) == {"V"}
    assert found.table["beat"].tolist()[:3] == [1, 4, 7]
    assert found.table["rr_before_ms"].iloc[1] == 1000


def test_long_lists_give_the_block_at_the_view(beats):
    found = list_beats(beats, "NV", around_s=150.0, longest=50)
    assert len(found.table) == 50
    assert found.table["time_s"].min() <= 150 <= found.table["time_s"].max()
    assert list_beats(beats, "NV", around_s=1e9, longest=50).table["beat"].iloc[-1] == 300
    assert found.token != list_beats(beats, "NV", around_s=1.0, longest=50).token


def test_least_sure_first(beats):
    found = list_beats(beats, "NV", by="sure", longest=10).table["probability"]
    assert found.is_monotonic_increasing
    assert found.iloc[0] == pytest.approx(0.51)


def test_nothing_and_nonsense(beats):
    assert list_beats(beats, "").total == 0
    with pytest.raises(ValueError, match="choose time or sure"):
        list_beats(beats, "V", by="colour")


def test_the_zip_holds_annotations_that_wfdb_reads(beats, tmp_path):
    recording = Recording("a b", 100.0, 30100, ("II",), ("mV",), ArraySource(np.zeros((30100, 1))), "test")
    with zipfile.ZipFile(io.BytesIO(annotations_zip(beats, recording))) as archive:
        assert archive.namelist() == ["a_b.atr"]
        archive.extractall(tmp_path)
    read = wfdb.rdann(str(tmp_path / "a_b"), "atr")
    assert read.sample.tolist() == beats.sample.tolist()
    assert read.symbol == beats.label.tolist()
