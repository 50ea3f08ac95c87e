"""Which slices of a wound cell are its jelly roll: those between its ends, with fine layers around the axis.

A network that was made for the windings has never seen a lid or a tab, and calls them defects with confidence, though
their features lie within those of the training. So a checkpoint says which regions it judges (``task.regions``), and
what lies outside of them is left out of the verdict, visibly. Only the ends of a stack are ever left out: slices
between two that show windings are judged, since a defect may destroy the windings of a slice; and where a stack shows
no windings, nothing is left out.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

ROLL, END = "roll", "end"
LEAST_SHARE = 0.6
"""Share of fine layers that a stack's own best tenth must have to say where its roll is; see :func:`fine_layers`."""
RELATIVE = 0.8
"""Of that of the best tenth: what counts as roll."""
_RUN = 3
_RADII = np.linspace(0.25, 0.88, 192)
_ANGLES = np.linspace(0, 2 * np.pi, 180, endpoint=False)
_COARSE, _FINE, _FINEST = 3, 12, 60
"""Layers across those radii: below the first only shading, from the second on those of a winding."""
_TREND = 37
_PART = 0.15


def fine_layers(picture: np.ndarray) -> float:
    """Share of the variation along the radius that is of fine layers, 0 to 1; NaN where there is no part.

    Layers of a jelly roll are many and thin; a lid has few and thick rings, a tab none.

    Args:
        picture: a cross-section (H, W), of any grey values; the part is brighter than its background.
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
    """Region of each slice of a stack: "roll" or "end"; empty where no roll is seen, so that nothing is left out.

    Args:
        shares: of :func:`fine_layers`, (n,); NaN where it is not known.
    """
    known = np.asarray(shares, float)
    finite = known[np.isfinite(known)]
    if len(finite) < _RUN or (usual := float(np.percentile(finite, 90))) < LEAST_SHARE:
        return ()
    places = np.flatnonzero(ndimage.binary_opening(known >= RELATIVE * usual, np.ones(_RUN, bool)))
    if not len(places):
        return ()
    return tuple(ROLL if places[0] <= index <= places[-1] else END for index in range(len(known)))
