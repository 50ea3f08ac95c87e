"""The strip as PNG, SVG or PDF, true to scale: 25 mm per second in print.

matplotlib draws the same ``geometry`` as the browser's figure, in an axes whose units are millimetres of the
page, so nothing can stretch it. Time that does not fit into one line of an A4 landscape page goes on in the next.
"""

from __future__ import annotations

import io
import math

from ecgviz.figures import geometry as geo
from ecgviz.figures.beat_marks import marks_in_view
from ecgviz.figures.overlay import lanes_read, scale_of_view
from ecgviz.figures.static_layers import REFERENCE_MM, TAGS_MM, Line, draw_line, draw_scale
from ecgviz.figures.strip_signal import StripSignal, read_strip, strip_ranges
from ecgviz.figures.strip_view import Drawn, Shown
from ecgviz.results import Beats
from models.checkpoints import STATEMENT
from models.core.words import clock
from readers.recording import Recording

A4_LANDSCAPE_MM = (297.0, 210.0)
FORMATS = ("png", "svg", "pdf")
_MARGIN_MM = 10.0
_TITLE_MM = 14.0
_FOOTER_MM = 7.0
_ROW_GAP_MM = 4.0
_NAMES_MM = 11.0
_LABEL_MM = 3.0
"""Half of a time below the right edge of the paper."""
_MM_PER_INCH = 25.4


def ecg_strip_file(shown: Shown, drawn: Drawn | None = None, *, file_format: str = "pdf", dpi: int = 200) -> bytes:
    """The strip of ``ecg_strip_figure`` as a file.

    A PDF has A4 landscape pages, as many as needed; PNG and SVG are one sheet as wide as A4 and as
    high as needed. A line that is higher than the page (twelve stacked leads) makes the page higher rather than the
    scale smaller.

    Args:
        shown: what is drawn.
        drawn: how; 25 mm/s and 10 mm/mV on white paper by default.
        file_format: one of ``FORMATS``.
        dpi: of a PNG.

    Returns:
        Content of the file. A PNG carries its dpi, so it prints true to scale too.

    Raises:
        ValueError: an unknown format, and what ``ecg_strip_figure`` raises.
    """
    from matplotlib import rc_context

    if file_format not in FORMATS:
        raise ValueError(f"format {file_format!r} is unknown; choose {', '.join(FORMATS)}")
    drawn = drawn or Drawn()
    signal = read_strip(shown.recording, shown.start_s, shown.seconds, shown.leads, shown.read)
    rows = _rows(shown, drawn, signal)
    printed = "    ".join(geo.printed_settings(rows[0].strip, signal.fs, shown.display_filter, shown.network_input))
    title = _title(shown.recording, shown.start_s, shown.seconds, shown.beats)
    with rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "font.family": "DejaVu Sans", "path.simplify": False}):
        return _write(_pages(rows, file_format), title, printed, geo.THEMES[drawn.theme], file_format, dpi)


def ecg_lines_picture(
    shown: Shown, drawn: Drawn | None = None, *, width_mm: float, height_mm: float = math.inf, dpi: int = 200
) -> tuple[bytes, float, float]:
    """The same lines without title, margins and foot, for a page that has its own; a line is as long as fits.

    The last lines are left out where all would be higher than ``height_mm``, but never the first one.

    Args:
        shown, drawn: as of :func:`ecg_strip_file`.
        width_mm: room for a line.
        height_mm: room for all lines.
        dpi: of the picture.

    Returns:
        A PNG, and its width and height in mm: shown at that size a ruler measures 25 mm for a second.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = drawn or Drawn()
    signal = read_strip(shown.recording, shown.start_s, shown.seconds, shown.leads, shown.read)
    rows = _rows(shown, drawn, signal, width_mm)
    while len(rows) > 1 and sum(row.strip.height_mm + _ROW_GAP_MM for row in rows) > height_mm:
        rows.pop()
    width = rows[0].strip.width_mm + _NAMES_MM + _LABEL_MM
    height = sum(row.strip.height_mm for row in rows) + _ROW_GAP_MM * len(rows)
    with rc_context({"font.family": "DejaVu Sans", "path.simplify": False}):
        figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(0, height))
        axes.axis("off")
        top = height
        for row in rows:
            draw_line(axes, row, geo.THEMES[drawn.theme], _NAMES_MM, top - row.strip.height_mm)
            top -= row.strip.height_mm + _ROW_GAP_MM
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})  # a PDF packs it again
    return buffer.getvalue(), width, height


def seconds_in_line(width_mm: float, speed_mm_s: float = 25.0) -> int:
    """Whole seconds that fit into a line of :func:`ecg_lines_picture`."""
    return math.floor((width_mm - geo.strip_width_mm(0.0, speed_mm_s) - _NAMES_MM) / speed_mm_s)


def _rows(shown: Shown, drawn: Drawn, signal: StripSignal, width_mm: float | None = None) -> list[Line]:
    """The lines that the strip is broken into, each with its beats and its part of the map."""
    laid, beats = strip_ranges(signal, shown.ranges), shown.beats
    rhythms = beats.rhythms if beats is not None else ()
    scale = None if shown.saliency is None else scale_of_view(shown, drawn)
    rows = []
    width_mm = A4_LANDSCAPE_MM[0] - 2 * _MARGIN_MM if width_mm is None else width_mm
    whole = drawn.layout != "stacked"
    for start_s, seconds in _lines(shown.start_s, shown.seconds, drawn.speed_mm_s, width_mm, whole=whole):
        strip = geo.lay_out(
            start_s,
            seconds,
            signal.leads,
            laid,
            units=signal.units,
            rows=geo.lead_rows(signal.leads, drawn.layout),
            speed_mm_s=drawn.speed_mm_s,
            gain_mm_mV=drawn.gain_mm_mV,
            head_mm=6.0 if beats is not None else 1.0,
            tags_mm=TAGS_MM * bool(rhythms) + REFERENCE_MM * (shown.reference is not None),
            foot_mm=1.0,
        )
        # A beat on the edge between two lines stands in the later one only.
        stop_s = min(strip.stop_s - 0.5 / signal.fs, shown.start_s + shown.seconds)
        marks = marks_in_view(beats, start_s, stop_s, selected=shown.selected, edited=shown.edited)
        lanes = tuple(lanes_read(strip, beats, shown.saliency))
        mapped = (shown.saliency, scale, lanes, drawn.map_style)
        reference = _reference_of(shown.reference, start_s, stop_s)
        rows.append(Line(strip, signal, marks, *mapped, rhythms, shown.reasons, shown.normal, reference))
    return rows


def _reference_of(reference, start_s: float, stop_s: float):
    """The annotated beats of a line; ``reference`` as of ``Shown``."""
    if reference is None:
        return None
    time_s, letter = reference
    inside = (time_s >= start_s) & (time_s <= stop_s)
    return time_s[inside], letter[inside]


def _lines(
    start_s: float, seconds: float, speed_mm_s: float, width_mm: float, *, whole: bool
) -> list[tuple[float, float]]:
    """(start, seconds) of each line; all lines are as long as the first. A grid layout stays in one line."""
    room = width_mm - geo.strip_width_mm(0.0, speed_mm_s) - _NAMES_MM
    most = seconds_in_line(width_mm, speed_mm_s)
    if whole or seconds <= room / speed_mm_s:
        return [(start_s, seconds)]
    return [(start_s + i * most, most) for i in range(math.ceil(seconds / most - 1e-9))]


def _title(recording: Recording, start_s: float, seconds: float, beats: Beats | None) -> str:
    """Title: recording, time of the strip, and checkpoint."""
    long = start_s + seconds >= 3600
    span = f"{clock(start_s, hours=long)} to {clock(start_s + seconds, hours=long)}"
    return f"{recording.name}   {span}" + (f"   beats by {beats.checkpoint}" if beats is not None else "")


def _pages(rows: list[Line], file_format: str) -> list[list[Line]]:
    """Lines by page: one page for PNG and SVG, as many as fit for PDF."""
    if file_format != "pdf":
        return [rows]
    room = A4_LANDSCAPE_MM[1] - 2 * _MARGIN_MM - _TITLE_MM - _FOOTER_MM
    each = max(int((room + _ROW_GAP_MM) // (rows[0].strip.height_mm + _ROW_GAP_MM)), 1)
    return [rows[i : i + each] for i in range(0, len(rows), each)]


def _write(pages: list[list[Line]], title: str, printed: str, colours: geo.Theme, file_format: str, dpi: int) -> bytes:
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    metadata = {"Creator": "ecgviz"}
    if file_format == "pdf":
        with PdfPages(buffer, metadata=metadata | {"Title": title, "Subject": STATEMENT}) as pdf:
            for number, rows in enumerate(pages, start=1):
                pdf.savefig(_sheet(rows, title, printed, colours, f"page {number} of {len(pages)}"))
        return buffer.getvalue()
    fields = {"Title": title, "Description": STATEMENT}
    sheet = _sheet(pages[0], title, printed, colours, "")
    sheet.savefig(buffer, format=file_format, dpi=dpi, metadata=metadata | fields)
    return buffer.getvalue()


def _sheet(rows: list[Line], title: str, printed: str, colours: geo.Theme, page: str):
    """A matplotlib figure of one page; its axes are in millimetres from the lower left."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    content = sum(row.strip.height_mm for row in rows) + _ROW_GAP_MM * (len(rows) - 1)
    width = max(A4_LANDSCAPE_MM[0], rows[0].strip.width_mm + _NAMES_MM + 2 * _MARGIN_MM)
    height = content + _TITLE_MM + _FOOTER_MM + 2 * _MARGIN_MM
    height = max(A4_LANDSCAPE_MM[1], height) if page else height
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), facecolor=colours.paper)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1), facecolor=colours.paper)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    left, top = _MARGIN_MM + _NAMES_MM, height - _MARGIN_MM
    axes.text(_MARGIN_MM, top, title, fontsize=11, weight="bold", color=colours.text, va="top")
    axes.text(_MARGIN_MM, top - 6, printed, fontsize=8.5, color=colours.text, va="top")
    if rows[0].scale is not None:
        draw_scale(axes, rows[0], colours, width - _MARGIN_MM, top)
    top -= _TITLE_MM
    for row in rows:
        draw_line(axes, row, colours, left, top - row.strip.height_mm)
        top -= row.strip.height_mm + _ROW_GAP_MM
    axes.text(_MARGIN_MM, _MARGIN_MM, STATEMENT, fontsize=8.5, color=colours.text)
    axes.text(width - _MARGIN_MM, _MARGIN_MM, page, fontsize=8.5, color=colours.text, ha="right")
    return figure
