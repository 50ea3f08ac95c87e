"""A real training on simulated records, from the configuration to a checkpoint that scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models import load_checkpoint
from models.__main__ import main
from models.config import load_config
from models.core.errors import ConfigError, StoppedError
from models.evaluation.beats import evaluate
from models.networks.losses import CombinedLoss

FAST = ["epochs=3", "batch_size=32", "device=cpu", "early_stopping=0"]
RECORDS = ["data.train=[sim1, sim2]", "data.validation=[sim3]"]


@pytest.fixture(scope="module")
def trained(simulated_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a small window network."""
    from models.training import RunContext, run

    folder = tmp_path_factory.mktemp("run")
    changes = [*FAST, *RECORDS, f"data.root={simulated_root}", "epochs=8", "lr=0.01", "loss.lambda_combined=0.8"]
    run(load_config("beat_smoke", changes), RunContext(folder))
    return folder


def test_a_run_leaves_config_metrics_log_and_checkpoint(trained: Path) -> None:
    assert {"config.yaml", "metrics.json", "checkpoint", "best.ckpt", "tensorboard", "curves"} <= {
        p.name for p in trained.iterdir()
    }
    card = load_checkpoint(trained / "checkpoint").card
    assert [record.name for record in card.training_records] == ["sim1", "sim2"]
    assert card.calibration["records"] == ["sim3"]
    assert card.temperature > 0
    assert card.licence == card.citation == "", "nobody knows whose these recordings are"
    assert card.limits[0].startswith("Trained on 2 recordings of no database known here, 0.1 h in all: ")
    assert card.limits[1].startswith("Saw too few beats of a class to know it: ") and "F (0)" in card.limits[1]
    assert str(Path.cwd()) not in card.model_dump_json(), "a card holds no path of the machine"


def test_the_network_learns_simulated_ventricular_beats(trained: Path, simulated_root: Path) -> None:
    result = evaluate(load_checkpoint(trained / "checkpoint"), simulated_root, names=["sim3"])
    metrics = result["pooled"]["scores"]
    assert metrics["V_se"]["value"] > 0.8
    assert metrics["N_se"]["value"] > 0.9
    assert metrics["V_se"]["interval95"] == [None, None], "one record says nothing of others"
    three = evaluate(load_checkpoint(trained / "checkpoint"), simulated_root)["pooled"]["scores"]
    low, high = three["V_se"]["interval95"]
    assert low <= three["V_se"]["value"] <= high


def test_tensorboard_has_scalars_and_the_graph(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard")).Reload()
    assert "validation/macro_f1" in events.Tags()["scalars"]
    assert "train/loss" in events.Tags()["scalars"]
    assert events.Tags()["graph"]


def test_the_same_seed_gives_the_same_weights(simulated_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    changes = [*FAST, *RECORDS, f"data.root={simulated_root}", "epochs=1"]
    weights = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        folder = run(load_config("beat_smoke", [*changes, f"seed={seed}"]), RunContext(tmp_path / name))
        weights.append(torch.cat([value.flatten() for value in load_checkpoint(folder).network.state_dict().values()]))
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_a_strip_network_trains_reports_and_stops_when_asked(simulated_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    reports: list[tuple[int, int]] = []
    changes = [
        *FAST,
        *RECORDS,
        f"data.root={simulated_root}",
        "data.noise_root=",
        "task.segment_seconds=20",
        "task.margin_seconds=4",
        "network.arguments={width: 8, depth: 1, token: 8, lstm_hidden: 8}",
        "batch_size=2",
        "epochs=50",
        "lr=0.01",
        "augment.premature=0.5",
    ]
    context = RunContext(
        tmp_path, lambda epoch, epochs, metrics: reports.append((epoch, epochs)), lambda: len(reports) >= 2
    )
    with pytest.raises(StoppedError, match="stopped before epoch 3"):
        run(load_config("beat_strip", changes), context)
    assert reports == [(1, 50), (2, 50)]
    folder = run(load_config("beat_strip", [*changes, "epochs=1"]), RunContext(tmp_path))
    assert load_checkpoint(folder).task.kind == "strip"


def test_a_student_comes_closer_to_its_teacher(simulated_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    changes = [*FAST, *RECORDS, f"data.root={simulated_root}", "task.rr=false"]
    teacher = run(load_config("beat_smoke", [*changes, "seed=3"]), RunContext(tmp_path / "teacher"))
    x = torch.randn(64, 1, load_checkpoint(teacher).task.length, generator=torch.Generator().manual_seed(0))
    distance = {}
    for name, weight in (("alone", 0.0), ("taught", 1.0)):
        taught = [f"loss.teachers=[{teacher}]", f"loss.teacher_weight={weight}", "seed=9", "epochs=6", "lr=0.003"]
        folder = run(load_config("beat_smoke", [*changes, *taught]), RunContext(tmp_path / name))
        answers = []
        for checkpoint in (load_checkpoint(teacher), load_checkpoint(folder)):
            with torch.no_grad():
                answers.append(torch.softmax(checkpoint.network(x) / checkpoint.card.temperature, dim=-1))
        distance[name] = float((answers[0] - answers[1]).abs().mean())
    assert distance["taught"] < distance["alone"]
    assert load_checkpoint(folder).card.config["loss"]["teachers"] == [teacher.name], "no folder of this machine"


def test_a_student_without_records_to_validate_on_is_as_sure_as_its_teacher(
    simulated_root: Path, tmp_path: Path
) -> None:
    from models.training import RunContext, run

    changes = [*FAST, *RECORDS, f"data.root={simulated_root}"]
    teacher = run(load_config("beat_smoke", [*changes, "lr=0.01"]), RunContext(tmp_path / "teacher"))
    taught = [f"loss.teachers=[{teacher}]", "data.validation=[]"]
    card = load_checkpoint(run(load_config("beat_smoke", [*changes, *taught]), RunContext(tmp_path / "taught"))).card
    assert card.calibration["teachers"] == [teacher.name]
    assert card.calibration["records"] == []
    assert card.temperature > 0
    assert card.temperature != 1


def test_a_teacher_that_reads_another_input_is_refused(simulated_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    changes = [*FAST, *RECORDS, f"data.root={simulated_root}"]
    teacher = run(load_config("beat_smoke", changes), RunContext(tmp_path / "teacher"))
    other = load_config("beat_smoke", [*changes, f"loss.teachers=[{teacher}]", "task.segment_seconds=1.25"])
    with pytest.raises(ConfigError, match=r"loss\.teachers"):
        run(other, RunContext(tmp_path / "student"))


def test_a_patient_never_crosses(simulated_root: Path, tmp_path: Path) -> None:
    from models.training import RunContext, run

    config = load_config("beat_smoke", [f"data.root={simulated_root}", "data.train=[sim1]", "data.validation=[sim1]"])
    with pytest.raises(ConfigError, match=r"sim1 are in data\.train too"):
        run(config, RunContext(tmp_path))


def test_the_command_line_trains_evaluates_and_promotes(simulated_root, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    sets = [item for change in [*FAST, *RECORDS, f"data.root={simulated_root}"] for item in ("--set", change)]
    assert main(["train", "beat_smoke", *sets, "--run-dir", str(tmp_path / "run")]) == 0
    assert "epoch 3 of 3" in (tmp_path / "run" / "log.txt").read_text()
    assert main(["promote", str(tmp_path / "run"), "--name", "mine"]) == 0
    report = tmp_path / "report.json"
    assert (
        main(["evaluate", "mine", "--data", str(simulated_root), "--records", "sim1,sim3", "--json", str(report)]) == 0
    )
    written = json.loads(report.read_text())
    assert list(written["records"]) == ["sim1", "sim3"]
    assert len(written["pooled"]["confusion"]) == 6
    capsys.readouterr()
    assert main(["list"]) == 0
    assert "mine" in capsys.readouterr().out
    assert main(["evaluate", "mine", "--data", str(simulated_root), "--split", "test"]) == 2
    assert "holds no annotated WFDB record of split 'test'" in capsys.readouterr().err


def test_the_loss_is_the_stated_sum() -> None:
    torch.manual_seed(0)
    logits, embedding, target = torch.randn(16, 5), torch.randn(16, 8), torch.randint(0, 5, (16,))
    mixed = CombinedLoss(5, 8, lambda_combined=0.3)
    pure = torch.nn.functional.cross_entropy(logits, target)
    expected = 0.3 * pure + 0.7 * mixed.proxy_anchor(embedding, target)
    torch.testing.assert_close(mixed(logits, embedding, target), expected)
    torch.testing.assert_close(CombinedLoss(5, 8, lambda_combined=1.0)(logits, embedding, target), pure)
    only_proxy = CombinedLoss(5, 8, lambda_combined=0.0)
    torch.testing.assert_close(only_proxy(logits, embedding, target), only_proxy.proxy_anchor(embedding, target))
    assert any(parameter.shape == (5, 8) for parameter in mixed.parameters()), "the proxies are trained too"
    with pytest.raises(ValueError, match="between 0 and 1"):
        CombinedLoss(5, 8, lambda_combined=2)
