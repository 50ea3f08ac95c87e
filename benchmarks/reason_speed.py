"""What reasons by parts of a beat cost, in forward passes of the strip that the beat lies in.

    python -m benchmarks.reason_speed --data FOLDER/mitdb --split test

Of each record up to so many beats of each class but N that the network names rightly (as in
``benchmarks.beat_reasons``) are explained, from the recording on: reading the strip, the usual beat, and the answers to
all sets of parts. Each is timed in turns with one forward pass of the same strip, by processor time in one thread, so
other work on the machine counts little. Told is the median of the ratios, and the range of the records' own.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.beat_reasons import drawn_beats
from benchmarks.timing import ratio
from ecgviz.errors import ConfigError
from ecgviz.saliency.beat import read_inputs
from ecgviz.saliency.parts import explain_parts
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from models.evaluation.beats import choose_records


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT)
    parser.add_argument("--beats", type=int, default=2, help="of each class and record, at most")
    parser.add_argument("--repeats", type=int, default=9, help="turns for each beat")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    checkpoint, rng = load_checkpoint(options.checkpoint), np.random.default_rng(0)
    records: dict[str, list[float]] = {}
    for name in choose_records(options.data, options.split):
        for one in drawn_beats(options.data / name, checkpoint, options.beats, rng):
            of_beat = (one.recording, checkpoint, one.beats, one.index)
            strip = read_inputs(*of_beat)

            @torch.inference_mode()
            def forward(strip=strip) -> None:
                checkpoint.network(strip.x, **strip.kwargs)

            try:
                found = ratio(lambda: explain_parts(*of_beat), forward, options.repeats, clock=time.thread_time)  # noqa: B023
            except ConfigError:
                continue
            records.setdefault(name, []).append(found.value)
    if not records:
        sys.stdout.write("no beat could be explained\n")
        return 1
    every = np.concatenate(list(records.values()))
    by_record = [float(np.median(values)) for values in records.values()]
    sys.stdout.write(
        f"{len(every)} beats of {len(records)} records: {np.median(every):.2f} forward passes of the strip "
        f"(records {min(by_record):.2f} to {max(by_record):.2f})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
