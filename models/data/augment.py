"""Label-preserving augmentation of beats and strips: noise, electrode changes, gain, heart rate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.config.beat import AugmentConfig
from models.tasks.conditioning import Conditioner
from readers import open_recording

if TYPE_CHECKING:
    from models.data.ventricular import VentricularBeats

NOISE_RECORDS = ("bw", "em", "ma")
"""Baseline wander, electrode motion, muscle: the MIT-BIH Noise Stress Test Database (Moody, Muldrow, Mark 1984)."""


def load_noise(root: str | Path, conditioner: Conditioner) -> np.ndarray:
    """Noise records conditioned like the signals, each scaled to SD 1, float32 (n_channels, n).

    Their headers state no gain (0 means unknown), so they are scaled to the wanted ratio where they are added.

    Raises:
        ReadError: a noise record is missing or damaged.
    """
    channels = []
    for name in NOISE_RECORDS:
        recording = open_recording(Path(root) / name)
        for other in recording.others:  # noise is no ECG, which is why the reader may leave it out
            recording = recording.with_channel(other)
        samples = recording.signal_mV()

        def read(start: int, stop: int, samples: np.ndarray = samples) -> np.ndarray:
            return samples[start:stop]

        conditioned = conditioner.condition(read, len(samples), 0, conditioner.n_out(len(samples)))
        channels.extend(conditioned / conditioned.std(axis=1, keepdims=True))
    shortest = min(len(channel) for channel in channels)
    return np.stack([channel[:shortest] for channel in channels])


def interpolate(conditioned: np.ndarray, centre: np.ndarray, length: int, step: np.ndarray) -> np.ndarray:
    """Segments of ``length`` samples around fractional centres, resampled with ``step``.

    Args:
        conditioned: float32 (n_leads, n).
        centre: positions, float (B,).
        length: samples wanted.
        step: 1 keeps the pace, 1.1 makes it faster by a tenth, float (B,).

    Returns:
        float32 (B, n_leads, length), linearly interpolated, the ends repeated.
    """
    at = centre[:, None] + (np.arange(length) - length // 2) * step[:, None]
    at = np.clip(at, 0, conditioned.shape[1] - 1.001)
    low = at.astype(np.int64)
    share = (at - low).astype(np.float32)
    between: np.ndarray = conditioned[:, low] * (1 - share) + conditioned[:, low + 1] * share
    return between.transpose(1, 0, 2)


class Augmenter:
    """Applies an :class:`models.config.AugmentConfig` to segments; all randomness comes from the given generator.

    Args:
        config: which changes, how often, how much.
        noise: from :func:`load_noise`, or None.
        ventricular: V beats to put into steady rhythm, or None.
    """

    def __init__(
        self,
        config: AugmentConfig,
        noise: np.ndarray | None = None,
        ventricular: VentricularBeats | None = None,
    ):
        self.config = config
        self.noise = noise
        self.ventricular = ventricular

    def pace(self, count: int, generator: np.random.Generator) -> np.ndarray:
        """Random steps for :func:`interpolate`, float (count,)."""
        steps: np.ndarray = np.exp(generator.uniform(-1, 1, count) * np.log1p(self.config.stretch))
        return steps

    def shift(self, count: int, fs: float, generator: np.random.Generator) -> np.ndarray:
        """Random errors of the R peak position in samples, float (count,), clipped at three SDs."""
        deviation = self.config.shift_ms / 1000 * fs
        return np.clip(generator.normal(0.0, 1.0, count), -3, 3) * deviation

    def __call__(self, segments: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Segments with added noise and with mixed, missing and scaled leads.

        Args:
            segments: float32 (B, n_leads, L) before scaling.
            generator: source of all randomness.
        """
        config = self.config
        segments = segments.copy()
        if config.invert:
            segments[generator.random(len(segments)) < config.invert] *= -1
        if config.band_limit:
            chosen = np.flatnonzero(generator.random(len(segments)) < config.band_limit)
            segments[chosen] = band_limited(segments[chosen], generator)
        if segments.shape[1] > 1 and config.mix_leads:
            chosen = np.flatnonzero(generator.random(len(segments)) < config.mix_leads)
            segments[chosen] = rotate_leads(segments[chosen], generator)
        if self.noise is not None and config.noise_probability:
            chosen = np.flatnonzero(generator.random(len(segments)) < config.noise_probability)
            segments[chosen] += self._noise_for(segments[chosen], self.noise, generator)
        if segments.shape[1] > 1 and config.drop_lead:
            segments[generator.random(len(segments)) < config.drop_lead, 1:] = 0.0
        if config.gain:
            gains = generator.uniform(1 - config.gain, 1 + config.gain, (len(segments), segments.shape[1], 1))
            segments *= gains.astype(np.float32)
        return segments

    def _noise_for(self, segments: np.ndarray, channels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        count, leads, length = segments.shape
        start = generator.integers(0, channels.shape[1] - length, (count, leads))
        channel = generator.integers(0, len(channels), (count, leads))
        noise = channels[channel[..., None], start[..., None] + np.arange(length)]
        ratio_db = generator.uniform(*self.config.noise_snr_db, (count, 1, 1))
        size = _deviation(segments) * 10 ** (-ratio_db / 20)
        sized: np.ndarray = noise * size
        return sized.astype(np.float32)


def rotate_leads(segments: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Rotate the leads of each segment into each other by a random angle, as other electrode positions would.

    Two surface leads see projections of nearly the same dipole; a rotation of the first two gives two others.
    """
    angle = generator.uniform(-np.pi, np.pi, (len(segments), 1)).astype(np.float32)
    # Leads of unequal size would otherwise keep the direction of the larger one.
    size = _deviation(segments)
    size = np.where(size > 0, size, 1.0)
    first, second = (segments / size)[:, 0], (segments / size)[:, 1]
    turned = segments.copy()
    turned[:, 0] = np.cos(angle) * first + np.sin(angle) * second
    turned[:, 1] = -np.sin(angle) * first + np.cos(angle) * second
    return turned


def band_limited(segments: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Segments (B, n_leads, L) low-pass filtered, as slow recorders and monitoring filters leave them.

    The edge of each segment is drawn between 0.3 and 0.85 of the band that is there; it falls over a sixth of it.
    Where there is no signal (NaN) there is none afterwards.
    """
    if not len(segments):
        return segments
    there = np.isfinite(segments)
    spectrum = np.fft.rfft(np.where(there, segments, 0.0), axis=-1)
    frequency = np.linspace(0, 1, spectrum.shape[-1])
    edge = generator.uniform(0.3, 0.85, (len(segments), 1, 1))
    fall = np.clip((edge - frequency) / (edge / 6) + 0.5, 0, 1)
    kept = np.fft.irfft(spectrum * (0.5 - 0.5 * np.cos(np.pi * fall)), segments.shape[-1], axis=-1)
    return np.where(there, kept, np.nan).astype(np.float32)


def _deviation(segments: np.ndarray) -> np.ndarray:
    """SD of each lead of each segment over its valid samples, float32 (B, n_leads, 1); 0 where there is none."""
    there = np.isfinite(segments)
    if there.all():
        whole: np.ndarray = segments.std(axis=-1, keepdims=True)
        return whole
    count = np.maximum(there.sum(axis=-1, keepdims=True), 1)
    values = np.where(there, segments, 0.0)
    centred = np.where(there, values - values.sum(axis=-1, keepdims=True) / count, 0.0)
    deviation: np.ndarray = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / count)
    return deviation.astype(np.float32)
