"""``python -m models``: train, evaluate and list without the dashboard.

python -m models list
python -m models train beat_strip --set data.root=FOLDER --run-dir DIR
python -m models evaluate beat-strip --data FOLDER --split test --json FILE
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from models.checkpoints import CARD, WEIGHTS, checkpoints_root, list_checkpoints, load_checkpoint, note_metrics
from models.config import load_config
from models.errors import ConfigError, EcgvizError
from models.registry import architecture, create_model, list_models


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except EcgvizError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models", description="Networks of ecgviz: train, evaluate, list.")
    commands = parser.add_subparsers(required=True)

    listing = commands.add_parser("list", help="networks and checkpoints")
    listing.set_defaults(command=_list)

    training = commands.add_parser("train", help="train a network as a configuration says")
    training.add_argument("config", help="YAML file, or the name of one of models/configs")
    training.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, such as lr=0.001"
    )
    training.add_argument("--run-dir", type=Path, required=True, help="folder for config, metrics, log, checkpoint")
    training.set_defaults(command=_train)

    evaluation = commands.add_parser("evaluate", help="score a checkpoint on annotated WFDB records")
    evaluation.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    evaluation.add_argument("--data", type=Path, required=True, help="folder of WFDB records with .atr")
    evaluation.add_argument("--split", default="all", help="all, train, validation, ds1 or test (DS2); default all")
    evaluation.add_argument("--records", default="", help="names separated by commas, instead of a split")
    evaluation.add_argument("--lead", help="read this lead first")
    evaluation.add_argument("--to-card", metavar="KEY", help="enter the pooled figures into the checkpoint's card")
    evaluation.add_argument("--json", type=Path, help="write all figures here")
    evaluation.set_defaults(command=_evaluate)

    promotion = commands.add_parser("promote", help="copy a run's checkpoint into the checkpoints folder")
    promotion.add_argument("run_dir", type=Path, help="folder of the run")
    promotion.add_argument("--name", help="name of the checkpoint; default: the configuration's")
    promotion.set_defaults(command=_promote)
    return parser


def _list(_: argparse.Namespace) -> None:
    print("networks")
    for name in list_models():
        entry = architecture(name)
        count = sum(parameter.numel() for parameter in create_model(name).parameters())
        print(f"  {name:<18} {entry.task:<6} {count:>10,} parameters  {entry.summary}")
    print(f"checkpoints in {checkpoints_root()}")
    for summary in list_checkpoints():
        detail = (
            summary.fault or f"{summary.card.architecture}, {summary.card.parameters:,} parameters, {summary.card.date}"
        )
        print(f"  {summary.name:<24} {detail}")


def _train(options: argparse.Namespace) -> None:
    config = load_config(options.config, options.set)
    from models.training import RunContext, run  # Lightning is loaded to train, not to look

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")

    def report(epoch: int, epochs: int, figures: Mapping[str, float]) -> None:
        shown = "  ".join(
            f"{name.split('/')[-1]} {value:.3f}" for name, value in figures.items() if "f1" in name or "loss" in name
        )
        logging.getLogger("models.training").info("epoch %d of %d  %s", epoch, epochs, shown)

    folder = run(config, RunContext(options.run_dir, report))
    print(f"checkpoint: {folder}")


def _evaluate(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from models.evaluation import evaluate, render

    names = [name.strip() for name in options.records.split(",") if name.strip()]
    checkpoint = load_checkpoint(options.checkpoint)
    with tqdm(unit="record", disable=None) as bar:

        def progress(done: int, total: int, note: str) -> None:
            bar.total = total
            bar.set_postfix_str(note)
            bar.update(done - bar.n)

        result = evaluate(checkpoint, options.data, options.split, names, lead=options.lead, progress=progress)
    print(render(result))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if options.to_card is not None:
        note_metrics(checkpoint.folder, options.to_card, result["pooled"] | {"positions": "reference"})


def _promote(options: argparse.Namespace) -> None:
    source = options.run_dir if (options.run_dir / CARD).is_file() else options.run_dir / "checkpoint"
    checkpoint = load_checkpoint(source)
    name = options.name or checkpoint.card.config.get("name")
    if not name:
        raise ConfigError("name", "the run's card has none; give --name")
    target = checkpoints_root() / name
    target.mkdir(parents=True, exist_ok=True)
    for file in (WEIGHTS, CARD):
        shutil.copyfile(source / file, target / file)
    print(f"checkpoint: {target}")


if __name__ == "__main__":
    sys.exit(main())
