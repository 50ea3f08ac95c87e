"""Scores a beat checkpoint on annotated records, at reference or detected beat positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.cores import Item, Result, in_order
from models.core.errors import ConfigError
from models.core.gaps import Gaps, find_gaps
from models.data import heartbeat_csv, mitdb
from models.data.mitdb import BeatRecord
from models.metrics.beats import confusion, expected_calibration_error, macro_words, match_beats, scores, summarise
from models.metrics.resampling import counted, known, metric_text, without_interval
from models.networks.folding import folded_once
from models.plugins.registry import plugin_of
from models.postprocessing.ectopic_beats import adapt_to_recording, beat_shapes, shape_size
from models.postprocessing.rhythm_episodes import AF_CLASSES, decode_rhythms, early_in_af
from models.tasks import BeatInputs
from models.tasks.beat import BeatTaskBase
from readers.recording import Read

Detect = Callable[[Read, float, int], np.ndarray]
"""``detect(read, fs, n_samples)`` gives R peaks of one lead as sample numbers."""
LEFT_OUT = (("202",), ("232",))
"""DS2 is also given without these: 202 is the patient of 201, and 232 holds three quarters of the S beats."""

_SPLITS = {
    "random": "tables split at random, or of unknown patients: the network was trained on beats of the same patients",
    "patient": "tables split by patient: the network was trained on none of these patients",
}


@dataclass(frozen=True)
class Predictions:
    """Predictions of a checkpoint for some records.

    Attributes:
        logits: before calibration, of beats that have a reference, float32 (n, n_classes), one record after another.
        reference: their class indices, int64 (n,).
        confusions: counts of each record; see :func:`models.metrics.beats.confusion`.
        warnings: sentences about single records, such as a lead that was replaced.
    """

    logits: np.ndarray
    reference: np.ndarray
    confusions: dict[str, np.ndarray]
    warnings: dict[str, str]


@dataclass(frozen=True)
class BeatLogits:
    """Uncalibrated outputs for the beats of a recording; NaN for beats that were not reached.

    Attributes:
        classes: float32 (n, n_classes).
        rhythms: float32 (n, n_rhythms); without columns where the network says nothing of the rhythm.
        alone: ``classes`` as the network says them of a strip, where they were changed in view of the whole recording.
    """

    classes: np.ndarray
    rhythms: np.ndarray
    alone: np.ndarray | None = None


def classify(
    checkpoint: Checkpoint,
    read: Read,
    fs: float,
    n_samples: int,
    peaks: np.ndarray,
    *,
    gaps: Gaps = (),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> BeatLogits:
    """Class logits, and rhythm logits where the network has them, of every beat of a recording.

    Where the card gives usual shares of classes, the classes are those in view of the whole recording
    (:func:`models.postprocessing.ectopic_beats.adapt_to_recording`).

    Args:
        checkpoint: network and task.
        read: gives the chosen leads, float32 (n, n_leads).
        fs: sampling frequency, Hz.
        n_samples: length of the recording.
        peaks: R peaks as sample numbers, ascending, (n,).
        gaps: where no beat can be seen, s.
        progress: told beats done, beats in all, a note.
        should_stop: asked before each batch; True ends early, the beats not reached are NaN.
    """
    sizes = len(checkpoint.card.classes), len(checkpoint.card.rhythm_classes)
    logits, rhythms = (np.full((len(peaks), size), np.nan, np.float32) for size in sizes)
    on_cpu = next(checkpoint.network.parameters()).device.type == "cpu"
    task = require_beats(checkpoint)
    plugin = plugin_of(task)
    size = plugin.batch_sizes["cpu" if on_cpu else "other"]
    batches = task.batches(read, fs, n_samples, peaks, batch_size=size, gaps=gaps)
    example = plugin.folding_example(task) if on_cpu else None
    if example is not None:
        checkpoint = replace(checkpoint, network=folded_once(checkpoint.network, example))
    if should_stop is not None:
        batches = takewhile(lambda _: not should_stop(), batches)
    done, usual = 0, checkpoint.card.usual_shares
    shapes = np.zeros((len(peaks) if usual else 0, *shape_size(task.in_channel, task.fs_out)), np.float32)
    for inputs, answer in (in_order if on_cpu else _one_by_one)(partial(forward, checkpoint), batches):
        answered = inputs.beat >= 0
        logits[inputs.beat[answered]] = answer.classes[answered]
        rhythms[inputs.beat[answered]] = answer.rhythms[answered]
        if usual:
            shapes[inputs.beat[answered]] = beat_shapes(inputs)[answered]
        done += int(answered.sum())
        if progress is not None:
            progress(done, len(peaks), "Classifying beats")
    if not usual:
        return BeatLogits(logits, rhythms)
    return BeatLogits(_adapted(checkpoint, logits, rhythms, shapes), rhythms, logits)


def _adapted(checkpoint: Checkpoint, logits: np.ndarray, rhythms: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Class logits adapted to the whole recording, float32 (n, n_classes)."""
    card = checkpoint.card
    prob = torch.softmax(torch.from_numpy(logits) / card.temperature, dim=-1).numpy()
    rhythm = torch.softmax(torch.from_numpy(rhythms) / card.rhythm_temperature, dim=-1).numpy()
    is_af = np.isin(card.rhythm_classes, AF_CLASSES)
    seen = adapt_to_recording(prob, shapes, card.classes, card.usual_shares, rhythm[:, is_af].sum(axis=1) > 0.5)
    in_view: np.ndarray = (card.temperature * np.log(np.maximum(seen, 1e-30))).astype(np.float32)
    return in_view


def require_beats(checkpoint: Checkpoint) -> BeatTaskBase:
    """The task of a beat checkpoint.

    Raises:
        CheckpointError: it is for something else.
    """
    fault = "does not classify beats; choose one of task kind beat or strip"
    # type[T] alone takes no abstract class (mypy #4717); isinstance, which it ends in, does.
    return checkpoint.require(BeatTaskBase, fault)  # type: ignore[type-abstract]


def _one_by_one(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    return ((item, function(item)) for item in items)


def forward(checkpoint: Checkpoint, inputs: BeatInputs) -> BeatLogits:
    """Logits of one batch on the network's device; under autocast on CUDA."""
    network = checkpoint.network
    device = next(network.parameters()).device
    batch = inputs.to(device)
    with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
        if checkpoint.card.rhythm_classes:
            logits, rhythms = network.forward_both(network.forward_features(batch.x), **batch.kwargs)
        else:
            logits = network(batch.x, **batch.kwargs)
            rhythms = logits[..., :0]
    return BeatLogits(logits.float().cpu().numpy(), rhythms.float().cpu().numpy())


def predict_records(
    checkpoint: Checkpoint,
    records: Sequence[BeatRecord],
    *,
    lead: str | None = None,
    detect: Detect | None = None,
    progress: Progress | None = None,
) -> Predictions:
    """Classify the beats of annotated records and count the confusions.

    Args:
        checkpoint: network and task.
        records: what to score.
        lead: read this lead first, whatever its name says.
        detect: finds the R peaks; None takes the reference positions.
        progress: told records done, records in all, the record's name.
    """
    logits, reference, confusions, warnings = [], [], {}, {}
    n_classes, task = len(checkpoint.card.classes), require_beats(checkpoint)
    for number, record in enumerate(records):
        choice = task.choose_leads(record.leads, lead)

        def read(
            start: int, stop: int, record: BeatRecord = record, columns: tuple[int, ...] = choice.indices
        ) -> np.ndarray:
            return record.signal_mV[start:stop, columns]

        peaks = record.sample if detect is None else detect(read, record.fs, record.n_samples)
        gaps = find_gaps(record.signal_mV[:, choice.indices[: None if detect is None else 1]], record.fs)
        found_logits = classify(checkpoint, read, record.fs, record.n_samples, peaks, gaps=gaps)
        at_peaks = labels_of(checkpoint, found_logits, peaks / record.fs, record.duration_s, gaps)
        answer = found_logits.classes
        to_peak, to_reference = match_beats(record.sample / record.fs, peaks / record.fs)
        found = to_peak >= 0
        predicted = np.where(found, at_peaks[to_peak] if len(peaks) else -1, -1)
        extra = at_peaks[to_reference < 0]
        confusions[record.name] = confusion(record.label, predicted, n_classes) + confusion(
            np.full(len(extra), -1), extra, n_classes
        )
        logits.append(answer[to_peak[found]])
        reference.append(record.label[found])
        if choice.warning:
            warnings[record.name] = choice.warning
        if progress is not None:
            progress(number + 1, len(records), record.name)
    return Predictions(np.concatenate(logits), np.concatenate(reference), confusions, warnings)


def labels_of(
    checkpoint: Checkpoint, logits: BeatLogits, time_s: np.ndarray, duration_s: float, gaps: Gaps = ()
) -> np.ndarray:
    """Class index of each beat as an analysis reports it, int64 (n,): the likeliest, but N for an S in AF.

    Args:
        checkpoint: network, classes and rhythms.
        logits: of all beats of a recording.
        time_s: R peaks, s, (n,).
        duration_s: length of the recording.
        gaps: where no beat can be seen, s.
    """
    predicted, card = logits.classes.argmax(axis=1) if len(time_s) else np.zeros(0, np.int64), checkpoint.card
    if not card.rhythm_classes:
        return predicted
    prob = torch.softmax(torch.from_numpy(logits.rhythms) / card.rhythm_temperature, dim=-1).numpy()
    episodes = decode_rhythms(time_s, prob, card.rhythm_classes, duration_s, gaps)
    return np.where(early_in_af(predicted, card.classes, time_s, episodes), card.classes.index("N"), predicted)


def choose_records(root: str | Path, split: str = "all", names: Sequence[str] = ()) -> tuple[str, ...]:
    """Names of the records to score: the given ones, or those of a split that exist in the folder.

    Raises:
        ConfigError: none is left, or the split is unknown.
    """
    there = mitdb.list_records(root)
    if names:
        missing = [name for name in names if name not in there]
        if missing:
            raise ConfigError(
                "records", f"{', '.join(missing)} not in {Path(root).resolve().name} (with .hea and .atr)"
            )
        return tuple(names)
    if split != "all" and split not in mitdb.SPLITS:
        raise ConfigError("split", f"there is no split {split!r}; choose all, {', '.join(mitdb.SPLITS)}")
    chosen = there if split == "all" else tuple(name for name in mitdb.SPLITS[split] if name in there)
    if not chosen:
        raise ConfigError("data", f"{Path(root).resolve().name} holds no annotated WFDB record of split {split!r}")
    return chosen


def evaluate(
    checkpoint: Checkpoint,
    root: str | Path,
    split: str = "all",
    names: Sequence[str] = (),
    *,
    lead: str | None = None,
    detect: Detect | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Metrics of a checkpoint on a folder of WFDB records, or on the test table of single beats, ready for JSON.

    Each record has its confusion (rows: reference classes, then extra detections; columns: predicted classes, then
    missed beats) and scores; the pool has them with 95% intervals from resampling records, and stands again without
    202 and 232. Of a table, ``tables`` says by which split the score is: "patient", or "random" where its patients were
    trained on or are not known.

    Raises:
        CheckpointError: a checkpoint for something else than beats.
        ConfigError: no such record or split; records for a network of tables.
        ReadError: a record that cannot be read.
    """
    task = require_beats(checkpoint)
    if heartbeat_csv.is_layout(root):
        records, split = heartbeat_csv.load_test(root, task), "test"
    elif task.reads_rows:
        raise ConfigError(
            "data", f"{checkpoint.name} classifies tables of beats; {Path(root).name} holds no {heartbeat_csv.TEST}"
        )
    else:
        records = mitdb.load_records(root, choose_records(root, split, names))
    predictions = predict_records(checkpoint, records, lead=lead, detect=detect, progress=progress)
    classes = checkpoint.card.classes
    scaled = torch.softmax(torch.from_numpy(predictions.logits) / checkpoint.card.temperature, dim=-1).numpy()
    error, bins = expected_calibration_error(scaled, predictions.reference)
    result: dict[str, Any] = {
        "checkpoint": checkpoint.name,
        "checkpoint_sha256": checkpoint.sha256,
        "data": Path(root).resolve().name,
        "split": "records" if names else split,
        "positions": "reference" if detect is None else "detected",
        "classes": list(classes),
        "records": {
            name: {
                "confusion": counts.tolist(),
                "scores": {metric: known(value) for metric, value in scores(counts, classes).items()},
                "warning": predictions.warnings.get(name),
            }
            for name, counts in predictions.confusions.items()
        },
        "pooled": summarise(predictions.confusions, classes),
        "calibration": {"ece": error, "bins": bins},
    }
    if heartbeat_csv.is_layout(root):
        trained = [record.name for record in checkpoint.card.training_records]
        result["tables"] = result["pooled"]["tables"] = heartbeat_csv.split_of(trained, predictions.confusions)
    for left_out in LEFT_OUT:
        rest = {name: counts for name, counts in predictions.confusions.items() if name not in left_out}
        if rest and len(rest) < len(predictions.confusions):
            result[f"pooled_without_{'_'.join(left_out)}"] = summarise(rest, classes)
    return result


def card_entry(result: dict[str, Any]) -> dict[str, Any]:
    """The part of :func:`evaluate`'s result that goes into a card: the pool, its calibration and the protocol."""
    kept: dict[str, Any] = result["pooled"]
    return kept | {"positions": result["positions"], "calibration": result["calibration"]}


def render(result: dict[str, Any]) -> str:
    """The metrics of :func:`evaluate` as a table for people."""
    lines = [f"{result['checkpoint']} on {result['data']} ({result['split']}), {result['positions']} positions"]
    if "tables" in result:
        lines.append(_SPLITS[result["tables"]])
    for title in [key for key in result if key.startswith("pooled")]:
        pool = result[title]
        number = len(pool["records"])
        size = f"{counted(number, 'record')}, {counted(pool['beats'], 'beat')}{without_interval(number, 'record')}"
        lines.append(f"{title.replace('_', ' ')}: {size}")
        for name in result["classes"]:
            cells = [f"{metric} {metric_text(pool['scores'][f'{name}_{metric}'])}" for metric in ("se", "ppv", "f1")]
            lines.append(f"  {name}  " + "  ".join(cells))
        lines.append(f"  macro-F1 of {macro_words(pool['scores'])} {metric_text(pool['scores']['macro_f1'])}")
    return "\n".join(lines)
