"""Survey of whole recordings with labels: recordings by label and side, and those that cannot be read."""

from __future__ import annotations

from pathlib import Path

from models.config.record import RecordDataConfig
from models.core.callbacks import Progress
from models.core.errors import ConfigError, ReadError
from models.data import array_folders, ptbxl
from models.data.survey_result import Problem, Survey, ordered
from models.data.whole_recording_split import SIDES, RecordingRow
from models.data.whole_recordings import load_split
from models.tasks.record import RecordTask
from readers.core.lead_names import EIGHT_LEADS

_TOLD_EVERY = 20


def is_whole(root: Path) -> bool:
    """Whether a folder holds PTB-XL, or arrays that are normal or abnormal."""
    return (root / ptbxl.TABLE).is_file() or array_folders.is_layout(root)


def task_of(root: Path) -> RecordTask:
    """The task that fits the labels of a folder."""
    if (root / ptbxl.TABLE).is_file():
        return RecordTask()
    return RecordTask(target="abnormal", ecg_leads=EIGHT_LEADS, fs_out=array_folders.FS, segment_seconds=10)


def survey_whole_recordings(root: Path, tell: Progress) -> Survey:
    """Read every recording of a folder once.

    Args:
        root: the folder.
        tell: told files done, files in all, a note; raises ReadError to stop.

    Raises:
        ReadError: a table that cannot be read, or stopped.
    """
    task = task_of(root)
    split = load_split(RecordDataConfig(root=str(root)), task)
    problems = [
        Problem("missing", root.name, f"{count:,} recordings {reason}; they are left out")
        for reason, count in sorted(split.left_out.items())
    ]
    rows = [row for side in SIDES for row in split.sides[side]]
    seconds, there = 0.0, set()
    for number, row in enumerate(rows):
        if number % _TOLD_EVERY == 0:
            tell(number, len(rows), f"Reading recordings ({row.name})")
        try:
            samples, fs, leads = row.load()
            task.take_leads(samples[:1], leads)
        except (ReadError, ConfigError) as error:
            problems.append(Problem("unreadable", row.name, str(error), grave=isinstance(error, ConfigError)))
            continue
        seconds += len(samples) / fs
        there.add(row.name)
        if len(samples) / fs * task.fs_out < task.shortest:
            problems.append(Problem("classes", row.name, "is shorter than a window; it is left out"))
    problems += [
        Problem("classes", side, "has no recording", grave=True) for side in SIDES[:2] if not split.sides[side]
    ]
    kept = {side: [row for row in split.sides[side] if row.name in there] for side in SIDES}
    return Survey(
        "whole recordings",
        items=len(there),
        classes=_count(task, [row for side in SIDES for row in kept[side]]),
        sides={side: _count(task, chosen) for side, chosen in kept.items() if chosen},
        groups=len({row.group for side in SIDES for row in kept[side]}),
        hours=seconds / 3600,
        split="by the folds of PTB-XL: 1 to 8, 9, 10; they keep patients apart"
        if (root / ptbxl.TABLE).is_file()
        else "as the folders say",
        problems=ordered(problems),
    )


def _count(task: RecordTask, rows: list[RecordingRow]) -> dict[str, int]:
    counts = {name: sum(row.target[place] for row in rows) for place, name in enumerate(task.classes)}
    return counts if len(counts) > 1 else {"normal": len(rows) - counts["abnormal"], **counts}
