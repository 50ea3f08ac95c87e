"""Stacks DICOM files: one series, its slices in spatial order.

The order of files, their names and their instance numbers say nothing certain of where a slice lies. Its position along
the normal of its plane does (DICOM PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.images.dicom.slice import Frame, read_frames
from readers.images.naming import natural_order
from readers.images.slices import Reading

_SAME_DIRECTION = 0.999
_SAME_PLACE_MM = 1e-3


@dataclass(frozen=True)
class Series:
    """One series among DICOM files.

    Attributes:
        label: modality and number, such as "CT series 2".
        n_slices: how many slices it has.
        paths: its files, for ``open_images``.
    """

    label: str
    n_slices: int
    paths: tuple[Path, ...]


def read_dicom(path: Path) -> Reading:
    """Pictures of one DICOM file.

    Raises:
        ReadError: damaged, without a picture, or with frames of several orientations.
    """
    return stack_series(read_frames(path), path)


def stack_series(frames: Sequence[Frame], shown: Path) -> Reading:
    """The stack of frames, sorted by position.

    Args:
        frames: of one or more files, at least one.
        shown: the file or folder to name in an error.

    Raises:
        ReadError: several series, or slices of several orientations.
    """
    groups = _by_series(frames)
    if len(groups) > 1:
        listed = "; ".join(f"{group[0].label} ({len(group)} slices)" for group in groups[:6])
        more = " ..." if len(groups) > 6 else ""
        raise ReadError(shown, f"there are {len(groups)} series in it: {listed}{more}. Choose the files of one series.")
    _check_orientation(frames, shown)
    ordered, places_mm, notes = _ordered(frames)
    first = ordered[0]
    windows = {frame.window for frame in ordered}
    shared = {(frame.unit, frame.inverted) for frame in ordered}
    if len(shared) > 1:
        raise ReadError(shown, "its slices differ in unit or in what is white; open those of one kind.")
    if len({frame.spacing_mm for frame in ordered}) > 1:
        notes.append("The slices state different pixel spacings: that of the first is used.")
    every = [note for frame in ordered for note in frame.notes]
    return Reading(
        slices=tuple(frame.slice for frame in ordered),
        format="DICOM",
        spacing_mm=first.spacing_mm,
        window=first.window if len(windows) == 1 else ordered[len(ordered) // 2].window,
        inverted=first.inverted,
        value_unit=first.unit,
        notes=tuple(dict.fromkeys((*notes, *every))),
        slice_mm=places_mm,
        tags=tuple(dict.fromkeys(tag for frame in ordered for tag in frame.tags)),
    )


def list_series(paths: Sequence[Path]) -> tuple[Series, ...]:
    """Series among DICOM files, largest first.

    Raises:
        ReadError: a file that is damaged or holds no picture.
    """
    found = []
    for group in _by_series([frame for path in paths for frame in read_frames(path)]):
        files = tuple(natural_order({frame.slice.file for frame in group}))
        found.append(Series(group[0].label, len(group), files))
    return tuple(sorted(found, key=lambda series: -series.n_slices))


def _by_series(frames: Sequence[Frame]) -> list[list[Frame]]:
    groups: dict[str, list[Frame]] = {}
    for frame in frames:
        groups.setdefault(frame.series, []).append(frame)
    return list(groups.values())


def _check_orientation(frames: Sequence[Frame], shown: Path) -> None:
    """Refuse slices that are not parallel."""
    planes: list[tuple[np.ndarray, int]] = []
    for frame in frames:
        if frame.orientation is None:
            continue
        for i, (plane, count) in enumerate(planes):
            alike = (plane[:3] @ frame.orientation[:3], plane[3:] @ frame.orientation[3:])
            if min(alike) > _SAME_DIRECTION:
                planes[i] = (plane, count + 1)
                break
        else:
            planes.append((frame.orientation, 1))
    if len(planes) > 1:
        counts = ", ".join(str(count) for _, count in planes[:4]) + (" ..." if len(planes) > 4 else "")
        raise ReadError(
            shown,
            f"its slices lie in {len(planes)} orientations ({counts} slices), such as axial and sagittal, and make no "
            "stack; open those of one orientation.",
        )


def _ordered(frames: Sequence[Frame]) -> tuple[list[Frame], tuple[float, ...], list[str]]:
    """Frames in spatial order, their distance from the first (mm), and notes on irregularities."""
    if len(frames) == 1:
        return list(frames), (), []
    orientation, positions = frames[0].orientation, [frame.position for frame in frames if frame.position is not None]
    if orientation is not None and len(positions) == len(frames) and all(f.orientation is not None for f in frames):
        normal = np.cross(orientation[:3], orientation[3:])
        places = np.array([position @ normal for position in positions])
        if len({frame.slice.file for frame in frames}) == 1 and np.ptp(places) < _SAME_PLACE_MM:
            return list(frames), (), []
        order = np.argsort(places, kind="stable")
        along = places[order] - places[order[0]]
        return [frames[i] for i in order], tuple(along.tolist()), _gaps(np.diff(along))
    files = {frame.slice.file for frame in frames}
    if len(files) == 1:
        return list(frames), (), []
    numbers = [frame.number for frame in frames if frame.number is not None]
    if len(numbers) == len(frames):
        note = "The slices state no position: they are in the order of their instance numbers."
        return [frames[place] for place in sorted(range(len(frames)), key=numbers.__getitem__)], (), [note]
    note = "The slices state no position: they are in the order of their names."
    by_name = {file: place for place, file in enumerate(natural_order(files))}
    return sorted(frames, key=lambda frame: by_name[frame.slice.file]), (), [note]


def _gaps(steps: np.ndarray) -> list[str]:
    notes = []
    if (steps < _SAME_PLACE_MM).any():
        notes.append(f"{int((steps < _SAME_PLACE_MM).sum())} slices lie at the place of another one.")
    real = steps[steps >= _SAME_PLACE_MM]
    if len(real) > 1 and real.max() > 1.5 * np.median(real):
        notes.append("The distance from slice to slice varies: slices may be missing.")
    return notes
