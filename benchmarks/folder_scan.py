"""How much of the network's own throughput a folder scan keeps.

    python -m benchmarks.folder_scan [--model tf_efficientnet_lite0] [--size 320] [--data FOLDER] [--pictures 96]

Scans a folder from files to verdicts (hash, decode, resize, network, verdict; nothing is remembered) in turns with the
bare forward pass over the same pictures, prepared and in memory, at the best of several batch sizes. Prints the ratio
of the throughputs twice: to the network as it is shipped (limit 0.85), and to the one that the scan runs, which on a
CPU has its batch normalisations folded and is quicker. Without --data it makes 16-bit PNG pictures of 512 x 512.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchmarks.timing import ratio
from ecgviz.analysis.coverage import to_inspect
from ecgviz.analysis.inspect import inspect_files
from ecgviz.analysis.pipeline import Runner
from models import Checkpoint, create_model, load_checkpoint
from models.checkpoints import Card, save_checkpoint
from readers.images import open_images

BATCH_SIZES = {"cpu": (1, 2, 4, 8, 16, 32), "cuda": (32, 64, 128, 256)}
LIMIT = 0.85


def main() -> int:
    """Measure and print; exit status 1 under the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tf_efficientnet_lite0", help="a network of the task image, fresh weights")
    parser.add_argument("--size", type=int, default=320, help="pixels of a side of its input (default 320)")
    parser.add_argument("--data", type=Path, help="folder of pictures")
    parser.add_argument("--pictures", type=int, default=96, help="at most so many (default 96)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu", type=torch.device)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = fresh_checkpoint(Path(folder) / "fresh", options.model, options.size, options.device)
        paths = list(to_inspect(options.data).paths) if options.data else make_pictures(Path(folder), options.pictures)
        paths = paths[: options.pictures]
        prepared = [checkpoint.task.prepare(open_images(path).pixels(0)) for path in paths]
        shipped = checkpoint.network.to(memory_format=torch.channels_last).eval()
        size, batches = best_batches(shipped, prepared)
        own = Runner(checkpoint).network
        own_size, own_batches = best_batches(own, prepared)

        def scan() -> None:
            failed = [one.error for one in inspect_files(paths, checkpoint, remember=False) if one.error]
            assert not failed, failed[0]

        result = ratio(lambda: forward_all(shipped, batches), scan, options.repeats)
        against_own = ratio(lambda: forward_all(own, own_batches), scan, options.repeats)
    print(f"{len(paths)} pictures, {options.model} at {options.size}, {torch.get_num_threads()} threads")
    print(f"bare forward of the network as it is shipped, batches of {size}: {len(paths) / result.a_s:.1f}/s")
    print(f"bare forward of the scan's own network, batches of {own_size}: {len(paths) / against_own.a_s:.1f}/s")
    print(f"scan {len(paths) / result.b_s:.1f}/s")
    print(f"throughput of the scan / of the network as it is shipped: {result}, limit {LIMIT}")
    print(f"throughput of the scan / of its own network: {against_own}")
    return int(result.value < LIMIT)


def fresh_checkpoint(folder: Path, model: str, size: int, device: torch.device) -> Checkpoint:
    """A checkpoint of random weights: speed does not depend on what was learned."""
    torch.manual_seed(0)
    network = create_model(model)
    task = {"kind": "image", "image_size": size}
    card = Card(architecture=model, arguments={}, task=task, classes=("normal", "defect"), parameters=0)
    save_checkpoint(folder, network, card)
    return load_checkpoint(folder, device)


def make_pictures(folder: Path, count: int) -> list[Path]:
    """16-bit PNG pictures with structure and noise, as a detector gives them."""
    from PIL import Image

    rng = np.random.default_rng(0)
    y, x = np.mgrid[:512, :512] / 512 - 0.5
    rings = 20000 + 12000 * np.sin(60 * np.hypot(x, y))
    paths = [folder / f"{index:03}.png" for index in range(count)]
    for path in paths:
        Image.fromarray((rings + rng.normal(0, 800, rings.shape)).clip(0, 65535).astype(np.uint16)).save(path)
    return paths


def best_batches(network: nn.Module, prepared: list[torch.Tensor]) -> tuple[int, list[torch.Tensor]]:
    """The batch size at which a bare forward pass is fastest, and its batches on the device."""
    device = next(network.parameters()).device
    timed = []
    for size in BATCH_SIZES.get(device.type, BATCH_SIZES["cpu"]):
        if size > len(prepared):
            continue
        batches = [
            torch.stack(prepared[start : start + size]).to(device).contiguous(memory_format=torch.channels_last)
            for start in range(0, len(prepared), size)
        ]
        forward_all(network, batches[:2])
        started = time.perf_counter()
        forward_all(network, batches)
        timed.append((time.perf_counter() - started, size, batches))
    _, size, batches = min(timed, key=lambda entry: entry[0])
    return size, batches


def forward_all(network: nn.Module, batches: list[torch.Tensor]) -> None:
    """The bare forward pass, in the precision of the scan."""
    device = batches[0].device
    with torch.inference_mode(), torch.autocast(device.type, enabled=device.type == "cuda"):
        for batch in batches:
            network(batch)
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    sys.exit(main())
