"""Detects leads without signal, not recorded or flat, and words the warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ecgviz.notices import Notice
from models.core.gaps import Gaps, long_gaps, lost_samples, true_runs, usable_samples
from models.core.words import clock
from readers.recording import Read

LEAST_S = 2.0
"""Shorter stretches are not told of: no beat is lost in them that its neighbours would not show."""
_PIECES, _PIECE_S = 24, 4.0


def silent_leads(read: Read, fs: float, n_samples: int, leads: Sequence[str]) -> tuple[str, ...]:
    """Leads without any signal in 24 stretches of four seconds, spread over the recording.

    Args:
        read: gives the samples of ``leads``, (n, n_leads).
        fs: sampling frequency, Hz.
        n_samples: length of the recording.
        leads: names of the columns.
    """
    width = max(1, round(_PIECE_S * fs))
    silent = set(leads)
    for start in np.unique(np.linspace(0, max(0, n_samples - width), _PIECES).astype(int)):
        if not silent:
            break
        samples = read(int(start), min(int(start) + width, n_samples))
        for lead, column in zip(leads, samples.T, strict=True):
            if lead in silent and usable_samples(column, fs).any():
                silent.remove(lead)
    return tuple(lead for lead in leads if lead in silent)


def no_signal(name: str, leads: Sequence[str]) -> Notice:
    """Warnings about leads without any signal."""
    return Notice(f"{name}: no signal on {', '.join(leads)}.")


class _Run(NamedTuple):
    """Samples [start, stop) without signal, missing or flat."""

    start: int
    stop: int
    missing: bool


class Silence:
    """Accumulates the stretches without signal of some leads while the recording is read in ranges.

    Args:
        fs: sampling frequency, Hz.
        leads: names of the leads.
        deciding: how many of them, from the first on, must be lost for a beat to be lost; None: all.
    """

    def __init__(self, fs: float, leads: Sequence[str], deciding: int | None = None):
        self._fs, self._deciding = fs, deciding
        self._lost: list[list[int]] = []
        self._runs: dict[str, list[_Run]] = {lead: [] for lead in leads}

    def look(self, start: int, samples: np.ndarray) -> None:
        """Add the samples (n, n_leads) from ``start`` on; ranges may overlap and come in any order."""
        lost = lost_samples(samples, self._fs)
        self._lost += (start + true_runs(lost[: self._deciding].all(axis=0))).tolist()
        for runs, column, nothing in zip(self._runs.values(), samples.T, lost, strict=True):
            for first, stop in true_runs(nothing):
                missing = not np.isfinite(column[first:stop]).any()
                runs.append(_Run(int(start + first), int(start + stop), missing))

    def listening(self, read: Read) -> Read:
        """What ``read`` gives, looked at as it is read."""

        def listen(start: int, stop: int) -> np.ndarray:
            samples = read(start, stop)
            self.look(start, samples)
            return samples

        return listen

    @property
    def gaps(self) -> Gaps:
        """Gaps without detectable beats in the samples so far."""
        return long_gaps(self._lost, self._fs)

    def sentences(self, name: str, n_samples: int) -> tuple[Notice, ...]:
        """Warnings about gaps of two seconds or more in recording ``name``, one for all leads with the same gaps."""
        alike: dict[tuple[_Run, ...], list[str]] = {}
        for lead, runs in self._runs.items():
            long = tuple(
                run for run in _merged(runs, round(0.1 * self._fs)) if run.stop - run.start >= LEAST_S * self._fs
            )
            alike.setdefault(long, []).append(lead)
        return tuple(self._sentence(name, leads, runs, n_samples) for runs, leads in alike.items() if runs)

    def _sentence(self, name: str, leads: Sequence[str], runs: Sequence[_Run], n_samples: int) -> Notice:
        several = len(leads) > 1
        missing = [run.missing for run in runs]
        if all(missing):
            fault = "were not recorded" if several else "was not recorded"
        elif any(missing):
            fault = "have no signal" if several else "has no signal"
        else:
            fault = "are flat lines" if several else "is a flat line"
        which = f"{name}: {'leads' if several else 'lead'} {', '.join(leads)} {fault}"
        if runs[0].stop - runs[0].start >= n_samples - LEAST_S * self._fs:
            return Notice(f"{which} from beginning to end; choose another recording or lead.")
        hours = n_samples >= 3600 * self._fs
        first, stop = (clock(at / self._fs, hours=hours) for at in (runs[0].start, runs[0].stop))
        lost = sum(run.stop - run.start for run in runs) / self._fs
        where = f"from {first} to {stop} ({lost:.0f} s)"
        if len(runs) > 1:
            where = f"in {len(runs)} stretches, {lost:.0f} s in all, first at {first}"
        return Notice(f"{which} {where}.", at_s=runs[0].start / self._fs)


def _merged(runs: Sequence[_Run], bridge: int) -> list[_Run]:
    """Sorted runs, merged where they overlap or are at most ``bridge`` samples apart."""
    merged: list[_Run] = []
    for run in sorted(runs):
        if merged and run.start <= merged[-1].stop + bridge:
            last = merged.pop()
            merged.append(_Run(last.start, max(last.stop, run.stop), last.missing and run.missing))
        else:
            merged.append(run)
    return merged
