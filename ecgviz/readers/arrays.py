"""From an array that a file held to a Recording, for the formats that carry little more than numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.leads import choose_channels, distinct, millivolts_per, unit_warnings
from ecgviz.readers.request import NeedsDetails, Request, check_fs
from ecgviz.recording import Recording

MAX_LEADS = 256


class ScaledSource:
    """Random access to an array (n_samples, n_leads), possibly memory-mapped, times a factor for each lead."""

    def __init__(self, samples: np.ndarray, factors: Sequence[float]):
        self._samples = samples
        self._factors = np.asarray(factors, np.float32)
        self._plain = bool((self._factors == 1).all())

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples as float32 (stop - start, n_leads), NaN where the array has none or no finite value."""
        part = np.array(self._samples[start:stop], dtype=np.float32)
        if not self._plain:
            part *= self._factors
        part[~np.isfinite(part)] = np.nan
        return part


def leads_last(request: Request, array: np.ndarray) -> np.ndarray:
    """The array as (n_samples, n_leads): the shorter axis is taken for the leads.

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
    samples: np.ndarray,
    format_name: str,
    *,
    fs: float | None,
    names: Sequence[str] | None = None,
    units: Sequence[str | None] | None = None,
    warnings: Sequence[str] = (),
) -> Recording:
    """A Recording over samples (n_samples, n_leads); what the file does not state is taken from the request.

    Args:
        fs: sampling frequency that the file states, or None.
        names: lead names that it states, or None.
        units: units that it states, one a lead with None where it does not, or None.

    Raises:
        NeedsDetails: neither the file nor the request says the sampling frequency or a unit.
        ReadError: a sampling frequency that cannot be.
    """
    n_leads = samples.shape[1]
    stated = list(units) if units is not None and len(units) == n_leads else [None] * n_leads
    filled = [request.unit if unit in {None, ""} else unit for unit in stated]
    fs_used = fs if fs is not None else request.fs
    absent = (("fs",) if fs_used is None else ()) + (("unit",) if any(unit is None for unit in filled) else ())
    if absent:
        raise NeedsDetails(request.path, absent)
    fs_used = check_fs(request.path, fs_used)
    if names is None or len(names) != n_leads:
        names = request.lead_names if request.lead_names and len(request.lead_names) == n_leads else _numbered(n_leads)
    kept, left_out = choose_channels(names, filled)
    leads = distinct([names[i] for i in kept])
    factors = [millivolts_per(filled[i]) for i in kept]
    known = tuple("unknown" if factor is None else "mV" for factor in factors)
    own_fs_note = request.note_unused_fs(fs) if fs is not None else ()
    return Recording(
        name=request.path.stem,
        fs=fs_used,
        n_samples=len(samples),
        leads=leads,
        units=known,
        source=ScaledSource(
            samples if len(kept) == n_leads else samples[:, kept],
            [1.0 if factor is None else factor for factor in factors],
        ),
        format=format_name,
        warnings=(*unit_warnings(leads, known), *warnings, *left_out, *own_fs_note),
    )


def _numbered(n_leads: int) -> tuple[str, ...]:
    return ("ECG",) if n_leads == 1 else tuple(f"lead {i + 1}" for i in range(n_leads))
