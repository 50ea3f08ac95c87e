"""``python -m models export`` and ``compress``, and the arguments of the promotion gate."""

from __future__ import annotations

import argparse
import sys

from models.checkpoints import Checkpoint
from models.compress.gate import MOST_CHANGED, TOLERANCE, Trial
from models.compress.make import METHODS, make, make_request
from models.compress.predictions import Data
from models.core.errors import ConfigError
from models.core.files import folder_to_write


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add both commands to the parser of ``python -m models``."""
    exporting = commands.add_parser("export", help="write a checkpoint in a form that other programs run")
    exporting.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    exporting.add_argument("--onnx", action="store_true", help="as an ONNX model, which onnxruntime runs")
    exporting.add_argument("--out", type=folder_to_write, required=True, help="folder of the new checkpoint")
    exporting.set_defaults(command=_export)

    compressing = commands.add_parser("compress", help="write a smaller or faster form of a checkpoint")
    compressing.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    compressing.add_argument(
        "--method",
        choices=[method for method in METHODS if method != "onnx"],
        required=True,
        help="; ".join(f"{method}: {meaning}" for method, meaning in METHODS.items() if method != "onnx"),
    )
    compressing.add_argument("--out", type=folder_to_write, required=True, help="folder of the new checkpoint")
    compressing.add_argument("--data", default="", help="folder of the data; dynamic needs none")
    compressing.add_argument("--more", default="", help="whole recordings: folder of further ones beside --data")
    compressing.add_argument(
        "--calibrate", default="train", metavar="SIDE", help="side that scales are found on: train or validation"
    )
    compressing.add_argument("--share", type=float, help="l1, channels: share that goes; default 0.7 and 0.5")
    compressing.add_argument("--epochs", type=int, help="l1, channels, qat: of the fine-tuning; default 8, 8, 3")
    compressing.set_defaults(command=_compress)


def add_trial(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the gate."""
    group = parser.add_argument_group("a lighter checkpoint is held against its original, and refused beyond these")
    group.add_argument("--data", default="", help="folder of labelled data")
    group.add_argument("--more", default="", help="whole recordings: folder of further ones beside --data")
    group.add_argument("--split", default="test", help="side of the data; default test")
    group.add_argument("--tolerance", type=float, default=TOLERANCE, help="how far the metric may fall; %(default)s")
    group.add_argument(
        "--changed", type=int, default=MOST_CHANGED, help="how many labels may change; default %(default)s"
    )


def trial(options: argparse.Namespace) -> Trial | None:
    """The gate's parameters from the arguments of :func:`add_trial`; None without data."""
    if not options.data:
        return None
    return Trial(Data(options.data, options.more, options.split), options.tolerance, options.changed)


def _export(options: argparse.Namespace) -> None:
    if not options.onnx:
        raise ConfigError("onnx", "is the one form there is; add --onnx")
    _report(make(make_request({"checkpoint": options.checkpoint, "method": "onnx"}), options.out))


def _compress(options: argparse.Namespace) -> None:
    values = {name: getattr(options, name) for name in ("checkpoint", "method", "more", "share", "epochs", "calibrate")}
    _report(make(make_request(values | {"root": options.data}), options.out))


def _report(lighter: Checkpoint) -> None:
    size = (lighter.folder / lighter.card.weights_file).stat().st_size
    sys.stdout.write(f"checkpoint: {lighter.folder} ({size:,} bytes; original {lighter.card.original_name})\n")
