"""A real training on small recordings, from the configuration to a checkpoint that scores and answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models import load_checkpoint
from models.__main__ import main
from models.config import RecordTrainConfig, load_config
from models.core.errors import CheckpointError, ConfigError, StoppedError
from models.data.whole_recordings import load_split, prepare
from models.evaluation.records import classify_record, evaluate_recordings, predict_prepared
from models.experiments.curves import monitored
from models.experiments.paired import compare
from models.experiments.predictions import common_cases, predict
from models.experiments.preflight import outlook
from tests.models.data.ptbxl_folder import NAMES, simulate, write_arrays

SETS = ["batch_size=8", "epochs=12", "lr=0.02", "data.validation_folds=[8,9]", "data.train_folds=[1,2,3,4,5,6,7]"]


@pytest.fixture(scope="module")
def config(ptbxl_root: Path) -> RecordTrainConfig:
    return load_config("ecg12_smoke", [*SETS, f"data.root={ptbxl_root}"])


@pytest.fixture(scope="module")
def trained(config: RecordTrainConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a small network."""
    from models.training import RunContext, run

    folder = tmp_path_factory.mktemp("run")
    run(config, RunContext(folder))
    return folder


def test_it_learns_and_the_card_says_how(trained: Path, config: RecordTrainConfig, ptbxl_root: Path) -> None:
    card = load_checkpoint(trained / "checkpoint").card
    scores = card.metrics["validation"]["scores"]
    assert scores["macro_auroc"]["value"] > 0.8
    assert "Hypertrophy shows in voltages" in card.limits[-1]
    assert card.classes == ("NORM", "MI", "STTC", "CD", "HYP")
    assert set(card.calibration["thresholds"]) == set(card.classes)
    assert len(card.calibration["shift"]) == 5
    assert len(card.training_records) == card.metrics["data"]["train"]["recordings"] == 42
    assert card.metrics["data"]["left_out"]["without superclass"] == 1
    assert str(ptbxl_root) not in (trained / "checkpoint" / "card.json").read_text()
    assert monitored(config) == ("validation/macro_auroc", "max")
    assert monitored(config.model_dump(mode="json")) == monitored(config)


def test_training_and_analysis_prepare_the_same_bits(trained: Path, config: RecordTrainConfig) -> None:
    checkpoint = load_checkpoint(trained / "checkpoint")
    row = load_split(config.data, config.task).sides["test"][0]
    seen = prepare([row], config.task)
    samples, fs, leads = row.load()
    conditioned = checkpoint.task.condition(samples, fs, leads)
    assert np.array_equal(conditioned, seen.signals[0])
    assert torch.equal(checkpoint.task.window(conditioned, 40), config.task.window(seen.signals[0], 40))
    asked = classify_record(checkpoint, samples, fs, leads)
    np.testing.assert_allclose(asked.logits, predict_prepared(checkpoint, seen)[0], atol=1e-5)


def test_a_long_recording_is_answered_window_by_window(trained: Path) -> None:
    checkpoint = load_checkpoint(trained / "checkpoint")
    told: list[tuple[int, int, str]] = []
    long = simulate((1, 0, 0, 0, 0), 9, seconds=125, fs=250)
    found = classify_record(checkpoint, long, 250.0, NAMES, hop_seconds=4, progress=lambda *one: told.append(one))
    assert found.window_probability.shape == (len(found.start_s), 5)
    assert found.start_s[-1] == pytest.approx(117.0)
    assert np.diff(found.start_s).max() <= 4
    np.testing.assert_allclose(found.logits, found.window_logits.mean(axis=0), atol=1e-6)
    assert ((found.probability >= found.thresholds) == found.positive).all()
    assert told[-1][0] == told[-1][1] == len(found.start_s)
    stopped = classify_record(checkpoint, long, 250.0, NAMES, should_stop=lambda: True)
    assert 0 < len(stopped.start_s) < len(found.start_s) * 4
    with pytest.raises(ConfigError, match=r"has 3\.00 s; the network needs"):
        classify_record(checkpoint, long[:750], 250.0, NAMES)
    with pytest.raises(ConfigError, match="lacks V6"):
        classify_record(checkpoint, long[:, :11], 250.0, NAMES[:11])


def test_evaluate_scores_the_test_folds(trained: Path, ptbxl_root: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "figures.json"
    command = ["evaluate", str(trained / "checkpoint"), "--data", str(ptbxl_root), "--json", str(file)]
    assert main([*command, "--to-card", "test"]) == 0
    shown = capsys.readouterr().out
    assert "macro AUROC" in shown and "without the 10% least certain" in shown
    result = json.loads(file.read_text())
    assert result["pooled"]["recordings"] == 6
    assert result["seen_in_training"] == 0
    assert load_checkpoint(trained / "checkpoint").card.metrics["test"]["recordings"] == 6
    again = evaluate_recordings(load_checkpoint(trained / "checkpoint"), ptbxl_root, "train")
    assert again["seen_in_training"] == again["pooled"]["recordings"]
    assert main([*command, "--lead", "V1"]) == 2
    assert main(["evaluate", "beat-dcrnn", "--data", str(ptbxl_root), "--split", "ds1"]) == 2


def test_other_checkpoints_do_not_read_recordings() -> None:
    with pytest.raises(CheckpointError, match="does not read whole recordings"):
        classify_record(load_checkpoint("beat-dcrnn"), simulate((1, 0, 0, 0, 0), 1), 100.0, NAMES)


def test_a_student_learns_from_a_teacher(trained: Path, config: RecordTrainConfig, tmp_path: Path) -> None:
    from models.training import RunContext, run

    changes = ["epochs=1", "loss.teacher_weight=1", "augment.mixup=0.3", f"loss.teachers=[{trained / 'checkpoint'}]"]
    student = load_config("ecg12_smoke", [*SETS, f"data.root={config.data.root}", *changes])
    folder = run(student, RunContext(tmp_path / "student"))
    assert load_checkpoint(folder).card.config["loss"]["teachers"] == ["checkpoint"]
    other = load_config("ecg12_smoke", [*SETS, f"data.root={config.data.root}", *changes, "task.segment_seconds=5"])
    assert run(other, RunContext(tmp_path / "other")).is_dir(), "a teacher of another input is asked once a recording"


def test_a_stopped_training_goes_on_to_the_same_weights(config: RecordTrainConfig, tmp_path: Path) -> None:
    from models.training import RunContext, run

    changes = ["epochs=2", "augment.mixup=0.3", "augment.noise=0.2", "ema_decay=0.9", "schedule=plateau"]
    short = load_config("ecg12_smoke", [*SETS, f"data.root={config.data.root}", *changes])
    whole = load_checkpoint(run(short, RunContext(tmp_path / "whole")))
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        run(short, RunContext(tmp_path / "stopped", should_stop=lambda: next(asked) >= 6))
    resumed = load_checkpoint(run(short, RunContext(tmp_path / "stopped", resume=True)))
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name


def test_the_check_before_a_training(config: RecordTrainConfig) -> None:
    from models.jobs.submission import check_data

    found = outlook(config)
    assert found.cases.units == "recordings"
    assert found.cases.sizes == (42, 12)
    assert found.cases.steps == 5
    assert sum(found.cases.train.values()) >= 42
    assert found.seconds > 0 and found.memory_bytes > 0
    with pytest.raises(ConfigError) as caught:
        check_data(config.model_copy(update={"data": config.data.model_copy(update={"root": "nowhere"})}))
    assert caught.value.field == "data.root"
    with pytest.raises(ConfigError, match="all training recordings agree on"):
        check_data(
            config.model_copy(update={"data": config.data.model_copy(update={"train_folds": (1,)})}),
        )


def test_the_card_counts_what_could_not_be_learned_from(tmp_path: Path, caplog) -> None:
    root = write_arrays(tmp_path / "arrays")
    (root / "train" / "normal" / "empty.npy").touch()
    (root / "val" / "normal" / "zip.npy").write_bytes(b"PK\x03\x04")
    (root / "test" / "5.npy").touch()
    small = ["epochs=1", "batch_size=2", "network.arguments={widths: [4, 4, 4, 4]}", f"data.root={root}"]
    sets = [word for change in small for word in ("--set", change)]
    with caplog.at_level("WARNING"):
        assert main(["train", "eight_lead_small", *sets, "--run-dir", str(tmp_path / "run")]) == 0
    counts = load_checkpoint(tmp_path / "run" / "checkpoint").card.metrics["data"]
    # The recording of 8 s and the empty file in training, the archive in validation; 5.npy says no label.
    assert counts["left_out"] == {"unreadable or too short": 3, "without label": 1}
    assert counts["train"]["recordings"] == 3
    assert "train/normal/empty.npy" in caplog.text and "8.00 s; the network needs 9.9 s" in caplog.text


def test_two_runs_are_compared_label_by_label(trained: Path, config: RecordTrainConfig) -> None:
    cases = common_cases(config, config, "test")
    first = predict(trained / "checkpoint", config, cases)
    found = compare(first, first)
    assert (found.cases, found.metric) == (30, "auroc")
    assert found.difference == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ("task.segment_seconds=0.1", "task.segment_seconds"),
        ("task.lowpass_hz=70", "task.lowpass_hz"),
        ("network.architecture=dcrnn", "network.architecture"),
        ("data.train_folds=[9]", "data.train_folds"),
        ("beats_per_epoch=3", "beats_per_epoch"),
        ("loss.pos_weight_power=2", "loss.pos_weight_power"),
    ],
)
def test_what_cannot_work_is_refused_by_name(change: str, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("ecg12_smoke", [change])
    assert caught.value.field == field


def test_recordings_without_voltages_are_not_mixed_with_others() -> None:
    with pytest.raises(ConfigError, match="have lost their voltages"):
        load_config("ecg12_smoke", ["task.scaling=mV", "data.more=somewhere"])


def test_a_network_for_beats_serves_recordings_where_it_can() -> None:
    config = load_config("ecg12_smoke", ["network.architecture=se_resnet_lstm", "network.arguments={}"])
    assert config.network_arguments() == {"in_channel": 12, "num_classes": 5}
