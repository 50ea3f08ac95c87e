"""What stands beside a checkpoint's weights comes from strangers, too: damage is named, and never a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.core.errors import CheckpointError
from models.evaluation.out_of_distribution import FEATURES, OutOfDistributionDetector
from models.sheets.detector import SHEETS, SheetDetector


def _statistics() -> OutOfDistributionDetector:
    torch.manual_seed(0)
    return OutOfDistributionDetector.fit(torch.randn(40, 6), torch.randn(20, 6))


def _detector() -> SheetDetector:
    shapes = {"mean": (4,), "scale": (4,), "weight": (3, 4), "bias": (3,), "head": (3,), "head_bias": (1,)}
    return SheetDetector(**{name: torch.ones(shape) for name, shape in shapes.items()}, limit=torch.tensor([0.5]))


KEPT = [(_statistics, FEATURES, OutOfDistributionDetector), (_detector, SHEETS, SheetDetector)]


@pytest.fixture(params=KEPT, ids=["features", "sheets"])
def kept(request, tmp_path) -> tuple[Path, str, type]:
    """A folder with a file, its name, and what reads it."""
    make, name, kind = request.param
    assert kind.load(tmp_path) is None
    make().save(tmp_path)
    return tmp_path, name, kind


def test_what_is_kept_comes_back(kept):
    folder, name, kind = kept
    found = kind.load(folder)
    for one, tensor in load_file(folder / name).items():
        torch.testing.assert_close(torch.as_tensor(getattr(found, one)), tensor, check_dtype=False)


@pytest.mark.parametrize("change", ["cut off", "empty", "not finite", "longer", "flat", "missing", "one more"])
def test_damage_is_named(kept, change):
    folder, name, kind = kept
    file, tensors = folder / name, load_file(folder / name)
    for one in [""] if change in ("cut off", "empty") else tensors:
        value = tensors[one] if one else None
        if value is None:
            content = file.read_bytes()
            file.write_bytes(content[:-1] if change == "cut off" else b"")
        else:
            changed = {
                "not finite": {one: torch.full_like(value, torch.nan)},
                "longer": {one: torch.stack([value, value])},
                "flat": {one: torch.zeros(7, 7, 7)},
                "one more": {"more": value.clone()},
            }.get(change, {})
            save_file(
                {key: kept for key, kept in tensors.items() if key != one or change == "one more"} | changed, file
            )
        with pytest.raises(CheckpointError, match=f"{name} is damaged; copy the checkpoint again"):
            kind.load(folder)
