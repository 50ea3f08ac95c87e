"""Display filters; no network and no detector uses their output.

The visible range is filtered with a margin on both sides, and the filter starts at a fixed grid of samples, so that
moving the view does not change the picture. Zero phase: waves stay where they are. Gaps stay gaps.

Bands: IEC 60601-2-47 (ambulatory) and ANSI/AAMI EC11 ask for 0.05 Hz (diagnostic) at the low end; monitors use
0.5-40 Hz, which flattens wander and muscle noise but distorts the ST segment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.signal import butter, iirnotch, sosfiltfilt, tf2sos

from models.core.gaps import bridge


@dataclass(frozen=True)
class DisplayFilter:
    """A display filter.

    Attributes:
        name: key, such as "monitor".
        label: what the paper prints.
        band_hz: low and high cut-off, None where there is none.
        margin_s: seconds that must be read on both sides.
    """

    name: str
    label: str
    band_hz: tuple[float | None, float | None]
    margin_s: float


DISPLAY_FILTERS = {
    choice.name: choice
    for choice in (
        DisplayFilter("none", "none", (None, None), 0.0),
        DisplayFilter("monitor", "0.5-40 Hz", (0.5, 40.0), 6.0),
        DisplayFilter("diagnostic", "0.05-150 Hz", (0.05, 150.0), 40.0),
    )
}

NOTCH_HZ = (50.0, 60.0)
_NOTCH_Q = 30.0
_NOTCH_MARGIN_S = 2.0


def describe_filter(name: str, notch_hz: float | None = None) -> str:
    """Printed description, such as "0.5-40 Hz, notch 50 Hz"."""
    label = _choice(name).label
    if notch_hz is None:
        return label
    return f"notch {notch_hz:g} Hz" if name == "none" else f"{label}, notch {notch_hz:g} Hz"


def read_filtered(
    read: Callable[[int, int], np.ndarray],
    fs: float,
    n_samples: int,
    start: int,
    stop: int,
    *,
    name: str = "none",
    notch_hz: float | None = None,
) -> np.ndarray:
    """Samples ``start`` to ``stop`` through a display filter, float32, of the shape of ``read``.

    Args:
        read: ``read(start, stop)`` gives (stop - start,) or (stop - start, n_leads), NaN in gaps.
        fs: sampling frequency, Hz. A cut-off above half of it is left out.
        n_samples: length of the recording.
        start, stop: the visible range.
        name: key of ``DISPLAY_FILTERS``.
        notch_hz: 50 or 60 to take mains hum out, None to leave it.

    Raises:
        ValueError: an unknown filter or notch frequency.
    """
    sections = _sections(name, notch_hz, fs)
    if sections is None or stop <= start:
        return np.asarray(read(start, stop), np.float32)
    margin_s = max(_choice(name).margin_s, _NOTCH_MARGIN_S if notch_hz else 0.0)
    grid = max(1, round(margin_s * fs))
    first = max(0, (start // grid - 1) * grid)
    last = min(n_samples, (ceil(stop / grid) + 1) * grid)
    x = np.asarray(read(first, last), np.float32)
    return _filter_with_gaps(x, sections)[start - first : stop - first]


def _filter_with_gaps(x: np.ndarray, sections: np.ndarray) -> np.ndarray:
    columns = x if x.ndim == 2 else x[:, None]
    filtered = np.empty_like(columns)
    for k in range(columns.shape[1]):
        known = np.isfinite(columns[:, k])
        whole = bridge(columns[:, k], known).astype(np.float64)
        pad = min(len(whole) - 1, 3 * (2 * len(sections) + 1))
        filtered[:, k] = np.where(known, sosfiltfilt(sections, whole, padlen=pad), np.nan)
    return filtered if x.ndim == 2 else filtered[:, 0]


def _sections(name: str, notch_hz: float | None, fs: float) -> np.ndarray | None:
    """Second-order sections of band-pass and notch, (k, 6); None for no filter."""
    low, high = _choice(name).band_hz
    sections = []
    if low is not None:
        sections.append(butter(1, low, "highpass", fs=fs, output="sos"))
    if high is not None and high < 0.45 * fs:
        sections.append(butter(2, high, "lowpass", fs=fs, output="sos"))
    if notch_hz is not None:
        if notch_hz not in NOTCH_HZ:
            raise ValueError(f"no notch at {notch_hz:g} Hz; mains is 50 or 60 Hz")
        if notch_hz < 0.45 * fs:
            sections.append(tf2sos(*iirnotch(notch_hz, _NOTCH_Q, fs=fs)))
    return np.concatenate(sections) if sections else None


def _choice(name: str) -> DisplayFilter:
    if name not in DISPLAY_FILTERS:
        raise ValueError(f"no display filter {name!r}; there are {', '.join(DISPLAY_FILTERS)}")
    return DISPLAY_FILTERS[name]
