"""Display filters: what passes, what does not, and that moving the view changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.signals.filters import DISPLAY_FILTERS, describe_filter, read_filtered

FS = 360
N = 400 * FS
T = np.arange(N) / FS


def view(x, start, stop, name="none", notch=None, *, fs=FS):
    return read_filtered(lambda a, b: x[a:b], fs, len(x), start, stop, name=name, notch_hz=notch)


def gain(hz: float, name: str, notch: float | None = None) -> float:
    x = np.sin(2 * np.pi * hz * T).astype(np.float32)
    return float(view(x, 150 * FS, 250 * FS, name, notch).std() / x[150 * FS : 250 * FS].std())


def test_bands():
    assert gain(0.05, "monitor") < 0.05
    assert gain(10, "monitor") > 0.95
    assert gain(100, "monitor") < 0.05
    assert gain(0.5, "diagnostic") > 0.95
    assert gain(100, "diagnostic") > 0.8
    assert gain(10, "none", 50) > 0.98
    assert gain(50, "none", 50) < 0.05
    assert gain(60, "monitor", 60) < 0.05


def test_none_is_the_signal_itself():
    x = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    np.testing.assert_array_equal(view(x, 100, 900, "none"), x[100:900])


@pytest.mark.parametrize("name", list(DISPLAY_FILTERS))
@pytest.mark.parametrize("notch", [None, 50.0])
def test_panning_does_not_change_the_picture(name, notch):
    x = (np.cumsum(np.random.default_rng(1).standard_normal(N)) * 0.02 + 3).astype(np.float32)
    whole = view(x, 100 * FS, 140 * FS, name, notch)
    for start in (100 * FS, 101 * FS + 17, 119 * FS + 5, 130 * FS):
        part = view(x, start, start + 10 * FS, name, notch)
        np.testing.assert_allclose(part, whole[start - 100 * FS :][: 10 * FS], atol=2e-3)


def test_waves_stay_where_they_are():
    x = np.zeros(20 * FS, np.float32)
    x[3600] = 1
    assert view(x, 3000, 4200, "monitor").argmax() == 600


def test_gaps_stay_gaps_and_do_not_spread():
    x = np.stack([np.sin(2 * np.pi * 5 * T[: 60 * FS])] * 2, axis=1).astype(np.float32)
    reference = view(x, 0, len(x), "monitor", 50)
    x[20 * FS : 22 * FS, 1] = np.nan
    filtered = view(x, 0, len(x), "monitor", 50)
    np.testing.assert_array_equal(np.isnan(filtered), np.isnan(x))
    np.testing.assert_array_equal(filtered[:, 0], reference[:, 0])
    far = np.r_[0 : 18 * FS, 24 * FS : 60 * FS]
    np.testing.assert_allclose(filtered[far, 1], reference[far, 1], atol=0.02)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_short_recordings(n):
    x = np.ones(n, np.float32)
    assert view(x, 0, n, "monitor", 50).shape == (n,)
    assert np.isnan(view(x * np.nan, 0, n, "monitor")).all()
    assert view(x, 0, n, "monitor", 60, fs=100).shape == (n,)


def test_names_and_refusals():
    assert describe_filter("monitor", 50) == "0.5-40 Hz, notch 50 Hz"
    assert describe_filter("none") == "none"
    assert describe_filter("none", 60) == "notch 60 Hz"
    with pytest.raises(ValueError, match="no display filter 'x'"):
        view(np.zeros(10, np.float32), 0, 5, "x")
    with pytest.raises(ValueError, match="55 Hz"):
        view(np.zeros(10, np.float32), 0, 5, "none", 55)
