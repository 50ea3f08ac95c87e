"""Font of pictures and reports, with Latin, Greek and Cyrillic letters, from matplotlib."""

from __future__ import annotations

from pathlib import Path


def font_file(*, bold: bool = False) -> Path:
    """DejaVu Sans as a TrueType file."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
