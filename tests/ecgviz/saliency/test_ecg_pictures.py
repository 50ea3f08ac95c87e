"""Maps of a picture of an ECG lie on the picture's own pixels, and are tested as those of other pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgviz.figures.ecg_photo import ecg_photo_figure, ecg_photo_file
from ecgviz.figures.picture_layers import picture_scale
from ecgviz.saliency.ecg_pictures import explain_ecg_picture, judge_ecg_picture_map, picture_methods
from ecgviz.saliency.registry import compute_map
from ecgviz.saliency.target import AttributionTarget
from models import load_checkpoint
from models.checkpoints import Checkpoint
from models.core.errors import ConfigError
from models.data.ecg_paper import find_fit, fit_picture
from tests.ecgviz.saliency.test_drawn import OneCell
from tests.ecgviz.simulated import save_drawn_checkpoint, sheet


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(save_drawn_checkpoint(tmp_path_factory.mktemp("checkpoints") / "paper", "paper"))


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """A sheet that lies to the lower right on a grey table."""
    page = sheet(4.0)
    table = np.full((page.shape[0] + 300, page.shape[1] + 400, 3), 200, np.uint8)
    table[250 : 250 + page.shape[0], 350 : 350 + page.shape[1]] = page
    return table


def test_the_fit_says_where_the_picture_went(photo: np.ndarray) -> None:
    shape = (88, 216)
    fit, fitted = find_fit(photo, shape), fit_picture(photo, shape)
    left, top, right, bottom = fit.crop
    assert left > 300 and top > 200
    rows, columns = fit.box[1] - fit.box[0], fit.box[3] - fit.box[2]
    assert fitted.shape == (*shape, 3)
    assert rows == shape[0] or columns == shape[1]
    assert rows / columns == pytest.approx((bottom - top) / (right - left), rel=0.02)
    assert fit.scale == pytest.approx(columns / (right - left))


def test_what_the_network_reads_lights_up_on_the_picture(checkpoint: Checkpoint, photo: np.ndarray) -> None:
    height, width = checkpoint.task.picture_size
    cell = (height // 8 // 2, width // 8 // 3)
    card = checkpoint.card.model_copy(update={"classes": ("NORM",)})
    one = replace(checkpoint, network=OneCell((8, 8), cell).eval(), card=card)
    maps = explain_ecg_picture(photo, one, method="hires_cam")
    found = maps.of("NORM")
    assert found.values.shape == photo.shape[:2]
    row, column = np.unravel_index(int(found.values.argmax()), found.values.shape)
    fit = maps.fit
    wanted = (
        (cell[0] * 8 + 4 - fit.box[0]) / fit.scale + fit.crop[1],
        (cell[1] * 8 + 4 - fit.box[2]) / fit.scale + fit.crop[0],
    )
    assert row == pytest.approx(wanted[0], abs=found.resolution_px)
    assert column == pytest.approx(wanted[1], abs=found.resolution_px)
    assert found.resolution_px == pytest.approx(8 / fit.scale)
    assert found.values[: fit.crop[1]].max() == 0, "the table was cut off before the network saw it"


def test_all_labels_share_a_scale(checkpoint: Checkpoint, photo: np.ndarray) -> None:
    maps = explain_ecg_picture(photo, checkpoint, method="grad_cam")
    assert maps.values.shape == (5, *checkpoint.task.picture_size)
    tops = [np.quantile(one, 0.995) for one in maps.values]
    assert maps.vmax == pytest.approx(max(tops))
    with pytest.raises(ValueError, match="there is no label"):
        maps.of("AFIB")


def test_occlusion_of_all_labels_at_once_is_that_of_each(checkpoint: Checkpoint, photo: np.ndarray) -> None:
    together = explain_ecg_picture(photo, checkpoint, method="occlusion")
    x = checkpoint.task.photograph(photo)[None]
    side = min(checkpoint.task.picture_size) // 6
    alone, _ = compute_map(
        checkpoint.network, AttributionTarget(x=x, class_index=torch.tensor([2]), occlusion=side), "occlusion"
    )
    top, bottom, left, right = together.fit.box
    np.testing.assert_allclose(
        together.values[2, top:bottom, left:right], alone[0, top:bottom, left:right].numpy(), atol=1e-5
    )


@pytest.mark.parametrize("method", ["grad_cam", "attention_rollout", "integrated_gradients"])
def test_the_evidence_has_figures(checkpoint: Checkpoint, photo: np.ndarray, method: str) -> None:
    assert method in picture_methods(checkpoint)
    maps = explain_ecg_picture(photo, checkpoint, method=method)
    told: list[int] = []
    found = judge_ecg_picture_map(photo, checkpoint, maps, "CD", progress=lambda done, total, note: told.append(done))
    assert told == [0, 1, 2, 3]
    assert found == judge_ecg_picture_map(photo, checkpoint, maps, "CD")
    assert 0 <= found.area_share <= 1 and -1 <= found.agreement <= 1
    assert found.resolution_px == pytest.approx(maps.of("CD").resolution_px)


def test_maps_of_another_picture_are_refused(checkpoint: Checkpoint, photo: np.ndarray) -> None:
    maps = explain_ecg_picture(photo, checkpoint)
    with pytest.raises(ValueError, match="make them again"):
        judge_ecg_picture_map(photo[:-1], checkpoint, maps, "CD")
    with pytest.raises(ValueError, match="does not suit"):
        explain_ecg_picture(photo, checkpoint, method="se_attention")


def test_a_network_that_reads_no_paper_is_refused(photo: np.ndarray, tmp_path) -> None:
    matrix = load_checkpoint(save_drawn_checkpoint(tmp_path / "matrix", "matrix"))
    with pytest.raises(ConfigError, match="reads no paper"):
        explain_ecg_picture(photo, matrix)


def test_the_picture_with_its_map_is_drawn(checkpoint: Checkpoint, photo: np.ndarray) -> None:
    maps = explain_ecg_picture(photo, checkpoint)
    image_map, scale = maps.of("MI"), picture_scale(maps.vmax, paper="light")
    figure = ecg_photo_figure(photo, image_map=image_map, scale=scale)
    assert [image.name for image in figure.layout.images] == ["picture", "map"]
    assert figure.layout.images[0].source.startswith("data:image/jpeg") and figure.layout.images[1].layer == "above"
    assert len(figure.to_json()) < 600_000
    assert len(ecg_photo_figure(photo).layout.images) == 1
    assert ecg_photo_file(photo, image_map, scale)[:4] == b"\x89PNG"
    with pytest.raises(ValueError, match="needs a scale"):
        ecg_photo_figure(photo, image_map=image_map)
    with pytest.raises(ValueError, match="do not belong together"):
        ecg_photo_file(photo[:-1], image_map, scale)
