"""Analyses a folder of recordings in sequence; :mod:`ecgviz.analysis.on_ray` does so on a cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgviz.analysis.beats import analyse_beats, with_load_time
from ecgviz.analysis.lead_choice import with_lead
from ecgviz.errors import EcgvizError, ReadError
from ecgviz.results import Beats
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from readers import open_recording
from readers.archives.zip import records_among
from readers.recording import Recording


@dataclass(frozen=True)
class Reading:
    """Options for reading recordings.

    Attributes:
        lead: read this one first, whatever the network was trained on.
        positions: "detected" or "reference".
        fs: sampling frequency in Hz, where a file does not state it.
        unit: of the values, where a file does not state it.
        lead_names: for all leads of each file, in its order.
    """

    lead: str | None = None
    positions: str = "detected"
    fs: float | None = None
    unit: str | None = None
    lead_names: Sequence[str] | None = None


@dataclass(frozen=True)
class Facts:
    """Description of a recording in a result, without samples; fields as of :class:`readers.recording.Recording`."""

    name: str
    fs: float
    n_samples: int
    duration_s: float
    leads: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, recording: Recording) -> Facts:
        """Description of a recording."""
        return cls(
            recording.name, recording.fs, recording.n_samples, recording.duration_s, recording.leads, recording.remarks
        )


@dataclass(frozen=True)
class Analysed:
    """Beats of one recording of a folder, or its fault."""

    path: Path
    facts: Facts | None = None
    beats: Beats | None = None
    error: str = ""


def recordings_in(path: str | Path) -> list[Path]:
    """Recordings of a folder, sorted by name; empty where the path is no folder, or is one record.

    A WFDB record counts once, by its header.

    Raises:
        ReadError: the folder holds none, or cannot be looked into.
    """
    path = Path(path)
    try:
        # "." and "/" have no name, and so no header beside them.
        if not path.is_dir() or (path.name and path.with_name(path.name + ".hea").is_file()):
            return []
        files = [entry for entry in sorted(path.iterdir()) if entry.is_file() and not entry.name.startswith(".")]
    except OSError as error:
        raise ReadError(path, f"cannot be looked into ({error.strerror}); check the name and its rights") from error
    return records_among(files, path)


def answer_names(paths: Sequence[str | Path]) -> list[str]:
    """Output file names without suffix: the input's, with its suffix where two would be equal."""
    stems = Counter(Path(path).stem for path in paths)
    return [Path(path).stem if stems[Path(path).stem] == 1 else Path(path).name for path in paths]


def analyse_opened(
    recording: Recording, checkpoint: Checkpoint, reading: Reading, started: float, progress: Progress | None = None
) -> tuple[Recording, Beats]:
    """A recording in memory, and its beats with the time since ``started`` (perf_counter) as that of loading."""
    recording = with_lead(recording, reading.lead).in_memory()
    seconds = time.perf_counter() - started
    beats = analyse_beats(recording, checkpoint, lead=reading.lead, positions=reading.positions, progress=progress)
    return recording, with_load_time(beats, seconds)


def analyse_file(path: Path, checkpoint: Checkpoint, reading: Reading) -> Analysed:
    """Analyse one recording; a fault is returned, not raised."""
    started = time.perf_counter()
    try:
        opened = open_recording(path, fs=reading.fs, unit=reading.unit, lead_names=reading.lead_names)
        recording, beats = analyse_opened(opened, checkpoint, reading, started)
    except EcgvizError as error:
        return Analysed(path, error=str(error))
    return Analysed(path, Facts.of(recording), beats)


def analyse_files(
    paths: Iterable[Path], checkpoint: Checkpoint, reading: Reading, progress: Progress | None = None
) -> Iterator[Analysed]:
    """Analyse recordings in order, yielding each result as it is ready."""
    paths = list(paths)
    for number, path in enumerate(paths, start=1):
        yield analyse_file(path, checkpoint, reading)
        if progress is not None:
            progress(number, len(paths), "Analysing recordings")
