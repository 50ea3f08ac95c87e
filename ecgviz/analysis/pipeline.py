"""Concurrent decoding and inference of picture files.

A few threads hash, decode and resize ahead of the network (Pillow, zlib, hashlib and torch let go of the interpreter's
lock meanwhile). An accelerator is fed by the calling thread; on a CPU every core computes batches of its own, because
cores that share one batch wait for each other whenever a decoder holds one of them. Slices keep the order of the
files, so a batch may hold the end of one stack and the start of the next, and only so many are in memory as the
batches under way and the next one need.
"""

from __future__ import annotations

import copy
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import nn

from ecgviz.analysis.devices import network_on
from ecgviz.analysis.regions import fine_layers
from ecgviz.analysis.score_cache import NetworkOutputs, ScoreMemory, files_sha256, stack_sha256
from ecgviz.errors import EcgvizError
from models.checkpoints import Checkpoint
from models.core.callbacks import ShouldStop
from models.core.cores import single_threads
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.networks.folding import folded
from models.tasks.image import ImageTask, of_one_shape
from models.tasks.image_levels import is_blank
from readers.core.file_names import readable
from readers.image_stack import ImageStack
from readers.images import open_images
from readers.images.kinds import is_one_picture

BATCH_SIZES = {"cpu": 1, "cuda": 64, "mps": 16}
"""Fastest on a CPU is what a core's caches hold (benchmarks/folder_scan.py tries several); a batch that an accelerator
has no room for is halved until it fits."""
MOST_WORKERS = 16

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Decoded:
    """One decoded slice, or its fault.

    Attributes:
        file: position of its file among those asked for.
        slice_index: position in the file.
        n_slices: slices of the file.
        sha256: hash of the file, "" where it could not be read.
        square: the slice as ``ImageTask.square`` gives it; None where it failed or the file is remembered.
        seconds: spent on it so far.
        error: why it failed.
        blank: it is one value everywhere, so the network is not asked.
        warnings: sentences about the file, with its first slice.
        layers: share of fine layers, of a slice of a stack whose network judges some regions only; else NaN.
        remembered: outputs for the whole file from an earlier scan.
    """

    file: int
    slice_index: int
    n_slices: int
    sha256: str
    square: torch.Tensor | None
    seconds: float
    error: str = ""
    remembered: NetworkOutputs | None = None
    blank: bool = False
    warnings: tuple[str, ...] = ()
    layers: float = float("nan")


@dataclass(frozen=True)
class SliceOutput:
    """Logits (n_classes,), feature distance (NaN: unknown) and time share of one slice."""

    logits: np.ndarray
    distance: float
    seconds: float


@dataclass(frozen=True)
class Computed:
    """Logits (B, n_classes) and embeddings (B, C) of a batch, on the device, and the seconds it took."""

    logits: torch.Tensor
    embedding: torch.Tensor
    seconds: float


class Runner:
    """A checkpoint's network prepared for throughput: its own copy, channels last, on one device.

    On a CPU its batch normalisations are folded, which takes a third off the time.
    """

    def __init__(self, checkpoint: Checkpoint, device: str | torch.device | None = None):
        network = network_on(checkpoint.network, device)
        self.task: ImageTask = checkpoint.task
        self.device = next(network.parameters()).device
        if self.device.type == "cpu":
            network = folded(network, self.task.in_channel)
        elif network is checkpoint.network:
            network = copy.deepcopy(network)
        self.network: nn.Module = network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
        self._ood_detector = OutOfDistributionDetector.load(checkpoint.folder)
        self._cores = single_threads() if self.device.type == "cpu" else None

    @property
    def batch_size(self) -> int:
        """Default number of slices per batch on this device."""
        return BATCH_SIZES.get(self.device.type, BATCH_SIZES["cpu"])

    @property
    def at_once(self) -> int:
        """Number of concurrent batches: one per core, or one on an accelerator."""
        return 1 if self._cores is None else torch.get_num_threads()

    def ahead(self, batch_size: int) -> int:
        """Number of slices to decode ahead."""
        return batch_size * (self.at_once + 1)

    def start(self, squares: Sequence[torch.Tensor]) -> Callable[[], Computed]:
        """Start a batch of slices; the returned function waits for it. On CUDA it may still be running then."""
        if self._cores is not None:
            return self._cores.submit(self._compute, squares).result
        computed = self._compute(squares)
        return lambda: computed

    def _compute(self, squares: Sequence[torch.Tensor]) -> Computed:
        started = time.perf_counter()
        places = of_one_shape(squares)
        with torch.inference_mode():
            parts = [self._predicted([squares[place] for place in some]) for some in places]
        order = torch.tensor([place for some in places for place in some], device=self.device).argsort()
        logits, embedding = (torch.cat(outputs)[order] for outputs in zip(*parts, strict=True))
        return Computed(logits, embedding, time.perf_counter() - started)

    def _predicted(self, squares: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        logits, embedding = self._forward(self._input(squares))
        return logits[: len(squares)], embedding[: len(squares)]

    def distance(self, embedding: torch.Tensor) -> np.ndarray:
        """Distance of embeddings (B, C) from the training's, float32 (B,); NaN where unknown."""
        if self._ood_detector is None:
            return np.full(len(embedding), np.nan, np.float32)
        return self._ood_detector.distance(embedding).numpy()

    def _forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        try:
            with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
                logits, embedding = self.network(x, return_features=True)
        except torch.OutOfMemoryError:
            if len(x) == 1:
                raise
            torch.cuda.empty_cache()
            halves = [self._forward(part) for part in x.chunk(2)]
            return torch.cat([half[0] for half in halves]), torch.cat([half[1] for half in halves])
        return logits.float(), embedding.float()

    def _input(self, squares: Sequence[torch.Tensor]) -> torch.Tensor:
        """A batch of one shape as the network reads it, transferred as integers, a twelfth of the floats.

        On an accelerator a batch is padded to a power of two: kernels are chosen once for each of a few shapes.
        """
        batch = torch.stack(list(squares))
        if self.device.type == "cuda":
            batch = batch.pin_memory().to(self.device, non_blocking=True)
        with torch.device(self.device):
            x = self.task.normalise(self.task.unit(batch.to(self.device)))
        if self.device.type != "cpu":
            missing = (1 << (len(x) - 1).bit_length()) - len(x)
            x = torch.cat([x, x[-1:].expand(missing, *x.shape[1:])]) if missing else x
        return x.contiguous(memory_format=torch.channels_last)


def ahead(
    pool: ThreadPoolExecutor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """Results of ``function`` in the order of ``items``, computed at most ``depth`` items ahead."""
    source = iter(items)
    waiting: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(source, depth))
    while waiting:
        result = waiting.popleft().result()
        waiting.extend(pool.submit(function, item) for item in islice(source, 1))
        yield result


@contextmanager
def decoders(workers: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """Pool of decoding threads; leaving it early cancels pending work."""
    count = workers or max(1, min(MOST_WORKERS, len(os.sched_getaffinity(0))))
    pool = ThreadPoolExecutor(count, thread_name_prefix="decode")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def decode_files(
    pool: ThreadPoolExecutor, paths: Sequence[Path], task: ImageTask, memory: ScoreMemory | None, depth: int
) -> Iterator[Decoded]:
    """All slices of all files in order; a remembered or unreadable file gives one entry."""
    for first, stack in ahead(pool, partial(_open, task=task, memory=memory), enumerate(paths), depth):
        yield first
        if stack is not None and first.n_slices > 1:
            yield from ahead(
                pool, partial(_slice, stack, task, first.file, first.sha256), range(1, first.n_slices), depth
            )


def decode_stack(pool: ThreadPoolExecutor, stack: ImageStack, task: ImageTask, depth: int) -> Iterator[Decoded]:
    """All slices of an open stack in order."""
    return ahead(pool, partial(_slice, stack, task, 0, ""), range(stack.n_slices), depth)


def network_outputs(
    runner: Runner, decoded: Iterable[Decoded], batch_size: int, should_stop: ShouldStop | None = None
) -> Iterator[tuple[Decoded, SliceOutput | None]]:
    """Slices with their outputs, in order; None for failed or remembered ones.

    Batches are computed while the next is gathered. ``should_stop`` is asked before each batch; True ends early, with
    the outputs of the batches that were begun.
    """
    running: deque[tuple[list[Decoded], _Batch | None]] = deque()
    for gathered in _batches(decoded, batch_size):
        if should_stop is not None and should_stop():
            break
        running.append((gathered, _start(runner, gathered)))
        # What needs no network waits for nothing but its turn.
        while running and (len(running) > runner.at_once or running[0][1] is None):
            yield from _finished(*running.popleft())
    for entries, batch in running:
        yield from _finished(entries, batch)


def _batches(decoded: Iterable[Decoded], batch_size: int) -> Iterator[list[Decoded]]:
    """Groups of entries with ``batch_size`` slices in total; entries without slices wait only briefly."""
    gathered: list[Decoded] = []
    full = 0
    for one in decoded:
        gathered.append(one)
        full += one.square is not None
        if full == 0 or full >= batch_size or len(gathered) >= 4 * batch_size:
            yield gathered
            gathered, full = [], 0
    if gathered:
        yield gathered


@dataclass(frozen=True)
class _Batch:
    """A running batch."""

    runner: Runner
    wait: Callable[[], Computed]

    def outputs(self) -> list[SliceOutput]:
        """Outputs of each row; waits for the batch."""
        computed = self.wait()
        started = time.perf_counter()
        logits, distance = computed.logits.cpu().numpy(), self.runner.distance(computed.embedding.cpu())
        each = (computed.seconds + time.perf_counter() - started) / len(logits)
        return [SliceOutput(row, float(far), each) for row, far in zip(logits, distance, strict=True)]


def _start(runner: Runner, entries: Sequence[Decoded]) -> _Batch | None:
    squares = [entry.square for entry in entries if entry.square is not None]
    return _Batch(runner, runner.start(squares)) if squares else None


def _finished(entries: Sequence[Decoded], batch: _Batch | None) -> Iterator[tuple[Decoded, SliceOutput | None]]:
    outputs = iter([] if batch is None else batch.outputs())
    for entry in entries:
        yield entry, None if entry.square is None else next(outputs)


def _open(
    numbered: tuple[int, Path], *, task: ImageTask, memory: ScoreMemory | None
) -> tuple[Decoded, ImageStack | None]:
    """First slice of a file, and the stack for the others."""
    file, path = numbered
    started, digest = time.perf_counter(), ""
    try:
        # What a folder's slices or a volume's files are is known when it is open.
        stack = None if is_one_picture(path) else open_images(path)
        digest = files_sha256([path]) if stack is None else stack_sha256(stack)
        known = memory.get(digest) if memory is not None else None
        if known is not None:
            return Decoded(file, 0, len(known.logits), digest, None, 0.0, remembered=known), None
        stack = stack or open_images(path)
    except (EcgvizError, OSError, MemoryError) as error:
        seconds = time.perf_counter() - started
        return Decoded(file, 0, 1, digest, None, seconds, error=_sentence(error, path)), None
    opened = time.perf_counter() - started
    return _slice(stack, task, file, digest, 0, spent=opened), stack


def _slice(stack: ImageStack, task: ImageTask, file: int, digest: str, index: int, spent: float = 0.0) -> Decoded:
    started = time.perf_counter()
    try:
        pixels = stack.pixels(index)
        blank = is_blank(pixels)
        square = None if blank else task.square(pixels)
        told = square is not None and bool(task.regions) and stack.n_slices > 1
        layers = fine_layers(square[0].numpy()) if told and square is not None else float("nan")
    except (EcgvizError, OSError, MemoryError) as error:
        seconds = spent + time.perf_counter() - started
        sentence = _sentence(error, Path(stack.name))
        return Decoded(file, index, stack.n_slices, digest, None, seconds, error=sentence)
    notes = task.notes(pixels, stack.spacing_mm) if index == 0 and not blank else ()
    warnings = (*stack.warnings, *notes) if index == 0 else ()
    seconds = spent + time.perf_counter() - started
    return Decoded(file, index, stack.n_slices, digest, square, seconds, blank=blank, warnings=warnings, layers=layers)


def _sentence(error: Exception, path: Path) -> str:
    if isinstance(error, EcgvizError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{readable(path.name)}: there is not enough memory to decode it; make it smaller"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{readable(path.name)}: cannot be read ({reason}); check the file"
