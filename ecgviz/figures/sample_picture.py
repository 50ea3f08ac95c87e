"""What a sample holds as a small picture: some seconds of a recording as an SVG, a slice as a PNG."""

from __future__ import annotations

import io

import numpy as np

from ecgviz.figures.decimate import min_max
from ecgviz.figures.geometry import THEMES
from readers.recording import Recording

WIDTH, HEIGHT = 300, 84
_MM_PX = 4.0
_MOST_LEADS = 3
_TRACE_VALUES = 300


def strip_svg(recording: Recording, start_s: float, seconds: float, *, theme: str = "light") -> str:
    """Some seconds of up to three leads on ECG paper, each lead in a band on a scale of its own.

    Args:
        recording: only these seconds are read.
        start_s, seconds: from where, and how long.
        theme: "light" or "dark".
    """
    colours, first = THEMES[theme], round(start_s * recording.fs)
    samples = recording.signal_mV(first, min(first + round(seconds * recording.fs), recording.n_samples))
    leads = samples[:, :: max(samples.shape[1] // _MOST_LEADS, 1)][:, :_MOST_LEADS]
    band = HEIGHT / leads.shape[1]
    lines = [f'<path d="M{x:g} 0V{HEIGHT}" stroke="{colours.minor}"/>' for x in np.arange(0, WIDTH, _MM_PX * 5)]
    lines += [f'<path d="M0 {y:g}H{WIDTH}" stroke="{colours.minor}"/>' for y in np.arange(0, HEIGHT, _MM_PX * 5)]
    for place, lead in enumerate(leads.T):
        drawn = min_max(lead, _TRACE_VALUES)
        known = np.nan_to_num(drawn.values)
        low, room = known.min(), max(float(np.ptp(known)), 1e-6)
        x = np.linspace(0, WIDTH, len(known))
        y = band * (place + 1) - 3 - (known - low) / room * (band - 6)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colours.trace}" stroke-width="1"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
    return f'{head}<rect width="{WIDTH}" height="{HEIGHT}" fill="{colours.paper}"/>{"".join(lines)}</svg>'


def slice_png(pixels: np.ndarray, height: int = HEIGHT) -> bytes:
    """A slice, any dtype (h, w) with NaN and infinity where nothing was scanned, as a picture ``height`` pixels high,
    from the 1st to the 99th percentile."""
    from PIL import Image

    values = np.asarray(pixels, np.float64)
    low, high = np.percentile(values[np.isfinite(values)], (1, 99)) if np.isfinite(values).any() else (0.0, 1.0)
    grey = np.nan_to_num(np.clip((values - low) / max(high - low, 1e-9), 0, 1)) * 255
    picture = Image.fromarray(grey.astype(np.uint8))
    buffer = io.BytesIO()
    picture.resize((round(picture.width * height / picture.height), height)).save(buffer, "PNG")
    return buffer.getvalue()
