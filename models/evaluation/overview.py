"""Table of all networks, for pages and documents."""

from __future__ import annotations

from typing import Any

import torch

from models.networks.registry import architecture, create_model, list_models
from models.plugins.registry import task


def parameter_count(name: str, **arguments: Any) -> int:
    """Number of trainable parameters of a network, counted on the meta device."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in create_model(name, **arguments).parameters())


def network_table() -> list[dict[str, Any]]:
    """One row per network: name, parameters, reads, summary.

    Beat networks are counted for one lead and five classes, those for whole recordings for twelve leads and five
    labels, image networks for three channels and two classes.
    """
    rows = []
    for name in list_models():
        entry = architecture(name)
        plugin = task(entry.task)
        channels, outputs = plugin.usual_size
        rows.append(
            {
                "name": name,
                "parameters": parameter_count(name, in_channel=channels, num_classes=outputs),
                "reads": plugin.reads,
                "summary": entry.summary,
            }
        )
    return rows
