"""Sidebar of every page: statement of use, network and device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from ecgviz.analysis import choose_device
from ecgviz.analysis.devices import DEVICES, available_devices, device_name
from ecgviz.errors import EcgvizError
from models import Checkpoint, CheckpointSummary
from models.checkpoints import (
    DEFAULT_BEAT_CHECKPOINT,
    DEFAULT_IMAGE_CHECKPOINT,
    DEFAULT_PAPER_CHECKPOINT,
    DEFAULT_RECORD_CHECKPOINT,
    DEFAULT_ROWS_CHECKPOINT,
    INSPECTION_STATEMENT,
    STATEMENT,
)
from pages.parts import caching, keys, tables
from pages.parts.picture_keys import NETWORK

Kind = Literal["ecg", "record", "image", "row", "paper"]


@dataclass(frozen=True)
class _Picker:
    """Checkpoint selection of a page.

    Attributes:
        key: of the widget.
        default: name of the checkpoint.
        words: what it is for.
        roles: what the checkpoints offered answer; see :attr:`models.checkpoints.Card.role`.
        trained_by: configuration that such a network is trained by.
        of: what a sentence adds to the word checkpoint.
    """

    key: str
    default: str
    words: str
    roles: tuple[str, ...]
    trained_by: str
    of: str = ""


_PICKERS: dict[Kind, _Picker] = {
    "ecg": _Picker(
        keys.CHECKPOINT, DEFAULT_BEAT_CHECKPOINT, "The trained network that classifies the beats.", ("beats",),
        "beat_strip",
    ),
    "record": _Picker(  # those that read recordings drawn on paper read the samples of a recording, too
        keys.RECORD_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT, "The trained network that labels the recording.",
        ("labels", "paper"), "ecg12_xresnet", " for whole recordings",
    ),
    "image": _Picker(
        NETWORK, DEFAULT_IMAGE_CHECKPOINT, "The trained network that judges the pictures.", ("pictures",), "ct_lite0",
    ),
    "row": _Picker(
        keys.ROWS_CHECKPOINT, DEFAULT_ROWS_CHECKPOINT, "The trained network that classifies tables of beats.",
        ("rows",), "heartbeat_resnext", " for tables of beats",
    ),
    "paper": _Picker(
        keys.PAPER_CHECKPOINT, DEFAULT_PAPER_CHECKPOINT, "The trained network that reads ECGs on paper.", ("paper",),
        "ecg_paper_lite0", " that reads ECG paper",
    ),
}  # fmt: skip
_BESIDE: dict[Kind, Kind] = {"row": "ecg", "paper": "record"}
"""What else a page of recordings opens, and the kind of network that it has for the others."""
ROLE_WORDS = {
    "beats": "an ECG, beat by beat",
    "labels": "a 12-lead ECG of up to a minute",
    "paper": "a picture of an ECG on paper",
    "pictures": "a picture or stack of a battery",
    "rows": "a table of single beats",
}
"""What a checkpoint answers, by :attr:`models.checkpoints.Card.role`."""


def show(kind: Kind = "ecg") -> None:
    """Draw the selections and the statement of use; offers the checkpoints that the page can use."""
    found = st.session_state.get(keys.NETWORK_KIND)
    kind = st.session_state[keys.NETWORK_KIND] = found if _BESIDE.get(found) == kind else kind
    picker = _PICKERS[kind]
    key, default, words = picker.key, picker.default, picker.words
    with st.sidebar:
        statement = INSPECTION_STATEMENT if kind == "image" else STATEMENT
        st.caption(f":material/info: **{statement}**")  # first: what comes last is out of sight on a low screen
        found = usable_checkpoints(kind)
        usable = [summary.name for summary in found]
        if usable:
            st.selectbox(
                "Checkpoint",
                usable,
                index=usable.index(default) if default in usable else 0,
                key=key,
                bind="query-params",
                help=f"{words} About > Networks tells what each was trained on, how good it is and what it is not for. "
                f"{tables.dates(tables.dated(found).values())}",
            )
            chosen = next((one for one in found if one.name == st.session_state.get(key)), None)
            if chosen is not None:
                st.caption(_standing(chosen, default, usable))
        there, gone = ("auto", *available_devices()), ""
        try:
            choose_device(st.session_state.get(keys.DEVICE))
        except EcgvizError as error:
            gone = str(error)  # a GPU that this session chose and that is lost since: the picker falls back to auto
        st.selectbox(
            "Device",
            [device for device in DEVICES if device in there],
            key=keys.DEVICE,
            persist_state="session",
            help="Where the network runs; auto takes the best that this machine has.",
        )
        st.caption(f"Runs on {device_name(choose_device(st.session_state.get(keys.DEVICE)))}")
        if gone:
            st.error(gone)


def offer_networks(kind: Kind) -> None:
    """Set the kind of network for what is open, so that the sidebar offers these.

    It stands on the page already when a file has told what it holds; where it was drawn for another kind, the script
    runs again, once.
    """
    if st.session_state.get(keys.NETWORK_KIND) != kind:
        st.session_state[keys.NETWORK_KIND] = kind
        st.rerun()


def _standing(chosen: CheckpointSummary, default: str, usable: Sequence[str]) -> str:
    """Date of the checkpoint's training, and whether it is the default."""
    if default not in usable:
        return f"Trained until {tables.day(chosen.card.date)}. :red[The default, {default}, is not there.]"
    if chosen.is_default:
        return f"The default. Trained until {tables.day(chosen.card.date)}."
    return f"Trained until {tables.day(chosen.card.date)}. The default is {default}."


def usable_checkpoints(kind: Kind = "ecg") -> list[CheckpointSummary]:
    """Checkpoints of a kind with a readable card."""
    roles = _PICKERS[kind].roles
    return [one for one in caching.checkpoints() if one.card is not None and one.card.role in roles]


def chosen_checkpoint(name: str | None = None, *, kind: Kind = "ecg") -> Checkpoint:
    """The checkpoint selected in the sidebar, or another by name, loaded.

    Raises:
        EcgvizError: there is none, or it cannot be used.
    """
    picker = _PICKERS[kind]
    found = {summary.name: summary for summary in usable_checkpoints(kind)}
    name = name or st.session_state.get(picker.key)
    if not found or name not in found:
        faults = " ".join(summary.fault for summary in caching.checkpoints() if summary.fault)
        raise EcgvizError(
            f"No checkpoint{picker.of} was found{': ' + faults if faults else ''}; restore the folder checkpoints/ "
            f"from the repository, or train one: python -m models train {picker.trained_by} --set data.root=FOLDER "
            "--run-dir runs/mine, and then python -m models promote runs/mine"
        )
    return caching.checkpoint(name, found[name].card.weights_sha256, st.session_state.get(keys.DEVICE) or "auto")
