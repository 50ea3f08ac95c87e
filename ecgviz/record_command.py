"""``python -m ecgviz analyze`` with a checkpoint for whole recordings, or pictures of them: labels instead of beats."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecgviz.analysis import choose_device
from ecgviz.analysis.ecg_pictures import analyse_picture, reads_paper, require_paper
from ecgviz.analysis.folder import answer_names, recordings_in
from ecgviz.analysis.records import analyse_record
from ecgviz.beat_command import SAMPLE_PREFIX, opened
from ecgviz.errors import ConfigError, EcgvizError, ReadError
from ecgviz.reports.records import picture_document, record_document, render_picture, render_record
from ecgviz.sources.paper_samples import sample_file
from models import Checkpoint, load_checkpoint
from models.checkpoints import STATEMENT
from models.core.files import file_to_write, folder_to_write, write_file
from models.plugins import plugin_of
from readers.paper.pictures import is_picture, open_picture

_FOR_BEATS = (("csv", None), ("atr", None), ("lead", None), ("beats", "detected"), ("ray", False))


def record_checkpoint(options: argparse.Namespace) -> Checkpoint | None:
    """The checkpoint of the command where it reads whole recordings, else None.

    Raises:
        CheckpointError: it cannot be loaded.
        ConfigError: no such device, or options that only beats have.
    """
    checkpoint = load_checkpoint(options.checkpoint)
    if plugin_of(checkpoint).unit != "recordings":
        return None
    for name, usual in _FOR_BEATS:
        if getattr(options, name) != usual:
            raise ConfigError(name, f"is for beats, and {checkpoint.name} labels whole recordings; use --json")
    return replace(checkpoint, network=checkpoint.network.to(choose_device(options.device)))


def analyse_records(options: argparse.Namespace, checkpoint: Checkpoint) -> int:
    """Analyse one recording or picture, or each of a folder (``--json`` is a folder then).

    The exit status is 1 where one of a folder failed.

    Args:
        options: of the command ``analyze``.
        checkpoint: of task kind record.

    Raises:
        EcgvizError: the one recording cannot be read or does not suit the network, or the answer cannot be written.
    """
    cases = cases_of(options.record, pictures=reads_paper(checkpoint))
    names = answer_names(cases)
    if options.json is not None:
        (folder_to_write if len(cases) > 1 else file_to_write)(options.json)
    failed = 0
    for case, name in zip(cases, names, strict=True):
        try:
            document, words, warnings = _answer(case, checkpoint, options)
            sys.stdout.write(words + "\n")
            for warning in warnings:
                sys.stderr.write(f"warning: {warning}\n")
            if options.json is not None:
                target = options.json / f"{name}.json" if len(cases) > 1 else options.json
                write_file(target, json.dumps(document, indent=1) + "\n")
        except EcgvizError as error:
            if len(cases) <= 1:
                raise
            failed += 1
            sys.stderr.write(f"error: {error}\n")
    sys.stdout.write(STATEMENT + "\n")
    return int(failed > 0)


def cases_of(record: str, *, pictures: bool) -> list[str | Path]:
    """The named case, or the recordings (with ``pictures`` also the pictures) of a folder.

    Raises:
        ReadError: the folder holds none, or cannot be looked into.
    """
    photograph = sample_file(record.removeprefix(SAMPLE_PREFIX)) if record.startswith(SAMPLE_PREFIX) else None
    if photograph is not None:
        return [photograph]
    sheets = _sheets(Path(record)) if pictures else []
    try:
        recordings = [path for path in recordings_in(record) if path not in sheets]
    except ReadError:
        if not sheets:
            raise
        recordings = []
    found = [*recordings, *sheets]
    return found if sheets or len(found) > 1 else [record]


def _sheets(folder: Path) -> list[Path]:
    """Pictures of a folder; empty where it is no readable folder."""
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return []
    return [entry for entry in entries if not entry.name.startswith(".") and is_picture(entry)]


def _answer(
    case: str | Path, checkpoint: Checkpoint, options: argparse.Namespace
) -> tuple[dict[str, Any], str, tuple[str, ...]]:
    """Result of a case as JSON, as text, and its warnings."""
    started = time.perf_counter()
    if is_picture(case):
        require_paper(checkpoint, Path(case).name)
        picture = open_picture(case, options.page, options.turn)
        load = time.perf_counter() - started
        seen = analyse_picture(picture, checkpoint)
        seen = replace(seen, seconds={"load": load, **seen.seconds})
        return picture_document(picture, seen), render_picture(picture, seen), seen.warnings
    if options.page != 1:
        raise ConfigError("page", f"is for PDF and TIFF files, and {Path(case).name} is none")
    if options.turn:
        raise ConfigError("turn", f"is for pictures of ECG paper, and {Path(case).name} is none")
    recording = opened(case, options)
    load = time.perf_counter() - started
    analysis = analyse_record(recording, checkpoint)
    analysis = replace(analysis, seconds={"load": load, **analysis.seconds})
    return record_document(recording, analysis), render_record(recording, analysis), analysis.warnings
