"""Public names of :mod:`readers.images`."""

from __future__ import annotations

from readers.images import FORMATS, ImageFormat, list_images, list_series, open_images, unpack_images

__all__ = ["FORMATS", "ImageFormat", "list_images", "list_series", "open_images", "unpack_images"]
