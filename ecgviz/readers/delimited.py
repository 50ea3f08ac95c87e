"""Text tables (CSV, TSV, white space): one column a lead, with or without a header row and a column of times."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.readers.arrays import MAX_LEADS, make_recording
from ecgviz.readers.delimited_layout import TIME_UNITS, Layout, find_layout
from ecgviz.readers.request import Request
from ecgviz.recording import Recording

_CHUNK_ROWS = 500_000
_MAX_STRETCH = 20
"""A table whose times span this many times its rows is taken for nonsense instead of one of many gaps."""
_COMMON_FS = (100, 125, 128, 180, 200, 250, 256, 257, 300, 360, 400, 500, 512, 600, 800, 1000, 1024, 2000, 4000, 8000)


def read_delimited(request: Request) -> Recording:
    """Open a text table.

    Raises:
        NeedsDetails: no column of times, no stated sampling frequency, or no unit.
        ReadError: no numbers, or times that run backwards.
    """
    layout = find_layout(request.path)
    if layout.n_columns > MAX_LEADS + 2:
        raise ReadError(request.path, f"it holds {layout.n_columns} columns; an ECG has at most {MAX_LEADS} leads.")
    time_column = layout.time_column()
    skipped = {time_column, layout.index_column()}
    columns = [i for i in range(layout.n_columns) if i not in skipped]
    if not columns:
        raise ReadError(
            request.path, "it holds a column of times and none of values; give a table with one column a lead."
        )
    values, times, notes = _read(request.path, layout, columns, time_column)
    empty = [i for i, column in enumerate(columns) if not np.isfinite(values[:, i]).any()]
    if len(empty) == len(columns):
        raise ReadError(request.path, "none of its columns holds numbers; give a table with one column a lead.")
    names = [layout.names[column] if layout.names else "" for column in columns]
    if empty:
        left_out = ", ".join(names[i] or f"column {columns[i] + 1}" for i in empty)[:200]
        notes.append(f"Left out because it holds no numbers: {left_out}.")
        kept = [i for i in range(len(columns)) if i not in empty]
        values, names, columns = values[:, kept], [names[i] for i in kept], [columns[i] for i in kept]
    fs = layout.fs
    if times is not None and request.fs is None:
        fs, values, gaps = _place(request.path, times, values, _seconds_per(layout, time_column), fs)
        notes += gaps
    units = [layout.units[column] for column in columns]
    return make_recording(
        request, values, "CSV", fs=fs if request.fs is None else request.fs, names=names if layout.names else None,
        units=units, warnings=notes,
    )  # fmt: skip


def _read(
    path: Path, layout: Layout, columns: list[int], time_column: int | None
) -> tuple[np.ndarray, np.ndarray | None, list[str]]:
    """Values float32 (n, n_columns), times float64 (n,) or None, and a sentence about cells that are no numbers."""
    import pandas as pd

    parts, clock, bad = [], [], 0
    wanted = sorted({*columns, *([] if time_column is None else [time_column])})
    try:
        with pd.read_csv(
            path,
            sep=r"\s+" if layout.separator == " " else layout.separator,
            decimal=layout.decimal,
            encoding=layout.encoding,
            encoding_errors="replace",
            header=None,
            skiprows=layout.skip,
            names=range(layout.n_columns),
            usecols=wanted,
            skipinitialspace=True,
            skip_blank_lines=True,
            comment="#",
            on_bad_lines="skip",
            chunksize=_CHUNK_ROWS,
            low_memory=False,
        ) as reader:
            for chunk in reader:
                part = np.empty((len(chunk), len(columns)), np.float32)
                for i, column in enumerate(columns):
                    series = chunk[column]
                    numbers = (
                        series
                        if series.dtype.kind in "iuf"
                        else pd.to_numeric(series.astype(str).str.strip("'\" "), errors="coerce")
                    )
                    bad += int((numbers.isna() & series.notna()).sum())
                    part[:, i] = numbers.to_numpy(np.float64, na_value=np.nan)
                parts.append(part)
                if time_column is not None:
                    clock.append(_times(chunk[time_column]))
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        UnicodeError,
        ValueError,
        OverflowError,
        MemoryError,
    ) as error:
        raise ReadError(
            path, "the table cannot be read: its rows differ; give one with the same columns throughout."
        ) from error
    if not parts:
        raise ReadError(path, "no rows of numbers were found in it; give a table with one column a lead.")
    notes = [f"{bad} cells of {path.name} are no numbers and are shown as gaps."] if bad else []
    return np.concatenate(parts), np.concatenate(clock) if clock else None, notes


def _times(series) -> np.ndarray:
    """Times as numbers: as they are, or clock times (h:m:s, m:s, ISO dates) in seconds; NaN where unreadable."""
    import pandas as pd

    if series.dtype.kind in "iuf":
        return series.to_numpy(np.float64)
    text = series.astype(str).str.strip("'\"[] ")
    numbers = pd.to_numeric(text, errors="coerce")
    if numbers.notna().any():
        return numbers.to_numpy(np.float64, na_value=np.nan)
    first = str(text.iloc[0])
    if re.match(r"\d{4}-\d\d-\d\d", first):
        moments = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601").to_numpy("datetime64[ns]")
        seconds = (moments - moments[0]).astype("timedelta64[ns]").astype(np.float64) / 1e9
        return np.where(np.isnat(moments), np.nan, seconds)
    parts = text.str.split(" ").str[0].str.replace(",", ".").str.split(":", expand=True)
    seconds = np.zeros(len(text))
    for column in parts.columns:
        seconds = seconds * 60 + pd.to_numeric(parts[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return seconds


def _seconds_per(layout: Layout, column: int) -> float | None:
    """Seconds in one unit of the time column, None where the file does not say."""
    name = (layout.names[column] if layout.names else "").strip().lower()
    stated = (layout.units[column] or "").strip(" .").lower()
    if stated in TIME_UNITS:
        return TIME_UNITS[stated]
    if ":" in layout.rows[0][column]:
        return 1.0
    for suffix, seconds in TIME_UNITS.items():
        if name == suffix or name.endswith(("_" + suffix, " " + suffix)):
            return seconds
    return None


def _place(
    path: Path, times: np.ndarray, values: np.ndarray, seconds_per: float | None, stated: float | None
) -> tuple[float, np.ndarray, list[str]]:
    """Sampling frequency from the times, and the values at even steps with NaN where times are left out.

    A unit of time that is not stated is taken to be the one that gives a frequency an ECG has: s, ms or us.
    """
    known = np.isfinite(times)
    times, values = times[known], values[known]
    steps = np.diff(times)
    if len(steps) < 1 or not (steps > 0).any():
        raise ReadError(path, "its column of times does not advance; correct it, or give the sampling frequency (fs).")
    if (steps < 0).any():
        line = int(np.flatnonzero(steps < 0)[0]) + 2
        raise ReadError(
            path, f"its times run backwards at row {line}; correct them, or give the sampling frequency (fs)."
        )
    even = steps[steps <= 1.5 * np.median(steps)]
    step = float(even.mean()) if len(even) else float(np.median(steps))
    if seconds_per is None:
        seconds_per = next((unit for unit in (1.0, 1e-3, 1e-6, 1e-9) if 40 <= 1 / (step * unit) <= 20_000), 1.0)
    if not step * seconds_per > 0:
        raise ReadError(path, "its column of times does not advance; correct it, or give the sampling frequency (fs).")
    fs = stated or _round_fs(1 / (step * seconds_per), len(even))
    position = np.rint((times - times[0]) * seconds_per * fs)
    jumps = np.flatnonzero(steps * seconds_per * fs > 2.5)
    if not len(jumps):
        return fs, values, []
    n = int(position[-1]) + 1
    if n > _MAX_STRETCH * len(values) or n > 2**31:
        raise ReadError(
            path, "its times leap too far for one recording; split the file, or give the sampling frequency (fs)."
        )
    out = np.full((n, values.shape[1]), np.nan, np.float32)
    out[position.astype(np.int64)] = values
    lost = float((steps[jumps] * seconds_per - 1 / fs).sum())
    return fs, out, [f"The times leave {len(jumps)} gaps, {lost:.1f} s in all."]


def _round_fs(fs: float, n_steps: int) -> float:
    """The common or whole frequency next to a measured one, if rounding of the printed times explains the rest."""
    tolerance = max(2e-5, min(2e-3, 2.0 / n_steps))
    for candidate in (*_COMMON_FS, round(fs)):
        if abs(fs - candidate) <= tolerance * fs:
            return float(candidate)
    return fs
