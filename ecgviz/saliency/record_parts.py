"""Why a whole recording has a label, by its parts: the waves of a group of leads, exchanged for those of normal
recordings in every beat.

A recording of ten seconds has no usual beat to go back to where every beat shows the finding. What takes the place of
a wave is therefore the median beat of normal recordings (:mod:`ecgviz.saliency.normal_beat`), at this recording's R
peaks (:mod:`ecgviz.saliency.record_exchange`). Three waves of four groups of leads are twelve parts; their
contributions are exact Owen values (:mod:`ecgviz.saliency.shapley`) of the label's log odds, groups of leads being the
unions. What is left comes from what lies between the waves and their timing (``context``), and from what the network
says of normal beats (``base``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.special import logit

from ecgviz.errors import ConfigError
from ecgviz.saliency.coalitions import CoalitionReasons
from ecgviz.saliency.normal_beat import normal_beat
from ecgviz.saliency.parts import Part
from ecgviz.saliency.record_exchange import WAVES_S, Exchange, exchange, normal_stretch
from ecgviz.saliency.records import Stretch, read_stretch
from ecgviz.saliency.shapley import Kept, owen, owen_sets
from models.checkpoints import Checkpoint
from models.compress.twin import float_twin
from models.evaluation.records import forward, require_record, thresholds
from models.plugins import plugin_of
from models.tasks.record import RecordTask
from readers.recording import Recording

AT_ONCE = 32
"""Variants that a network is asked for at once."""


@dataclass(frozen=True, kw_only=True)
class RecordReasons(CoalitionReasons[Part]):
    """Why a network gives a stretch of a recording a label, in its calibrated log odds.

    ``log_odds`` is the sum of all contributions, ``context`` and ``base``.

    Attributes:
        target: the label.
        threshold: probability from which it is said.
        parts: a wave of a group of leads each; their seconds are beside every R peak.
        base: log odds of the label for normal beats alone.
        r_peaks_s: of the stretch, seconds from the start of the recording, float64 (n,).
        leads: leads of each part.
        exchange: the stretch and what stood in it instead.
        stretch: what was explained.
        checkpoint: name of the checkpoint.
        normal_of: what the normal beat is the median of, as a sentence says it.
        coalition_values: log odds of the label for sets of parts that are the recording's own.
    """

    target: str
    threshold: float
    parts: tuple[Part, ...]
    base: float
    r_peaks_s: np.ndarray = field(repr=False)
    leads: tuple[tuple[str, ...], ...]
    exchange: Exchange = field(repr=False)
    stretch: Stretch = field(repr=False)
    checkpoint: str
    normal_of: str
    coalition_values: dict[Kept, float] = field(repr=False)


def has_record_parts(checkpoint: Checkpoint) -> bool:
    """Whether a network can be asked by waves and leads: it reads samples of some of the twelve leads."""
    task = checkpoint.task
    known = {lead.lower() for lead in normal_beat().leads}
    if plugin_of(checkpoint).unit != "recordings" or task.reads_pictures:
        return False
    return {one.lower() for one in task.ecg_leads} <= known


def explain_record_parts(
    recording: Recording,
    checkpoint: Checkpoint,
    *,
    target: str | None = None,
    start_s: float = 0.0,
    seconds: float = 10.0,
) -> RecordReasons:
    """What each wave of each group of leads brings to a label; the likeliest of those said, when None.

    Args:
        recording: an open recording.
        checkpoint: of task kind record.
        target: the label.
        start_s, seconds: the stretch; see :func:`ecgviz.saliency.records.read_stretch`.

    Raises:
        CheckpointError: a checkpoint for something else.
        ConfigError: an unknown label, a network that reads drawn recordings, missing leads, or no beat in the stretch.
    """
    task, checkpoint = require_record(checkpoint), float_twin(checkpoint)
    if not has_record_parts(checkpoint):
        raise ConfigError(
            "parts",
            f"{checkpoint.name} reads no samples of the twelve leads, and reasons by parts do; choose one that does",
        )
    classes = checkpoint.card.classes
    if target is not None and target not in classes:
        raise ConfigError("target", f"there is no label {target!r}; the network knows {', '.join(classes)}")
    part = read_stretch(recording, task, start_s, seconds)
    part = Stretch(part.signal, task.starts(part.signal.shape[1]), part.first_s, part.fs)
    found = exchange(task, part)
    if found is None:
        fault = f"no beat was found in {recording.name} whose waves could be exchanged"
        raise ConfigError("parts", f"{fault}; open a recording with an ECG in it")
    limits = thresholds(checkpoint)
    kept = owen_sets(found.unions)
    values = ask(checkpoint, part, found.made(kept))
    column = classes.index(target) if target else _likeliest(values[kept.index((True,) * len(kept[0]))], limits)
    coalition_values = {one: float(value) for one, value in zip(kept, values[:, column], strict=True)}
    parts = _parts(found, part.fs, owen(coalition_values, found.unions))
    for two in _ends_of(parts):
        coalition_values[two] = float(ask(checkpoint, part, found.made([two]))[0, column])
    return RecordReasons(
        target=classes[column],
        threshold=float(limits[column]),
        parts=parts,
        base=float(_log_odds(checkpoint, forward(checkpoint, normal_stretch(task)))[0, column]),
        r_peaks_s=part.time_s[found.peaks],
        leads=tuple(tuple(task.ecg_leads[row] for row in rows) for rows in found.groups for _ in WAVES_S),
        exchange=found,
        stretch=part,
        checkpoint=checkpoint.name,
        normal_of=f"{normal_beat().count[task.scaling]} normal recordings of PTB-XL",
        coalition_values=coalition_values,
    )


def ask(checkpoint: Checkpoint, part: Stretch, signals: np.ndarray) -> np.ndarray:
    """Calibrated log odds of each label, float64 (n, n_classes), of other signals (n, n_leads, m) of a stretch: the
    mean over its windows, as of a recording."""
    task = checkpoint.task
    logits = [
        np.mean([forward(checkpoint, _windows(task, some, int(start))) for start in part.starts], axis=0)
        for some in np.split(signals, range(AT_ONCE, len(signals), AT_ONCE))
    ]
    return _log_odds(checkpoint, np.concatenate(logits))


def _windows(task: RecordTask, signals: np.ndarray, start: int) -> torch.Tensor:
    return torch.stack([task.cut(signal, start) for signal in signals])


def _log_odds(checkpoint: Checkpoint, logits: np.ndarray) -> np.ndarray:
    calibration = checkpoint.card.calibration
    shift = np.asarray(calibration.get("shift") or 0.0)
    return logits.astype(np.float64) / float(calibration.get("temperature", 1.0)) + shift


def _likeliest(log_odds: np.ndarray, limits: np.ndarray) -> int:
    positive = log_odds >= logit(limits)
    return int(np.where(positive, log_odds, -np.inf).argmax() if positive.any() else log_odds.argmax())


def _ends_of(parts: tuple[Part, ...]) -> list[Kept]:
    """All parts but the two that bring most, and all but the two that take most."""
    order = np.argsort([part.contribution for part in parts], kind="stable")
    return [tuple(bool(place not in two) for place in range(len(parts))) for two in (order[-2:], order[:2])]


def _parts(found: Exchange, fs: float, contributions: Sequence[float]) -> tuple[Part, ...]:
    names = [(f"{wave}, {group}", place) for group in found.names for place, wave in enumerate(WAVES_S)]
    return tuple(
        Part(name, found.ends[place] / fs, found.ends[place + 1] / fs, float(value))
        for (name, place), value in zip(names, contributions, strict=True)
    )
