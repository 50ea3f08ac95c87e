"""Places, tiles and the scores that are made of them."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models import create_model
from models.networks.image.places import CELL, Oddness, most_defective, spans


@given(length=st.integers(1, 5000), tile=st.integers(2, 20).map(lambda n: 32 * n), overlap=st.integers(0, 7))
def test_tiles_answer_for_each_pixel_once_and_see_what_they_answer_for(length, tile, overlap):
    overlap *= 8
    if overlap >= tile:
        return
    found = spans(length, tile, overlap)
    assert found[0][1] == 0
    assert found[-1][2] == length
    for (_, _, end), (_, begin, _) in itertools.pairwise(found):
        assert end == begin
    for start, begin, end in found:
        assert start % CELL == begin % CELL == 0
        assert start <= begin < end <= start + tile


def test_a_defect_on_a_seam_is_seen_with_its_surroundings():
    for (_, _, end), (start, _, _) in zip(spans(1000, 256, 64), spans(1000, 256, 64)[1:], strict=False):
        assert start + 24 <= end <= start + 256 - 24


def test_tiles_say_what_the_whole_picture_says_away_from_their_edges():
    torch.manual_seed(0)
    whole = create_model("place_network", tile=512, overlap=128).eval()
    tiled = create_model("place_network", tile=256, overlap=192).eval()
    tiled.load_state_dict(whole.state_dict())
    x = torch.randn(1, 1, 320, 320)
    with torch.inference_mode():
        a, b = whole.forward_features(x), tiled.forward_features(x)
    assert a.shape == b.shape == (1, 1, 80, 80)
    close = (a - b).abs() <= 0.05 * a.std()
    assert close.float().mean() > 0.5, "all tiles of a fresh network at this overlap see nearly what the whole does"


def test_memory_of_a_large_picture_is_that_of_its_tiles():
    network = create_model("place_network", tile=128, overlap=32).eval()
    sizes = []
    network.head.register_forward_pre_hook(lambda _module, levels: sizes.append(levels[0][0].shape[2:]))
    with torch.inference_mode():
        logits = network(torch.zeros(1, 1, 96, 800))
    assert logits.shape == (1, 2)
    assert len(sizes) > 5
    assert max(max(size) for size in sizes) <= 128 // CELL


@given(
    good=st.lists(st.floats(-5, 5), min_size=5, max_size=30),
    scores=st.lists(st.floats(-50, 500), min_size=2, max_size=10),
)
def test_probabilities_keep_the_order_of_scores(good, scores):
    oddness = Oddness((0.5,))
    oddness.settle(torch.tensor(good)[:, None], 2.33)
    with torch.inference_mode():
        logits = oddness(torch.tensor(sorted(scores))[:, None])
    assert torch.isfinite(logits).all()
    difference = logits[:, 1] - logits[:, 0]
    assert (difference[1:] >= difference[:-1] - 1e-4).all()


def test_the_larger_of_two_scores_counts_in_units_of_good_parts():
    oddness = Oddness((0.02, 0.5))
    generator = torch.Generator().manual_seed(0)
    good = torch.randn(200, 2, generator=generator) * torch.tensor([0.1, 3.0]) + torch.tensor([1.0, -8.0])
    oddness.settle(good, 2.33)
    odd = torch.tensor([[1.0, -8.0], [2.0, -8.0], [1.0, 22.0], [2.0, 22.0]])
    with torch.inference_mode():
        usual, far, drawn, both = oddness(odd).softmax(dim=1)[:, 1].tolist()
        share = float((oddness(good).softmax(dim=1)[:, 1] > 0.5).float().mean())
    assert usual < 0.2
    assert min(far, drawn) > 0.9
    assert both >= max(far, drawn)
    assert share < 0.06


def test_calibration_takes_the_labels():
    oddness = Oddness((0.5,))
    scores = torch.cat([torch.linspace(-6, -2, 40), torch.linspace(-3, 5, 40)])[:, None]
    labels = torch.cat([torch.zeros(40), torch.ones(40)])
    oddness.settle(scores[:40], 2.0)
    oddness.calibrate(scores, labels)
    with torch.inference_mode():
        prob = oddness(scores).softmax(dim=1)[:, 1]
    assert float(((prob > 0.5).float() == labels).float().mean()) > 0.85
    assert abs(float(prob.mean()) - 0.5) < 0.05


def test_the_few_most_defective_places_count():
    places = torch.full((1, 10, 10), -3.0)
    places[0, 4, 4:9] = 7.0
    assert float(most_defective(places)) == pytest.approx(7.0)
