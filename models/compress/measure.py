"""Measures lighter forms beside their original in one run: metric, size, latency, throughput, memory.

The forms are timed in turns with the original in float32 and torch, on one core, by the processor time of the thread:
a neighbour that takes the core is not counted.
"""

from __future__ import annotations

import gzip
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.compress.export import example_inputs
from models.compress.gate import RESAMPLINGS, changed_labels, difference_interval
from models.compress.predictions import PredictedLabels
from models.core.callbacks import Progress

BATCHES = (1, 4, 16, 64)
TURNS = 15
_WARM = 2
_MEMORY = """
import sys
from pathlib import Path
import onnx, onnxruntime, torch  # all forms begin with the same libraries in memory
from models.checkpoints import load_checkpoint
from models.compress.export import example_inputs

def highest():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

torch.set_num_threads(1)
checkpoint = load_checkpoint(sys.argv[1])
inputs = example_inputs(checkpoint, int(sys.argv[2]))
before = highest()
with torch.inference_mode():
    checkpoint.network(**inputs)
print(highest() - before)
"""
_ROOT = Path(__file__).resolve().parents[2]


def measure(
    checkpoints: Sequence[Checkpoint],
    predictions: Sequence[PredictedLabels],
    *,
    turns: int = TURNS,
    batches: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """One table row per form, ready for JSON.

    Args:
        checkpoints: the original first.
        predictions: labels that each gives to the same cases.
        turns: how often each batch is timed.
        batches: sizes of the batches; None for :data:`BATCHES`.
        progress: called with the sizes done.

    Returns:
        For each checkpoint ``name``, ``figure`` (the metric) with ``interval95``, ``difference`` to the original with
        ``difference95``, ``changed`` labels, ``bytes`` and ``gzip_bytes`` of the weights, ``latency_ms`` of one case,
        ``per_second`` in batches of ``best_batch``, how many times as fast as the original it is with one case
        (``faster_at_1``) and with the best batch of each (``faster_at_best``), and ``memory_mb`` (None where the
        system does not tell).
    """
    batches = batches or BATCHES
    times = {}
    for done, count in enumerate(batches):
        if progress is not None:
            progress(done, len(batches), f"timing batches of {count}")
        with _one_core():
            times[count] = timed(checkpoints, count, turns)
    rows = [
        _row(one, labels, predictions[0], {count: times[count][place] for count in batches})
        for place, (one, labels) in enumerate(zip(checkpoints, predictions, strict=True))
    ]
    return [row | {"faster_at_best": row["per_second"] / rows[0]["per_second"]} for row in rows]


def timed(checkpoints: Sequence[Checkpoint], count: int, turns: int) -> list[tuple[float, float]]:
    """For each form, the median seconds of a batch and the median speed-up over the original by turn."""
    inputs = example_inputs(checkpoints[0], count)
    seconds: list[list[float]] = [[] for _ in checkpoints]
    with torch.inference_mode():
        for turn in range(turns + _WARM):
            for place, one in enumerate(checkpoints):
                start = time.thread_time()
                one.network(**inputs)
                if turn >= _WARM:
                    seconds[place].append(time.thread_time() - start)
    first = np.array(seconds[0])
    return [(statistics.median(one), float(np.median(first / np.array(one)))) for one in seconds]


def interval(labels: PredictedLabels) -> tuple[float, float]:
    """95% interval of the metric from resampling groups."""
    names, member = np.unique(labels.groups, return_inverse=True)
    members = [np.flatnonzero(member == place) for place in range(len(names))]
    generator = np.random.default_rng(0)
    drawn = [
        labels.score(np.concatenate([members[place] for place in generator.integers(0, len(names), len(names))]))
        for _ in range(RESAMPLINGS)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def memory(folder: Path, count: int) -> float | None:
    """Peak MB that the first batch adds to a fresh process with loaded weights. Linux only."""
    if sys.platform != "linux":
        return None
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(folder.resolve()), str(count)],
        capture_output=True,
        text=True,
        check=True,
        cwd=_ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    return int(done.stdout) / 1024


def _row(
    one: Checkpoint, labels: PredictedLabels, first: PredictedLabels, times: dict[int, tuple[float, float]]
) -> dict[str, Any]:
    file = one.folder / one.card.weights_file
    best = max(times, key=lambda count: count / times[count][0])
    everyone = np.arange(len(labels.cases))
    return {
        "name": one.name,
        "figure": labels.score(everyone),
        "interval95": interval(labels),
        "difference": labels.score(everyone) - first.score(everyone),
        "difference95": None if labels is first else difference_interval(first, labels),
        "changed": list(changed_labels(first, labels)),
        "parameters": one.card.parameters,
        "bytes": file.stat().st_size,
        "gzip_bytes": len(gzip.compress(file.read_bytes(), 6)),
        "latency_ms": 1000 * times[min(times)][0],
        "faster_at_1": times[min(times)][1],
        "best_batch": best,
        "per_second": best / times[best][0],
        "memory_mb": memory(one.folder, best),
    }


@contextmanager
def _one_core() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
