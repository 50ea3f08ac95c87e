"""The planes of a volume as bytes for a canvas: greys of the window, the map over them, and what belongs to them.

One message holds all three planes: four bytes with the length of a JSON header (little endian), the header, and the
pixels that it gives the places of.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ecgviz.figures.picture_layers import shrink
from ecgviz.figures.slices import slice_kinds
from ecgviz.figures.volume_views import CROSS
from ecgviz.figures.window_level import Window, apply_window
from ecgviz.volumes.overlay import VolumeOverlay
from ecgviz.volumes.planes import Plane
from models.evaluation.operating_point import OperatingPoint
from readers.volumes.volume import Volume

MOST_PX = 1024
_MAP_PX = 256


def packed_planes(
    volume: Volume,
    planes: Sequence[Plane],
    window: Window,
    *,
    overlay: VolumeOverlay | None = None,
    vmax: float = 0.0,
    point: OperatingPoint | None = None,
    more: dict[str, Any] | None = None,
) -> bytes:
    """Three planes as one message.

    Args:
        volume: that they are of.
        planes: axial, coronal and sagittal.
        window: of the greys.
        overlay: scores and maps of the slices.
        vmax: importance that is the full colour; 0 shows no map.
        point: threshold and grey zone that the scores are coloured by.
        more: further values of the header.
    """
    parts: list[bytes] = []
    header: dict[str, Any] = {
        "shape": list(volume.shape), "at": [plane.index for plane in planes], "spacing": volume.spacing_mm,
        "colours": CROSS, "window": [window.low, window.high], "planes": [], "scores": None, **(more or {}),
    }  # fmt: skip
    for plane in planes:
        greys = shrink(apply_window(plane.values, window), MOST_PX)
        entry = {"axis": plane.axis, "name": plane.name, "grey": _placed(parts, greys), "map": None}
        found = None if overlay is None or vmax <= 0 else overlay.on_plane(plane.axis, plane.index)
        if found is not None:
            share = np.clip(np.nan_to_num(shrink(np.ascontiguousarray(found), _MAP_PX)) / vmax, 0, 1)
            entry["map"] = _placed(parts, np.rint(255 * share).astype(np.uint8))
        header["planes"].append(entry)
    if overlay is not None and point is not None and np.isfinite(overlay.scores).any():
        kinds = slice_kinds(overlay.scores, point.threshold, point.grey_zone)
        header["scores"] = {"axis": overlay.axis, "kinds": [str(one)[0] for one in kinds]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(4, "little") + text + b"".join(parts)


def _placed(parts: list[bytes], pixels: np.ndarray) -> dict[str, int]:
    """Append pixels, and say where they are."""
    start = sum(len(one) for one in parts)
    parts.append(np.ascontiguousarray(pixels).tobytes())
    return {"start": start, "rows": pixels.shape[0], "columns": pixels.shape[1]}
