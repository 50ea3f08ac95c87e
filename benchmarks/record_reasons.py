"""How well reasons by parts of whole recordings hold, on recordings of PTB-XL that were not trained on.

    python -m benchmarks.record_reasons --data FOLDER --split validation
    python -m benchmarks.record_reasons --data FOLDER --split test

FOLDER holds ptbxl and ptbxl_more. Of each recording every label but NORM is explained that the network says rightly.
Told are the share of labels that are said no more with the two strongest parts normal; the same with the recording's
own median beat in their place (sham); the share of reasons that pass the evidence (``judge_record_parts``), beside that
of the same numbers moved to other parts, and that of what a network with random weights has; and the share of the log
odds that lies between the waves. Intervals are from drawing recordings again.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.special import logit

from benchmarks.beat_reasons import interval
from ecgviz.analysis.records import NORMAL
from ecgviz.errors import ConfigError
from ecgviz.saliency.record_parts import explain_record_parts
from ecgviz.saliency.record_parts_evidence import judge_record_parts, random_contributions, without
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_RECORD_CHECKPOINT
from models.data.whole_recording_split import RecordingRow
from models.evaluation.records import classify_record, split_of
from readers.recording import ArraySource, Recording

METRICS = ("said no more", "by sham", "hold", "moved twin holds", "random twin holds", "share between the waves")


def one_recording(row: RecordingRow, checkpoint: Checkpoint, rng: np.random.Generator) -> dict[str, list[float]]:
    """The figures of each label but NORM that the network says rightly."""
    samples, fs, leads = row.load()
    answer = classify_record(checkpoint, samples, fs, leads)
    recording = Recording(
        row.name, fs, len(samples), tuple(leads), ("mV",) * len(leads), ArraySource(np.asarray(samples)), "array"
    )
    found = {}
    for name, positive, true in zip(answer.classes, answer.positive, row.target, strict=True):
        if name == NORMAL or not positive or not true:
            continue
        reasons = explain_record_parts(recording, checkpoint, target=name)
        names, values = zip(*((part.name, part.contribution) for part in reasons.parts), strict=True)
        own = judge_record_parts(checkpoint, reasons)
        exchanged, shammed = without(checkpoint, reasons, *(part.name for part in reasons.strongest[:2]))
        moved = np.roll(values, rng.integers(1, len(values)))
        twins = [
            judge_record_parts(checkpoint, reasons, dict(zip(names, claimed, strict=True)))
            for claimed in (moved, random_contributions(checkpoint, reasons))
        ]
        context = reasons.context / (reasons.log_odds - reasons.base)
        limit = float(logit(reasons.threshold))
        holds = [not evidence.weak for evidence in (own, *twins)]
        found[name] = [exchanged < limit, shammed < limit, *holds, context]
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--split", default="validation", choices=("validation", "test"))
    parser.add_argument("--checkpoint", default=DEFAULT_RECORD_CHECKPOINT)
    parser.add_argument("--recordings", type=int, default=1_000_000, help="drawn at random, at most")
    options = parser.parse_args(arguments)
    checkpoint, rng = load_checkpoint(options.checkpoint), np.random.default_rng(0)
    more = options.data / "ptbxl_more" if checkpoint.task.scaling == "zscore" else ""
    rows = split_of(checkpoint, options.data / "ptbxl", more).sides[options.split]
    tables = defaultdict(list)
    for place in rng.permutation(len(rows))[: options.recordings]:
        try:
            for label, metrics in one_recording(rows[place], checkpoint, rng).items():
                tables[label].append(np.array([metrics], float))
        except ConfigError as error:
            sys.stderr.write(f"{rows[place].name}: {error}\n")
    for label, found in [("all", [one for some in tables.values() for one in some]), *tables.items()]:
        sys.stdout.write(f"{label}: {len(found)}\n")
        for column, metric in enumerate(METRICS):
            low, high = interval([table[:, column] for table in found])
            mean = float(np.mean([table[0, column] for table in found]))
            sys.stdout.write(f"  {metric}: {mean:.2f} ({low:.2f}-{high:.2f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
