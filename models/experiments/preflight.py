"""Preflight check of a training: cases by class, parameters, memory and time.

Counts come from the annotations and tables themselves. Memory and time come from a few real steps of the network on
real input of the configuration; the estimate says what it rests on and is that: an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from models.config import TrainConfig
from models.core.callbacks import Progress, ShouldStop
from models.core.errors import ConfigError, ReadError
from models.experiments.measure import measure
from models.networks.registry import create_model
from models.plugins import plugin_of
from models.plugins.results import Cases, Pace

PROGRAM_BYTES = 0.95e9
"""What the training program holds before it has any data: Python, torch, Lightning and TensorBoard, on a CPU."""
_BACKWARD = 1.5
"""Peak memory of the backward pass, relative to the stored activations."""
START_S = 8.0
"""What it needs to come up."""
_WRITE_BYTES_A_S = 150e6
"""How fast the weights of an epoch get to the disk, with their hash."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Result of a preflight check.

    Attributes:
        cases: the data.
        parameters: trained numbers of the network.
        memory_bytes: at its peak, the program included.
        seconds: if it goes through all epochs.
        epoch_s: of one of them, its validation included.
        step_s: of one step, measured.
        device: "cpu", "cuda" or "mps".
        warnings: sentences to think about before the start.
        test: records, recordings or pictures that are kept apart for a test; None where the data name none.
    """

    cases: Cases
    parameters: int
    memory_bytes: float
    seconds: float
    epoch_s: float
    step_s: float
    device: str
    warnings: tuple[str, ...] = ()
    test: int | None = None


def outlook(
    config: TrainConfig,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Outlook:
    """Count the data, build the network and time a few steps.

    Args:
        config: the training.
        progress: told steps done, steps in all, a note.
        should_stop: asked between the steps; True gives up with ReadError.

    Raises:
        ConfigError: a setting that cannot work. ReadError: data that cannot be read, or stopped.
    """

    def tell(done: int, note: str) -> None:
        if should_stop is not None and should_stop():
            raise ReadError("check", "was stopped before it was through; check again for an estimate")
        if progress is not None:
            progress(done, 3, note)

    from models.jobs.submission import check_data, check_network, wanted_device

    plugin = plugin_of(config)
    tell(0, "Counting the data")
    device = wanted_device(config)
    check_data(config)
    check_network(config)
    cases = plugin.count(config)
    tell(1, "Measuring a few steps")
    pace = measure(config, cases.sample, device)
    tell(2, "Measuring a few steps")
    parameters = network_size(config)
    epoch_s = pace.step_s * cases.steps + pace.forward_s * cases.validation_steps
    epoch_s += 4.0 * parameters / _WRITE_BYTES_A_S
    return Outlook(
        cases=cases,
        parameters=parameters,
        memory_bytes=_memory(config, cases, parameters, pace, device),
        seconds=epoch_s * config.epochs + START_S + plugin.around_s(config, cases, pace),
        epoch_s=epoch_s,
        step_s=pace.step_s,
        device=device,
        warnings=_warnings(config, cases, device),
        test=_kept_apart(config),
    )


def _kept_apart(config: TrainConfig) -> int | None:
    """How many cases the data set keeps for a test, none of which is trained on; None where it has no such side."""
    try:
        found = plugin_of(config).split(config, "test")
    except (ConfigError, ReadError, KeyError):
        return None
    return len(set(found.side) - found.trained)


def network_size(config: TrainConfig) -> int:
    """Number of trainable parameters, counted on the meta device.

    Raises:
        ConfigError: arguments that it does not take.
    """
    try:
        with torch.device("meta"):
            network = create_model(config.network.architecture, **config.network_arguments())
    except (ValueError, TypeError, RuntimeError, AssertionError) as error:
        raise ConfigError(
            "network.arguments", f"{config.network.architecture} cannot be made with them ({error})"
        ) from error
    return sum(parameter.numel() for parameter in network.parameters())


def _memory(config: TrainConfig, cases: Cases, parameters: int, pace: Pace, device: str) -> float:
    """Peak memory in bytes: weights, gradients, two moments (and an average), activations, the data.

    On a CPU also what the optimiser puts aside, and the state as it is written: weights and moments (and an average).
    """
    averaged = bool(getattr(config, "ema_decay", 0))
    step = _BACKWARD * pace.activation_bytes_per_item * config.batch_size
    if device != "cpu":
        return 4.0 * parameters * (4 + averaged) + step
    return PROGRAM_BYTES + 4.0 * parameters * (8 + 2 * averaged) + step + cases.data_bytes


def _warnings(config: TrainConfig, cases: Cases, device: str) -> tuple[str, ...]:
    found = list(cases.doubts)
    needed = plugin_of(config).needed_classes(config)
    lacking = [name for name, count in cases.train.items() if not count and name in needed]
    if lacking:
        found.append(f"There is nothing of class {', '.join(lacking)} to learn from: the network will never say it.")
    if not cases.sizes[1]:
        found.append(
            "Nothing is held out: all epochs are trained, the last is kept, and nothing is known of how good it is."
        )
    if device == "cpu" and config.mixed_precision:
        found.append("Mixed precision gains on a CPU only where it has bfloat16 units.")
    return tuple(found)
