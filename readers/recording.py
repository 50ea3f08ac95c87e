"""An ECG recording: leads x samples, read by range.

A 24 h Holter is half a gigabyte as float32. So a Recording holds no samples: it holds a source that
decodes the range it is asked for, and everything above (detector, network, figure) asks for what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import numpy as np

LARGEST_IN_MEMORY = 20_000_000
"""Samples of all leads (80 MB) up to which a recording may be decoded once and kept."""

Read = Callable[[int, int], np.ndarray]
"""Gives samples ``start`` to ``stop``, (stop - start, n_channels)."""


class SignalSource(Protocol):
    """Interface of readers: random access to samples."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop`` as float32 (stop - start, n_leads), NaN where none was recorded.

        Values are mV where the file states a voltage unit, otherwise in the file's own scale.
        """


@dataclass(frozen=True)
class ArraySource:
    """A source over an array that is in memory (or memory-mapped), shape (n_samples, n_leads)."""

    samples: np.ndarray

    def read(self, start: int, stop: int) -> np.ndarray:
        return np.asarray(self.samples[start:stop], dtype=np.float32)


@dataclass(frozen=True)
class Annotations:
    """Annotations of the file, such as a WFDB ``.atr``.

    Attributes:
        sample: sample numbers at the recording's ``fs``, int64 (n,), ascending.
        symbol: WFDB annotation symbols, str (n,).
        aux: auxiliary notes without their trailing NUL ("" where there is none), str (n,).
        whole: whether their file was read to its end; otherwise these are the marks before the damage.
        subtype: subtypes of the marks, int64 (n,): of a ``~`` which signals are noisy or unreadable; None where the
            format has none.
    """

    sample: np.ndarray
    symbol: np.ndarray
    aux: np.ndarray
    whole: bool = True
    subtype: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sample)


@dataclass(frozen=True)
class Recording:
    """One file set from one patient.

    Attributes:
        name: what to call it on a page; never a patient's name.
        fs: sampling frequency, Hz.
        n_samples: samples per lead.
        leads: lead names as clinicians spell them (I, aVR, V1, MLII ...); the file's own where unknown.
        units: one per lead, "mV" or "unknown"; values of an unknown lead are in the file's own scale.
        source: gives the samples.
        format: reader that opened it, such as "WFDB" or "EDF".
        start: wall-clock time of sample 0 where the file states one.
        annotations: reference marks that came with it.
        warnings: sentences about the file that stay visible (a skipped lead, an unknown unit).
        remarks: sentences about the file that are no alarm and stand among its facts (a checksum not checked).
        kinds: one per lead, "ecg", "doubtful" or "other" (``readers.channels.kinds``); empty: none was judged.
        others: channels of the file that are no ECG and no leads of this recording; see :meth:`with_channel`.
        widen: gives this recording with one of them more; set by the reader.
    """

    name: str
    fs: float
    n_samples: int
    leads: tuple[str, ...]
    units: tuple[str, ...]
    source: SignalSource = field(repr=False)
    format: str
    start: datetime | None = None
    annotations: Annotations | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    widen: Callable[[str], Recording] | None = field(default=None, repr=False, compare=False)

    @property
    def duration_s(self) -> float:
        """Duration in seconds."""
        return self.n_samples / self.fs

    def signal_mV(self, start: int = 0, stop: int | None = None, leads: Sequence[str] | None = None) -> np.ndarray:
        """Samples ``start`` to ``stop`` of the named leads (all by default), float32 (n, n_leads), NaN in gaps.

        Raises:
            ValueError: a range outside the recording, or a lead that it does not have.
        """
        stop = self.n_samples if stop is None else stop
        if not 0 <= start <= stop <= self.n_samples:
            raise ValueError(f"samples {start}:{stop} lie outside the recording of {self.n_samples} samples")
        samples = self.source.read(start, stop)
        return samples if leads is None else samples[:, [self.lead_index(lead) for lead in leads]]

    def in_memory(self) -> Recording:
        """The recording with its samples decoded, where they are few; itself where they are many, or in memory already.

        For who reads all of it several times over.
        """
        if self.n_samples * len(self.leads) > LARGEST_IN_MEMORY or isinstance(self.source, ArraySource):
            return self
        return replace(self, source=ArraySource(self.signal_mV()))

    @property
    def no_ecg(self) -> tuple[str, ...]:
        """Leads that are no ECG by name, unit and signal; empty where not judged."""
        return tuple(lead for lead, kind in zip(self.leads, self.kinds, strict=False) if kind == "other")

    def with_channel(self, name: str) -> Recording:
        """The recording with that channel of the file as its last lead; unchanged where it is a lead already.

        The sampling frequency is that of the fastest of them.

        Raises:
            ValueError: the file has no such channel.
        """
        known = {lead.lower() for lead in self.leads}
        if name.strip().lower() in known:
            return self
        match = next((other for other in self.others if other.lower() == name.strip().lower()), None)
        if match is None or self.widen is None:
            raise ValueError(f"no channel {name!r}; the recording has {', '.join((*self.leads, *self.others))}")
        wide = self.widen(match)
        return replace(
            wide,
            name=self.name,
            leads=(*self.leads, match),
            warnings=tuple(dict.fromkeys((*self.warnings, *wide.warnings))),
            others=tuple(other for other in self.others if other != match),
            remarks=self.remarks,
        )

    def lead_index(self, lead: str) -> int:
        """Column of a lead by name, case-insensitive.

        Raises:
            ValueError: the recording has no such lead.
        """
        names = [name.lower() for name in self.leads]
        if lead.lower() not in names:
            raise ValueError(f"no lead {lead!r}; the recording has {', '.join(self.leads)}")
        return names.index(lead.lower())
