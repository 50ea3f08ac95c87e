"""Labels a whole recording, with reasons for referral and warnings.

When an answer is marked "uncertain: refer", one of these holds, and the reason is given in words: no label or a
contradiction (normal and a finding) is said; the windows of the recording do not agree on a label; or the answer is as
unsure as the least certain fifth of the validation recordings, where the checkpoint's card knows that limit.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ecgviz.analysis.domain_warnings import domain_warnings
from ecgviz.analysis.lead_choice import leads_to_avoid
from ecgviz.analysis.seen_in_training import seen_in_training
from ecgviz.notices import Notice, Weight, in_order
from ecgviz.signals.r_peaks import MAX_FS, MIN_FS, detect_r_peaks
from ecgviz.signals.silence import no_signal
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.gaps import usable_samples
from models.evaluation.records import LabelAnswer, RecordAnswer, classify_record, require_record
from models.tasks.leads import choose_leads
from models.tasks.record import RecordTask
from readers.recording import ArraySource, Recording

LONGEST_S = 1800.0
"""Of a longer recording the first part is read: the networks were trained on resting ECGs of ten seconds."""
MOST_WINDOWS = 120

LABEL_WORDS = {
    "NORM": "normal ECG",
    "MI": "myocardial infarction",
    "STTC": "ST or T wave change",
    "CD": "conduction disturbance",
    "HYP": "hypertrophy",
    "abnormal": "abnormal",
}
"""Labels of PTB-XL's superclasses and of the task ``abnormal`` in words."""
NORMAL = "NORM"


@dataclass(frozen=True)
class LabelAnalysis:
    """Labels of an ECG; the common part for recordings and pictures.

    Attributes:
        answer: probabilities and thresholds; see :class:`models.evaluation.records.LabelAnswer`.
        refer: why a person should look, one sentence a reason; empty where the answer is not marked.
        checkpoint: name of the checkpoint.
        checkpoint_sha256: hash of its weights.
        device: where the network ran.
    """

    answer: LabelAnswer
    refer: tuple[str, ...]
    checkpoint: str
    checkpoint_sha256: str
    device: str

    @property
    def positive_labels(self) -> tuple[str, ...]:
        """Labels at or above their threshold, likeliest first."""
        order = np.argsort(-self.answer.probability, kind="stable")
        return tuple(self.answer.classes[i] for i in order if self.answer.positive[i])

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest probability of each label, float64 (n_classes,) each."""
        return self.answer.probability, self.answer.probability


@dataclass(frozen=True)
class RecordAnalysis(LabelAnalysis):
    """Labels of a whole recording.

    Attributes:
        answer: with the windows; see :class:`models.evaluation.records.RecordAnswer`.
        derived: leads that were made of I and II, since the recording lacks them.
        seconds: wall-clock seconds of the steps: load, classify.
        warnings: sentences that must stay visible beside the result.
        seen_in_training: name of the training record that this recording is, None where it is new.
    """

    answer: RecordAnswer
    derived: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seen_in_training: str | None = None

    @property
    def interval(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest probability of each label over the windows, float64 (n_classes,) each."""
        by_window = self.answer.window_probability
        return by_window.min(axis=0), by_window.max(axis=0)


def label_words(name: str) -> str:
    """Display name of a label, such as "hypertrophy (HYP)"."""
    words = LABEL_WORDS.get(name, name)
    return words if words == name else f"{words} ({name})"


def analyse_record(
    recording: Recording,
    checkpoint: Checkpoint,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RecordAnalysis:
    """Label a whole recording, on the device of the checkpoint's network.

    Args:
        recording: an open recording.
        checkpoint: from :func:`models.load_checkpoint`, of task kind record.
        progress: told windows done, windows in all, a note.
        should_stop: asked between batches; True ends early with the windows answered so far.

    Raises:
        CheckpointError: a checkpoint for something else.
        ConfigError: leads are missing that cannot be made of I and II, or the recording is shorter than a window.
    """
    require_record(checkpoint)
    recording = recording.in_memory()
    task = checkpoint.task
    n = min(recording.n_samples, round(LONGEST_S * recording.fs))
    signal = recording.signal_mV(0, n)
    started = time.perf_counter()
    hop = max(task.hop_seconds, (n / recording.fs - task.segment_seconds) / MOST_WINDOWS)
    answer = classify_record(
        checkpoint, signal, recording.fs, recording.leads, hop_seconds=hop, progress=progress, should_stop=should_stop
    )
    seconds = {"classify": time.perf_counter() - started}
    derived = derived_leads(task, recording.leads)
    return RecordAnalysis(
        answer=answer,
        refer=refer_reasons(answer, checkpoint.card.calibration.get("refer_from")),
        checkpoint=checkpoint.name,
        checkpoint_sha256=checkpoint.sha256,
        device=str(next(checkpoint.network.parameters()).device),
        derived=derived,
        seconds=seconds,
        warnings=in_order(
            (*recording.warnings, *_warnings(recording, task, signal, derived), *_outside(recording, n, signal))
        ),
        seen_in_training=record_seen(recording, checkpoint),
    )


def derived_leads(task: RecordTask, leads: Sequence[str]) -> tuple[str, ...]:
    """Missing leads that the task derives from I and II."""
    there = {lead.lower() for lead in leads}
    return tuple(lead for lead in task.ecg_leads if lead.lower() not in there)


def refer_reasons(answer: LabelAnswer, limit: float | None = None) -> tuple[str, ...]:
    """Reasons to refer a result to a person, one sentence each; ``limit`` is the uncertainty (bits) to refer from."""
    reasons = []
    positive = [name for name, there in zip(answer.classes, answer.positive, strict=True) if there]
    if len(answer.classes) > 1 and not positive:
        reasons.append("No label reaches its threshold.")
    if NORMAL in positive and len(positive) > 1:
        others = ", ".join(name for name in positive if name != NORMAL)
        reasons.append(f"It says normal and {others} at once.")
    if isinstance(answer, RecordAnswer):
        above = answer.window_probability >= answer.thresholds
        split = above.any(axis=0) & ~above.all(axis=0)
        if split.any():
            names = ", ".join(name for name, there in zip(answer.classes, split, strict=True) if there)
            reasons.append(f"The recording's windows do not agree on {names}.")
    if limit is not None and answer.uncertainty >= limit:
        reasons.append(
            f"Its uncertainty is {answer.uncertainty:.2f} bit, among the least certain fifth in validation "
            f"(from {limit:.2f})."
        )
    return tuple(reasons)


def record_seen(recording: Recording, checkpoint: Checkpoint) -> str | None:
    """Name of the training record that contains this recording; None when it is new."""
    records = checkpoint.card.training_records
    if records and recording.n_samples <= round(LONGEST_S * recording.fs):
        samples = np.ascontiguousarray(recording.signal_mV(), dtype=np.float32)
        digest = hashlib.sha256(samples).hexdigest()
        for record in records:
            if record.sha256 == digest:
                return record.name
    return seen_in_training(recording, checkpoint)


def _outside(recording: Recording, n: int, signal: np.ndarray) -> tuple[str, ...]:
    """Warnings where the analysed part lies outside of the training domain."""
    if not MIN_FS <= recording.fs <= MAX_FS:
        return ()
    part = replace(recording, n_samples=n, source=ArraySource(signal))
    leads = choose_leads(part.leads, ("II", "V1"), avoid=leads_to_avoid(part))
    peaks = detect_r_peaks(lambda start, stop: signal[start:stop, leads.indices], part.fs, n)
    return domain_warnings(part, peaks, leads.names)


def _warnings(recording: Recording, task: RecordTask, signal: np.ndarray, derived: tuple[str, ...]) -> list[str]:
    found = []
    if derived:
        sentence = f"{', '.join(derived)} {'is' if len(derived) == 1 else 'are'} computed from I and II."
        found.append(Notice(sentence, Weight.NOTE))
    if recording.duration_s > LONGEST_S:
        found.append(f"Only the first {LONGEST_S / 60:.0f} minutes are classified.")
    if recording.fs < task.fs_out:
        found.append(f"Sampled at {recording.fs:g} Hz, and the network was trained on {task.fs_out:g} Hz.")
    if task.scaling == "mV" and any(unit != "mV" for unit in recording.units):
        found.append("The network reads voltages, and this recording's unit is not known.")
    read = {lead.lower() for lead in task.ecg_leads}
    empty = [
        lead
        for lead, column in zip(recording.leads, signal.T, strict=True)
        if lead.lower() in read and not usable_samples(column, recording.fs).any()
    ]
    if empty:
        found.append(no_signal(recording.name, empty))
    gaps = float(np.isnan(signal).mean())
    if gaps > 0 and not empty:
        found.append(f"{max(gaps, 0.001):.1%} of the samples are missing and are bridged by straight lines.")
    return found
