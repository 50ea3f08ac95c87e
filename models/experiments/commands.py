"""``python -m models promote | rollback | promotions | compare | sweep | labels``: what goes on around a training."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from models.checkpoints import checkpoint_folder, load_checkpoint
from models.compress.commands import add_trial, trial
from models.config import load_config, make_config
from models.core.command_line import add_configuration, bar, configuration, say, user
from models.core.errors import ConfigError
from models.core.files import file_to_write, write_file
from models.experiments.cautions import cautions
from models.experiments.promotion import promote, promotions, rollback, run_checkpoint, taken
from models.plugins import plugin_of

_USAGE = "python -m models sweep CONFIG --grid lr=1e-3,3e-4 epochs=5,10 --set data.root=FOLDER"


def add_commands(commands: Any) -> None:
    """Enter the commands."""
    promotion = commands.add_parser("promote", help="offer a run's checkpoint in the dashboard")
    promotion.add_argument("run_dir", type=Path, help="folder of the run")
    promotion.add_argument("--name", help="name of the checkpoint; default: the configuration's")
    promotion.add_argument("--anyway", default="", metavar="REASON", help="promote though something would get worse")
    _add_person(promotion)
    add_trial(promotion)
    promotion.set_defaults(command=_promote)

    back = commands.add_parser("rollback", help="take the last promotion of a checkpoint back")
    back.add_argument("name", help="of the checkpoint")
    back.add_argument("--why", default="", help="for the log")
    _add_person(back)
    back.set_defaults(command=_rollback)

    log = commands.add_parser("promotions", help="who promoted and rolled back what, and why")
    log.add_argument("name", nargs="?", default="", help="of one checkpoint")
    log.set_defaults(command=_log)

    compare = commands.add_parser("compare", help="hold a checkpoint for pictures against the one it is to replace")
    compare.add_argument("former", help="name or folder")
    compare.add_argument("successor", help="name or folder, of a run too")
    compare.add_argument("--data", type=Path, required=True, help="data set or version that the successor learned from")
    compare.add_argument("--json", type=file_to_write, metavar="FILE", help="write the whole comparison")
    compare.set_defaults(command=_compare)

    sweep = commands.add_parser("sweep", help="queue a training for each combination of some settings")
    add_configuration(sweep)
    sweep.add_argument("--grid", action="extend", nargs="+", default=[], metavar="NAME=VALUES",
                       help="name=value,value, or with --random also name=low..high")  # fmt: skip
    sweep.add_argument("--random", type=int, default=0, metavar="N", help="draw N combinations instead of making all")
    sweep.add_argument("--seed", type=int, default=0, help="of the draws")
    sweep.add_argument("--dry-run", action="store_true", help="print the trainings and queue none")
    sweep.set_defaults(command=_sweep)

    labels = commands.add_parser("labels", help="labels that are probably wrong, by networks that did not learn them")
    labels.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs on one data set")
    labels.add_argument("--csv", type=file_to_write, metavar="FILE", help="write the doubtful labels")
    labels.set_defaults(command=_labels)


def _add_person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--who", default="", help="for the log; default: the user")


def _promote(options: argparse.Namespace) -> None:
    for caution in cautions(options.run_dir):
        sys.stderr.write(f"warning: {caution}\n")
    run = run_checkpoint(options.run_dir)
    name = options.name or str(run.card.config.get("name") or "")
    why = options.anyway.strip()
    if run.card.original is None and options.data and taken(name) and plugin_of(run).role == "pictures":
        from models.experiments.succession import compare_successor, render

        with bar("picture") as progress:
            found = compare_successor(load_checkpoint(checkpoint_folder(name)), run, options.data, progress=progress)
        say(render(found))
        if not found.passes and not why:
            raise ConfigError("promote", f"{name} stays: {len(found.worse)} things would get worse; see above, or say "
                              "--anyway REASON")  # fmt: skip
        why = why or "compared: nothing is shown to get worse"
    folder = promote(options.run_dir, options.name, trial=trial(options), who=options.who or user(), why=why)
    say(f"checkpoint: {folder}")


def _rollback(options: argparse.Namespace) -> None:
    line = rollback(options.name, who=options.who or user(), why=options.why)
    what = f"the weights {line.sha256[:12]} answer again" if line.sha256 else "there is none of that name any more"
    say(f"{line.name}: {line.former_sha256[:12]} is taken back, {what}")


def _log(options: argparse.Namespace) -> None:
    for line in promotions(options.name):
        former = line.former_sha256[:12] or "nothing"
        say(f"{line.time}  {line.action:<8} {line.name}  {former} -> {line.sha256[:12] or 'nothing'}  {line.who}  "
             f"{line.why}".rstrip())  # fmt: skip


def _compare(options: argparse.Namespace) -> int:
    from models.experiments.succession import compare_successor, plain, render

    former, successor = load_checkpoint(options.former), run_checkpoint(options.successor)
    with bar("picture") as progress:
        found = compare_successor(former, successor, options.data, progress=progress)
    say(render(found))
    if options.json is not None:
        write_file(options.json, json.dumps(plain(found), indent=1) + "\n")
    return int(not found.passes)


def _sweep(options: argparse.Namespace) -> None:
    from models.experiments import sweep

    name, changes = configuration(options, _USAGE)
    base = load_config(name, changes)
    wanted = sweep.combinations(options.grid, options.random, options.seed)
    if options.dry_run:
        for title, _ in sweep.configurations(base, wanted):
            say(title)
        return
    for job in sweep.submit(base, wanted, who=user()):
        say(job)


def _labels(options: argparse.Namespace) -> None:
    from models.experiments.label_doubts import doubtful_labels
    from models.experiments.predictions import held_out

    runs = [run_checkpoint(one) for one in options.runs]
    with bar("case") as progress:
        found = doubtful_labels([held_out(one, make_config(one.card.config), progress=progress) for one in runs])
    say(f"{len(found.found)} of {found.cases} labels are doubtful")
    columns = ("case", "label", "likelier", "label_prob", "likelier_prob", "networks")
    rows = [(one.case, one.label, one.likelier, f"{one.label_prob:.4f}", f"{one.likelier_prob:.4f}", one.networks)
            for one in found.found]  # fmt: skip
    for row in rows[:20]:
        say("  " + "  ".join(map(str, row)))
    if options.csv is not None:
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows((columns, *rows))
        write_file(options.csv, buffer.getvalue())
