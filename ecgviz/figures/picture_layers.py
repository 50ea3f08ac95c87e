"""Layers of an inspection picture: picture and map as PNG, contours, boxes, scale bar.

Everything is in pixels of the picture, x to the right and y down, the first pixel's centre at 0. Nothing here knows
plotly: the browser's figure and the reports' pictures are made of the same layers.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecgviz.figures.fonts import text_runs, text_width
from ecgviz.figures.overlay import COLORMAPS, METHOD_WORDS, HeatScale
from ecgviz.results import ImageMap
from models.data.image_folder import ImageRow

LARGEST_MAP = 512
"""Pixels of a map layer's longer side: a map has no detail finer than that, and a PNG grows with its pixels."""
CONTOUR_GRID = 256
MOST_HALVINGS = 2
"""How often the number of grey levels may be halved to save bytes."""
_SHRINK = 0.85


@dataclass(frozen=True)
class Box:
    """A ground-truth box: corners in pixels, inclusive, and its class ("" where unstated)."""

    left: float
    top: float
    right: float
    bottom: float
    kind: str = ""


@dataclass(frozen=True)
class ScaleBar:
    """Scale bar of a round length: ``length_mm`` is ``length_px`` columns."""

    length_mm: float
    length_px: float

    @property
    def text(self) -> str:
        """Its label, such as "5 mm" or "0.2 mm"."""
        return f"{self.length_mm:g} mm"


def picture_scale(vmax: float, *, colormap: str = "hue", opacity: float = 0.6, paper: str = "dark") -> HeatScale:
    """Colour scale over a picture: 0 is transparent, ``vmax`` and above the full colour.

    Args:
        vmax: one for all slices of a stack or all pictures of a batch; see ``ecgviz.saliency.stack_scale``.
        colormap: one of ``ecgviz.figures.overlay.COLORMAPS``.
        opacity: of the full colour, 0 to 1.
        paper: "dark" for pictures of parts on any page, "light" for paper.

    Raises:
        ValueError: a value out of its bounds.
    """
    if colormap not in COLORMAPS:
        raise ValueError(f"colour map {colormap!r} is unknown; choose {', '.join(COLORMAPS)}")
    if not 0 <= opacity <= 1 or not vmax > 0:
        raise ValueError(f"opacity is a part of 1 and vmax is above 0, not {opacity} and {vmax}")
    return HeatScale(float(vmax), colormap, opacity, paper, fixed=True)


def scale_words(image_map: ImageMap) -> str:
    """Meaning of the colours, in one line."""
    method = METHOD_WORDS.get(image_map.method, image_map.method.replace("_", " "))
    return f"importance for {image_map.target} · {method} · finest detail {image_map.resolution_px:.0f} px"


def map_rgba(values: np.ndarray, scale: HeatScale) -> np.ndarray:
    """Colours of a map (H, W), uint8 (H, W, 4)."""
    return scale.rgba(values.ravel()).reshape(*values.shape, 4)


def map_png(image_map: ImageMap, scale: HeatScale) -> str:
    """A map as a data URI of an RGBA PNG of at most ``LARGEST_MAP`` pixels per side."""
    values = shrink(image_map.values, LARGEST_MAP)
    return _uri(_encode(map_rgba(values, scale)))


def grey_png(grey: np.ndarray, most_bytes: int) -> str:
    """A picture as a data URI of a PNG of at most ``most_bytes``.

    One that needs more first loses grey levels (down to 64, which the eye hardly misses; noise costs most of the bytes)
    and then pixels.

    Args:
        grey: uint8 (H, W), windowed.
        most_bytes: of the whole URI.
    """
    for lost in range(MOST_HALVINGS + 1):
        content = _encode(((grey >> lost) * np.float32(255 / (255 >> lost))).astype(np.uint8))
        if len(content) * 4 / 3 <= most_bytes:
            return _uri(content)
    side = max(grey.shape)
    while len(content) * 4 / 3 > most_bytes and side > 64:
        side = int(side * min(_SHRINK, math.sqrt(most_bytes / (len(content) * 4 / 3))))
        content = _encode(shrink(grey, side))
    return _uri(content)


def colour_jpeg(pixels: np.ndarray, most_bytes: int) -> str:
    """A colour picture as a data URI of a JPEG of at most ``most_bytes``, downscaled if necessary.

    Args:
        pixels: uint8 (H, W, 3).
        most_bytes: of the whole URI.
    """
    from PIL import Image

    picture, side = Image.fromarray(pixels), max(pixels.shape[:2])
    while True:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        size = len(buffer.getvalue()) * 4 / 3
        if size <= most_bytes or side <= 64:
            return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
        side = int(side * min(_SHRINK, math.sqrt(most_bytes / size)))
        factor = side / max(pixels.shape[:2])
        shape = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
        picture = Image.fromarray(pixels).resize(shape, Image.Resampling.BOX)


def shrink(values: np.ndarray, most: int) -> np.ndarray:
    """A picture or map averaged down to ``most`` pixels on its longer side; smaller ones unchanged."""
    from PIL import Image

    height, width = values.shape
    if max(height, width) <= most:
        return values
    factor = most / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BOX))


def contour_lines(values: np.ndarray, level: float) -> list[np.ndarray]:
    """Contours of a map or mask (H, W) at ``level``, each float (n, 2) of x, y in pixels.

    Of a large one a copy of at most ``CONTOUR_GRID`` pixels a side is followed: a line of more points weighs more than
    the picture.
    """
    from contourpy import contour_generator

    height, width = values.shape
    # A border of nothing closes lines that would end at the edge of the picture.
    small = np.pad(shrink(np.asarray(values, np.float32), CONTOUR_GRID), 1)
    rows, columns = small.shape[0] - 2, small.shape[1] - 2
    lines = contour_generator(z=small).lines(float(level))
    step = np.array([width / columns, height / rows])
    last = np.array([width - 0.5, height - 0.5])
    return [np.clip((line - 0.5) * step - 0.5, -0.5, last) for line in lines]


def scale_bar(width: int, spacing_mm: tuple[float, float] | None) -> ScaleBar | None:
    """Scale bar of 1, 2 or 5 times a power of ten, at most a quarter of the picture; None without a spacing."""
    if spacing_mm is None or not spacing_mm[1] > 0:
        return None
    most = width * spacing_mm[1] / 4
    power = 10.0 ** math.floor(math.log10(most))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= most * (1 + 1e-9))
    return ScaleBar(length, length / spacing_mm[1])


def truth_boxes(row: ImageRow, shape: tuple[int, int]) -> tuple[Box, ...]:
    """The boxes of a picture with this height and width, in its pixels."""
    return tuple(Box(*box.pixels(shape), kind=box.type) for box in row.boxes)


def annotated(
    grey: np.ndarray,
    caption: Sequence[str],
    *,
    image_map: ImageMap | None = None,
    scale: HeatScale | None = None,
    level: float | None = None,
    most: int = 1024,
) -> bytes:
    """A picture for a report as PNG: map, contour at a share of the scale, and caption lines below.

    Args:
        grey: uint8 (H, W), windowed.
        caption: lines below the picture.
        image_map: what to lay over it.
        scale: its colours; needed with a map.
        level: share of the scale's top at which a line is drawn around the map.
        most: longest side in pixels.
    """
    from PIL import Image, ImageDraw

    small = Image.fromarray(shrink(grey, most)).convert("RGB")
    factor = small.width / grey.shape[1]
    if image_map is not None and scale is not None:
        colours = Image.fromarray(map_rgba(shrink(image_map.values, LARGEST_MAP), scale), "RGBA").resize(small.size)
        small.paste(colours, mask=colours.getchannel("A"))
        if level is not None:
            draw = ImageDraw.Draw(small)
            for line in contour_lines(image_map.values, level * scale.vmax):
                points = [tuple(point) for point in ((line + 0.5) * factor).tolist()]
                draw.line(points, fill="#000000", width=3)
                draw.line(points, fill="#ffffff", width=1)
    height = max(12, min(28, small.width // 32))
    wide = max([small.width, *(math.ceil(text_width(line, height)) + height for line in caption)])
    sheet = Image.new("RGB", (wide, small.height + round(1.4 * height * len(caption)) + height // 2), "#ffffff")
    sheet.paste(small)
    draw = ImageDraw.Draw(sheet)
    for index, line in enumerate(caption):
        x, y = height / 2, small.height + round((0.2 + 1.4 * index) * height)
        for run, font in text_runs(line, height):
            draw.text((x, y), run, fill="#1a1a1a", font=font)
            x += font.getlength(run)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _encode(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG")
    return buffer.getvalue()


def _uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()
