"""A lighter form as a job: the request, what is measured, the verdict that is kept, and promotion by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from models import load_checkpoint
from models.checkpoints import CARD
from models.compress import measure as measuring
from models.compress.job import RESULT, read_result, run_lighter, stored_verdict
from models.compress.make import check_request, make_request
from models.core.errors import CheckpointError, ConfigError
from models.experiments.promotion import promote
from models.training import RunContext
from tests.models.compress.conftest import make_record


@pytest.fixture
def made_one(tmp_path: Path, ptbxl_root: Path, monkeypatch: pytest.MonkeyPatch):
    """A job that wrote tiny as ONNX: its folder, and what it told."""
    root = tmp_path / "checkpoints"
    make_record(root / "tiny")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(root))
    monkeypatch.setattr(measuring, "BATCHES", (1, 2))
    told = []
    wanted = make_request({"checkpoint": "tiny", "method": "onnx", "root": str(ptbxl_root)})
    run_lighter(wanted, RunContext(tmp_path / "run"), lambda share, note: told.append((share, note)))
    return tmp_path / "run", told


def test_it_is_made_judged_and_measured(made_one) -> None:
    run_dir, told = made_one
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[0] >= 0 and shares[-1] < 1
    assert {"preparing", "asking the original", "asking the lighter form", "timing batches of 1"} <= {
        note for _, note in told
    }
    found = read_result(run_dir)
    assert found.verdict.faults == []
    assert found.verdict.labels == 5 * 6
    first, second = found.rows
    assert (first["name"], second["name"]) == ("tiny", "tiny-onnx")
    assert second["difference"] == pytest.approx(0.0, abs=1e-9)
    assert second["difference95"] == pytest.approx([0.0, 0.0], abs=1e-9)
    for row in found.rows:
        assert row["latency_ms"] > 0 and row["per_second"] > 0 and row["memory_mb"] >= 0
        low, high = row["interval95"]
        assert low <= row["figure"] <= high
    assert first["faster_at_1"] == first["faster_at_best"] == 1.0
    assert second["faster_at_best"] == pytest.approx(second["per_second"] / first["per_second"])


def test_the_verdict_of_the_job_promotes_or_refuses(made_one, tmp_path: Path) -> None:
    run_dir, _ = made_one
    folder = promote(run_dir, "tiny-light")
    assert json.loads((folder / CARD).read_text())["metrics"]["gate"]["changed"] == []
    kept = json.loads((run_dir / RESULT).read_text())
    changed = [f"ptbxl {number} MI: no -> yes (is no)" for number in range(7)]
    kept["verdict"]["changed"] = changed
    (run_dir / RESULT).write_text(json.dumps(kept))
    with pytest.raises(CheckpointError, match=r"7 of 30 labels changed") as caught:
        promote(run_dir, "other")
    assert all(line in str(caught.value) for line in changed)
    assert not (tmp_path / "checkpoints" / "other").exists()


def test_a_verdict_over_other_weights_counts_for_nothing(made_one) -> None:
    run_dir, _ = made_one
    kept = json.loads((run_dir / RESULT).read_text())
    lighter = load_checkpoint(run_dir / "checkpoint")
    assert stored_verdict(run_dir, lighter) is not None
    for key in ("sha256", "original_sha256"):
        (run_dir / RESULT).write_text(json.dumps(kept | {key: "0" * 64}))
        assert stored_verdict(run_dir, lighter) is None
        with pytest.raises(ConfigError, match="name the labelled data"):
            promote(run_dir, "other")
    (run_dir / RESULT).write_text("{")
    assert read_result(run_dir) is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"method": "magic"}, "method"),
        ({"method": "l1", "share": 1.0}, "share"),
        ({"method": "qat", "epochs": 0}, "epochs"),
        ({"method": "int8", "calibrate": "test"}, "calibrate"),
        ({"method": "int8", "colour": "red"}, "colour"),
    ],
)
def test_a_request_that_makes_no_sense_names_its_field(values: dict, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_request({"checkpoint": "tiny"} | values)
    assert caught.value.field == field


def test_a_method_that_is_not_for_the_checkpoint_is_refused(root: Path, tmp_path: Path) -> None:
    for method in ("qat", "l1", "channels"):
        with pytest.raises(CheckpointError, match="is for no whole recordings"):
            check_request(make_request({"checkpoint": "beat", "method": method}))
        with pytest.raises(ConfigError, match="name their folder"):
            check_request(make_request({"checkpoint": "tiny", "method": method}))
    with pytest.raises(CheckpointError, match="ONNX checkpoint already"):
        check_request(make_request({"checkpoint": "tiny-onnx", "method": "int8"}))
    with pytest.raises(ConfigError, match="is no folder"):
        check_request(make_request({"checkpoint": "tiny", "method": "int8", "root": str(tmp_path / "none")}))
