"""ECG sheets drawn by other software than the detector's training: matplotlib, neurokit2, wfdb, ecgviz's own exports.

Nothing of ``models.sheets`` draws here. ``ecg_plot`` (0.2.8) and ``pmecg`` are used where they are installed.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from io import BytesIO

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageFilter

from ecgviz.figures.geometry import THEMES
from ecgviz.figures.static import ecg_strip_file
from ecgviz.figures.strip_view import Drawn, Shown
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording

mpl.use("Agg")
Drawing = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
_ROWS = {
    "3x4": [TWELVE_LEADS[first::3] for first in range(3)],
    "6x2": [TWELVE_LEADS[first::6] for first in range(6)],
    "12x1": [(name,) for name in TWELVE_LEADS],
    "4x3": [TWELVE_LEADS[first::4] for first in range(4)],
    "2x6": [TWELVE_LEADS[first::2] for first in range(2)],
}
_ROWS["3x4 + II"] = [*_ROWS["3x4"], ("II",)]
_ROWS["3x4 + 3"] = [*_ROWS["3x4"], ("V1",), ("II",), ("V5",)]
_ROWS["6x2 + II"] = [*_ROWS["6x2"], ("II",)]
_COLOURS = (("#ffcccc", "#ff9999", "k"), ("#d8f0d8", "#90c890", "k"), ("#cfe0ff", "#8fb0f0", "#101060"),
            ("#e4e4e4", "#b0b0b0", "k"), ("#ffe0c0", "#ffb070", "#402000"))  # fmt: skip


def figure_pixels(figure, dpi: float) -> np.ndarray:
    """A matplotlib figure, uint8 (h, w, 3)."""
    import matplotlib.pyplot as plt

    file = BytesIO()
    figure.savefig(file, dpi=dpi)
    plt.close(figure)
    return np.asarray(Image.open(file).convert("RGB"))


def on_grid(rows: str) -> Drawing:
    """All leads in one axes with a grid of 5 mm (and perhaps 1 mm), as many scripts draw an ECG."""

    def drawn(signal_mV: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
        import matplotlib.pyplot as plt

        minor, major, ink = _COLOURS[rng.integers(len(_COLOURS))]
        names, seconds, apart = _ROWS[rows], 10.0, rng.uniform(2.0, 3.2)
        figure, axes = plt.subplots(figsize=(rng.uniform(9, 13), rng.uniform(5, 9)))
        for line, row in enumerate(names):
            part = seconds / len(row)
            for column, name in enumerate(row):
                count = round(part * fs)
                lead = signal_mV[TWELVE_LEADS.index(name)][column * count : (column + 1) * count]
                time = column * part + np.arange(len(lead)) / fs
                axes.plot(time, lead - line * apart, color=ink, lw=rng.uniform(0.6, 1.2))
                axes.text(column * part + 0.05, 0.6 - line * apart, name, fontsize=rng.uniform(7, 11))
        axes.set(xlim=(0, seconds), ylim=(-(len(names) - 0.3) * apart, 0.8 * apart))
        axes.set_xticks(np.arange(0, seconds + 0.01, 0.2))
        axes.set_yticks(np.arange(*axes.get_ylim(), 0.5))
        axes.grid(True, color=major, lw=0.7)
        if rng.random() < 0.5:
            axes.minorticks_on()
            axes.grid(True, which="minor", color=minor, lw=0.4)
        axes.tick_params(length=0, labelbottom=False, labelleft=False, which="both")
        if rng.random() < 0.5:
            figure.suptitle("Patient 0815   25 mm/s   10 mm/mV")
        else:
            figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
        return figure_pixels(figure, rng.uniform(70, 130))

    return drawn


def subplots(signal_mV, fs, rng):
    """A plot for each lead, as matplotlib's defaults have it."""
    import matplotlib.pyplot as plt

    rows, columns = [(12, 1), (6, 2), (4, 3), (3, 4)][rng.integers(4)]
    style = ["default", "ggplot", "dark_background", "bmh"][rng.integers(4)]
    with plt.style.context(style):
        figure, axes = plt.subplots(rows, columns, figsize=(12, 8), sharex=True)
        for name, lead, place in zip(TWELVE_LEADS, signal_mV, axes.ravel(), strict=True):
            place.plot(np.arange(len(lead)) / fs, lead)
            place.set_title(name, fontsize=8)
        figure.tight_layout()
        return figure_pixels(figure, 80)


def one_plot(signal_mV, fs, rng):
    """All leads over each other in one plot with a legend."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(10, 5))
    count = int(rng.integers(1, 13))
    axes.plot(np.arange(signal_mV.shape[1]) / fs, signal_mV[:count].T, label=TWELVE_LEADS[:count])
    axes.legend()
    axes.set(xlabel="Time (s)", ylabel="mV", title="ECG")
    return figure_pixels(figure, 90)


def screen(signal_mV, _fs, rng):
    """A bedside monitor: three green leads on black, numbers beside them."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(3, 1, figsize=(10, 5.6), facecolor="black")
    for place, number in zip(axes, rng.permutation(12)[:3], strict=True):
        place.plot(signal_mV[number], color="#40ff60", lw=1.5)
        place.set_facecolor("black")
        place.axis("off")
        place.text(0, signal_mV[number].max(), TWELVE_LEADS[number], color="#40ff60")
    figure.text(0.92, 0.7, "72", color="#40ff60", fontsize=36)
    figure.text(0.92, 0.4, "98", color="#40e0ff", fontsize=36)
    figure.subplots_adjust(0.01, 0.02, 0.9, 0.98)
    return figure_pixels(figure, 90)


def neurokit(signal_mV, fs, rng):
    """neurokit2.signal_plot and ecg_plot."""
    import matplotlib.pyplot as plt
    import neurokit2

    lead = signal_mV[int(rng.integers(12))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if rng.random() < 0.5:
            neurokit2.signal_plot(list(signal_mV[:3]), sampling_rate=fs, subplots=True)
        else:
            neurokit2.ecg_plot(*neurokit2.ecg_process(lead, sampling_rate=int(fs)))
    figure = plt.gcf()
    figure.set_size_inches(11, 7)
    return figure_pixels(figure, 80)


def wfdb_plot(signal_mV, fs, rng):
    """wfdb.plot_items with its grid."""
    import wfdb

    count = int(rng.choice([1, 3, 6, 12]))
    figure = wfdb.plot_items(
        signal_mV[:count].T, fs=fs, ecg_grids="all", sig_name=list(TWELVE_LEADS[:count]), sig_units=["mV"] * count,
        time_units="seconds", return_fig=True, figsize=(12, max(3, count)),
    )  # fmt: skip
    return figure_pixels(figure, 70)


def export(layout: str) -> Drawing:
    """What the 12-lead page exports."""

    def drawn(signal_mV: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
        recording = Recording(
            "exported", fs, signal_mV.shape[1], TWELVE_LEADS, ("mV",) * 12, ArraySource(signal_mV.T), "array"
        )
        theme, gain = str(rng.choice(list(THEMES))), float(rng.choice([5.0, 10.0]))
        drawn = Drawn(layout=layout, theme=theme, gain_mm_mV=gain)
        content = ecg_strip_file(Shown(recording, 0.0, 10.0), drawn, file_format="png", dpi=90)
        return np.asarray(Image.open(BytesIO(content)).convert("RGB"))

    return drawn


def ecg_plot(signal_mV, fs, rng):
    """The package ecg_plot 0.2.8."""
    import ecg_plot as package
    import matplotlib.pyplot as plt

    package = getattr(package, "ecg_plot", package)
    columns = int(rng.choice([1, 2, 3, 4]))
    if rng.random() < 0.7:
        seconds = 10 if columns < 3 else 10 / columns
        package.plot(
            signal_mV[:, : round(seconds * fs)], sample_rate=fs, title="ECG", columns=columns,
            style=[None, "bw"][rng.integers(2)], row_height=int(rng.integers(6, 10)),
        )  # fmt: skip
    else:
        package.plot_12(signal_mV, sample_rate=fs, title="ECG 12", columns=min(columns, 2))
    return figure_pixels(plt.gcf(), 60)


def pmecg(signal_mV, fs, rng):
    """The package pmecg."""
    import pandas as pd
    from pmecg import ECGPlotter

    plotter = ECGPlotter(
        grid_color=str(rng.choice(["#f4aaaa", "#aac8f4", "#bbbbbb"])), show_calibration=bool(rng.integers(0, 2)),
        line_width=rng.uniform(0.4, 0.9),
    )  # fmt: skip
    rows = [_ROWS["3x4 + II"], _ROWS["3x4"], _ROWS["6x2"], _ROWS["12x1"]][rng.integers(4)]
    frame = pd.DataFrame(signal_mV.T, columns=list(TWELVE_LEADS))
    figure = plotter.plot(
        frame, [list(row) if len(row) > 1 else row[0] for row in rows], sampling_frequency=fs, show=False
    )
    return figure_pixels(figure, 70)


def photographed(drawing: Drawing) -> Drawing:
    """A drawing turned a little, on a desk, out of focus, unevenly lit and through a poor JPEG."""

    def drawn(signal_mV: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
        sheet = Image.fromarray(drawing(signal_mV, fs, rng)).convert("RGBA")
        sheet.thumbnail((900, 900))
        sheet = sheet.rotate(rng.uniform(-6, 6), Image.Resampling.BICUBIC, expand=True)
        border = int(rng.integers(0, 120))
        desk = Image.new("RGB", (sheet.width + border, sheet.height + border), tuple(rng.integers(20, 200, 3).tolist()))
        desk.paste(sheet, (border // 2, border // 2), sheet)
        desk = desk.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))
        light = np.linspace(rng.uniform(0.6, 1), rng.uniform(0.6, 1), desk.width)[None, :, None]
        lit = Image.fromarray((np.asarray(desk) * light).astype(np.uint8))
        file = BytesIO()
        lit.save(file, "JPEG", quality=int(rng.integers(30, 80)))
        return np.asarray(Image.open(file))

    return drawn


OTHERS: dict[str, Drawing] = {
    **{f"matplotlib, {rows} on a grid": on_grid(rows) for rows in _ROWS},
    "matplotlib, a plot a lead": subplots,
    "matplotlib, one plot": one_plot,
    "matplotlib, monitor": screen,
    "neurokit2": neurokit,
    "wfdb": wfdb_plot,
    **{f"ecgviz export, {name}": export(name) for name in ("stacked", "3x4", "3x4 + II", "6x2", "12x1 Cabrera")},
    "photographed 3x4 + II": photographed(on_grid("3x4 + II")),
    "photographed 6x2": photographed(on_grid("6x2")),
    "photographed export, 3x4 + II": photographed(export("3x4 + II")),
    **{one.__name__: one for one in (ecg_plot, pmecg) if importlib.util.find_spec(one.__name__)},
}
