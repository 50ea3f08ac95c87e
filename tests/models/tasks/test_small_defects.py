"""Tiles in mm, and pictures whose pixels have another size than those of the training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.core.errors import ConfigError
from models.data.defect_marks import with_scale
from models.data.image_folder import ImageRow
from models.tasks.small_defects import SmallDefectsTask
from tests.readers.images.test_dicom import write


def rows(root: Path, *spacings: float | None) -> list[ImageRow]:
    found = []
    for number, spacing in enumerate(spacings):
        path = root / f"{number}.dcm"
        write(path, np.arange(6400, dtype=np.int16).reshape(80, 80), PixelSpacing=spacing and [spacing, spacing])
        found.append(ImageRow(path, path.name, 0, f"part{number}"))
    return found


def test_a_tile_has_the_side_in_mm_that_was_asked_for(tmp_path: Path):
    task = with_scale(SmallDefectsTask(image_size=512, tile_mm=40.0), rows(tmp_path, 0.1, 0.1))
    assert task.learned_mm == pytest.approx(0.1)
    assert task.image_size / task.scale * task.learned_mm == pytest.approx(40.0)
    assert task.notes(np.zeros((80, 80), np.uint8), (0.1, 0.1)) == ()
    assert "Its pixels have 0.3 mm" in task.notes(np.zeros((80, 80), np.uint8), (0.3, 0.3))[0]
    assert task.notes(np.zeros((80, 80), np.uint8), None) == (), "of a picture that says nothing nothing is said"


@pytest.mark.parametrize(
    ("spacings", "tile_mm", "fault"),
    [((None, None), 40.0, "have none"), ((0.1, 0.3), 40.0, "differ from 0.1 to 0.3 mm"), ((0.1, 0.1), 1.0, "give")],
)
def test_tiles_in_mm_that_cannot_be_are_refused(tmp_path: Path, spacings, tile_mm, fault):
    with pytest.raises(ConfigError, match=fault):
        with_scale(SmallDefectsTask(image_size=512, tile_mm=tile_mm), rows(tmp_path, *spacings))
