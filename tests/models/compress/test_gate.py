"""The gate: a lighter checkpoint that answers otherwise is refused with the cases, one that does not is let through."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import load_checkpoint
from models.__main__ import main
from models.checkpoints import Original, save_checkpoint
from models.compress.gate import Trial, changed_labels, compare, judge
from models.compress.predictions import Data, PredictedLabels, predict_labels
from models.core.errors import CheckpointError, ConfigError
from tests.models.compress.conftest import make_beat, make_record

NAMES = ("A", "B")


def _predictions(labels: list[list[str]]) -> PredictedLabels:
    found = np.array(labels)
    truth = np.array([["yes", "no"]] * len(labels))
    cases = tuple(f"case {number}" for number in range(len(labels)))
    return PredictedLabels(
        metric="share right",
        cases=cases,
        groups=np.array(cases),
        labels=found,
        truth=truth,
        titles=NAMES,
        score=lambda chosen: float((found == truth)[chosen].mean()),
    )


def test_each_label_that_changed_is_named_with_the_truth() -> None:
    before = _predictions([["yes", "no"], ["yes", "no"], ["no", "no"]])
    after = _predictions([["yes", "no"], ["yes", "yes"], ["yes", "no"]])
    assert changed_labels(before, after) == ("case 1 B: no -> yes (is no)", "case 2 A: no -> yes (is yes)")


def test_both_limits_hold_by_themselves() -> None:
    before = _predictions([["yes", "no"]] * 20)
    worse = _predictions([["no", "no"]] * 2 + [["yes", "no"]] * 18)
    trial = Trial(Data("x"), tolerance=0.01, most_changed=2)
    assert [fault.split(" ")[0] for fault in compare(before, worse, "a", "b", trial).faults] == ["share"]
    trial = replace(trial, tolerance=0.06, most_changed=1)
    assert compare(before, worse, "a", "b", trial).faults == ["2 of 40 labels changed, more than 1"]
    verdict = compare(before, worse, "a", "b", replace(trial, most_changed=2))
    assert verdict.faults == []
    low, high = verdict.interval
    assert low < verdict.after - verdict.before < high <= 0


def test_other_cases_cannot_be_compared() -> None:
    with pytest.raises(ConfigError, match="the same cases"):
        compare(_predictions([["yes", "no"]]), _predictions([["yes", "no"]] * 2), "a", "b", Trial(Data("x")))


@pytest.fixture
def shifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A "lighter" checkpoint that says everything with more conviction than its original."""
    root = tmp_path / "checkpoints"
    original = make_record(root / "tiny")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(root))
    with torch.no_grad():
        original.network.classifier.bias += 3.0
    card = original.card.model_copy(update={"original": Original(name="tiny", sha256=original.sha256)})
    save_checkpoint(tmp_path / "shifted", original.network, card)
    return tmp_path / "shifted"


def test_promotion_goes_through_the_gate(shifted: Path, ptbxl_root: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["promote", str(shifted), "--name", "lighter"]
    assert main(command) == 2
    assert "--data FOLDER" in capsys.readouterr().err
    command += ["--data", str(ptbxl_root)]
    assert main(command) == 2
    refusal = capsys.readouterr().err
    trial = Data(ptbxl_root)
    before, after = (predict_labels(load_checkpoint(one), trial) for one in ("tiny", shifted))
    lines = changed_labels(before, after)
    assert lines
    assert [line.strip() for line in refusal.splitlines()[1:]] == list(lines)
    assert not (shifted.parent / "checkpoints" / "lighter").exists()
    assert main([*command, "--changed", "1000"]) == 0
    gate = load_checkpoint("lighter").card.metrics["gate"]
    assert gate["changed"] == list(lines)
    assert gate["original"] == pytest.approx(gate["lighter"], abs=1e-6)  # a shift moves no ranks
    assert gate["labels"] == 5 * len(before.cases)


def test_small_steps_are_held_against_the_first_of_the_line(shifted: Path, ptbxl_root: Path) -> None:
    root = shifted.parent / "checkpoints"
    step = load_checkpoint(shutil.copytree(shifted, root / "step"))
    card = step.card.model_copy(update={"original": Original(name="step", sha256=step.sha256)})
    save_checkpoint(root / "circle", step.network, card)
    with pytest.raises(CheckpointError, match="its own original"):
        judge(load_checkpoint("circle"), Trial(Data(ptbxl_root)))
    shutil.rmtree(root / "circle")
    with torch.no_grad():
        step.network.classifier.bias += 0.01
    save_checkpoint(root / "second", step.network, card)
    trial = Trial(Data(ptbxl_root))
    found = judge(load_checkpoint("second"), trial)
    assert found.original == "tiny"
    assert len(found.changed) >= len(judge(load_checkpoint("step"), trial).changed) > 0


def test_a_lost_original_is_told(shifted: Path, ptbxl_root: Path, capsys: pytest.CaptureFixture) -> None:
    (shifted.parent / "checkpoints" / "tiny" / "card.json").unlink()
    assert main(["promote", str(shifted), "--data", str(ptbxl_root)]) == 2
    assert "needs its original tiny" in capsys.readouterr().err


def test_beats_are_cases_too(tmp_path: Path, simulated_root: Path) -> None:
    found = predict_labels(make_beat(tmp_path / "beat"), Data(simulated_root, split="all"))
    assert found.labels.shape == found.truth.shape == (len(found.cases), 1)
    assert set(found.groups) == {"sim1", "sim2", "sim3"}
    assert found.cases[0].startswith("sim1 at ")
    assert compare(found, found, "a", "a", Trial(Data(""))).changed == ()
