"""``python -m models sheets``: train the detector of foreign sheets of a checkpoint for ECG paper."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from models.checkpoints import load_checkpoint
from models.core.command_line import bar
from models.core.files import folder_to_write

OWN, EACH = 1600, 50


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command."""
    sheets = commands.add_parser(
        "sheets", help="teach a checkpoint for ECG paper which sheets are unlike its training's"
    )
    sheets.add_argument("checkpoint", help="name of a checkpoint that reads ECG paper, or its folder")
    sheets.add_argument("--data", type=Path, required=True, help="folder of the recordings that it was trained on")
    sheets.add_argument("--more", default="", help="folder of further ones beside those of --data")
    for name, count, what in (("own", OWN, "of the training's own kind"), ("each", EACH, "of each foreign style")):
        sheets.add_argument(f"--{name}", type=int, default=count, metavar="N", help=f"sheets {what}; default {count}")
    sheets.set_defaults(command=_sheets)


def _sheets(options: argparse.Namespace) -> None:
    from models.sheets.training import learn_sheets  # reads and draws; needed by this command alone

    checkpoint = load_checkpoint(options.checkpoint)
    folder_to_write(checkpoint.folder)
    with bar("sheet") as progress:
        found = learn_sheets(
            checkpoint, str(options.data), options.more, own=options.own, each=options.each, progress=progress
        )
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
