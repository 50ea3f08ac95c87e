"""``python -m ecgviz analyze`` with a checkpoint for beats: one recording, or each of a folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecgviz.errors import ConfigError, EcgvizError
from ecgviz.results import Beats, RhythmEpisode
from models.checkpoints import STATEMENT, Checkpoint
from models.core.command_line import bar
from models.core.files import file_to_write, folder_to_write, write_file
from models.core.words import counted
from readers.recording import Recording

if TYPE_CHECKING:
    from ecgviz.analysis.folder import Facts

SAMPLE_PREFIX = "sample:"


def record_named(text: str) -> str:
    """Resolve the argument ``record``.

    Raises:
        ConfigError: nothing, as where a script's variable is not set.
    """
    if not text.strip():
        raise ConfigError("record", f"is empty; name a file, a folder or {SAMPLE_PREFIX}NAME")
    return text


def opened(record: str | Path, options: argparse.Namespace) -> Recording:
    """As :func:`open_named`; the options have ``fs`` in Hz, ``unit`` and the names of the ``leads``."""
    return open_named(record, options.fs, options.unit, options.leads)


def open_named(record: str | Path, fs: float | None, unit: str | None, lead_names: Sequence[str] | None) -> Recording:
    """The sample or recording of that name.

    Raises:
        ReadError: there is none, or it cannot be read.
    """
    from ecgviz.sources.samples import open_sample
    from readers import open_recording

    if str(record).startswith(SAMPLE_PREFIX):
        return open_sample(str(record).removeprefix(SAMPLE_PREFIX))
    return open_recording(record, fs=fs, unit=unit, lead_names=lead_names)


def analyse_recordings(options: argparse.Namespace) -> int:
    """Analyse one recording, or each of a folder (``--json`` and ``--csv`` are folders then).

    Returns:
        The exit status: 1 where one of a folder failed.

    Raises:
        EcgvizError: the one recording cannot be read or does not suit the network, or a result cannot be written.
    """
    from ecgviz.analysis.folder import recordings_in

    paths = recordings_in(options.record)
    several = len(paths) > 1
    for target in (options.json, options.csv):
        if target is not None:
            (folder_to_write if several else file_to_write)(target)
    if several:
        return _analyse_folder(options, paths)
    if options.ray:
        raise ConfigError("ray", f"spreads a folder of recordings; {options.record} is one recording, or none")
    checkpoint, started = checkpoint_for(options), time.perf_counter()
    recording = opened(options.record, options)
    if options.atr is not None:
        from ecgviz.reports.annotations import annotation_file

        annotation_file(options.atr, recording.name)
    recording, beats = analysed(options, checkpoint, recording, started)
    say_beats(recording, beats)
    write_beats(recording, beats, options.json, options.csv, options.atr)
    return 0


def checkpoint_for(options: argparse.Namespace) -> Checkpoint:
    """The checkpoint on the device given by the options.

    Raises:
        CheckpointError: it cannot be loaded. ConfigError: there is no such device.
    """
    from ecgviz.analysis import choose_device
    from models import load_checkpoint

    return load_checkpoint(options.checkpoint, choose_device(options.device))


def analysed(
    options: argparse.Namespace, checkpoint: Checkpoint, recording: Recording, started: float
) -> tuple[Recording, Beats]:
    """The recording in memory and its beats; ``started`` is the start time (s).

    Raises:
        EcgvizError: the recording does not suit the network, or has not what the options want.
    """
    from ecgviz.analysis.folder import Reading, analyse_opened

    with bar("beat") as progress:
        return analyse_opened(recording, checkpoint, Reading(options.lead, options.beats), started, progress)


def say_notes(beats: Beats, warnings: Sequence[str] | None = None) -> None:
    """Print the warnings of a result on stderr, those of the beats by default, and whether the recording was trained
    on."""
    if beats.seen_in_training:
        sys.stdout.write(
            f"seen in training: this is (part of) record {beats.seen_in_training}; "
            "the result says nothing of new patients\n"
        )
    for warning in beats.warnings if warnings is None else warnings:
        sys.stderr.write(f"warning: {warning}\n")


def beats_document(recording: Recording | Facts, beats: Beats) -> dict:
    """The analysis as the JSON of ``analyze --json``: one entry per beat.

    ``rhythms`` are the episodes, and a beat's ``network_label`` is its class by the network alone: before
    the whole recording and its rhythm were taken into account.
    Where the checkpoint says nothing of the rhythm, ``rhythms`` and ``af_burden`` are None. ``gaps`` are the stretches
    in which no beat can be seen, in seconds: the time across one is no RR interval.
    """
    names, tells = beats.classes, bool(beats.rhythm_classes)
    return {
        "record": recording.name,
        "fs": recording.fs,
        "n_samples": recording.n_samples,
        "checkpoint": beats.checkpoint,
        "device": beats.device,
        "leads": list(beats.leads),
        "positions": beats.source,
        "seconds": {name: round(value, 4) for name, value in beats.seconds.items()},
        "warnings": list(beats.warnings),
        "seen_in_training": beats.seen_in_training,
        "statement": STATEMENT,
        "gaps": [[round(float(one), 4) for one in gap] for gap in beats.gaps],
        "af_burden": round(beats.af_burden, 5) if beats.rhythms else None,
        "rhythms": [_episode(one) for one in beats.rhythms] if tells else None,
        "beats": [
            {"sample": int(sample), "time_s": round(float(time_s), 4), "label": str(label)}
            | ({"network_label": str(network_label), "rhythm": str(rhythm)} if tells else {})
            | {"prob": {name: round(float(p), 5) for name, p in zip(names, prob, strict=True)}}
            for sample, time_s, label, network_label, rhythm, prob in zip(
                beats.sample, beats.time_s, beats.label, beats.network_label, beats.rhythm, beats.prob, strict=True
            )
        ],
    }


def _episode(episode: RhythmEpisode) -> dict:
    places = {"start_s": 4, "end_s": 4, "prob": 5}
    return {"label": episode.label} | {name: round(getattr(episode, name), digits) for name, digits in places.items()}


def _analyse_folder(options: argparse.Namespace, paths: Sequence[Path]) -> int:
    """Analyse every recording of a folder; faults are reported and the others continue."""
    from ecgviz.analysis import choose_device
    from ecgviz.analysis.folder import Reading, analyse_files, answer_names
    from ecgviz.reports.annotations import wfdb_record_names
    from models import load_checkpoint

    analyse = analyse_files
    if options.ray:
        from ecgviz.analysis.on_ray import analyse_on_ray as analyse
    checkpoint = load_checkpoint(options.checkpoint, "cpu" if options.ray else choose_device(options.device))
    reading = Reading(options.lead, options.beats, options.fs, options.unit, options.leads)
    names = dict(zip(paths, answer_names(paths), strict=True))
    records = dict(zip(paths, wfdb_record_names(list(names.values())), strict=True))
    failed = 0
    with bar("recording") as progress:
        for one in analyse(paths, checkpoint, reading, progress=progress):
            if one.beats is None:
                failed += 1
                sys.stderr.write(f"error: {one.error}\n")
                continue
            say_beats(one.facts, one.beats, statement=False)
            tables = [
                folder and folder / f"{names[one.path]}.{kind}"
                for kind, folder in (("json", options.json), ("csv", options.csv))
            ]
            try:
                write_beats(one.facts, one.beats, *tables, options.atr, record=records[one.path])
            except EcgvizError as error:
                failed += 1
                sys.stderr.write(f"error: {error}\n")
    sys.stdout.write(f"{STATEMENT}\n")
    return int(failed > 0)


def write_beats(
    recording: Recording | Facts,
    beats: Beats,
    document: Path | None,
    table: Path | None,
    annotations: Path | None,
    *,
    record: str | None = None,
) -> None:
    """Write what is wanted; ``record`` names the annotation file, by default as the recording is named."""
    if document is not None:
        write_file(document, json.dumps(beats_document(recording, beats)) + "\n")
    if table is not None:
        from ecgviz.reports.tables import write_beats_csv

        write_beats_csv(beats, table)
    if annotations is not None:
        from ecgviz.reports.annotations import write_annotations

        write_annotations(beats, annotations, record or recording.name)


def _rhythm_lines(beats: Beats) -> list[str]:
    """Rhythms by duration, longest first, and the AF burden; empty where none is known."""
    if not beats.rhythms:
        return []
    seconds: Counter[str] = Counter()
    for episode in beats.rhythms:
        seconds[episode.label] += episode.duration_s
    known = sum(seconds.values())
    shares = ", ".join(f"{name} {share / known:.1%}" for name, share in seconds.most_common())
    return [f"{counted(len(beats.rhythms), 'rhythm episode')}: {shares}; AF burden {beats.af_burden:.1%}"]


def _length(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"


def _read(leads: Sequence[str]) -> str:
    """Names of the leads that were read."""
    words = " and ".join(leads)
    return words if words.startswith("lead ") else f"lead{'s' * (len(leads) > 1)} {words}"


def say_beats(
    recording: Recording | Facts, beats: Beats, *, warnings: Sequence[str] | None = None, statement: bool = True
) -> None:
    counts = ", ".join(f"{name} {int((beats.label == name).sum())}" for name in beats.classes)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in beats.seconds.items())
    lines = [
        f"{recording.name}: {_length(recording.duration_s)}, {recording.fs:g} Hz, {' '.join(recording.leads)}",
        f"{counted(len(beats), 'beat')}: {counts}",
        *_rhythm_lines(beats),
        f"{beats.checkpoint} on {beats.device}, {_read(beats.leads)}; {seconds}",
    ]
    sys.stdout.write("\n".join([*lines, *recording.remarks]) + "\n")
    say_notes(beats, warnings)
    if statement:
        sys.stdout.write(f"{STATEMENT}\n")
