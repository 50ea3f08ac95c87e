"""What the runner costs beside a bare PyTorch loop: the same network, data, batches, loss and optimiser, in turns.

    python -m benchmarks.training --data FOLDER [--config beat_se_resnet_lstm] [--turns N]

FOLDER holds the records of MIT-BIH. The runner is ``models.training.run`` under the reporter of a job, with all that it
does beside the steps: progress in the store, curves, TensorBoard, the whole state on disk. The bare loop reads the same
batches from the same loader and takes the same steps of the same schedule. Each trains one epoch of beats of four
records in a process of its own, without validation; the runner's keeps the memory that a step frees, as that of any job
does. Timed is from the end of the first step to the end of the last, so starting up is in neither.
Throughput of the runner / of the bare loop is printed by the clock and by processor time, which another program on the
machine disturbs less; 0.95 is wanted.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from models.config import BeatTrainConfig, load_config
from models.data import mitdb
from models.data.beats import class_weights
from models.jobs import JobStore
from models.jobs.submission import prepare
from models.jobs.worker import Reporter, Stop
from models.networks.registry import create_model
from models.plugins import plugin_of
from models.training import RunContext, run
from models.training.allocator import keep_memory
from models.training.beat_run import _dataset, _loaders
from models.training.context import TrainingProgress
from models.training.module import BeatModule

RECORDS = ("119", "106", "208", "223")
BEATS = 6144
Times = tuple[float, float]
"""Seconds by the clock, and of the processor."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--config", default="beat_se_resnet_lstm", help="one of models/configs for beats")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", choices=_KINDS, help="measure one of them once, in this process")
    options = parser.parse_args()
    if options.only:
        changes = [f"data.root={options.data}", "data.validation=[]", f"data.train={list(RECORDS)}"]
        changes += [
            "data.noise_root=",
            "epochs=1",
            "temperature=1.0",
            "ema_decay=0",
            "device=cpu",
            f"beats_per_epoch={BEATS}",
        ]
        print(json.dumps(_KINDS[options.only](load_config(options.config, changes))))
        return
    rates: list[Times] = []
    for turn in range(options.turns):
        pair = {kind: _measured(kind, options) for kind in (("runner", "bare") if turn % 2 else ("bare", "runner"))}
        (clock, processor), (bare_clock, bare_processor) = pair["runner"], pair["bare"]
        rates.append((bare_clock / clock, bare_processor / processor))
        print(
            f"turn {turn + 1}: runner {clock:.2f} s (processor {processor:.2f} s), "
            f"bare loop {bare_clock:.2f} s ({bare_processor:.2f} s)",
            flush=True,
        )
    for words, values in zip(("by the clock", "by processor time"), zip(*rates, strict=True), strict=True):
        low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
        print(f"throughput of the runner / of the bare loop, {words}: {middle:.3f} ({low:.3f}-{high:.3f})")


def _measured(kind: str, options: argparse.Namespace) -> Times:
    """One of them in a process of its own: what one does to the memory of its process is nothing to the other."""
    program = [sys.executable, "-m", "benchmarks.training", "--only", kind]
    done = subprocess.run(
        [*program, "--data", str(options.data), "--config", options.config],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    clock, processor = json.loads(done.stdout.splitlines()[-1])
    return clock, processor


def _runner(config: BeatTrainConfig) -> Times:
    """Seconds between the first and the last step of ``models.training.run``."""
    keep_memory()
    times: list[Times] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ECGVIZ_HOME"] = folder
        store = JobStore()
        job = store.add(prepare(config, store))
        told = Reporter(store, job.id, Stop())

        def note(progress: TrainingProgress) -> None:
            told.progress(progress)
            if progress.stage == "training" and progress.step:
                times.append(_now())

        run(config, RunContext(job.run_dir, report=told.epoch, progress=note))
    return _since(times[0], times[-1])


def _bare(config: BeatTrainConfig) -> Times:
    """Seconds between the first and the last step of a loop that does nothing else."""
    torch.manual_seed(config.seed)
    records = mitdb.load_records(config.data.root, RECORDS)
    data = _dataset(plugin_of(config), config, records, training=True)
    data.set_epoch(0)
    (loader,) = _loaders(data, None, RunContext(Path()))
    weights = class_weights(data.labels, len(config.task.classes), config.loss.class_weight_power)
    network = create_model(config.network.architecture, **config.network_arguments())
    module = BeatModule(config, network, torch.tensor(weights, dtype=torch.float32), len(data)).train()
    module.log = lambda *_, **__: None  # it has no trainer
    chosen = module.configure_optimizers()
    optimiser, schedule = chosen["optimizer"], chosen["lr_scheduler"]
    times: list[Times] = []
    for batch in loader:
        with torch.autocast("cpu", torch.bfloat16, enabled=config.mixed_precision):
            loss = module.training_step(batch, 0)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        if isinstance(schedule, dict):
            schedule["scheduler"].step()
        times.append(_now())
    return _since(times[0], times[-1])


def _now() -> Times:
    return time.perf_counter(), time.process_time()


def _since(first: Times, last: Times) -> Times:
    return last[0] - first[0], last[1] - first[1]


_KINDS = {"runner": _runner, "bare": _bare}

if __name__ == "__main__":
    main()
