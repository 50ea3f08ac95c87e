"""Verdicts as an overlay on a volume: the score of each slice, and the maps of the slices explained so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ecgviz.figures.picture_layers import shrink
from ecgviz.results import ImageMap

_MAP_PX = 256


@dataclass(frozen=True)
class VolumeOverlay:
    """Scores and maps of a network for the slices along one axis of a volume.

    Attributes:
        axis: slicing axis.
        shape: voxels along z, y and x.
        scores: calibrated probability of a defect, (n_slices,), NaN where not computed yet.
        maps: {slice index: map of at most 256 pixels a side}.
    """

    axis: int
    shape: tuple[int, int, int]
    scores: np.ndarray = field(repr=False)
    maps: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def with_map(self, index: int, found: ImageMap) -> VolumeOverlay:
        """The overlay with the map of one more slice."""
        return replace(self, maps={**self.maps, index: shrink(np.asarray(found.values, np.float32), _MAP_PX)})

    def on_plane(self, axis: int, index: int) -> np.ndarray | None:
        """Importance on a plane of the volume, float32 (rows, columns); NaN in slices without a map.

        None if no map crosses the plane. A plane across the slices takes a row or column of each map.
        """
        if axis == self.axis:
            found = self.maps.get(index)
            return None if found is None else _resized(found, self._plane_shape(axis))
        if not self.maps:
            return None
        inner, outer = ([one for one in range(3) if one != across] for across in (self.axis, axis))
        at = inner.index(axis)
        lines = np.full((self.shape[self.axis], self.shape[inner[1 - at]]), np.nan, np.float32)
        for number, found in self.maps.items():
            line = np.take(found, (2 * index + 1) * found.shape[at] // (2 * self.shape[axis]), axis=at)
            wanted = (np.arange(lines.shape[1]) + 0.5) * len(line) / lines.shape[1] - 0.5
            lines[number] = np.interp(wanted, np.arange(len(line)), line)
        return lines if outer[0] == self.axis else lines.T

    def _plane_shape(self, axis: int) -> tuple[int, int]:
        rows, columns = (self.shape[one] for one in range(3) if one != axis)
        return rows, columns


def _resized(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(picture.resize((shape[1], shape[0]), Image.Resampling.BILINEAR))
