"""Volumes in the inspection report: three planes at the deciding slice, the winding unrolled, and what is known."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from typing import Any

from ecgviz.errors import EcgvizError
from ecgviz.figures.volume_views import Shown, planes_png, roll_png
from ecgviz.reports.pdf import facts, text
from ecgviz.results import Verdict
from ecgviz.volumes.planes import middle, part_window
from readers.core.file_names import readable
from readers.images.kinds import is_one_picture
from readers.volumes.address import address_of
from readers.volumes.opening import open_volume
from readers.volumes.volume import Volume

MOST = 4
_WIDTH_MM = 174


def volume_pages(verdicts: Sequence[Verdict], styles: dict[str, Any]) -> list[Any]:
    """Planes, winding and facts of the first volumes among the verdicts; empty where there is none.

    Args:
        verdicts: worst first.
        styles: of ``ecgviz.reports.pdf.report_styles``.
    """
    found: list[Any] = []
    for verdict in verdicts:
        if len(found) >= 4 * MOST:
            break
        if len(verdict.slice_scores) < 2 or is_one_picture(address_of(verdict.file).file):
            continue
        try:
            found += _volume(verdict, open_volume(verdict.file), styles)
        except (EcgvizError, OSError):
            continue  # it was read a moment ago, and its fault then stands in the verdict
    return found


def _volume(verdict: Verdict, volume: Volume, styles: dict[str, Any]) -> list[Any]:
    axis = address_of(verdict.file).along
    place = list(middle(volume))
    place[axis] = min(int(verdict.slice_index or 0), volume.shape[axis] - 1)
    at = place[0], place[1], place[2]
    window = part_window(volume)
    score = "not scored" if math.isnan(verdict.score) else f"score {verdict.score:.3f}"
    rows = [
        ("verdict", f"{verdict.verdict}, {score}, at {'zyx'[axis]} {place[axis]}"),
        ("voxels (z, y, x)", " x ".join(map(str, volume.shape))),
        (
            "voxel, mm",
            "not stated" if volume.spacing_mm is None else " x ".join(f"{one:.4g}" for one in volume.spacing_mm),
        ),
        *volume.tags,
    ]
    return [
        text(readable(volume.name), styles["body"]),
        facts(rows, styles),
        _picture(planes_png(volume, Shown(at, window))),
        _picture(roll_png(volume, at[0], window)),
    ]


def _picture(png: bytes) -> Any:
    from reportlab.lib.units import mm
    from reportlab.platypus import Image

    picture = Image(io.BytesIO(png))
    picture._restrictSize(_WIDTH_MM * mm, 110 * mm)
    return picture
