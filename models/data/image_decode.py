"""One picture file to its stored pixels, for training: depth kept, colour turned to luminance.

Files are untrusted: sizes are bounded before anything is decoded, and nothing but Pillow's and pydicom's own decoders
reads them.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np

from models.core.errors import ReadError
from readers.core.decoding import decoding, pydicom_errors
from readers.images.dicom.boxes import guard_boxes
from readers.images.dicom.padding import padding_range

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm")
MAX_PIXELS = 120_000_000
"""More pixels than any detector here has: a decompression bomb."""
_DEEP = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}


def decode(path: Path, content: bytes | None = None) -> np.ndarray:
    """Stored pixels of a picture, (H, W) uint8, uint16, int32 or float32; the first one of a file with several.

    Where a DICOM file says that nothing was scanned they are minus infinity.

    Args:
        path: the file.
        content: its bytes, where they were read already.

    Raises:
        ReadError: it is missing, damaged, too large, or no picture.
    """
    if content is None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ReadError(path, f"cannot be read ({error.strerror or error}); check that it is there") from error
    if not content:
        raise ReadError(path, "is empty; copy it again")
    if path.suffix.lower() == ".dcm" or content[128:132] == b"DICM":
        return _decode_dicom(path, content)
    return _decode_picture(path, content)


def _decode_picture(path: Path, content: bytes) -> np.ndarray:
    from PIL import Image, ImageOps

    fault = "is no readable picture ({error}); save it again as PNG or TIFF"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of bombs below our own limit and of odd metadata
        with decoding(path, fault, Image.DecompressionBombError), Image.open(io.BytesIO(content)) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ReadError(path, f"has {width} x {height} pixels; the limit is {MAX_PIXELS:,}")
            upright = ImageOps.exif_transpose(picture)
            return np.asarray(upright if upright.mode in _DEEP else upright.convert("L"))


def _decode_dicom(path: Path, content: bytes) -> np.ndarray:
    import pydicom

    guard_boxes()
    fault = "is no readable DICOM picture ({error}); export it again"
    with decoding(path, fault, *pydicom_errors()):
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        # pydicom decodes a value when it is asked for, so what is asked of the header is asked here.
        if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
            raise ReadError(path, f"has {dataset.Rows} x {dataset.Columns} pixels; the limit is {MAX_PIXELS:,}")
        pixels = np.asarray(dataset.pixel_array)
        samples, turned = int(dataset.get("SamplesPerPixel", 1)), dataset.get("PhotometricInterpretation")
        slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
        outside = padding_range(dataset)
    if samples == 3:
        pixels = (pixels @ np.array([0.299, 0.587, 0.114])).round().astype(pixels.dtype)
    pixels = pixels if pixels.ndim == 2 else pixels[0]
    empty = None if outside is None else (pixels >= outside[0]) & (pixels <= outside[1])
    scaled = pixels * slope + intercept
    pixels = pixels if np.array_equal(scaled, pixels) else scaled.astype(np.float32)
    if turned == "MONOCHROME1":
        pixels = pixels.max() - pixels
    if empty is None or not empty.any() or empty.all():
        return pixels
    return np.where(empty, np.float32(-np.inf), pixels.astype(np.float32))
