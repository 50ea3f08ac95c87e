"""What the check before a start says of time and memory, held against real trainings: within a factor of two."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.config import TrainConfig, load_config
from models.experiments.preflight import PROGRAM_BYTES, outlook

ROOT = Path(__file__).resolve().parents[3]
TRAIN = """
import json, os, sys, tempfile, threading, time
from pathlib import Path
import psutil
from models.training.allocator import keep_memory
from models.config import make_config
from models.training import RunContext, run

def train(values):
    begun = []
    def note(place):
        if place.stage == "finishing" or (place.stage == "training" and place.step == 0):
            begun.append(time.monotonic())
    with tempfile.TemporaryDirectory() as folder:
        run(make_config(values), RunContext(Path(folder), progress=note))
    return (begun[-1] - begun[0]) / (len(begun) - 1)

def measured(first, real):
    train(first)
    process = psutil.Process()
    before = process.memory_info().rss
    peak = [before]
    def watch():
        while True:
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(0.005)
    threading.Thread(target=watch, daemon=True).start()
    return train(real), before, peak[0]

keep_memory()
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            print("measured", json.dumps(measured(*json.loads(line))), flush=True)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    print("end", flush=True)
"""
Train = Callable[[TrainConfig, TrainConfig], tuple[float, float, float]]


@pytest.fixture(scope="module")
def train() -> Iterator[Train]:
    """Train something small, then something else, in a fresh process that has loaded all that a training loads.

    Gives seconds of an epoch of the second; bytes before it and at its peak.
    """
    server = subprocess.Popen(
        [sys.executable, "-c", TRAIN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(first: TrainConfig, config: TrainConfig) -> tuple[float, float, float]:
        server.stdin.write(json.dumps([one.model_dump(mode="json") for one in (first, config)]) + "\n")
        server.stdin.flush()
        said = ""
        for line in server.stdout:
            if line == "end\n":
                break
            said = line if line.startswith("measured") else said
        return tuple(json.loads(said.removeprefix("measured")))

    yield ask
    server.stdin.close()
    server.wait()
    server.stdout.close()


def alike(one: float, other: float) -> bool:
    return 0.5 < one / other < 2


@pytest.fixture(scope="module")
def configs(simulated_root: Path, picture_root: Path, ptbxl_root: Path) -> dict[str, TrainConfig]:
    records = [f"data.root={simulated_root}", "data.train=[sim1, sim2]", "data.validation=[sim3]", "data.noise_root="]
    large = ["batch_size=64", "beats_per_epoch=192", "epochs=2", "device=cpu"]
    pictures = [f"data.root={picture_root}", "task.image_size=96", "batch_size=16", "images_per_epoch=32"]
    whole = [f"data.root={ptbxl_root}", "batch_size=16", "epochs=2", "mixed_precision=false"]
    return {
        "small": load_config("beat_smoke", [*records, "epochs=1"]),
        "beats": load_config("beat_se_resnet_lstm", [*records, *large]),
        "pictures": load_config("ct_smoke", pictures),
        "recordings": load_config("ecg12_xresnet", whole),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["beats", "pictures", "recordings"])
def test_time_and_memory_are_right_within_a_factor_of_two(configs, train: Train, kind: str) -> None:
    for _ in range(3):  # the machine may be busy with something else at one of the two
        said = outlook(configs[kind])
        epoch_s, before, peak = train(configs["small"], configs[kind])
        if alike(said.epoch_s, epoch_s):
            break
    assert alike(said.epoch_s, epoch_s), f"an epoch takes {epoch_s:.2f} s, said was {said.epoch_s:.2f} s"
    growth, expected = peak - before, said.memory_bytes - PROGRAM_BYTES
    assert alike(expected, growth), f"it grew by {growth / 1e6:.0f} MB, said was {expected / 1e6:.0f} MB"
    assert alike(PROGRAM_BYTES, before), f"the program has {before / 1e6:.0f} MB"
    assert said.seconds > said.epoch_s * configs[kind].epochs
