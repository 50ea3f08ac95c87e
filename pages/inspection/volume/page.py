"""Page Volume: a stack or volume in three linked planes, with measures, unrolled winding and verdict overlay."""

from __future__ import annotations

import streamlit as st

from ecgviz.errors import EcgvizError
from ecgviz.figures.plane_pixels import packed_planes
from ecgviz.volumes.measure import angle_deg, distance
from ecgviz.volumes.planes import MAX_SLAB, three_planes
from pages.inspection import opening, style
from pages.inspection.address import OpenedStack, along
from pages.inspection.volume import caching, canvas, export, form, keys, position, roll, verdicts, view
from pages.inspection.volume.caching import OpenedVolume
from pages.inspection.volume.keys import scope
from pages.inspection.volume.view import View
from pages.parts import (
    appearance,
    notices,
    page_head,
    picture_link,
    progress,
    shared_calls,
    sidebar,
    tables,
)
from pages.parts.appearance import styled
from readers.volumes.volume import Volume

PURPOSE = "See a scanned part as a volume: three linked planes, thick slabs, distances in mm, the winding unrolled."
HELP = """
- **Open** takes a stack of slices, a multi-page TIFF, a DICOM series, or a volume: NIfTI, NRRD, MetaImage (.mhd, .mha),
  HDF5, zarr, VGI, raw values with their shape.
- **Click** in a plane: the other two go there. **Wheel** or Page up and down: through the planes; arrow keys: in the
  plane; with Shift by ten. **Drag with the right button**: window and level.
- **Slab**: the mean or the maximum of several planes; a maximum shows dense particles, a mean takes noise away.
- **Distance** takes two clicks, **Angle** three, the second at the corner, in any of the planes.
- **Verdict** colours each slice at the edge of the planes along the stack, and lays the maps of the slices that were
  explained so far over all three planes.
- **Unrolled** shows the winding around its mandrel as straight layers, and along the mandrel the ends of the layers:
  by how much the anode overhangs the cathode.
"""
PATIENCE_S = 2.0


def page() -> None:
    """The whole page."""
    style.apply()
    picture_link.read()
    begun = opening.begin("Volume", PURPOSE, HELP, scope("example"))
    if begun is None:
        return
    head, title, address = begun
    title.markdown("**Volume**")
    opened = opening.opened(address)
    if opened is None:
        form.picker(address)
        return
    call = shared_calls.watch("volume", caching.opening, opened, opened.key, lasting=True)
    if not call.wait(PATIENCE_S):
        progress.bar(call, "Opening the volume", scope("opening"))
        return
    if call.result is None:
        st.error(str(call.error or "The opening was stopped; open the volume again."))
        return
    try:
        _volume(head, opened, call.result)
    except EcgvizError as error:
        st.error(str(error))
    title.markdown(f"**{call.result.volume.name}** · {describe(call.result.volume)}")
    picture_link.write()


def describe(volume: Volume) -> str:
    """Shape, depth and spacing in one line."""
    z, y, x = volume.shape
    size = "voxel size not stated"
    if volume.spacing_mm is not None:
        edges = [f"{one:.3g}" for one in volume.spacing_mm]
        size = f"{edges[0]} mm" if len(set(edges)) == 1 else f"{' × '.join(edges)} mm (z, y, x)"
    return f"{z} × {y} × {x} voxels (z, y, x) · {volume.bits} bit · {size}"


def _volume(head, opened: OpenedStack, found: OpenedVolume) -> None:
    """Contents for an open volume."""
    volume, stacked = found.volume, along(opened.stack)
    shown = view.current(volume, found.key, stacked)
    notices.show(list(volume.warnings))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key=scope("controls")):
        thickness, slab = _slab()
        tool = st.segmented_control(
            "Click", ["move", *view.POINTS], default="move", required=True, key=keys.TOOL,
            help="What a click in a plane does: move the planes there, or set the points of a measure.",
        )  # fmt: skip
        verdict_on = st.toggle("Verdict", key=keys.OVERLAY, bind="query-params", help="The network's, over the planes.")
        unrolled_on = st.toggle(
            "Unrolled", key=keys.UNROLLED, bind="query-params", help="The winding around its mandrel."
        )
    viewer = st.container(key=styled("viewer"), horizontal=True)
    paper = viewer.container(key=styled("paper"))
    panel = viewer.container(key=styled("panel"), width=appearance.PANEL_PX)
    with panel:
        shown = position.picker(volume, shown, stacked)
    checkpoint = sidebar.chosen_checkpoint(kind="image")
    overlay = verdicts.overlay(opened, checkpoint, volume, shown.at[stacked]) if verdict_on else verdicts.NOTHING
    window = shown.window or found.window
    planes = three_planes(volume, shown.at, thickness=thickness, slab=slab)
    measured = _measured(volume, shown)
    message = packed_planes(
        volume, planes, window, overlay=overlay.overlay, vmax=overlay.vmax, point=overlay.point,
        more={"tool": tool or "move", "points": [list(one) for one in shown.points], "label": measured},
    )  # fmt: skip
    with paper:
        _canvas(volume, message, shown, stacked, tool or "move")
    with panel:
        _panel(volume, shown, window, measured, overlay)
    if unrolled_on:
        roll.show(found, shown.at[0], window)
    with head:
        export.picker(found, shown, window, thickness, slab, overlay)
        page_head.help_popover(f"{PURPOSE}\n{HELP}")


def _slab() -> tuple[int, str]:
    slab = st.segmented_control(
        "Slab", ["mean", "max"], default="mean", required=True, key=keys.SLAB, bind="query-params",
        help="What a pixel is of the voxels behind each other.",
    )  # fmt: skip
    thickness = st.number_input(
        "Planes", 1, MAX_SLAB, 1, key=keys.THICKNESS, bind="query-params", width=110, help="Of a slab; 1 is a plane."
    )
    return int(thickness), slab or "mean"


def _canvas(volume: Volume, message: bytes, shown: View, stacked: int, tool: str) -> None:
    key = scope("canvas", abs(hash(shown.key)))

    def moved() -> None:
        view.told(volume, st.session_state[keys.STATE], canvas.told(key), stacked, tool)

    canvas.mount(message, key, moved)


def _measured(volume: Volume, shown: View) -> str:
    """The measured distance or angle, in words."""
    if len(shown.points) < 2:
        return ""
    length, unit = distance(shown.points[0], shown.points[1], volume.spacing_mm)
    if len(shown.points) == 2:
        return f"{length:.3f} {unit}" if unit == "mm" else f"{length:.1f} {unit}"
    try:
        return f"{angle_deg(*shown.points, volume.spacing_mm):.1f}°"
    except EcgvizError:
        return ""


def _panel(volume: Volume, shown: View, window, measured: str, overlay: verdicts.Shown) -> None:
    z, y, x = shown.at
    value = float(volume.plane(0, z)[y, x])
    rows: list[tuple[str, str]] = [
        ("Value here", f"{value:.6g} {volume.value_unit}".strip()),
        ("Measured", measured or "–"),
    ]
    if volume.spacing_mm is not None:
        place = " · ".join(f"{one * step:.2f}" for one, step in zip(shown.at, volume.spacing_mm, strict=True))
        rows.append(("z · y · x, mm", place))
    rows += [("Window", f"{window.low:.5g} to {window.high:.5g}"), *volume.tags]
    st.markdown(tables.facts(rows))
    with st.container(horizontal=True, gap="xsmall"):
        st.button("Part's window", key=scope("window_of_part"), on_click=_forget_window, disabled=shown.window is None)
        st.button("Clear points", key=scope("clear_points"), on_click=_forget_points, disabled=not shown.points)
    verdicts.panel(overlay, shown, volume)


def _forget_window() -> None:
    shown: View = st.session_state[keys.STATE]
    view.set_view(View(shown.key, shown.at, None, shown.points))


def _forget_points() -> None:
    shown: View = st.session_state[keys.STATE]
    view.set_view(View(shown.key, shown.at, shown.window))


page()
