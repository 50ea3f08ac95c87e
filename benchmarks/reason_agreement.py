"""How far networks agree on the reasons for a beat: the same beats of records that none of them was trained on.

    python -m benchmarks.reason_agreement NETWORK NETWORK [NETWORK ...] --data FOLDER/mitdb --split test

The beats are those that the first network names rightly, as in ``benchmarks.beat_reasons``; each network is asked for
what the five parts bring to the class. Told are the cosine and the rank correlation of the contributions of two
networks, the mean over all pairs, and how often two networks name the same strongest part. Intervals are from drawing
records again.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from benchmarks.beat_reasons import Drawn, drawn_beats, interval
from ecgviz.errors import ConfigError
from ecgviz.saliency.parts import explain_parts
from models import Checkpoint, load_checkpoint
from models.evaluation.beats import choose_records

METRICS = ("cosine", "rank correlation", "same strongest part")


def agreement(one: Drawn, checkpoints: list[Checkpoint]) -> list[float]:
    """The metrics of a beat; NaN where it cannot be explained."""
    try:
        found = [
            [
                part.contribution
                for part in explain_parts(one.recording, network, one.beats, one.index, target=one.name).parts
            ]
            for network in checkpoints
        ]
    except ConfigError:
        return [np.nan] * len(METRICS)
    pairs = [
        (
            np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)),
            spearmanr(a, b).statistic,
            np.argmax(a) == np.argmax(b),
        )
        for a, b in combinations(found, 2)
    ]
    return np.mean(np.array(pairs, float), axis=0).tolist()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", help="names or folders, two at least; the first one draws the beats")
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument("--beats", type=int, default=8, help="of each class and record, at most")
    options = parser.parse_args(arguments)
    if len(options.checkpoints) < 2:
        parser.error("give two checkpoints or more")
    checkpoints, rng = [load_checkpoint(name) for name in options.checkpoints], np.random.default_rng(0)
    records = defaultdict(list)
    for name in choose_records(options.data, options.split):
        by_class = defaultdict(list)
        for one in drawn_beats(options.data / name, checkpoints[0], options.beats, rng):
            by_class[one.name].append(agreement(one, checkpoints))
        for label, rows in by_class.items():
            records[label].append(np.array(rows))
    for label, tables in records.items():
        every = np.concatenate(tables)
        sys.stdout.write(f"{label}: {len(tables)} records, {len(every)} beats\n")
        for column, metric in enumerate(METRICS):
            low, high = interval([table[:, column] for table in tables])
            sys.stdout.write(f"  {metric}: {np.nanmean(every[:, column]):.2f} ({low:.2f}-{high:.2f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
