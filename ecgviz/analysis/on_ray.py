"""Analyses a folder of files on a Ray cluster with Ray Data, with the same results in the same order.

Files and checkpoint lie where all nodes have them at the same path. Each worker loads the checkpoint once.
"""

from __future__ import annotations

import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ecgviz.analysis.folder import Analysed, Reading, analyse_file
from ecgviz.errors import ConfigError
from ecgviz.results import Verdict
from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import JobError
from models.evaluation.operating_point import OperatingPoint
from models.jobs.ray_cluster import authentication_fault, program, use_token

_FILES_A_BATCH = 8


def inspect_on_ray(
    paths: Sequence[Path], checkpoint: Checkpoint, point: OperatingPoint, progress: Progress | None = None
) -> Iterator[Verdict]:
    """Verdicts as of :func:`ecgviz.analysis.inspect.inspect_files`.

    Raises:
        ConfigError: no files, or Ray is not installed.
        JobError: there is no cluster, or it refuses the token.
    """
    if not paths:
        raise ConfigError("path", "there is no picture to inspect; name a file, or a folder that holds some")
    found = _spread(paths, _Inspector, {"folder": str(checkpoint.folder.absolute()), "point": point}, progress)
    return (replace(verdict, file=str(path)) for path, verdict in zip(paths, found, strict=True))


def analyse_on_ray(
    paths: Sequence[Path], checkpoint: Checkpoint, reading: Reading, progress: Progress | None = None
) -> Iterator[Analysed]:
    """Results as of :func:`ecgviz.analysis.folder.analyse_files`.

    Raises:
        ConfigError: Ray is not installed.
        JobError: there is no cluster, or it refuses the token.
    """
    return _spread(paths, _Analyser, {"folder": str(checkpoint.folder.absolute()), "reading": reading}, progress)


def answer_on_ray(paths: Sequence[Path], make: Callable[[], Any], progress: Progress | None = None) -> Iterator[Any]:
    """Results of ``or_error(path)`` for each file in order, of an object that each worker makes with ``make()``.

    Raises:
        ConfigError: Ray is not installed.
        JobError: there is no cluster, or it refuses the token.
    """
    return _spread(paths, _Answerer, {"make": make}, progress)


class _Worker(ABC):
    """Actor of Ray Data that processes a batch of files."""

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = self.answer([Path(os.fsdecode(path)) for path in batch["path"]])
        held = np.empty(len(results), object)
        held[:] = results
        return {"number": batch["number"], "answer": held}

    @abstractmethod
    def answer(self, paths: list[Path]) -> list[Any]:
        """One result per file."""


class _WithCheckpoint(_Worker):
    """Worker with a loaded checkpoint, on the GPU assigned by Ray, else on the CPU."""

    def __init__(self, folder: str, **options: Any):
        from ecgviz.analysis.devices import choose_device
        from models import load_checkpoint

        self.checkpoint = load_checkpoint(folder, choose_device("auto"))
        self.options = options


class _Inspector(_WithCheckpoint):
    def answer(self, paths: list[Path]) -> list[Any]:
        from ecgviz.analysis.inspect import inspect_files

        return list(inspect_files(paths, self.checkpoint, operating_point=self.options["point"]))


class _Answerer(_Worker):
    def __init__(self, make: Callable[[], Any]):
        self.answerer = make()

    def answer(self, paths: list[Path]) -> list[Any]:
        return [self.answerer.or_error(path) for path in paths]


class _Analyser(_WithCheckpoint):
    def answer(self, paths: list[Path]) -> list[Any]:
        return [analyse_file(path, self.checkpoint, self.options["reading"]) for path in paths]


def _spread(
    paths: Sequence[Path], worker: type[_Worker], arguments: dict[str, Any], progress: Progress | None
) -> Iterator[Any]:
    """Results in the order of the paths, yielded as they are ready."""
    with _cluster() as ray:
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        size = max(1, min(gpus or int(resources.get("CPU", 1)), len(paths)))
        rows = [{"number": number, "path": os.fsencode(path.absolute())} for number, path in enumerate(paths)]
        results = ray.data.from_items(rows, override_num_blocks=min(len(rows), 4 * size)).map_batches(
            worker,
            fn_constructor_kwargs=arguments,
            batch_size=max(1, min(_FILES_A_BATCH, len(rows) // size)),
            compute=ray.data.ActorPoolStrategy(size=size),
            num_gpus=1 if gpus else None,
            num_cpus=None if gpus else 1,
        )
        early: dict[int, Any] = {}
        due = 0
        for done, row in enumerate(results.iter_rows(), start=1):
            early[row["number"]] = row["answer"]
            if progress is not None:
                progress(done, len(paths), "Ray")
            while due in early:
                yield early.pop(due)
                due += 1


@contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected to the cluster of ``RAY_ADDRESS``, else to that of this machine."""
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("ray", "Ray is not installed; pip install -r requirements-scale.txt")
    use_token()
    import ray
    import ray.data

    # A Ray job has brought the program along already.
    sent = None if "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ else program()
    address = os.environ.get("RAY_ADDRESS") or "auto"
    try:
        ray.init(address=address, runtime_env=sent, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        fault = authentication_fault(error)
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise JobError(
            # A node that refuses the token looks to Ray as one that is not there.
            fault
            or f"the Ray cluster does not answer ({first}); call this on one of its nodes, or set RAY_ADDRESS; if it "
            "runs, authentication failed: put its token into the file that RAY_AUTH_TOKEN_PATH names"
        ) from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        yield ray
    finally:
        ray.shutdown()
