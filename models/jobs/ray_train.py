"""``python -m models.jobs.ray_train RUN_FOLDER SUBMISSION``: the program of a Ray job.

It has Ray Train start the workers; each calls :func:`models.training.run` with its rank. SIGTERM, with which Ray stops
a job, reaches this process alone, so it is passed on to the workers, which write their state and end.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.config import make_config
from models.core.errors import EcgvizError, StoppedError
from models.jobs.ray_run import RunFiles
from models.jobs.worker import Reporter, Stop, reason
from models.training.allocator import keep_memory

NAMESPACE = "ecgviz"
MAX_FAILURES = 2
"""How often the workers are started again after one was lost; they go on from the last state."""
_LOOK_S = 0.5
_FORMAT = "%(asctime)s %(message)s"
logger = logging.getLogger(__name__)


class Desk:
    """Actor that tells the workers whether to stop."""

    def __init__(self) -> None:
        self._stop = False
        self._begun = False

    def stop(self) -> bool:
        """Ask the workers to stop; returns whether there are any."""
        self._stop = True
        return self._begun

    def asked(self) -> bool:
        """Whether a stop was requested."""
        self._begun = True
        return self._stop


def main(arguments: Sequence[str]) -> int:
    """Train as the run folder says; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format=_FORMAT)
    folder, submission = Path(arguments[0]), arguments[1]
    files = RunFiles(folder, submission)
    order = files.ordered()
    if not order:
        sys.stderr.write(
            f"error: {folder} is not there or not of this job; put the runs (ECGVIZ_RAY_RUNS) on storage that the "
            "cluster has at the same path\n"
        )
        return 2
    import ray

    ray.init(namespace=NAMESPACE, configure_logging=False)
    desk = ray.remote(num_cpus=0)(Desk).options(name=submission).remote()
    _pass_on_stop(desk, files)
    try:
        _fit(order | {"folder": str(folder), "submission": submission})
    except Exception as error:  # whatever ended it is told
        logger.exception("the training ended")
        if not files.outcome():
            files.end("failed", reason=_why(error))
    outcome = files.outcome()
    if outcome.get("state") == "failed":
        sys.stderr.write(f"error: {outcome['reason']}\n")
        return 1
    return 0


def _fit(order: dict[str, Any]) -> None:
    import ray
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    workers = order["workers"]
    device = order["config"]["device"]
    on_gpu = device == "cuda" or (device == "auto" and ray.cluster_resources().get("GPU", 0) >= workers)
    TorchTrainer(
        _work,
        train_loop_config=order,
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=on_gpu),
        run_config=RunConfig(
            name="ray", storage_path=order["folder"], failure_config=FailureConfig(max_failures=MAX_FAILURES)
        ),
    ).fit()


def _pass_on_stop(desk: Any, files: RunFiles) -> None:
    """Forward SIGTERM to the workers from a thread, since a signal handler must not block."""
    import ray

    asked = threading.Event()

    def wait() -> None:
        asked.wait()
        if not ray.get(desk.stop.remote()):
            files.end("cancelled")
            os._exit(0)  # nobody is at work yet: the cluster may have no room for a long time

    threading.Thread(target=wait, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda number, frame: asked.set())


def _work(order: dict[str, Any]) -> None:
    """The function of each worker."""
    import ray
    from ray.train import get_context

    logging.basicConfig(level=logging.INFO, format=_FORMAT)
    keep_memory()
    place = get_context()
    rank, world_size = place.get_world_rank(), place.get_world_size()
    files = RunFiles(Path(order["folder"]), order["submission"])
    if files.outcome():
        return  # Ray starts the workers again after any error; what our own errors say does not change by that
    told = Reporter(files, order["job"], Stop())
    stop = threading.Event()
    if rank == 0:
        desk = ray.get_actor(order["submission"], namespace=NAMESPACE)
        threading.Thread(target=_ask, args=(desk, stop), daemon=True).start()
    from models.training import RunContext, run

    context = RunContext(
        files.folder,
        report=told.epoch,
        should_stop=stop.is_set,
        progress=told.progress,
        resume=True,
        checkpoint_every_s=order["checkpoint_every_s"],
        rank=rank,
        world_size=world_size,
    )
    try:
        checkpoint = run(make_config(order["config"]), context)
    except StoppedError as error:
        if rank == 0:
            logging.getLogger("models.training").info("%s", error)
            files.end("cancelled")
    except EcgvizError as error:
        files.end("failed", reason=str(error))
        raise
    else:
        if rank == 0:
            files.end("done", checkpoint=str(checkpoint))


def _ask(desk: Any, stop: threading.Event) -> None:
    import ray

    while not stop.wait(_LOOK_S):
        if ray.get(desk.asked.remote()):
            stop.set()


def _why(error: Exception) -> str:
    """A worker's own error where Ray reports it, rather than the errors of the others about the lost one."""
    failures = getattr(error, "worker_failures", None) or {}
    causes = {rank: getattr(failure, "cause", None) or failure for rank, failure in failures.items()}
    for rank, cause in causes.items():
        if type(cause).__name__.startswith("WorkerHealthCheck") or "onnection closed by peer" in str(cause):
            lost = f"worker {rank}" if "peer" not in str(cause) else "a worker"
            return (
                f"{lost} was lost (killed, memory ran out, or its node went away), more than {MAX_FAILURES} times in "
                "all; resume goes on from the last checkpoint"
            )
    return reason(next(iter(causes.values()), error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
