"""Array helpers shared by several plug-ins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch

Row = TypeVar("Row")


def evenly(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many rows, evenly spaced."""
    if not rows:
        return []
    return [rows[place] for place in np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Calibrated probabilities of mutually exclusive classes, float32 (n, n_classes)."""
    prob: np.ndarray = torch.softmax(torch.from_numpy(logits) / temperature, dim=-1).numpy()
    return prob
