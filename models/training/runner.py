"""``run(config, context)``: from a configuration to a run folder with a checkpoint in it."""

from __future__ import annotations

from pathlib import Path

import lightning
import yaml

from models.config import TrainConfig
from models.plugins import plugin_of
from models.training.context import RunContext, TrainingProgress
from models.training.distributed import check
from models.training.trainer import log_file

LOG = "log.txt"


def run(config: TrainConfig, context: RunContext) -> Path:
    """Train a network; writes configuration, metrics, log, TensorBoard events and checkpoint into the run folder.

    Of several processes that train together each calls it with its own rank; see :mod:`models.training.distributed`.

    Args:
        config: what to train on what.
        context: where to write, whom to tell, who may stop it.

    Returns:
        Folder of the checkpoint.

    Raises:
        StoppedError: the caller asked it to stop; the whole state is in ``context.resume_dir``.
        TrainingError: it cannot go on; the message says why.
        ConfigError: data that do not fit the configuration: records missing or on both sides, a class without pictures.
        ReadError: data that cannot be read.
    """
    check(config, context)
    if context.rank:
        return _run(config, context.muted())
    context.run_dir.mkdir(parents=True, exist_ok=True)
    context.progress(TrainingProgress("reading"))
    with log_file(context.run_dir / LOG):
        (context.run_dir / "config.yaml").write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
        return _run(config, context)


def _run(config: TrainConfig, context: RunContext) -> Path:
    lightning.seed_everything(config.seed, workers=True, verbose=False)
    return plugin_of(config).fit(config, context)
