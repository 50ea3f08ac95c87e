"""Reasons by parts of a picture: they sum up, they find what was planted, and the sentence claims what was measured."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ecgviz.saliency import explain_image, image_methods, list_methods
from ecgviz.saliency.picture_parts import (
    METHOD,
    PictureReasons,
    ask_picture,
    explain_picture_parts,
    normal_slices,
    superpixels,
)
from ecgviz.saliency.picture_parts_evidence import judge_picture_parts, strongest_and_sham
from ecgviz.saliency.picture_parts_words import brought, document, sentence
from models import Checkpoint, load_checkpoint
from models.tasks.image import ImageTask


class SpotNetwork(nn.Module):
    """Says defect where a small bright spot stands out from what surrounds it."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(12.0))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W): how far each pixel stands above its surroundings."""
        grey = x.mean(dim=1, keepdim=True)
        near, far = (nn.functional.avg_pool2d(grey, side, 1, side // 2) for side in (5, 25))
        return near - far

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        """Logits (B, 2)."""
        top = self.gain * (maps.amax(dim=(1, 2, 3)) - 0.4)
        return torch.stack([-top, top], dim=1) / 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (B, 2)."""
        return self.forward_head(self.forward_features(x))


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    """A network that is known all through, in the place of a trained one's."""
    task = ImageTask(image_size=96, normalisation="tensorflow")
    return replace(load_checkpoint("ct-lite0"), network=SpotNetwork().eval(), task=task)


def picture(spots: list[tuple[int, int]], shape: tuple[int, int] = (96, 96), seed: int = 0) -> np.ndarray:
    """A smooth grey picture with bright spots at (row, column)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    values = 90 + 20 * np.sin(rows / 40) + 15 * np.cos(columns / 30) + rng.normal(0, 2, shape)
    for row, column in spots:
        values += 130 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
    return values.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def planted(checkpoint: Checkpoint) -> PictureReasons:
    return explain_picture_parts(picture([(12, 84)]), checkpoint)


def total(reasons: PictureReasons) -> float:
    return sum(part.contribution for part in reasons.parts) + reasons.context + reasons.base


@settings(max_examples=6, deadline=None)
@given(st.tuples(st.integers(60, 140), st.integers(60, 140)), st.sampled_from(["defect", "normal"]), st.integers(0, 3))
def test_contributions_context_and_base_sum_to_the_log_odds(checkpoint, shape, target, normal) -> None:
    slices = [picture([], shape, seed) for seed in range(2, 2 + normal)]
    reasons = explain_picture_parts(picture([(30, 30)], shape), checkpoint, target=target, normal=slices)
    assert total(reasons) == pytest.approx(reasons.log_odds, abs=1e-4)
    assert reasons.labels.shape == shape
    assert set(np.unique(reasons.labels)) <= set(range(len(reasons.parts)))
    assert reasons.usual_of == (normal if normal >= 3 else 0)


def test_what_was_planted_is_in_the_strongest_part_and_holds(planted: PictureReasons, checkpoint: Checkpoint) -> None:
    strongest = planted.parts.index(planted.strongest[0])
    assert planted.labels[12, 84] == strongest
    assert planted.map.values[12, 84] == planted.map.values.max()
    assert "upper right" in planted.strongest[0].name
    found = judge_picture_parts(checkpoint, planted)
    assert not found.weak, found.reasons
    moved = np.roll([part.contribution for part in planted.parts], 5)
    claimed = dict(zip((part.name for part in planted.parts), moved, strict=True))
    assert judge_picture_parts(checkpoint, planted, claimed=claimed).weak


def test_in_a_stack_the_normal_slices_say_how_it_usually_looks(checkpoint: Checkpoint) -> None:
    """A bright hub that every slice has is no reason; against the blurred picture it would be one."""
    hub = (50, 50)
    slices = [picture([hub], seed=seed) for seed in range(3, 9)]
    reasons = explain_picture_parts(picture([hub, (12, 84)]), checkpoint, normal=slices)
    by_place = {part.name: part.contribution for part in reasons.parts}
    there, middle = (reasons.parts[reasons.labels[place]].name for place in ((12, 84), hub))
    assert abs(by_place[middle]) < 0.5 or there == middle
    assert reasons.usual_of == 6
    assert "normal slices nearby" in sentence(reasons)


def test_parts_cover_the_picture_and_nothing_beside_it(checkpoint: Checkpoint) -> None:
    x = torch.rand(3, 96, 96)
    labels = superpixels(x, (10, 80, 0, 96))
    assert (labels[10:80] >= 0).all()
    assert (labels[:10] == -1).all()
    assert (labels[80:] == -1).all()


def test_the_own_picture_is_what_is_asked_where_all_parts_are_own(planted, checkpoint: Checkpoint) -> None:
    n = len(planted.parts)
    [whole] = ask_picture(checkpoint, planted, [(True,) * n])
    assert whole == pytest.approx(planted.log_odds, abs=1e-4)


def test_normal_slices_are_the_nearest_that_are_judged_normal() -> None:
    scores = np.array([0.1, 0.9, 0.2, np.nan, 0.3, 0.8, 0.1])
    assert normal_slices(scores, 4, 0.5) == [2, 6, 0]


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=24))
def test_a_sham_is_of_other_parts_that_bring_no_more(values: list[float]) -> None:
    two, sham = strongest_and_sham(np.array(values))
    assert not set(two) & set(sham)
    assert max(np.array(values)[sham]) <= min(np.array(values)[two])


def test_it_is_a_method_for_pictures_alone(checkpoint: Checkpoint) -> None:
    assert METHOD in image_methods(load_checkpoint("ct-lite0"))
    assert METHOD not in list_methods(load_checkpoint("beat-strip").network)
    found = explain_image(picture([(12, 84)]), checkpoint, method=METHOD)
    assert np.unravel_index(found.values.argmax(), found.values.shape)[0] < 60
    assert found.values[12, 84] == pytest.approx(found.values.max())


def test_words_and_bars_are_what_was_measured(planted: PictureReasons) -> None:
    words = sentence(planted)
    assert words.startswith(f"defect {planted.prob:.2f}, because of {planted.strongest[0].name}")
    for value, error in re.findall(r"\(([+-]\d+\.\d) ± (\d+\.\d)\)", words):
        assert float(value) >= 2 * float(error)
    assert sum(value for _, value in brought(planted)) == pytest.approx(planted.log_odds - planted.base, abs=1e-4)
    found = json.loads(json.dumps(document(planted), allow_nan=False))
    assert {"name", "box", "contribution", "error"} == set(found["parts"][0])
