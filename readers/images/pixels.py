"""Limits of picture sizes, and conversion of decoded samples to grey values.

Sizes are checked before anything is decoded: a file of 200 bytes can claim a picture of gigabytes.
"""

from __future__ import annotations

from os import PathLike

import numpy as np

from readers.core.errors import ReadError

MAX_PIXELS = 100_000_000
MAX_SAMPLES = 4
COLOUR_NOTE = "It is a picture in colour, where a CT picture is expected: its brightness is used."
_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the brightness (ITU-R BT.601)."""


def check_size(file: str | PathLike[str], height: int, width: int, samples: int = 1) -> None:
    """Refuse a header with a size of zero or beyond the limit.

    Raises:
        ReadError: no pixels; more than ``MAX_PIXELS``; more than ``MAX_SAMPLES`` channels.
    """
    if height < 1 or width < 1 or samples < 1:
        raise ReadError(
            file, f"it states a size of {width} x {height} pixels, so there is no picture; export it again."
        )
    if height * width > MAX_PIXELS:
        raise ReadError(
            file,
            f"it claims {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million are decoded. "
            "Crop it or reduce its size.",
        )
    if samples > MAX_SAMPLES:
        raise ReadError(file, f"it has {samples} channels; a CT picture has one. Export one channel.")


def value_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype to which ``plain`` converts ``dtype``."""
    if dtype.kind == "b" or dtype == np.uint8:
        return np.dtype(np.uint8)
    if dtype in {np.dtype(np.uint16), np.dtype(np.int16)}:
        return np.dtype(dtype.type)
    return np.dtype(np.int16) if dtype == np.int8 else np.dtype(np.float32)


def plain(file: str | PathLike[str], array: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Values as uint8, uint16, int16 or float32 in native byte order, and notes on lost precision.

    Black and white becomes 0 and 255. Integers of 32 bits and more become float32.

    Raises:
        ReadError: values that are no real numbers.
    """
    if array.dtype.kind not in "buif":
        raise ReadError(file, f"its values are of the type {array.dtype}; store real numbers.")
    target = value_dtype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "b":
        return array.astype(target) * np.uint8(255), ()
    notes: tuple[str, ...] = ()
    if array.dtype.kind in "ui" and array.dtype.itemsize > 2 and np.abs(array, dtype=np.float64).max() > 2**24:
        notes = ("It holds integers beyond 16.7 million: they are rounded.",)
    with np.errstate(over="ignore"):
        values = np.empty(array.shape, target)
        values[...] = array
    if target.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(values)))):
        values = np.where(np.isinf(values), np.float32(np.nan), values)
        if bad == values.size:
            raise ReadError(file, "none of its values is a number; export it again.")
        notes = (*notes, f"{bad} of its {values.size} pixels have no value (NaN or infinite); they are shown black.")
    return values, notes


def grey(file: str | PathLike[str], array: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """One value per pixel.

    Args:
        file: to name in an error.
        array: (H, W), or (H, W, samples) with 1 grey, 2 grey and alpha, 3 red, green and blue, 4 these and alpha.

    Returns:
        the values as of ``plain`` (H, W), and notes.

    Raises:
        ReadError: another number of channels.
    """
    if array.ndim == 2:
        return plain(file, array)
    if array.ndim != 3 or not 1 <= array.shape[2] <= MAX_SAMPLES:
        shape = " x ".join(map(str, array.shape))
        raise ReadError(file, f"it decodes to {shape} values, which is no picture; export one slice a page.")
    samples = array.shape[2]
    notes: tuple[str, ...] = ()
    if samples in {2, 4} and not (array[..., -1] == _opaque(array.dtype)).all():
        notes = ("It is partly transparent: the transparency is ignored.",)
    if samples <= 2:
        values, more = plain(file, array[..., 0])
        return values, (*notes, *more)
    values, more = _brightness(file, array[..., :3])
    return values, (*notes, *more)


def _brightness(file: str | PathLike[str], colours: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    values, notes = plain(file, colours)
    red, green, blue = (values[..., i] for i in range(3))
    slack = 2 * _opaque(values.dtype) / 255
    # A picture in colour shows that in any sixteenth of its rows, which spares looking at the others.
    sample = slice(None, None, 16)
    if all(
        _alike(red[rows], green[rows], slack) and _alike(green[rows], blue[rows], slack)
        for rows in (sample, slice(None))
    ):
        return np.ascontiguousarray(green), notes
    if values.dtype == np.uint8:
        from PIL import Image

        return np.asarray(Image.fromarray(values).convert("L")), (COLOUR_NOTE, *notes)
    mixed = _LUMA[0] * red.astype(np.float32) + _LUMA[1] * green.astype(np.float32) + _LUMA[2] * blue.astype(np.float32)
    if values.dtype.kind in "ui":
        mixed = np.rint(mixed, out=mixed).astype(values.dtype)
    return mixed, (COLOUR_NOTE, *notes)


def _alike(one: np.ndarray, other: np.ndarray, slack: float) -> bool:
    """Whether two channels are equal within JPEG's error, as in a grey picture."""
    difference = one.astype(np.float32) - other.astype(np.float32)
    return bool((np.abs(difference, out=difference) <= slack).all())


def _opaque(dtype: np.dtype) -> float:
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The picture oriented by its EXIF or TIFF tag 274: 1 as stored, 3 upside down, 6 and 8 rotated ..."""
    if orientation in {5, 6, 7, 8}:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def upright_size(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Height and width after ``upright``."""
    return (width, height) if orientation in {5, 6, 7, 8} else (height, width)
