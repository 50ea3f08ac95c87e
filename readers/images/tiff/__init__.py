"""TIFF and BigTIFF, and their pixel size."""
