"""How much the analysis of a recording costs beside the network's own forward pass.

    python -m benchmarks.analyse --data FOLDER [--record 208] [--checkpoint NAME]

Prints two ratios, each from turns in one process: load + detect + classify all beats of a 30 min two-lead record to
the bare forward pass over the same batches at the best of several batch sizes (limit 1.3), and to
neurokit2.ecg_peaks on the same lead (limit 20).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.timing import ratio
from ecgviz.analysis import analyse_beats
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from models.tasks import BeatInputs
from readers import open_recording

BATCH_SIZES = {"strip": (1, 2, 4, 8, 16), "beat": (64, 128, 256, 512)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--record", default="208")
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()

    checkpoint = load_checkpoint(options.checkpoint)
    path = options.data / options.record
    beats = analyse_beats(open_recording(path), checkpoint)
    size, batches = best_batches(checkpoint, open_recording(path), beats.sample, beats.leads)
    lead = open_recording(path).signal_mV(leads=beats.leads[:1])[:, 0].astype(np.float64)

    def whole() -> None:
        analyse_beats(open_recording(path).in_memory(), checkpoint)

    print(
        f"{options.record}, {len(beats)} beats, {checkpoint.name}, batches of {size}, {torch.get_num_threads()} threads"
    )
    print("analysis / bare forward pass: ", ratio(whole, lambda: forward_all(checkpoint, batches), options.repeats))
    import neurokit2

    print(
        "analysis / neurokit2.ecg_peaks:",
        ratio(whole, lambda: neurokit2.ecg_peaks(lead, sampling_rate=round(beats.fs)), options.repeats),
    )


def best_batches(checkpoint: Checkpoint, recording, peaks: np.ndarray, leads) -> tuple[int, list[BeatInputs]]:
    """The batch size at which the bare forward pass is fastest, and its batches."""

    def read(start: int, stop: int) -> np.ndarray:
        return recording.signal_mV(start, stop, leads=leads)

    timed = []
    for size in BATCH_SIZES[checkpoint.task.kind]:
        batches = list(checkpoint.task.batches(read, recording.fs, recording.n_samples, peaks, batch_size=size))
        forward_all(checkpoint, batches)
        started = time.perf_counter()
        forward_all(checkpoint, batches)
        timed.append((time.perf_counter() - started, size, batches))
    _, size, batches = min(timed, key=lambda entry: entry[0])
    return size, batches


def forward_all(checkpoint: Checkpoint, batches: list[BeatInputs]) -> None:
    """The bare forward pass: nothing but the network."""
    with torch.inference_mode():
        for batch in batches:
            checkpoint.network(batch.x, **batch.kwargs)


if __name__ == "__main__":
    main()
