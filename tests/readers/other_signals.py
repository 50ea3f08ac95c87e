"""Signals that are no ECG, drawn by code."""

from __future__ import annotations

import numpy as np

FS = 250.0


def breathing(n: int, fs: float = FS, size: float = 200.0) -> np.ndarray:
    t = np.arange(n) / fs
    return size * (np.sin(2 * np.pi * 0.25 * t) + 0.3 * np.sin(2 * np.pi * 0.51 * t))


def pressure(n: int, fs: float = FS, rate: float = 72.0) -> np.ndarray:
    """Arterial pressure in mmHg: a rise within 80 ms, a fall with a notch."""
    since = (np.arange(n) / fs) % (60 / rate)
    wave = np.where(since < 0.08, np.sin(since / 0.08 * np.pi / 2), np.exp(-(since - 0.08) / 0.4))
    wave += 0.1 * np.exp(-0.5 * ((since - 0.33) / 0.03) ** 2)
    return 80 + 40 * np.convolve(np.pad(wave, 3, mode="edge"), np.ones(7) / 7, "valid")


def eeg(n: int, fs: float = FS, size: float = 40.0, seed: int = 5) -> np.ndarray:
    """Noise whose power falls with frequency, with a rhythm of 10 Hz that comes and goes, in uV."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    noise = np.fft.irfft(spectrum / np.maximum(np.fft.rfftfreq(n, 1 / fs), 0.5) ** 0.5, n)
    t = np.arange(n) / fs
    return size * (noise / noise.std() + 0.4 * np.sin(2 * np.pi * 10 * t) * np.sin(2 * np.pi * 0.3 * t))


def steep_pulses(n: int, fs: float, rate: float, rise_s: float, fall_s: float, seed: int = 0) -> np.ndarray:
    """Pulses of height 1 that rise and fall by halves of two Gaussians, each with a smaller one behind it."""
    rng, since = np.random.default_rng(seed), np.arange(n) / fs
    wave = 0.005 * rng.standard_normal(n)
    for at in np.arange(-1.0, n / fs + 1, 60 / rate) + 0.02 * rng.standard_normal():
        t = since - at
        wave += np.exp(-0.5 * (t / np.where(t < 0, rise_s, fall_s)) ** 2) + 0.2 * np.exp(-0.5 * ((t - 0.3) / 0.05) ** 2)
    return wave


def volume_pulse(n: int, fs: float, rate: float = 70.0, seed: int = 0) -> np.ndarray:
    """A photoplethysmogram: a systolic wave, a diastolic one behind it, breathing and a little noise."""
    rng, since = np.random.default_rng(seed), np.arange(n) / fs
    wave = 0.2 * np.sin(2 * np.pi * 0.25 * since) + 0.01 * rng.standard_normal(n)
    for at in np.arange(-1.0, n / fs + 1, 60 / rate):
        wave += np.exp(-0.5 * ((since - at) / 0.08) ** 2) + 0.4 * np.exp(-0.5 * ((since - at - 0.28) / 0.1) ** 2)
    return wave


def muscle(n: int, fs: float, seed: int = 0) -> np.ndarray:
    """An electromyogram: noise as white as the sampling lets it be, stronger and weaker in the course of seconds."""
    rng = np.random.default_rng(seed)
    knots = np.arange(int(n / fs) + 2)
    strength = np.interp(np.arange(n) / fs, knots, rng.uniform(0.1, 1.5, len(knots)))
    return strength * rng.standard_normal(n)


def fibrillation(n: int, fs: float, hz: float = 5.0, wandering: float = 0.5, seed: int = 0) -> np.ndarray:
    """Ventricular fibrillation: waves of ``hz`` that wander in frequency and height; flutter where they do not."""
    rng, t = np.random.default_rng(seed), np.arange(n) / fs
    knots = np.arange(int(t[-1]) + 2)
    slow = [np.interp(t, knots, rng.standard_normal(len(knots))) for _ in range(3)]
    phase = 2 * np.pi * np.cumsum(hz + wandering * slow[0]) / fs
    waves = np.sin(phase) + 0.25 * np.sin(2 * phase + 1 + wandering * slow[1])
    return waves * (1 + 0.6 * wandering * slow[2]) + 0.02 * rng.standard_normal(n)
