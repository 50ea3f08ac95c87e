"""Reads the training curves of a run from its CSV file, also while it trains."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

from models.config import TrainConfig
from models.plugins import find_plugin

CURVES = Path("curves") / "metrics.csv"
_MOST_POINTS = 400


@dataclass(frozen=True)
class Curves:
    """Metrics of a run by epoch.

    Attributes:
        series: epochs done (a fraction within an epoch) and values, by the name of the metric.
    """

    series: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def best(self, name: str, mode: str) -> tuple[float, float] | None:
        """Best value of a metric and its epoch; None before there is one."""
        epochs, values = self.series.get(name, ([], []))
        known = [(value, epoch) for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value)]
        if not known:
            return None
        return (min if mode == "min" else max)(known, key=lambda pair: pair[0])


def monitored(config: TrainConfig | dict) -> tuple[str, str]:
    """The metric that selects the epoch of a training, and whether it is minimised or maximised ("min", "max").

    Of a run whose task is not known here any more it is the loss.
    """
    values = config if isinstance(config, dict) else config.model_dump()
    plugin = find_plugin(values)
    if plugin is None:
        return "validation/loss", "min"
    found = plugin.monitor(values)
    return found.metric, found.mode


def curves_file(run_dir: Path) -> Path:
    """Path of the curves of a run."""
    return run_dir / CURVES


def read_curves(run_dir: Path) -> Curves:
    """Curves of a run so far; empty while there is no complete file."""
    try:
        with curves_file(run_dir).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error):
        return Curves()
    per_epoch = _steps_per_epoch(rows)
    series: dict[str, tuple[list[float], list[float]]] = {}
    for row in rows:
        step, epoch = _number(row.get("step")), _number(row.get("epoch"))
        for name, text in row.items():
            value = _number(text) if name not in {"step", "epoch", None} else None
            if value is None:
                continue
            at = (step + 1) / per_epoch if name.startswith("lr") and step is not None and per_epoch else None
            if at is None:
                if epoch is None:
                    continue
                at = epoch + 1
            places, values = series.setdefault("lr" if name.startswith("lr") else name, ([], []))
            places.append(at)
            values.append(value)
    return Curves({name: _thin(*points) for name, points in series.items()})


def _steps_per_epoch(rows: list[dict]) -> float | None:
    """Optimiser steps per epoch, from the first row at the end of an epoch."""
    for row in rows:
        step, epoch = _number(row.get("step")), _number(row.get("epoch"))
        if step is not None and epoch is not None and row.get("train/loss"):
            return (step + 1) / (epoch + 1)
    return None


def _number(text: object) -> float | None:
    try:
        return float(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


def _thin(places: list[float], values: list[float]) -> tuple[list[float], list[float]]:
    """Subsample to a maximum number of points, keeping the last."""
    step = -(-len(values) // _MOST_POINTS)
    if step <= 1:
        return places, values
    return [*places[:-1:step], places[-1]], [*values[:-1:step], values[-1]]
