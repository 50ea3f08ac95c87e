"""Grad-CAM, HiResCAM and SE attention: right, aligned, safe in threads, and leaving no trace on the network."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import nn

from ecgviz.saliency import AttributionTarget, compute_map, list_methods
from ecgviz.saliency.alignment import cell_offset, move
from ecgviz.saliency.target import _CUDNN_OFF
from models import create_model
from tests.ecgviz.saliency.toys import ToyWindow


class Hand(nn.Module):
    """Maps are the input itself; the logit of class c is a fixed weighted sum of it."""

    weight = torch.tensor([[[1.0, 2.0, 3.0, 0.0], [0.0, 0.0, -2.0, -2.0]]])

    def forward_features(self, x):
        return x

    def forward_head(self, maps):
        score = (maps * self.weight).sum(dim=(1, 2))
        return torch.stack([score, -score], dim=1)

    def forward(self, x):
        return self.forward_head(self.forward_features(x))


HAND_X = torch.tensor([[[2.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 4.0]]])


def test_hand_computed():
    """Grad-CAM weights are the row means 1.5 and -1; HiResCAM multiplies place by place."""
    network = Hand().eval()
    attribution_target = AttributionTarget(HAND_X, torch.tensor([0]))
    cam, spacing = compute_map(network, attribution_target, "grad_cam")
    assert cam.tolist() == [[2.0, 0.0, 1.5, 0.0]]
    assert compute_map(network, attribution_target, "hires_cam")[0].tolist() == [[2.0, 0.0, 3.0, 0.0]]
    assert compute_map(network, AttributionTarget(HAND_X, torch.tensor([1])), "grad_cam")[0].tolist() == [
        [0.0, 0.0, 0.0, 2.5]
    ]
    assert spacing == 1.0


def captum_map(network, layer, forward, x, target):
    cam = LayerGradCam(forward, layer).attribute(x, target=target, relu_attributions=True)
    cam = cam.squeeze(2) if cam.dim() == 4 else cam  # a layer that computes rows of a picture
    return LayerAttribution.interpolate(cam, x.shape[2:], "linear")[:, 0].detach()


@pytest.mark.parametrize(
    ("name", "layer"),
    [("toy", "features"), ("dcrnn", "features"), ("dcrnn_base", "features"), ("se_resnet_lstm", "blocks")],
)
def test_equal_to_captum(name, layer):
    torch.manual_seed(0)
    network = (ToyWindow() if name == "toy" else create_model(name, in_channel=2)).eval()
    x = torch.randn(4, 2, 361)
    target = torch.tensor([0, 1, 2, 1])
    ours = compute_map(network, AttributionTarget(x, target), aligned=False)[0]
    theirs = captum_map(network, getattr(network, layer), network, x, target)
    assert theirs.max() > 0
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)
    ours = compute_map(network, AttributionTarget(x, target))[0]
    # captum takes the cells of a map as even parts of the input; ours lie where they look.
    theirs = move(theirs, cell_offset(network, AttributionTarget(x, target)))
    torch.testing.assert_close(ours / theirs.max(), theirs / theirs.max(), atol=1e-4, rtol=0)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_equal_to_captum_for_a_beat_of_a_strip():
    torch.manual_seed(0)
    network = create_model("beat_strip", in_channel=2).eval()
    x, beats = torch.randn(1, 2, 720), torch.tensor([[60, 200, 330, 500, 640, -1]])
    attribution_target = AttributionTarget(
        x, torch.tensor([3, 0]), row=torch.tensor([0, 0]), slot=torch.tensor([2, 4]), kwargs={"beats": beats}
    )
    ours = compute_map(network, attribution_target)[0]
    for place, (slot, target) in enumerate([(2, 3), (4, 0)]):
        theirs = captum_map(network, network.blocks, lambda x: network(x, beats=beats), x, (slot, target))[0]
        torch.testing.assert_close(ours[place] / theirs.max(), theirs / theirs.max(), atol=1e-4, rtol=0)


def test_an_impulse_is_found_where_it_is():
    """A kernel of 4 samples at stride 4 covers samples 4i to 4i + 3, whose middle is (i + 0.5) * 4 - 0.5."""

    class Blocks(nn.Module):
        def forward_features(self, x):
            return nn.functional.avg_pool1d(x, 4)

        def forward_head(self, maps):
            return maps.sum(dim=2)

    for at in (0, 41, 42, 79):
        x = torch.zeros(1, 1, 80)
        x[0, 0, at] = 1.0
        cam, spacing = compute_map(Blocks().eval(), AttributionTarget(x, torch.tensor([0])))
        # Interpolated linearly, a map sample's mass lies symmetrically about its centre, except at the ends.
        mass = cam[0] / cam[0].sum()
        centre = float((mass * torch.arange(80)).sum())
        assert spacing == 4.0
        assert centre == pytest.approx(at // 4 * 4 + 1.5, abs=0.01 if 4 <= at < 76 else 0.8)


def test_pictures_go_the_same_way():
    torch.manual_seed(0)
    network = ToyWindow(recurrent=False, dims=2).eval()
    x = torch.randn(3, 2, 40, 60)
    attribution_target = AttributionTarget(x, torch.tensor([0, 1, 2]))
    for method in ("grad_cam", "hires_cam", "saliency", "integrated_gradients"):
        values, _ = compute_map(network, attribution_target, method)
        assert values.shape == (3, 40, 60)
        assert (values >= 0).all()
    theirs = LayerGradCam(network, network.features).attribute(
        x, target=attribution_target.class_index, relu_attributions=True
    )
    theirs = nn.functional.interpolate(theirs, size=(40, 60), mode="bilinear")[:, 0].detach()
    theirs = move(theirs, cell_offset(network, attribution_target))
    torch.testing.assert_close(compute_map(network, attribution_target)[0], theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam", "saliency", "integrated_gradients"])
def test_eight_threads_give_the_maps_of_one(window_network, method):
    torch.manual_seed(0)
    attribution_targets = [
        AttributionTarget(torch.randn(2, 2, 200), torch.tensor([i % 3, (i + 1) % 3])) for i in range(24)
    ]
    alone = [compute_map(window_network, attribution_target, method)[0] for attribution_target in attribution_targets]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(
                lambda attribution_target: compute_map(window_network, attribution_target, method)[0],
                attribution_targets,
            )
        )
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_cudnn_is_restored_when_threads_overlap():
    before = torch.backends.cudnn.enabled
    _CUDNN_OFF.__enter__()
    _CUDNN_OFF.__enter__()
    _CUDNN_OFF.__exit__()
    assert not torch.backends.cudnn.enabled
    _CUDNN_OFF.__exit__()
    assert torch.backends.cudnn.enabled == before


@pytest.mark.parametrize(
    ("architecture", "method"), [("patch_memory", "patch_distance"), ("place_network", "defect_places")]
)
def test_no_trace_on_a_network_of_parts(architecture, method):
    network = create_model(architecture, in_channel=3).eval()
    x = torch.randn(2, 3, 64, 64)
    if architecture == "patch_memory":
        rows = torch.randn(20, network.components)
        network.remember(rows, torch.zeros(20), torch.zeros(20, 2), ["good.png"])
    before = {key: value.clone() for key, value in network.state_dict().items()}
    values, _ = compute_map(network, AttributionTarget(x, torch.tensor([1, 1])), method)
    assert values.shape[0] == 2
    assert (values >= 0).all()
    assert not values.requires_grad
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("method", list_methods())
def test_no_trace_on_the_network(method):
    network, x = create_model("se_resnet_lstm", in_channel=2).eval(), torch.randn(2, 2, 128)
    if method not in list_methods(network):
        network, x = create_model("ecg_vit", dim=24, depth=2, heads=2, mlp=32).eval(), torch.randn(2, 3, 64, 64)
    network.classifier.weight.requires_grad_(False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    values, _ = compute_map(network, AttributionTarget(x, torch.tensor([0, 4])), method)
    assert values.shape == (2, *x.shape[2:])
    assert (values >= 0).all()
    assert not values.requires_grad
    assert x.grad is None
    assert not x.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    assert [name for name, p in network.named_parameters() if not p.requires_grad] == ["classifier.weight"]
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_works_inside_inference_mode(window_network):
    with torch.inference_mode():
        x = torch.randn(1, 2, 64)
        inside = compute_map(window_network, AttributionTarget(x, torch.tensor([1])), "grad_cam")[0].clone()
        compute_map(window_network, AttributionTarget(x, torch.tensor([1])), "integrated_gradients")
    torch.testing.assert_close(inside, compute_map(window_network, AttributionTarget(x.clone(), torch.tensor([1])))[0])


def test_half_precision_network():
    torch.manual_seed(0)
    network = ToyWindow(recurrent=False).eval()
    attribution_target = AttributionTarget(torch.randn(2, 2, 160), torch.tensor([0, 1]))
    exact = compute_map(network, attribution_target)[0]
    values = compute_map(network.bfloat16(), attribution_target)[0]
    assert values.dtype == torch.float32
    torch.testing.assert_close(values, exact, atol=0.05 * float(exact.max()), rtol=0)


def test_se_attention_weighs_channels_by_their_gates():
    class Gated(Hand):
        def se_gates(self, x):
            return {"first": torch.ones(1, 7), "last": torch.tensor([[0.75, 0.25]])}

    values, _ = compute_map(Gated().eval(), AttributionTarget(HAND_X, torch.tensor([0])), "se_attention")
    assert values.tolist() == [[1.75, 0.0, 0.75, 1.75]]


def test_methods_that_do_not_suit_are_refused(window_network):
    assert "se_attention" in list_methods(create_model("se_resnet_lstm"))
    assert "se_attention" not in list_methods(window_network)
    attribution_target = AttributionTarget(torch.randn(1, 2, 64), torch.tensor([0]))
    with pytest.raises(ValueError, match=r"se_gates.*choose grad_cam"):
        compute_map(window_network, attribution_target, "se_attention")
    with pytest.raises(ValueError, match="no saliency method 'cam'"):
        compute_map(window_network, attribution_target, "cam")
    with pytest.raises(ValueError, match="eval mode"):
        compute_map(window_network.train(), attribution_target)


def test_strips_need_slots(strip_network, window_network):
    x, beats = torch.randn(1, 1, 100), torch.tensor([[10, 50]])
    with pytest.raises(ValueError, match="needs a slot"):
        compute_map(strip_network, AttributionTarget(x, torch.tensor([0]), kwargs={"beats": beats}))
    with pytest.raises(ValueError, match="has no slots"):
        compute_map(window_network, AttributionTarget(torch.randn(1, 2, 64), torch.tensor([0]), slot=torch.tensor([0])))


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["dcrnn", "se_resnet_lstm", "beat_strip"])
def test_recurrent_network_on_cuda(name):
    """cuDNN refuses this backward pass in eval mode; the maps are those of the CPU and cuDNN is on again after."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.manual_seed(0)
    network = create_model(name, in_channel=2).eval()
    strip = name == "beat_strip"
    attribution_target = AttributionTarget(
        torch.randn(2, 2, 360),
        torch.tensor([0, 1]),
        slot=torch.tensor([1, 0]) if strip else None,
        kwargs={"beats": torch.tensor([[50, 150, 300], [80, 210, -1]])} if strip else {},
    )
    for method in ("grad_cam", "hires_cam", "saliency", "integrated_gradients"):
        cpu = compute_map(network.cpu(), attribution_target, method)[0]
        cuda = compute_map(network.cuda(), attribution_target, method)[0]
        assert torch.backends.cudnn.enabled
        torch.testing.assert_close(cuda.cpu() / cpu.max(), cpu / cpu.max(), atol=0.02, rtol=0)
