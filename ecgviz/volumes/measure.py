"""Distances (mm) and angles (degrees) between voxels, with the spacing of each axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ecgviz.errors import ConfigError

Spacing = tuple[float, float, float] | None


def distance(first: Sequence[float], second: Sequence[float], spacing_mm: Spacing) -> tuple[float, str]:
    """Distance of two voxels (z, y, x) and its unit: "mm", or "voxels" if the spacing is unknown."""
    step = _steps(first, second, spacing_mm)
    return float(np.linalg.norm(step)), "voxels" if spacing_mm is None else "mm"


def angle_deg(first: Sequence[float], corner: Sequence[float], second: Sequence[float], spacing_mm: Spacing) -> float:
    """Angle at ``corner`` between the lines to two voxels (z, y, x), 0 to 180 degrees, in physical space.

    Without a spacing the voxels are taken as cubes.

    Raises:
        ConfigError: two of the points are equal.
    """
    one, other = _steps(corner, first, spacing_mm), _steps(corner, second, spacing_mm)
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    if lengths == 0:
        raise ConfigError("angle", "its corner is one of its ends; give three different points")
    # arccos is ill-conditioned at small angles; atan2 is not (Kahan 2006).
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(one, other)), one @ other)))


def _steps(first: Sequence[float], second: Sequence[float], spacing_mm: Spacing) -> np.ndarray:
    step = np.asarray(second, float) - np.asarray(first, float)
    return step if spacing_mm is None else step * np.asarray(spacing_mm)
