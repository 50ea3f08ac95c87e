"""Cautions about a checkpoint before its promotion."""

from __future__ import annotations

from pathlib import Path

from models.checkpoints import CARD, card_of
from models.metrics.beats import SCORED


def cautions(run_dir: Path) -> tuple[str, ...]:
    """Cautions before a run's checkpoint is promoted: classes missing from its training or from its scores.

    Raises:
        CheckpointError: the run has none that can be used.
    """
    card = card_of(run_dir if (run_dir / CARD).is_file() else run_dir / "checkpoint")
    told = []
    if card.unlearnt:
        told.append(
            f"Its training data holds no case of {', '.join(card.unlearnt)}: pages and reports show them as not "
            "assessed. Train on data that has them if they are needed."
        )
    for title, part in card.metrics.items():
        found = part.get("confusion") if isinstance(part, dict) else None
        lacking = [
            name for name, row in zip(card.classes, found or (), strict=False) if not sum(row) and name in SCORED
        ]
        if lacking:
            told.append(
                f"{title[:1].upper() + title[1:]} holds no case of {', '.join(lacking)}: its macro-F1 is of the other "
                "classes alone."
            )
    return tuple(told)
