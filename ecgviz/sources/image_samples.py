"""Sample pictures for the inspection: simulated stacks, made on first use, and the CT slice that pydicom ships.

None needs the network. The simulated ones lie in the app's home afterwards, with the mask of the defect beside them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.home import home_folder
from ecgviz.sources.samples import Sample, keep_sample
from models.core.callbacks import Progress, ShouldStop
from readers.image_stack import ImageStack
from readers.images import open_images

_MADE = 2
"""Counts up when samples are made or written otherwise: those of an earlier installation are not taken for them."""
SIMULATED_NOTE = "This stack is simulated: no cell was scanned."


@dataclass(frozen=True)
class _Simulated:
    """Parameters of a simulated sample, all of which are part of its file names."""

    n_slices: int
    size: int
    seed: int
    defect: str | None

    def files(self) -> tuple[Path, Path]:
        """Paths of the stack and its mask."""
        stem = f"ct-{self.defect or 'healthy'}-{self.n_slices}x{self.size}-{self.seed}-v{_MADE}"
        folder = home_folder() / "samples"
        return folder / f"{stem}.tif", folder / f"{stem}-mask.tif"


_SIMULATED = {
    "simulated-stack-defect": _Simulated(n_slices=40, size=288, seed=11, defect="buckling"),
    "simulated-stack-healthy": _Simulated(n_slices=40, size=288, seed=5, defect=None),
}
_DICOM = "dicom-ct"
_SAMPLES = (
    Sample(
        "simulated-stack-defect",
        "Simulated stack with a defect",
        "Forty simulated slices of a cylindrical cell whose winding is buckled in the middle; the mask of the defect "
        "is known. Simulated: no cell was scanned.",
        "stack",
    ),
    Sample(
        "simulated-stack-healthy",
        "Simulated stack without a defect",
        "Forty simulated slices of a healthy cylindrical cell. Simulated: no cell was scanned.",
        "stack",
    ),
    Sample(
        _DICOM,
        "DICOM CT slice",
        "A CT slice in Hounsfield units from a DICOM file that pydicom ships. It is of a person, not of a battery: it "
        "shows how such a file is read, and that a network should call it unlike its training.",
        "slice",
    ),
)


def list_samples() -> tuple[Sample, ...]:
    """All samples, the default first; their kind is "stack" or "slice"."""
    return _SAMPLES


def open_sample(name: str, *, progress: Progress | None = None, should_stop: ShouldStop | None = None) -> ImageStack:
    """Open a sample by name; a simulated one is made on first use, in some seconds.

    Args:
        name: of ``list_samples``.
        progress: is told (done, total, note).
        should_stop: asked before each slice that is simulated.

    Raises:
        ReadError: there is no sample of that name, its package is not installed, there is no room to keep it, or its
            making was stopped.
    """
    if name == _DICOM:
        return replace(open_images(_pydicom_ct()), name="DICOM CT slice")
    stack = open_images(_made(name, progress, should_stop)[0])
    title = next(sample.title for sample in _SAMPLES if sample.name == name)
    return replace(stack, name=title, warnings=(SIMULATED_NOTE, *stack.warnings))


def is_made(name: str) -> bool:
    """Whether a sample opens at once: a simulated one is made on first use."""
    return name not in _SIMULATED or all(file.is_file() for file in _SIMULATED[name].files())


def open_sample_mask(
    name: str, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> ImageStack | None:
    """Ground truth of a sample: a stack of the same size, 255 in the defect and 0 elsewhere; None without one.

    Raises:
        ReadError: as of ``open_sample``.
    """
    return None if name == _DICOM else open_images(_made(name, progress, should_stop)[1])


def _made(name: str, progress: Progress | None, should_stop: ShouldStop | None) -> tuple[Path, Path]:
    """Paths of a simulated sample, made if necessary."""
    if name not in _SIMULATED:
        known = ", ".join(sample.name for sample in _SAMPLES)
        raise ReadError(name, f"there is no such sample; there are {known}.")
    recipe = _SIMULATED[name]
    stack_file, mask_file = recipe.files()
    if stack_file.is_file() and mask_file.is_file():
        return stack_file, mask_file
    from models.data.battery_ct_sim import simulated_stack

    made = simulated_stack(
        recipe.n_slices, recipe.seed, recipe.defect, recipe.size, progress=progress, should_stop=should_stop
    )
    if len(made.slices) < recipe.n_slices:
        raise ReadError(name, "its making was stopped; open it again to make it.")
    for file, slices in ((mask_file, np.where(made.masks, np.uint8(255), np.uint8(0))), (stack_file, made.slices)):
        keep_sample(name, file, partial(_write, slices=slices, pixel_mm=made.pixel_mm))
    return stack_file, mask_file


def _write(file: str, slices: np.ndarray, pixel_mm: float) -> None:
    """Write a TIFF in ImageJ's dialect, which states the unit of the pixel size."""
    from tifffile import imwrite

    imwrite(file, slices, imagej=True, resolution=(1 / pixel_mm,) * 2, metadata={"axes": "ZYX", "unit": "mm"})


def _pydicom_ct() -> Path:
    """The file ``pydicom.data.get_testdata_file("CT_small.dcm")``, which is part of the package."""
    spec = find_spec("pydicom")
    path = Path(spec.origin).parent / "data" / "test_files" / "CT_small.dcm" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ReadError(
            "CT_small.dcm", "the package pydicom, which holds it, is missing or of another version; install it."
        )
    return path
