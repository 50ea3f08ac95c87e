import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.figures.decimate import gaps, min_max


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 5000), columns=st.integers(1, 700), seed=st.integers(0, 10_000), share=st.floats(0, 0.6))
def test_extremes_stay_and_nothing_is_invented(n, columns, seed, share):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=n).astype(np.float32)
    samples[rng.random(n) < share] = np.nan
    drawn = min_max(samples, columns)
    assert len(drawn.values) <= max(2 * columns, 2)
    real, kept = samples[~np.isnan(samples)], drawn.values[~np.isnan(drawn.values)]
    assert np.isin(kept, real).all()
    if len(real):
        assert kept.max() == real.max() and kept.min() == real.min()


def test_a_spike_of_one_sample_stays_at_its_place():
    for position in range(1000, 1040):
        samples = np.zeros(60_000, np.float32)
        samples[position] = 2.0
        drawn = min_max(samples, 1000)
        place = drawn.first + drawn.step * int(np.argmax(drawn.values))
        assert drawn.values.max() == 2.0
        assert abs(place - position) <= 1.5 * drawn.step, "three quarters of a column"


def test_few_samples_come_back_as_they_are():
    samples = np.arange(7, dtype=np.float32)
    drawn = min_max(samples, 4)
    assert (drawn.first, drawn.step) == (0.0, 1.0)
    np.testing.assert_array_equal(drawn.values, samples)
    assert len(min_max(np.empty(0, np.float32), 10).values) == 0


def test_a_gap_stays_a_gap():
    samples = np.sin(np.arange(10_000) / 50).astype(np.float32)
    samples[4000:6000] = np.nan
    drawn = min_max(samples, 100)
    place = drawn.first + drawn.step * np.arange(len(drawn.values))
    inside = (place > 4100) & (place < 5900)
    assert np.isnan(drawn.values[inside]).all()
    assert not np.isnan(drawn.values[(place < 3900) | (place > 6100)]).any()


def test_gaps_are_runs_of_nan():
    nan = np.nan
    assert gaps(np.array([nan, 1, nan, nan, 2, nan])) == [(0, 1), (2, 4), (5, 6)]
    assert gaps(np.array([nan, 1, nan, nan, 2]), shortest=2) == [(2, 4)]
    assert gaps(np.ones(3)) == []
