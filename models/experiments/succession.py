"""Compares a picture checkpoint with the one that it is to replace, on the same held-out cases, old and new separately.

Cases that either checkpoint was trained on are excluded, by the hashes in both cards and regardless of the split. Old
cases are those of the original data set; new cases were added or relabelled by people in its version
(:mod:`models.data.versions`). The gate lists what would get worse. An empty list is no proof that nothing does: the
number of cases and the interval show how large a difference could have been found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoints import Checkpoint
from models.core.callbacks import Progress
from models.core.errors import ConfigError, ReadError
from models.core.words import counted
from models.data.image_folder import ImageRow, load_split
from models.data.versions import read_version
from models.evaluation.images import MARK_LENGTH, data_settings, predict_images, probability
from models.evaluation.operating_point import default_point, load
from models.experiments.paired import Paired, compare
from models.plugins.results import Predictions
from models.tasks.image import IMAGE_CLASSES

TOLERANCE = 0.02
"""Largest fall of the AUROC that does not count as worse if the interval includes 0."""
_NAMED = 5


@dataclass(frozen=True)
class Cases:
    """The comparison on some of the cases.

    Attributes:
        name: "old cases" or "new cases".
        count: number of pictures and of groups.
        paired: the comparison; None without cases.
        escapes: defects that only the successor passes, and that only the former passes.
        overkill: good parts that only the successor rejects, and that only the former rejects.
    """

    name: str
    count: tuple[int, int]
    paired: Paired | None
    escapes: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    overkill: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())


@dataclass(frozen=True)
class Succession:
    """Two checkpoints on the same held-out cases.

    Attributes:
        former, successor: names.
        side: side of the split that the cases are from.
        parts: the comparison on old and on new cases.
        left_out: number of cases of that side excluded because one of the two was trained on them.
        worse: sentences on what would get worse; may be empty.
    """

    former: str
    successor: str
    side: str
    parts: tuple[Cases, ...]
    left_out: int
    worse: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Whether nothing is shown to get worse."""
        return not self.worse


def compare_successor(
    former: Checkpoint, successor: Checkpoint, root: str | Path, *, progress: Progress | None = None
) -> Succession:
    """Compare a checkpoint with the one that it is to replace.

    Args:
        former, successor: both for pictures.
        root: the data set, or a version of it, that the successor was trained on.
        progress: called with pictures done, their total, and a note.

    Raises:
        ConfigError: no held-out case is left. ReadError: an unreadable data set.
        CheckpointError: one of them is not for pictures.
    """
    sides, hashes = load_split(root, data_settings(successor))
    side = "test" if sides["test"] else "validation"
    trained = set(former.card.training_images) | set(successor.card.training_images)
    trained |= {hashes[row.file][:MARK_LENGTH] for row in sides["train"] if row.file in hashes}
    rows = [row for row in sides[side] if hashes.get(row.file, "")[:MARK_LENGTH] not in trained]
    if not rows:
        raise ConfigError("data", f"no held-out picture of {Path(root).name} is left that neither was trained on")

    def told(number: int) -> Progress:
        def tell(done: int, total: int, _: str) -> None:
            if progress is not None:
                progress(number * total + done, 2 * total, "Asking both networks")

        return tell

    outputs = [_answer(one, rows, told(number)) for number, one in enumerate((former, successor))]
    both = [row for row in rows if row.name in outputs[0].scores and row.name in outputs[1].scores]
    fresh = _labelled_by_people(root)
    parts = tuple(
        _cases(name, [row for row in both if (hashes.get(row.file) in fresh) is new], outputs)
        for name, new in (("old cases", False), ("new cases", True))
    )
    worse = tuple(sentence for part in parts for sentence in _worse(part))
    return Succession(former.name, successor.name, side, parts, len(sides[side]) - len(rows), worse)


@dataclass(frozen=True)
class _Answer:
    """Scores of a checkpoint by picture, and the pictures that it would pass at its operating point."""

    scores: dict[str, float]
    rejected: frozenset[str]


def _answer(checkpoint: Checkpoint, rows: Sequence[ImageRow], progress: Progress) -> _Answer:
    found = predict_images(checkpoint, rows, progress=progress)
    scores = probability(found.logits, checkpoint.card.temperature)
    point = load(checkpoint.folder) or default_point()
    names = [row.name for row in found.rows]
    rejected = frozenset(
        name for name, score in zip(names, scores, strict=True) if point.decide(float(score)) != "normal"
    )
    return _Answer(dict(zip(names, scores.tolist(), strict=True)), rejected)


def _labelled_by_people(root: str | Path) -> set[str]:
    """Hashes of the files that people added to this version or to one that it was made of, or gave another label."""
    found: set[str] = set()
    place: str | Path | None = root
    while place:
        try:
            version = read_version(place)
        except ReadError:
            break
        found |= {str(one["sha256"]) for one in version.changes if one["kind"] != "confirmed"}
        place = version.parent["root"] if version.parent else None
    return found


def _cases(name: str, rows: Sequence[ImageRow], outputs: Sequence[_Answer]) -> Cases:
    count = len(rows), len({row.group for row in rows})
    if not rows:
        return Cases(name, count, None)
    predictions = [_predictions(rows, one) for one in outputs]
    missed = [{row.name for row in rows if row.label and row.name not in one.rejected} for one in outputs]
    lost = [{row.name for row in rows if not row.label and row.name in one.rejected} for one in outputs]
    return Cases(
        name,
        count,
        compare(*predictions),
        (tuple(sorted(missed[1] - missed[0])), tuple(sorted(missed[0] - missed[1]))),
        (tuple(sorted(lost[1] - lost[0])), tuple(sorted(lost[0] - lost[1]))),
    )


def _predictions(rows: Sequence[ImageRow], answer: _Answer) -> Predictions:
    scores = np.array([answer.scores[row.name] for row in rows], np.float32)
    return Predictions(
        prob=np.stack([1 - scores, scores], axis=1),
        truth=np.array([row.label for row in rows], np.int64),
        case=[row.name for row in rows],
        group=np.array([row.group for row in rows]),
        classes=IMAGE_CLASSES,
    )


def _worse(part: Cases) -> list[str]:
    """What gets worse on these cases."""
    if part.paired is None:
        return []
    found, paired = [], part.paired
    if np.isfinite(paired.difference):
        shown = paired.interval is not None and paired.interval[1] < 0
        if shown or paired.difference < -TOLERANCE:
            spread = "" if paired.interval is None else f" ({paired.interval[0]:+.3f} to {paired.interval[1]:+.3f})"
            found.append(
                f"{part.name}: AUROC {paired.first:.3f} -> {paired.second:.3f}, {paired.difference:+.3f}{spread}"
            )
    for (more, fewer), what, does in (
        (part.escapes, "defect", "would be passed that the former finds"),
        (part.overkill, "good part", "would be rejected that the former passes"),
    ):
        if len(more) > len(fewer):
            named = ", ".join(more[:_NAMED]) + (" ..." if len(more) > _NAMED else "")
            found.append(f"{part.name}: {counted(len(more), what)} {does}, {len(fewer)} the other way: {named}")
    return found


def plain(found: Succession) -> dict[str, Any]:
    """The comparison for JSON."""
    return {
        "former": found.former, "successor": found.successor, "side": found.side, "left_out": found.left_out,
        "worse": list(found.worse),
        "parts": [
            {"name": one.name, "pictures": one.count[0], "groups": one.count[1]} | (
                {} if one.paired is None else {
                    "metric": one.paired.metric, "former": one.paired.first, "successor": one.paired.second,
                    "interval95": one.paired.interval, "mcnemar_p": one.paired.p_value,
                    "only_former_right": one.paired.only_first, "only_successor_right": one.paired.only_second,
                    "escapes_more": list(one.escapes[0]), "escapes_fewer": list(one.escapes[1]),
                    "overkill_more": list(one.overkill[0]), "overkill_fewer": list(one.overkill[1]),
                }
            )
            for one in found.parts
        ],
    }  # fmt: skip


def render(found: Succession) -> str:
    """The comparison for people."""
    lines = [f"{found.successor} against {found.former}, {found.side} side; {found.left_out} left out as trained on"]
    for part in found.parts:
        lines.append(f"  {part.name}: {counted(part.count[0], 'picture')} of {counted(part.count[1], 'group')}")
        if part.paired is None:
            continue
        paired = part.paired
        spread = "no interval" if paired.interval is None else f"{paired.interval[0]:+.3f} to {paired.interval[1]:+.3f}"
        if np.isfinite(paired.difference):
            lines.append(f"    AUROC {paired.first:.3f} -> {paired.second:.3f}: {paired.difference:+.3f} ({spread})")
        else:
            lines.append("    no AUROC: they are of one class")
        lines.append(f"    right alone: {found.former} {paired.only_first}, {found.successor} {paired.only_second}; "
                     f"McNemar p = {paired.p_value:.2g}")  # fmt: skip
        for what, (more, fewer) in (("passed defects", part.escapes), ("rejected good parts", part.overkill)):
            lines.append(f"    {what}: {len(more)} more, {len(fewer)} fewer")
    lines += [f"  WORSE {sentence}" for sentence in found.worse] or ["  nothing is shown to get worse"]
    return "\n".join(lines)
