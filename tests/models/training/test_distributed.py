"""Two processes that share every batch end where one ends that has it alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
import yaml

from models.config import TrainConfig, load_config
from models.core.errors import ConfigError
from models.data.image_dataset import EpochOrder
from models.data.process_shards import EveryNthBatch, ItemShares, own_rows
from models.training import RunContext, run

ROOT = Path(__file__).resolve().parents[3]
TOLERANCE = 2e-3
"""Of a weight after all steps; Adam makes much of a gradient that is all rounding."""
BEATS = [
    "data.train=[sim1, sim2]",
    "data.validation=[sim3]",
    "device=cpu",
    "batch_size=51",
    "epochs=2",
    "lr=0.001",
    "augment.gain=0.2",
    "augment.shift_ms=5",
    "loss.class_weight_power=0.5",
    "loss.label_smoothing=0.05",
]
NETWORK = "network.arguments={conv_channels: [16, 16], lstm_hidden: 8}"


STOP_AND_GO_ON = """
import sys
from pathlib import Path
from models.config import load_config
from models.core.errors import StoppedError
from models.training import RunContext, run
from models.training.distributed import joined

config, run_dir = load_config(sys.argv[1]), Path(sys.argv[2])
with joined(config) as (rank, world_size):
    asked = []

    def should_stop():
        asked.append(1)
        return rank == 1 and len(asked) > 10

    place = {"rank": rank, "world_size": world_size, "resume": True}
    try:
        run(config, RunContext(run_dir, should_stop=should_stop, **place))
    except StoppedError as error:
        print(error)
    else:
        sys.exit("it was not stopped")
    run(config, RunContext(run_dir, **place))
"""
GRADIENTS = """
import sys, torch
from timm.layers import BatchNormAct2d
from torch import nn
from models.config import load_config
from models.data.process_shards import own_rows
from models.networks.losses import CombinedLoss
from models.training import distributed

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
network = nn.Sequential(
    nn.Conv2d(3, 6, 3), BatchNormAct2d(6), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(8)
)
head = nn.Linear(8, 3)
x, target = torch.randn(7, 3, 8, 8), torch.tensor([0, 1, 2, 1, 1, 0, 2])
network(x)
loss = CombinedLoss(3, 8, 0.5, class_weights=torch.tensor([1.0, 2.0, 5.0]), label_smoothing=0.1)
with distributed.joined(load_config("beat_smoke", ["device=cpu"])) as (rank, world_size):
    if world_size > 1:
        distributed.SharedBatchNorm().apply(network)
    rows = own_rows(7, rank, world_size)
    features = network(x[rows])
    logits, embedding, answer = distributed.all_gather_outputs(head(features), features, target[rows])
    loss(logits, embedding, answer).backward()
    held = nn.ModuleList([network, head, loss])
    found = dict(held.named_buffers())
    for name, parameter in held.named_parameters():
        found[name + ".grad"] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        if world_size > 1:
            torch.distributed.all_reduce(found[name + ".grad"])
            found[name + ".grad"] /= world_size
    if rank == 0:
        torch.save(found, sys.argv[1])
"""


def start(program: Sequence[str], folder: Path) -> None:
    """Run a module or a script as two processes, to its end."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    output = folder / "output.txt"
    with output.open("wb") as stream:
        ended = subprocess.run(
            [*launcher, *program],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdout=stream,
            stderr=subprocess.STDOUT,
            timeout=280,
            check=False,
        )
    assert ended.returncode == 0, output.read_text()[-4000:]


def train(config: TrainConfig, run_dir: Path) -> None:
    """Train with the command line as two processes."""
    start(["-m", "models", "train", written(config, run_dir.parent), "--run-dir", str(run_dir)], run_dir.parent)


def written(config: TrainConfig, folder: Path) -> str:
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return str(file)


def last_state(run_dir: Path) -> dict[str, torch.Tensor]:
    path = sorted((run_dir / "resume").glob("step-*.ckpt"))[-1]
    return torch.load(path, weights_only=True)["state_dict"]


def assert_close(one: Path, two: Path) -> None:
    first, second = last_state(one), last_state(two)
    assert first.keys() == second.keys()
    farthest = max(float((first[name].float() - second[name].float()).abs().max()) for name in first)
    assert farthest < TOLERANCE, f"a weight differs by {farthest:g}"
    metrics = [json.loads((folder / "metrics.json").read_text()) for folder in (one, two)]
    assert metrics[0]["epoch"] == metrics[1]["epoch"]


@pytest.fixture(scope="module")
def beats(simulated_root: Path) -> Callable[..., TrainConfig]:
    return lambda *changes: load_config("beat_smoke", [*BEATS, NETWORK, f"data.root={simulated_root}", *changes])


@pytest.mark.slow
def test_windows_with_class_weights_and_proxies(beats, tmp_path: Path) -> None:
    config = beats("loss.lambda_combined=0.5", "ema_decay=0.9")
    run(config, RunContext(tmp_path / "one"))
    train(config, tmp_path / "two")
    assert_close(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two" / "log.txt").read_text().count("training beats in") == 1, "one process alone writes"


@pytest.mark.slow
def test_strips_with_batch_normalisation_and_a_last_batch_of_one(simulated_root: Path, tmp_path: Path) -> None:
    changes = [
        *BEATS,
        f"data.root={simulated_root}",
        "data.noise_root=",
        "task.segment_seconds=20",
        "task.margin_seconds=4",
        "network.arguments={width: 8, depth: 1, token: 8, lstm_hidden: 8, dropout: 0.0}",
        "batch_size=3",
        "early_stopping=0",
        "augment.premature=0.5",
    ]
    config = load_config("beat_strip", changes)
    run(config, RunContext(tmp_path / "one"))
    train(config, tmp_path / "two")
    assert_close(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_pictures_with_an_activation_inside_the_normalisation(picture_root: Path, tmp_path: Path) -> None:
    changes = ["data.shares=[0.5, 0.25, 0.25]", "epochs=2", "images_per_epoch=28", "task.image_size=32"]
    changes += ["network.architecture=tf_efficientnet_lite0", f"data.root={picture_root}", "device=cpu", "batch_size=8"]
    changes += ["lr=0.000001"]  # deep, with random weights: steps of Adam would make much of rounding
    config = load_config("ct_smoke", changes)
    run(config, RunContext(tmp_path / "one"))
    train(config, tmp_path / "two")
    assert_close(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_stopped_by_one_of_two_they_end_together_and_go_on(beats, tmp_path: Path) -> None:
    config = beats("epochs=3", "schedule=onecycle")
    run(config, RunContext(tmp_path / "one"))
    script = tmp_path / "script.py"
    script.write_text(STOP_AND_GO_ON)
    start([str(script), written(config, tmp_path), str(tmp_path / "two")], tmp_path)
    assert (tmp_path / "output.txt").read_text().count("stopped in epoch 2") == 2
    assert "goes on in epoch 2" in (tmp_path / "two" / "log.txt").read_text()
    assert_close(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_gradients_are_those_of_one_process(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(GRADIENTS)
    with_path = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), str(tmp_path / "one.pt")]
    subprocess.run(command, cwd=ROOT, env=with_path, check=True, timeout=120)
    start([str(script), str(tmp_path / "two.pt")], tmp_path)
    one, two = (torch.load(tmp_path / f"{name}.pt", weights_only=True) for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=1e-9, atol=1e-12, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_a_context_without_its_process_group_is_refused(beats, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"world_size.*torchrun"):
        run(beats(), RunContext(tmp_path, rank=1, world_size=2))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8])
@pytest.mark.parametrize("world_size", [1, 2, 3])
def test_rows_are_shared_without_gap_or_overlap(n: int, world_size: int) -> None:
    shares = [range(n)[own_rows(n, rank, world_size)] for rank in range(world_size)]
    assert [row for share in shares for row in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def batches(items: Sequence, size: int) -> list[list]:
    return [list(items[i : i + size]) for i in range(0, len(items), size)]


def test_shares_of_items_make_up_the_batches_of_one_process() -> None:
    def order() -> EpochOrder:
        return EpochOrder(23, shuffle=True, seed=4)

    whole = [batch for batch in batches(list(order()), 6) if len(batch) == 6]
    shares = [ItemShares(order(), 6, rank, 3) for rank in range(3)]
    parts = [batches(list(share), 2) for share in shares]
    assert [[item for own in rows for item in own] for rows in zip(*parts, strict=True)] == whole
    assert all(len(share) == len(list(share)) == 6 for share in shares)
    late = ItemShares(order(), 6, 1, 3)
    late.start_at(0, 4)
    assert list(late) == [item for batch in parts[1][2:] for item in batch]


@pytest.mark.parametrize("n", [1, 5, 12, 17])
def test_every_nth_batch_leaves_out_none(n: int) -> None:
    shares = [EveryNthBatch(EpochOrder(n, shuffle=False), 4, rank, 2) for rank in range(2)]
    assert all(len(share) == len(list(share)) > 0 for share in shares)
    found = [batch for share in shares for batch in batches(list(share), 4)]
    expected = batches(list(EpochOrder(n, shuffle=False)), 4)
    assert sorted(found) == sorted(expected * (2 if len(expected) < 2 else 1))
