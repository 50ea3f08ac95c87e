"""What a card says of the data that a network for beats was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.checkpoints import checkpoints_root
from models.data import mitdb
from models.data.beat_origin import Origin, beat_origin
from models.data.mitdb import BeatRecord

BEAT_CHECKPOINTS = ("beat-strip", "beat-dcrnn", "beat-se-resnet-lstm")


def record(name: str, label: list[int], fs: float = mitdb.FS, n_samples: int = mitdb.N_SAMPLES) -> BeatRecord:
    signal = np.broadcast_to(np.float32(0), (n_samples, 1))
    return BeatRecord(name, fs, ("MLII",), signal, np.arange(len(label)), np.array(label))


def origin(folder: Path, *records: BeatRecord) -> Origin:
    return beat_origin(folder, records, "NSVFQ")


def test_mit_bih_is_named_and_cited(tmp_path: Path) -> None:
    found = origin(tmp_path, record("100", [0] * 200 + [2] * 100), record("101", [1] * 100 + [3] * 99))
    assert (found.licence, found.citation) == (mitdb.LICENCE, mitdb.CITATION)
    assert "Never saw paced rhythm." in found.limits
    assert found.limits[-1] == "Saw too few beats of a class to know it: F (99), Q (0)."
    assert "Never saw paced rhythm." not in origin(tmp_path, record("102", [4] * 100)).limits


@pytest.mark.parametrize(
    "other", [record("mine", [0]), record("100", [0], fs=250.0), record("100", [0], n_samples=1000)]
)
def test_what_only_looks_like_it_is_not(tmp_path: Path, other: BeatRecord) -> None:
    found = origin(tmp_path, record("101", [0]), other)
    assert found.licence == found.citation == ""
    assert found.limits[0].startswith("Trained on 2 recordings of no database known here, ")
    assert not any("hospital" in limit or "paced" in limit for limit in found.limits)


def test_no_limit_where_each_class_was_seen(tmp_path: Path) -> None:
    assert len(origin(tmp_path, record("mine", [0, 1, 2, 3, 4] * 100)).limits) == 1


@pytest.mark.data
def test_the_shipped_cards_say_what_a_training_would(data_root: Path) -> None:
    for name in BEAT_CHECKPOINTS:
        card = json.loads((checkpoints_root() / name / "card.json").read_text())
        trained = mitdb.load_records(data_root / "mitdb", [one["name"] for one in card["training_records"]])
        found = beat_origin(data_root / "mitdb", trained, card["classes"])
        assert (card["licence"], card["citation"]) == found[:2]
        assert set(found.limits) <= set(card["limits"])
