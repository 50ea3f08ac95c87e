"""Trainings as rows of a comparison: changed settings, metric with interval, cost."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.checkpoints import CARD, ONNX, WEIGHTS
from models.core.files import write_whole
from models.experiments.curves import monitored
from models.experiments.fields import differences, pick
from models.jobs import Job, JobState
from models.plugins import find_plugin

NOTES = "notes.md"
METRICS = "metrics.json"
_LEFT_OUT = ("data.root", "data.noise_root", "data.more", "device")


@dataclass(frozen=True)
class Metric:
    """A metric with its 95% interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        return f"{self.value:.3f}" if self.low is None else f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes:
        job: how it ran.
        metrics: on its validation data, by name.
        cases: what they rest on, in words.
        confusion: counts on its validation data; None where there are none.
        classes: names of the rows and columns of it.
        epoch: the epoch that was kept; None before the end.
        seconds: how long it trained; None before the end.
        parameters: trained numbers; None before the end.
        weight_bytes: size of its weights on disk.
        note: what a person wrote about it.
    """

    job: Job
    metrics: dict[str, Metric] = field(default_factory=dict)
    cases: str = ""
    confusion: list[list[int]] | None = None
    classes: tuple[str, ...] = ()
    epoch: int | None = None
    seconds: float | None = None
    parameters: int | None = None
    weight_bytes: int = 0
    note: str = ""

    @property
    def kind(self) -> str:
        """Kind of its task."""
        return str(pick(self.job.config, "task.kind"))

    @property
    def metric(self) -> str:
        """Name of the metric that compares runs of its task; empty where the task is unknown."""
        plugin = find_plugin(self.job.config)
        return "" if plugin is None else plugin.metric

    @property
    def main(self) -> Metric:
        """Value of that metric."""
        return self.metrics.get(self.metric, Metric(None))

    @property
    def lacking(self) -> tuple[str, ...]:
        """Classes that its validation data hold no case of: their metrics say nothing."""
        if not self.confusion or len(self.confusion) < len(self.classes):
            return ()
        return tuple(name for name, row in zip(self.classes, self.confusion, strict=False) if not sum(row))

    @property
    def folder(self) -> Path:
        """Folder of its checkpoint."""
        return self.job.checkpoint or self.job.run_dir / "checkpoint"

    @property
    def done(self) -> bool:
        """Whether it has finished."""
        return self.job.state is JobState.DONE and (self.folder / CARD).is_file()


def read_run(job: Job) -> Run:
    """Read the folder of a run; unreadable parts are left out."""
    written = _json(job.run_dir / METRICS)
    checkpoint = job.checkpoint or job.run_dir / "checkpoint"
    card = _json(checkpoint / CARD)
    validation = written.get("validation") or {}
    units = validation.get("groups") or len(validation.get("records") or ())
    metrics = {  # of a single record nothing can be said of others: its interval would be a point
        name: Metric(score.get("value"), *((score.get("interval95") if units > 1 else None) or (None, None)))
        for name, score in (validation.get("scores") or {}).items()
    }
    try:
        size = (checkpoint / (ONNX if card.get("format") == "onnx" else WEIGHTS)).stat().st_size
    except OSError:
        size = 0
    return Run(
        job, metrics, _cases(job, validation), validation.get("confusion"), tuple(card.get("classes") or ()),
        written.get("epoch"), written.get("seconds"), card.get("parameters"), size, read_note(job.run_dir),
    )  # fmt: skip


def _cases(job: Job, validation: Mapping[str, Any]) -> str:
    plugin = find_plugin(job.config)
    return "" if plugin is None else plugin.cases_words(validation)


def change(run: Run, baseline: Run | None) -> dict[str, tuple[Any, Any]]:
    """Settings that differ from the baseline, without folders and device: (baseline's, its own) by path."""
    if baseline is None or baseline.job.id == run.job.id:
        return {}
    found = differences(baseline.job.config, run.job.config)
    return {path: pair for path, pair in found.items() if path not in _LEFT_OUT}


def change_in_words(run: Run, baseline: Run | None) -> str:
    """:func:`change` as one line."""
    if baseline is None or baseline.job.id == run.job.id:
        return ""
    found = change(run, baseline)
    return "; ".join(f"{path} {short(old)} → {short(new)}" for path, (old, new) in found.items()) or "nothing"


def short(value: Any) -> str:
    """A setting's value in few characters."""
    if value is None or (isinstance(value, str | list) and not value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"


def read_note(run_dir: Path) -> str:
    """The note on a run."""
    try:
        return (run_dir / NOTES).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def write_note(run_dir: Path, text: str) -> None:
    """Save a note on a run."""
    run_dir.mkdir(parents=True, exist_ok=True)
    write_whole(run_dir / NOTES, text.encode())


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def as_markdown(runs: Sequence[Run], baseline: Run | None) -> str:
    """Experiment log as a Markdown table: baseline, change, result, effect and cost of each run.

    Effects are differences of metrics that were measured on the same cases only; else a dash stands there.
    """
    lines = ["# Experiment log", ""]
    if baseline is not None:
        metric, _ = monitored(baseline.job.config)
        metrics = f"{baseline.metric} {baseline.main} on {baseline.cases or 'nothing held out'}"
        named = f"**{_cell(baseline.job.name)}** (`{baseline.job.id}`)"
        lines += [f"Baseline: {named}, {metrics}; the epoch is chosen by {metric}.", ""]
    lines += ["| Run | Change | Result | Effect | Cost | Note |", "|:--|:--|:--|:--|:--|:--|"]
    for run in runs:
        result = f"{run.metric} {run.main}" if run.main.value is not None else str(run.job.state)
        cells = (
            f"{run.job.name} `{run.job.id}`", change_in_words(run, baseline) or "baseline", result,
            _effect(run, baseline), _cost(run), run.note,
        )  # fmt: skip
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    lines += ["", "Metrics are on validation data, with 95% intervals from resampling whole records or groups."]
    revisions = sorted({run.job.git_revision for run in runs} - {""})
    if revisions:
        lines += ["", f"Revision of the program: {', '.join(revisions)}."]
    return "\n".join(lines) + "\n"


def _effect(run: Run, baseline: Run | None) -> str:
    if baseline is None or baseline.job.id == run.job.id or run.kind != baseline.kind or run.cases != baseline.cases:
        return "–"
    if run.main.value is None or baseline.main.value is None:
        return "–"
    return f"{run.main.value - baseline.main.value:+.3f}"


def _cost(run: Run) -> str:
    parts = []
    if run.seconds is not None:
        parts.append(f"{run.seconds / 60:.1f} min on {run.job.device}")
    if run.parameters is not None:
        parts.append(f"{run.parameters:,} parameters")
    return ", ".join(parts) or "–"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
