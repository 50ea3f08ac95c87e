"""Turns a configuration into a job; invalid requests are refused here, with the name of the field."""

from __future__ import annotations

import hashlib
import json
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.compress.make import TUNED, LighterConfig, check_request, make_request, tuning_config
from models.config import TrainConfig, make_config
from models.core.errors import ConfigError, EcgvizError
from models.jobs.states import Job
from models.jobs.store import JobStore
from models.networks.registry import create_model
from models.plugins import plugin_of
from models.training.teachers import load_teachers
from models.training.tracking import check_mlflow

_ROOT = Path(__file__).resolve().parents[2]


def prepare(
    config: TrainConfig | LighterConfig | Mapping[str, Any],
    store: JobStore,
    *,
    who: str = "",
    name: str | None = None,
    device: str | None = None,
) -> Job:
    """A job, ready to be added to the store.

    Args:
        config: of a training or of a lighter form, or its plain values.
        store: says where the run will lie.
        who: who submits it.
        name: how the job is called; the configuration's name by default.
        device: where it will run; by default as the configuration says.

    Raises:
        ConfigError: the configuration cannot work; the message names the field.
        CheckpointError: the method is not for the checkpoint that is to become lighter.
    """
    wanted = lighter_request(config)
    if wanted is not None:
        return _prepare_lighter(wanted, store, who, name)
    checked = make_config(absolute(dict(config) if isinstance(config, Mapping) else config.model_dump(mode="json")))
    check_data(checked)
    check_network(checked)
    check_mlflow(checked)
    return _job(
        store,
        checked.model_dump(mode="json"),
        name=name or checked.name,
        epochs=checked.epochs,
        device=device or wanted_device(checked),
        who=who,
    )


def lighter_request(config: TrainConfig | LighterConfig | Mapping[str, Any]) -> LighterConfig | None:
    """The request for a lighter form in a configuration; None where it is for a training.

    Raises:
        ConfigError: a field of it does not fit.
    """
    if isinstance(config, LighterConfig):
        return config
    if isinstance(config, Mapping) and config.get("kind") == "lighter":
        return make_request(config)
    return None


def _prepare_lighter(wanted: LighterConfig, store: JobStore, who: str, name: str | None) -> Job:
    folders = {field: str(Path(path).expanduser().absolute()) if path else "" for field, path in (
        ("root", wanted.root), ("more", wanted.more))}  # fmt: skip
    wanted = wanted.model_copy(update=folders)
    checkpoint = check_request(wanted)
    if not wanted.root:
        raise ConfigError("data", "name labelled data: the form is judged beside its original")
    device, epochs = "cpu", 0
    if wanted.method in TUNED:
        config = tuning_config(wanted, checkpoint)
        check_data(config)
        device, epochs = wanted_device(config), config.epochs
    return _job(
        store,
        wanted.model_dump(mode="json"),
        name=name or f"{checkpoint.name}-{wanted.method}",
        epochs=epochs,
        device=device,
        who=who,
    )


def _job(store: JobStore, values: dict[str, Any], **fields: Any) -> Job:
    job_id = uuid.uuid4().hex[:12]
    return Job(
        id=job_id,
        config=values,
        config_hash=hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16],
        run_dir=store.run_dir(job_id),
        git_revision=git_revision(),
        **fields,
    )


def absolute(values: dict[str, Any]) -> dict[str, Any]:
    """The values with absolute paths."""
    data = dict(values.get("data") or {})
    for field in ("root", "noise_root", "more"):
        if isinstance(data.get(field), str) and data[field]:
            data[field] = str(Path(data[field]).expanduser().absolute())
    loss = dict(values.get("loss") or {})
    if loss.get("teachers"):
        loss["teachers"] = [str(Path(name).absolute()) if Path(name).is_dir() else name for name in loss["teachers"]]
    return values | {"data": data} | ({"loss": loss} if loss else {})


def wanted_device(config: TrainConfig) -> str:
    """Device that a training asks for: "cpu", "cuda" or "mps".

    Raises:
        ConfigError: this machine has none of that kind.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if config.device == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[config.device]:
        raise ConfigError("device", f"this machine has no {config.device}; set it to auto or cpu")
    return config.device


def check_data(config: TrainConfig) -> None:
    """Refuse a configuration whose data are missing, or that leaves one side of the split empty.

    Raises:
        ConfigError: they do.
    """
    plugin_of(config).check_data(config)


def check_network(config: TrainConfig) -> None:
    """Refuse arguments that the network does not take, and missing or unsuitable teachers.

    Raises:
        ConfigError: it has such.
    """
    try:
        with torch.device("meta"):  # drawn up without memory or random numbers
            network = create_model(config.network.architecture, **config.network_arguments())
            plugin_of(config).check_network(config, network)
    except EcgvizError:
        raise
    except (ValueError, TypeError, RuntimeError, AssertionError) as error:
        raise ConfigError(
            "network.arguments", f"{config.network.architecture} cannot be made with them ({error})"
        ) from error
    load_teachers(config)


def git_revision() -> str:
    """Revision of the program, with "-dirty" where it was changed; empty outside of a checkout.

    An environment inside of another repository must not lend its revision to the packages that are installed in it.
    """
    if not (_ROOT / ".git").exists():
        return ""
    try:
        found = subprocess.run(
            ["git", "-C", str(_ROOT), "describe", "--always", "--dirty", "--abbrev=12", "--match="],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
