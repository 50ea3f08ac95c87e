"""Which leads of a recording a network reads: by name, and by likelihood where the names are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import ConfigError

_ALIKE = {"mlii": ("mlii", "ii", "ml2", "mod.lead ii", "d2"), "ii": ("ii", "mlii", "d2"), "v1": ("v1", "mv1", "c1")}
"""Names of the same view of the heart, best first. MLII is limb lead II with its electrodes on the torso."""


@dataclass(frozen=True)
class LeadChoice:
    """Leads of a recording that a network will read.

    Attributes:
        indices: their columns.
        names: their names in the recording.
        warning: a sentence to keep in sight when the network was trained on others, else None.
    """

    indices: tuple[int, ...]
    names: tuple[str, ...]
    warning: str | None = None


def choose_leads(available: Sequence[str], trained_on: Sequence[str], wanted: str | None = None) -> LeadChoice:
    """Choose a lead of the recording for each lead that the network was trained on.

    Args:
        available: lead names of the recording.
        trained_on: lead names of the network's input; the first decides. "*" stands for any further lead.
        wanted: name of the lead to use as the first whatever its name says.

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
    chosen: list[int] = []
    warning = None
    for place, lead in enumerate(trained_on):
        free = [index for index in range(len(names)) if index not in chosen]
        if not free:
            break
        match = _first_alike(lead, names, free)
        if place == 0 and wanted is not None:
            match = names.index(wanted.strip().lower())
        if place == 0 and (match is None or names[match] not in _ALIKE.get(lead.lower(), (lead.lower(),))):
            match = free[0] if match is None else match
            warning = (
                f"The network was trained on lead {lead}; this analysis reads {available[match]}"
                + (", as asked." if wanted else f", the likeliest of {', '.join(available)}.")
                + " Expect more errors than the stated figures."
            )
        chosen.append(free[0] if match is None else match)
    return LeadChoice(tuple(chosen), tuple(available[index] for index in chosen), warning)


def _first_alike(lead: str, names: Sequence[str], free: Sequence[int]) -> int | None:
    for alike in _ALIKE.get(lead.lower(), (lead.lower(),)):
        for index in free:
            if names[index] == alike:
                return index
    return None
