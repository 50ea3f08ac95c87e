"""Every beat of a recording: found, classified, with a probability for each class."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch

from ecgviz.analysis.rhythms import with_rhythms
from ecgviz.analysis.seen_in_training import seen_in_training
from ecgviz.errors import CheckpointError, ConfigError
from ecgviz.notices import Notice, in_order
from ecgviz.results import Beats
from ecgviz.signals.domain import domain_warnings
from ecgviz.signals.fiducial import between_samples
from ecgviz.signals.r_peaks import detect_r_peaks
from ecgviz.signals.silence import Silence, no_signal, silent_leads
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.gaps import within_gap
from models.data.aami import aami_classes
from models.evaluation.beats import classify
from models.tasks.beat import BeatTaskBase
from readers.channels.leads import is_other_quantity
from readers.recording import ArraySource, Recording

LARGEST_IN_MEMORY = 20_000_000
"""Samples of all leads (80 MB) up to which a recording is decoded once and kept while it is analysed."""
REFERENCE_BLOCK_S = 300.0


def analyse_beats(
    recording: Recording,
    checkpoint: Checkpoint,
    *,
    lead: str | None = None,
    positions: str = "detected",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Beats:
    """Find and classify every beat, on the device where the checkpoint's network is.

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
    recording = in_memory(with_lead(recording, lead))
    silent = silent_leads(recording)
    asked = None if lead is None else recording.leads[recording.lead_index(lead.strip())]
    offered = [name for name in recording.leads if name == asked or name not in recording.no_ecg] or recording.leads
    choice = checkpoint.task.choose_leads(offered, asked, leads_to_avoid(recording, silent))
    # Beats are found where the first lead has a signal; at a file's positions any lead that is read will do.
    silence = Silence(recording.fs, choice.names, 1 if positions == "detected" else None)
    seconds = {}

    started = time.perf_counter()

    def read(start: int, stop: int) -> np.ndarray:
        return recording.signal_mV(start, stop, choice.names)

    def listen(start: int, stop: int) -> np.ndarray:
        samples = read(start, stop)
        silence.look(start, samples)
        return samples

    no_ecg = no_beats_are_looked_for(recording, lead, positions)
    peaks = np.empty(0, np.int64) if no_ecg else beat_positions(recording, listen, positions, progress, should_stop)
    gaps = silence.gaps
    if positions == "reference":
        peaks = peaks[~within_gap(peaks / recording.fs, gaps)]
    offset = between_samples(read, recording.fs, recording.n_samples, peaks) if positions == "detected" else None
    seconds["detect"] = time.perf_counter() - started

    started = time.perf_counter()
    logits = classify(
        checkpoint,
        read,
        recording.fs,
        recording.n_samples,
        peaks,
        gaps=gaps,
        progress=progress,
        should_stop=should_stop,
    )
    reached = np.isfinite(logits.classes).all(axis=1)
    prob = _probabilities(logits.classes[reached], checkpoint.card.temperature)
    seconds["classify"] = time.perf_counter() - started

    warnings = list(recording.warnings)
    if choice.warning and not no_ecg:
        warnings.append(choice.warning)
    warnings += silence.sentences(recording.name, recording.n_samples)
    stopped = should_stop is not None and should_stop()  # the beats end there
    if not stopped and not no_ecg:
        warnings += domain_warnings(recording, peaks, choice.names, gaps)
    if unread := [lead for lead in silent if lead not in choice.names]:
        warnings.append(no_signal(recording.name, unread))
    if positions == "reference" and (left_out := _left_out(recording, len(peaks))):
        warnings.append(left_out)
    if not reached.all():
        warnings.append(f"Stopped before the end: {reached.sum()} of {len(peaks)} beats are classified.")
    beats = Beats(
        sample=peaks[reached],
        prob=prob,
        classes=checkpoint.card.classes,
        fs=recording.fs,
        checkpoint=checkpoint.name,
        leads=choice.names,
        source=positions,
        device=str(next(checkpoint.network.parameters()).device),
        seconds=seconds,
        warnings=in_order(warnings),
        seen_in_training=seen_in_training(recording, checkpoint),
        offset=offset[reached] if offset is not None and offset.any() else None,
        alone=None if logits.alone is None else _probabilities(logits.alone[reached], checkpoint.card.temperature),
        gaps=gaps,
    )
    if not checkpoint.card.rhythm_classes:
        return beats
    rhythm_prob = _probabilities(logits.rhythms[reached], checkpoint.card.rhythm_temperature)
    return with_rhythms(beats, rhythm_prob, checkpoint.card.rhythm_classes, recording.duration_s)


def no_beats_are_looked_for(recording: Recording, lead: str | None, positions: str) -> bool:
    """Whether nothing in the recording is an ECG and nobody chose a lead or positions all the same.

    The recording's warnings say what was found instead.
    """
    return lead is None and positions == "detected" and len(recording.no_ecg) == len(recording.leads)


def _probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits) / temperature, dim=-1).numpy()


def with_lead(recording: Recording, lead: str | None) -> Recording:
    """The recording with that channel of its file among the leads; itself for None.

    Raises:
        ConfigError: the file has no such channel.
    """
    if lead is None:
        return recording
    try:
        return recording.with_channel(lead)
    except ValueError as error:
        names = ", ".join((*recording.leads, *recording.others))
        raise ConfigError("lead", f"there is no lead {lead}; the recording has {names}") from error


def leads_to_avoid(recording: Recording, silent: Sequence[str] | None = None) -> tuple[str, ...]:
    """Leads that are read only where there are no others: without any signal, or perhaps no ECG."""
    silent = silent_leads(recording) if silent is None else silent
    kinds = recording.kinds or ["other" if is_other_quantity(lead, None) else "ecg" for lead in recording.leads]
    return tuple(lead for lead, kind in zip(recording.leads, kinds, strict=True) if lead in silent or kind != "ecg")


def beat_positions(
    recording: Recording,
    read: Callable[[int, int], np.ndarray],
    positions: str,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> np.ndarray:
    """R peaks of a recording as sample numbers, int64 (n,): detected on the leads read, or those of its annotations.

    Either way all of it is read once with ``read(start, stop)``, which gives (n, n_leads) with that lead first.

    Raises:
        ConfigError: an unknown choice, a sampling frequency that the detector cannot take, no annotations.
    """
    if positions == "reference":
        marked = _marked(recording)
        if not len(marked):
            raise ConfigError("beats", f"{recording.name} came without beat annotations; use detected beats")
        step = round(REFERENCE_BLOCK_S * recording.fs)
        for start in range(0, recording.n_samples, step):
            if should_stop is not None and should_stop():
                break
            read(start, min(start + step, recording.n_samples))
        return np.unique(marked[(marked >= 0) & (marked < recording.n_samples)])
    if positions != "detected":
        raise ConfigError("beats", f"there are no {positions!r} beats; choose detected or reference")

    try:
        return detect_r_peaks(read, recording.fs, recording.n_samples, progress=progress, should_stop=should_stop)
    except ValueError as error:
        raise ConfigError("fs", f"{recording.name}: {error}") from error


def _marked(recording: Recording) -> np.ndarray:
    """The beats among the file's annotations as they stand there: in any order, perhaps twice or beyond its ends."""
    marks = recording.annotations
    if marks is None:
        return np.empty(0, np.int64)
    return np.asarray(marks.sample)[aami_classes(marks.symbol) >= 0].astype(np.int64)


def _left_out(recording: Recording, taken: int) -> Notice | None:
    """What is said of marked beats that were not taken."""
    lost = len(_marked(recording)) - taken
    if not lost:
        return None
    beats = "1 marked beat is" if lost == 1 else f"{lost:,} marked beats are"
    why = "marked twice, beyond its ends, or where it has no signal"
    return Notice(f"{recording.name}: {beats} left out: {why}.")


def in_memory(recording: Recording) -> Recording:
    """The recording with its samples decoded, where they are few: the detector and the network read them all."""
    if recording.n_samples * len(recording.leads) > LARGEST_IN_MEMORY or isinstance(recording.source, ArraySource):
        return recording
    return replace(recording, source=ArraySource(recording.signal_mV()))


def with_load_time(beats: Beats, seconds: float) -> Beats:
    """The same beats with the time that opening the recording took."""
    return replace(beats, seconds={"load": seconds, **beats.seconds})
