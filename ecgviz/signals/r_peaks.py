"""R peak detection in recordings of any length, streamed, from one or several leads.

Each lead goes through a differentiating band-pass; the RMS of the result over 100 ms is an envelope that peaks at
every QRS whatever its polarity (``qrs_envelope``), and those of several leads are one. What stands out of its
surroundings is a beat (``beat_selection``). The surroundings are taken from both sides (the recording is at hand,
unlike on a monitor), so there are no thresholds that run away, and no learning phase. Last, each beat is moved to the
largest deflection of the first lead nearby, which is where the reference annotations of MIT-BIH stand.

All filters are finite, so a block read with a margin gives the same values as the whole recording: the answer does
not depend on where the blocks are cut. docs/r_peaks.md compares this detector with those of sleepecg and NeuroKit2.

Pan J, Tompkins WJ. A real-time QRS detection algorithm. IEEE Trans Biomed Eng 1985;32:230-236.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from scipy.ndimage import maximum_filter1d

from ecgviz.signals.beat_selection import Candidates, Cells, select_beats
from ecgviz.signals.fiducial import align
from ecgviz.signals.other_detectors import DETECTORS, detect_block
from ecgviz.signals.qrs_envelope import (
    QUIET_PERCENTILE,
    QUIET_S,
    Grid,
    joint_envelope,
    levels,
    percentiles,
    qrs_envelope,
)
from models.core.callbacks import Progress, ShouldStop
from models.core.gaps import bridge, usable_samples, without_short_gaps
from readers.recording import Read

BLOCK_S = 300.0
MARGIN_CELLS = 7
"""Cells of two seconds read on both sides of a block: what the joint envelope of several leads looks at."""
APART_S, OWN_TOP_S = 0.08, 0.06
MIN_FS, MAX_FS = 50.0, 50_000.0
LEAST_SHARE = 0.1
"""The first lead places a beat while it weighs a tenth of the lead that weighs most; else that one does."""


def detect_r_peaks(
    read: Read,
    fs: float,
    n_samples: int,
    *,
    method: str = "auto",
    block_s: float = BLOCK_S,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> np.ndarray:
    """R peaks as sample numbers, int64 (n,), ascending.

    Args:
        read: ``read(start, stop)`` gives the samples of one lead, (stop - start,), or of several, (stop - start,
            n_leads), in any unit, NaN where missing. Beats are placed on the first lead, where it shows them.
        fs: sampling frequency, Hz, 50 to 50,000.
        n_samples: length of the recording.
        method: "auto" (this module's envelope, the best of those measured), "sleepecg" or "neurokit"
            for a second opinion, on the first lead alone.
        block_s: seconds read at a time.
        progress: told (samples done, samples in all, note) after each block.
        should_stop: asked before each block; True ends early with the peaks of what was read.

    A beat may have 200 ms to the next. Where the first lead has no signal at all (missing, at a rail, constant for
    longer than from beat to beat) there are no beats, whatever the others show: no network could say what they are.

    Raises:
        ValueError: an unknown method, a sampling frequency out of range, or a ``read`` that gives another length.
    """
    if not MIN_FS <= fs <= MAX_FS:
        raise ValueError(f"fs is {fs:g} Hz; R peaks can be found from {MIN_FS:g} to {MAX_FS:g} Hz")
    blocks = _blocks(read, fs, n_samples, block_s=block_s, progress=progress, should_stop=should_stop)
    if method == "auto":
        return _whole(_detect_by_envelope(blocks), n_samples)
    if method not in DETECTORS:
        raise ValueError(f"no R peak method {method!r}; there are auto, {', '.join(DETECTORS)}")
    found = [np.empty(0, np.int64)]
    for block in blocks:
        x, usable = block.leads[0], block.usable[0]
        peaks = align(x, detect_block(x, usable, fs, method), fs)
        found.append(block.to_recording(peaks[usable[peaks]]))
    return _whole(np.unique(np.concatenate(found)), n_samples)


def _whole(peaks: np.ndarray, n_samples: int) -> np.ndarray:
    """Peaks with a sample on both sides: at the ends, a slope is cut off."""
    return peaks[(peaks > 0) & (peaks < n_samples - 1)]


@dataclass(frozen=True)
class _Block:
    """A block of the leads (n_leads, n) with margins; ``core`` is [start, stop) of the block within them."""

    leads: np.ndarray
    usable: np.ndarray
    first: int
    core: tuple[int, int]
    grid: Grid

    def to_recording(self, peaks: np.ndarray) -> np.ndarray:
        """The ``peaks`` within the core, as sample numbers of the recording."""
        inside = (peaks >= self.core[0]) & (peaks < self.core[1])
        return peaks[inside].astype(np.int64) + self.first


def _blocks(read: Read, fs: float, n_samples: int, *, block_s: float, progress, should_stop) -> Iterator[_Block]:
    """Blocks of whole cells, with margins of whole cells inside the recording."""
    grid = Grid(fs)
    cell = grid.step * grid.cell
    length = cell * max(1, round(block_s * fs / cell))
    margin = cell * MARGIN_CELLS
    for start in range(0, n_samples, length):
        if should_stop is not None and should_stop():
            return
        stop = min(start + length, n_samples)
        first, last = max(0, start - margin), min(n_samples, stop + margin)
        x = np.asarray(read(first, last))
        if len(x) != last - first:
            raise ValueError(f"asked for samples {first}:{last} and got {len(x)} samples")
        columns = x.reshape(len(x), -1).T
        usable = np.stack([usable_samples(column, fs) for column in columns])
        leads = np.stack([bridge(column, there) for column, there in zip(columns, usable, strict=True)])
        usable = np.stack([without_short_gaps(there, fs) for there in usable])
        yield _Block(leads, usable, first, (start - first, stop - first), grid)
        if progress is not None:
            progress(stop, n_samples, "R peaks")


def _detect_by_envelope(blocks: Iterator[_Block]) -> np.ndarray:
    candidates, cells = [], []
    for block in blocks:
        envelopes = np.stack([qrs_envelope(lead, block.grid.fs) for lead in block.leads])
        usable = block.usable[:, :: block.grid.step]
        joint, shares = joint_envelope(envelopes, usable, block.grid) if len(envelopes) > 1 else (envelopes[0], usable)
        candidates.append(_candidates(block, joint, usable[0], envelopes, shares))
        cells.append(_cells(block, joint, usable[0]))
    if not cells:
        return np.empty(0, np.int64)
    return np.unique(select_beats(Candidates.join(candidates), Cells.join(cells)))


def _candidates(
    block: _Block, envelope: np.ndarray, usable: np.ndarray, envelopes: np.ndarray, shares: np.ndarray
) -> Candidates:
    """Local maxima of the envelope within 80 ms on both sides, aligned on a lead."""
    grid = block.grid
    apart = grid.length(APART_S)
    height = maximum_filter1d(envelope, 2 * apart + 1)
    top = np.flatnonzero((envelope == height) & (envelope > 0) & usable)
    top = top[np.diff(top, prepend=-apart - 1) > apart]  # of equal ones the first
    top = top[(top * grid.step >= block.core[0]) & (top * grid.step < block.core[1])]
    sample, on_signal = _placed(block, top, envelopes, shares[:, top])
    top, sample = top[on_signal], sample[on_signal]
    second = grid.length(QUIET_S)
    quiet = np.nan_to_num(percentiles(envelope, usable, second, QUIET_PERCENTILE))
    return Candidates(
        time_s=(top * grid.step + block.first) / grid.fs,
        height=envelope[top],
        sample=sample.astype(np.int64) + block.first,
        beat_s=(sample + block.first) / grid.fs,
        quiet=np.interp(top, (np.arange(len(quiet)) + 0.5) * second, quiet),
    )


def _placed(block: _Block, top: np.ndarray, envelopes: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the leads of the beats at ``top`` (k,) of the joint envelope, and whether there is a signal."""
    lead = np.where(shares[0] >= LEAST_SHARE * shares.max(axis=0), 0, shares.argmax(axis=0))
    sample = np.empty(len(top), np.int64)
    for one in np.unique(lead):
        here = lead == one
        middle = _own_top(envelopes[one], top[here], block.grid) if len(envelopes) > 1 else top[here]
        sample[here] = align(block.leads[one], middle * block.grid.step, block.grid.fs)
    return sample, block.usable[0, sample]


def _own_top(envelope: np.ndarray, top: np.ndarray, grid: Grid) -> np.ndarray:
    """Maximum of one lead's envelope near each ``top`` (k,), so that further leads do not shift the beat."""
    around = np.arange(-grid.length(OWN_TOP_S), grid.length(OWN_TOP_S) + 1)
    places = np.clip(top[:, None] + around, 0, len(envelope) - 1)
    return places[np.arange(len(top)), envelope[places].argmax(axis=1)]


def _cells(block: _Block, envelope: np.ndarray, usable: np.ndarray) -> Cells:
    """Signal and background level of each two-second cell with at least half signal."""
    grid = block.grid
    core = slice(block.core[0] // grid.step, ceil(block.core[1] / grid.step))
    top, floor = levels(envelope[core], usable[core], grid.cell)
    good = np.isfinite(top)
    start_s = (block.first + block.core[0]) / grid.fs
    time_s = (np.flatnonzero(good) + 0.5) * grid.cell * grid.step / grid.fs + start_s
    return Cells(time_s, top[good], floor[good])
