"""``python -m models jobs``: submit, list, show, logs, cancel, resume, delete."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from models.config import load_config
from models.core.command_line import add_configuration, configuration, say, user
from models.jobs.backend import backend
from models.jobs.states import Job, JobState


def add_commands(commands: Any) -> None:
    """Add ``jobs`` to the sub-commands of a parser."""
    parser = commands.add_parser("jobs", help="trainings in the background")
    actions = parser.add_subparsers(required=True)

    submission = actions.add_parser("submit", help="queue a training; the last line printed is the job's id")
    add_configuration(submission)
    submission.add_argument("--name", help="what the job is called; default: the configuration's name")
    submission.set_defaults(command=_submit)

    listing = actions.add_parser("list", help="all jobs")
    listing.add_argument("--state", choices=[str(state) for state in JobState], help="those in one state")
    listing.add_argument("--json", action="store_true", help="for programs")
    listing.set_defaults(command=_list)

    showing = actions.add_parser("show", help="state, process, progress, run folder and reason of a job")
    showing.add_argument("id")
    showing.add_argument("--json", action="store_true", help="for programs")
    showing.set_defaults(command=_show)

    logs = actions.add_parser("logs", help="what a job has printed")
    logs.add_argument("id")
    logs.add_argument("--tail", type=int, default=200, metavar="N", help="lines; default 200")
    logs.set_defaults(command=_logs)

    for name, command, text in (
        ("cancel", _cancel, "take a job out of the queue, or have it write a checkpoint and end"),
        ("resume", _resume, "queue a failed or cancelled job again; it goes on from its last checkpoint"),
        ("delete", _delete, "remove an ended job with its run folder"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("id")
        action.set_defaults(command=command)


def _submit(options: argparse.Namespace) -> None:
    config = load_config(*configuration(options, "python -m models jobs submit CONFIG --set key=value ..."))
    say(backend().submit(config, who=user(), name=options.name))


def _list(options: argparse.Namespace) -> None:
    jobs = backend().list(JobState(options.state) if options.state else None)
    if options.json:
        say(json.dumps([plain(job) for job in jobs], indent=1))
        return
    for job in jobs:
        say(f"{job.id}  {job.state:<9} {job.progress:4.0%}  {job.device:<6} {job.name:<20} {job.reason or job.note}")


def _show(options: argparse.Namespace) -> None:
    job = backend().get(options.id)
    if options.json:
        say(json.dumps(plain(job), indent=1))
        return
    shown = {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "reason": job.reason,
        "pid": job.pid,
        "progress": f"{job.progress:.0%}  {job.note}".rstrip(),
        "left": "" if job.seconds_left is None else f"{job.seconds_left:.0f} s",
        "sign of life": "" if job.heartbeat is None else f"{max(0.0, time.time() - job.heartbeat):.0f} s ago",
        "device": job.device,
        "run folder": job.run_dir,
        "checkpoint": job.checkpoint,
        "submitted": f"{_clock(job.created)} by {job.who or 'nobody named'}",
        "started": f"{_clock(job.started)}, attempt {job.attempt}" if job.started else "",
        "ended": _clock(job.ended) if job.ended else "",
    }
    for name, value in shown.items():
        if value not in {"", None}:
            say(f"{name:<13} {value}")
    for name, metric in sorted(job.figures.items()):
        say(f"  {name:<24} {metric:.4g}")


def _logs(options: argparse.Namespace) -> None:
    say(backend().logs(options.id, options.tail))


def _cancel(options: argparse.Namespace) -> None:
    backend().cancel(options.id)


def _resume(options: argparse.Namespace) -> None:
    say(backend().resume(options.id))


def _delete(options: argparse.Namespace) -> None:
    backend().delete(options.id)


def plain(job: Job) -> dict[str, Any]:
    """A job as plain values for JSON; times in Unix seconds, paths as text."""
    return {
        name: value if isinstance(value, (dict, int, float, type(None))) else str(value)
        for name, value in asdict(job).items()
    }


def _clock(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).astimezone().isoformat(" ", "seconds")
