"""Where the beats of a recording are: found on the leads that a network reads, or marked in the recording's file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ecgviz.errors import ConfigError
from ecgviz.notices import Notice
from ecgviz.signals.fiducial import between_samples
from ecgviz.signals.r_peaks import detect_r_peaks
from ecgviz.signals.silence import Silence
from models.core.callbacks import Progress, ShouldStop
from models.core.gaps import Gaps, within_gap
from models.data.aami import aami_classes
from readers.recording import Read, Recording

REFERENCE_BLOCK_S = 300.0


@dataclass(frozen=True)
class Positions:
    """The beats of a recording.

    Attributes:
        peaks: R peaks as sample numbers, ascending, int64 (n,).
        offset: how far from its sample each lies, in samples, float64 (n,).
        gaps: where no beat can be seen, s.
        lacking: sentences about stretches of the leads without signal.
        left_out: sentences about beats of the file that are not among them.
    """

    peaks: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    offset: np.ndarray = field(default_factory=lambda: np.empty(0))
    gaps: Gaps = ()
    lacking: tuple[Notice, ...] = ()
    left_out: tuple[Notice, ...] = ()


def no_beats_are_looked_for(recording: Recording, lead: str | None, positions: str) -> bool:
    """Whether nothing in the recording is an ECG and nobody chose a lead or positions all the same.

    The recording's warnings say what was found instead.
    """
    return lead is None and positions == "detected" and len(recording.no_ecg) == len(recording.leads)


def find_beats(
    recording: Recording,
    read: Read,
    leads: Sequence[str],
    positions: str,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Positions:
    """Detected R peaks, or the beats of the file's annotations; either way all of the recording is read once.

    Args:
        recording: its length, its sampling frequency, its annotations.
        read: gives ``leads``, (n, n_leads).
        leads: their names, the one that decides first.
        positions: "detected" or "reference".
        progress: told samples done, samples in all, a note.
        should_stop: asked between blocks; True ends early.

    Raises:
        ConfigError: an unknown choice, a sampling frequency that the detector cannot take, no annotations.
    """
    # Beats are found where the first lead has a signal; at a file's positions any lead that is read will do.
    silence = Silence(recording.fs, leads, 1 if positions == "detected" else None)
    listen = silence.listening(read)
    if positions == "reference":
        marked = _marked(recording)
        _read_through(listen, recording, should_stop)
        peaks = np.unique(marked[(marked >= 0) & (marked < recording.n_samples)])
        peaks = peaks[~within_gap(peaks / recording.fs, silence.gaps)]
        offset, left_out = np.zeros(len(peaks)), _left_out(recording.name, len(marked) - len(peaks))
    elif positions == "detected":
        try:
            peaks = detect_r_peaks(
                listen, recording.fs, recording.n_samples, progress=progress, should_stop=should_stop
            )
        except ValueError as error:
            raise ConfigError("fs", f"{recording.name}: {error}") from error
        offset, left_out = between_samples(read, recording.fs, recording.n_samples, peaks), ()
    else:
        raise ConfigError("beats", f"there are no {positions!r} beats; choose detected or reference")
    return Positions(peaks, offset, silence.gaps, silence.sentences(recording.name, recording.n_samples), left_out)


def _read_through(read: Read, recording: Recording, should_stop: ShouldStop | None) -> None:
    """Read all of a recording, a part at a time, for what is listened to meanwhile."""
    step = round(REFERENCE_BLOCK_S * recording.fs)
    for start in range(0, recording.n_samples, step):
        if should_stop is not None and should_stop():
            break
        read(start, min(start + step, recording.n_samples))


def _marked(recording: Recording) -> np.ndarray:
    """The beats among the file's annotations as they stand there: in any order, perhaps twice or beyond its ends."""
    marks = recording.annotations
    marked = [] if marks is None else np.asarray(marks.sample)[aami_classes(marks.symbol) >= 0]
    if not len(marked):
        raise ConfigError("beats", f"{recording.name} came without beat annotations; use detected beats")
    return np.asarray(marked, np.int64)


def _left_out(name: str, lost: int) -> tuple[Notice, ...]:
    """What is said of marked beats that were not taken."""
    if not lost:
        return ()
    beats = "1 marked beat is" if lost == 1 else f"{lost:,} marked beats are"
    why = "marked twice, beyond its ends, or where it has no signal"
    return (Notice(f"{name}: {beats} left out: {why}."),)
