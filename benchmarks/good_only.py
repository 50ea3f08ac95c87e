"""What learning from good parts costs at inspection: the network's speed as a share of its backbone's own.

python -m benchmarks.good_only [--size 384] [--patches 3000] [--components 96] [--repeats 15]

The backbone's own speed is that of the whole network of timm up to its last maps, as a classifier would run it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from models import create_model
from models.networks.folding import folded
from models.networks.image.base import ImageNetwork


def main() -> None:
    """Print the ratio of medians, measured in turns so that other work on the machine slows both alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=384, help="side of the picture, pixels; default %(default)s")
    parser.add_argument("--patches", type=int, default=3000, help="patches of the bank; default %(default)s")
    parser.add_argument("--components", type=int, default=96, help="numbers of a patch; default %(default)s")
    parser.add_argument("--repeats", type=int, default=15, help="default %(default)s")
    options = parser.parse_args()
    torch.set_num_threads(1)
    backbone = folded(ImageNetwork("tf_efficientnet_lite0", 2, 3).eval())
    x = torch.randn(1, 3, options.size, options.size).contiguous(memory_format=torch.channels_last)
    print(f"{options.size} x {options.size} pixels, {options.patches} patches, one thread")
    for name in ("patch_memory", "good_parts"):
        network = create_model(name, components=options.components).eval()
        bank = torch.randn(options.patches, options.components)
        network.remember(bank, torch.zeros(len(bank)), torch.zeros(len(bank), 2), ["a"])
        network.bank_usual = torch.tensor([[0.0, 1.0]]).repeat(len(bank), 1)
        ours = folded(network)
        own, with_parts = alternating(lambda: backbone(x), lambda: ours(x), options.repeats)  # noqa: B023
        took = f"{own * 1000:6.1f} ms backbone, {with_parts * 1000:6.1f} ms"
        print(f"{name:<14} {took}: {own / with_parts:.2f} of its speed")


def alternating(first: Callable[[], object], second: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median seconds of two calls that are made in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for turn in range(repeats + 2):
            for call, taken in zip((first, second), times, strict=True):
                began = time.perf_counter()
                call()
                if turn > 1:
                    taken.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    main()
