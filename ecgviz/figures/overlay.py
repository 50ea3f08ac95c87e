"""Colour scale of saliency maps: heat band, coloured trace and colour bar.

A map becomes a picture of one pixel row, never a heat map of JSON. The scale is fixed by the caller for the
whole recording: a map scaled by its own maximum shows a strong spot on every beat, also where the network
saw nothing.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.figures.geometry import THEMES, Lane, Strip
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.results import Beats, SaliencyMap

COLORMAPS = ("hue", "cividis", "magma")
WEAK, PASSED, UNTESTED, TESTING = "weak", "passed", "untested", "testing"
QUALITY_WORDS = {
    WEAK: "weak: do not rely on it",
    PASSED: "passed its tests",
    UNTESTED: "not tested",
    TESTING: "being tested",
}
"""What is printed of a map's tests; a weak map is drawn faded."""
FADED = 0.35
"""Share of its opacity that a weak map keeps."""
METHOD_WORDS = {
    "grad_cam": "Grad-CAM",
    "hires_cam": "HiResCAM",
    "se_attention": "SE attention",
    "attention_rollout": "attention rollout",
    "saliency": "gradient",
    "integrated_gradients": "integrated gradients",
    "occlusion": "occlusion",
}


@dataclass(frozen=True)
class HeatScale:
    """Mapping from saliency to colour: 0 is transparent, ``vmax`` and above the full colour; a weak map is faded."""

    vmax: float
    colormap: str
    opacity: float
    theme: str
    fixed: bool
    quality: str = ""

    def share(self, values: np.ndarray) -> np.ndarray:
        """Values as shares of ``vmax``, 0 to 1; NaN counts as 0."""
        return np.clip(np.nan_to_num(np.asarray(values, np.float64)) / self.vmax, 0.0, 1.0)

    def rgba(self, values: np.ndarray) -> np.ndarray:
        """Colours of the band, uint8 (n, 4)."""
        share = self.share(values)
        out = np.empty((len(share), 4), np.uint8)
        out[:, :3] = self._rgb(share if self.theme == "dark" else 1.0 - share)
        out[:, 3] = np.round(255 * self.opacity * share * self._strength)
        return out

    def line_rgb(self, share: float) -> str:
        """Colour of the trace at a share of ``vmax``, between the trace's own and the full colour."""
        if self.colormap == "hue":
            theme = THEMES[self.theme]
            low, high = hex_rgb(theme.trace), hex_rgb(theme.hue)
            mixed = low + (high - low) * min(1.0, 0.15 + 0.85 * share) * self._strength
        else:
            # The pale end vanishes on white paper and the dark end on black, so a line uses the rest.
            position = 0.75 * share if self.theme == "light" else 0.3 + 0.7 * share
            mixed = self._rgb(np.array([position]))[0]
        return "#{:02x}{:02x}{:02x}".format(*np.round(mixed).astype(int))

    @property
    def _strength(self) -> float:
        return FADED if self.quality == WEAK else 1.0

    def bar(self, line: bool, steps: int = 33) -> list[str]:
        """Colours from 0 to ``vmax``, blended with the paper, for the colour bar."""
        if line:
            return [self.line_rgb(share) for share in np.linspace(0, 1, steps)]
        rgba = self.rgba(np.linspace(0, self.vmax, steps)).astype(float)
        alpha = rgba[:, 3:] / 255
        mixed = np.round(rgba[:, :3] * alpha + hex_rgb(THEMES[self.theme].paper) * (1 - alpha)).astype(int)
        return ["#{:02x}{:02x}{:02x}".format(*row) for row in mixed]

    def _rgb(self, position: np.ndarray) -> np.ndarray:
        if self.colormap == "hue":
            return np.tile(hex_rgb(THEMES[self.theme].hue), (len(position), 1))
        anchors = np.array([hex_rgb(colour) for colour in _ANCHORS[self.colormap]])
        places = np.linspace(0, 1, len(anchors))
        return np.stack([np.interp(position, places, anchors[:, channel]) for channel in range(3)], axis=1)


# Eleven equally spaced colours of matplotlib's cividis (Nunez 2018) and magma (van der Walt, Smith 2015).
_ANCHORS: dict[str, Sequence[str]] = {
    "cividis": [
        "#00224e",
        "#083370",
        "#35456c",
        "#4f576c",
        "#666970",
        "#7d7c78",
        "#948e77",
        "#aea371",
        "#c8b866",
        "#e5cf52",
        "#fee838",
    ],
    "magma": [
        "#000004",
        "#140e36",
        "#3b0f70",
        "#641a80",
        "#8c2981",
        "#b73779",
        "#de4968",
        "#f7705c",
        "#fe9f6d",
        "#fecf92",
        "#fcfdbf",
    ],
}


def scale_of_view(shown: Shown, drawn: Drawn) -> HeatScale:
    """Scale of the map that a view shows."""
    return heat_scale(
        shown.saliency,
        shown.map_vmax,
        colormap=drawn.colormap,
        opacity=drawn.opacity,
        theme=drawn.theme,
        quality=shown.map_quality,
    )


def heat_scale(
    saliency: SaliencyMap,
    vmax: float | None,
    *,
    colormap: str = "hue",
    opacity: float = 0.6,
    theme: str = "light",
    quality: str = "",
) -> HeatScale:
    """Colour scale of a map; for ``vmax`` None, the map's maximum, as the colour bar says. ``quality`` as of
    ``Shown.map_quality``.

    Raises:
        ValueError: a colour map that is not one of ``COLORMAPS``, or an opacity outside 0 to 1.
    """
    if colormap not in COLORMAPS:
        raise ValueError(f"colour map {colormap!r} is unknown; choose {', '.join(COLORMAPS)}")
    if not 0 <= opacity <= 1:
        raise ValueError(f"opacity is a part of 1, not {opacity}")
    fixed = vmax is not None and vmax > 0
    own = float(np.nanmax(saliency.values, initial=0.0))
    return HeatScale(float(vmax) if fixed else (own or 1.0), colormap, opacity, theme, fixed, quality)


def scale_title(saliency: SaliencyMap, scale: HeatScale) -> str:
    """Meaning of the colours and what tests say of the map, in two lines."""
    method = METHOD_WORDS.get(saliency.method, saliency.method.replace("_", " "))
    top = "one fixed scale for the whole recording" if scale.fixed else "full colour: the maximum of this map"
    if saliency.by_lead and scale.fixed:
        rows = list(saliency.by_lead.values())
        apart = "each lead has its own map" if any(row is not rows[0] for row in rows) else "the same in every lead"
        top = f"one scale for all labels; {apart}"
    tested = f"{QUALITY_WORDS[scale.quality]} · " if scale.quality else ""
    return f"importance for {saliency.target} · {method} · finest detail {saliency.resolution_ms:.0f} ms\n{tested}{top}"


def lanes_read(strip: Strip, beats: Beats | None, saliency: SaliencyMap | None = None) -> list[Lane]:
    """Lanes of the leads that the network read; all when unknown or none is shown."""
    read = {lead.lower() for lead in beats.leads} if beats is not None else set()
    if saliency is not None and saliency.by_lead:
        read = set(saliency.by_lead)
    found = [lane for lane in strip.lanes if lane.lead.lstrip("-").lower() in read]
    return found or list(strip.lanes)


def band(
    saliency: SaliencyMap, start_s: float, stop_s: float, n_columns: int
) -> tuple[np.ndarray, float, float] | None:
    """Part of a map within a view, at most ``n_columns`` values at equal steps.

    Where several values share a column the largest is kept. Nothing lies outside the network's window.

    Returns:
        (values (n,), first second, last second), or None where map and view do not meet.
    """
    time_s, values = np.asarray(saliency.time_s), np.asarray(saliency.values, np.float64)
    step = (time_s[-1] - time_s[0]) / (len(time_s) - 1) if len(time_s) > 1 else 0.0
    low, high = max(start_s, time_s[0] - step / 2), min(stop_s, time_s[-1] + step / 2)
    if high <= low:
        return None
    inside = int(np.count_nonzero((time_s >= low) & (time_s <= high)))
    n = max(min(n_columns, inside), 2)
    edges = np.linspace(low, high, n + 1)
    out = np.interp((edges[:-1] + edges[1:]) / 2, time_s, values)
    if inside > n:
        column = np.clip(np.searchsorted(edges, time_s, side="right") - 1, 0, n - 1)
        keep = (time_s >= low) & (time_s <= high)
        np.maximum.at(out, column[keep], np.nan_to_num(values[keep]))
    return out, float(low), float(high)


def png_row(rgba: np.ndarray) -> str:
    """Colours (n, 4) as a data URI of a PNG one pixel high."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgba[None], "RGBA").save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def line_levels(scale: HeatScale, saliency: SaliencyMap, time_s: np.ndarray, n_levels: int = 10) -> np.ndarray:
    """Quantised map at each time, 0 to n_levels - 1, -1 outside the network's window; int (n,)."""
    share = scale.share(np.interp(time_s, saliency.time_s, saliency.values))
    levels = np.minimum((share * n_levels).astype(int), n_levels - 1)
    low, high = saliency.window_s
    return np.where((time_s >= low) & (time_s <= high), levels, -1)


def hex_rgb(colour: str) -> np.ndarray:
    """#rrggbb as float (3,)."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], float)
