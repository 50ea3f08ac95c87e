"""Windows: DICOM's formula to the letter, presets that show what they name, and the histogram under them."""

from __future__ import annotations

import numpy as np
import pytest

from ecgviz.figures.window_level import Window, apply_window, histogram, window_between, window_presets
from readers.image_stack import ArraySlices, ImageStack


def stack_of(pixels: np.ndarray, window=None) -> ImageStack:
    return ImageStack("s", 1, *pixels.shape, pixels.dtype, ArraySlices(pixels[None]), "TIFF", window=window)


def linear(x: float, c: float, w: float) -> int:
    """PS3.3 C.11.2.1.2.1 as it is printed, for an output from 0 to 255."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0
    if x > c - 0.5 + (w - 1) / 2:
        return 255
    return round(((x - (c - 0.5)) / (w - 1) + 0.5) * 255)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
@pytest.mark.parametrize(("centre", "width"), [(100, 80), (60.5, 1), (40, 2), (-30, 400), (130, 300)])
def test_whole_numbers_follow_the_standard(dtype, centre, width):
    limits = np.iinfo(dtype)
    values = np.unique(np.clip(np.arange(-400, 600), limits.min, limits.max)).astype(dtype)
    expected = [linear(float(x), centre, width) for x in values]
    small = apply_window(values.reshape(1, -1), Window(centre, width))[0]
    np.testing.assert_allclose(small, expected, atol=1)
    assert (small[np.array(expected) == 0] == 0).all() and (small[np.array(expected) == 255] == 255).all()
    large = np.resize(values, (300, 300))
    np.testing.assert_array_equal(apply_window(large, Window(centre, width)).ravel()[: len(values)], small)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_the_table_for_large_pictures_gives_what_the_formula_gives(dtype):
    values = np.random.default_rng(0).integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (300, 300)).astype(dtype)
    window = Window(500, 30000)
    by_table = apply_window(values, window)
    by_rows = np.concatenate([apply_window(values[i : i + 1], window) for i in range(300)])
    np.testing.assert_array_equal(by_table, by_rows)


def test_pydicom_windows_the_same():
    from pydicom.dataset import Dataset
    from pydicom.pixels import apply_windowing

    values = np.arange(-1024, 3072, dtype=np.int16).reshape(64, 64)
    header = Dataset()
    header.WindowCenter, header.WindowWidth = 40, 400
    header.BitsStored, header.PixelRepresentation, header.PhotometricInterpretation = 16, 1, "MONOCHROME2"
    peer = apply_windowing(values, header)
    peer = (peer - peer.min()) / (peer.max() - peer.min()) * 255
    np.testing.assert_allclose(apply_window(values, Window(40, 400)), peer, atol=0.51)


def test_ends_of_a_window_are_just_black_and_white():
    for dtype in (np.uint8, np.uint16, np.int16, np.float32):
        window = window_between(10, 90, dtype)
        shown = apply_window(np.array([[9, 10, 50, 90, 91]], dtype), window)[0]
        assert list(shown[[0, 1, 3, 4]]) == [0, 0, 255, 255]
        assert 126 <= shown[2] <= 129


def test_float_between_0_and_1_and_missing_values():
    values = np.array([[0.0, 0.25, 0.5, 1.0, np.nan, np.inf]], np.float32)
    assert apply_window(values, Window(0.5, 1.0)).tolist() == [[0, 64, 128, 255, 0, 255]]
    assert apply_window(values, Window(0.5, 1.0).inverse()).tolist() == [[255, 191, 127, 0, 0, 0]]


def test_inverse_of_whole_numbers():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    window = window_between(0, 255, np.uint8)
    np.testing.assert_array_equal(apply_window(values, window), values)
    np.testing.assert_array_equal(apply_window(values, window.inverse()), 255 - values)


def cell() -> np.ndarray:
    """Air, a winding and a can of a drawn cell, with noise."""
    rng = np.random.default_rng(4)
    y, x = np.indices((200, 200)) - 100
    radius = np.hypot(x, y)
    values = np.where(radius < 80, 20_000 + 3000 * np.sin(radius), 1000.0)
    values[(radius >= 80) & (radius < 86)] = 55_000
    return np.clip(values + rng.normal(0, 500, values.shape), 0, 65535).astype(np.uint16)


def test_presets_show_what_they_name():
    pixels = cell()
    presets = window_presets(pixels, stack_of(pixels, window=(20_000, 9_000)))
    assert list(presets) == ["auto", "full range", "soft", "metal", "of the file"]
    assert presets["of the file"] == Window(20_000, 9_000)
    full = presets["full range"]
    assert (full.low, full.high) == (pixels.min(), pixels.max() + 1)
    low, high = np.percentile(pixels, (0.5, 99.5))
    assert presets["auto"].low == pytest.approx(low)
    assert presets["auto"].high == pytest.approx(high + 1)
    assert 24_000 < presets["soft"].high < 54_000
    metal = apply_window(pixels, presets["metal"])
    radius = np.hypot(*(np.indices(pixels.shape) - 100))
    assert (metal[radius < 79] == 0).all()
    assert metal[(radius > 81) & (radius < 85)].min() > 100


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((5, 5), np.uint8),
        np.full((5, 5), -3.5, np.float32),
        np.full((5, 5), np.nan, np.float32),
        np.array([[0, 255]], np.uint8),
        np.array([[np.nan, 1.0], [2.0, np.nan]], np.float32),
    ],
)
def test_presets_of_odd_pictures(pixels):
    presets = window_presets(pixels, stack_of(pixels))
    assert "full range" in presets and "of the file" not in presets
    for window in presets.values():
        assert window.width > 0
        shown = apply_window(pixels, window)
        assert (shown.dtype, shown.shape) == (np.uint8, pixels.shape)


def test_histogram_counts_every_pixel_once():
    pixels = cell()
    counts, edges = histogram(pixels)
    assert counts.sum() == pixels.size
    assert len(edges) == len(counts) + 1 <= 257
    counts, edges = histogram(np.array([[3, 4, 4, 6]], np.uint8))
    assert counts.tolist() == [1, 2, 0, 1]
    assert edges.tolist() == [2.5, 3.5, 4.5, 5.5, 6.5]
    counts, _ = histogram(np.array([[0.0, 1.0, np.nan]], np.float32), bins=4)
    assert counts.tolist() == [1, 0, 0, 1]
    assert histogram(np.full((2, 2), np.nan))[0].tolist() == [0]
