"""``python -m ecgviz``: the dashboard's work without a browser.

python -m ecgviz doctor
python -m ecgviz analyze RECORD --json FILE [--csv FILE] [--atr FOLDER]
python -m ecgviz analyze PICTURE --checkpoint ecg-paper-lite0 --json FILE [--page N] [--turn DEGREES]
python -m ecgviz analyze FOLDER --json FOLDER [--csv FOLDER] [--atr FOLDER] [--ray]
python -m ecgviz explain RECORD --at SECONDS --npz FILE --png FILE
python -m ecgviz evaluate CHECKPOINT --data FOLDER --split test --positions detected
python -m ecgviz inspect PATH... --csv FILE [--pdf FILE] [--overlays FOLDER] [--ray]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ecgviz.errors import ConfigError, EcgvizError, ReadError
from ecgviz.readers.ecg_pictures import TURNS
from ecgviz.recording import Recording
from ecgviz.results import Beats
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, DEFAULT_IMAGE_CHECKPOINT, STATEMENT, Checkpoint

if TYPE_CHECKING:
    from ecgviz.analysis.folder import Facts

SAMPLE_PREFIX = "sample:"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 where a part of the work failed, 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except EcgvizError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ecgviz", description=f"ECG analysis and inspection without a browser. {STATEMENT}"
    )
    commands = parser.add_subparsers(required=True)

    doctor = commands.add_parser("doctor", help="versions, device, checkpoints, and what is missing")
    doctor.set_defaults(command=_doctor)

    analyze = commands.add_parser(
        "analyze", help="find and classify every beat of a recording, or the recording as a whole"
    )
    _add_recording(analyze)
    analyze.add_argument("--json", type=Path, metavar="FILE", help="write beats or labels, with probabilities")
    analyze.add_argument("--csv", type=Path, metavar="FILE", help="write the beat table")
    analyze.add_argument("--atr", type=Path, metavar="FOLDER", help="write a WFDB annotation file into this folder")
    analyze.add_argument("--ray", action="store_true", help="spread a folder of recordings over a Ray cluster")
    analyze.add_argument("--page", type=int, default=1, help="of a PDF or TIFF of ECG paper; default 1")
    analyze.add_argument(
        "--turn", type=int, default=0, choices=TURNS, help="degrees clockwise, for ECG paper that lies on its side"
    )
    analyze.set_defaults(command=_analyze)

    explain = commands.add_parser("explain", help="show where the network looked for one beat")
    _add_recording(explain)
    explain.add_argument("--at", type=float, required=True, metavar="SECONDS", help="the beat nearest to this time")
    explain.add_argument(
        "--method", help="grad_cam, hires_cam, se_attention, saliency, integrated_gradients or occlusion"
    )
    explain.add_argument("--target", help="class to explain; default: the one predicted")
    explain.add_argument("--seconds", type=float, default=10.0, help="length of the strip in the picture; default 10")
    explain.add_argument("--npz", type=Path, metavar="FILE", help="write the map and its evidence as arrays")
    explain.add_argument("--png", type=Path, metavar="FILE", help="write the strip with the map (.png, .svg or .pdf)")
    explain.set_defaults(command=_explain)

    evaluate = commands.add_parser("evaluate", help="score a checkpoint on annotated records at detected beats")
    evaluate.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    evaluate.add_argument("--data", type=Path, required=True, help="folder of WFDB records with .atr")
    evaluate.add_argument("--split", default="all", help="all, train, validation, ds1 or test (DS2)")
    evaluate.add_argument("--records", default="", help="names separated by commas, instead of a split")
    evaluate.add_argument("--positions", choices=("detected", "reference"), default="detected")
    evaluate.add_argument("--lead", help="read this lead first")
    evaluate.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    evaluate.set_defaults(command=_evaluate)

    inspect = commands.add_parser("inspect", help="judge pictures and stacks; exit status 1 where a file failed")
    inspect.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a picture, a stack, or a folder of them")
    inspect.add_argument("--checkpoint", default=DEFAULT_IMAGE_CHECKPOINT, help="name or folder; default %(default)s")
    inspect.add_argument("--threshold", type=float, help="probability that is a defect; default: the one saved with it")
    inspect.add_argument("--csv", type=Path, required=True, metavar="FILE", help="write one row a file")
    inspect.add_argument("--pdf", type=Path, metavar="FILE", help="write a report with the worst pictures")
    inspect.add_argument("--overlays", type=Path, metavar="FOLDER", help="write each picture with its map")
    inspect.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    inspect.add_argument("--ray", action="store_true", help="spread the files over a Ray cluster")
    inspect.set_defaults(command=_inspect)
    return parser


def _add_recording(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("record", help=f"a file, a WFDB record's name, a zip, or {SAMPLE_PREFIX}NAME")
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT, help="name or folder; default %(default)s")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    parser.add_argument("--lead", help="read this lead first, whatever the network was trained on")
    parser.add_argument(
        "--beats", choices=("detected", "reference"), default="detected", help="whose R peaks to classify"
    )
    parser.add_argument("--fs", type=float, help="sampling frequency in Hz, where the file does not state it")
    parser.add_argument("--unit", help="mV, uV, V or unknown, where the file does not state it")


def _doctor(_: argparse.Namespace) -> int:
    from ecgviz.doctor import examine, render

    checks = examine()
    print(render(checks))
    return 0 if all(check.ok for check in checks) else 1


def _analyze(options: argparse.Namespace) -> int:
    from ecgviz.analysis.folder import recordings_in
    from ecgviz.record_command import analyse_records, record_checkpoint

    whole = record_checkpoint(options)
    if whole is not None:
        return analyse_records(options, whole, _write)
    paths = recordings_in(options.record)
    if len(paths) > 1:
        return _analyze_folder(options, paths)
    if options.ray:
        raise ConfigError("ray", f"spreads a folder of recordings; {options.record} is one recording, or none")
    recording, _checkpoint, beats = _analysed(options)
    _write_beats(recording, beats, options.json, options.csv, options.atr)
    _print_summary(recording, beats)
    return 0


def _analyze_folder(options: argparse.Namespace, paths: Sequence[Path]) -> int:
    """Every recording of a folder; ``--json`` and ``--csv`` are folders then, too."""
    from ecgviz.analysis import choose_device
    from ecgviz.analysis.folder import Reading, analyse_files
    from models import load_checkpoint

    analyse = analyse_files
    if options.ray:
        from ecgviz.analysis.on_ray import analyse_on_ray as analyse
    checkpoint = load_checkpoint(options.checkpoint, "cpu" if options.ray else choose_device(options.device))
    reading = Reading(options.lead, options.beats, options.fs, options.unit)
    failed = 0
    with _bar("recording") as progress:
        for one in analyse(paths, checkpoint, reading, progress=progress):
            if one.beats is None:
                failed += 1
                print(f"error: {one.error}", file=sys.stderr)
                continue
            name = f"{one.path.stem}.{{}}"
            tables = [folder and folder / name.format(kind) for kind, folder in _tables(options)]
            _write_beats(one.facts, one.beats, *tables, options.atr)
            _print_summary(one.facts, one.beats, statement=False)
    print(STATEMENT)
    return int(failed > 0)


def _tables(options: argparse.Namespace) -> list[tuple[str, Path | None]]:
    return [("json", options.json), ("csv", options.csv)]


def _write_beats(
    recording: Recording | Facts, beats: Beats, document: Path | None, table: Path | None, annotations: Path | None
) -> None:
    if document is not None:
        _write(document, json.dumps(beats_document(recording, beats)) + "\n")
    if table is not None:
        from ecgviz.reports.tables import write_beats_csv

        table.parent.mkdir(parents=True, exist_ok=True)
        write_beats_csv(beats, table)
    if annotations is not None:
        from ecgviz.reports.annotations import write_annotations

        write_annotations(beats, annotations, recording.name)


def _explain(options: argparse.Namespace) -> None:
    from ecgviz.figures.static import ecg_strip_file
    from ecgviz.saliency import explain_beat, judge_map

    recording, checkpoint, beats = _analysed(options)
    if not 0 <= options.at <= recording.duration_s:
        raise ConfigError("at", f"{options.at:g} s lies outside the recording of {recording.duration_s:.1f} s")
    if not len(beats):
        raise ConfigError("at", f"{recording.name} has no beat to explain")
    index = int(np.abs(beats.time_s - options.at).argmin())
    try:
        saliency = explain_beat(recording, checkpoint, beats, index, target=options.target, method=options.method)
    except ValueError as error:
        raise ConfigError("method or target", str(error)) from error
    evidence = judge_map(recording, checkpoint, beats, saliency)
    print(
        f"beat at {beats.time_s[index]:.3f} s: {beats.label[index]} ({beats.confidence[index]:.2f}); "
        f"map of {saliency.target}"
    )
    print("weak explanation: " + " ".join(evidence.reasons) if evidence.weak else "the map passed its checks")
    if options.npz is not None:
        marks = {name: value for name, value in vars(evidence).items() if isinstance(value, int | float)}
        options.npz.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            options.npz,
            values=saliency.values,
            time_s=saliency.time_s,
            sample=beats.sample[index],
            prob=beats.prob[index],
            classes=np.array(beats.classes),
            target=saliency.target,
            method=saliency.method,
            checkpoint=saliency.checkpoint,
            **marks,
        )
    if options.png is not None:
        start = float(
            np.clip(beats.time_s[index] - options.seconds / 2, 0, max(recording.duration_s - options.seconds, 0))
        )
        content = ecg_strip_file(
            recording,
            start,
            min(options.seconds, recording.duration_s),
            file_format=options.png.suffix.lower().lstrip(".") or "png",
            leads=beats.leads,
            beats=beats,
            saliency=saliency,
            network_input=checkpoint.task.describe(),
            selected=index,
        )
        options.png.parent.mkdir(parents=True, exist_ok=True)
        options.png.write_bytes(content)


def _evaluate(options: argparse.Namespace) -> None:
    from ecgviz.signals.r_peaks import detect_r_peaks
    from models import load_checkpoint
    from models.evaluation import evaluate, render

    def detect(read: Callable[[int, int], np.ndarray], fs: float, n_samples: int) -> np.ndarray:
        return detect_r_peaks(lambda start, stop: read(start, stop)[:, 0], fs, n_samples)

    names = [name.strip() for name in options.records.split(",") if name.strip()]
    with _bar("record") as progress:
        result = evaluate(
            load_checkpoint(options.checkpoint),
            options.data,
            options.split,
            names,
            lead=options.lead,
            detect=detect if options.positions == "detected" else None,
            progress=progress,
        )
    print(render(result))
    if options.json is not None:
        _write(options.json, json.dumps(result, indent=1) + "\n")


def _inspect(options: argparse.Namespace) -> int:
    from ecgviz.analysis import choose_device
    from ecgviz.analysis.inspect import current_point, inspect_files, pictures_in
    from ecgviz.reports.inspection import annotated_pictures, counts, verdicts_csv, write_file
    from models import load_checkpoint
    from models.operating_point import given_point

    checkpoint = load_checkpoint(options.checkpoint, "cpu" if options.ray else choose_device(options.device))
    point = current_point(checkpoint) if options.threshold is None else given_point(options.threshold)
    paths = [path for given in options.paths for path in pictures_in(given)]
    with _bar("file") as progress:
        if options.ray:
            from ecgviz.analysis.on_ray import inspect_on_ray

            verdicts = list(inspect_on_ray(paths, checkpoint, point, progress))
        else:
            verdicts = list(inspect_files(paths, checkpoint, operating_point=point, progress=progress))
    _write(options.csv, verdicts_csv(verdicts))
    if options.overlays is not None:
        with _bar("picture") as progress:
            for name, content in annotated_pictures(verdicts, checkpoint, progress=progress):
                write_file(options.overlays / name, content)
    if options.pdf is not None:
        from ecgviz.analysis.overrides import read_overrides
        from ecgviz.reports.inspection_pdf import inspection_pdf

        write_file(options.pdf, inspection_pdf(verdicts, checkpoint, point, overrides=read_overrides()))
    print(", ".join(f"{name} {number}" for name, number in counts(verdicts).items()))
    print(f"{checkpoint.name}, threshold {point.threshold:.3f} (version {point.version})")
    for verdict in verdicts:
        if verdict.error:
            print(f"error: {verdict.error}", file=sys.stderr)
    print(STATEMENT)
    return int(any(verdict.error for verdict in verdicts))


def _analysed(options: argparse.Namespace) -> tuple[Recording, Checkpoint, Beats]:
    from ecgviz.analysis import choose_device
    from ecgviz.analysis.folder import Reading, analyse_opened
    from ecgviz.readers import open_recording
    from ecgviz.readers.samples import open_sample
    from models import load_checkpoint

    checkpoint = load_checkpoint(options.checkpoint, choose_device(options.device))
    started = time.perf_counter()
    if options.record.startswith(SAMPLE_PREFIX):
        recording = open_sample(options.record.removeprefix(SAMPLE_PREFIX))
    else:
        recording = open_recording(options.record, fs=options.fs, unit=options.unit)
    with _bar("beat") as progress:
        reading = Reading(options.lead, options.beats)
        recording, beats = analyse_opened(recording, checkpoint, reading, started, progress)
    return recording, checkpoint, beats


def beats_document(recording: Recording | Facts, beats: Beats) -> dict:
    """The analysis as the JSON that ``analyze --json`` writes: one entry for each beat."""
    names = beats.classes
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
        "beats": [
            {"sample": int(sample), "time_s": round(float(time_s), 4), "label": str(label)}
            | {"prob": {name: round(float(p), 5) for name, p in zip(names, prob, strict=True)}}
            for sample, time_s, label, prob in zip(beats.sample, beats.time_s, beats.label, beats.prob, strict=True)
        ],
    }


def _print_summary(recording: Recording | Facts, beats: Beats, *, statement: bool = True) -> None:
    counts = ", ".join(f"{name} {int((beats.label == name).sum())}" for name in beats.classes)
    seconds = ", ".join(f"{name} {value:.2f} s" for name, value in beats.seconds.items())
    print(f"{recording.name}: {recording.duration_s / 60:.1f} min, {recording.fs:g} Hz, {' '.join(recording.leads)}")
    print(f"{len(beats)} beats: {counts}")
    print(f"{beats.checkpoint} on {beats.device}, lead {' and '.join(beats.leads)}; {seconds}")
    if beats.seen_in_training:
        print(
            f"seen in training: this is (part of) record {beats.seen_in_training}; "
            "the result says nothing of new patients"
        )
    for remark in recording.remarks:
        print(remark)
    for warning in beats.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if statement:
        print(STATEMENT)


class _bar:  # noqa: N801  used as a function
    """A tqdm bar as a ``progress(done, total, note)``; silent where stderr is no terminal."""

    def __init__(self, unit: str):
        from tqdm import tqdm

        self._bar = tqdm(unit=unit, disable=None, leave=False)

    def __enter__(self) -> Callable[[int, int, str], None]:
        return self._progress

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def _progress(self, done: int, total: int, note: str) -> None:
        self._bar.total = total
        self._bar.set_description_str(note)
        self._bar.n = done
        self._bar.refresh()


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReadError(path, f"cannot be written ({error.strerror}); choose another place") from error


if __name__ == "__main__":
    sys.exit(main())
