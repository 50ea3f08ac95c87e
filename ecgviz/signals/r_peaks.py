"""R peaks of one lead, of any length, streamed.

The lead goes through a differentiating band-pass at about 120 Hz; the RMS of the result over 100 ms is an
envelope that peaks at every QRS whatever its polarity. What stands out of its surroundings is a beat. The
surroundings are taken from both sides (the recording is at hand, unlike on a monitor), so there are no thresholds
that run away, and no learning phase. The steps after the envelope are those of Pan and Tompkins (1985): refractory
period, T-wave rule, search back. Last, each beat is moved to the largest deflection of the lead nearby, which is
where the reference annotations of MIT-BIH stand.

All filters are finite, so a block read with a margin gives the same values as the whole recording: the answer does
not depend on where the blocks are cut. docs/r_peaks.md compares this detector with those of sleepecg and NeuroKit2.

Pan J, Tompkins WJ. A real-time QRS detection algorithm. IEEE Trans Biomed Eng 1985;32:230-236.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import firwin, upfirdn

from ecgviz.signals.beat_selection import Candidates, Cells, select_beats
from ecgviz.signals.gaps import bridge, usable_samples
from ecgviz.signals.other_detectors import DETECTORS, detect_block

BLOCK_S = 300.0
MARGIN_S = 1.0
CELL_S = 2.0
MIN_FS, MAX_FS = 50.0, 50_000.0

Read = Callable[[int, int], np.ndarray]


def detect_r_peaks(
    read: Read,
    fs: float,
    n_samples: int,
    *,
    method: str = "auto",
    block_s: float = BLOCK_S,
    progress: Callable[[int, int, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> np.ndarray:
    """R peaks of one lead as sample numbers, int64 (n,), ascending.

    Args:
        read: ``read(start, stop)`` gives the samples of the lead, (stop - start,), in any unit, NaN where missing.
        fs: sampling frequency, Hz, 50 to 50,000.
        n_samples: length of the lead.
        method: "auto" (this module's envelope, the best of those measured), "sleepecg" or "neurokit"
            for a second opinion.
        block_s: seconds read at a time.
        progress: told (samples done, samples in all, note) after each block.
        should_stop: asked before each block; True ends early with the peaks of what was read.

    Missing, constant and saturated stretches hold no beats. A lead without any signal has no peaks.

    Raises:
        ValueError: an unknown method, a sampling frequency out of range, or a ``read`` that gives another length.
    """
    if not MIN_FS <= fs <= MAX_FS:
        raise ValueError(f"fs is {fs:g} Hz; R peaks can be found from {MIN_FS:g} to {MAX_FS:g} Hz")
    blocks = _blocks(read, fs, n_samples, block_s=block_s, progress=progress, should_stop=should_stop)
    if method == "auto":
        return _detect_by_envelope(blocks, fs)
    if method not in DETECTORS:
        raise ValueError(f"no R peak method {method!r}; there are auto, {', '.join(DETECTORS)}")
    found = [block.to_recording(block.align(detect_block(block.x, block.usable, fs, method))) for block in blocks]
    return np.unique(np.concatenate([*found, np.empty(0, np.int64)]))


@dataclass(frozen=True)
class _Block:
    """A stretch of the lead with margins: ``core`` is [start, stop) of the stretch within ``x``."""

    x: np.ndarray
    usable: np.ndarray
    first: int
    core: tuple[int, int]
    fs: float

    def align(self, peaks: np.ndarray) -> np.ndarray:
        """Move ``peaks`` (positions in ``x``) to the largest deflection within 100 ms; same shape.

        The lead is smoothed over 14 ms (noise, mains) and taken against its mean of half a second. A negative
        deflection must be half as large again as the positive one to be taken, as the annotators of MIT-BIH
        did on the whole; one farther off must be larger.
        """
        if not len(peaks):
            return peaks
        fs = self.fs
        deflection = uniform_filter1d(self.x, _odd(0.014 * fs)) - uniform_filter1d(self.x, _odd(0.5 * fs))
        reach = max(1, round(0.1 * fs))
        around = np.arange(-reach, reach + 1)
        weight = (1 - 0.4 * np.abs(around) / reach).astype(np.float32)
        near = deflection[np.clip(peaks[:, None] + around, 0, len(self.x) - 1)] * weight
        up, down = near.argmax(axis=1), near.argmin(axis=1)
        rows = np.arange(len(peaks))
        best = np.where(-near[rows, down] > 1.5 * near[rows, up], down, up)
        return np.clip(peaks + best - reach, 0, len(self.x) - 1)

    def to_recording(self, peaks: np.ndarray) -> np.ndarray:
        """Those ``peaks`` that lie in the core and on signal, as sample numbers of the recording."""
        inside = (peaks >= self.core[0]) & (peaks < self.core[1])
        return peaks[inside & self.usable[peaks]].astype(np.int64) + self.first


def _blocks(read: Read, fs: float, n_samples: int, *, block_s: float, progress, should_stop) -> Iterator[_Block]:
    """The lead in blocks of whole level cells, each with a margin for the filters where the recording has one."""
    step = _decimation(fs)
    cell = step * _cell_length(fs)
    length = cell * max(1, round(block_s * fs / cell))
    margin = step * ceil(MARGIN_S * fs / step)
    for start in range(0, n_samples, length):
        if should_stop is not None and should_stop():
            return
        stop = min(start + length, n_samples)
        first, last = max(0, start - margin), min(n_samples, stop + margin)
        x = np.asarray(read(first, last)).reshape(-1)
        if len(x) != last - first:
            raise ValueError(f"asked for samples {first}:{last} of the lead and got {len(x)} samples")
        usable = usable_samples(x, fs)
        yield _Block(bridge(x, usable), usable, first, (start - first, stop - first), fs)
        if progress is not None:
            progress(stop, n_samples, "R peaks")


def _detect_by_envelope(blocks: Iterator[_Block], fs: float) -> np.ndarray:
    candidates, cells = [], []
    for block in blocks:
        envelope = qrs_envelope(block.x, fs)
        candidates.append(_candidates(block, envelope))
        cells.append(_cells(block, envelope))
    if not cells:
        return np.empty(0, np.int64)
    kept = select_beats(Candidates.join(candidates), Cells.join(cells))
    return np.unique(kept)


def qrs_envelope(x: np.ndarray, fs: float) -> np.ndarray:
    """RMS over 100 ms of the differentiated 4-24 Hz band of ``x`` (n,); sample k belongs to x[k * step].

    float32 (ceil(n / step),), with step = round(fs / 120) or 1.
    """
    step = _decimation(fs)
    half = step * max(1, round(0.2 * fs / step))
    band = firwin(2 * half + 1, [4.0, min(24.0, 0.45 * fs)], pass_zero=False, fs=fs, window=("kaiser", 4.0))
    kernel = np.gradient(band)
    kernel /= np.abs(np.fft.rfft(kernel, 8 * len(kernel))).max()
    middle = x[len(x) // 2] if len(x) else 0
    padded = np.pad(x - middle, half, mode="edge") if len(x) else x
    n_out = ceil(len(x) / step)
    filtered = upfirdn(kernel.astype(np.float32), padded, 1, step)[2 * half // step :][:n_out].astype(np.float64)
    power = uniform_filter1d(filtered * filtered, _odd(0.1 * fs / step), mode="constant")
    return np.sqrt(np.maximum(power, 0)).astype(np.float32)


def _candidates(block: _Block, envelope: np.ndarray) -> Candidates:
    """Every maximum of the envelope within 100 ms to both sides, aligned to the lead."""
    step = _decimation(block.fs)
    height = maximum_filter1d(envelope, 2 * max(1, int(0.1 * block.fs / step)) + 1)
    top = np.flatnonzero((envelope == height) & (envelope > 0))
    top = top[(top * step >= block.core[0]) & (top * step < block.core[1]) & block.usable[top * step]]
    aligned = block.align(top * step)
    on_signal = block.usable[aligned]
    top, aligned = top[on_signal], aligned[on_signal]
    return Candidates(
        time_s=(top * step + block.first) / block.fs,
        height=envelope[top],
        sample=aligned.astype(np.int64) + block.first,
    )


def _cells(block: _Block, envelope: np.ndarray) -> Cells:
    """Level of beats and of what lies between them, for each two seconds that are at least half signal."""
    step, length = _decimation(block.fs), _cell_length(block.fs)
    start, stop = block.core[0] // step, ceil(block.core[1] / step)
    envelope, usable = envelope[start:stop], block.usable[block.core[0] : block.core[1] : step]
    n_cells = ceil(len(envelope) / length)
    pad = n_cells * length - len(envelope)
    table = np.pad(np.where(usable, envelope, np.nan), (0, pad), constant_values=np.nan).reshape(n_cells, length)
    known = np.isfinite(table).sum(axis=1)
    good = known >= min(length, len(envelope)) / 2
    table = table[good]
    time_s = (np.flatnonzero(good) + 0.5) * length * step / block.fs + (block.first + block.core[0]) / block.fs
    if not len(table):
        return Cells(time_s, np.empty(0), np.empty(0))
    return Cells(time_s, np.nanmax(table, axis=1), np.nanmedian(table[:, ::4], axis=1))


def _decimation(fs: float) -> int:
    return max(1, round(fs / 120))


def _cell_length(fs: float) -> int:
    return max(1, int(CELL_S * fs / _decimation(fs)))


def _odd(length: float) -> int:
    return 2 * int(length / 2) + 1
