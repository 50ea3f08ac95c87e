"""Inspects pictures and stacks: calibrated defect probability and verdict for every file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ecgviz.analysis.pipeline import Decoded, Runner, SliceOutput, decode_files, decode_stack, decoders, network_outputs
from ecgviz.analysis.regions import slice_regions
from ecgviz.analysis.score_cache import NetworkOutputs, ScoreMemory, stack_sha256
from ecgviz.errors import ConfigError, ReadError
from ecgviz.results import Verdict
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from models.evaluation.operating_point import OperatingPoint, in_force
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.tasks import ImageTask
from models.tasks.image import defect_probability
from models.tasks.image_levels import NOTHING_TO_JUDGE
from readers.core.file_names import readable
from readers.image_stack import ImageStack


@dataclass(frozen=True)
class StackRule:
    """Aggregation of slice scores to a stack's score: mean of the ``top_k`` highest; 1 is the maximum.

    The slice that the verdict names is the highest. A defect that shows in one slice only needs 1; with 3 or more one
    odd slice decides nothing.
    """

    top_k: int = 1

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise ConfigError("top_k", f"{self.top_k} slices cannot decide; give 1 or more")

    def score(self, scores: np.ndarray) -> tuple[float, int]:
        """Score of a stack and the deciding slice; unreadable slices (NaN) are ignored."""
        order = np.argsort(-np.nan_to_num(scores, nan=-1.0), kind="stable")
        deciding = scores[order[: self.top_k]]
        deciding = deciding[np.isfinite(deciding)]
        return (float(deciding.mean()), int(order[0])) if len(deciding) else (float("nan"), 0)

    def describe(self) -> str:
        """One-line description for page and report."""
        return (
            "the highest score of its slices"
            if self.top_k == 1
            else f"the mean of the {self.top_k} highest slice scores"
        )


def inspect_files(
    paths: Iterable[str | Path],
    checkpoint: Checkpoint,
    *,
    device: str | torch.device | None = None,
    operating_point: OperatingPoint | None = None,
    batch_size: int | None = None,
    rule: StackRule | None = None,
    remember: bool = True,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[Verdict]:
    """Verdicts on files in order, yielded as they are ready.

    A file of several slices (or a folder, taken as one stack) is judged by ``rule``. The network's outputs for a
    file are kept on disk by the file's content, so a scan that was stopped goes on where it was, and another operating
    point needs no network. A file that cannot be read gives a verdict "review" with its error and ends nothing.

    Args:
        paths: files, or folders that hold one stack each.
        checkpoint: of a task ``image``.
        device: where to compute; where the network is when None.
        operating_point: the one saved with the checkpoint when None, else the likelier class.
        batch_size: slices in a batch; what suits the device when None.
        rule: how slices decide; the highest one when None.
        remember: read and write the memory on disk.
        progress: told files done, files in all, a note.
        should_stop: asked between batches; True ends early.

    Raises:
        CheckpointError: the checkpoint is not for pictures, or its operating point is damaged.
        ConfigError: no files, or a batch size below 1.
    """
    paths = [Path(path) for path in paths]
    if not paths:
        raise ConfigError("path", "there is no picture to inspect; name a file, or a folder that holds some")
    if batch_size is not None and batch_size < 1:
        raise ConfigError("batch_size", f"{batch_size} is no batch; give 1 or more")
    judge = Judge(checkpoint, operating_point or current_point(checkpoint), rule or StackRule())
    return _inspect(paths, judge, device, batch_size, remember, progress, should_stop)


def score_stack(
    stack: ImageStack,
    checkpoint: Checkpoint,
    *,
    device: str | torch.device | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> np.ndarray:
    """Calibrated defect probability of every slice of an open stack, float32 (n_slices,).

    The outputs are kept on disk by the content of the stack's files and shared with ``inspect_files``; those for a
    stack that lies in memory are not.

    Args:
        stack: from ``open_images``.
        checkpoint: of a task ``image``.
        device: where to compute; where the network is when None.
        batch_size: slices in a batch; what suits the device when None.
        progress: told slices done, slices in all, a note.
        should_stop: asked between batches; True ends early, the slices not reached are NaN.

    Returns:
        NaN where a slice could not be read.

    Raises:
        CheckpointError: the checkpoint is not for pictures.
        ReadError: no slice could be read.
    """
    outputs = stack_outputs(
        stack, checkpoint, device=device, batch_size=batch_size, progress=progress, should_stop=should_stop
    )
    return defect_scores(outputs.logits, checkpoint)


def stack_outputs(
    stack: ImageStack,
    checkpoint: Checkpoint,
    *,
    device: str | torch.device | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NetworkOutputs:
    """Logits and feature distance of every slice; arguments and errors as for ``score_stack``."""
    require_image_task(checkpoint)
    sha256 = stack_sha256(stack)
    with closing(ScoreMemory(checkpoint)) as memory:
        known = memory.get(sha256) if sha256 else None
        if known is not None and len(known.logits) == stack.n_slices:
            return known
        runner = Runner(checkpoint, device)
        size = batch_size or runner.batch_size
        gathered = _Gathered(stack.n_slices, len(checkpoint.card.classes))
        with decoders() as pool:
            decoded = decode_stack(pool, stack, runner.task, runner.ahead(size))
            for done, (one, output) in enumerate(network_outputs(runner, decoded, size, should_stop), start=1):
                gathered.add(one, output)
                if progress is not None:
                    progress(done, stack.n_slices, "Scoring slices")
        if len(gathered.errors) == stack.n_slices:
            raise ReadError(stack.name, f"no slice could be read ({gathered.errors[0][1]}); check the file")
        outputs = gathered.outputs()
        if sha256 and not gathered.errors and outputs.blank < stack.n_slices:
            memory.put(sha256, outputs)
    return outputs


def judge_stack(
    stack: ImageStack,
    checkpoint: Checkpoint,
    outputs: NetworkOutputs,
    *,
    operating_point: OperatingPoint | None = None,
    rule: StackRule | None = None,
) -> Verdict:
    """Verdict on an open stack from its :func:`stack_outputs`; fast enough to follow every setting."""
    judge = Judge(checkpoint, operating_point or current_point(checkpoint), rule or StackRule())
    return judge.verdict(stack.name, stack_sha256(stack), outputs, 0.0, not_read(stack, outputs))


def not_read(stack: ImageStack, outputs: NetworkOutputs) -> str:
    """What of a stack was not read, in words; empty where all of it was. Slices of one value were read."""
    unread = int(np.isnan(outputs.logits).any(axis=1).sum()) - outputs.blank
    if outputs.blank == stack.n_slices:
        return f"{stack.name}: {NOTHING_TO_JUDGE}"
    return f"{unread} of {stack.n_slices} slices could not be read" if unread > 0 else ""


def current_point(checkpoint: Checkpoint) -> OperatingPoint:
    """The operating point saved with a checkpoint, or the default one.

    Raises:
        CheckpointError: the file is damaged.
    """
    return in_force(checkpoint.folder)


def defect_scores(logits: np.ndarray, checkpoint: Checkpoint) -> np.ndarray:
    """Calibrated probability of a defect, float32 (n,), from logits (n, n_classes)."""
    scaled = torch.from_numpy(np.array(logits, np.float64)) / checkpoint.card.temperature
    return defect_probability(scaled).float().numpy()


def require_image_task(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError for a checkpoint that does not classify pictures."""
    checkpoint.require(ImageTask, "reads recordings, not pictures; choose one whose card says the task is image")


class Judge:
    """Turns network outputs into verdicts: calibration, operating point, distance and stack rule.

    A stack is as far from the training as the slice that its verdict names, or as its middle slice by distance where
    that is farther: the ends of a cell may look strange, most of it may not.
    """

    def __init__(self, checkpoint: Checkpoint, point: OperatingPoint, rule: StackRule):
        require_image_task(checkpoint)
        self.checkpoint, self.point, self.rule = checkpoint, point, rule
        ood_detector = OutOfDistributionDetector.load(checkpoint.folder)
        self._limit = None if ood_detector is None else float(ood_detector.limit)

    def verdict(self, file: str, sha256: str, outputs: NetworkOutputs, seconds: float, error: str) -> Verdict:
        """Verdict on one file; with an error (partly unreadable), "normal" becomes "review"."""
        scores = defect_scores(outputs.logits, self.checkpoint)
        left_out, told = self._left_out(outputs)
        judged = np.where(np.isin(np.arange(len(scores)), left_out), np.nan, scores)
        score, place = self.rule.score(judged)
        distance, in_distribution = self._in_distribution(np.where(np.isnan(judged), np.nan, outputs.distance), place)
        decision = self.point.decide(score, in_distribution)
        return Verdict(
            file=file,
            slice_index=place if len(scores) > 1 else None,
            sha256=sha256,
            verdict="review" if error and decision == "normal" else decision,
            score=score,
            threshold=self.point.threshold,
            grey_zone=self.point.grey_zone,
            operating_point_version=self.point.version,
            checkpoint=self.checkpoint.name,
            checkpoint_sha256=self.checkpoint.sha256,
            distance=distance,
            in_distribution=in_distribution,
            seconds=seconds,
            error=error,
            slice_scores=tuple(scores.tolist()),
            warnings=(*outputs.warnings, *told),
            left_out=left_out,
            defect_type=self._type(outputs.logits[place]) if decision == "defect" else "",
        )

    def _left_out(self, outputs: NetworkOutputs) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """Slices outside of the regions that the network judges, and a sentence about them."""
        regions = self.checkpoint.task.regions
        if not regions or outputs.layers is None:
            return (), ()
        found = slice_regions(outputs.layers)
        if not found:
            return (), (f"No {' or '.join(regions)} is seen in it, so all slices were judged.",)
        out = tuple(index for index, region in enumerate(found) if region not in regions)
        if not out:
            return (), ()
        words = counted(len(out), "slice is", "slices are")
        return out, (
            f"{words} not judged: ends of the cell (lid, tab); the network judges its {' and '.join(regions)}.",
        )

    def _type(self, logits: np.ndarray) -> str:
        """The likeliest type of defect; empty where the network knows none."""
        types = self.checkpoint.task.defect_types
        return types[int(logits[1:].argmax())] if types else ""

    def _in_distribution(self, distances: np.ndarray, place: int) -> tuple[float | None, bool | None]:
        known = distances[np.isfinite(distances)]
        if self._limit is None or not len(known) or not np.isfinite(distances[place]):
            return None, None
        distance = float(max(distances[place], np.median(known)))
        return distance, distance <= self._limit


class _Gathered:
    """Collects the outputs of one file's slices."""

    def __init__(self, n_slices: int, n_classes: int):
        self._logits = np.full((n_slices, n_classes), np.nan, np.float32)
        self._distance = np.full(n_slices, np.nan, np.float32)
        self._layers = np.full(n_slices, np.nan, np.float32)
        self.errors: list[tuple[int, str]] = []
        self.seconds = 0.0
        self._blank = 0
        self._warnings: tuple[str, ...] = ()

    def add(self, one: Decoded, output: SliceOutput | None) -> None:
        self.seconds += one.seconds
        if output is not None:
            self._logits[one.slice_index], self._distance[one.slice_index] = output.logits, output.distance
            self.seconds += output.seconds
        if one.error:
            self.errors.append((one.slice_index, one.error))
        self._layers[one.slice_index] = one.layers
        self._blank += one.blank
        self._warnings += one.warnings

    def outputs(self) -> NetworkOutputs:
        some = 0 < self._blank < len(self._logits)
        blank = (f"{counted(self._blank, 'slice is', 'slices are')} of one value everywhere and not judged.",)
        warnings = (*self._warnings, *(blank if some else ()))
        layers = self._layers if np.isfinite(self._layers).any() else None
        return NetworkOutputs(self._logits, self._distance, warnings, self._blank, layers)

    def error(self, name: str) -> str:
        if self._blank == len(self._logits):
            return f"{name}: {NOTHING_TO_JUDGE}"
        if not self.errors:
            return ""
        index, sentence = self.errors[0]
        if len(self._logits) == 1:
            return sentence
        return f"{len(self.errors)} of {len(self._logits)} slices could not be read; slice {index + 1}: {sentence}"


def _inspect(
    paths: Sequence[Path],
    judge: Judge,
    device: str | torch.device | None,
    batch_size: int | None,
    remember: bool,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Iterator[Verdict]:
    checkpoint = judge.checkpoint
    runner = Runner(checkpoint, device)
    size = batch_size or runner.batch_size
    memory = ScoreMemory(checkpoint) if remember else None
    n_classes = len(checkpoint.card.classes)
    gathered: _Gathered | None = None
    try:
        with decoders() as pool:
            decoded = decode_files(pool, paths, runner.task, memory, runner.ahead(size))
            for one, output in network_outputs(runner, decoded, size, should_stop):
                gathered = gathered or _Gathered(one.n_slices, n_classes)
                gathered.add(one, output)
                if one.remembered is None and one.slice_index + 1 < one.n_slices:
                    continue
                outputs, error = one.remembered or gathered.outputs(), gathered.error(readable(paths[one.file].name))
                if memory is not None and one.remembered is None and not error:
                    memory.put(one.sha256, outputs)
                verdict = judge.verdict(str(paths[one.file]), one.sha256, outputs, gathered.seconds, error)
                gathered = None
                if progress is not None:
                    progress(one.file + 1, len(paths), "Inspecting files")
                yield verdict
    finally:
        if memory is not None:
            memory.close()
