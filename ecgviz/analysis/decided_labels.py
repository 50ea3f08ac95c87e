"""Training labels from the decisions on a reviewed batch, for a new version of a data set.

The decisions "normal" and "defect" are labels; "review" is not. A single picture takes the label of its part. In a
stack, a decision about a slice labels that slice. A decision about the part labels every slice if it is "normal", and
only the deciding slice if it is "defect", since the other slices were not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecgviz.analysis.dispositions import Decisions, Override, final_verdict
from ecgviz.errors import EcgvizError, ReadError
from ecgviz.results import Verdict
from models.data.versions import Change
from readers.images import open_images
from readers.volumes.address import address_of
from readers.volumes.files import kind_of_volume

_LABELS = ("normal", "defect")


@dataclass(frozen=True)
class DecidedLabels:
    """Labels of a reviewed batch.

    Attributes:
        changes: a label for each decided picture.
        open: parts whose final verdict is still "review", so they remain to be labelled.
    """

    changes: tuple[Change, ...]
    open: tuple[Verdict, ...]


def decided_labels(
    verdicts: Sequence[Verdict], decisions: Decisions, groups: dict[str, str] | None = None
) -> DecidedLabels:
    """Collect the labels that people gave in a batch.

    Args:
        verdicts: of the batch.
        decisions: what stands.
        groups: part of each file, where it is known, by its path.

    Raises:
        ReadError: a decision about slices of a volume that no file of a data set has as its own.
    """
    changes: list[Change] = []
    for verdict in verdicts:
        group = (groups or {}).get(verdict.file, "")
        changes += _of_part(verdict, decisions, group)
    left = tuple(one for one in verdicts if final_verdict(one, decisions).verdict == "review")
    return DecidedLabels(tuple(changes), left)


def _of_part(verdict: Verdict, decisions: Decisions, group: str) -> Iterable[Change]:
    own = decisions.about(verdict)
    slices = decisions.of_slices(verdict)
    wanted: list[tuple[Override, int | None]] = []
    if own is not None and own.new in _LABELS and (not slices or own.new == "normal"):
        several = len(verdict.slice_scores) > 1
        wanted.append((own, verdict.slice_index if several and own.new == "defect" else None))
    if own is None or own.new == "defect":
        wanted += [(one, index) for index, one in slices.items() if one.new in _LABELS]
    found: list[Change] = []
    for one, index in wanted:
        for path, page in _pictures(verdict.file, index):
            found.append(Change(path, one.new, one.who, one.time, one.reason, page, group or _group(verdict)))
    return found


def _pictures(file: str, index: int | None) -> list[tuple[Path, int | None]]:
    """File and page of a slice, or of all slices of a part; nothing of a part that is gone.

    Raises:
        ReadError: slices that are no pages of a file: along another axis, or of one of several volumes.
    """
    try:
        stack, address = open_images(file), address_of(file)
        kind = kind_of_volume(address)
    except EcgvizError:
        return []
    if kind and (address.part or kind == "zarr"):
        raise ReadError(
            address.file, "a data set holds the axial slices of a file; save what was decided about as one, and decide."
        )
    if kind:
        return [(address.file, index)]
    files = [Path(one) for one in stack.source.files]
    if len(files) == stack.n_slices:  # a file a slice
        return [(path, None) for path in files] if index is None else [(files[index], None)]
    return [(files[0], index)]


def _group(verdict: Verdict) -> str:
    """Group name: the slices of a stack are one part, whatever their files."""
    return f"part {verdict.sha256[:12]}" if len(verdict.slice_scores) > 1 else ""
