"""Methods that work on the input: gradient, integrated gradients, occlusion."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from ecgviz.saliency import AttributionTarget, compute_map
from ecgviz.saliency.gradients import baseline_of, path_attributions
from ecgviz.saliency.occlusion import bridge, bridge_picture
from tests.ecgviz.saliency.toys import LENGTH, WIDTH, planted


def test_gradient_of_a_linear_network_is_its_weight():
    class Linear(torch.nn.Module):
        weight = torch.tensor([[1.0, -4.0, 0.0], [2.0, 3.0, -0.5]])

        def forward(self, x):
            return (x * self.weight).sum(dim=(1, 2))[:, None]

    values, spacing = compute_map(
        Linear().eval(), AttributionTarget(torch.randn(1, 2, 3), torch.tensor([0])), "saliency"
    )
    assert values.tolist() == [[2.0, 4.0, 0.5]]
    assert spacing == 1.0


def test_integrated_gradients_are_complete(window_network):
    torch.manual_seed(0)
    target = AttributionTarget(torch.randn(3, 2, 200), torch.tensor([0, 1, 2]))
    signed = path_attributions(window_network, target, steps=64)
    with torch.no_grad():
        rise = target.score(window_network(target.x)) - target.score(window_network(baseline_of(target)))
    torch.testing.assert_close(signed.sum(dim=(1, 2)), rise, atol=0.02 * float(rise.abs().max()), rtol=0)


def test_integrated_gradients_equal_captum(window_network):
    torch.manual_seed(0)
    target = AttributionTarget(torch.randn(2, 2, 120), torch.tensor([2, 0]))
    ours = path_attributions(window_network, target, steps=16)
    theirs = IntegratedGradients(window_network).attribute(
        target.x, baselines=baseline_of(target), target=target.class_index, n_steps=16
    )
    torch.testing.assert_close(ours, theirs.detach(), atol=1e-5, rtol=1e-4)


def test_many_outputs_need_not_fit_one_pass(window_network, monkeypatch):
    torch.manual_seed(0)
    target = AttributionTarget(torch.randn(5, 2, 64), torch.tensor([0, 1, 2, 0, 1]))
    whole = [compute_map(window_network, target, m)[0] for m in ("saliency", "integrated_gradients", "occlusion")]
    monkeypatch.setattr("ecgviz.saliency.gradients.GRADIENT_LIMIT", 300)
    monkeypatch.setattr("ecgviz.saliency.target.FORWARD_LIMIT", 300)
    parts = [compute_map(window_network, target, m)[0] for m in ("saliency", "integrated_gradients", "occlusion")]
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_hole_is_bridged_by_a_straight_line():
    x = torch.tensor([[0.0, 1.0, 9.0, 9.0, 4.0, 7.0], [1.0, 1.0, 0.0, 0.0, 1.0, 5.0]])
    hole = torch.tensor([[0, 0, 1, 1, 0, 0], [1, 1, 0, 0, 0, 1], [0] * 6, [1] * 6], dtype=torch.bool)
    bridged = bridge(x, hole)
    assert bridged[0, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 7.0]
    assert bridged[0, 1].tolist() == [1.0] * 5 + [5.0]
    assert bridged[1, 0].tolist() == [9.0, 9.0, 9.0, 9.0, 4.0, 4.0]
    assert torch.equal(bridged[2], x)
    assert bridged[3, 0].tolist() == [5.0] * 6


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_the_planted_part_is_found(detector, method):
    x, rising, start = planted(24, seed=7)
    values, spacing = compute_map(detector, AttributionTarget(x, rising, occlusion=16), method)
    inside = [float(row[at : at + WIDTH].sum() / row.sum()) for row, at in zip(values, start, strict=True)]
    assert np.mean(inside) >= 0.55, f"chance is {WIDTH / LENGTH:.2f}"
    assert spacing == (16 if method == "occlusion" else 1)


def test_occlusion_stays_in_its_region(detector):
    x, rising, _ = planted(2, seed=3)
    values, _ = compute_map(detector, AttributionTarget(x, rising, region=(60, 130), occlusion=16), "occlusion")
    assert (values[:, :60] == 0).all()
    assert (values[:, 130:] == 0).all()
    assert (values >= 0).all()


def test_a_hole_in_a_picture_is_bridged_from_all_four_sides():
    ramp = torch.arange(8.0)[:, None] * 3 + torch.arange(8.0)
    hole = torch.zeros(3, 8, 8, dtype=torch.bool)
    hole[0, 2:5, 3:7] = True
    hole[1, 4] = True  # a whole row: only the columns can bridge it
    x = torch.stack([ramp, 2 * ramp])
    spoiled = torch.where(hole[:2].any(dim=0), 99.0, x)
    bridged = bridge_picture(spoiled, hole.any(dim=0, keepdim=True))
    torch.testing.assert_close(bridged[0], x, atol=0.02, rtol=0)
    assert torch.equal(bridge_picture(x, hole[2:])[0], x)


def test_occlusion_of_a_picture_marks_what_the_class_needs():
    class Corner(torch.nn.Module):
        """Class 1 is the mean of the upper left quarter."""

        def forward(self, x):
            value = x[:, 0, :8, :8].mean(dim=(1, 2))
            return torch.stack([-value, value], dim=1)

    x = torch.zeros(1, 1, 16, 16)
    x[..., 2:6, 2:6] = 1.0
    values, spacing = compute_map(Corner().eval(), AttributionTarget(x, torch.tensor([1]), occlusion=4), "occlusion")
    assert values.shape == (1, 16, 16)
    assert spacing == 4
    assert float(values[0, 8:].max()) == float(values[0, :, 8:].max()) == 0
    assert np.unravel_index(int(values[0].argmax()), (16, 16)) in {(r, c) for r in range(2, 6) for c in range(2, 6)}
