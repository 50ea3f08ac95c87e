"""What the runner costs beside a bare PyTorch loop: the same network, data, batches, loss and optimiser, in turns.

    python -m benchmarks.training --data FOLDER [--config beat_se_resnet_lstm] [--turns N]

FOLDER holds the records of MIT-BIH. The runner is ``models.training.run`` with all that it does beside the steps
(progress, curves, TensorBoard, states on disk); one epoch of four records is trained without validation. Timed is from
the end of the first step to the end of the last, so starting up is in neither. Throughput of the runner / of the bare
loop is printed; 0.95 is wanted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from models.config import BeatTrainConfig, load_config
from models.data import mitdb
from models.data.beats import class_weights, prepare_record
from models.registry import create_model
from models.training import RunContext, run
from models.training.beat_run import _dataset
from models.training.context import Progress
from models.training.module import BeatModule

RECORDS = ("119", "106", "208", "223")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--config", default="beat_se_resnet_lstm", help="one of models/configs for beats")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    settings = [f"data.root={options.data}", "data.validation=[]", f"data.train={list(RECORDS)}", "data.noise_root="]
    config = load_config(options.config, [*settings, "epochs=1", "temperature=1.0", "device=cpu"])
    rates = []
    for turn in range(options.turns + 1):
        pair = {}
        for work in (_runner, _bare) if turn % 2 else (_bare, _runner):
            pair[work] = work(config)
        if turn:
            rates.append(pair[_bare] / pair[_runner])
            print(f"turn {turn}: runner {pair[_runner]:.2f} s, bare loop {pair[_bare]:.2f} s", flush=True)
    low, middle, high = (*statistics.quantiles(rates, n=4),) if len(rates) > 1 else (rates[0],) * 3
    print(f"throughput of the runner / of the bare loop: {middle:.3f} ({low:.3f}-{high:.3f}; {len(rates)} turns)")


def _runner(config: BeatTrainConfig) -> float:
    """Seconds between the first and the last step of ``models.training.run``."""
    times: list[float] = []

    def note(progress: Progress) -> None:
        if progress.stage == "training" and progress.step:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        run(config, RunContext(Path(folder), progress=note))
    return times[-1] - times[0]


def _bare(config: BeatTrainConfig) -> float:
    """Seconds between the first and the last step of a loop that does nothing else."""
    torch.manual_seed(config.seed)
    records = [prepare_record(record, config.task) for record in mitdb.load_records(config.data.root, RECORDS)]
    data = _dataset(config, records, training=True)
    data.set_epoch(0)
    weights = class_weights(data.labels, len(config.task.classes), config.loss.class_weight_power)
    network = create_model(config.network.architecture, **config.network_arguments())
    module = BeatModule(config, network, torch.tensor(weights, dtype=torch.float32), len(data)).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    begun = 0.0
    for number in range(len(data)):
        batch = data[number]
        with torch.autocast("cpu", torch.bfloat16, enabled=config.mixed_precision):
            loss = module.loss(*module._answered(batch))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        if number == 0:
            begun = time.perf_counter()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
