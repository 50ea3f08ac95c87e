"""Builds a Recording from named arrays, as in MAT and NPZ files: finds the signals and the time.

What rises steadily is time under any name, gives the sampling frequency and is no lead. Arrays of one length under
different names are the channels of one recording.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from readers.arrays.beat_rows import refuse_named_beats
from readers.arrays.placed_rows import place_rows
from readers.arrays.to_recording import MAX_LEADS, Rows, leads_last, make_recording
from readers.channels.leads import name_speaks
from readers.channels.time_column import TimeColumn, time_column
from readers.channels.time_names import seconds_per
from readers.core.errors import ReadError
from readers.recording import Recording
from readers.request import Request

FS_KEYS = (
    *("fs", "sampling_rate", "samplingrate", "sampling_frequency", "samplingfrequency", "sample_rate", "samplerate"),
    *("srate", "freq", "frequency", "fsample", "sfreq", "hz", "fs_hz", "sampfreq", "samp_rate"),
)
SIGNAL_KEYS = ("ecg", "ekg", "signal", "signals", "p_signal", "signal_mv", "x", "data", "val", "samples", "arr_0")
LEAD_KEYS = ("leads", "lead_names", "lead", "sig_name", "channels", "channel_names", "names", "labels", "titles")
UNIT_KEYS = ("unit", "units", "unittext")
_BLOCK = re.compile(r"_block\d+$")
_LEAST_SAMPLES = 65
_FS_AGREE = 0.01
_LOOK_ROWS = 8192


@dataclass(frozen=True)
class Table:
    """Channels of a file as columns.

    Attributes:
        samples: (n_samples, n_channels).
        names: of the channels as far as the file has any.
        time: what the times of the rows say, where there are any.
    """

    samples: np.ndarray
    names: tuple[str, ...] | None
    time: TimeColumn | None


def read_arrays(
    request: Request, arrays: Mapping[str, np.ndarray], format_name: str, unclear: str, *, first: str | None = None
) -> Recording:
    """The recording in named arrays, with the other details that they state.

    Args:
        arrays: numbers and texts by their names.
        unclear: what to say where it is not clear which array is the ECG.
        first: name of the array that is taken before all others.

    Raises:
        HoldsBeats: each row of an array is a single beat.
        NeedsDetails: sampling frequency or unit is nowhere stated.
        ReadError: no signal, or several that do not go together.
    """
    refuse_named_beats(request.path, arrays, format_name)
    lower = {_BLOCK.sub("", name.lower()): array for name, array in arrays.items()}
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind in "iufMb"}
    table = _table(request, numbers, unclear, first)
    names, units = _texts(lower, LEAD_KEYS), _texts(lower, UNIT_KEYS)
    stated = _stated_fs(request, lower)
    n = table.samples.shape[1]
    names = list(names) if names is not None and len(names) == n else None if table.names is None else list(table.names)
    if units is not None and len(units) == 1:
        units = units * n
    return timed_recording(
        request, replace(table, names=None if names is None else tuple(names)), format_name, stated, units
    )


def timed_recording(
    request: Request, table: Table, format_name: str, stated: float | None, units: Sequence[str | None] | None
) -> Recording:
    """The recording of a table at the sampling frequency stated or derived from its times, with gaps."""
    own = table.time.fs if table.time is not None else None
    fs, notes = stated or own, []
    rows: Rows = table.samples
    if stated and own and abs(stated - own) > _FS_AGREE * own:
        notes.append(f"{request.path.name} states {stated:g} Hz, and its times are {own:g} Hz, which is used.")
        fs = own
    if table.time is not None:
        rows, gaps = place_rows(request.path, table.samples, table.time, fs or request.fs)
        notes += gaps
    return make_recording(request, rows, format_name, fs=fs, names=table.names, units=units, warnings=notes)


def _time_in(values: np.ndarray, name: str | None) -> TimeColumn | None:
    """As :func:`readers.channels.time_column.time_column`; a long, possibly memory-mapped signal is judged by its
    start."""
    if len(values) > _LOOK_ROWS and time_column(values[:_LOOK_ROWS], name) is None:
        return None
    return time_column(values, name)


def split_time(request: Request, array: np.ndarray, name: str | None = None) -> tuple[np.ndarray, TimeColumn | None]:
    """The array as (n_samples, n_channels) without its time column, and the time column.

    Raises:
        ReadError: as :func:`readers.arrays.to_recording.leads_last`; a time alone.
    """
    table = leads_last(request, array)
    if table.shape[1] == 1:
        if (name_speaks(name or "") != "ecg") and _time_in(table[:, 0], name) is not None:
            raise ReadError(request.path, "it holds times and no samples; store the signal with them.")
        return table, None
    for column in range(table.shape[1]):
        if (axis := _time_in(table[:, column], None)) is not None:
            rest = [i for i in range(table.shape[1]) if i != column]
            while len(rest) > 1 and (more := next((i for i in rest if _time_in(table[:, i], None)), None)) is not None:
                rest.remove(more)
            return table[:, rest], axis
    return table, None


def _table(request: Request, numbers: Mapping[str, np.ndarray], unclear: str, first: str | None) -> Table:
    signals = {name: array for name, array in numbers.items() if array.size >= _LEAST_SAMPLES and array.ndim <= 2}
    axis, axis_name = None, None
    for name, array in signals.items():
        if 1 in array.shape or array.ndim == 1:
            found = _time_in(array.ravel(), _BLOCK.sub("", name))
            if found is not None and (axis is None or (axis.fs is None and found.fs is not None)):
                axis, axis_name = found, name
    times = {
        name
        for name, array in signals.items()
        if name == axis_name or ((1 in array.shape or array.ndim == 1) and _time_in(array.ravel(), name) is not None)
    }
    signals = {name: array for name, array in signals.items() if name not in times and array.dtype.kind in "iufb"}
    if not signals:
        known = next((numbers[name] for name in numbers if _key(name) in {first, *SIGNAL_KEYS}), None)
        if times or known is None:
            raise ReadError(
                request.path, "it holds times and no samples; store the signal with them." if times else unclear
            )
        signals = {"": known}
    samples, names, own = _chosen(request, signals, unclear, first)
    axis = own or axis
    if axis is not None and axis_name is not None and own is None and numbers[axis_name].size != len(samples):
        axis = None
    return Table(samples, names, axis)


def _chosen(
    request: Request, signals: Mapping[str, np.ndarray], unclear: str, first: str | None
) -> tuple[np.ndarray, tuple[str, ...] | None, TimeColumn | None]:
    """Samples, channel names, and the time column."""
    known = next((name for key in (first, *SIGNAL_KEYS) for name in signals if key and _key(name) == key), None)
    if known is not None and 1 not in signals[known].shape and signals[known].ndim == 2:
        samples, axis = split_time(request, signals[known], known)
        return samples, None, axis
    single = {name: array for name, array in signals.items() if array.ndim == 1 or 1 in array.shape}
    if known is None and len(single) < len(signals):
        if len(signals) != 1:
            raise ReadError(request.path, unclear)
        samples, axis = split_time(request, next(iter(signals.values())))
        return samples, None, axis
    longest = single[known].size if known is not None else max(array.size for array in single.values())
    alike = {name: array.ravel() for name, array in single.items() if array.size == longest}
    if known is None and len(alike) < len(single):
        raise ReadError(request.path, unclear)
    if len(alike) == 1:
        name, array = next(iter(alike.items()))
        speaks = name_speaks(name)
        return leads_last(request, array), ("ECG",) if speaks == "ecg" else (name,) if speaks else None, None
    if len(alike) > MAX_LEADS:
        raise ReadError(request.path, unclear)
    return np.column_stack(list(alike.values())), tuple(alike), None


def _key(name: str) -> str:
    return _BLOCK.sub("", name.lower())


def _texts(arrays: Mapping[str, np.ndarray], keys: Sequence[str]) -> list[str] | None:
    array = next((arrays[key] for key in keys if key in arrays and arrays[key].dtype.kind in "US"), None)
    if array is None:
        return None
    return [
        (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).strip()
        for text in array.ravel().tolist()
    ]


def _numbers(array: np.ndarray) -> np.ndarray:
    """Numbers of an array, or in a text such as "250 Hz"; empty for anything else."""
    if array.dtype.kind in "iuf":
        return array.ravel()
    words = [str(text).strip().lower().removesuffix("hz") for text in array.ravel()] if array.dtype.kind == "U" else []
    try:
        return np.array(words, np.float64)
    except ValueError:
        return np.empty(0)


def _stated_fs(request: Request, arrays: Mapping[str, np.ndarray]) -> float | None:
    """The stated sampling frequency, or that of the sample interval ``isi`` in the unit ``isi_units``
    (AcqKnowledge)."""
    found = next((arrays[key] for key in FS_KEYS if key in arrays), None)
    if found is not None:
        values = np.unique(_numbers(found))
        if len(values) != 1:
            raise ReadError(request.path, "its sampling frequency is no single number; store fs as one number in Hz.")
        return float(values[0])
    interval = next((arrays[key] for key in ("isi", "sample_interval", "dt") if key in arrays), None)
    if interval is None or interval.dtype.kind not in "iuf" or interval.size != 1 or not float(interval.ravel()[0]) > 0:
        return None
    unit = _texts(arrays, ("isi_units",)) or ["s"]
    seconds = float(interval.ravel()[0]) * (seconds_per(unit[0]) or 1.0)
    return 1 / seconds if seconds > 0 else None
