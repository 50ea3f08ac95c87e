"""The sidebar of every page: which network answers, where it runs, and what all this is not for."""

from __future__ import annotations

import streamlit as st

from ecgviz.analysis import choose_device
from ecgviz.analysis.devices import DEVICES, available_devices, device_name
from ecgviz.errors import EcgvizError
from models import Checkpoint, CheckpointSummary
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, STATEMENT
from pages.parts import caching, keys


def show() -> None:
    """Draw the pickers and the statement of use."""
    with st.sidebar:
        usable = [summary.name for summary in usable_checkpoints()]
        if usable:
            st.selectbox(
                "Checkpoint",
                usable,
                index=usable.index(DEFAULT_BEAT_CHECKPOINT) if DEFAULT_BEAT_CHECKPOINT in usable else 0,
                key=keys.CHECKPOINT,
                bind="query-params",
                help="The trained network that classifies the beats. About > Networks tells what each was trained on, "
                "how good it is and what it is not for.",
            )
        there = ("auto", *available_devices())
        st.selectbox(
            "Device",
            [device for device in DEVICES if device in there],
            key=keys.DEVICE,
            persist_state="session",
            help="Where the network runs; auto takes the best that this machine has.",
        )
        try:
            st.caption(f"Runs on {device_name(choose_device(st.session_state.get(keys.DEVICE)))}")
        except EcgvizError as error:
            st.error(str(error))
        st.caption(f":material/info: **{STATEMENT}**")


def usable_checkpoints() -> list[CheckpointSummary]:
    """Checkpoints of beat networks whose card can be read."""
    return [summary for summary in caching.checkpoints() if summary.card is not None]


def chosen_checkpoint(name: str | None = None) -> Checkpoint:
    """The checkpoint of the sidebar, or another by its name, loaded.

    Raises:
        EcgvizError: there is none, or it cannot be used.
    """
    found = {summary.name: summary for summary in usable_checkpoints()}
    name = name or st.session_state.get(keys.CHECKPOINT)
    if not found or name not in found:
        faults = " ".join(summary.fault for summary in caching.checkpoints() if summary.fault)
        raise EcgvizError(
            f"No checkpoint was found{': ' + faults if faults else ''}; restore the folder checkpoints/ from the "
            "repository, or train one: python -m models train beat_strip --run-dir runs/beat-strip"
        )
    return caching.checkpoint(name, found[name].card.weights_sha256, st.session_state.get(keys.DEVICE) or "auto")
