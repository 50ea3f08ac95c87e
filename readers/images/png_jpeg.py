"""PNG, JPEG, BMP and WebP by Pillow, after a check of the stated size.

Pillow's own bound (``MAX_IMAGE_PIXELS``) is a warning until twice the limit, so it is not relied on. Values of 16 bits
stay 16 bits: ``convert("RGB")`` would clip them at 255.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.core.decoding import DAMAGE, decoding
from readers.core.errors import ReadError
from readers.images.pixels import check_size, grey, upright, upright_size
from readers.images.slices import Decoded, Reading, Slice, undecodable

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
_DEEP = {"I;16", "I;16L", "I;16B", "I;16N"}
_DEEP_COLOUR = {2, 4, 6}
"""PNG colour types (RGB, grey with alpha, RGB with alpha) of which Pillow keeps 8 bits only."""


def read_png(path: Path) -> Reading:
    """A PNG file; the first picture of an animation.

    Raises:
        ReadError: no such picture, or one that claims too much.
    """
    return _read(path, "PNG")


def read_jpeg(path: Path) -> Reading:
    """A JPEG file.

    Raises:
        ReadError: no such picture, or one that claims too much.
    """
    return _read(path, "JPEG")


def read_bmp(path: Path) -> Reading:
    """A Windows bitmap.

    Raises:
        ReadError: no such picture, or one that claims too much.
    """
    return _read(path, "BMP")


def read_webp(path: Path) -> Reading:
    """A WebP file; the first picture of an animation.

    Raises:
        ReadError: no such picture, or one that claims too much.
    """
    return _read(path, "WebP")


def _read(path: Path, kind: str) -> Reading:
    with _opened(path, kind) as image:
        width, height = image.size
        with decoding(path, _damaged(kind)):
            frames = int(getattr(image, "n_frames", 1))
        has_exif = kind == "JPEG" or "exif" in image.info
        height, width = upright_size(height, width, _orientation(image) if has_exif else 1)
        dtype = np.dtype(np.uint16 if image.mode in _DEEP or _is_deep_colour(path, kind) else np.uint8)
    notes = (f"It holds {frames} pictures: the first is shown.",) if frames > 1 else ()
    one = Slice(
        path, path.name, height, width, dtype, partial(_decode, path, kind), partial(_upright_samples, path, kind)
    )
    return Reading((one,), kind, notes=notes)


def _opened(path: Path, kind: str) -> Image:
    """The picture with only its header read."""
    from PIL import Image

    try:
        with decoding(path, _damaged(kind)):
            image = Image.open(path, formats=(kind,))
    except Image.DecompressionBombError as error:
        raise ReadError(
            path, "it claims far more pixels than a picture may have; crop it or reduce its size."
        ) from error
    try:
        check_size(path, image.height, image.width)
    except BaseException:
        image.close()
        raise
    return image


def _damaged(kind: str) -> str:
    return f"it begins like a {kind} picture but its header is damaged; export it again."


def _decode(path: Path, kind: str) -> Decoded:
    array, orientation = _samples(path, kind)
    pixels, notes = grey(path, array)
    return upright(pixels, orientation), notes


def _upright_samples(path: Path, kind: str) -> np.ndarray:
    return upright(*_samples(path, kind))


def _samples(path: Path, kind: str) -> tuple[np.ndarray, int]:
    """Stored samples, (h, w) or (h, w, channels), and their orientation."""
    with _opened(path, kind) as image:
        if _is_deep_colour(path, kind):
            from imagecodecs import png_decode

            content = path.read_bytes()
            with decoding(path, undecodable()):
                array = png_decode(content)
        else:
            with decoding(path, undecodable()):
                array = _array(image)
        return array, _orientation(image)


def _array(image: Image) -> np.ndarray:
    """Samples of a picture as grey or RGB, in the file's bit depth."""
    image.load()
    if image.mode in {"P", "PA"}:
        image = image.convert("RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB")
    elif image.mode in {"CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"}:
        image = image.convert("RGBA" if image.mode == "RGBa" else "RGB")
    return np.asarray(image)


def _is_deep_colour(path: Path, kind: str) -> bool:
    """Whether a PNG has several 16-bit channels, by its first chunk."""
    if kind != "PNG":
        return False
    with path.open("rb") as file:
        head = file.read(26)
    return len(head) == 26 and head[24] == 16 and head[25] in _DEEP_COLOUR


def _orientation(image: Image) -> int:
    """EXIF orientation; 1 (as stored) where absent or damaged."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except (OSError, *DAMAGE):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
