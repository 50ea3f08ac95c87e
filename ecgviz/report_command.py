"""``python -m ecgviz report``: the Holter report of one recording as PDF, JSON and CSV; the sheet of a 12-lead ECG."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ecgviz.analysis.choice import Choice, choose_checkpoints, labels_or_why_not
from ecgviz.beat_command import SAMPLE_PREFIX, analysed, checkpoint_for, opened, say_notes
from ecgviz.errors import ConfigError
from ecgviz.results import Beats
from models import Checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT
from models.core.command_line import bar
from models.core.files import file_to_write, write_file
from readers.recording import Recording

if TYPE_CHECKING:
    from ecgviz.reports.resting_pdf import Earlier


def add_report(commands: argparse._SubParsersAction, add_recording: Callable[[argparse.ArgumentParser], None]) -> None:
    """The command with its options; ``add_recording`` enters those that say how a recording is read."""
    parser = commands.add_parser("report", help="write the Holter report of a recording, or the sheet of a 12-lead ECG")
    add_recording(parser)
    parser.add_argument(
        "--checkpoint", help=f"name or folder, for a Holter report; default {DEFAULT_BEAT_CHECKPOINT}, but a 12-lead "
        "ECG of up to a minute gets its sheet, with labels, intervals and axis",
    )  # fmt: skip
    parser.add_argument("--pdf", type=file_to_write, metavar="FILE", help="write the report on A4")
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write all its numbers and events")
    parser.add_argument("--csv", type=file_to_write, metavar="FILE", help="write one number a row")
    parser.add_argument(
        "--strip", type=float, action="append", default=[], metavar="SECONDS",
        help="show this time, beside the strips that are chosen by rule; may be given several times",
    )  # fmt: skip
    parser.add_argument(
        "--base-url", default="", metavar="URL",
        help="of the dashboard, such as http://localhost:8501: each number of the report leads to its beats there",
    )  # fmt: skip
    parser.add_argument(
        "--before", metavar="RECORD",
        help="an earlier 12-lead ECG of the same person: what changed stands on a second page and in the JSON",
    )  # fmt: skip
    parser.add_argument("--reviewed", action="store_true", help="report the edited beats of the recording's review")
    parser.set_defaults(command=report_recording)


def report_recording(options: argparse.Namespace) -> None:
    """Analyse, measure and write what the options name.

    Raises:
        EcgvizError: the recording cannot be read or does not suit the network, or a result cannot be written.
    """
    if options.base_url and not options.base_url.startswith(("http://", "https://")):
        raise ConfigError(
            "base-url", f"{options.base_url!r} is no address of a dashboard, such as http://localhost:8501"
        )
    if options.pdf is None and options.json is None and options.csv is None:
        raise ConfigError("pdf", "is needed, or --json or --csv: name the file that the report is written to")
    started = time.perf_counter()
    source = opened(options.record, options)
    if options.checkpoint is None:
        choice = choose_checkpoints(source)
        if choice.kind == "resting":
            _resting(options, source, choice)
            return
        options.checkpoint = DEFAULT_BEAT_CHECKPOINT
    _holter(options, source, started)


def _holter(options: argparse.Namespace, source: Recording, started: float) -> None:
    """The Holter report."""
    from ecgviz.reports.holter import Wanted, holter_report
    from ecgviz.reports.holter_pdf import holter_pdf
    from ecgviz.reports.holter_tables import report_csv, report_document
    from ecgviz.reports.links import Links
    from ecgviz.signals.quality import assess_quality

    if options.before:
        raise ConfigError("before", "is for a 12-lead ECG of up to a minute, and this gets a Holter report")
    checkpoint = checkpoint_for(options)
    for time_s in options.strip:
        if not 0 <= time_s <= source.duration_s:
            raise ConfigError("strip", f"{time_s:g} s lies outside the recording of {source.duration_s:.1f} s")
    recording, beats = analysed(options, checkpoint, source, started)
    edits = ()
    if options.reviewed:
        beats, edits = _reviewed(source, beats, checkpoint)
    column = recording.lead_index(beats.leads[0])
    quality = assess_quality(
        lambda start, stop: recording.signal_mV(start, stop)[:, column], recording.fs, recording.n_samples
    )
    wanted = Wanted(options.strip, edits, Links(options.base_url, _address(options.record), options.checkpoint))
    with bar("step") as progress:
        report = holter_report(recording, beats, checkpoint, quality, wanted, progress=progress)
    if options.json is not None:
        write_file(options.json, json.dumps(report_document(report), indent=1) + "\n")
    if options.csv is not None:
        write_file(options.csv, report_csv(report))
    if options.pdf is not None:
        write_file(options.pdf, holter_pdf(report))
    for finding in report.findings:
        sys.stdout.write(f"first: {finding.words}\n")
    say_notes(beats)
    sys.stdout.write(f"{STATEMENT}\n")


def _resting(options: argparse.Namespace, recording: Recording, choice: Choice) -> None:
    """The sheet of a 12-lead ECG, and its labels and measurements as JSON."""
    from ecgviz.reports.records import record_document
    from ecgviz.reports.resting_pdf import measurement_line, resting_pdf
    from ecgviz.signals.resting import measure_resting, measurement_fields
    from ecgviz.signals.serial import change_fields, compare_resting

    for name in ("csv", "strip", "reviewed"):
        if getattr(options, name):
            raise ConfigError(name, f"is for a Holter report, and {choice.reason}; name a --checkpoint for one")
    options.checkpoint = choice.labels
    analysis, why_not = labels_or_why_not(recording, checkpoint_for(options))
    measured = measure_resting(recording)
    earlier = _earlier(options) if options.before else None
    changes = compare_resting(earlier.measured, measured) if earlier is not None and measured is not None else ()
    if options.json is not None:
        document = {"measurements": measurement_fields(measured)}
        document = document if analysis is None else record_document(recording, analysis)
        if earlier is not None:
            document |= {"before": earlier.name, "changes": change_fields(changes)}
        write_file(options.json, json.dumps(document, indent=1) + "\n")
    if options.pdf is not None:
        write_file(options.pdf, resting_pdf(recording, measured, analysis, why_not=why_not, earlier=earlier))
    sys.stdout.write(f"{choice.describe()}\n{measurement_line(measured)}\n{STATEMENT}\n")


def _earlier(options: argparse.Namespace) -> Earlier:
    """The measurements of the recording that is named as the earlier one.

    Raises:
        ReadError: it cannot be read. ConfigError: nothing can be measured on it.
    """
    from ecgviz.reports.resting_pdf import Earlier
    from ecgviz.signals.resting import measure_resting

    recording = opened(options.before, options)
    measured = measure_resting(recording)
    if measured is None:
        raise ConfigError("before", f"{recording.name} has fewer than three whole beats to measure; choose another")
    return Earlier(recording.name, measured)


def _reviewed(recording: Recording, beats: Beats, checkpoint: Checkpoint) -> tuple[Beats, tuple]:
    """The edited beats, and what was decided by whom."""
    from ecgviz.reports.holter import edits_of
    from ecgviz.review import ReviewLog, review_key, review_state
    from ecgviz.review.log import recording_hash

    key = review_key(recording_hash(recording), checkpoint.sha256, beats)
    log = ReviewLog()
    state = review_state(beats, log.events(key))
    if not state.events:
        told = f"nothing was decided about these beats, so the report is the network's; {log.elsewhere(key)}"
        sys.stderr.write(f"warning: {told.rstrip('; ')}\n")
    return state.beats, edits_of(state, recording.duration_s)


def _address(record: str) -> str:
    """The recording as the dashboard opens it."""
    return record if record.startswith(SAMPLE_PREFIX) else f"path:{Path(record).resolve()}"
