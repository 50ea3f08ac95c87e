"""``python -m models``: train, evaluate and list without the dashboard.

python -m models list
python -m models train beat_strip --set data.root=FOLDER epochs=5 --run-dir DIR
python -m models evaluate beat-rhythm-2026-11 --data FOLDER --split test --json FILE
python -m models train pcb_lite0 --set data.root=FOLDER --run-dir DIR
python -m models evaluate pcb-lite0 --data FOLDER --json FILE
python -m models simulate FOLDER --real BATTERY_CT
python -m models data FOLDER
python -m models threshold pcb-lite0 --data FOLDER --escape 200 --overkill 3 --expected 0.005 --save
python -m models sheets ecg-paper-lite0 --data PTBXL --more MORE
python -m models export ecg12-xresnet --onnx --out DIR
python -m models heartbeats FOLDER --data MITDB --split patient
python -m models heartbeats FOLDER --train MITDB=ds1,104,217 --train SVDB_MORE --test MITDB=test
python -m models leakage --random CHECKPOINT TABLES --patient CHECKPOINT TABLES
python -m models jobs submit beat_smoke --set data.root=FOLDER
python -m models sweep pcb_lite0 --grid lr=1e-3,3e-4 batch_size=16,32 --set data.root=FOLDER
python -m models labels RUN RUN
python -m models data FOLDER --version NAME --changes FILE
python -m models compare pcb-lite0 RUN --data VERSION
python -m models promote RUN --name pcb-lite0 --data VERSION
python -m models rollback pcb-lite0
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.checkpoints import (
    checkpoints_root,
    list_checkpoints,
    load_checkpoint,
    note_metrics,
    promoted_root,
)
from models.compress.commands import add_commands as add_lighter
from models.config import load_config
from models.core.command_line import add_changes, add_configuration, bar, configuration, run
from models.core.errors import ConfigError
from models.core.files import file_to_write, folder_to_write, write_file
from models.data.command import add_command as add_data
from models.evaluation.operating_point import ESCAPE_COST, OVERKILL_COST, PREVALENCE, save
from models.evaluation.overview import parameter_count
from models.experiments.commands import add_commands as add_experiments
from models.jobs.commands import add_commands
from models.networks.registry import architecture, list_models
from models.plugins import plugin_of
from models.plugins.results import ScoreRequest
from models.sheets.command import add_command as add_sheets
from models.training.allocator import keep_memory


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 with one sentence on stderr."""
    return run(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description="Networks of ecgviz: train, evaluate, list.")
    commands = parser.add_subparsers(required=True)

    listing = commands.add_parser("list", help="networks and checkpoints")
    listing.set_defaults(command=_list)

    _add_training(commands)
    _add_evaluation(commands)
    _add_threshold(commands)
    _add_simulation(commands)
    _add_tables(commands)
    _add_leakage(commands)
    add_experiments(commands)
    add_data(commands)
    add_lighter(commands)
    add_sheets(commands)
    add_commands(commands)
    return parser


def _add_training(commands: argparse._SubParsersAction) -> None:
    training = commands.add_parser("train", help="train a network as a configuration says")
    add_configuration(training)
    training.add_argument("--run-dir", type=folder_to_write, help="folder for config, metrics, log, checkpoint")
    training.add_argument("--overwrite", action="store_true", help="replace the finished run that the run folder holds")
    training.add_argument("--resume", action="store_true", help="go on from the last whole state in the run folder")
    training.add_argument("--job", metavar="ID", help="what the runner of jobs calls; see docs/jobs.md")
    training.set_defaults(command=_train)


def _add_evaluation(commands: argparse._SubParsersAction) -> None:
    evaluation = commands.add_parser("evaluate", help="score a checkpoint on annotated recordings or labelled pictures")
    evaluation.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    evaluation.add_argument(
        "--data", type=Path, required=True, help="folder of WFDB records with .atr; of pictures, or their labels.csv"
    )
    evaluation.add_argument(
        "--split",
        help="recordings: all (default), train, validation, ds1 or test (DS2); "
        "pictures: test (default), validation, train or all",
    )
    evaluation.add_argument("--records", default="", help="recordings: names separated by commas, instead of a split")
    evaluation.add_argument("--lead", help="recordings: read this lead first")
    evaluation.add_argument("--to-card", metavar="KEY", help="enter the pooled metrics into the checkpoint's card")
    evaluation.add_argument(
        "--more", default="", help="whole recordings: folder of further ones beside those of --data"
    )
    evaluation.add_argument("--json", type=file_to_write, help="write all metrics here")
    add_changes(evaluation, "pictures: read the set by other settings, such as data.normal=[OK] data.split=dealt")
    evaluation.set_defaults(command=_evaluate)


def _add_threshold(commands: argparse._SubParsersAction) -> None:
    cutting = commands.add_parser("threshold", help="choose by costs where a checkpoint's scores become verdicts")
    cutting.add_argument("checkpoint", help="name of a checkpoint for pictures, or its folder")
    cutting.add_argument("--data", type=Path, required=True, help="folder of labelled pictures, or their labels.csv")
    cutting.add_argument("--split", default="validation", help="validation (default), or all of a set of its own")
    cutting.add_argument("--escape", type=float, help=f"price of a defect that is passed; default {ESCAPE_COST:g}")
    cutting.add_argument(
        "--overkill", type=float, default=OVERKILL_COST,
        help="price of a good part that is rejected, default %(default)g; below 1 and without --escape the share of "
        "good parts that may be rejected: then good pictures alone choose",
    )  # fmt: skip
    cutting.add_argument(
        "--expected", type=float, default=PREVALENCE, help="share of defects expected in use; default %(default)g"
    )
    add_changes(cutting, "read the set by other settings, such as data.normal=[OK] data.split=dealt")
    cutting.add_argument("--save", action="store_true", help="put it in force, beside the checkpoint, as a new version")
    cutting.set_defaults(command=_threshold)


def _add_simulation(commands: argparse._SubParsersAction) -> None:
    simulation = commands.add_parser("simulate", help="write simulated battery CT with defects and their masks")
    simulation.add_argument("folder", type=folder_to_write, help="gets images, masks and labels.csv")
    simulation.add_argument("--real", type=Path, help="folder battery_ct with real healthy slices; else all are drawn")
    for part, count in (("train", 1600), ("validation", 250), ("test", 400)):
        simulation.add_argument(f"--{part}", type=int, default=count, metavar="N", help=f"pictures; default {count}")
    simulation.set_defaults(command=_simulate)


def _add_tables(commands: argparse._SubParsersAction) -> None:
    tables = commands.add_parser("heartbeats", help="write mitbih_train.csv and mitbih_test.csv from MIT-BIH")
    tables.add_argument("folder", type=folder_to_write, help="gets the tables")
    tables.add_argument("--data", type=Path, help="folder of MIT-BIH")
    tables.add_argument(
        "--split", choices=("random", "patient"), default="patient",
        help="patient: DS1 and DS2; random: beat by beat, as the known tables were, each patient on both sides",
    )  # fmt: skip
    for side in ("train", "test"):
        tables.add_argument(
            f"--{side}", action="append", default=[], metavar="FOLDER[=NAMES]",
            help=f"instead of --data: annotated records to {side} on, all of a folder, or names or ds1, test (DS2)",
        )  # fmt: skip
    tables.set_defaults(command=_heartbeats)


def _add_leakage(commands: argparse._SubParsersAction) -> None:
    owed = commands.add_parser("leakage", help="what a score on tables of beats owes to patients that were trained on")
    for split, title in (("random", "split at random"), ("patient", "split by patient")):
        owed.add_argument(
            f"--{split}", nargs=2, required=True, metavar=("CHECKPOINT", "TABLES"),
            help=f"a checkpoint that was trained on tables {title}, and their folder",
        )  # fmt: skip
    owed.set_defaults(command=_leakage)


def _list(_: argparse.Namespace) -> None:
    print("networks")
    for name in list_models():
        entry = architecture(name)
        print(f"  {name:<22} {entry.task:<6} {parameter_count(name):>10,} parameters  {entry.summary}")
    print(f"checkpoints in {checkpoints_root()} and {promoted_root()}")
    for summary in list_checkpoints():
        card = summary.card
        detail = summary.fault if card is None else f"{card.architecture}, {card.parameters:,} parameters, {card.date}"
        default = f", the default for {card.role}" if card is not None and summary.is_default else ""
        print(f"  {summary.name:<24} {detail}{default}")


def _train(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    keep_memory()
    if options.job:
        from models.jobs.worker import run_job

        return run_job(options.job)
    usage = "python -m models train CONFIG --set key=value ... --run-dir DIR"
    name, changes = configuration(options, usage)
    if options.run_dir is None:
        raise ConfigError("run_dir", f"is needed: {usage}")
    config = load_config(name, changes)
    from models.training import RunContext  # Lightning is loaded to train, not to look
    from models.training import run as train
    from models.training.context import refuse_finished
    from models.training.distributed import joined

    if not (options.resume or options.overwrite):
        refuse_finished(options.run_dir)

    def report(epoch: int, epochs: int, metrics: Mapping[str, float]) -> None:
        shown = "  ".join(
            f"{name} {value:.3f}" for name, value in metrics.items() if name.endswith(("f1", "loss", "auroc"))
        )
        logging.getLogger("models.training").info("epoch %d of %d  %s", epoch, epochs, shown)

    with joined(config) as (rank, world_size):
        context = RunContext(options.run_dir, report, resume=options.resume, rank=rank, world_size=world_size)
        folder = train(config, context)
    if rank == 0:
        print(f"checkpoint: {folder}")
    return 0


def _evaluate(options: argparse.Namespace) -> None:
    checkpoint = load_checkpoint(options.checkpoint)
    if options.to_card is not None:
        folder_to_write(checkpoint.folder)
    request = ScoreRequest(
        root=options.data,
        split=options.split,
        records=tuple(name.strip() for name in options.records.split(",") if name.strip()),
        lead=options.lead,
        more=options.more,
        changes=tuple(options.set),
    )
    plugin = plugin_of(checkpoint)
    if options.set and not plugin.changes_data:
        raise ConfigError("set", f"is for pictures; {checkpoint.name} reads {plugin.unit} by its own settings")
    with bar(plugin.case) as progress:
        scores = plugin.score(checkpoint, request, progress=progress)
    print(scores.text)
    if options.json is not None:
        write_file(options.json, json.dumps(scores.metrics, indent=1) + "\n")
    if options.to_card is not None:
        note_metrics(checkpoint.folder, options.to_card, scores.card_entry)


def _threshold(options: argparse.Namespace) -> None:
    from models.evaluation.operating_choice import choose_on, choose_on_good, render

    checkpoint = load_checkpoint(options.checkpoint)
    if options.save:
        folder_to_write(checkpoint.folder)
    of = (checkpoint, options.data, options.split)
    with bar("picture") as progress:
        if options.escape is None and options.overkill < 1:
            chosen = choose_on_good(*of, options.overkill, changes=options.set, progress=progress)
        else:
            costs = (ESCAPE_COST if options.escape is None else options.escape, options.overkill, options.expected)
            chosen = choose_on(*of, costs, changes=options.set, progress=progress)
    print(render(chosen))
    if options.save:
        print(f"in force as version {save(checkpoint.folder, chosen.point).version}")


def _simulate(options: argparse.Namespace) -> None:
    from models.data.battery_ct_sim import generate_set  # scikit-image is loaded to simulate, not to look

    counts = {part: getattr(options, part) for part in ("validation", "test", "train") if getattr(options, part) > 0}
    if not counts:
        raise ConfigError("train", "no picture is wanted; give --train, --validation or --test a count")
    with bar("picture") as progress:
        table = generate_set(options.folder, counts, real_root=options.real, progress=progress)
    print(f"table: {table}")


def _heartbeats(options: argparse.Namespace) -> None:
    from models.data.heartbeat_rows import source_of, write_sides, write_tables

    sides = [[source_of(text) for text in side] for side in (options.train, options.test)]
    if (options.data is not None) == any(sides) or any(sides) != all(sides):
        raise ConfigError("data", "give the folder of MIT-BIH, or --train and --test with folders of annotated records")
    with bar("record") as progress:
        if options.data is None:
            folder = write_sides(options.folder, *sides, progress=progress)
        else:
            folder = write_tables(options.folder, options.data, options.split, progress=progress)
    print(f"tables: {folder}")


def _leakage(options: argparse.Namespace) -> None:
    from models.evaluation.leakage import note_leakage, render

    pairs = [(load_checkpoint(name), Path(tables)) for name, tables in (options.random, options.patient)]
    for checkpoint, _ in pairs:
        folder_to_write(checkpoint.folder)
    with bar("table") as progress:
        print(render(note_leakage(*pairs, progress=progress)))


if __name__ == "__main__":
    sys.exit(main())
