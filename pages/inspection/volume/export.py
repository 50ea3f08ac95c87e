"""Exports of the Volume page: the three planes, and the winding unrolled, as PNG."""

from __future__ import annotations

import re

import streamlit as st

from ecgviz.figures import volume_views
from ecgviz.figures.picture_layers import picture_scale
from ecgviz.figures.window_level import Window
from ecgviz.volumes.planes import Slab
from models.checkpoints import STATEMENT
from pages.inspection.volume import caching, verdicts
from pages.inspection.volume.caching import OpenedVolume
from pages.inspection.volume.keys import scope
from pages.inspection.volume.view import View


def picker(
    opened: OpenedVolume, shown: View, window: Window, thickness: int, slab: Slab, overlay: verdicts.Shown
) -> None:
    """Popover with the downloads, which are made when it opens."""
    popover = st.popover("Export", icon=":material/download:", key=scope("export"), on_change="rerun")
    if not popover.open:
        return
    volume, key = opened.volume, opened.key
    stem = re.sub(r"[^\w.-]+", "_", volume.name)[:80] or "volume"
    place = "_".join(f"{name}{value}" for name, value in zip("zyx", shown.at, strict=True))
    scale = picture_scale(overlay.vmax) if overlay.vmax > 0 else None
    drawn = volume_views.Shown(shown.at, window, thickness, slab, overlay.overlay, scale)
    tags = [f"{name}: {value}" for name, value in volume.tags]
    with popover:
        st.download_button(
            "Three planes (PNG)", volume_views.planes_png(volume, drawn, caption=[volume.name, *tags]),
            f"{stem}_{place}.png", "image/png", on_click="ignore", width="stretch", key=scope("planes_png"),
            icon=":material/image:",
        )  # fmt: skip
        centre = caching.mandrel(volume, key, shown.at[0])
        st.download_button(
            "Winding unrolled (PNG)", volume_views.roll_png(volume, shown.at[0], window, centre),
            f"{stem}_z{shown.at[0]}_unrolled.png", "image/png", on_click="ignore", width="stretch",
            key=scope("unrolled_png"), icon=":material/image:",
        )  # fmt: skip
        st.caption(STATEMENT)
