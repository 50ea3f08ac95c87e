"""A recording, beats and a map made by code: what the figures draw in these tests."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ecgviz.results import Beats, SaliencyMap
from readers.recording import ArraySource, Recording


def make_recording(samples: np.ndarray, fs: float, leads=("MLII", "V1"), units=None) -> Recording:
    units = units or ("mV",) * len(leads)
    return Recording("made", fs, len(samples), tuple(leads), tuple(units), ArraySource(samples), "made")


def spiky(seconds: float, fs: float, n_leads: int, rr_s: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Noise of 10 uV with an R peak of one sample and 1.5 mV each ``rr_s``; samples and the peaks' numbers."""
    n = int(seconds * fs)
    samples = np.random.default_rng(0).normal(0, 0.01, (n, n_leads)).astype(np.float32)
    peaks = np.arange(int(0.4 * fs), n, int(rr_s * fs))
    samples[peaks] = 1.5
    return samples, peaks


def make_beats(peaks: np.ndarray, fs: float, labels=None, leads=("MLII",)) -> Beats:
    labels = np.arange(len(peaks)) % 5 if labels is None else np.asarray(labels)
    prob = np.full((len(peaks), 5), 0.02, np.float32)
    prob[np.arange(len(peaks)), labels] = 0.92
    return Beats(np.asarray(peaks, np.int64), prob, tuple("NSVFQ"), fs, "beat-strip", tuple(leads))


def make_map(low_s: float, high_s: float, peak_s: float, beat: int = 3) -> SaliencyMap:
    time_s = np.linspace(low_s, high_s, 121)
    values = 0.5 * np.exp(-(((time_s - peak_s) / 0.08) ** 2))
    return SaliencyMap(values.astype(np.float32), time_s, "grad_cam", "V", "beat-strip", 67.0, beat)


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of what a figure draws."""
    return SimpleNamespace(recording=make_recording, spiky=spiky, beats=make_beats, map=make_map)


@pytest.fixture
def two_leads():
    samples, peaks = spiky(30, 360, 2)
    return make_recording(samples, 360.0), make_beats(peaks, 360.0)
