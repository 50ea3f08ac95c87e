"""Distances from good patches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from models import create_model
from models.networks.image.patch_scores import blur, nearest, score_of, surprise
from models.networks.image.patches import gathered, places_of


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 40), bank=st.integers(1, 40), size=st.integers(1, 12), seed=st.integers(0, 99))
def test_the_nearest_is_that_of_all_distances(rows, bank, size, seed):
    generator = torch.Generator().manual_seed(seed)
    q, b = torch.randn(rows, size, generator=generator), torch.randn(bank, size, generator=generator)
    distance, place = nearest(q, b)
    expected = torch.cdist(q.double(), b.double())
    torch.testing.assert_close(distance.double(), expected.min(dim=1).values, atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(expected[torch.arange(rows), place], expected.min(dim=1).values, atol=2e-3, rtol=1e-3)


def test_a_patch_of_the_bank_is_near_and_may_be_left_out():
    network = create_model("patch_memory", components=8).eval()
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        patches = network.forward_features(x)
        rows = patches.permute(0, 2, 3, 1).flatten(0, 2)
        network.remember(rows, torch.arange(len(rows)) % 2, torch.zeros(len(rows), 2), ["a.png", "b.png"])
        assert float(network.oddness(patches).max()) < 0.05
        left, place = network.search(patches, network.bank_source == 0)
    assert network.sources == ("a.png", "b.png")
    assert (network.bank_source[place.flatten()] == 1).all()
    assert float(left.flatten()[0]) > 0


def test_a_distance_counts_against_what_is_usual_where_it_is():
    """The same distance is odd where good parts are alike, and is not where they differ."""
    network = create_model("patch_memory", components=2).eval()
    network.remember(torch.tensor([[0.0, 0.0], [100.0, 0.0]]), torch.zeros(2), torch.zeros(2, 2), ["a.png"])
    patches = torch.tensor([[3.0, 103.0], [0.0, 0.0]])[None, :, None]
    torch.testing.assert_close(network.oddness(patches), torch.full((1, 1, 2), 3.0))
    network.bank_usual = torch.tensor([[0.0, 0.5], [2.0, 0.5]])
    expected = (torch.tensor(3.0).log() - torch.tensor([[[0.0, 2.0]]])) / 0.5
    torch.testing.assert_close(network.oddness(patches), expected)
    near_is_left_out = network.oddness(patches, torch.tensor([False, True]))
    assert float(near_is_left_out[0, 0, 1]) == pytest.approx(2 * math.log(103.0), rel=1e-5)


def test_a_bank_kept_before_distances_were_relative_scores_as_then():
    first, second = (create_model("good_parts", components=8).eval() for _ in range(2))
    first.remember(torch.randn(70, 8), torch.zeros(70), torch.rand(70, 2), ["a.png"])
    second.bank_usual = torch.ones(16, 2)
    second.load_state_dict({name: value for name, value in first.state_dict().items() if name != "bank_usual"})
    assert not second.relative
    x = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(first(x), second(x))


@given(spreads=st.lists(st.floats(-8, 30), min_size=2, max_size=9))
def test_surprise_is_that_of_the_normal_distribution(spreads):
    found = surprise(torch.tensor(spreads, dtype=torch.float64))
    np.testing.assert_allclose(found.numpy(), -norm.logsf(spreads), rtol=1e-6, atol=1e-12)


def test_what_is_learned_comes_back_whatever_its_size():
    first, second = (create_model("good_parts", components=8).eval() for _ in range(2))
    first.remember(torch.randn(70, 8), torch.zeros(70), torch.rand(70, 2), ["ä.png"])
    second.load_state_dict(first.state_dict())
    x = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(first(x), second(x))
        torch.testing.assert_close(first.defect_map(x), second.defect_map(x))
    assert second.sources == ("ä.png",)
    with pytest.raises(RuntimeError):
        second.load_state_dict(first.state_dict() | {"bank": torch.zeros(3)})


def test_places_count_where_they_are_given_weight():
    network = create_model("patch_memory", components=8, position_weight=100.0).eval()
    assert network.components == 10
    with torch.inference_mode():
        patches = network.forward_features(torch.zeros(1, 3, 64, 64))
        rows = patches.permute(0, 2, 3, 1).flatten(0, 2)
        network.remember(rows, torch.zeros(len(rows)), places_of(patches.shape[2:]).flatten(1).T, ["a.png"])
        found = network.search(patches.flip(3))[1][0]
    assert found[0, 0] != 0, "the patch of the other side is as alike, but it does not lie there"


def test_gaussians_of_places_refuse_another_grid():
    network = create_model("patch_gaussian", components=4).eval()
    network.mean, network.factor = torch.zeros(8, 8, 4), torch.eye(4).expand(8, 8, 4, 4)
    assert network(torch.randn(1, 3, 64, 64)).shape == (1, 2)
    with pytest.raises(ValueError, match="patches"):
        network(torch.randn(1, 3, 96, 64))


@given(height=st.integers(1, 9), width=st.integers(1, 9))
def test_a_blur_keeps_an_even_map(height, width):
    even = torch.full((1, height, width), 3.0)
    torch.testing.assert_close(blur(even, 1.0), even)


def test_the_oddest_share_counts_and_three_at_least():
    distances = torch.zeros(1, 20, 20)
    distances[0, 0, :4] = torch.tensor([8.0, 6.0, 4.0, 2.0])
    assert float(score_of(distances, 0.01)) == pytest.approx(5.0)
    assert float(score_of(distances, 0.0001)) == pytest.approx(6.0)


def test_features_fade_towards_the_border_where_they_rest_on_padding():
    even = gathered([torch.ones(1, 2, 16, 16), torch.ones(1, 3, 8, 8), torch.ones(1, 4, 4, 4)])
    assert even.shape == (1, 9, 8, 8)
    inner = even[:, :, 3:5, 3:5]
    torch.testing.assert_close(inner, torch.ones_like(inner))
    assert (even[:, :, 0] < 0.9).all()
    assert (even[:, :, :, -1] < 0.9).all()
