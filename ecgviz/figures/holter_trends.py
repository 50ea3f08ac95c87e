"""The trends of a Holter report as one picture: heart rate, ectopic beats of each hour, ST level by minute."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from ecgviz.figures.geometry import CLASS_COLOURS, THEMES
from ecgviz.figures.rhythms import RHYTHM_COLOURS
from ecgviz.holter.numbers import HolterNumbers
from ecgviz.holter.st_level import StTrend
from ecgviz.results import RhythmEpisode
from models.postprocessing.rhythm_episodes import AF_CLASSES

WIDTH_MM = 174.0
_ROW_MM = {"rate": 42.0, "ectopy": 26.0, "st": 30.0}
_BINS = 720
_ST_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_MM_PER_INCH = 25.4


def rate_by_bin(numbers: HolterNumbers, bins: int = _BINS) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Middle of each bin (s), and lowest, mean and highest rate in it (1/min, of means over eight beats).

    A bin lasts a minute at least, and there are ``bins`` at most; NaN where no rate is known.
    """
    rate = numbers.rate
    length = max(60.0, numbers.duration_s / bins)
    n = max(int(np.ceil(numbers.duration_s / length)), 1)
    known = np.isfinite(rate.smooth)
    place = np.clip((rate.time_s[known] // length).astype(int), 0, n - 1)
    low, high = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(low, place, rate.smooth[known])
    np.maximum.at(high, place, rate.smooth[known])
    total = np.bincount(place, 60 / rate.smooth[known], minlength=n)
    count = np.bincount(place, minlength=n)
    mean = np.divide(60 * count, total, out=np.full(n, np.nan), where=total > 0)
    empty = count == 0
    low[empty] = high[empty] = np.nan
    return (np.arange(n) + 0.5) * length, low, mean, high


def trend_picture(
    numbers: HolterNumbers, rhythms: tuple[RhythmEpisode, ...] = (), st: StTrend | None = None, dpi: int = 200
) -> tuple[bytes, float, float]:
    """The trends below each other on one axis of time.

    Returns:
        a PNG, its width and its height in mm.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: dict[str, Callable] = {"rate": lambda axes: _rate(axes, numbers, rhythms)}
    if numbers.ectopy:
        rows["ectopy"] = lambda axes: _ectopy(axes, numbers)
    if st is not None and st.assessed:
        rows["st"] = lambda axes: _st(axes, st)
    height = sum(_ROW_MM[name] for name in rows) + 9
    with rc_context({"font.family": "DejaVu Sans", "font.size": 7, "axes.linewidth": 0.5}):
        figure = Figure(figsize=(WIDTH_MM / _MM_PER_INCH, height / _MM_PER_INCH), layout="constrained")
        FigureCanvasAgg(figure)
        every = figure.subplots(
            len(rows), 1, sharex=True, squeeze=False, height_ratios=[_ROW_MM[name] for name in rows]
        )
        for axes, draw in zip(every[:, 0], rows.values(), strict=True):
            draw(axes)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(color="#e5e7eb", lw=0.4)
        _time_axis(every[-1, 0], numbers)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})  # a PDF packs it again
    return buffer.getvalue(), WIDTH_MM, height


def _rate(axes, numbers: HolterNumbers, rhythms: tuple[RhythmEpisode, ...]) -> None:
    time_s, low, mean, high = rate_by_bin(numbers)
    hours = time_s / 3600
    for one in rhythms:
        if one.label in AF_CLASSES:
            axes.axvspan(one.start_s / 3600, one.end_s / 3600, color=RHYTHM_COLOURS[one.label], alpha=0.3, lw=0)
    axes.fill_between(hours, low, high, color="#9ca3af", alpha=0.55, lw=0, label="lowest to highest")
    axes.plot(hours, mean, color=THEMES["light"].trace, lw=0.7, label="mean")
    known = high[np.isfinite(high)]
    axes.set_ylim(
        min(40, float(np.nanmin(low)) - 5) if len(known) else 40,
        max(140, float(known.max()) + 10) if len(known) else 140,
    )
    axes.set_ylabel("heart rate, /min")


def _ectopy(axes, numbers: HolterNumbers) -> None:
    hours = numbers.hours
    left = np.array([hour.start_s for hour in hours]) / 3600
    width = np.array([hour.end_s - hour.start_s for hour in hours]) / 3600
    share = 1 / len(numbers.ectopy)
    for number, letter in enumerate(numbers.ectopy):
        counts = [hour.ectopic[letter] for hour in hours]
        axes.bar(
            left + number * share * width, counts, share * width * 0.92, align="edge", color=CLASS_COLOURS[letter],
            label=f"{letter} in the hour",
        )  # fmt: skip
    axes.set_ylim(0, max(5, 1.15 * max((n for hour in hours for n in hour.ectopic.values()), default=5)))
    axes.set_ylabel("ectopic beats")
    axes.legend(loc="upper right", fontsize=6, frameon=False, ncols=2)


def _st(axes, st: StTrend) -> None:
    hours = (st.time_s + 30) / 3600
    for number, lead in enumerate(st.leads):
        colour = _ST_COLOURS[number % len(_ST_COLOURS)]
        axes.plot(hours, st.level_mV[:, number], color=colour, lw=0.7, label=lead, ls="-" if number < 6 else "--")
    axes.axhline(0, color="#6b7280", lw=0.4)
    for limit in (-0.1, 0.1):
        axes.axhline(limit, color="#6b7280", lw=0.4, ls=":")
    reach = max(0.25, float(np.nanmax(np.abs(st.level_mV))) * 1.1)
    axes.set_ylim(-reach, reach)
    axes.set_ylabel("ST level, mV")
    axes.legend(loc="upper right", fontsize=6, frameon=False, ncols=6)


def _time_axis(axes, numbers: HolterNumbers) -> None:
    """Hours of the clock where the start is known, else from the start; minutes where it is short."""
    duration = numbers.duration_s
    axes.set_xlim(0, max(duration, 1.0) / 3600)
    step = next(s for s in (60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 86_400, float("inf")) if duration / s <= 13)
    step = duration if step == float("inf") else step
    offset = 0.0
    if numbers.start is not None:
        midnight = numbers.start.replace(hour=0, minute=0, second=0, microsecond=0)
        offset = (numbers.start - midnight).total_seconds()
    ticks = np.arange(np.ceil(offset / step) * step - offset, duration + 1e-6, step)
    axes.set_xticks(ticks / 3600, [_clock(offset + tick, numbers.start is not None) for tick in ticks])
    axes.set_xlabel("time of day" if numbers.start is not None else "time from the start, h:min")


def _clock(seconds: float, of_day: bool) -> str:
    minutes = round(seconds / 60)
    hour = minutes // 60 % 24 if of_day else minutes // 60
    return f"{hour}:{minutes % 60:02d}"
