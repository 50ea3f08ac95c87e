"""Pictures of a volume for reports and the command line: three planes true to scale, and the winding unrolled."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.figures.fonts import font_file
from ecgviz.figures.overlay import HeatScale
from ecgviz.figures.picture_layers import map_rgba, scale_bar
from ecgviz.figures.window_level import Window, apply_window
from ecgviz.volumes.overlay import VolumeOverlay
from ecgviz.volumes.planes import Plane, Slab, Voxel, part_window, three_planes
from ecgviz.volumes.unroll import Unrolled, find_centre, unroll
from readers.volumes.volume import Volume

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

CROSS = ("#f0a030", "#40c0f0", "#70d060")
"""Colours of the axial, coronal and sagittal plane: of its frame, and of its line on the others."""
_PAPER, _INK = "#ffffff", "#1a1a1a"
_GAP, _TEXT = 10, 15
_LARGEST_PX = 4096


@dataclass(frozen=True)
class Shown:
    """How a volume is shown.

    Attributes:
        at: the voxel (z, y, x) that the planes go through.
        window: of the greys; the one from the part's inside when None.
        thickness: planes of a slab.
        slab: "mean" or "max".
        overlay: what a network found, laid over.
        scale: colours of its maps.
    """

    at: Voxel
    window: Window | None = None
    thickness: int = 1
    slab: Slab = "mean"
    overlay: VolumeOverlay | None = None
    scale: HeatScale | None = None


def planes_png(volume: Volume, shown: Shown, *, side_px: int = 520, caption: Sequence[str] = ()) -> bytes:
    """The three planes through a voxel side by side as PNG, each true to scale, with the lines of the others.

    Args:
        volume: what is shown.
        shown: where and how.
        side_px: of the largest plane's longer side.
        caption: lines below.

    Raises:
        ConfigError: a slab or plane that cannot be.
        ReadError: the file is damaged.
    """
    from PIL import Image

    window = shown.window or part_window(volume)
    planes = three_planes(volume, shown.at, thickness=shown.thickness, slab=shown.slab)
    # One scale for all three: a mm is as long in each of them.
    longest = max(max(_size_mm(one)) for one in planes)
    pictures = [plane_picture(one, window, shown, px_per_mm=side_px / longest) for one in planes]
    places, (wide, height) = _arranged([one.size for one in pictures])
    lines = [*caption, _words(volume, shown, window)]
    sheet = Image.new("RGB", (max(wide, 480), height + round(1.5 * _TEXT * len(lines)) + 2 * _GAP), _PAPER)
    draw, font = _pen(sheet)
    for one, picture, (left, top) in zip(planes, pictures, places, strict=True):
        draw.text((left, top), f"{one.name} · {'zyx'[one.axis]} {one.index}", fill=_INK, font=font)
        sheet.paste(picture, (left, top + _TEXT + _GAP // 2))
    for place, line in enumerate(lines):
        draw.text((_GAP, height + _GAP + round(1.5 * _TEXT * place)), line, fill=_INK, font=font)
    return _png(sheet)


def plane_picture(plane: Plane, window: Window, shown: Shown, *, px_per_mm: float) -> Image.Image:
    """One plane true to scale as a picture of Pillow: greys, map, the lines of the other planes, and a scale bar."""
    from PIL import Image, ImageDraw

    height_mm, width_mm = _size_mm(plane)
    size = (
        min(_LARGEST_PX, max(1, round(width_mm * px_per_mm))), min(_LARGEST_PX, max(1, round(height_mm * px_per_mm)))
    )  # fmt: skip
    picture = Image.fromarray(apply_window(plane.values, window)).resize(size, Image.Resampling.BILINEAR).convert("RGB")
    found = None if shown.overlay is None else shown.overlay.on_plane(plane.axis, plane.index)
    if found is not None and shown.scale is not None:
        colours = Image.fromarray(map_rgba(np.nan_to_num(found), shown.scale), "RGBA").resize(size)
        picture.paste(colours, mask=colours.getchannel("A"))
    draw = ImageDraw.Draw(picture)
    rows, columns = (one for one in range(3) if one != plane.axis)
    row = (shown.at[rows] + 0.5) * size[1] / plane.values.shape[0]
    column = (shown.at[columns] + 0.5) * size[0] / plane.values.shape[1]
    draw.line([(0, row), (size[0], row)], fill=CROSS[rows])
    draw.line([(column, 0), (column, size[1])], fill=CROSS[columns])
    draw.rectangle([0, 0, size[0] - 1, size[1] - 1], outline=CROSS[plane.axis])
    bar = None if plane.spacing_mm is None else scale_bar(size[0], (1 / px_per_mm, 1 / px_per_mm))
    if bar is not None and size[1] > 3 * _TEXT:
        end = size[0] - _GAP
        draw.line([(end - bar.length_px, size[1] - _GAP), (end, size[1] - _GAP)], fill="#ffffff", width=2)
        draw.text((end, size[1] - _GAP - 3), bar.text, fill="#ffffff", font=_pen(picture)[1], anchor="rs")
    return picture


def unrolled_picture(found: Unrolled, window: Window, *, width_px: int = 1600) -> Image.Image:
    """The winding unrolled, or a half plane along the mandrel, as a picture of Pillow; the latter is true to scale.

    Of an angle by radius the height is stretched, so that layers are told apart.
    """
    from PIL import Image

    rows, columns = found.values.shape
    width = min(width_px, max(columns, 900))
    height = round(rows * width / columns)
    if found.columns == "radius":
        height = round(height * found.row_step / found.column_step)
    else:
        height = max(height, min(rows, 360))
    size = (width, min(_LARGEST_PX, max(1, height)))
    return Image.fromarray(apply_window(found.values, window)).resize(size, Image.Resampling.BILINEAR)


def unrolled_png(found: Unrolled, window: Window, *, title: str = "", width_px: int = 1600) -> bytes:
    """:func:`unrolled_picture` as PNG, with a title and what runs to the right and down."""
    from PIL import Image

    picture = unrolled_picture(found, window, width_px=width_px)
    sheet = Image.new("RGB", (picture.width + 2 * _GAP, picture.height + 3 * _TEXT + 2 * _GAP), _PAPER)
    sheet.paste(picture, (_GAP, _TEXT + _GAP))
    draw, font = _pen(sheet)
    draw.text((_GAP, _GAP // 2), title, fill=_INK, font=font)
    draw.text((_GAP, picture.height + _TEXT + 1.5 * _GAP), axes_words(found), fill=_INK, font=font)
    return _png(sheet)


def axes_words(found: Unrolled) -> str:
    """What runs to the right and down, and how far."""
    across = (
        "360 degrees" if found.columns == "angle" else f"{found.values.shape[1] * found.column_step:.2f} {found.unit}"
    )
    down = f"{found.values.shape[0] * found.row_step:.2f} {found.unit}"
    return f"to the right: {found.columns}, {across} · down: {found.rows}, {down}"


def roll_png(
    volume: Volume, index: int, window: Window | None = None, centre: tuple[float, float] | None = None
) -> bytes:
    """An axial slice unrolled around its mandrel as PNG, the mandrel found where it is not given."""
    pixels = volume.plane(0, index)
    spacing = None if volume.spacing_mm is None else volume.spacing_mm[1:]
    place = centre or find_centre(pixels, spacing)
    title = f"unrolled · z {index} · around y {place[0]:.1f}, x {place[1]:.1f}"
    return unrolled_png(unroll(pixels, place, spacing_mm=spacing), window or part_window(volume), title=title)


def _arranged(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Places of three planes on a sheet and its size: side by side, flat ones below each other beside the axial one."""
    (width, height), second, third = sizes
    head = _TEXT + _GAP // 2
    if second[1] + third[1] + head + _GAP <= max(height, 1):
        right = width + 2 * _GAP
        places = [(_GAP, _GAP), (right, _GAP), (right, 2 * _GAP + head + second[1])]
        return places, (right + max(second[0], third[0]) + _GAP, height + head + _GAP)
    places = [(_GAP, _GAP), (width + 2 * _GAP, _GAP), (width + second[0] + 3 * _GAP, _GAP)]
    return places, (sum(one[0] for one in sizes) + 4 * _GAP, max(one[1] for one in sizes) + head + _GAP)


def _size_mm(plane: Plane) -> tuple[float, float]:
    """Height and width in mm; in voxels where the spacing is not known."""
    row, column = plane.spacing_mm or (1.0, 1.0)
    return plane.values.shape[0] * row, plane.values.shape[1] * column


def _words(volume: Volume, shown: Shown, window: Window) -> str:
    slab = "" if shown.thickness == 1 else f" · {shown.slab} of {shown.thickness} planes"
    unit = f" {volume.value_unit}" if volume.value_unit else ""
    size = "voxel size not stated"
    if volume.spacing_mm is not None:
        size = f"voxel {' x '.join(f'{one:.3g}' for one in volume.spacing_mm)} mm (z, y, x)"
    z, y, x = shown.at
    return f"voxel z {z}, y {y}, x {x}{slab} · window {window.low:.4g} to {window.high:.4g}{unit} · {size}"


def _pen(picture: Image.Image) -> tuple[ImageDraw.ImageDraw, ImageFont.FreeTypeFont]:
    from PIL import ImageDraw, ImageFont

    return ImageDraw.Draw(picture), ImageFont.truetype(font_file(), _TEXT - 2)


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
