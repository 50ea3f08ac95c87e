"""TIFF and BigTIFF, and the size of a pixel that they state."""
