"""A checkpoint against the one that it is to replace; promotion, rollback and their log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.__main__ import main
from models.checkpoints import checkpoint_folder, checkpoints_root, list_checkpoints, load_checkpoint, save_checkpoint
from models.core.errors import CheckpointError, ConfigError
from models.data.image_folder import load_split
from models.data.versions import Change, make_version
from models.evaluation.operating_point import OperatingPoint, load, save
from models.experiments.promotion import promote, promotions, rollback, standing, taken
from models.experiments.succession import compare_successor, render
from tests.ecgviz.spots import spot_checkpoint, write_pictures


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ECGVIZ_CHECKPOINTS", raising=False)
    return tmp_path / "home"


@pytest.fixture
def parts(tmp_path) -> Path:
    """Twelve good pictures and twelve with a spot, each its own part."""
    root = tmp_path / "parts"
    for kind in (False, True):
        for number, path in enumerate(write_pictures(root / ("bad" if kind else "good"), [kind] * 12)):
            path.write_bytes(path.read_bytes() + bytes([number]))  # another file, the same picture
    return root


@pytest.fixture
def good(tmp_path, monkeypatch):
    return spot_checkpoint(tmp_path / "good", monkeypatch)


def blind(good, folder: Path, **changes):
    """A network that calls every picture good."""
    with torch.no_grad():
        good.network.classifier.weight.zero_()
    save_checkpoint(folder, good.network, good.card.model_copy(update=changes))
    return load_checkpoint(folder)


def test_what_gets_worse_is_said_and_what_does_not_is_not(good, parts, tmp_path):
    sharp = load_checkpoint(good.folder)
    poor = blind(good, tmp_path / "poor" / "spots")
    found = compare_successor(sharp, poor, parts)
    assert not found.passes
    assert any("AUROC 1.000 -> 0.500" in one for one in found.worse)
    assert any("defects would be passed" in one for one in found.worse)
    assert compare_successor(poor, sharp, parts).passes
    assert compare_successor(sharp, sharp, parts).parts[0].paired.difference == 0
    assert "WORSE" in render(found)


def test_no_case_counts_that_either_was_trained_on(good, parts):
    sides, hashes = load_split(parts)
    seen = tuple(hashes[row.file][:16] for row in sides["test"][1:])
    one = good.card.model_copy(update={"training_images": seen})
    save_checkpoint(good.folder, good.network, one)
    found = compare_successor(load_checkpoint(good.folder), load_checkpoint(good.folder), parts)
    assert (sum(part.count[0] for part in found.parts), found.left_out) == (1, len(seen))
    every = tuple(hashes[row.file][:16] for row in sides["test"])
    save_checkpoint(good.folder, good.network, one.model_copy(update={"training_images": every}))
    with pytest.raises(ConfigError, match="no held-out picture"):
        compare_successor(load_checkpoint(good.folder), load_checkpoint(good.folder), parts)


def test_old_and_new_cases_are_told_apart(good, parts):
    sides, _ = load_split(parts)
    turned = sides["test"][0]
    changes = [Change(turned.path, ("normal", "defect")[1 - turned.label], "Ana", "2026", "looked")]
    version = make_version("parts", changes, parts)
    later = make_version("parts", [], version.folder)
    for root in (version.folder, later.folder):
        found = compare_successor(good, good, root)
        assert [part.count[0] for part in found.parts] == [len(sides["test"]) - 1, 1]


def test_a_promotion_is_kept_logged_and_rolled_back(good, tmp_path, home):
    save(good.folder, OperatingPoint(threshold=0.25))
    first = promote(good.folder, "spots", who="Ana", why="first")
    assert first == home / "checkpoints" / "spots", "never in the folder of the program"
    assert load(first).threshold == 0.25, "the operating point comes along"
    sharp = load_checkpoint("spots").sha256
    poor = blind(good, tmp_path / "poor" / "spots")
    promote(poor.folder, "spots", who="Ben", why="a trial")
    assert load_checkpoint("spots").sha256 == poor.sha256
    assert load(checkpoint_folder("spots")) is None, "a threshold of other weights does not judge"
    line = rollback("spots", who="Ana", why="misses spots")
    assert (load_checkpoint("spots").sha256, line.sha256) == (sharp, sharp)
    assert load(checkpoint_folder("spots")).threshold == 0.25
    rollback("spots", who="Ana")
    assert not taken("spots")
    with pytest.raises(ConfigError, match="can be taken back"):
        rollback("spots")
    assert [(one.action, one.who) for one in promotions("spots")] == [
        ("promote", "Ana"), ("promote", "Ben"), ("rollback", "Ana"), ("rollback", "Ana"),
    ]  # fmt: skip
    assert standing("spots") is None


def test_a_promoted_one_goes_before_a_shipped_one_and_rollback_shows_it_again(good, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    monkeypatch.setattr("models.checkpoints.checkpoints_root", lambda: shipped)
    save_checkpoint(shipped / "spots", good.network, good.card)
    before = load_checkpoint("spots").sha256
    poor = blind(good, tmp_path / "poor" / "spots")
    promote(poor.folder, "spots")
    assert load_checkpoint("spots").sha256 == poor.sha256
    assert [one.folder for one in list_checkpoints()] == [checkpoint_folder("spots")]
    assert promotions("spots")[0].former_sha256 == before
    assert rollback("spots").sha256 == before
    assert load_checkpoint("spots").folder == shipped / "spots"


def test_a_former_one_that_is_gone_is_said(good, tmp_path, home):
    promote(good.folder, "spots")
    promote(blind(good, tmp_path / "poor" / "spots").folder, "spots")
    (home / "checkpoints" / ".history" / "spots" / "0001" / "card.json").unlink()
    with pytest.raises(CheckpointError, match="cannot be rolled back"):
        rollback("spots")
    assert load_checkpoint("spots").sha256, "what stands stays"


def test_whatever_stands_in_the_log_a_promotion_can_be_taken_back(good, home):
    """Lines that were cut off or edited, and words with a line separator of their own."""
    promote(good.folder, "line", who="Ana", why="first\u2028of two\x85lines")
    log = home / "checkpoints" / "promotions.jsonl"
    damaged = json.dumps(json.loads(log.read_text().split("\n")[0]) | {"archived": "x"})
    with log.open("a") as stream:
        stream.write(damaged + "\n" + "[" * 100_000 + '\n{"time": "2026", "act')
    promote(good.folder, "line", who="Ben", why="second")
    assert [one.who for one in promotions("line")] == ["Ana", "Ben"]
    assert [rollback("line").archived, rollback("line").archived] == [2, 3]
    assert standing("line") is None


def test_the_commands_compare_refuse_promote_and_roll_back(good, parts, tmp_path, capsys):
    sharp = load_checkpoint(good.folder)
    assert main(["promote", str(sharp.folder), "--name", "spots", "--who", "Ana"]) == 0
    poor = blind(good, tmp_path / "poor" / "spots")
    out = tmp_path / "c.json"
    assert main(["compare", "spots", str(poor.folder), "--data", str(parts), "--json", str(out)]) == 1
    assert json.loads(out.read_text())["worse"]
    given = ["promote", str(poor.folder), "--name", "spots", "--data", str(parts)]
    assert main(given) == 2
    assert load_checkpoint("spots").sha256 == sharp.sha256
    assert main([*given, "--anyway", "a trial", "--who", "Ben"]) == 0
    assert load_checkpoint("spots").sha256 == poor.sha256
    assert main(["rollback", "spots", "--why", "misses spots"]) == 0
    assert load_checkpoint("spots").sha256 == sharp.sha256
    capsys.readouterr()
    assert main(["promotions", "spots"]) == 0
    assert "a trial" in capsys.readouterr().out
    assert main(["rollback", "never-promoted"]) == 2
    assert not (checkpoints_root() / "spots").exists()
