"""A stack of pictures (multi-page TIFF, DICOM series, folder of slices) as a volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from readers.core.errors import ReadError
from readers.image_stack import ImageStack
from readers.volumes.unpacked import ChunkedVoxels
from readers.volumes.volume import Volume
from readers.volumes.voxels import ArrayVoxels, Neighbours


def volume_of_stack(stack: ImageStack) -> Volume:
    """The volume of a stack, its slices along z.

    Raises:
        ReadError: a single picture, or slices of several sizes.
    """
    shown = stack.source.files[0] if stack.source.files else Path(stack.name)
    if stack.n_slices < 2:
        raise ReadError(shown, "it is one picture and no volume; give a stack of slices or a file of a volume.")
    shape = (stack.n_slices, stack.height, stack.width)
    spacing = None
    if stack.spacing_mm is not None and stack.slice_spacing_mm is not None:
        spacing = (stack.slice_spacing_mm, *stack.spacing_mm)
    notes: tuple[str, ...] = ()
    if stack.spacing_mm is not None and spacing is None:
        # Voxels of micro-CT are isotropic as a rule: in cone beam CT the slice spacing equals the pixel spacing.
        spacing = (stack.spacing_mm[0], *stack.spacing_mm)
        notes = ("It states no distance between slices: that of its rows is taken.",)

    def take(key: tuple[slice, ...]) -> np.ndarray:
        found = np.empty([one.stop - one.start for one in key], stack.dtype)
        for place, index in enumerate(range(key[0].start, key[0].stop)):
            pixels = stack.pixels(index)
            if pixels.shape != shape[1:]:
                raise ReadError(
                    shown, f"slice {index + 1} is of another size than the first: they make no volume; crop them alike."
                )
            found[place] = pixels[key[1:]]
        return found

    array = ArrayVoxels(shown, take, shape, np.dtype(stack.dtype), (1, *shape[1:]))
    return Volume(
        name=stack.name,
        format=stack.format,
        files=stack.source.files,
        voxels=Neighbours(ChunkedVoxels(array)),
        spacing_mm=spacing,
        value_unit=stack.value_unit,
        window=stack.window,
        tags=stack.tags,
        warnings=(*stack.warnings, *notes),
        part=stack.part,
    )
