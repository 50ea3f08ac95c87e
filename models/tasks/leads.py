"""Selects the leads of a recording that a network reads: by name, or by similarity where names are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.core.errors import ConfigError

_ALIKE = {"mlii": ("mlii", "ii", "ml2", "mod.lead ii", "d2"), "ii": ("ii", "mlii", "d2"), "v1": ("v1", "mv1", "c1")}
"""Names of the same view of the heart, best first. MLII is limb lead II with its electrodes on the torso."""
_NEAR_II = (
    *("cm5", "mv5", "ml5", "cc5", "v5", "v6", "v4", "i", "mli", "avf", "iii", "mliii", "v3", "v2", "v1", "mv1"),
    *("mcl1", "mod.v1"),
)
"""Where there is no lead II: those first in which the QRS mostly stands upright, too."""
_NEAR = {
    "mlii": _NEAR_II,
    "ii": _NEAR_II,
    "*": ("v1", "mv1", "mcl1", "mod.v1", "v2", "v5", "cm5", "mv5", "v4", "v3", "v6"),
}
"""The further lead of the recordings that were trained on is a chest lead, mostly V1."""


@dataclass(frozen=True)
class LeadChoice:
    """The chosen leads of a recording.

    Attributes:
        indices: their columns.
        names: their names in the recording.
        warning: a sentence to keep in sight when the network was trained on others, else None.
    """

    indices: tuple[int, ...]
    names: tuple[str, ...]
    warning: str | None = None


def choose_leads(
    available: Sequence[str],
    trained_on: Sequence[str],
    wanted: str | None = None,
    avoid: Sequence[str] = (),
    further: Sequence[str] = (),
) -> LeadChoice:
    """Choose a lead of the recording for each lead of the training.

    Args:
        available: lead names of the recording.
        trained_on: lead names of the network's input; the first decides. "*" stands for any further lead.
        wanted: name of the lead to use as the first whatever its name says.
        further: names of leads that the training read as the first, too: they need no warning.
        avoid: leads of the recording that are chosen only where there are no others: without signal, or no ECG.

    Returns:
        At most ``len(trained_on)`` leads, none twice; fewer where the recording has fewer.

    Raises:
        ConfigError: the recording has no lead, or not the wanted one.
    """
    names = [name.strip().lower() for name in available]
    if not names:
        raise ConfigError("lead", "the recording has no leads")
    if wanted is not None and wanted.strip().lower() not in names:
        raise ConfigError("lead", f"there is no lead {wanted}; the recording has {', '.join(available)}")
    alive = [index for index, name in enumerate(available) if name not in avoid] or list(range(len(names)))
    chosen: list[int] = []
    for lead in trained_on:
        free = [index for index in alive if index not in chosen]
        if not chosen and wanted is not None:
            chosen.append(names.index(wanted.strip().lower()))
        elif free:
            chosen.append(_likeliest(lead, names, free))
    first = chosen[0]
    warning = None
    if names[first] not in (*_alike(trained_on[0]), *(name.lower() for name in further)):
        there = any(name in _alike(trained_on[0]) for name in names) and wanted is None
        warning = (
            f"The network was trained on lead {trained_on[0]}{', which has no signal here' if there else ''}; "
            f"this analysis reads {available[first]}"
            + (", as asked." if wanted else f", the likeliest of {', '.join(available)}." if len(names) > 1 else ".")
            + " Expect more errors than the stated metrics."
        )
    return LeadChoice(tuple(chosen), tuple(available[index] for index in chosen), warning)


def same_view(lead: str, other: str) -> bool:
    """Whether a recording's name of a lead stands for another lead's view of the heart."""
    return lead.strip().lower() in _alike(other)


def _alike(lead: str) -> tuple[str, ...]:
    return _ALIKE.get(lead.lower(), (lead.lower(),))


def _likeliest(lead: str, names: Sequence[str], free: Sequence[int]) -> int:
    """The unused lead most similar to the one trained on; the first of equal ones."""
    order = (*_alike(lead), *_NEAR.get(lead.lower(), ()))

    def unlike(index: int) -> int:
        name = names[index]
        if name in order:
            return order.index(name)
        return len(order) + ("ecg" not in name and "ekg" not in name)

    return min(free, key=unlike)
