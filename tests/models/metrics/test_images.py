"""Figures for normal or defect against plain counting, intervals by group, and the distance from the training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from models.core.errors import CheckpointError
from models.evaluation.images import render_images
from models.evaluation.out_of_distribution import FEATURES, OutOfDistributionDetector
from models.metrics.images import auroc, f1, recall_at_specificity, summarise_images


def test_auroc_is_the_share_of_pairs_in_order() -> None:
    generator = np.random.default_rng(0)
    scores, labels = generator.integers(0, 6, 60) / 5, generator.integers(0, 2, 60)
    pairs = [(d > n) + 0.5 * (d == n) for d in scores[labels == 1] for n in scores[labels == 0]]
    assert auroc(scores, labels) == pytest.approx(np.mean(pairs))
    assert np.isnan(auroc(scores, np.ones(60)))


def test_f1_and_recall_by_hand() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.35, 0.8, 0.95])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    assert f1(scores, labels, 0.5) == pytest.approx(2 * 2 / (3 + 3))
    assert recall_at_specificity(scores, labels, 0.8) == pytest.approx(2 / 3), "the threshold passes 4 of 5 normals"
    assert recall_at_specificity(scores, labels, 0.95) == pytest.approx(1 / 3), "no normal picture may fail"


def test_intervals_resample_groups_not_pictures() -> None:
    generator = np.random.default_rng(1)
    labels = np.tile([0, 1], 200)
    scores = labels * 0.6 + generator.normal(0, 0.4, 400)
    apart = summarise_images(scores, labels, [str(i // 2) for i in range(400)], 0.5)
    few = summarise_images(
        np.repeat(scores[:40], 10), np.repeat(labels[:40], 10), [str(i // 20) for i in range(400)], 0.5
    )
    width = lambda result: np.diff(result["scores"]["auroc"]["interval95"])[0]  # noqa: E731
    assert apart["groups"] == 200
    assert few["groups"] == 20
    assert width(few) > 2 * width(apart)
    low, high = apart["scores"]["auroc"]["interval95"]
    assert low < apart["scores"]["auroc"]["value"] < high


def test_what_cannot_be_known_is_none_in_json() -> None:
    only_normal = summarise_images(np.array([0.1, 0.2]), np.array([0, 0]), ["a", "b"], 0.5)
    assert only_normal["scores"]["auroc"] == {"value": None, "interval95": [None, None]}
    one_group = summarise_images(np.array([0.1, 0.9]), np.array([0, 1]), ["a", "a"], 0.5)
    assert one_group["scores"]["auroc"] == {"value": 1.0, "interval95": [None, None]}
    assert "NaN" not in json.dumps([only_normal, one_group])


def test_the_table_says_that_one_group_has_no_intervals() -> None:
    scores, labels = np.array([0.1, 0.9, 0.2, 0.8]), np.array([0, 1, 0, 1])
    head = {"checkpoint": "c", "data": "d", "split": "test", "seen_in_training": 0, "unreadable": {}, "set_aside": 0}
    for groups, line in (
        ("aaaa", "pooled: 4 pictures in 1 group, 2 defects (no intervals: they take two groups or more)\n"),
        ("aabb", "pooled: 4 pictures in 2 groups, 2 defects\n"),
    ):
        assert line in render_images(head | {"pooled": summarise_images(scores, labels, list(groups), 0.5)})


def embeddings(count: int, seed: int) -> torch.Tensor:
    """Points that vary in three of forty directions, with a little noise in all."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(40, 3, generator=torch.Generator().manual_seed(0)))[0]
    spread = torch.randn(count, 3, generator=generator) * torch.tensor([3.0, 2.0, 1.0])
    return 5 + spread @ basis.T + 0.05 * torch.randn(count, 40, generator=generator)


def test_training_pictures_are_near_and_others_far(tmp_path: Path) -> None:
    found = OutOfDistributionDetector.fit(embeddings(400, 1), embeddings(200, 2))
    assert found.components.shape == (3, 40)
    near = found.distance(embeddings(300, 3))
    assert 0.8 < float(near.median()) < 1.2
    assert float((near > found.limit).float().mean()) < 0.05
    outside = embeddings(50, 4) + 2 * torch.randn(40, generator=torch.Generator().manual_seed(9))
    assert (found.distance(outside) > found.limit).all()
    inside_but_far = 5 + (embeddings(50, 5) - 5) * 10
    assert (found.distance(inside_but_far) > found.limit).float().mean() > 0.9
    found.save(tmp_path)
    again = OutOfDistributionDetector.load(tmp_path)
    torch.testing.assert_close(again.distance(outside), found.distance(outside))
    assert again.limit == pytest.approx(found.limit)


def test_few_pictures_are_enough_to_fit() -> None:
    found = OutOfDistributionDetector.fit(embeddings(4, 1), embeddings(2, 2))
    assert torch.isfinite(found.distance(embeddings(3, 3))).all()
    same = OutOfDistributionDetector.fit(torch.ones(5, 8), torch.ones(2, 8))
    assert torch.isfinite(same.distance(torch.ones(1, 8))).all()


def test_statistics_that_are_missing_or_damaged(tmp_path: Path) -> None:
    assert OutOfDistributionDetector.load(tmp_path) is None
    (tmp_path / FEATURES).write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="is damaged"):
        OutOfDistributionDetector.load(tmp_path)
