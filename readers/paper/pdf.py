"""Renders a PDF page by PDFium in a separate process (:mod:`readers.paper.pdf_page`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError

DPI = 200
LONGEST_PX = 4000
LARGEST_PT = 14_400
"""Longest side of a page, 200 inches: what a PDF may state without a unit of its own (ISO 32000-1, annex C)."""
PATIENCE_S = 40.0
PROGRAM = Path(__file__).with_name("pdf_page.py")
_END = b"%%EOF"
_TAIL_BYTES = 4096
_FAULTS = {
    "locked": "the PDF is encrypted; save it without a password.",
    "damaged": "the PDF is damaged or truncated; copy or export it again.",
    "empty": "the PDF has no page; export it again.",
}


def is_pdf(path: Path) -> bool:
    """Whether a file begins like a PDF."""
    try:
        with path.open("rb") as file:
            return b"%PDF-" in file.read(1024)
    except OSError:
        return False


def render_page(path: Path, page: int = 1) -> tuple[np.ndarray, int]:
    """A page at :data:`DPI`, at most :data:`LONGEST_PX` long, uint8 (h, w, 3), and the number of pages.

    Raises:
        ReadError: encrypted, damaged or truncated, without pages or without this one, a page of a senseless size, or
            one that takes more memory or time than a page may.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        if _END not in file.read():
            raise ReadError(path, "the PDF is truncated: its end is missing; copy it again.")
    arguments = [str(path.absolute()), str(page), str(DPI), str(LONGEST_PX), str(LARGEST_PT)]
    try:
        done = subprocess.run(
            [sys.executable, "-P", str(PROGRAM), *arguments], capture_output=True, timeout=PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ReadError(path, "drawing the page takes too long; print it into a plain PDF or a picture.") from error
    head, _, content = done.stdout.partition(b"\n")
    if done.returncode != 0 or not head:
        raise ReadError(path, "its page cannot be drawn; print it into a plain PDF or a picture.")
    return _pixels(path, page, json.loads(head), content)


def _pixels(path: Path, page: int, header: dict, content: bytes) -> tuple[np.ndarray, int]:
    fault = header.get("fault")
    if fault == "page":
        raise ReadError(path, f"the PDF has {_count(header['pages'])}, so there is no page {page}; choose another.")
    if fault == "size":
        raise ReadError(path, f"page {page} states a size of {header['detail']} mm; print it on ordinary paper.")
    if fault:
        raise ReadError(path, _FAULTS[fault])
    height, width, stride = header["height"], header["width"], header["stride"]
    rows = np.frombuffer(content, np.uint8).reshape(height, stride)
    return rows[:, : 3 * width].reshape(height, width, 3).copy(), header["pages"]


def _count(pages: int) -> str:
    return f"{pages} pages" if pages != 1 else "one page"
