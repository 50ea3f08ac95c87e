"""``python -m models data FOLDER``: what is understood of a folder of training data, before a training on it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from models.config.changes import changed_group
from models.config.image import ImageDataConfig
from models.core.command_line import add_changes, bar
from models.core.files import file_to_write, write_file
from models.core.words import counted
from models.data.examples import draw_pictures
from models.data.image_folder import ImageRow
from models.data.survey import survey
from models.data.survey_result import Survey
from models.data.version_changes import read_changes
from models.data.versions import MANIFEST, make_version
from models.tasks.image import IMAGE_CLASSES
from readers.core.file_names import readable

_SAMPLES, _NAMED = 6, 20


def add_command(commands: Any) -> None:
    """Enter the command."""
    parser = commands.add_parser("data", help="say what is understood of a folder of training data, with samples")
    parser.add_argument("folder", type=Path, help="of recordings or pictures, or a labels.csv")
    parser.add_argument("--json", type=file_to_write, help="write all that was found here")
    add_changes(parser, "pictures: read the folder by other settings, such as data.normal=[OK] data.split=dealt")
    parser.add_argument("--version", metavar="NAME", help="write a version of it with labels that people gave")
    parser.add_argument(
        "--changes", type=Path, metavar="FILE", help="their labels: CSV with file,label,who,when,why and page, group"
    )
    parser.set_defaults(command=_data)


def _data(options: argparse.Namespace) -> int:
    settings = changed_group({}, "data", options.set, ImageDataConfig)
    if options.version:
        return _version(options, settings)
    with bar("file") as progress:
        found = survey(options.folder, progress=progress, pictures=settings)
    lines = [render(found)]
    if found.kind == "pictures":
        shown = draw_pictures(options.folder, _SAMPLES, config=settings.model_copy(update={"unlabelled": "normal"}))
        lines += ["samples", *map(_sample, shown)]
    sys.stdout.write("\n".join(lines) + "\n")
    if options.json is not None:
        write_file(options.json, json.dumps(found.plain(), indent=1) + "\n")
    return int(any(problem.grave for problem in found.problems))


def _version(options: argparse.Namespace, settings: ImageDataConfig) -> int:
    changes = () if options.changes is None else read_changes(options.changes)
    made = make_version(options.version, changes, options.folder, settings)
    sys.stdout.write(f"{made.describe()}\ndata.root={made.folder}\n")
    if options.json is not None:
        write_file(options.json, (made.folder / MANIFEST).read_bytes())
    return 0


def _sample(row: ImageRow) -> str:
    what = row.defect_type or IMAGE_CLASSES[row.label]
    truth = "mask" if row.mask else counted(len(row.boxes), "box", "boxes") if row.boxes else ""
    return f"  {readable(row.name)}: {', '.join(filter(None, (readable(what), readable(row.split), truth)))}"


def render(found: Survey) -> str:
    """A survey for people."""
    lines = [f"{found.kind}: {found.layout}" if found.layout else found.kind]
    lines.append(f"{counted(found.items, 'case')} in {counted(found.groups, 'group')}: {_counts(found.classes)}")
    if found.types:
        lines.append(f"types of defect: {_counts(found.types)}")
    for side, counts in found.sides.items():
        lines.append(f"  {side}: {_counts(counts)}")
    if found.split:
        lines.append(f"split: {found.split}")
    if found.set_aside:
        lines.append(f"set aside: {_counts(found.set_aside)}")
    kinds = Counter(problem.grave for problem in found.problems)
    lines.append(f"{counted(len(found.problems), 'problem')}, {kinds[True]} of them grave")
    for problem in found.problems[:_NAMED]:
        grave = "GRAVE " if problem.grave else ""
        lines.append(f"  {grave}{problem.what}: {' '.join(filter(None, (problem.file, problem.words)))}")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{readable(name)} {count:,}" for name, count in counts.items()) or "none"
