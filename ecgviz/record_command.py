"""``python -m ecgviz analyze`` with a checkpoint for whole recordings: labels instead of beats."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ecgviz.analysis import choose_device
from ecgviz.analysis.folder import recordings_in
from ecgviz.analysis.records import RecordAnalysis, analyse_record
from ecgviz.errors import ConfigError, EcgvizError
from ecgviz.readers import open_recording
from ecgviz.readers.samples import open_sample
from ecgviz.recording import Recording
from ecgviz.reports.records import record_document, render_record
from models import Checkpoint, load_checkpoint
from models.checkpoints import STATEMENT

SAMPLE_PREFIX = "sample:"
_FOR_BEATS = (("csv", None), ("atr", None), ("lead", None), ("beats", "detected"), ("ray", False))


def record_checkpoint(options: argparse.Namespace) -> Checkpoint | None:
    """The checkpoint of the command where it reads whole recordings, None for another kind.

    Raises:
        CheckpointError: it cannot be loaded.
        ConfigError: no such device, or options that only beats have.
    """
    checkpoint = load_checkpoint(options.checkpoint)
    if checkpoint.task.kind != "record":
        return None
    for name, usual in _FOR_BEATS:
        if getattr(options, name) != usual:
            raise ConfigError(name, f"is for beats, and {checkpoint.name} labels whole recordings; use --json")
    return replace(checkpoint, network=checkpoint.network.to(choose_device(options.device)))


def analyse_records(options: argparse.Namespace, checkpoint: Checkpoint, write: Callable[[Path, str], None]) -> int:
    """One recording, or each of a folder (``--json`` is a folder then); exit status 1 where one of a folder failed.

    Args:
        options: of the command ``analyze``.
        checkpoint: of task kind record.
        write: writes a text file and raises ReadError where it cannot.

    Raises:
        EcgvizError: the one recording cannot be read or does not suit the network.
    """
    paths = recordings_in(options.record)
    failed = 0
    for path in paths if len(paths) > 1 else [options.record]:
        try:
            recording, analysis = _analysed(path, checkpoint, options)
        except EcgvizError as error:
            if len(paths) <= 1:
                raise
            failed += 1
            sys.stderr.write(f"error: {error}\n")
            continue
        if options.json is not None:
            target = options.json / f"{Path(path).stem}.json" if len(paths) > 1 else options.json
            write(target, json.dumps(record_document(recording, analysis), indent=1) + "\n")
        sys.stdout.write(render_record(recording, analysis) + "\n")
        for warning in analysis.warnings:
            sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(STATEMENT + "\n")
    return int(failed > 0)


def _analysed(
    path: str | Path, checkpoint: Checkpoint, options: argparse.Namespace
) -> tuple[Recording, RecordAnalysis]:
    started = time.perf_counter()
    if str(path).startswith(SAMPLE_PREFIX):
        recording = open_sample(str(path).removeprefix(SAMPLE_PREFIX))
    else:
        recording = open_recording(path, fs=options.fs, unit=options.unit)
    load = time.perf_counter() - started
    analysis = analyse_record(recording, checkpoint)
    return recording, replace(analysis, seconds={"load": load, **analysis.seconds})
