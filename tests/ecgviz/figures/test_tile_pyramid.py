import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgviz.figures.tile_pyramid import BASE_LEVEL, FACTOR, MISSING, TILE, TileSource, make_base, quantised, steps_of


def _source(samples: np.ndarray, steps=None) -> TileSource:
    steps = steps or (0.0025,) * samples.shape[1]
    read = lambda start, stop: samples[start:stop]  # noqa: E731
    return TileSource(read, len(samples), steps, make_base(read, len(samples), steps))


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 40_000), leads=st.integers(1, 3), seed=st.integers(0, 9_999), share=st.floats(0, 0.9))
def test_at_every_level_a_column_has_the_extremes_of_its_samples(n, leads, seed, share):
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(n, leads)).astype(np.float32)
    samples[rng.random(n) < share] = np.nan
    source = _source(samples)
    whole = quantised(samples, source.steps)
    for level in range(source.levels):
        size = FACTOR**level
        tiles = [source.tile(level, index) for index in range(-(-source.columns(level) // TILE))]
        found = np.concatenate(tiles, axis=1)
        assert found.shape == (leads, -(-n // size), 1 if level == 0 else 2)
        for lead in range(leads):
            padded = np.full(found.shape[1] * size, MISSING, np.int16)
            padded[:n] = whole[:, lead]
            blocks = padded.reshape(-1, size)
            lowest = np.where(blocks == MISSING, 32767, blocks).min(axis=1)
            lowest[(blocks == MISSING).all(axis=1)] = MISSING
            np.testing.assert_array_equal(found[lead, :, 0], lowest)
            np.testing.assert_array_equal(found[lead, :, -1], blocks.max(axis=1))


def test_an_r_peak_of_one_sample_is_in_every_level():
    samples = np.zeros((300_000, 1), np.float32)
    samples[123_457] = 2.0
    source = _source(samples)
    for level in range(source.levels):
        column = 123_457 // FACTOR**level
        tile = source.tile(level, column // TILE)
        assert tile[0, column % TILE, -1] * source.steps[0] == pytest.approx(2.0)
        assert tile[0].max() == tile[0, column % TILE, -1]


def test_values_keep_their_millivolts_and_gaps_stay_gaps():
    samples = np.array([[1.2345], [np.nan], [-3.3], [200.0], [np.inf]], np.float32)
    whole = quantised(samples, (0.0025,))[:, 0]
    assert whole[[0, 2]] * 0.0025 == pytest.approx([1.2345, -3.3], abs=0.00126)
    assert (whole[1], whole[4]) == (MISSING, MISSING)
    assert whole[3] == 32767, "what no electrode gives is cut, not turned round"


def test_steps_of_a_lead_without_a_unit_follow_its_span():
    steps = steps_of(("mV", "unknown", "unknown"), ("I", "raw", "flat"), {"raw": (-4000.0, 0.0, 8000.0)})
    assert steps == (0.0025, 1.0, 0.0025)


def test_levels_that_need_the_base_wait_for_it_and_no_other_tile_is_given():
    samples = np.zeros((TILE * FACTOR**BASE_LEVEL * 2, 1), np.float32)
    source = TileSource(lambda start, stop: samples[start:stop], len(samples), (0.0025,))
    assert source.tile(BASE_LEVEL, 0) is None
    assert source.tile(0, 0).shape == (1, TILE, 1)
    for level, index in ((-1, 0), (source.levels, 0), (0, -1), (0, len(samples) // TILE)):
        with pytest.raises(ValueError, match="no tile"):
            source.tile(level, index)


def test_a_base_that_is_stopped_has_gaps_where_nothing_was_read():
    stops = iter((False, True))
    samples = np.zeros((1 << 20, 1), np.float32)
    base = make_base(lambda a, b: samples[a:b], len(samples), (0.0025,), stop=lambda: next(stops))
    assert (base.columns[0, : (1 << 19) // 64] == 0).all()
    assert (base.columns[0, (1 << 19) // 64 :] == MISSING).all()
