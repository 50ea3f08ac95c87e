"""``python -m ecgviz analyze`` without a checkpoint: chooses one for each file."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from ecgviz.analysis import choose_device
from ecgviz.analysis.beat_rows import RowPredictions, analyse_rows
from ecgviz.analysis.choice import Choice, choose_checkpoints, labels_or_why_not, names_wanted
from ecgviz.analysis.ecg_pictures import analyse_picture
from ecgviz.analysis.folder import Facts, Reading, analyse_opened, answer_names
from ecgviz.analysis.records import RecordAnalysis
from ecgviz.beat_command import beats_document, open_named, say_beats, write_beats
from ecgviz.errors import CheckpointError, ConfigError, EcgvizError
from ecgviz.notices import Notice, Weight, in_order
from ecgviz.record_command import cases_of
from ecgviz.reports.annotations import annotation_file, wfdb_record_names
from ecgviz.reports.beat_rows import render_rows, rows_document, write_rows_csv
from ecgviz.reports.records import label_fields, picture_document, render_labels, render_picture
from ecgviz.results import Beats
from ecgviz.signals.resting import measure_resting, measurement_fields
from models import Checkpoint, load_checkpoint
from models.checkpoints import STATEMENT, checkpoints_root
from models.core.callbacks import Progress
from models.core.command_line import bar
from models.core.files import file_to_write, folder_to_write, write_file
from readers.arrays.beat_rows import BeatRows, HoldsBeats
from readers.paper.pictures import is_picture, open_picture
from readers.recording import Recording

_OF_RECORDINGS = {"lead": "lead", "beats": "positions", "fs": "fs", "unit": "unit", "leads": "lead_names"}
_FOR_BEATS = (("csv", None), ("atr", None), ("lead", None), ("beats", "detected"))


@dataclass(frozen=True)
class Answered:
    """Result of one recording or picture.

    Attributes:
        document: as JSON.
        choice: what answered, None where nothing could.
        facts, beats: of a recording.
        rows: of a table of single beats.
        words: in lines for people, beside those on the beats.
        warnings: those of the beats among them.
        error: why there is no answer.
    """

    document: dict[str, Any] = field(default_factory=dict)
    choice: Choice | None = None
    facts: Facts | None = None
    beats: Beats | None = None
    rows: RowPredictions | None = None
    words: str = ""
    warnings: tuple[str, ...] = ()
    error: str = ""


class Answerer:
    """Analyses recordings and pictures; checkpoints are loaded on first use.

    Args:
        root: folder of the checkpoints; other machines of a cluster know it by its path.
        reading, device, page, turn: as the command line has them.
        named: the checkpoint for tables of single beats that a person named; then only these are answered.
    """

    def __init__(
        self, root: Path, reading: Reading, device: str = "auto", page: int = 1, turn: int = 0, named: str | None = None
    ):
        self._root, self._reading, self._device = root, reading, choose_device(device)
        self._page, self._turn, self._named = page, turn, named
        self._loaded: dict[str, Checkpoint] = {}

    def checkpoint(self, name: str) -> Checkpoint:
        """The loaded checkpoint of a name.

        Raises:
            CheckpointError: it cannot be loaded.
        """
        if name not in self._loaded:
            self._loaded[name] = load_checkpoint(self._root / name, self._device)
        return self._loaded[name]

    def __call__(self, case: str | Path, atr: Path | None = None, progress: Progress | None = None) -> Answered:
        """Result for a file, record name or sample.

        Raises:
            EcgvizError: it cannot be read or does not suit, or an annotation file in ``atr`` is another's.
        """
        if is_picture(case):
            return self._picture(case)
        started = time.perf_counter()
        try:
            recording = open_named(case, self._reading.fs, self._reading.unit, self._reading.lead_names)
        except HoldsBeats as found:
            return self._rows(found.rows, started, atr, progress)
        if self._named is not None:
            raise CheckpointError(
                Path(self._named).name, f"classifies tables of single beats; {recording.name} is none"
            )
        return self._recording(recording, started, atr, progress)

    def or_error(self, case: str | Path) -> Answered:
        """The result, or the fault instead of an exception."""
        try:
            return self(case)
        except EcgvizError as error:
            return Answered(error=str(error))

    def _picture(self, case: str | Path) -> Answered:
        started = time.perf_counter()
        picture = open_picture(case, self._page, self._turn)
        choice, load = choose_checkpoints(picture), time.perf_counter() - started
        checkpoint = self.checkpoint(choice.labels)
        seen = analyse_picture(picture, checkpoint)
        seen = replace(seen, seconds={"load": load, **seen.seconds})
        document = picture_document(picture, seen) | _chosen(choice, {"labels": checkpoint})
        return Answered(document, choice, words=render_picture(picture, seen), warnings=seen.warnings)

    def _rows(self, rows: BeatRows, started: float, atr: Path | None, progress: Progress | None) -> Answered:
        unused = {"atr": atr} | {option: getattr(self._reading, field) for option, field in _OF_RECORDINGS.items()}
        for option, value in unused.items():
            if value is not None and value != "detected":
                raise ConfigError(option, f"is for recordings, and {rows.name} is a table of single beats")
        choice, load = choose_checkpoints(rows), time.perf_counter() - started
        checkpoint = self.checkpoint(self._named or choice.beats)
        predictions = analyse_rows(rows, checkpoint, progress=progress)
        predictions = replace(predictions, seconds={"load": load, **predictions.seconds})
        document = rows_document(predictions) | _chosen(choice, {"beats": checkpoint})
        choice = replace(choice, beats=checkpoint.name)
        return Answered(
            document, choice, rows=predictions, words=render_rows(predictions), warnings=predictions.warnings
        )

    def _recording(self, recording: Recording, started: float, atr: Path | None, progress: Progress | None) -> Answered:
        reading = self._reading
        if atr is not None:
            annotation_file(atr, recording.name)
        choice = choose_checkpoints(recording)
        used = {"beats": self.checkpoint(choice.beats)}
        recording, beats = analyse_opened(recording, used["beats"], reading, started, progress)
        labels, why_not = None, ""
        if choice.labels is not None:
            labels, why_not = labels_or_why_not(recording, self.checkpoint(choice.labels))
        facts, words, told = Facts.of(recording), "", (*names_wanted(recording), *(why_not,) * bool(why_not))
        if labels is not None:
            used["labels"] = self.checkpoint(choice.labels)
            words, told = render_labels(labels), (*labels.warnings, *_seen(labels, beats))
        document = beats_document(facts, beats) | _chosen(choice, used)
        if choice.labels is not None:
            document |= label_fields(labels) | {"recording_leads": list(facts.leads)}
            document["measurements"] = measurement_fields(measure_resting(recording))
        if labels is not None:
            document["seconds"] |= {"label": round(labels.seconds["classify"], 4)}
            document["seen_in_training"] = beats.seen_in_training or labels.seen_in_training
        warnings = in_order((*beats.warnings, *told))
        document["warnings"] = list(warnings)
        return Answered(document, choice, facts, beats, words=words, warnings=warnings)


def analyse_by_choice(options: argparse.Namespace) -> int:
    """Analyse one recording or picture, or each of a folder (``--json`` and ``--csv`` are folders then).

    Returns:
        The exit status: 1 where one of a folder failed.

    Raises:
        EcgvizError: the one cannot be read or does not suit the network, or a result cannot be written.
    """
    cases = cases_of(options.record, pictures=True)
    several = len(cases) > 1
    for target in (options.json, options.csv):
        if target is not None:
            (folder_to_write if several else file_to_write)(target)
    reading = Reading(options.lead, options.beats, options.fs, options.unit, options.leads)
    make = partial(
        Answerer, checkpoints_root().absolute(), reading, options.device, options.page, options.turn, _named(options)
    )
    if not several:
        _check_alone(cases[0], options)
        with bar("beat") as progress:
            answered = make()(cases[0], options.atr, progress)
        _tell(answered, options.json, options.csv, options.atr)
        sys.stdout.write(f"{STATEMENT}\n")
        return 0
    failed = 0
    with bar("recording") as progress:
        found = _on_ray(cases, make, progress) if options.ray else _one_by_one(cases, make(), progress)
        names = answer_names(cases)
        for name, record, answered in zip(names, wfdb_record_names(names), found, strict=True):
            places = [
                folder and folder / f"{name}.{kind}" for kind, folder in (("json", options.json), ("csv", options.csv))
            ]
            try:
                if answered.error:
                    raise EcgvizError(answered.error)
                _tell(answered, *places, options.atr, record)
            except EcgvizError as error:
                failed += 1
                sys.stderr.write(f"error: {error}\n")
    sys.stdout.write(f"{STATEMENT}\n")
    return int(failed > 0)


def _named(options: argparse.Namespace) -> str | None:
    """The checkpoint given by the options: a name, or an absolute folder."""
    name = options.checkpoint
    return str(Path(name).absolute()) if name and Path(name).is_dir() else name


def _check_alone(case: str | Path, options: argparse.Namespace) -> None:
    """Refuse options that do not apply to the one recording or picture.

    Raises:
        ConfigError: names the option.
    """
    name = Path(case).name or str(case)
    if options.ray:
        raise ConfigError("ray", f"spreads a folder of recordings; {options.record} is one recording, or none")
    if is_picture(case):
        for option, usual in _FOR_BEATS:
            if getattr(options, option) != usual:
                raise ConfigError(
                    option, f"is for beats, and {name} is a picture of an ECG, which is labelled; use --json"
                )
    elif options.page != 1 or options.turn:
        raise ConfigError("page" if options.page != 1 else "turn", f"is for pictures of ECG paper, and {name} is none")


def _one_by_one(cases: Sequence[str | Path], answerer: Answerer, progress: Progress) -> Iterator[Answered]:
    for number, case in enumerate(cases, start=1):
        yield answerer.or_error(case)
        progress(number, len(cases), "Analysing recordings")


def _on_ray(cases: Sequence[str | Path], make: Callable[[], Answerer], progress: Progress) -> Iterator[Answered]:
    from ecgviz.analysis.on_ray import answer_on_ray

    return answer_on_ray([Path(case) for case in cases], make, progress)


def _chosen(choice: Choice, used: Mapping[str, Checkpoint]) -> dict[str, Any]:
    """JSON fields on the choice; ``checkpoint`` is that of the beats, or of a picture's labels."""
    first = next(iter(used.values()))
    return {
        "checkpoint_sha256": first.sha256,
        "checkpoints": [{"for": what, "name": one.name, "sha256": one.sha256} for what, one in used.items()],
        "choice": {"kind": choice.kind, "reason": choice.reason},
    }


def _seen(labels: RecordAnalysis, beats: Beats) -> tuple[str, ...]:
    """A warning where the label network was trained on the recording and the beat network was not."""
    if labels.seen_in_training is None or labels.seen_in_training == beats.seen_in_training:
        return ()
    trained = f"{labels.checkpoint} was trained on this recording ({labels.seen_in_training})"
    return (Notice(f"{trained}: its labels say nothing of new patients.", Weight.UNSURE),)


def _tell(
    answered: Answered, document: Path | None, table: Path | None, annotations: Path | None, record: str | None = None
) -> None:
    name = answered.document.get("record") or answered.document.get("picture")
    sys.stderr.write(f"{name}: {answered.choice.describe()}\n")
    if answered.beats is not None:
        say_beats(answered.facts, answered.beats, warnings=answered.warnings, statement=False)
    if answered.words:
        sys.stdout.write(f"{answered.words}\n")
    for warning in answered.warnings if answered.beats is None else ():
        sys.stderr.write(f"warning: {warning}\n")
    if document is not None:
        write_file(document, json.dumps(answered.document) + "\n")
    if answered.beats is not None:
        write_beats(answered.facts, answered.beats, None, table, annotations, record=record)
    if answered.rows is not None and table is not None:
        write_rows_csv(answered.rows, table)
