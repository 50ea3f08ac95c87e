"""How well reasons by parts of a beat hold, on records that were not trained on.

    python -m benchmarks.beat_reasons --data FOLDER/mitdb --split test
    python -m benchmarks.beat_reasons --data FOLDER/svdb

Of each record up to so many beats of each class are drawn that the network names rightly. Told are the share whose
answer is another one with the two strongest parts usual; the same where these parts of a usual beat nearby are made
usual (sham); the share of reasons that pass the evidence (``judge_parts``), beside that of the same numbers moved to
other parts (a twin); and the share of the log odds that comes from the rest of the strip. Intervals are from drawing
records again.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgviz.analysis import analyse_beats
from ecgviz.errors import ConfigError
from ecgviz.readers import open_recording
from ecgviz.results import Beats
from ecgviz.saliency.parts import explain_parts
from ecgviz.saliency.parts_evidence import judge_parts, random_contributions, sham
from ecgviz.saliency.usual_beat import PARTS
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from models.data.aami import aami_classes
from models.evaluation.beats import choose_records
from models.metrics.beats import match_beats
from readers.recording import Recording

METRICS = ("flip", "flip by sham", "hold", "moved twin holds", "random twin holds", "share of the context")


@dataclass(frozen=True)
class Drawn:
    """A beat that the network names rightly."""

    recording: Recording
    beats: Beats
    name: str
    index: int


def drawn_beats(path: Path, checkpoint: Checkpoint, most: int, rng: np.random.Generator) -> Iterator[Drawn]:
    """Beats of a record of each class but N that the network names rightly, at most so many of each."""
    recording = open_recording(path)
    beats = analyse_beats(recording, checkpoint)
    marks = recording.annotations
    classes = aami_classes(marks.symbol)
    sample, classes = np.asarray(marks.sample)[classes >= 0], classes[classes >= 0]
    _, to_mark = match_beats(sample / recording.fs, beats.time_s)
    truth = np.where(to_mark >= 0, classes[np.maximum(to_mark, 0)], -1)
    for name in ("V", "S", "F"):
        right = (beats.label == name) & (beats.network_label == name) & (truth == beats.classes.index(name))
        candidates = np.flatnonzero(right)
        for index in rng.choice(candidates, min(most, len(candidates)), replace=False):
            yield Drawn(recording, beats, name, int(index))


def one_record(path: Path, checkpoint: Checkpoint, most: int, rng: np.random.Generator) -> dict[str, list[list[float]]]:
    """The metrics of each beat that was drawn, by class; NaN where there was nothing to compare with."""
    found = defaultdict(list)
    for one in drawn_beats(path, checkpoint, most, rng):
        of_beat = (one.recording, checkpoint, one.beats)
        try:
            reasons = explain_parts(*of_beat, one.index)
            own = judge_parts(*of_beat, reasons)
            shammed = sham(*of_beat, reasons, tuple(part.name for part in reasons.strongest[:2]))
            moved = np.roll([part.contribution for part in reasons.parts], rng.integers(1, len(PARTS)))
            twins = [
                not judge_parts(*of_beat, reasons, dict(zip(PARTS, values, strict=True))).weak
                for values in (moved, random_contributions(*of_beat, reasons))
            ]
        except ConfigError:
            found[one.name].append([np.nan] * len(METRICS))
            continue
        context = reasons.context / (reasons.log_odds - reasons.base)
        flips = reasons.top_two_replaced_prob < 0.5
        found[one.name].append([flips, shammed < 0, not own.weak, *twins, context])
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument("--beats", type=int, default=8, help="of each class and record, at most")
    options = parser.parse_args(arguments)
    checkpoint, rng = load_checkpoint(DEFAULT_BEAT_CHECKPOINT), np.random.default_rng(0)
    records = defaultdict(list)
    for name in choose_records(options.data, options.split):
        for label, rows in one_record(options.data / name, checkpoint, options.beats, rng).items():
            records[label].append(np.array(rows))
    for label, tables in records.items():
        every = np.concatenate(tables)
        explained = np.isfinite(every[:, 0])
        sys.stdout.write(f"{label}: {len(tables)} records, {len(every)} beats, {explained.sum()} explained\n")
        for column, metric in enumerate(METRICS):
            low, high = interval([table[:, column] for table in tables])
            sys.stdout.write(f"  {metric}: {np.nanmean(every[:, column]):.2f} ({low:.2f}-{high:.2f})\n")
    return 0


def interval(tables: list[np.ndarray], draws: int = 1000) -> tuple[float, float]:
    """95% interval of the mean of all, from drawing records again."""
    rng = np.random.default_rng(0)
    means = [
        np.nanmean(np.concatenate([tables[one] for one in rng.integers(0, len(tables), len(tables))]))
        for _ in range(draws)
    ]
    return float(np.nanpercentile(means, 2.5)), float(np.nanpercentile(means, 97.5))


if __name__ == "__main__":
    sys.exit(main())
