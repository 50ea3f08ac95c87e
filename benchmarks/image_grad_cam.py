"""What one Grad-CAM of a picture costs, as ratios measured in one run.

    python -m benchmarks.image_grad_cam [--model resnet18] [--size 512] [--repeats 7] [--device cpu]

To a forward + backward pass (limit 1.3) and to pytorch-grad-cam (package ``grad-cam``, limit 1), for the same input;
both maps at the input's size. A Grad-CAM here differentiates the head alone.
"""

from __future__ import annotations

import argparse
import sys

import torch

from benchmarks.grad_cam import layer_of_maps
from benchmarks.timing import Ratio, ratio
from ecgviz.saliency import AttributionTarget, compute_map
from models import create_model

LIMIT = 1.3


def measure(model: str, size: int, repeats: int, device: torch.device) -> tuple[Ratio, Ratio]:
    """Our Grad-CAM to forward + backward, and to pytorch-grad-cam's."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    torch.manual_seed(0)
    network = create_model(model).to(device).eval()
    x = torch.randn(1, 3, size, size, device=device)
    target = AttributionTarget(x, torch.tensor([1]))
    targets = [ClassifierOutputTarget(1)]

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    def forward_backward() -> None:
        network.zero_grad()
        network(x)[:, 1].sum().backward()
        wait()

    def ours() -> None:
        compute_map(network, target, "grad_cam")[0].cpu().numpy()

    to_pass = ratio(ours, forward_backward, repeats)
    with GradCAM(model=network, target_layers=[layer_of_maps(network, x)]) as cam:
        return to_pass, ratio(ours, lambda: cam(input_tensor=x, targets=targets), repeats)


def main() -> int:
    """Print both ratios; exit status 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="resnet18", help="a network of the task image")
    parser.add_argument("--size", type=int, default=512, help="pixels of a side (default 512)")
    parser.add_argument("--repeats", type=int, default=7, help="turns to time (default 7)")
    parser.add_argument("--device", default="cpu", type=torch.device)
    options = parser.parse_args()
    to_pass, to_package = measure(options.model, options.size, options.repeats, options.device)
    print(f"Grad-CAM / (forward + backward): {to_pass}, limit {LIMIT}")
    print(f"Grad-CAM / pytorch-grad-cam:     {to_package}, limit 1")
    return int(to_pass.value > LIMIT or to_package.value > 1)


if __name__ == "__main__":
    sys.exit(main())
