"""Contact sheet of many pictures as one PNG, at equal size and tone."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_PERCENTILES = (0.5, 99.5)
_EDGE_RGB = (86, 180, 233)
_EDGE_PX = 2
_GAP_PX = 4


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery.

    Attributes:
        pixels: (H, W), of any kind of number; NaN tolerated.
        words: what it is, for those who cannot see it.
        mask: bool (H, W) of what is to be outlined, or None.
    """

    pixels: np.ndarray
    words: str
    mask: np.ndarray | None = None


def gallery_png(tiles: Sequence[Tile], columns: int, tile_px: int = 224) -> bytes:
    """A grid of pictures as RGBA PNG; gaps and empty places are transparent.

    Each picture is stretched between its own percentiles 0.5 and 99.5, so that what is compared is the picture and not
    the window of its scanner; it is fitted into its square without distortion.

    Args:
        tiles: the pictures, row by row.
        columns: of the grid.
        tile_px: side of a square.

    Raises:
        ValueError: no picture, or no column.
    """
    from PIL import Image

    if not tiles or columns < 1:
        raise ValueError("a gallery needs a picture and a column")
    rows, step = -(-len(tiles) // columns), tile_px + _GAP_PX
    sheet = Image.new("RGBA", (columns * step - _GAP_PX, rows * step - _GAP_PX))
    for place, tile in enumerate(tiles):
        picture = Image.fromarray(_drawn(tile))
        picture.thumbnail((tile_px, tile_px), Image.Resampling.LANCZOS)
        if max(picture.size) < tile_px:
            share = tile_px / max(picture.size)
            picture = picture.resize([max(round(side * share), 1) for side in picture.size], Image.Resampling.BICUBIC)
        row, column = divmod(place, columns)
        offset = [(tile_px - side) // 2 for side in picture.size]
        sheet.paste(picture, (column * step + offset[0], row * step + offset[1]))
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _drawn(tile: Tile) -> np.ndarray:
    """A tile, uint8 (H, W, 3), with the outline of its mask."""
    values = np.asarray(tile.pixels, dtype=np.float32)
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, _PERCENTILES) if known.size else (0.0, 1.0)
    unit = np.nan_to_num((values - low) / max(high - low, 1e-12), nan=0.0, posinf=1.0, neginf=0.0)
    grey = np.repeat((unit.clip(0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)
    if tile.mask is not None and tile.mask.any():
        from scipy import ndimage

        wide = max(round(_EDGE_PX * max(grey.shape[:2]) / 384), 1)
        grey[ndimage.binary_dilation(tile.mask, iterations=wide + 1) & ~ndimage.binary_dilation(tile.mask)] = _EDGE_RGB
    return grey
