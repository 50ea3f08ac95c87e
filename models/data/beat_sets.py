"""Prepared beat sets: records of several databases, conditioned once and stored as one file each.

A training on many databases would otherwise decode, detect and condition for minutes before its first step. A set is
made by ``python -m scripts.prepare_beats`` and holds for a task's sampling frequency and baseline filter. Beside
records with signal there are sequences: beats of day-long recordings whose signals are not at hand. They teach rhythms.

What is known of a beat is a set of classes (a bit each), since a database may say no more than "no S in here".
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.core.errors import ConfigError, ReadError
from models.core.files import write_whole
from models.data.beats import PreparedRecord
from models.data.fingerprint import Fingerprint
from models.tasks import StripTask

ENDING = ".npz"


@dataclass(frozen=True)
class BeatSet:
    """Records of one database.

    Attributes:
        name: of the database.
        records: with signal; ``conditioned`` holds all leads that the database has.
        side: of each record: "train", "validation" or "test"; empty where records are left out in turn.
        marks: fingerprint of each record's samples.
        licence, citation: of the database.
    """

    name: str
    records: tuple[PreparedRecord, ...]
    side: tuple[str, ...]
    marks: tuple[Fingerprint, ...] = field(repr=False)
    licence: str
    citation: str


@dataclass(frozen=True)
class BeatSequences:
    """Beats of recordings whose signal is not stored.

    Attributes:
        name: of the database.
        position: R peaks in samples of the task, int32 (n,), all recordings one after another.
        allowed: classes that each may have, a bit each, uint8 (n,).
        rhythm: rhythms that it may lie in, a bit each, uint16 (n,).
        first: index of the first beat of each recording, and n, int64 (recordings + 1,).
        licence, citation: of the database.
    """

    name: str
    position: np.ndarray
    allowed: np.ndarray
    rhythm: np.ndarray
    first: np.ndarray
    licence: str
    citation: str


def save_set(folder: str | Path, found: BeatSet, task: StripTask) -> Path:
    """Write a set as ``<name>.npz``, without pickles."""
    records = found.records
    about = {
        "names": [record.name for record in records],
        "shapes": [record.conditioned.shape for record in records],
        "beats": [len(record.position) for record in records],
        "side": found.side,
        "marks": [{"sha256": mark.sha256, "landmarks": sorted(mark.landmarks)} for mark in found.marks],
    }
    content = io.BytesIO()
    np.savez(
        content,
        about=_encoded(found, about, task),
        conditioned=np.concatenate([record.conditioned.ravel() for record in records]),
        position=np.concatenate([record.position for record in records]).astype(np.int32),
        label=np.concatenate([record.label for record in records]).astype(np.int8),
        allowed=np.concatenate([record.allowed for record in records]).astype(np.uint8),
        rhythm=np.concatenate([record.rhythm for record in records]).astype(np.uint16),
    )
    return _write(folder, found.name, content)


def save_sequences(folder: str | Path, found: BeatSequences, task: StripTask) -> Path:
    """Write sequences as ``<name>.npz``."""
    content = io.BytesIO()
    np.savez(
        content,
        about=_encoded(found, {}, task),
        position=found.position,
        allowed=found.allowed,
        rhythm=found.rhythm,
        first=found.first,
    )
    return _write(folder, found.name, content)


def load_sets(folder: str | Path, names: Sequence[str], task: StripTask) -> tuple[list[BeatSet], list[BeatSequences]]:
    """Load sets by name.

    Raises:
        ReadError: a set is missing or damaged.
        ConfigError: it was made for another sampling frequency or filter.
    """
    found = [_load(Path(folder) / f"{name}{ENDING}", name, task) for name in names]
    return (
        [one for one in found if isinstance(one, BeatSet)],
        [one for one in found if isinstance(one, BeatSequences)],
    )


def _encoded(found: BeatSet | BeatSequences, about: dict[str, Any], task: StripTask) -> np.ndarray:
    """The metadata of a set, as JSON bytes."""
    of_all = {"name": found.name, "licence": found.licence, "citation": found.citation, "task": _settings(task)}
    return np.frombuffer(json.dumps(about | of_all).encode(), np.uint8)


def _write(folder: str | Path, name: str, content: io.BytesIO) -> Path:
    path = Path(folder) / f"{name}{ENDING}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content.getbuffer())
    return path


def _load(path: Path, name: str, task: StripTask) -> BeatSet | BeatSequences:
    try:
        with np.load(path, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            arrays = {key: file[key] for key in file.files if key != "about"}
    except FileNotFoundError as error:
        raise ReadError(path, "is missing; python -m scripts.prepare_beats makes it") from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ReadError(path, f"is no prepared set ({error}); make it again by scripts.prepare_beats") from error
    if about["task"] != _settings(task):
        raise ConfigError(
            "task", f"{path.name} was prepared for {about['task']}, not for {_settings(task)}; make it again"
        )
    if "first" in arrays:
        return BeatSequences(name, **arrays, licence=about["licence"], citation=about["citation"])
    at_sample, at_beat, records = 0, 0, []
    for record, shape, n_beats in zip(about["names"], about["shapes"], about["beats"], strict=True):
        beats = slice(at_beat, at_beat + n_beats)
        records.append(
            PreparedRecord(
                name=record,
                conditioned=arrays["conditioned"][at_sample : at_sample + shape[0] * shape[1]].reshape(shape),
                position=arrays["position"][beats].astype(np.int64),
                label=arrays["label"][beats].astype(np.int64),
                rr=np.zeros((n_beats, 0), np.float32),
                pad=0,
                allowed=arrays["allowed"][beats].astype(np.int64),
                rhythm=arrays["rhythm"][beats].astype(np.int64),
            )
        )
        at_sample, at_beat = at_sample + shape[0] * shape[1], at_beat + n_beats
    marks = tuple(Fingerprint(mark["sha256"], frozenset(mark["landmarks"])) for mark in about["marks"])
    return BeatSet(name, tuple(records), tuple(about["side"]), marks, about["licence"], about["citation"])


def _settings(task: StripTask) -> dict[str, Any]:
    return {"fs_out": task.fs_out, "highpass_s": task.highpass_s}
