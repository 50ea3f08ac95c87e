"""Time of samples in packets that are stamped with the time of their first one, as by radio links and loggers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from readers.channels.time_column import NO_GAPS, TimeColumn, likely_unit
from readers.channels.time_names import round_fs, seconds_in, unit_name

_GAP, _UNEVEN, _SHARE = 0.5, 0.25, 0.2
"""Packets lack where a stamp is late by half a packet; stamps of which a fifth are off by a quarter are arrivals."""
_FEW, _FASTEST_HZ = 0.05, 1000.0
"""No strap samples faster; stamps that say so, with a pause every now and then, are those of long bursts."""
_LEAST_HZ, _MOST_HZ = 10.0, 20_000.0


def packet_axis(stamps: np.ndarray, sizes: Sequence[int], name: str | None = None) -> TimeColumn | None:
    """Time of the samples in consecutive packets.

    Args:
        stamps: when each packet begins, (n_packets,), in the unit that ``name`` states, or one that can be guessed.
        sizes: how many samples each holds, (n_packets,).
        name: of the stamps, such as ``timestamp [ms]``.

    Returns:
        Gaps are those of lost packets. Stamps of arrivals, which come in bursts, give the mean rate and no gaps. None
        for stamps that give no frequency an ECG has; an axis with ``backwards`` where they fall.
    """
    stamps, counts = np.asarray(stamps, np.float64), np.asarray(sizes, np.int64)
    rows = np.concatenate([[0], np.cumsum(counts)])
    if len(stamps) < 2 or not np.isfinite(stamps).all() or not counts[:-1].all():
        return None
    stamps = stamps - stamps[0]
    steps, held = np.diff(stamps), counts[:-1]
    if (steps < 0).any():
        return TimeColumn(None, "s", NO_GAPS, backwards=int(rows[1 + np.argmax(steps < 0)]))
    each = steps / held
    if not (each > 0).any():
        return None
    step = float(np.median(each[each > 0]))
    late = each > (1 + _GAP) * step
    uneven = bool((np.abs(each - step) > _UNEVEN * step).mean() > _SHARE)
    unit = seconds_in(name or "") or likely_unit(float(steps.sum() / held.sum())) or 1.0
    bursts = uneven or bool(late.mean() > _FEW and step * unit < 1 / _FASTEST_HZ)
    if bursts:
        late = np.zeros(len(each), bool)
        first, last = np.flatnonzero(np.append(True, steps > _UNEVEN * steps.mean()))[[0, -1]]
        step = float((stamps[last] - stamps[first]) / max(1, rows[last] - rows[first]))  # between first ones of bursts
    else:
        step = float(steps[~late].sum() / held[~late].sum())
    seconds = seconds_in(name or "") or likely_unit(step)
    if seconds is None or not step > 0 or not _LEAST_HZ <= 1 / (step * seconds) <= _MOST_HZ:
        return None
    rounding = 2e-3 if bursts else max(2e-5, min(2e-3, 2 * _printed_step(stamps) / stamps[-1]))
    fs = round_fs(1 / (step * seconds), rounding)
    lost = np.rint(steps[late] / step - held[late])
    gaps = np.column_stack([rows[1:-1][late], lost]) if late.any() else NO_GAPS
    return TimeColumn(fs, unit_name(seconds), gaps)


def _printed_step(stamps: np.ndarray) -> float:
    """Resolution of the printed stamps; 0 where they have more than six decimals."""
    steps = (10.0**-digits for digits in range(7))
    return next((step for step in steps if np.allclose(stamps / step, np.rint(stamps / step), 0, 1e-3)), 0.0)
