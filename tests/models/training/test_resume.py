"""A training that was stopped or killed goes on as if it had not been: the same weights, bit for bit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from models import load_checkpoint
from models.config import TrainConfig, load_config
from models.core.errors import CheckpointError, ConfigError, StoppedError, TrainingError
from models.training import RunContext, TrainingProgress, run
from models.training.resume import newest_whole

BEATS = [
    "data.train=[sim1, sim2]",
    "data.validation=[sim3]",
    "device=cpu",
    "batch_size=64",
    "epochs=3",
    "lr=0.01",
    "augment.gain=0.2",
    "augment.shift_ms=5",
    "early_stopping=3",
]
PICTURES = ["data.shares=[0.5, 0.25, 0.25]", "epochs=3", "images_per_epoch=24", "task.image_size=32"]
PICTURES += ["network.architecture=tf_efficientnet_lite0"]


class KilledError(Exception):
    """Stands for a process that is gone between two batches."""


def stop_at(run_dir: Path, epoch: int, step: int, **fields) -> RunContext:
    """A context that asks to stop after a batch."""
    places: list[TrainingProgress] = []

    def should_stop() -> bool:
        return bool(places) and (places[-1].epoch, places[-1].step) >= (epoch, step)

    return RunContext(run_dir, should_stop=should_stop, progress=places.append, **fields)


def kill_at(epoch: int, step: int) -> Callable[[TrainingProgress], None]:
    def progress(place: TrainingProgress) -> None:
        if (place.epoch, place.step) == (epoch, step):
            raise KilledError

    return progress


def weights(folder: Path) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


def full_weights(run_dir: Path) -> dict[str, torch.Tensor]:
    """Weights of the chosen epoch in full precision."""
    return torch.load(run_dir / "best.ckpt", weights_only=True)["state_dict"]


def assert_same(first: Path, second: Path) -> None:
    assert weights(first / "checkpoint") == weights(second / "checkpoint")
    one, other = full_weights(first), full_weights(second)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (first, second)]
    assert metrics[0] | {"seconds": 0} == metrics[1] | {"seconds": 0}


def last_states(run_dir: Path) -> Sequence[Path]:
    return sorted((run_dir / "resume").glob("step-*.ckpt"))


@pytest.fixture(scope="module")
def beats(simulated_root: Path) -> Callable[..., TrainConfig]:
    return lambda *changes: load_config("beat_smoke", [*BEATS, f"data.root={simulated_root}", *changes])


@pytest.fixture(scope="module")
def pictures(picture_root: Path) -> Callable[..., TrainConfig]:
    return lambda *changes: load_config("ct_smoke", [*PICTURES, f"data.root={picture_root}", *changes])


@pytest.fixture(scope="module")
def whole(beats, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a training of beats that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run(beats(), RunContext(folder))
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        ["schedule=step", "decay_epoch=1"],
        ["schedule=onecycle", "ema_decay=0.9", "loss.lambda_combined=0.5"],
    ],
    ids=["schedule by epoch", "schedule by step, average, proxies"],
)
def test_beats_stopped_twice_within_epochs_end_as_if_they_had_not(beats, tmp_path: Path, changes: list[str]) -> None:
    config = beats(*changes)
    run(config, RunContext(tmp_path / "whole"))
    broken = tmp_path / "broken"
    for epoch, step in ((1, 2), (3, 1)):
        with pytest.raises(StoppedError, match=f"stopped in epoch {epoch} after step {step}"):
            run(config, stop_at(broken, epoch, step, resume=True))
    seen: list[TrainingProgress] = []
    run(config, RunContext(broken, resume=True, progress=seen.append))
    training = [place for place in seen if place.stage == "training"]
    assert (training[0].epoch, training[0].step) == (3, 2), "what was done is not done again"
    assert_same(tmp_path / "whole", broken)
    assert (broken / "log.txt").read_text().count("goes on in epoch") == 2


def test_strips_with_dropout_and_every_augmentation_end_as_if_they_had_not(simulated_root, tmp_path: Path) -> None:
    changes = [
        *BEATS,
        f"data.root={simulated_root}",
        "data.noise_root=",
        "task.segment_seconds=20",
        "task.margin_seconds=4",
        "network.arguments={width: 8, depth: 1, token: 8, lstm_hidden: 8, dropout: 0.3}",
        "batch_size=4",
        "epochs=2",
        "augment.premature=0.5",
        "augment.aberrant=0.5",
    ]
    config = load_config("beat_strip", changes)
    run(config, RunContext(tmp_path / "whole"))
    with pytest.raises(StoppedError, match="stopped in epoch 1 after step 2"):
        run(config, stop_at(tmp_path / "broken", 1, 2))
    run(config, RunContext(tmp_path / "broken", resume=True))
    assert_same(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize("workers", [0, 1])
def test_pictures_killed_within_and_between_epochs_end_as_if_they_had_not(pictures, tmp_path: Path, workers) -> None:
    config = pictures("schedule=cosine", f"data.workers={workers}", "network.arguments={drop_rate: 0.3}")
    run(config, RunContext(tmp_path / "whole"))
    broken = tmp_path / "broken"
    for epoch, step in ((2, 1), (3, 2)):
        context = RunContext(broken, progress=kill_at(epoch, step), resume=True, checkpoint_every_s=0)
        with pytest.raises(KilledError):
            run(config, context)
    _, place = newest_whole(RunContext(broken), config)
    assert (place["epoch"], place["seen"]) == (2, 1)
    run(config, RunContext(broken, resume=True))
    assert_same(tmp_path / "whole", broken)


def test_a_training_killed_while_it_is_scored_does_not_train_again(beats, whole: Path, tmp_path: Path) -> None:
    config = beats()

    def progress(place: TrainingProgress) -> None:
        if place.stage == "finishing":
            raise KilledError

    with pytest.raises(KilledError):
        run(config, RunContext(tmp_path / "broken", progress=progress))
    seen: list[TrainingProgress] = []
    run(config, RunContext(tmp_path / "broken", resume=True, progress=seen.append))
    assert [place.stage for place in seen] == ["reading", "finishing"]
    assert_same(whole, tmp_path / "broken")


@pytest.mark.parametrize(("patience_s", "reason"), [(60.0, "before epoch 2"), (0.0, "while epoch 1 was validated")])
def test_beats_stopped_while_they_are_validated_end_as_if_they_had_not(
    beats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, reason: str
) -> None:
    monkeypatch.setattr("models.training.resume.VALIDATION_S", patience_s)
    config = beats("epochs=2", "batch_size=128")
    run(config, RunContext(tmp_path / "whole"))
    steps = 3
    with pytest.raises(StoppedError, match=reason):
        run(config, stop_at(tmp_path / "broken", 1, steps))
    assert bool(last_states(tmp_path / "broken")) == bool(patience_s), "what was trained before it is not lost"
    run(config, RunContext(tmp_path / "broken", resume=True))
    assert_same(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.parametrize("damage", ["half", "empty", "flipped"])
def test_of_a_damaged_state_the_one_before_is_used(beats, whole: Path, tmp_path: Path, damage: str) -> None:
    config = beats()
    context = RunContext(tmp_path, progress=kill_at(2, 3), checkpoint_every_s=0)
    with pytest.raises(KilledError):
        run(config, context)
    before, last = last_states(tmp_path)
    content = last.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes(255 - byte for byte in content[middle : middle + 64]) + content[middle + 64 :]
    last.write_bytes({"half": content[:middle], "empty": b"", "flipped": flipped}[damage])
    path, _ = newest_whole(context, config)
    assert path == before
    run(config, RunContext(tmp_path, resume=True))
    assert f"{last.name} is damaged; the state before it is used" in (tmp_path / "log.txt").read_text()
    assert_same(tmp_path, whole)


def test_two_states_are_kept_and_none_is_half_written(beats, tmp_path: Path) -> None:
    run(beats(), RunContext(tmp_path, checkpoint_every_s=0))
    states = last_states(tmp_path)
    assert len(states) == 2
    for path in states:
        assert torch.load(path, weights_only=True)["state_dict"]
    assert not list((tmp_path / "resume").glob(".*"))


def test_a_write_that_fails_leaves_the_states_before_it(beats, whole: Path, tmp_path: Path, monkeypatch) -> None:
    config = beats()
    context = RunContext(tmp_path, checkpoint_every_s=0, resume=True)
    with pytest.raises(KilledError):
        run(config, RunContext(tmp_path, checkpoint_every_s=0, progress=kill_at(2, 3)))
    kept = {path: path.read_bytes() for path in last_states(tmp_path)}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("models.checkpoints.os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            run(config, context)
    assert {path: path.read_bytes() for path in last_states(tmp_path)} == kept
    assert not list((tmp_path / "resume").glob(".*"))
    run(config, context)
    assert_same(tmp_path, whole)


def test_curves_go_on_where_they_ended(beats, tmp_path: Path) -> None:
    config = beats()
    with pytest.raises(StoppedError):
        run(config, stop_at(tmp_path, 2, 1))
    run(config, RunContext(tmp_path, resume=True))
    with (tmp_path / "curves" / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows if row["validation/macro_f1"]] == ["0", "1", "2"]
    steps = [int(row["step"]) for row in rows]
    assert steps == sorted(steps)


def test_a_state_of_another_configuration_is_refused(beats, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(beats(), stop_at(tmp_path, 1, 2))
    with pytest.raises(CheckpointError, match="another configuration; use a new run folder"):
        run(beats("lr=0.02"), RunContext(tmp_path, resume=True))


def test_a_training_that_begins_anew_forgets_the_one_before(beats, whole: Path, tmp_path: Path) -> None:
    run(beats("seed=5"), RunContext(tmp_path))
    with pytest.raises(StoppedError):
        run(beats(), stop_at(tmp_path, 1, 2))
    assert not (tmp_path / "best.ckpt").exists()
    run(beats(), RunContext(tmp_path, resume=True))
    assert_same(tmp_path, whole)


def test_a_loss_that_is_no_number_ends_the_training_with_what_to_do(pictures, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        "models.training.image_module.ImageModule.forward", lambda self, x: self.network(x) * float("nan")
    )
    with pytest.raises(TrainingError, match="the loss became nan in epoch 1, step 1; lower lr"):
        run(pictures(), RunContext(tmp_path, checkpoint_every_s=0))
    assert not last_states(tmp_path), "no state with weights that are no numbers"


def test_progress_is_told_after_each_batch(beats, tmp_path: Path) -> None:
    seen: list[TrainingProgress] = []
    folder = run(beats("epochs=2"), RunContext(tmp_path, progress=seen.append))
    assert [place.stage for place in seen][:2] == ["reading", "training"]
    assert seen[-1].stage == "finishing"
    training = [place for place in seen if place.stage == "training"]
    assert len(training) == 2 * (training[0].steps + 1)
    shares = [place.share for place in seen]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] < 1
    assert str(training[0]) == f"epoch 1 of 2, step 0 of {training[0].steps}"
    assert load_checkpoint(folder).name == "checkpoint"


def test_missing_records_still_name_the_field(beats, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.train"):
        run(beats("data.train=[]"), RunContext(tmp_path))
