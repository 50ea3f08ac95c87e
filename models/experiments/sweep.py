"""Sweeps: one training for each combination of some settings, or for random draws from their ranges.

Settings are written as ``--set`` takes them, with several values or a range: ``lr=1e-3,3e-4`` or ``lr=1e-5..1e-3``.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from models.config import TrainConfig, make_config
from models.config.changes import apply_change
from models.core.errors import ConfigError
from models.jobs import backend

MOST_RUNS = 200
_DECADE = 10.0
_COMMA = re.compile(r",(?![^\[]*\])")
Combination = dict[str, str]


def combinations(texts: Sequence[str], count: int = 0, seed: int = 0) -> list[Combination]:
    """The combinations of a sweep.

    Args:
        texts: ``name=value,value`` or ``name=low..high`` each.
        count: random draws; 0 makes every combination of the values, and allows no ranges.
        seed: of the draws.

    Raises:
        ConfigError: a text that is neither, a range without draws, or too many trainings.
    """
    parsed = dict(_parsed(text) for text in texts)
    if not parsed:
        raise ConfigError("sweep", "changes nothing; name settings with their values: --grid lr=1e-3,3e-4")
    if not 0 <= count <= MOST_RUNS:
        raise ConfigError("random", f"{count} draws are too many; {MOST_RUNS} are the most")
    if count:
        generator = np.random.default_rng(seed)
        return [{name: _draw(values, generator) for name, values in parsed.items()} for _ in range(count)]
    for name, values in parsed.items():
        if isinstance(values, tuple):
            raise ConfigError(name, "has a range, from which values are drawn; say how many: --random 8")
    lists = [values for values in parsed.values() if isinstance(values, list)]
    number = math.prod(map(len, lists))
    if number > MOST_RUNS:
        raise ConfigError("sweep", f"makes {number:,} trainings, {MOST_RUNS} are the most; take fewer, or --random")
    return [dict(zip(parsed, one, strict=True)) for one in itertools.product(*lists)]


def _parsed(text: str) -> tuple[str, list[str] | tuple[str, str]]:
    name, equals, values = text.partition("=")
    name = name.strip()
    if not equals or not name or not values.strip():
        raise ConfigError("sweep", f"{text!r} names no values; write name=value,value or name=low..high")
    low, dots, high = values.partition("..")
    if not dots:
        found = [one.strip() for one in _COMMA.split(values) if one.strip()]
        return name, list(dict.fromkeys(found))
    try:
        ordered = float(low) < float(high) and math.isfinite(float(low)) and math.isfinite(float(high))
    except ValueError:
        ordered = False
    if not ordered:
        raise ConfigError(name, f"has the range {values!r}; write two numbers, the lower first, as 1e-5..1e-3")
    return name, (low.strip(), high.strip())


def _draw(values: list[str] | tuple[str, str], generator: np.random.Generator) -> str:
    """Draw one of the values, or a number from the range: an integer between integers; log-uniform if the range spans a
    decade."""
    if isinstance(values, list):
        return values[int(generator.integers(len(values)))]
    low, high = map(float, values)
    if all(re.fullmatch(r"[+-]?\d+", one) for one in values):
        return str(int(generator.integers(int(low), int(high) + 1)))
    if low > 0 and high / low >= _DECADE:
        return f"{math.exp(generator.uniform(math.log(low), math.log(high))):.3g}"
    return f"{generator.uniform(low, high):.4g}"


def configurations(
    base: TrainConfig | Mapping[str, object], wanted: Sequence[Mapping[str, str]]
) -> list[tuple[str, TrainConfig]]:
    """Name and configuration of each training; all are validated before the first begins.

    Args:
        base: a configuration, or its plain values.
        wanted: changes of each training.

    Raises:
        ConfigError: an unknown setting or an invalid value.
    """
    values = dict(base) if isinstance(base, Mapping) else base.model_dump(mode="json")
    found = []
    for one in wanted:
        changed = copy.deepcopy(values)
        for name, value in one.items():
            apply_change(changed, f"{name}={value}")
        found.append((_name(str(values.get("name", "sweep")), one), make_config(changed)))
    return found


def submit(
    base: TrainConfig | Mapping[str, object], wanted: Sequence[Mapping[str, str]], *, who: str = ""
) -> list[str]:
    """Queue a training for each combination; returns the ids of the jobs.

    Raises:
        ConfigError, JobError: one of them cannot work.
    """
    return [backend().submit(config, who=who, name=name) for name, config in configurations(base, wanted)]


def _name(name: str, one: Mapping[str, str]) -> str:
    return " ".join((name, *(f"{path.rpartition('.')[2]}={value}" for path, value in one.items())))[:120]
