"""Galleries of real and simulated slices for side-by-side comparison."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgviz.errors import EcgvizError, ReadError
from ecgviz.figures.gallery import Tile, gallery_png
from ecgviz.sources.roots import inside_roots
from models.core.callbacks import Progress, ShouldStop
from models.data.battery_ct_sim import make_picture
from readers.images import list_images, open_images

COLUMNS = 3
COUNT = COLUMNS * COLUMNS
HEALTHY, DEFECTIVE = "Healthy", "With a defect"
_SIZE = 288
_TRIES = 8
"""Pictures that may be drawn for one of the wanted kind; about every second one is."""
_MASK = "mask"


@dataclass(frozen=True)
class Gallery:
    """A grid of pictures.

    Attributes:
        png: the grid.
        words: what each picture is, row by row.
        note: what was left out, a sentence; empty for nothing.
    """

    png: bytes
    words: tuple[str, ...]
    note: str = ""


def simulated(kind: str, draw: int, *, progress: Progress, should_stop: ShouldStop) -> Gallery:
    """Nine simulated slices, deterministic for ``draw``.

    Args:
        kind: ``HEALTHY`` or ``DEFECTIVE``.
        draw: seed.
        progress: is told how many are done.
        should_stop: asked before each.

    Raises:
        EcgvizError: stopped.
    """
    wanted = "normal" if kind == HEALTHY else "defect"
    tiles: list[Tile] = []
    for number in range(COUNT * _TRIES):
        if should_stop():
            raise EcgvizError("The drawing was stopped; draw others to begin again.")
        if len(tiles) == COUNT:
            break
        picture, mask, row = make_picture(np.random.default_rng([draw, number]), size=_SIZE)
        if row["label"] == wanted:
            words = row["defect"] or "healthy"
            tiles.append(Tile(picture, words, mask if row["defect"] else None))
            progress(len(tiles), COUNT, "simulated slices")
    return Gallery(gallery_png(tiles, COLUMNS), tuple(tile.words for tile in tiles))


def real(address: str, draw: int, *, progress: Progress, should_stop: ShouldStop) -> Gallery:
    """Nine slices of a folder on the server or of its subfolders, spread over all files.

    Args:
        address: ``path:FOLDER`` below the roots.
        draw: which nine.
        progress: is told how many are read.
        should_stop: asked before each.

    Raises:
        ReadError: no such folder, or no picture in it that can be read.
        EcgvizError: stopped.
    """
    folder = inside_roots(address.partition(":")[2])
    files = _pictures(folder)
    shift = np.random.default_rng(draw).random()
    places = sorted({int((place + shift) * len(files) / COUNT) % len(files) for place in range(COUNT)})
    tiles, faults = [], []
    for done, place in enumerate(places):
        if should_stop():
            raise EcgvizError("The reading was stopped; draw others to begin again.")
        file = files[place]
        try:
            stack = open_images(file)
            tiles.append(Tile(stack.pixels(stack.n_slices // 2), str(file.relative_to(folder))))
        except ReadError as error:
            faults.append(str(error))
        progress(done + 1, len(places), "real slices")
    if not tiles:
        raise ReadError(folder, faults[0] if faults else "there are no pictures in it; give a folder of CT slices.")
    note = f"{len(faults)} could not be read; the first: {faults[0]}" if faults else ""
    return Gallery(gallery_png(tiles, COLUMNS), tuple(tile.words for tile in tiles), note)


def _pictures(folder: Path) -> list[Path]:
    """Pictures of a folder, or else of its subfolders, without masks; at least one."""
    if not folder.is_dir():
        raise ReadError(folder, "it is a file; give the folder of the slices.")
    found = list_images(folder)
    if not found:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink())
        found = [file for path in inner for file in list_images(path)]
    found = [file for file in found if _MASK not in file.stem.lower()]
    if not found:
        raise ReadError(folder, "there are no pictures in it; give a folder of CT slices.")
    return found
