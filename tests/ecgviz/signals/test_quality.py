"""Quality flags on faults put where they are known to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.signals.quality import assess_quality

FS = 250


def clean(n_segments: int) -> np.ndarray:
    t = np.arange(n_segments * 10 * FS) / FS
    phase = t % 0.8
    x = np.exp(-0.5 * ((phase - 0.3) / 0.012) ** 2) + 0.2 * np.exp(-0.5 * ((phase - 0.55) / 0.05) ** 2)
    return (x + 0.005 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


def assess(x, fs=FS, **options):
    return assess_quality(lambda start, stop: x[start:stop], fs, len(x), **options)


def segment(k: int) -> slice:
    return slice(k * 10 * FS, (k + 1) * 10 * FS)


def test_a_clean_lead_is_usable_throughout():
    quality = assess(clean(12))
    assert quality.usable.all()
    assert quality.usable_share == 1.0
    assert (quality.kurtosis > 5).all()
    np.testing.assert_allclose(quality.time_s, np.arange(12) * 10.0)


@pytest.mark.parametrize("fs", [50, 100, 125, 128, 200, 250, 257, 300, 360, 400, 500, 512, 1000, 2000, 4000])
def test_a_qrs_is_no_noise_at_any_sampling_frequency(fs):
    """The same heart, narrow as an adult's, with the share of high frequencies that it has at 360 Hz, or less."""

    def share(rate):
        phase = (np.arange(60 * rate) / rate) % 0.8
        return assess(np.exp(-0.5 * ((phase - 0.3) / 0.012) ** 2).astype(np.float32), fs=rate).high_frequency

    assert share(fs).max() <= share(360).max() + 0.01
    assert share(fs).max() < 0.1


def test_each_fault_is_named_where_it_is():
    x = clean(70)
    x[segment(3)] = np.nan
    x[segment(5)] = 2.0
    x[segment(7)] = np.clip(5 * x[segment(7)], -0.05, 0.05)
    x[segment(9)] += 0.3 * np.random.default_rng(1).standard_normal(10 * FS).astype(np.float32)
    x[segment(65)] += np.linspace(0, 8, 10 * FS, dtype=np.float32)
    expected = np.full(70, "", dtype="<U7")
    expected[[3, 5, 7, 9, 65]] = ["missing", "flat", "clipped", "noise", "motion"]
    quality = assess(x)
    np.testing.assert_array_equal(quality.reason, expected)
    assert quality.usable_share == pytest.approx(65 / 70)
    assert np.isnan(quality.kurtosis[3])
    assert quality.missing[3] == 1
    assert quality.flat[5] == 1


@settings(max_examples=30, deadline=None)
@given(
    n_segments=st.integers(1, 8),
    start=st.floats(0, 0.7),
    share=st.floats(0.05, 0.3),
    level=st.sampled_from([np.nan, 4.0]),
)
def test_what_can_be_read_counts_by_its_length(n_segments: int, start: float, share: float, level: float) -> None:
    """Ten seconds of which three are missing are usable by seven tenths, not useless; a flat line likewise."""
    x = clean(n_segments)
    x[round(start * len(x)) : round((start + share) * len(x))] = level
    quality = assess(x)
    assert quality.usable_share == pytest.approx(1 - share, abs=0.01)
    fault = "missing" if np.isnan(level) else "flat"
    assert quality.lost_s[fault] == pytest.approx(share * len(x) / FS, abs=0.1)
    assert sum(quality.lost_s.values()) == pytest.approx((1 - quality.usable_share) * len(x) / FS, abs=0.01)


def test_a_short_last_stretch_counts_by_its_length() -> None:
    x = clean(2)[: 12 * FS]
    x[10 * FS :] = np.nan
    assert assess(x).usable_share == pytest.approx(10 / 12)


@pytest.mark.parametrize("gain", [1e-3, -1.0, 2e5])
def test_the_unit_does_not_matter(gain):
    x = clean(6)
    np.testing.assert_allclose(assess(gain * x).high_frequency, assess(x).high_frequency, rtol=1e-2, atol=1e-4)
    assert assess(gain * x).usable.all()


def test_short_and_dead_leads():
    assert np.isnan(assess(np.empty(0, np.float32)).usable_share)
    assert len(assess(np.float32([1, 2, 3])).usable) == 1
    assert assess(np.full(5000, np.nan, np.float32)).usable_share == 0
    assert assess(np.zeros(5000, np.float32)).usable_share == 0


def test_stop_keeps_what_was_assessed():
    told = []
    quality = assess(clean(70), progress=lambda done, *_: told.append(done), should_stop=lambda: bool(told))
    assert len(quality.usable) == 30
    assert told == [30 * 10 * FS]
