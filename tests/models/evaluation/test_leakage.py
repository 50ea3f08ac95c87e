"""What a score on tables of beats owes to patients that were trained on, on the cards of both splits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models import load_checkpoint
from models.__main__ import main
from models.data import heartbeat_csv
from models.evaluation import leakage

WIDTH, PATIENTS, BEATS = 32, 6, 90


def write_split(folder: Path, split: str) -> Path:
    """Beats of six patients whose classes look different in each: who has seen a patient knows them, others guess."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    shapes = generator.normal(size=(PATIENTS, 3, WIDTH))
    patient = np.repeat(np.arange(PATIENTS), BEATS)
    label = np.tile(np.arange(3), PATIENTS * BEATS // 3)
    beats = shapes[patient, label] + 0.2 * generator.normal(size=(len(label), WIDTH))
    test = patient >= PATIENTS - 2 if split == "patient" else generator.permutation(len(label)) % 3 == 0
    for name, side in (("mitbih_train", ~test), ("mitbih_test", test)):
        rows = np.column_stack([beats[side], label[side]])
        np.savetxt(folder / f"{name}.csv", rows, fmt="%.4f", delimiter=",")
        # As write_tables leaves it: the training of the random split knows no records.
        if split == "patient" or name == "mitbih_test":
            (folder / f"{name}.records.txt").write_text("\n".join(f"p{number}" for number in patient[side]))
    return folder


def train(tables: Path, run: Path, *changes: str) -> Path:
    small = ["network.arguments={width: 16, layers: [1]}", "batch_size=32", "beats_per_epoch=0", "epochs=12", "lr=0.01"]
    sets = [word for change in (f"data.root={tables}", *small, *changes) for word in ("--set", change)]
    assert main(["train", "heartbeat_resnext", *sets, "--run-dir", str(run)]) == 0
    return run / "checkpoint"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    """Checkpoint and tables of each split."""
    folder = tmp_path_factory.mktemp("leakage")
    found = {}
    for split in ("random", "patient"):
        tables = write_split(folder / split, split)
        found[split] = str(train(tables, folder / f"run-{split}")), str(tables)
    return found


def options(pairs: dict[str, tuple[str, str]]) -> list[str]:
    return ["leakage", *(word for split, pair in pairs.items() for word in (f"--{split}", *pair))]


def test_the_card_says_by_which_split_a_score_is(pairs, capsys) -> None:
    for split, (checkpoint, tables) in pairs.items():
        assert main(["evaluate", checkpoint, "--data", tables, "--to-card", "test table"]) == 0
        shown = capsys.readouterr().out
        card = load_checkpoint(checkpoint).card
        assert card.metrics["test table"]["tables"] == split
        assert ("none of these patients" in shown) == (split == "patient")
        assert (heartbeat_csv.SAME_PATIENTS in card.limits) == (split == "random")
        assert heartbeat_csv.LIMIT in card.limits
    # A network of the random split has seen the patients of the other tables too.
    assert main(["evaluate", pairs["random"][0], "--data", pairs["patient"][1]]) == 0
    assert "beats of the same patients" in capsys.readouterr().out
    assert heartbeat_csv.split_of(["p0"], ["mitbih_test"]) == "random", "patients that nobody knows"
    assert heartbeat_csv.limits_of(Path(pairs["random"][0])) == ()


def test_both_cards_hold_both_scores_and_name_the_difference(pairs, capsys) -> None:
    for _ in range(2):  # said twice, it stands there once
        assert main(options(pairs)) == 0
    shown = capsys.readouterr().out
    cards = [load_checkpoint(checkpoint).card for checkpoint, _ in pairs.values()]
    for card in cards:
        titles = ("split at random", "split by patient")
        random, patient = (card.metrics[title]["scores"]["macro_f1"] for title in titles)
        lost = card.metrics["leakage"]["f1_lost"]
        assert random["value"] > 0.9
        assert patient["value"] < 0.7
        assert lost["macro_f1"] == pytest.approx(random["value"] - patient["value"])
        assert lost["N_f1"] is not None and lost["Q_f1"] is None
        (sentence,) = [limit for limit in card.limits if "leakage" in limit]
        assert f"{random['value']:.3f} (" in sentence and f"{patient['value']:.3f} (" in sentence
        assert f"{lost['macro_f1']:.3f} of the first is leakage" in sentence
        assert sentence in shown
    assert cards[0].metrics["leakage"] == cards[1].metrics["leakage"]
    assert cards[0].metrics["split by patient"]["checkpoint_sha256"] == cards[1].weights_sha256
    assert json.dumps(cards[0].metrics, allow_nan=False)


def test_scores_that_do_not_go_together_are_refused(pairs, tmp_path: Path, capsys) -> None:
    turned = dict(zip(pairs, reversed(pairs.values()), strict=True))
    assert main(options(turned)) == 2
    assert "is not scored split at random; name the tables" in capsys.readouterr().err
    other = str(train(Path(pairs["patient"][1]), tmp_path / "other", "epochs=1", "seed=2"))
    assert main(options(pairs | {"patient": (other, pairs["patient"][1])})) == 2
    message = capsys.readouterr().err
    assert "trained otherwise: " in message and "epochs (12, 1)" in message and "seed (1, 2)" in message
    assert "leakage" not in load_checkpoint(other).card.metrics


def test_no_leakage_is_made_up() -> None:
    def metrics(value: float | None) -> dict:
        return {"macro_f1": {"value": value, "interval95": [None, None]}}

    assert "none of the first shows as leakage" in leakage._difference(metrics(0.5), metrics(0.6))["sentence"]
    assert "cannot be told" in leakage._difference(metrics(0.5), metrics(None))["sentence"]
