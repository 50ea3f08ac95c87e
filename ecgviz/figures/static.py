"""The strip as PNG, SVG or PDF, true to scale: on the printed page a ruler measures 25 mm for a second.

matplotlib draws the same ``geometry`` as the browser's figure, in an axes whose units are millimetres of the
page, so nothing can stretch it. Time that does not fit into one line of an A4 landscape page goes on in the next.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from ecgviz.figures import geometry as geo
from ecgviz.figures.marks import marks_in_view
from ecgviz.figures.overlay import heat_scale, lanes_read
from ecgviz.figures.static_layers import TAGS_MM, Line, draw_line, draw_scale
from ecgviz.figures.strip_signal import Range, read_strip, strip_ranges
from ecgviz.results import Beats, SaliencyMap
from models.checkpoints import STATEMENT
from readers.recording import Read, Recording

A4_LANDSCAPE_MM = (297.0, 210.0)
FORMATS = ("png", "svg", "pdf")
_MARGIN_MM = 10.0
_TITLE_MM = 14.0
_FOOTER_MM = 7.0
_ROW_GAP_MM = 4.0
_NAMES_MM = 11.0
_MM_PER_INCH = 25.4


def ecg_strip_file(
    recording: Recording,
    start_s: float,
    seconds: float,
    *,
    file_format: str = "pdf",
    leads: Sequence[str] | None = None,
    layout: str = "stacked",
    beats: Beats | None = None,
    saliency: SaliencyMap | None = None,
    map_vmax: float | None = None,
    map_style: str = "band",
    colormap: str = "hue",
    opacity: float = 0.6,
    theme: str = "light",
    speed_mm_s: float = 25.0,
    gain_mm_mV: float = 10.0,
    read: Read | None = None,
    display_filter: str = "none",
    network_input: str = "",
    selected: int | None = None,
    edited: Sequence[int] = (),
    ranges: dict[str, Range] | None = None,
    dpi: int = 200,
) -> bytes:
    """The strip of ``ecg_strip_figure`` as a file, with the same arguments.

    A PDF has A4 landscape pages, as many as needed; PNG and SVG are one sheet as wide as A4 and as
    high as needed. A line that is higher than the page (twelve stacked leads) makes the page higher rather than the
    scale smaller.

    Returns:
        Content of the file. A PNG carries its dpi, so it prints true to scale too.

    Raises:
        ValueError: an unknown format or theme, and what ``ecg_strip_figure`` raises.
    """
    from matplotlib import rc_context

    if file_format not in FORMATS:
        raise ValueError(f"format {file_format!r} is unknown; choose {', '.join(FORMATS)}")
    if theme not in geo.THEMES:
        raise ValueError(f"theme {theme!r} is unknown; choose {', '.join(geo.THEMES)}")
    signal = read_strip(recording, start_s, seconds, leads, read)
    laid = strip_ranges(signal, ranges)
    scale = None
    if saliency is not None:
        scale = heat_scale(saliency, map_vmax, colormap=colormap, opacity=opacity, theme=theme)
    rows, rhythms = [], beats.rhythms if beats is not None else ()
    for row_start, row_seconds in _lines(start_s, seconds, speed_mm_s, whole=layout != "stacked"):
        strip = geo.lay_out(
            row_start,
            row_seconds,
            signal.leads,
            laid,
            units=signal.units,
            rows=geo.lead_rows(signal.leads, layout),
            speed_mm_s=speed_mm_s,
            gain_mm_mV=gain_mm_mV,
            head_mm=6.0 if beats is not None else 1.0,
            tags_mm=TAGS_MM if rhythms else 0.0,
            foot_mm=1.0,
        )
        # A beat on the edge between two lines stands in the later one only.
        row_stop = min(strip.stop_s - 0.5 / recording.fs, start_s + seconds)
        marks = marks_in_view(beats, row_start, row_stop, selected=selected, edited=edited)
        rows.append(
            Line(strip, signal, marks, saliency, scale, tuple(lanes_read(strip, beats, saliency)), map_style, rhythms)
        )
    printed = "    ".join(geo.printed_settings(rows[0].strip, signal.fs, display_filter, network_input))
    title = _title(recording, start_s, seconds, beats)
    with rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "font.family": "DejaVu Sans", "path.simplify": False}):
        return _write(_pages(rows, file_format), title, printed, geo.THEMES[theme], file_format, dpi)


def _lines(start_s: float, seconds: float, speed_mm_s: float, *, whole: bool) -> list[tuple[float, float]]:
    """(start, seconds) of each line; all lines are as long as the first. A grid layout stays in one line."""
    room = A4_LANDSCAPE_MM[0] - 2 * _MARGIN_MM - geo.strip_width_mm(0.0, speed_mm_s) - _NAMES_MM
    most = math.floor(room / speed_mm_s)
    if whole or seconds <= room / speed_mm_s:
        return [(start_s, seconds)]
    return [(start_s + i * most, most) for i in range(math.ceil(seconds / most - 1e-9))]


def _title(recording: Recording, start_s: float, seconds: float, beats: Beats | None) -> str:
    """What and when: name of the recording, time of the strip, and who classified its beats."""
    long = start_s + seconds >= 3600
    span = f"{geo.clock(start_s, hours=long)} to {geo.clock(start_s + seconds, hours=long)}"
    return f"{recording.name}   {span}" + (f"   beats by {beats.checkpoint}" if beats is not None else "")


def _pages(rows: list[Line], file_format: str) -> list[list[Line]]:
    """Lines by page: all on one sheet for PNG and SVG, as many as fit for PDF."""
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
    """A matplotlib figure of one page; its only axes has the page's millimetres as units, origin at lower left."""
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
