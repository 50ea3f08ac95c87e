"""What a split of pictures cannot tell, said before a training and again beside its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.core.errors import ConfigError
from models.core.words import counted
from models.data.image_folder.folder import PictureFolder
from models.data.image_folder.row import ImageRow

_CHANCE = 0.5
_CLASSES = ("normal", "defective")
_JUDGES = {"validation": "the epoch and the threshold rest on it", "test": "its metrics rest on it"}


def split_doubts(sides: Mapping[str, Sequence[ImageRow]]) -> list[str]:
    """Sentences on sides of a split that are there and say too little: one class, or one part.

    Args:
        sides: pictures of train, validation and test.
    """
    doubts = []
    for side, use in _JUDGES.items():
        rows = sides.get(side, ())
        if not rows:
            continue
        missing = [name for label, name in enumerate(_CLASSES) if not any(row.label == label for row in rows)]
        if missing:
            doubts.append(f"The {side} side has no {missing[0]} picture: no AUROC can be had of it, and {use}.")
        whole = len({row.group for row in rows})
        if whole == 1 and len(rows) > 1:
            doubts.append(
                f"All {counted(len(rows), 'picture')} of the {side} side are of one part: they say nothing of others, "
                f"and {use}."
            )
    train = sides.get("train", ())
    if len(train) > 1 and len({row.group for row in train}) == 1:
        doubts.append("All training pictures are of one part: the network may learn that part and not its defects.")
    return doubts


def lacking_class(
    folder: PictureFolder, sides: Mapping[str, Sequence[ImageRow]], classes: Sequence[str]
) -> ConfigError | None:
    """What keeps labelled pictures from being learned, with what would help; None where nothing does."""
    labels = {row.label for row in folder.rows}
    if len(labels) == 1:
        only = classes[labels.pop()]
        return ConfigError(
            "data.root",
            f"holds {only} pictures only ({folder.layout}), and two classes are learned from; "
            + ("learn from good parts alone, or add defective ones" if only == classes[0] else "add good ones"),
        )
    for name, word in (("train", "training"), ("validation", "validation")):
        missing = sorted({0, 1} - {row.label for row in sides[name]})
        if not missing:
            continue
        remedy = (
            "--set data.split=dealt deals all pictures out anew"
            if folder.states_split
            else ("give more groups, other data.shares or another data.split_seed")
        )
        if folder.states_split and missing == [1]:
            remedy += "; or learn from good parts alone"
        field = "data.root" if folder.states_split else "data.shares"
        return ConfigError(field, f"the {word} split has no {classes[missing[0]]} picture; {remedy}")
    return None


def below_chance(auroc: float | None, side: str) -> str:
    """A sentence where a ranking is worse than none; empty where it is not, or not known."""
    if auroc is None or not auroc < _CHANCE:
        return ""
    return (
        f"AUROC of the {side} side is {auroc:.3f}, below chance (0.5): normal pictures score higher than defects; look "
        "at the labels, at what the sides of the split have in common, and train longer or on more parts."
    )
