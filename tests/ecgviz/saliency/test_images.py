"""Maps of pictures: where they lie, what they mark, and the evidence beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecgviz.results import ImageMap
from ecgviz.saliency import (
    explain_image,
    image_deletion_curve,
    image_methods,
    judge_image_map,
    shared_scale,
    stack_scale,
)
from ecgviz.saliency.image_evidence import moved_parts
from ecgviz.saliency.images import input_box, onto_input
from models import create_model
from models.tasks.image import ImageTask
from readers.images import open_images
from tests.ecgviz.spots import SIZE, picture, spot_checkpoint, write_stack


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    return spot_checkpoint(tmp_path, monkeypatch)


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam", "integrated_gradients", "occlusion"])
@pytest.mark.parametrize("shape", [(64, 64), (96, 160), (200, 80)])
def test_the_map_marks_the_spot_on_the_picture_itself(checkpoint, method, shape):
    at, side = (shape[0] // 4, shape[1] // 2), max(shape) // 8
    image_map = explain_image(picture(True, 1, shape, at, side), checkpoint, method=method)
    assert image_map.values.shape == shape
    assert image_map.values.dtype == np.float32
    assert image_map.values.min() >= 0
    row, column = np.unravel_index(int(image_map.values.argmax()), shape)
    slack = image_map.resolution_px
    assert at[0] - slack <= row <= at[0] + side + slack
    assert at[1] - slack <= column <= at[1] + side + slack
    finest = {"grad_cam": 4, "hires_cam": 4, "integrated_gradients": 1, "occlusion": 8}[method]
    assert image_map.resolution_px == pytest.approx(finest * max(shape) / SIZE)


def test_se_attention_needs_gates(checkpoint):
    assert image_methods(checkpoint) == ["grad_cam", "hires_cam", "integrated_gradients", "occlusion", "parts"]
    with pytest.raises(ValueError, match="se_gates"):
        explain_image(picture(True), checkpoint, method="se_attention")
    with pytest.raises(ValueError, match="class"):
        explain_image(picture(True), checkpoint, target="crack")


def test_a_network_with_se_blocks_shows_its_attention(checkpoint):
    from dataclasses import replace

    torch.manual_seed(0)
    with_gates = replace(checkpoint, network=create_model("resnet_se").eval())
    assert "se_attention" in image_methods(with_gates)
    assert explain_image(picture(True), with_gates, method="se_attention").values.max() > 0


@pytest.mark.parametrize("shape", [(64, 64), (30, 90), (500, 728), (90, 31)])
def test_the_box_of_a_picture_in_the_input(shape):
    top, bottom, left, right = input_box(ImageTask(image_size=64), shape)
    side = max(shape)
    assert abs((bottom - top) - 64 * shape[0] / side) <= 2
    assert abs((right - left) - 64 * shape[1] / side) <= 2
    assert abs(top + bottom - 64) <= 2
    assert abs(left + right - 64) <= 2


def test_a_map_brought_onto_the_input_lies_where_the_network_looked(checkpoint):
    pixels = picture(True, 2, (96, 160), (30, 100), 20)
    image_map = explain_image(pixels, checkpoint, method="integrated_gradients")
    values, (top, bottom, left, right) = onto_input(checkpoint.task, image_map)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    x = checkpoint.task.prepare(pixels)[0].numpy()
    assert x[row, column] > 0.8, "the brightest place of the input"
    assert values[:top].sum() + values[bottom:].sum() + values[:, :left].sum() + values[:, right:].sum() == 0


def test_a_true_map_earns_its_place(checkpoint):
    pixels = picture(True, 3)
    told = []
    image_map = explain_image(pixels, checkpoint)
    evidence = judge_image_map(
        pixels, checkpoint, image_map, spacing_mm=(0.5, 0.5), progress=lambda *state: told.append(state[:2])
    )
    assert evidence.deletion_drop > 0.5
    assert evidence.deletion_drop > evidence.random_drop_95
    assert evidence.area_share < 0.05
    assert evidence.resolution_mm == pytest.approx(evidence.resolution_px / 2)
    assert evidence.agreement_with == "integrated_gradients"
    assert told[-1] == (3, 3)
    again = judge_image_map(pixels, checkpoint, image_map, spacing_mm=(0.5, 0.5))
    assert again == evidence, "the random parts are drawn from a seed"


def test_a_map_of_the_wrong_place_is_called_weak(checkpoint):
    pixels = picture(True, 3)
    wrong = np.zeros(pixels.shape, np.float32)
    wrong[50:60, 5:15] = 1
    evidence = judge_image_map(pixels, checkpoint, ImageMap(wrong, "grad_cam", "defect", checkpoint.name, 4.0))
    assert evidence.weak
    assert any("no more than the same part elsewhere" in reason for reason in evidence.reasons)
    empty = judge_image_map(pixels, checkpoint, ImageMap(0 * wrong, "grad_cam", "defect", checkpoint.name, 4.0))
    assert empty.reasons == ("The map marks nothing in this picture.",)


def test_a_map_of_another_picture_or_network_is_refused(checkpoint):
    image_map = explain_image(picture(True), checkpoint)
    with pytest.raises(ValueError, match="does not lie on"):
        judge_image_map(picture(True, 0, (80, 80)), checkpoint, image_map)
    with pytest.raises(ValueError, match="make it again"):
        judge_image_map(picture(True), checkpoint, ImageMap(image_map.values, "grad_cam", "defect", "other", 4.0))


def test_the_curve_falls_faster_than_chance(checkpoint):
    pixels = picture(True, 4)
    curve = image_deletion_curve(pixels, checkpoint, explain_image(pixels, checkpoint), fractions=(0.01, 0.05))
    assert curve.fraction.tolist() == [0, 0.01, 0.05]
    assert curve.random_prob.shape == (20, 3)
    assert curve.prob[-1] < 0.3 < curve.random_prob[:, -1].mean()
    assert curve.prob[0] == curve.random_prob[0, 0]


def test_parts_elsewhere_are_as_large():
    part = np.zeros((20, 30), bool)
    part[2:5, 3:9] = True
    moved = moved_parts(part, 50, np.random.default_rng(0))
    assert (moved.sum(axis=(1, 2)) == part.sum()).all()
    assert len({row.tobytes() for row in moved}) > 40


def test_one_scale_for_a_stack_keeps_good_slices_pale(checkpoint, tmp_path):
    spots = [False] * 11 + [True]
    stack = open_images(write_stack(tmp_path / "cell.tif", spots))
    scale = stack_scale(stack, checkpoint, np.array(spots, float), sample=6)
    good, bad = (explain_image(stack.pixels(index), checkpoint).values for index in (0, 11))
    assert good.max() < 0.2 * scale
    assert bad.max() >= scale
    assert shared_scale([]) == 1.0
    assert stack_scale(stack, checkpoint, np.full(12, np.nan)) == 1.0
