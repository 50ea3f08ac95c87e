"""``python -m models export`` and ``compress``: a checkpoint in, a lighter one out."""

from __future__ import annotations

import argparse
from pathlib import Path

from models.checkpoints import Checkpoint, load_checkpoint
from models.errors import ConfigError


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Enter the two commands into the parser of ``python -m models``."""
    exporting = commands.add_parser("export", help="write a checkpoint in a form that other programs run")
    exporting.add_argument("checkpoint", help="name of a checkpoint, or its folder")
    exporting.add_argument("--onnx", action="store_true", help="as an ONNX model, which onnxruntime runs")
    exporting.add_argument("--out", type=Path, required=True, help="folder of the new checkpoint")
    exporting.set_defaults(command=_export)


def _export(options: argparse.Namespace) -> None:
    if not options.onnx:
        raise ConfigError("onnx", "is the one form there is; add --onnx")
    from models.compress.export import export  # torch's exporter is loaded to export, not to look

    _report(export(load_checkpoint(options.checkpoint), options.out))


def _report(lighter: Checkpoint) -> None:
    size = (lighter.folder / lighter.card.weights_file).stat().st_size
    print(f"checkpoint: {lighter.folder} ({size:,} bytes; original {lighter.card.original.name})")
