"""Detects and classifies every beat of a recording."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from ecgviz.analysis.beat_positions import Positions, find_beats, no_beats_are_looked_for
from ecgviz.analysis.domain_warnings import domain_warnings
from ecgviz.analysis.lead_choice import leads_to_read, leads_without_signal, with_lead
from ecgviz.analysis.rhythms import with_rhythms
from ecgviz.analysis.seen_in_training import seen_in_training
from ecgviz.errors import CheckpointError
from ecgviz.notices import in_order
from ecgviz.results import Beats
from ecgviz.signals.silence import no_signal
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.evaluation.beats import classify
from models.tasks.beat import BeatTaskBase
from models.tasks.leads import LeadChoice
from readers.recording import Recording


def analyse_beats(
    recording: Recording,
    checkpoint: Checkpoint,
    *,
    lead: str | None = None,
    positions: str = "detected",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Beats:
    """Detect and classify every beat, on the device of the checkpoint's network.

    Args:
        recording: an open recording.
        checkpoint: from :func:`models.load_checkpoint`, of a beat task.
        lead: name of the lead to read first, whatever the network was trained on; any channel of the file may be named.
        positions: "detected" finds the R peaks; "reference" takes the beats of the file's annotations.
        progress: told work done, work in all, a note.
        should_stop: asked between batches; True ends early with the beats classified so far.

    Raises:
        CheckpointError: a checkpoint for something else than beats.
        ConfigError: no such lead, or reference positions of a recording without annotations.
    """
    fault = "does not classify beats of recordings; choose one whose card says beat or strip"
    if checkpoint.require(BeatTaskBase, fault).reads_rows:
        raise CheckpointError(checkpoint.name, fault)
    recording = with_lead(recording, lead).in_memory()
    silent = leads_without_signal(recording)
    choice = leads_to_read(recording, checkpoint.task, lead, silent)
    read = partial(recording.signal_mV, leads=choice.names)
    no_ecg = no_beats_are_looked_for(recording, lead, positions)
    seconds, started = {}, time.perf_counter()
    found = Positions()
    if not no_ecg:
        found = find_beats(recording, read, choice.names, positions, progress=progress, should_stop=should_stop)
    seconds["detect"] = time.perf_counter() - started
    started = time.perf_counter()
    logits = classify(
        checkpoint,
        read,
        recording.fs,
        recording.n_samples,
        found.peaks,
        gaps=found.gaps,
        progress=progress,
        should_stop=should_stop,
    )
    seconds["classify"] = time.perf_counter() - started

    reached = np.isfinite(logits.classes).all(axis=1)
    looked = not no_ecg and not (should_stop is not None and should_stop())  # else the beats end before the recording
    warnings = _warnings(recording, choice, found, silent, reached, no_ecg=no_ecg, looked=looked)
    beats = Beats(
        sample=found.peaks[reached],
        prob=_probabilities(logits.classes[reached], checkpoint.card.temperature),
        classes=checkpoint.card.classes,
        fs=recording.fs,
        checkpoint=checkpoint.name,
        leads=choice.names,
        source=positions,
        device=str(next(checkpoint.network.parameters()).device),
        seconds=seconds,
        warnings=in_order(warnings),
        seen_in_training=seen_in_training(recording, checkpoint),
        offset=found.offset[reached] if found.offset.any() else None,
        alone=None if logits.alone is None else _probabilities(logits.alone[reached], checkpoint.card.temperature),
        gaps=found.gaps,
        unlearnt=checkpoint.card.unlearnt,
    )
    if not checkpoint.card.rhythm_classes:
        return beats
    rhythm_prob = _probabilities(logits.rhythms[reached], checkpoint.card.rhythm_temperature)
    return with_rhythms(beats, rhythm_prob, checkpoint.card.rhythm_classes, recording.duration_s)


def _warnings(
    recording: Recording,
    choice: LeadChoice,
    found: Positions,
    silent: Sequence[str],
    reached: np.ndarray,
    *,
    no_ecg: bool,
    looked: bool,
) -> list[str]:
    """All warnings about the beats.

    Args:
        recording: that was read.
        choice: its leads that were read.
        found: its beats.
        silent: its leads without any signal.
        reached: whether each beat was classified, bool (n,).
        no_ecg: whether no beats were looked for.
        looked: whether they were, to the end.
    """
    warnings = list(recording.warnings)
    if choice.warning and not no_ecg:
        warnings.append(choice.warning)
    warnings += found.lacking
    if looked:
        warnings += domain_warnings(recording, found.peaks, choice.names, found.gaps)
    if unread := [lead for lead in silent if lead not in choice.names]:
        warnings.append(no_signal(recording.name, unread))
    warnings += found.left_out
    if not reached.all():
        warnings.append(f"Stopped before the end: {reached.sum()} of {len(reached)} beats are classified.")
    return warnings


def _probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits) / temperature, dim=-1).numpy()


def with_load_time(beats: Beats, seconds: float) -> Beats:
    """The beats with the seconds for opening the recording."""
    return replace(beats, seconds={"load": seconds, **beats.seconds})
