"""Which channels of a recording a network reads."""

from __future__ import annotations

from collections.abc import Sequence

from ecgviz.errors import ConfigError
from ecgviz.signals.silence import silent_leads
from models.tasks.beat import BeatTaskBase
from models.tasks.leads import LeadChoice
from readers.channels.leads import is_other_quantity
from readers.recording import Recording


def with_lead(recording: Recording, lead: str | None) -> Recording:
    """The recording with that channel of its file among the leads; itself for None.

    Raises:
        ConfigError: the file has no such channel.
    """
    if lead is None:
        return recording
    try:
        return recording.with_channel(lead)
    except ValueError as error:
        names = ", ".join((*recording.leads, *recording.others))
        raise ConfigError("lead", f"there is no lead {lead}; the recording has {names}") from error


def leads_without_signal(recording: Recording) -> tuple[str, ...]:
    """Leads that show no signal in any of 24 short stretches."""
    return silent_leads(recording.signal_mV, recording.fs, recording.n_samples, recording.leads)


def leads_to_avoid(recording: Recording, silent: Sequence[str] | None = None) -> tuple[str, ...]:
    """Leads that are read only where there are no others: without any signal, or perhaps no ECG."""
    silent = leads_without_signal(recording) if silent is None else silent
    kinds = recording.kinds or ["other" if is_other_quantity(lead, None) else "ecg" for lead in recording.leads]
    return tuple(lead for lead, kind in zip(recording.leads, kinds, strict=True) if lead in silent or kind != "ecg")


def leads_to_read(recording: Recording, task: BeatTaskBase, lead: str | None, silent: Sequence[str]) -> LeadChoice:
    """The leads that a network reads beats on.

    Args:
        recording: with ``lead`` among its leads.
        task: of the network.
        lead: name of the lead to read first, whatever the network was trained on.
        silent: leads without any signal.

    Raises:
        ConfigError: the recording has no lead.
    """
    asked = None if lead is None else recording.leads[recording.lead_index(lead.strip())]
    offered = [name for name in recording.leads if name == asked or name not in recording.no_ecg] or recording.leads
    return task.choose_leads(offered, asked, leads_to_avoid(recording, silent))
