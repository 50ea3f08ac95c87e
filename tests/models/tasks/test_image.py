"""Task ``image``: one way from stored pixels to the network's input, whatever the depth, and maps brought back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.tasks import ImageTask, create_task, image_levels
from models.tasks.good_only import GoodOnlyTask
from models.tasks.image import NORMALISATIONS
from models.tasks.small_defects import SmallDefectsTask

TASK = ImageTask(image_size=64)


def undo(x: torch.Tensor, task: ImageTask = TASK) -> np.ndarray:
    """Values 0 to 1 of a prepared picture."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in NORMALISATIONS[task.normalisation])
    return (x * deviation + mean).numpy()


def test_a_card_brings_the_task_back() -> None:
    task = ImageTask(image_size=320, normalisation="tensorflow", percentiles=(1, 99))
    assert create_task(task.model_dump(mode="json")) == task
    assert (task.classes, task.in_channel) == (("normal", "defect"), 3)
    for wrong in ({"percentiles": (99, 1)}, {"image_size": 8}, {"colour": "red"}):
        with pytest.raises(ValidationError):
            create_task({"kind": "image", **wrong})


@pytest.mark.parametrize("normalisation", list(NORMALISATIONS))
def test_8_bit_values_stay_as_they_are(normalisation: str) -> None:
    task = ImageTask(image_size=64, normalisation=normalisation)
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    x = task.prepare(pixels)
    assert x.dtype == torch.float32
    assert x.shape == (3, 64, 64)
    np.testing.assert_allclose(undo(x, task), np.broadcast_to(pixels / 255, (3, 64, 64)), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_deep_pictures_are_stretched_between_their_percentiles(dtype: type) -> None:
    base = np.random.default_rng(0).normal(1000, 100, (64, 64))
    base[0, 0] = 30000
    x = undo(TASK.prepare(base.astype(dtype)))
    assert x.min() == pytest.approx(0, abs=1e-6)
    assert x.max() == pytest.approx(1, abs=1e-6)
    assert x.std() > 0.15, "one hot pixel does not flatten the rest"
    doubled = undo(TASK.prepare((base.astype(dtype).astype(np.float64) * 1.5 + 7).astype(np.float32)))
    np.testing.assert_allclose(x, doubled, atol=2e-5)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("shape", [(1, 1), (7, 11), (128, 96)])
def test_counting_gives_the_percentiles_of_sorting(dtype: type, shape: tuple[int, int]) -> None:
    values = np.random.default_rng(0).normal(3000, 900, shape).astype(dtype)
    for wanted in ((0.5, 99.5), (0, 100), (12.3, 45.6)):
        np.testing.assert_allclose(image_levels._percentiles(values, wanted), np.percentile(values, wanted), rtol=1e-12)
    as_float = TASK.square(values.astype(np.float64)).to(torch.int32)
    assert (TASK.square(values).to(torch.int32) - as_float).abs().max() <= 1


def test_padding_becomes_the_lowest_value_and_gaps_the_middle() -> None:
    pixels = np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)
    pixels[:8], pixels[-8:] = -np.inf, np.nan
    x = undo(TASK.prepare(pixels))
    assert np.allclose(x[:, :8], 0, atol=1e-6)
    assert np.allclose(x[:, -8:], np.median(x[:, 8:-8]), atol=1e-3)


def test_16_bit_keeps_more_than_256_levels() -> None:
    ramp = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    assert len(np.unique(TASK.square(ramp).numpy())) > 3000


def test_gaps_and_flat_pictures_are_tolerated() -> None:
    pixels = np.random.default_rng(0).normal(0, 1, (64, 64)).astype(np.float32)
    pixels[10:20] = np.nan
    pixels[30, 30] = np.inf
    x = undo(TASK.prepare(pixels))
    assert np.isfinite(x).all()
    assert x[0, 10:20].std() < 1e-6
    for flat in (np.full((64, 64), 7.0), np.full((64, 64), np.nan), np.zeros((64, 64), np.uint16)):
        assert not undo(TASK.prepare(flat)).round(5).any()
    assert undo(TASK.prepare(np.ones((64, 64), bool))).min() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("shape", [(40, 100), (100, 40), (41, 64), (64, 64), (1, 1), (500, 333)])
def test_the_picture_is_padded_to_a_square_with_the_median_of_its_border(shape: tuple[int, int]) -> None:
    height, width = shape
    pixels = np.full(shape, 100, np.uint8)
    pixels[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = 250
    x = undo(TASK.prepare(pixels))[0] * 255
    assert x.shape == (64, 64)
    if height > 4:
        assert x[0, 0] == pytest.approx(100, abs=0.6)
        assert x[-1, -1] == pytest.approx(100, abs=0.6)
        assert x.max() > 245


def test_a_map_comes_back_onto_its_picture() -> None:
    """A bright spot in the picture and the input's brightness as the map: they must meet."""
    for height, width, row, column in ((300, 200, 40, 170), (200, 300, 180, 20), (128, 128, 5, 100)):
        pixels = np.zeros((height, width), np.uint8)
        pixels[row - 4 : row + 5, column - 4 : column + 5] = 255
        back = TASK.to_picture(undo(TASK.prepare(pixels))[0], (height, width))
        assert back.shape == (height, width)
        assert back.dtype == np.float32
        found = np.unravel_index(back.argmax(), back.shape)
        assert abs(found[0] - row) <= 5
        assert abs(found[1] - column) <= 5


def test_a_coarse_map_is_resized_smoothly() -> None:
    coarse = np.zeros((2, 2), np.float32)
    coarse[0, 1] = 1
    back = TASK.to_picture(coarse, (100, 50))
    assert back.shape == (100, 50)
    assert back[10, 49] > 0.6
    assert back[99, 0] == 0


def test_colour_keeps_its_channels_and_odd_shapes_are_refused() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[..., 1] = 255
    x = undo(TASK.prepare(pixels))
    assert x[1].min() > 0.99
    assert x[0].max() < 0.01
    for shape in ((3, 64, 64), (64, 64, 4), (64,), (0, 5)):
        with pytest.raises(ValueError, match="expected pixels"):
            TASK.prepare(np.zeros(shape, np.uint8))


def test_resizing_is_free_of_aliasing() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (640, 320))
    x = undo(TASK.prepare(stripes))[0]
    assert abs(x[5:-5, 5:-5] - 0.5).max() < 0.05


@given(
    height=st.integers(3, 90), width=st.integers(3, 90), magnification=st.sampled_from([0.5, 1.0, 2.0]),
    row=st.floats(0, 0.999), column=st.floats(0, 0.999),
)  # fmt: skip
def test_a_marked_pixel_of_small_defects_comes_to_its_place_and_back(height, width, magnification, row, column):
    task = SmallDefectsTask(magnification=magnification)
    mask = np.zeros((height, width), bool)
    at = int(row * height), int(column * width)
    mask[at] = True
    on_input = task.mask_on_input(mask)
    square = task.square(mask.astype(np.uint8) * 200)
    assert on_input.shape == tuple(square.shape[1:]) == task.input_shape((height, width))
    assert on_input.any()
    back = task.to_picture(on_input.astype(np.float32), (height, width))
    assert back.shape == (height, width)
    found = np.argwhere(back > 0.99 * back.max())
    assert np.abs(found - at).max(axis=1).min() <= 2 / magnification + 1


@given(
    height=st.integers(20, 200), width=st.integers(20, 200),
    region=st.sampled_from([(0.0, 0.0, 1.0, 1.0), (0.25, 0.5, 0.75, 1.0)]), shape=st.sampled_from(["keep", "square"]),
)  # fmt: skip
def test_a_region_is_what_is_seen_and_what_a_map_covers(height, width, region, shape):
    task = GoodOnlyTask(image_size=96, least_size=64, region=region, shape=shape)
    pixels = np.zeros((height, width), np.uint8)
    left, top, right, bottom = task._inside((height, width))
    pixels[top:bottom, left:right] = 200
    square = task.square(pixels)
    assert tuple(square.shape[1:]) == task.input_shape((height, width))
    assert (square == 200).all(), "nothing from outside of the region comes in"
    back = task.to_picture(np.ones((4, 4), np.float32), (height, width))
    np.testing.assert_array_equal(back > 0, pixels > 0)


def test_a_region_that_is_none_is_refused():
    with pytest.raises(ValueError, match="region"):
        GoodOnlyTask(region=(0.5, 0.0, 0.2, 1.0))
