"""The tests that a map is put through, on a network that has really learned to find a planted pattern."""

import copy
import dataclasses
import gc
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from ecgviz.results import Evidence
from ecgviz.saliency import AttributionTarget, compute_map
from ecgviz.saliency.deletion import DRAWS, deletion_test, marked_part, random_parts, smooth
from ecgviz.saliency.evidence import half_mass_width, judge, neighbourhood, rank_correlation, weak_reasons
from ecgviz.saliency.randomise import fitted_twins, random_twins
from tests.ecgviz.saliency.toys import LENGTH, WIDTH, ToyWindow, planted

FS = 100.0


def share_on_pattern(network, x, rising, start, method):
    peak = compute_map(network, AttributionTarget(x, rising), method)[0].argmax(dim=1).numpy()
    return np.mean((peak >= start - 4) & (peak < start + WIDTH + 4))


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam"])
def test_the_map_peaks_on_the_pattern_and_those_of_random_twins_do_not(detector, method):
    x, rising, start = planted(40, seed=11)
    with torch.no_grad():
        assert (detector(x).argmax(dim=1) == rising).float().mean() > 0.95
    assert share_on_pattern(detector, x, rising, start, method) >= 0.9
    for twin in fitted_twins(detector, AttributionTarget(x, rising)):
        assert share_on_pattern(twin, x, rising, start, method) <= 0.5


def judged(network, index, method="hires_cam", values=None):
    x, rising, start = planted(8, seed=5)
    target = AttributionTarget(x[index : index + 1], rising[index : index + 1], occlusion=10)
    made, spacing = compute_map(network, target, method)
    values = made[0].numpy() if values is None else values(x[index, 0].numpy())
    centre = start[index] + WIDTH / 2
    return judge(network, target, values, method, fs=FS, centre=centre, spacing=spacing), values


def test_a_true_map_earns_its_place(detector):
    evidence = [judged(detector, index)[0] for index in range(8)]
    assert sum(not one.weak for one in evidence) >= 6
    best = next(one for one in evidence if not one.weak)
    assert best.deletion_drop > best.random_drop_95 >= best.random_drop
    assert best.resolution_ms == 40.0
    assert best.width_ms < 200
    assert best.agreement_with == "integrated_gradients"
    assert best.reasons == ()


def test_a_map_of_the_wrong_place_is_weak(detector):
    """The mirror image of a true map marks where the pattern is not."""
    for index in range(4):
        _, values = judged(detector, index)
        evidence, _ = judged(detector, index, values=lambda _, values=values: values[::-1].copy())
        assert evidence.weak
        assert any("Replacing" in reason for reason in evidence.reasons)


def test_an_empty_map_is_weak(detector):
    evidence, _ = judged(detector, 0, values=np.zeros_like)
    assert evidence.reasons == ("The map marks nothing near this beat.",)
    assert evidence.deletion_drop == pytest.approx(0, abs=1e-6)


def test_a_map_that_ignores_the_weights_is_noticed():
    """A network whose logit is its input's energy has the same map whatever its weights are."""

    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.idle = nn.Linear(2, 2)

        def forward_features(self, x):
            return x

        def forward_head(self, maps):
            energy = maps.square().sum(dim=(1, 2))
            return torch.stack([energy, -energy], dim=1)

        def forward(self, x):
            return self.forward_head(x)

    evidence, _ = judged(Energy().eval(), 2)
    assert evidence.randomised_correlation == pytest.approx(1.0)
    assert any("random weights" in reason for reason in evidence.reasons)


def test_same_seed_same_evidence_and_progress(detector):
    x, rising, _ = planted(1, seed=5)
    target, told = AttributionTarget(x, rising), []
    values = compute_map(detector, target)[0][0].numpy()
    arguments = {"fs": FS, "centre": 100.0, "spacing": 4.0}
    one = judge(detector, target, values, "grad_cam", **arguments, progress=lambda *report: told.append(report))
    assert one == judge(detector, target, values, "grad_cam", **arguments)
    assert [done for done, _, _ in told] == [0, 1, 2, 3]
    assert {total for _, total, _ in told} == {3}


def test_twins_are_seeded_kept_and_forgotten():
    torch.manual_seed(0)
    network = ToyWindow().eval()
    state = torch.get_rng_state()
    before = copy.deepcopy(network.state_dict())
    twins = random_twins(network)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert random_twins(network)[0] is twins[0]
    other = random_twins(copy.deepcopy(network))
    for first, second in zip(twins, other, strict=True):
        assert torch.equal(first.lstm.weight_ih_l0, second.lstm.weight_ih_l0)
    assert not torch.equal(twins[0].lstm.weight_ih_l0, twins[1].lstm.weight_ih_l0)
    assert not torch.equal(twins[0].lstm.weight_ih_l0, network.lstm.weight_ih_l0)
    gone = weakref.ref(twins[0])
    del network, twins, first
    gc.collect()
    assert gone() is None


def test_norms_of_twins_hold_the_statistics_of_the_input():
    torch.manual_seed(0)
    network = ToyWindow().eval()
    network.features[1].running_var.fill_(1e6)
    target = AttributionTarget(5 * torch.randn(1, 2, 400) + 3, torch.tensor([0]))
    for twin in fitted_twins(network, target):
        with torch.no_grad():
            normed = twin.features[:2](target.x)
        torch.testing.assert_close(normed.mean(dim=(0, 2)), torch.zeros(6), atol=1e-4, rtol=0)
        torch.testing.assert_close(normed.var(dim=(0, 2)), torch.ones(6), atol=0.02, rtol=0)
        assert not twin.features[1]._forward_pre_hooks
    assert (network.features[1].running_var == 1e6).all()


def test_random_parts_have_the_shape_of_the_marked_one():
    part = np.zeros(60, bool)
    part[[0, 1, 2, 20, 40, 41, 42, 43, 59]] = True
    drawn = random_parts(part, 200, np.random.default_rng(0))

    def runs(row):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
        return sorted((edges[1::2] - edges[::2]).tolist())

    assert all(runs(row) == [1, 1, 3, 4] for row in drawn)
    covered = drawn.mean(axis=0)
    assert covered.min() > 0.03
    assert covered.mean() == pytest.approx(9 / 60)
    assert not random_parts(np.zeros(5, bool), 2, np.random.default_rng(0)).any()
    assert random_parts(np.ones(5, bool), 2, np.random.default_rng(0)).all()


def test_marked_part():
    values = np.array([0.0, 3.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert np.flatnonzero(marked_part(values, 0.2)).tolist() == [1, 4]
    assert np.flatnonzero(marked_part(values, 0.9)).tolist() == [1, 2, 4]


def test_deletion_falls_with_the_marked_part(detector):
    x, rising, start = planted(8, seed=5)
    target = AttributionTarget(x[:1], rising[:1])
    values = np.zeros(LENGTH)
    values[start[0] : start[0] + WIDTH] = np.hanning(WIDTH)
    whole, marked, random = deletion_test(detector, target, values, (0, LENGTH), FS, fractions=(0.05, 0.12))
    assert random.shape == (DRAWS, 2)
    assert whole > 0.95
    assert marked[1] < whole - 0.3
    assert np.median(random[:, 0]) > 0.9


def test_a_high_temperature_softens_the_fall(detector):
    x, rising, _ = planted(1, seed=5)
    target = AttributionTarget(x, rising)
    values = compute_map(detector, target)[0][0].numpy()
    sharp, *_ = deletion_test(detector, target, values, (0, LENGTH), FS)
    soft, *_ = deletion_test(detector, target, values, (0, LENGTH), FS, temperature=50.0)
    assert sharp > 0.95
    assert 0.5 < soft < 0.75


def test_small_measures_by_hand():
    assert half_mass_width(np.array([0.0, 1.0, 5.0, 1.0, 1.0])) == 1
    assert half_mass_width(np.ones(10)) == 5
    assert half_mass_width(np.zeros(7)) == 7
    assert rank_correlation(np.array([1, 2, 3]), np.array([10, 20, 90])) == pytest.approx(1.0)
    assert rank_correlation(np.array([1, 2, 3]), np.array([3, 2, 1])) == pytest.approx(-1.0)
    assert rank_correlation(np.array([1, 2, 3]), np.zeros(3)) == 0.0
    assert neighbourhood(500, 1000, FS) == (350, 651)
    assert neighbourhood(10, 100, FS) == (0, 100)
    assert smooth(np.array([0.0, 3.0, 0.0]), 3).tolist() == [1.0, 1.0, 1.0]


def test_each_failed_test_has_its_reason():
    good = Evidence(
        resolution_ms=16.0,
        width_ms=120.0,
        randomised_correlation=0.1,
        deletion_drop=0.6,
        random_drop=0.02,
        random_drop_95=0.1,
        agreement=0.7,
        agreement_with="integrated_gradients",
    )
    assert weak_reasons(good, 5000) == ()
    faults = {
        "randomised_correlation": (0.8, "0.80"),
        "deletion_drop": (0.1, "no more than random"),
        "agreement": (0.1, "Integrated gradients"),
        "width_ms": (1200.0, "1200 ms"),
    }
    for name, (value, word) in faults.items():
        (reason,) = weak_reasons(dataclasses.replace(good, **{name: value}), 5000)
        assert word in reason
    (reason,) = weak_reasons(dataclasses.replace(good, deletion_drop=0.03, random_drop_95=0.0), 5000)
    assert "0.03 only" in reason
    (reason,) = weak_reasons(dataclasses.replace(good, deletion_drop=-0.09), 5000)
    assert "raises the probability by 0.09" in reason
    assert weak_reasons(dataclasses.replace(good, width_ms=450.0), 1000) != ()
