"""The curves of a run, read from the CSV file that its training writes while it is at work."""

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
    """Metrics of a run over its epochs.

    Attributes:
        series: epochs done (a fraction within an epoch) and values, by the name of the metric.
    """

    series: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)

    def best(self, name: str, mode: str) -> tuple[float, float] | None:
        """Best value of a metric and the epoch that it was reached in; None before there is one."""
        epochs, values = self.series.get(name, ([], []))
        known = [(value, epoch) for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value)]
        if not known:
            return None
        return (min if mode == "min" else max)(known, key=lambda pair: pair[0])


def monitored(config: TrainConfig | dict) -> tuple[str, str]:
    """The metric that a training chooses its epoch by, and whether "min" or "max" of it is best.

    Of a run whose task is not known here any more it is the loss.
    """
    values = config if isinstance(config, dict) else config.model_dump()
    plugin = find_plugin(values)
    if plugin is None:
        return "validation/loss", "min"
    found = plugin.monitor(values)
    return found.metric, found.mode


def curves_file(run_dir: Path) -> Path:
    """Where the curves of a run lie."""
    return run_dir / CURVES


def read_curves(run_dir: Path) -> Curves:
    """The curves of a run so far; without any while there is no file, or half of one."""
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
    """From the first row that stands at the end of an epoch."""
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
    """At most so many points, the last among them."""
    step = -(-len(values) // _MOST_POINTS)
    if step <= 1:
        return places, values
    return [*places[:-1:step], places[-1]], [*values[:-1:step], values[-1]]
