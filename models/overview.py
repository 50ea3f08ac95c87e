"""The networks there are as a table, for pages and documents."""

from __future__ import annotations

from typing import Any

from models.registry import architecture, create_model, list_models

_READS = {"beat": "a window around each beat", "strip": "a strip with all its beats"}


def network_table() -> list[dict[str, Any]]:
    """One row a network: name, parameters (one lead, five classes, its defaults), reads, summary."""
    rows = []
    for name in list_models():
        entry = architecture(name)
        network = create_model(name, in_channel=1, num_classes=5)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        rows.append(
            {
                "name": name,
                "parameters": parameters,
                "reads": _READS.get(entry.task, entry.task),
                "summary": entry.summary,
            }
        )
    return rows
