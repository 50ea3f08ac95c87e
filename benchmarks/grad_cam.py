"""What one Grad-CAM costs, as ratios measured in one run: to a forward + backward pass, and to captum's LayerGradCam.

    python -m benchmarks.grad_cam [--model NAME] [--batch N] [--length N] [--repeats N] [--device cpu]

A Grad-CAM differentiates the head alone, so it should cost less than a forward + backward pass (<= 1.5 is the limit).
"""

from __future__ import annotations

import argparse
import sys

import torch
from torch import nn

from benchmarks.timing import Ratio, ratio
from ecgviz.saliency import AttributionTarget, compute_map
from models import create_model

LIMIT = 1.5


def layer_of_maps(network: nn.Module, x: torch.Tensor) -> nn.Module:
    """The module whose output the maps are: captum has to be told which one to hook."""
    outputs: list[tuple[nn.Module, torch.Tensor]] = []
    handles = [
        module.register_forward_hook(lambda module, _, output: outputs.append((module, output)))
        for module in network.modules()
    ]
    with torch.no_grad():
        maps = network.forward_features(x)
    for handle in handles:
        handle.remove()
    return next(module for module, output in reversed(outputs) if output is maps)


def measure(model: str, batch: int, length: int, repeats: int, device: torch.device) -> tuple[Ratio, Ratio]:
    """Our Grad-CAM to forward + backward, and to captum's, for the same windows."""
    from captum.attr import LayerAttribution, LayerGradCam

    torch.manual_seed(0)
    network = create_model(model).to(device).eval()
    x = torch.randn(batch, network.in_channel, length, device=device)
    target = AttributionTarget(x, torch.zeros(batch, dtype=torch.long, device=device))
    captum = LayerGradCam(network, layer_of_maps(network, x))

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def forward_backward() -> None:
        network.zero_grad()
        network(x)[:, 0].sum().backward()
        wait()

    def ours() -> None:
        compute_map(network, target, "grad_cam")
        wait()

    def theirs() -> None:
        cam = captum.attribute(x, target=target.class_index, relu_attributions=True)
        LayerAttribution.interpolate(cam, (length,), "linear")
        wait()

    # On CUDA none of the three could differentiate the LSTM in eval mode with cuDNN on.
    with torch.backends.cudnn.flags(enabled=device.type != "cuda"):
        return ratio(ours, forward_backward, repeats), ratio(ours, theirs, repeats)


def main() -> int:
    """Print both ratios; exit status 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="se_resnet_lstm", help="a network of the task beat")
    parser.add_argument("--batch", type=int, default=8, help="windows in the batch (default 8)")
    parser.add_argument("--length", type=int, default=1800, help="samples of a window (default 1800: 5 s at 360 Hz)")
    parser.add_argument("--repeats", type=int, default=7, help="turns to time (default 7)")
    parser.add_argument("--device", default="cpu", type=torch.device)
    options = parser.parse_args()
    to_pass, to_captum = measure(options.model, options.batch, options.length, options.repeats, options.device)
    print(f"Grad-CAM / (forward + backward):  {to_pass}, limit {LIMIT}")
    print(f"Grad-CAM / captum's LayerGradCam: {to_captum}, limit 1")
    return int(to_pass.value > LIMIT or to_captum.value > 1)


if __name__ == "__main__":
    sys.exit(main())
