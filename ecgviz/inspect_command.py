"""``python -m ecgviz inspect``, ``override`` and ``dataset``: verdicts on pictures and stacks, what people decide about
them, and a data set of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ecgviz.analysis.volume_options import add_volume_options, volume_options, with_volume_options
from models.checkpoints import DEFAULT_IMAGE_CHECKPOINT, INSPECTION_STATEMENT
from models.core.command_line import add_changes, bar, say
from models.core.errors import ConfigError
from models.core.files import file_to_write, folder_to_write, rows_file, write_file


def add_inspect(commands: Any) -> None:
    """Enter both commands."""
    inspect = commands.add_parser(
        "inspect", help="judge pictures and stacks; exit status 1 where a file failed or was not read"
    )
    _add_judged(inspect)
    inspect.add_argument(
        "--csv", type=file_to_write, required=True, metavar="FILE", help="write one row a file, as they come"
    )
    inspect.add_argument("--json", type=file_to_write, metavar="FILE", help="write all verdicts, slices and decisions")
    inspect.add_argument("--pdf", type=file_to_write, metavar="FILE", help="write a report with the worst pictures")
    inspect.add_argument("--overlays", type=folder_to_write, metavar="FOLDER", help="write each picture with its map")
    inspect.add_argument(
        "--label-order", type=file_to_write, metavar="FILE", help="write the parts in the order that labels would help"
    )
    for name, what in (("lot", "lot"), ("serial", "serial number"), ("inspector", "name of the inspector")):
        inspect.add_argument(f"--{name}", default="", metavar="TEXT", help=f"{what}, for the head of the report")
    inspect.add_argument("--ray", action="store_true", help="spread the files over a Ray cluster")
    inspect.set_defaults(command=_inspect)

    override = commands.add_parser("override", help="decide about a part, a slice or a whole batch; goes into the log")
    _add_judged(override)
    override.add_argument("--verdict", choices=("normal", "defect", "review"), help="what is to count")
    override.add_argument("--reason", default="", help="why; needed")
    override.add_argument("--who", default="", help="who decides; needed")
    what = override.add_mutually_exclusive_group()
    what.add_argument("--slice", type=int, metavar="N", help="decide about this slice of one stack, from 1")
    what.add_argument("--batch", action="store_true", help="decide about all paths as one batch")
    override.add_argument("--undo", action="store_true", help="take the last decision back instead")
    override.set_defaults(command=_override, ray=False)

    dataset = commands.add_parser("dataset", help="write a version of a data set with the labels that people decided")
    _add_judged(dataset)
    dataset.add_argument("--name", required=True, help="of the data set")
    dataset.add_argument("--parent", type=Path, metavar="FOLDER", help="the set, or version, that they are added to")
    add_changes(dataset, "read the parent by other settings, such as data.normal=[OK] data.split=dealt")
    dataset.set_defaults(command=_dataset, ray=False)


def _add_judged(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a picture, a stack, a zip, or a folder")
    parser.add_argument("--checkpoint", default=DEFAULT_IMAGE_CHECKPOINT, help="name or folder; default %(default)s")
    parser.add_argument("--threshold", type=float, help="probability that is a defect; default: the one saved with it")
    parser.add_argument("--device", default="auto", help="auto, cuda, mps or cpu")
    add_volume_options(parser)


def _judging(options: argparse.Namespace) -> tuple[Any, Any, Any]:
    """Checkpoint, operating point, and what is to be inspected."""
    from ecgviz.analysis import choose_device
    from ecgviz.analysis.coverage import ToInspect, to_inspect
    from ecgviz.analysis.inspect import current_point
    from models import load_checkpoint
    from models.evaluation.operating_point import given_point

    checkpoint = load_checkpoint(options.checkpoint, "cpu" if options.ray else choose_device(options.device))
    point = current_point(checkpoint) if options.threshold is None else given_point(options.threshold)
    wanted = sum((to_inspect(given) for given in options.paths), ToInspect(()))
    return checkpoint, point, with_volume_options(wanted, volume_options(options))


def _inspect(options: argparse.Namespace) -> int:
    from ecgviz.analysis.coverage import aside_words, lost
    from ecgviz.analysis.dispositions import Decisions
    from ecgviz.analysis.inspect import inspect_files
    from ecgviz.analysis.overrides import read_overrides
    from ecgviz.reports.inspection import COLUMNS, ENCODING, annotated_pictures, aside_row, counts, verdict_row

    checkpoint, point, wanted = _judging(options)
    log = read_overrides()
    decisions = Decisions(log)
    verdicts = []
    with bar("file") as progress:
        if options.ray:
            from ecgviz.analysis.on_ray import inspect_on_ray

            found = inspect_on_ray(wanted.paths, checkpoint, point, progress)
        else:
            found = inspect_files(wanted.paths, checkpoint, operating_point=point, progress=progress)
        with rows_file(options.csv, COLUMNS, ENCODING) as write_row:
            try:
                for verdict in found:
                    write_row(verdict_row(verdict, decisions))
                    verdicts.append(verdict)
            finally:  # an interrupted table accounts for every file, too
                for one in wanted.aside:
                    write_row(aside_row(one))
    if options.overlays is not None:
        with bar("picture") as progress:
            for name, content in annotated_pictures(verdicts, checkpoint, decisions=decisions, progress=progress):
                write_file(options.overlays / name, content)
    _documents(options, verdicts, wanted.aside, (checkpoint, point, log))
    if options.label_order is not None:
        from ecgviz.analysis.label_order import label_order
        from ecgviz.reports.inspection import label_order_csv

        with bar("picture") as progress:
            write_file(
                options.label_order, label_order_csv(label_order(verdicts, checkpoint, decisions, progress=progress))
            )
    say(", ".join(f"{name} {number}" for name, number in counts(verdicts, wanted.aside, decisions).items()))
    say(f"{checkpoint.name}, threshold {point.threshold:.3f} (version {point.version})")
    for verdict in verdicts:
        if verdict.error:
            sys.stderr.write(f"error: {verdict.error}\n")
    if wanted.aside:
        (sys.stderr if lost(wanted.aside) else sys.stdout).write(f"set aside: {aside_words(wanted.aside)}\n")
    say(INSPECTION_STATEMENT)
    return int(any(verdict.error for verdict in verdicts) or bool(lost(wanted.aside)))


def _documents(options: argparse.Namespace, verdicts: Sequence[Any], aside: Sequence[Any], judged: tuple) -> None:
    """JSON and report, where they are wanted."""
    from ecgviz.analysis.dispositions import Decisions
    from ecgviz.reports.inspection import verdicts_json
    from ecgviz.reports.inspection_pdf import Head, inspection_pdf

    checkpoint, point, log = judged
    name = _batch_name(options.paths)
    if options.json is not None:
        write_file(options.json, verdicts_json(name, verdicts, aside, Decisions(log)))
    if options.pdf is not None:
        head = Head(options.lot, options.serial, options.inspector, name)
        write_file(options.pdf, inspection_pdf(verdicts, checkpoint, point, overrides=log, aside=aside, head=head))


def _dataset(options: argparse.Namespace) -> None:
    from ecgviz.analysis.decided_labels import decided_labels
    from ecgviz.analysis.inspect import inspect_files
    from ecgviz.analysis.overrides import standing
    from models.config.changes import changed_group
    from models.config.image import ImageDataConfig
    from models.data.versions import make_version

    settings = changed_group({}, "data", options.set, ImageDataConfig)
    checkpoint, point, wanted = _judging(options)
    with bar("file") as progress:
        verdicts = list(inspect_files(wanted.paths, checkpoint, operating_point=point, progress=progress))
    labels = decided_labels(verdicts, standing())
    made = make_version(options.name, labels.changes, options.parent, settings)
    say(f"{made.describe()}\nstill for review: {len(labels.open)}\ndata.root={made.folder}")


def _override(options: argparse.Namespace) -> None:
    from ecgviz.analysis.dispositions import Decisions, final_batch, final_verdicts, slice_verdict
    from ecgviz.analysis.inspect import inspect_files
    from ecgviz.analysis.overrides import override, override_all, read_overrides, undo

    if not options.undo and options.verdict is None:
        raise ConfigError("verdict", "is needed: --verdict normal, defect or review, or --undo")
    checkpoint, point, wanted = _judging(options)
    with bar("file") as progress:
        verdicts = list(inspect_files(wanted.paths, checkpoint, operating_point=point, progress=progress))
    scope = "part"
    if options.batch:
        decisions = Decisions(read_overrides())
        whole = final_batch(_batch_name(options.paths), final_verdicts(verdicts, decisions), decisions)
        verdicts, scope = [whole.network] if whole else [], "batch"
    elif options.slice is not None:
        if len(verdicts) != 1 or not 1 <= options.slice <= len(verdicts[0].slice_scores):
            raise ConfigError("slice", f"there is no slice {options.slice}; name one stack and a slice of it, from 1")
        verdicts, scope = [slice_verdict(verdicts[0], options.slice - 1)], "slice"
    if options.undo:
        entries: Iterable[Any] = (undo(verdict, who=options.who, scope=scope) for verdict in verdicts)
    elif scope == "part":
        entries = override_all(verdicts, options.verdict, reason=options.reason, who=options.who)
    else:
        by = {"reason": options.reason, "who": options.who, "scope": scope}
        entries = [override(verdict, options.verdict, confirm=True, **by) for verdict in verdicts]
    for entry in entries:
        say(f"{scope} {entry.file}: {entry.old} -> {entry.new}")


def _batch_name(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
