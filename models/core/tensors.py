"""Tensors in a file beside a checkpoint's weights: written whole, read as of a stranger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from models.core.errors import CheckpointError
from models.core.files import write_whole

T = TypeVar("T")


def save_tensors(folder: str | Path, name: str, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write a file of safetensors into a checkpoint's folder, whole or not at all."""
    write_whole(Path(folder) / name, save(dict(tensors)))


def load_tensors(folder: str | Path, name: str, make: Callable[[dict[str, torch.Tensor]], T]) -> T | None:
    """What ``make`` makes of a checkpoint's file of tensors, all of them finite; None where there is no such file.

    Raises:
        CheckpointError: the file is damaged: it cannot be read, or ``make`` raises KeyError, TypeError or ValueError.
    """
    file = Path(folder) / name
    if not file.is_file():
        return None
    try:
        tensors = load_file(file)
        if not all(torch.isfinite(one).all() for one in tensors.values()):
            raise ValueError("not finite")
        return make(tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise CheckpointError(Path(folder).name, f"{name} is damaged; copy the checkpoint again") from error
