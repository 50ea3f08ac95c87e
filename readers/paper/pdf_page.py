"""Program that draws one PDF page to stdout, started by :mod:`readers.paper.pdf`.

PDFium is a large C library that reads files of strangers and may run in one thread only. Here it has a process to
itself, with bounds on memory and time: whatever a file does to it, the app goes on. Nothing of the project is imported.

``python -P pdf_page.py FILE PAGE DPI LONGEST_PX LARGEST_PT`` writes one line of JSON, ``{"fault", "pages", "detail"}``
or ``{"pages", "width", "height", "stride"}``, and then the pixels, red, green, blue.
"""

from __future__ import annotations

import contextlib
import json
import sys

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 25
SMALLEST_PT = 20.0
MM_PER_PT = 25.4 / 72


def main() -> None:
    """Draw the page that the arguments name."""
    file, page, dpi, longest, largest = sys.argv[1], *map(int, sys.argv[2:6])
    with contextlib.suppress(ImportError, ValueError, OSError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    import pypdfium2 as pdfium

    try:
        document = pdfium.PdfDocument(file)
    except pdfium.PdfiumError as error:
        locked = error.err_code in {pdfium.raw.FPDF_ERR_PASSWORD, pdfium.raw.FPDF_ERR_SECURITY}
        _say({"fault": "locked" if locked else "damaged"})
        return
    pages = len(document)
    if not 1 <= page <= pages:
        _say({"fault": "page" if pages else "empty", "pages": pages})
        return
    try:
        one = document[page - 1]
        width, height = one.get_size()
        if not (min(width, height) >= SMALLEST_PT and max(width, height) <= largest):
            _say({"fault": "size", "pages": pages, "detail": f"{width * MM_PER_PT:,.0f} x {height * MM_PER_PT:,.0f}"})
            return
        scale = min(dpi / 72, longest / max(width, height))
        drawn = one.render(scale=scale, rev_byteorder=True, force_bitmap_format=pdfium.raw.FPDFBitmap_BGR)
    except pdfium.PdfiumError:
        _say({"fault": "damaged", "pages": pages})
        return
    _say({"pages": pages, "width": drawn.width, "height": drawn.height, "stride": drawn.stride})
    sys.stdout.buffer.write(bytes(drawn.buffer))
    sys.stdout.buffer.flush()


def _say(words: dict) -> None:
    sys.stdout.buffer.write(json.dumps(words).encode() + b"\n")


if __name__ == "__main__":
    main()
