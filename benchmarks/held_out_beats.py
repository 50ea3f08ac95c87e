"""Beats of records that were left out of training, by the network alone and in view of the whole recording.

    python -m benchmarks.held_out_beats runs/fold-0 runs/fold-1 runs/fold-2 runs/fold-3 --sets SETS

Each run is a training of ``beat_rhythm`` with ``data.folds`` and ``data.fold``, without shift and calibration. Both
are taken from models/configs/beat_rhythm.yaml, as are the usual shares of S and V and whether strips are turned
upright: this is what they were chosen by.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

import numpy as np
import torch

from models.checkpoints import Checkpoint, load_checkpoint
from models.config import BeatTrainConfig, load_config
from models.data.beat_sets import load_sets
from models.data.beats import PreparedRecord
from models.data.strips import StripDataset
from models.evaluation.beats import BeatLogits, forward
from models.metrics.beats import confusion, scores
from models.postprocessing.ectopic_beats import adapt_to_recording, cut_shapes
from models.postprocessing.rhythm_episodes import AF_CLASSES
from models.tasks import BeatInputs, StripTask
from models.training.context import CHECKPOINT

ANNOTATED = ("mitdb", "svdb")


def left_out(run: Path, sets: str, task: StripTask) -> list[PreparedRecord]:
    """Records with beats annotated one by one that a run did not train on."""
    data = load_config(str(run / "config.yaml")).data
    found, _ = load_sets(sets, ANNOTATED, task)
    return [record for one in found for n, record in enumerate(one.records) if n % data.folds == data.fold]


def say(checkpoint: Checkpoint, record: PreparedRecord) -> BeatLogits:
    """What the network says of the beats of a record, in order of time, each in the strip that answers for it."""
    data = StripDataset([record], checkpoint.task, 1)
    classes, rhythms = [], []
    for row in data.items:
        batch = data.make(row[None], np.random.default_rng(0))
        predicted = forward(checkpoint, BeatInputs(batch.x, batch.kwargs))
        answered = checkpoint.task.number(record.position, record.conditioned.shape[1]) == row[1]
        start, stop = checkpoint.task.range(int(row[1]), record.conditioned.shape[1])
        inside = (record.position >= start) & (record.position < stop)
        classes.append(predicted.classes[0, : inside.sum()][answered[inside]])
        rhythms.append(predicted.rhythms[0, : inside.sum()][answered[inside]])
    return BeatLogits(np.concatenate(classes), np.concatenate(rhythms))


def predict_beats(
    checkpoint: Checkpoint, record: PreparedRecord, config: BeatTrainConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Class of each beat by the network alone and in view of the whole recording, int64 (n,)."""
    predicted, card = say(checkpoint, record), checkpoint.card
    logits = predicted.classes / config.temperature + np.array(config.prior_shift)
    prob = torch.softmax(torch.from_numpy(logits), dim=-1).numpy()
    rhythm = torch.softmax(torch.from_numpy(predicted.rhythms), dim=-1).numpy()
    in_af = rhythm[:, np.isin(card.rhythm_classes, AF_CLASSES)].sum(axis=1) > 0.5
    shapes = cut_shapes(record.conditioned[: checkpoint.task.in_channel], record.position, checkpoint.task.fs_out)
    whole = adapt_to_recording(prob, shapes, card.classes, config.usual_shares, in_af)
    return prob.argmax(axis=1), whole.argmax(axis=1)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--sets", required=True, help="folder made by scripts.prepare_beats")
    options = parser.parse_args(arguments)
    config = load_config("beat_rhythm")
    pools = {"network": [], "whole recording": []}
    for run in options.runs:
        checkpoint = load_checkpoint(run / CHECKPOINT)
        task = checkpoint.task.model_copy(update={"upright": config.task.upright})
        checkpoint = dataclasses.replace(checkpoint, task=task)
        counts = dict.fromkeys(pools, 0)
        for record in left_out(run, options.sets, checkpoint.task):
            for name, predicted in zip(pools, predict_beats(checkpoint, record, config), strict=True):
                counts[name] = counts[name] + confusion(record.label, predicted, len(checkpoint.card.classes))
        for name, pool in pools.items():
            pool.append(counts[name])
            sys.stdout.write(f"{run.name}, {name}: {line(counts[name], checkpoint.card.classes)}\n")
    for name, pool in pools.items():
        mean = np.mean([scores(counts, checkpoint.card.classes)["macro_f1"] for counts in pool])
        sys.stdout.write(f"all, {name}: {line(sum(pool), checkpoint.card.classes)}; mean macro-F1 {mean:.3f}\n")
    return 0


def line(counts: np.ndarray, classes: tuple[str, ...]) -> str:
    """Figures of a confusion as one line."""
    found = scores(counts, classes)
    share = {name: f"{100 * found[f'{name}_se']:.1f}/{100 * found[f'{name}_ppv']:.1f}" for name in "SV"}
    return f"macro-F1 {found['macro_f1']:.3f}, S {share['S']}, V {share['V']}"


if __name__ == "__main__":
    sys.exit(main())
