"""Addresses of pictures and stacks, usable in a link: ``sample:NAME``, ``path:NAME`` below the roots, ``upload:TOKEN``.

It comes from anybody, so everything in it is checked again each time it is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.sources.image_samples import open_sample, open_sample_mask
from ecgviz.sources.roots import inside_roots
from ecgviz.sources.spool import spooled
from models.core.callbacks import Progress, ShouldStop
from models.data.image_folder import TABLE
from pages.inspection.truth import KnownTruth, find_truth, known_from
from readers.image_stack import ImageStack
from readers.images import open_images
from readers.images.kinds import is_one_picture
from readers.volumes.address import AXES, address_of
from readers.volumes.files import open_file
from readers.volumes.from_stack import volume_of_stack
from readers.volumes.volume import Volume


@dataclass(frozen=True)
class OpenedStack:
    """An open picture or stack.

    Attributes:
        stack: its slices.
        truth: where its defects are, as far as that is known.
        key: what everything computed from it is kept under.
        path: what opens it again: a file, or the folder of its slices.
    """

    stack: ImageStack
    truth: KnownTruth
    key: str
    path: Path


def open_picture(
    address: str, mark: str, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> OpenedStack:
    """Open the picture or stack at an address.

    Args:
        address: see the module.
        mark: of ``ecgviz.sources.address.stamp``; part of the key.
        progress: told of what is simulated.
        should_stop: asked before each slice that is simulated; True ends it with a ReadError.

    Raises:
        ReadError: no such address, and what the readers raise.
    """
    kind, _, rest = address.partition(":")
    truth = None
    if kind == "sample":
        stack = open_sample(rest, progress=progress, should_stop=should_stop)
        truth = known_from(open_sample_mask(rest, progress=progress), stack)
    elif kind == "path":
        stack = open_images(inside_roots(rest))
    elif kind == "upload":
        token, _, query = rest.partition("?")
        files = [file for file in spooled(token) if file.name != TABLE]
        if not files:
            raise ReadError(TABLE, "there is no picture beside it; upload the pictures too.")
        if query:  # the form of values without a header, or which array of a file
            files = [Path(f"{files[0]}?{query}")]
        stack = open_images(files if len(files) > 1 else files[0])
    else:
        raise ReadError("picture", "this link names no picture; open a sample, a file or a folder instead.")
    files = [Path(file) for file in stack.source.files]
    path = files[0] if len(files) == 1 or not is_one_picture(files[0]) else files[0].parent
    if stack.part:
        path = Path(f"{path}?{stack.part}")
    return OpenedStack(stack, find_truth(stack) if truth is None else truth, f"{address} {mark}", path)


def volume_of(opened: OpenedStack) -> Volume:
    """The volume of an open stack.

    Raises:
        ReadError: a single picture, or slices that make no volume.
    """
    path = opened.path
    volume = open_file(address_of(path)) if address_of(path).file.is_file() else None
    return volume or volume_of_stack(opened.stack)


def along(stack: ImageStack) -> int:
    """The axis of the volume (z, y, x) that the slices of a stack follow."""
    return next((place for place, name in enumerate(AXES) if f"axis={name}" in stack.part.split("&")), 0)
