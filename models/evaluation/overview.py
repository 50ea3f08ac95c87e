"""The networks there are as a table, for pages and documents."""

from __future__ import annotations

from typing import Any

import torch

from models.networks.registry import architecture, create_model, list_models

_READS = {
    "beat": "a window around each beat",
    "strip": "a strip with all its beats",
    "record": "a whole recording",
    "record_picture": "a whole recording as a picture",
    "image": "a picture",
}
_ARGUMENTS = {
    "image": {"in_channel": 3, "num_classes": 2},
    "record": {"in_channel": 12, "num_classes": 5},
    "record_picture": {"in_channel": 3, "num_classes": 5},
}


def parameter_count(name: str, **arguments: Any) -> int:
    """Count of a network's trained numbers; the network is drawn up without memory for them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in create_model(name, **arguments).parameters())


def network_table() -> list[dict[str, Any]]:
    """One row a network: name, parameters, reads, summary.

    Beat networks are counted for one lead and five classes, those for whole recordings for twelve leads and five
    labels, image networks for three channels and two classes.
    """
    rows = []
    for name in list_models():
        entry = architecture(name)
        rows.append(
            {
                "name": name,
                "parameters": parameter_count(name, **_ARGUMENTS.get(entry.task, {"in_channel": 1, "num_classes": 5})),
                "reads": _READS.get(entry.task, entry.task),
                "summary": entry.summary,
            }
        )
    return rows
