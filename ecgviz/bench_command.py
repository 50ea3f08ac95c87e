"""``python -m ecgviz bench``: two annotations of the same recordings compared as ANSI/AAMI EC57 defines it."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from ecgviz.analysis.bench import annotation_marks
from ecgviz.errors import ConfigError, EcgvizError, ReadError
from models.checkpoints import STATEMENT
from models.core.files import file_to_write, rows_file, write_file
from models.core.words import counted
from models.metrics.ec57.comparison import Comparison, compare, document, render, rows
from models.metrics.ec57.marks import Marks, Protocol
from readers.wfdb.annotation_file import NO_FILE, AnnotationFile, open_annotations


def add_bench(parser: argparse.ArgumentParser) -> None:
    """The arguments and options of the command."""
    what = "an annotation file, a record's name, or a folder of annotation files"
    parser.add_argument("truth", type=Path, help=f"the reference: {what}")
    parser.add_argument("test", type=Path, help=f"what is judged by it: {what}")
    parser.add_argument("--truth-extension", default="atr", help="of the reference's files; default atr")
    parser.add_argument("--test-extension", default="atr", help="of the judged files; default atr")
    parser.add_argument(
        "--learning", type=float, default=300.0, metavar="SECONDS",
        help="from the start, that do not count; default 300, as EC57 has it",
    )  # fmt: skip
    parser.add_argument(
        "--escape", choices=("S", "N"), default="S",
        help="class of escape beats (e, j, n): S as WFDB's bxb counts them, N as papers after de Chazal; default S",
    )  # fmt: skip
    parser.add_argument("--fs", type=float, help="Hz of the times, where neither a header nor the file says so")
    parser.add_argument("--with-paced", action="store_true", help="count recordings with paced beats in the totals")
    parser.add_argument("--json", type=file_to_write, metavar="FILE", help="write all counts and shares")
    parser.add_argument("--csv", type=file_to_write, metavar="FILE", help="write a row a recording, gross and average")
    parser.set_defaults(command=run_bench)


def run_bench(options: argparse.Namespace) -> int:
    """Compare, print the totals, write what the options name; 1 where a recording of a folder failed.

    Raises:
        EcgvizError: nothing to compare, the one pair cannot be read, or a result cannot be written.
    """
    if not 0 <= options.learning < math.inf:
        raise ConfigError("learning", f"{options.learning:g} s is no length of time; give 0 or more seconds")
    protocol = Protocol(learning_s=options.learning, escape=options.escape)
    pairs = paired(options.truth, options.test, options.truth_extension, options.test_extension)
    found: list[Comparison] = []
    failed = 0
    for truth, test in pairs:
        try:
            found.append(compared(truth, test, protocol, options.fs))
        except EcgvizError as error:
            if len(pairs) == 1:
                raise
            failed += 1
            sys.stderr.write(f"error: {error}\n")
    if not found:
        raise ReadError(options.test, "none of the pairs of annotations could be compared.")
    if options.json is not None:
        write_file(options.json, json.dumps(document(found, protocol, with_paced=options.with_paced), indent=1) + "\n")
    if options.csv is not None:
        table = rows(found, with_paced=options.with_paced)
        with rows_file(options.csv, list(table[0])) as write_row:
            for row in table:
                write_row(row)
    sys.stdout.write(
        f"{counted(len(found), 'recording')}, learning period {protocol.learning_s:g} s\n"
        f"{render(found, with_paced=options.with_paced)}\n{STATEMENT}\n"
    )
    return int(failed > 0)


def compared(truth: Path, test: Path, protocol: Protocol, fs: float | None = None) -> Comparison:
    """Read two annotation files and compare them; what the second one does not say of its times is the first's.

    Raises:
        ReadError: one cannot be read.
    """
    reference = open_annotations(truth, fs)
    found = open_annotations(test, fs or reference.fs)
    for one in (reference, found):
        for warning in one.warnings:
            sys.stderr.write(f"warning: {warning}\n")
    result = compare(reference.name, _marks(reference), _marks(found), protocol)
    if protocol.learning_s > 0 and not result.beats.matrix.any():
        sys.stderr.write(
            f"warning: {reference.name}: no beat behind the learning period of {protocol.learning_s:g} s, so nothing "
            "counts; --learning 0 counts all\n"
        )
    return result


def paired(truth: Path, test: Path, truth_extension: str, test_extension: str) -> list[tuple[Path, Path]]:
    """Annotation files of the same records.

    Args:
        truth, test: a file, a record's name without extension, or a folder.
        truth_extension, test_extension: of the files, where they are not named themselves.

    Raises:
        ReadError: no such file or folder, or no record that both have.
        ConfigError: what cannot be an extension.
    """
    truth_extension, test_extension = _extension(truth_extension), _extension(test_extension)
    references, tests = _files(truth, truth_extension), _files(test, test_extension)
    if not truth.is_dir() and not test.is_dir():  # two files that were named may have any names
        return [(references[0], tests[0])]
    by_name = {path.stem: path for path in tests}
    pairs = [(path, by_name[path.stem]) for path in references if path.stem in by_name]
    if not pairs:
        raise ReadError(
            test, f"no record has both .{truth_extension} in {truth.name} and .{test_extension} here; "
            "name the extensions with --truth-extension and --test-extension.",
        )  # fmt: skip
    alone = [path.stem for path in references if path.stem not in by_name]
    if alone:
        sys.stderr.write(f"warning: without annotations to judge, and not counted: {', '.join(alone)}\n")
    return pairs


def _extension(text: str) -> str:
    found = text.removeprefix(".")
    if not found or "/" in found or "\\" in found or "\0" in found:
        raise ConfigError("extension", f"{text!r} is no extension of a file; write letters, such as atr")
    return found


def _marks(file: AnnotationFile) -> Marks:
    return annotation_marks(file.annotations, file.fs, file.n_samples)


def _files(given: Path, extension: str) -> Sequence[Path]:
    if given.is_dir():
        found = sorted(path for path in given.iterdir() if path.suffix == f".{extension}" and path.is_file())
        if not found:
            raise ReadError(given, f"the folder holds no .{extension} file; name the extension of its annotations.")
        return found
    path = given if given.is_file() else given.with_name(f"{given.name}.{extension}")
    if not path.is_file():
        raise ReadError(path, NO_FILE)
    return [path]
