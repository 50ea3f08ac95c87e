"""Ground truth of opened pictures: a mask file beside them, or a row of their ``labels.csv``."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from ecgviz.errors import EcgvizError
from ecgviz.figures.picture import Truth
from ecgviz.figures.picture_layers import truth_boxes
from models.data.image_folder import TABLE, ImageRow, read_rows, truth_mask
from readers.image_stack import ImageStack
from readers.images import open_images

WORDS = {0: "normal", 1: "defect"}
_TABLE_LEVELS, _MASK_LEVELS = 2, 3
"""How many folders up a table may lie, and the masks of a picture in ``test/<defect>``."""
_MASKS = "ground_truth"
_MASK_STEMS = ("{}-mask", "{}_mask")


@dataclass(frozen=True)
class KnownTruth:
    """Ground truth of a stack's slices.

    Attributes:
        mask: a stack of the same slices, not 0 where the defect is.
        rows: row of the table for each file, by its resolved path.
        note: why a truth that is there cannot be used.
    """

    mask: ImageStack | None = None
    rows: dict[Path, ImageRow] = field(default_factory=dict)
    note: str = ""

    def __bool__(self) -> bool:
        return self.mask is not None or bool(self.rows)

    def of_slice(self, stack: ImageStack, index: int, shape: tuple[int, int]) -> Truth | None:
        """Mask or boxes of a slice; None where unknown.

        Raises:
            ReadError: a mask that cannot be read.
        """
        if self.mask is not None:
            mask = self.mask.pixels(index) > 0
            return Truth(mask=mask) if mask.shape == shape else None
        row = self.row(stack, index)
        if row is None:
            return None
        if row.mask is not None:
            return Truth(mask=truth_mask(row, shape))
        return Truth(boxes=truth_boxes(row, shape))

    def row(self, stack: ImageStack, index: int) -> ImageRow | None:
        """Table row for the file of a slice."""
        files = stack.source.files
        if len(files) != stack.n_slices:
            return None
        return self.rows.get(Path(files[index]).resolve())

    def words(self, stack: ImageStack, index: int, shape: tuple[int, int]) -> str:
        """Ground truth of a slice in a word or two; empty where unknown."""
        if self.mask is not None:
            found = self.of_slice(stack, index, shape)
            return "" if found is None else WORDS[int(found.mask.any())]
        row = self.row(stack, index)
        return "" if row is None else WORDS[row.label]


def find_truth(stack: ImageStack) -> KnownTruth:
    """Ground truth beside an open stack: ``NAME-mask.tif`` beside ``NAME.tif``, or the ``labels.csv`` of its folder."""
    files = [Path(file).resolve() for file in stack.source.files]
    if not files:
        return KnownTruth()
    try:
        mask = _mask_beside(files[0], stack) if len(files) == 1 else None
        return KnownTruth(mask=mask) if mask is not None else KnownTruth(rows=_rows_of(files))
    except EcgvizError as error:
        return KnownTruth(note=f"The truth beside this picture cannot be used: {error}")


def known_from(mask: ImageStack | None, stack: ImageStack) -> KnownTruth:
    """Ground truth from a mask stack, if it matches the slices."""
    return KnownTruth(mask=mask) if mask is not None and mask.n_slices == stack.n_slices else KnownTruth()


def _mask_beside(file: Path, stack: ImageStack) -> ImageStack | None:
    for stem in _MASK_STEMS:
        beside = file.with_name(stem.format(file.stem) + file.suffix)
        if beside.is_file() and not beside.is_symlink():
            return known_from(open_images(beside), stack).mask
    return None


def _rows_of(files: list[Path]) -> dict[Path, ImageRow]:
    """Rows of the set that the files lie in: of a table in their folder or its parent, or of MVTec AD's layout."""
    above = list(files[0].parents)
    tables = (folder / TABLE for folder in above[:_TABLE_LEVELS] if (folder / TABLE).is_file())
    masked = (folder for folder in above[:_MASK_LEVELS] if (folder / _MASKS).is_dir())
    root = next(chain(tables, masked), None)
    if root is None:
        return {}
    wanted = set(files)
    return {row.path.resolve(): row for row in read_rows(root) if row.path.resolve() in wanted}
