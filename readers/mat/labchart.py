"""LabChart's MAT files: channels and blocks concatenated in ``data``, with index tables.

Source: ADInstruments, LabChart Help, "Export MATLAB File": datastart, dataend, samplerate (channels x blocks, counted
from 1, -1 where a channel has nothing), titles, unittext and unittextmap, blocktimes (MATLAB date numbers).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from readers.arrays.to_recording import MAX_LEADS, ScaledSource
from readers.channels.channel_selection import settle
from readers.channels.leads import millivolts_per
from readers.core.errors import ReadError
from readers.recording import Recording
from readers.request import Request

_KEYS = {"data", "datastart", "dataend", "samplerate"}
_SLOWEST, _MOST_VALUES, _MOST_HELD = 0.01, 2**29, 1000
"""Slowest channel, Hz; values of all channels side by side, and how many of them for each that is in the file."""
_MOST_STRETCH = 8
"""Blocks that lie so many times their length apart are told of and not drawn with what lies between them."""


def is_labchart(names: set[str]) -> bool:
    """Whether a file with these matrices was written by LabChart."""
    return names >= _KEYS


def read_labchart(request: Request, arrays: Mapping[str, np.ndarray]) -> Recording:
    """Open a LabChart MAT file.

    Raises:
        ReadError: tables that do not fit the data.
    """
    starts, ends, rates = (np.atleast_2d(arrays[name]) for name in ("datastart", "dataend", "samplerate"))
    n_channels, n_blocks = starts.shape
    data = arrays["data"].ravel()
    alike = starts.shape == ends.shape == rates.shape and all(arrays[name].dtype.kind in "iuf" for name in _KEYS)
    if not alike or not 0 < n_channels <= MAX_LEADS or n_blocks < 1:
        raise ReadError(
            request.path, "its tables datastart, dataend and samplerate do not go together; export it again."
        )
    pieces = [
        [_piece(request, data, starts[channel, block], ends[channel, block]) for block in range(n_blocks)]
        for channel in range(n_channels)
    ]
    there = [channel for channel in range(n_channels) if any(map(len, pieces[channel]))]
    if not there:
        raise ReadError(request.path, "none of its channels holds samples; export it again.")
    rate = [_rate(request, rates[channel], pieces[channel]) for channel in there]
    titles, units = _rows(arrays.get("titles"), n_channels), _units(arrays, n_channels, n_blocks)
    begins_s, notes = _begins(arrays.get("blocktimes"), [pieces[channel] for channel in there], rate, n_blocks)

    def build(kept: Sequence[int], kept_units: Sequence[str | None]) -> Recording:
        fs = max(rate[i] for i in kept)
        samples = _placed(request, [pieces[there[i]] for i in kept], [rate[i] for i in kept], begins_s, fs)
        held = [
            f"{titles[there[i]]} was sampled at {rate[i]:g} Hz; its values are held to {fs:g} Hz."
            for i in kept
            if rate[i] < fs
        ]
        factors = [millivolts_per(unit) or 1.0 for unit in kept_units]
        return Recording(
            name=request.path.stem,
            fs=fs,
            n_samples=len(samples),
            leads=(),
            units=(),
            source=ScaledSource(samples, factors),
            format="MAT",
            warnings=(*notes, *held),
        )

    return settle(request, [titles[i] for i in there], [units[i] for i in there], rate, build, in_memory=True)


def _piece(request: Request, data: np.ndarray, start: float, end: float) -> np.ndarray:
    """Samples ``start`` to ``end``, 1-based and inclusive; none for -1."""
    if not start >= 1:
        return data[:0]
    if not (np.isfinite(end) and start <= end + 1 and end <= len(data)):
        raise ReadError(request.path, f"a block of it ends at sample {end:g} of {len(data)}; export it again.")
    return data[int(start) - 1 : int(end)]


def _rate(request: Request, rates: np.ndarray, pieces: list[np.ndarray]) -> float:
    used = {float(rate) for rate, piece in zip(rates, pieces, strict=True) if len(piece)}
    if len(used) != 1:
        raise ReadError(request.path, "a channel of it has several sampling frequencies; export its blocks one by one.")
    fs = used.pop()
    return fs if _SLOWEST <= fs <= 10 else request.sampling_frequency(fs)


def _rows(texts: np.ndarray | None, count: int) -> list[str]:
    rows = [] if texts is None or texts.dtype.kind != "U" else [str(text).strip() for text in texts.ravel().tolist()]
    return rows if len(rows) == count else [""] * count


def _units(arrays: Mapping[str, np.ndarray], n_channels: int, n_blocks: int) -> list[str | None]:
    """Unit of each channel, from its first block with one."""
    texts, numbers = arrays.get("unittext"), arrays.get("unittextmap")
    if texts is None or texts.dtype.kind != "U":
        return [None] * n_channels
    rows = [str(text).strip() for text in texts.ravel().tolist()]
    if numbers is None or np.atleast_2d(numbers).shape != (n_channels, n_blocks):
        return list(rows) if len(rows) == n_channels else [None] * n_channels
    chosen = [[int(n) for n in row if 1 <= n <= len(rows)] for row in np.atleast_2d(numbers).astype(np.float64)]
    return [rows[row[0] - 1] if row else None for row in chosen]


def _begins(
    times: np.ndarray | None, pieces: list[list[np.ndarray]], rates: list[float], n_blocks: int
) -> tuple[list[float], list[str]]:
    """Start of each block, s, and a warning about the gaps between them."""
    lengths = [
        max(len(own[block]) / rate for own, rate in zip(pieces, rates, strict=True)) for block in range(n_blocks)
    ]
    joined = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    if n_blocks == 1:
        return [0.0], []
    if times is not None and times.size == n_blocks and times.dtype.kind == "f":
        begins = (times.ravel() - times.ravel()[0]) * 86400.0
        follow = np.isfinite(begins).all() and (np.diff(begins) >= np.array(lengths[:-1]) - 0.01).all()
        if follow and begins[-1] + lengths[-1] <= _MOST_STRETCH * sum(lengths):
            lost = float(begins[-1] + lengths[-1] - sum(lengths))
            note = f"The recording has {n_blocks} blocks with gaps between them, {lost:.1f} s in all."
            return begins.tolist(), [note] if lost > 0.01 else []
    return joined.tolist(), [f"The recording has {n_blocks} blocks, which are shown one after the other without gaps."]


def _placed(
    request: Request, pieces: list[list[np.ndarray]], rates: list[float], begins_s: list[float], fs: float
) -> np.ndarray:
    """Channels as columns at ``fs``, float32 (n, n_channels), slower ones held, NaN between the blocks."""
    ends = [
        begin + len(own[block]) / rate
        for own, rate in zip(pieces, rates, strict=True)
        for block, begin in enumerate(begins_s)
        if len(own[block])
    ]
    n_rows, n_stored = round(max(ends) * fs), sum(len(piece) for own in pieces for piece in own)
    if n_rows * len(pieces) > min(_MOST_VALUES, _MOST_HELD * n_stored):
        raise ReadError(request.path, "its channels differ too much in rate and length; export the ECG alone.")
    out = np.full((n_rows, len(pieces)), np.nan, np.float32)
    for column, (own, rate) in enumerate(zip(pieces, rates, strict=True)):
        for piece, begin in zip(own, begins_s, strict=True):
            first = round(begin * fs)
            n = min(round(len(piece) * fs / rate), len(out) - first)
            if n > 0:
                at = np.minimum((np.arange(n) * (rate / fs) + 1e-9).astype(np.int64), len(piece) - 1)
                out[first : first + n, column] = piece[at]
    return out
