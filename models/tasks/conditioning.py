"""Conditioning of recordings: resampling on an absolute time grid, and baseline removal.

Training prepares whole records, analysis streams a day in ranges: both must give the same bits. Therefore the filters
are symmetric FIR filters (an output depends on a bounded stretch of input), outputs lie at fixed times m / fs_out,
and a range reads as much more input as its filters are long.

Where the recording has no sample (before its start, after its end, in gaps) the output is NaN: a task measures what is
there and feeds zeros for the rest, so that padding is never taken for a signal.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np

from readers.recording import Read

_LARGEST = 20_000
"""Largest denominator of a ratio of sampling frequencies: the filter has twenty times as many taps."""


def rate_ratio(fs_in: float, fs_out: float) -> Fraction:
    """Resampling ratio ``fs_out / fs_in`` as up / down: exact for the usual frequencies, else within 5e-5.

    What is resampled by it must be placed by it, too: over a day, 1e-6 is 86 ms.
    """
    exact = Fraction(fs_out).limit_denominator(1000) / Fraction(fs_in).limit_denominator(1000)
    return exact.limit_denominator(_LARGEST)


class Conditioner:
    """Resamples to ``fs_out`` and removes the baseline.

    Args:
        fs_in: sampling frequency of the recording, Hz.
        fs_out: sampling frequency of the network's input, Hz.
        highpass_s: length of the Hann window whose moving average is the baseline, s; its -6 dB point lies
            at 1 / highpass_s Hz. 0 leaves the baseline.

    Raises:
        ValueError: a frequency that is not positive.
    """

    def __init__(self, fs_in: float, fs_out: float, highpass_s: float = 2.0):
        if not (fs_in > 0 and fs_out > 0):
            raise ValueError(f"sampling frequencies must be positive, got {fs_in} and {fs_out} Hz")
        ratio = rate_ratio(fs_in, fs_out)
        self.up, self.down = ratio.numerator, ratio.denominator
        self.fs_in, self.fs_out = float(fs_in), float(fs_out)
        self._antialias = self._design_antialias()
        self._half = (len(self._antialias) - 1) // 2
        half_window = round(highpass_s * fs_out / 2)
        window = np.hanning(2 * half_window + 3)[1:-1]
        self._window = window / window.sum() if half_window else None
        self._margin = half_window

    def _design_antialias(self) -> np.ndarray:
        """Low-pass filter at 0.9 of the lower Nyquist frequency, Kaiser window of 50 dB (Oppenheim, Schafer 2010,
        7.6)."""
        if self.up == self.down:
            return np.ones(1)
        from scipy.signal import firwin  # loaded when a recording is

        factor = max(self.up, self.down)
        return equal_phases(firwin(2 * 10 * factor + 1, 0.9 / factor, window=("kaiser", 4.55)), self.up)

    def n_out(self, n_samples: int) -> int:
        """Samples at ``fs_out`` of a recording of ``n_samples``."""
        return ceil(n_samples * self.up / self.down)

    def position(self, sample: np.ndarray) -> np.ndarray:
        """Nearest sample numbers at ``fs_out`` of sample numbers in the recording, int64."""
        nearest: np.ndarray = np.rint(np.asarray(sample, dtype=np.float64) * self.up / self.down)
        return nearest.astype(np.int64)

    def beats(self, sample: np.ndarray, n_samples: int) -> np.ndarray:
        """R peaks of a recording of ``n_samples`` as sample numbers at ``fs_out``, int64, clipped to its end."""
        return self.position(sample).clip(max=self.n_out(n_samples) - 1)

    def time_s(self, position: np.ndarray | int) -> np.ndarray:
        """Times in the recording of samples ``position`` (at ``fs_out``), s, float64."""
        return np.asarray(position, dtype=np.float64) * self.down / self.up / self.fs_in

    def condition(self, read: Read, n_samples: int, start: int, stop: int) -> np.ndarray:
        """Outputs ``start`` to ``stop`` (at ``fs_out``; may reach beyond both ends), float32 (n_leads, stop - start).

        NaN where the recording has no sample: beyond its ends and in gaps. The baseline is the mean of the samples
        that are there.
        """
        resampled, known = self._resample(read, n_samples, start - self._margin, stop + self._margin)
        conditioned = np.empty((len(resampled), stop - start), np.float32)
        inner = slice(self._margin, resampled.shape[1] - self._margin)
        for lead, samples, there in zip(conditioned, resampled, known, strict=True):
            baseline = 0.0 if self._window is None else _moving_average(samples, there, self._window)
            lead[:] = samples[inner] - baseline
            if not there[inner].all():
                lead[~there[inner]] = np.nan
        return conditioned

    def _resample(self, read: Read, n_samples: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Outputs ``start`` to ``stop`` with baseline, and a mask of the valid ones."""
        first = (start * self.down - self._half) // self.up
        last = -((-((stop - 1) * self.down + self._half)) // self.up)
        samples, known = _read_padded(read, n_samples, first, last + 1)
        if self.up == self.down:
            return samples, known
        from scipy.signal import upfirdn

        # upfirdn gives every down-th sample from the first input on: zeros before the filter bring the phase right.
        lag = (first * self.up - self._half) % self.down
        taps = np.concatenate([np.zeros(lag), self._antialias])
        skip = (start * self.down + self._half + lag - first * self.up) // self.down
        resampled = upfirdn(taps, samples, self.up, self.down, axis=-1)[:, skip : skip + stop - start]
        place = np.arange(start, stop)
        inside = (place >= 0) & (place < self.n_out(n_samples))
        if known.all():
            return resampled, np.broadcast_to(inside, resampled.shape)
        nearest = (2 * place * self.down + self.up) // (2 * self.up)
        return resampled, known[:, np.minimum(nearest, n_samples - 1) - first] & inside


def _moving_average(samples: np.ndarray, there: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Moving average of one lead over its valid samples, (n - len(window) + 1,); ``window`` sums to 1."""
    if there.all():
        return np.convolve(samples, window, "valid")
    mean = np.convolve(np.where(there, samples, 0.0), window, "valid")
    share = np.convolve(there.astype(np.float64), window, "valid")
    # Places whose whole window is there are left as they are: they do not depend on the range that is asked for.
    partial = share < 1 - 1e-9
    mean[partial] /= np.maximum(share[partial], 1e-9)
    return mean


def equal_phases(taps: np.ndarray, up: int) -> np.ndarray:
    """Taps of a polyphase filter, normalised so that each of its ``up`` phases sums to 1.

    An output is made by one phase: phases of unequal gain would turn a constant offset into a periodic signal.
    """
    phase = np.arange(len(taps)) % up
    equal: np.ndarray = taps / np.bincount(phase, weights=taps, minlength=up)[phase]
    return equal


def _read_padded(read: Read, n_samples: int, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs ``first`` to ``stop`` as float64 (n_leads, n), edges repeated and gaps bridged, and a mask of valid
    samples."""
    inside_first, inside_stop = min(max(first, 0), n_samples - 1), max(min(stop, n_samples), 1)
    samples = np.ascontiguousarray(np.asarray(read(inside_first, inside_stop)).T, dtype=np.float64)
    known = np.isfinite(samples)
    if not known.all():
        samples = bridged(samples.copy())
    before, after = max(inside_first - first, 0), max(stop - inside_stop, 0)
    if not (before or after):
        return samples, known
    beyond = ((0, 0), (before, after))
    return np.pad(samples, beyond, mode="edge")[:, : stop - first], np.pad(known, beyond)[:, : stop - first]


def bridged(samples: np.ndarray) -> np.ndarray:
    """Interpolate gaps in samples (n_leads, n) linearly, in place; a lead without any value is zero."""
    for lead in samples:
        missing = ~np.isfinite(lead)
        if missing.all():
            lead[:] = 0.0
        elif missing.any():
            known = np.flatnonzero(~missing)
            lead[missing] = np.interp(np.flatnonzero(missing), known, lead[known])
    return samples
