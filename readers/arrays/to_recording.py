"""Builds a Recording from an array, for the formats that hold little more than numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from readers.channels.channel_selection import settle
from readers.channels.leads import is_other_quantity, millivolts_per, unit_speaks
from readers.core.errors import ReadError
from readers.recording import Recording
from readers.request import NeedsDetails, Request

MAX_LEADS = 256


class Rows(Protocol):
    """Protocol of the samples: an array (n_samples, n_columns), or anything sliced like one."""

    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice) -> np.ndarray: ...


class ScaledSource:
    """Random access to rows (n_samples, n_columns), possibly memory-mapped: value times factor plus offset.

    Args:
        samples: the rows.
        factors: one a lead.
        columns: the leads' columns; all, in their order, where None.
        offsets: one a lead, in the unit of the result; 0 where None.
        missing: value that stands for "no sample here", or None.
    """

    def __init__(
        self,
        samples: Rows,
        factors: Sequence[float],
        *,
        columns: Sequence[int] | None = None,
        offsets: Sequence[float] | None = None,
        missing: float | None = None,
    ):
        self._samples = samples
        self._columns = None if columns is None else np.asarray(columns, np.int64)
        with np.errstate(over="ignore"):
            self._factors = np.asarray(factors, np.float32)
            self._offsets = None if offsets is None or not any(offsets) else np.asarray(offsets, np.float32)
        self._missing = missing
        self._plain = bool((self._factors == 1).all())

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples as float32 (stop - start, n_leads), NaN where missing or not finite."""
        part = self._samples[start:stop]
        part = part if self._columns is None else part[:, self._columns]
        with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes a gap
            values = np.array(part, dtype=np.float32)
            if not self._plain:
                values *= self._factors
            if self._offsets is not None:
                values += self._offsets
        values[~np.isfinite(values)] = np.nan
        if self._missing is not None:
            values[part == self._missing] = np.nan
        return values


def leads_last(request: Request, array: np.ndarray) -> np.ndarray:
    """The array as (n_samples, n_leads); the shorter axis is taken as the leads.

    Raises:
        ReadError: not one or two real, numeric axes; no samples; too many leads.
    """
    if array.dtype.kind not in "iufb" or array.ndim not in {1, 2}:
        what = "x".join(map(str, array.shape)) or "a single value"
        raise ReadError(request.path, f"it holds {what} of type {array.dtype}; store samples x leads as real numbers.")
    table = array.reshape(-1, 1) if array.ndim == 1 else array
    if table.shape[0] < table.shape[1]:
        table = table.T
    if table.size == 0:
        raise ReadError(request.path, "it holds no samples; give another file.")
    if table.shape[1] > MAX_LEADS:
        raise ReadError(request.path, f"it holds {table.shape[1]} columns; an ECG has at most {MAX_LEADS} leads.")
    return table


def make_recording(
    request: Request,
    samples: Rows,
    format_name: str,
    *,
    fs: float | None,
    columns: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    units: Sequence[str | None] | None = None,
    warnings: Sequence[str] = (),
) -> Recording:
    """A Recording from samples (n_samples, n_leads); details that the file does not state come from the request.

    Args:
        fs: sampling frequency that the file states, or None.
        columns: of the samples that may be leads, which names and units are of; all where None.
        names: lead names that it states, or None.
        units: units that it states, one a lead with None where it does not, or None.

    Raises:
        NeedsDetails: neither the file nor the request says the sampling frequency or a unit.
        ReadError: a sampling frequency that cannot be.
    """
    columns = list(range(samples.shape[1])) if columns is None else list(columns)
    n_leads = len(columns)
    stated = list(units) if units is not None and len(units) == n_leads else [None] * n_leads
    if names is None or len(names) != n_leads:
        names = request.lead_names if request.lead_names and len(request.lead_names) == n_leads else _numbered(n_leads)
    fs_used = fs if fs is not None else request.fs
    if fs_used is None:
        asked = request.unit is None and any(
            unit_speaks(unit) == "none" and not (unit or "").strip() and not is_other_quantity(name, None)
            for name, unit in zip(names, stated, strict=True)
        )
        raise NeedsDetails(request.path, ("fs", "unit") if asked else ("fs",))
    fs_used = request.sampling_frequency(fs_used)

    def build(kept: Sequence[int], kept_units: Sequence[str | None]) -> Recording:
        return Recording(
            name=request.path.stem,
            fs=fs_used,
            n_samples=len(samples),
            leads=(),
            units=(),
            source=ScaledSource(
                samples,
                [millivolts_per(unit) or 1.0 for unit in kept_units],
                columns=None if list(kept) == list(range(samples.shape[1])) else [columns[i] for i in kept],
            ),
            format=format_name,
            warnings=tuple(warnings),
        )

    return settle(request, names, stated, [fs_used] * n_leads, build, ask_unit=True, in_memory=True)


def _numbered(n_leads: int) -> tuple[str, ...]:
    return ("",) if n_leads == 1 else tuple(f"lead {i + 1}" for i in range(n_leads))
