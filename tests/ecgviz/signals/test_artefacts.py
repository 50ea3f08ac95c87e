"""Runs of equal samples against a plain count, and noise by its three signs whichever of them are looked at."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.signals import artefacts
from models.core.gaps import constant_runs

FS = 250.0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 60)), max_size=12), st.integers(2, 50))
def test_runs_of_equal_samples_are_those_that_one_counts(parts, at_least) -> None:
    x = np.array([value for value, length in parts for _ in range(length)], np.float32)
    expected, start = [], 0
    for _, run in groupby(x.tolist()):
        stop = start + len(list(run))
        expected += [(start, stop)] if stop - start >= at_least else []
        start = stop
    assert constant_runs(x, at_least).tolist() == [list(run) for run in expected]


def a_window(seed: int, jitter_s: float, unlike: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Ten seconds of two leads and the R peaks: narrow complexes, irregular, unlike each other, in noise."""
    draw = np.random.default_rng(seed)
    beat_s = np.cumsum(0.8 + draw.uniform(-jitter_s, jitter_s, 11))
    peaks = np.rint(beat_s * FS).astype(int)
    at = np.arange(round(10 * FS))
    leads = noise * draw.standard_normal((2, len(at)))
    for peak in peaks:
        shape = np.exp(-0.5 * ((at - peak) / (0.012 * FS)) ** 2)
        slope = np.gradient(shape)
        leads += shape + unlike * draw.standard_normal((2, 1)) * slope * 0.03 * FS + unlike * draw.normal() * shape
    return leads.T.astype(np.float32), peaks[peaks < len(at)]


@pytest.mark.parametrize("jitter_s", [0.05, 0.6])
@pytest.mark.parametrize("unlike", [0.0, 3.0])
@pytest.mark.parametrize("noise", [0.01, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_noise_is_two_of_three_signs(jitter_s, unlike, noise, seed) -> None:
    samples, peaks = a_window(seed, jitter_s, unlike, noise)
    rr = np.diff(peaks)
    there = np.ones(len(samples), bool)
    signs = (
        np.std(rr) > artefacts.NOISE_IRREGULAR * np.mean(rr),
        max(artefacts._likeness(lead, FS, peaks) for lead in samples.T) < artefacts.NOISE_ALIKE,
        all(artefacts._is_restless(lead, there, FS) for lead in samples.T),
    )
    assert artefacts.is_noise(samples, np.ones_like(samples, bool), FS, peaks) == (sum(signs) >= 2)


def test_of_the_windows_drawn_some_are_noise() -> None:
    """Else the test above would compare nothing."""
    drawn = a_window(0, 0.05, 0.0, 0.01), a_window(0, 0.6, 0.0, 1.0)
    there = np.ones_like(drawn[0][0], bool)
    assert [artefacts.is_noise(samples, there, FS, peaks) for samples, peaks in drawn] == [False, True]
