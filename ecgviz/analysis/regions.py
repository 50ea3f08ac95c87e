"""Finds the slices of a wound cell that show its jelly roll: those between the ends, with fine layers around the axis.

A network trained on windings calls a lid or a tab a defect with confidence, although its features lie within those of
the training. A checkpoint therefore states which regions it judges (``task.regions``); other slices are excluded from
the verdict and marked. Only the ends of a stack are excluded: slices between two that show windings are judged, since a
defect may destroy the windings of a slice. If no slice shows windings, none is excluded.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

ROLL, END = "roll", "end"
LEAST_SHARE = 0.6
"""Least 90th percentile of :func:`fine_layers` over a stack; below it no roll is located and no slice excluded."""
RELATIVE = 0.8
"""A slice shows the roll from this share of that percentile on."""
_RUN = 3
_RADII = np.linspace(0.25, 0.88, 192)
_ANGLES = np.linspace(0, 2 * np.pi, 180, endpoint=False)
_COARSE, _FINE, _FINEST = 3, 12, 60
"""Layers across those radii (spatial frequencies): below the first only shading, from the second on a winding's."""
_TREND = 37
_PART = 0.15


def fine_layers(picture: np.ndarray) -> float:
    """Share of the radial variation due to fine layers, 0 to 1; NaN if no part is found.

    The layers of a jelly roll are many and thin; a lid has few thick rings, a tab none.

    Args:
        picture: cross-section (H, W) in any grey values; the part is brighter than its background.
    """
    values = np.asarray(picture, np.float32)
    low, high = np.percentile(values, [1, 99])
    if not high > low:
        return float("nan")
    values = np.clip((values - low) / (high - low), 0, 1)
    labels, count = ndimage.label(ndimage.uniform_filter(values, 5) > _PART)
    if not count:
        return float("nan")
    part = ndimage.find_objects(labels)[int(np.bincount(labels.ravel())[1:].argmax())]
    (top, bottom), (left, right) = ((one.start, one.stop - 1) for one in part)
    y = (top + bottom) / 2 + (bottom - top) / 2 * _RADII[None] * np.sin(_ANGLES)[:, None]
    x = (left + right) / 2 + (right - left) / 2 * _RADII[None] * np.cos(_ANGLES)[:, None]
    polar = ndimage.map_coordinates(values, [y, x], order=1, mode="nearest")
    polar -= ndimage.uniform_filter1d(polar, _TREND, axis=1)
    power = np.abs(np.fft.rfft(polar * np.hanning(len(_RADII)), axis=1)) ** 2
    whole = power[:, _COARSE:_FINEST].sum(axis=1)
    return float(np.mean(power[:, _FINE:_FINEST].sum(axis=1) / np.maximum(whole, 1e-12)))


def slice_regions(shares: np.ndarray) -> tuple[str, ...]:
    """Region of each slice of a stack, "roll" or "end"; empty if no roll is found, so that no slice is excluded.

    Args:
        shares: :func:`fine_layers` of each slice, (n,); NaN if unknown.
    """
    known = np.asarray(shares, float)
    finite = known[np.isfinite(known)]
    if len(finite) < _RUN or (usual := float(np.percentile(finite, 90))) < LEAST_SHARE:
        return ()
    places = np.flatnonzero(ndimage.binary_opening(known >= RELATIVE * usual, np.ones(_RUN, bool)))
    if not len(places):
        return ()
    return tuple(ROLL if places[0] <= index <= places[-1] else END for index in range(len(known)))
