# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""From a reviewed batch to the next network: order of labelling, version of a data set, training on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ecgviz.analysis.decided_labels import DecidedLabels, decided_labels
from ecgviz.analysis.dispositions import Decisions, Final
from ecgviz.analysis.label_order import Candidate, label_order
from ecgviz.errors import EcgvizError
from ecgviz.operator import confine
from ecgviz.results import Verdict
from models import Checkpoint
from models.core.callbacks import Progress, ShouldStop
from models.core.words import counted
from models.data import catalogue
from models.data.versions import Version, make_version
from models.experiments.retraining import retrain, retraining
from pages.inspection.batch import keys
from pages.inspection.batch.keys import scope
from pages.inspection.batch.sources import Source
from pages.navigation import TRAIN
from pages.parts import access, progress, shared_calls
from pages.parts.background_call import BackgroundCall
from pages.parts.pool import Lane

WORST, USEFUL = "worst first", "most useful to label"
_VERSION, _FAULT, _JOB = scope("version"), scope("version_fault"), scope("retraining")
_NONE, _HERE = "no parent", "this folder"


def ordered(
    finals: Sequence[Final], checkpoint: Checkpoint, decisions: Decisions, key: str
) -> tuple[list[Final], tuple[Candidate, ...]]:
    """The parts in the chosen order, and the order of labelling where that is it."""
    chosen = st.segmented_control(
        "Order", (WORST, USEFUL), default=WORST, required=True, key=keys.ORDER, bind="query-params",
        label_visibility="collapsed", help="Useful to label: where the network is uncertain, and parts that differ.",
    )  # fmt: skip
    if chosen != USEFUL:
        return list(finals), ()
    verdicts = tuple(one.network for one in finals)
    call = shared_calls.watch(
        "order", _ordering, verdicts, checkpoint, decisions, f"{key}{checkpoint.sha256}{len(verdicts)} {decisions.mark}"
    )
    if not call.wait(1.0):
        progress.bar(call, "Comparing the least certain parts", scope("ordering"))
        return list(finals), ()
    if call.error is not None:
        st.error(str(call.error))
        return list(finals), ()
    order: tuple[Candidate, ...] = call.result or ()
    place = {one.verdict.file: rank for rank, one in enumerate(order)}
    return sorted(finals, key=lambda one: place.get(one.network.file, len(place))), order


@shared_calls.kept(unwatched=8)
def _ordering(
    _verdicts: tuple[Verdict, ...], _checkpoint: Checkpoint, _decisions: Decisions, key: str
) -> BackgroundCall:
    def compute(tell: Progress, should_stop: ShouldStop) -> tuple[Candidate, ...]:
        return tuple(label_order(_verdicts, _checkpoint, _decisions, progress=tell, should_stop=should_stop))

    return BackgroundCall(compute, Lane.MAP)


def popover(source: Source, verdicts: Sequence[Verdict], decisions: Decisions, checkpoint: Checkpoint) -> None:
    """Popover that makes a data set version of the decisions and trains on it."""
    place = st.popover(
        "Data set", icon=":material/dataset:", key=scope("dataset"), on_change="rerun", disabled=not verdicts
    )
    if not place.open or not verdicts:
        return
    with place:
        permit = access.permit()
        if not permit.allowed:
            access.refused(permit)
            return
        _make(source, verdicts, decisions)
        version: Version | None = st.session_state.get(_VERSION)
        if fault := st.session_state.get(_FAULT):
            st.error(fault)
        if version is not None:
            _train(version, checkpoint)


def _make(source: Source, verdicts: Sequence[Verdict], decisions: Decisions) -> None:
    groups = {file: row.group for file, row in source.rows.items()}
    found = decided_labels(verdicts, decisions, groups)
    left = counted(len(found.open), "part")
    st.markdown(f"{counted(len(found.changes), 'label')} decided by people; {left} still for review.")
    parents = {one.name: one.root for one in catalogue.list_data_sets() if one.kind == "pictures" and one.there}
    offered = [*([_HERE] if source.rows else []), *parents, _NONE]
    parent = st.selectbox(
        "Added to", offered, key=scope("parent", len(offered)),
        help="The set that the network learned from, or an earlier version; its pictures keep their side of the split.",
    )  # fmt: skip
    name = st.text_input("Name of the data set", value=catalogue.suggested_name(source.name), key=scope("dataset_name"))
    root = None if parent == _NONE else _folder_of(source) if parent == _HERE else parents.get(parent or "")
    st.button(
        "Make a version", type="primary", icon=":material/add_box:", key=scope("make_version"),
        disabled=not found.changes, on_click=_made, args=(name, found, root),
        help="Writes pictures, labels and who gave them below ECGVIZ_HOME; the pictures' own folders do not change.",
    )  # fmt: skip


def _folder_of(source: Source) -> Path | None:
    """The labelled folder that a batch was opened from."""
    row = next(iter(source.rows.values()), None)
    if row is None:
        return None
    root = row.path
    for _ in Path(row.file).parts:
        root = root.parent
    return root


def _made(name: str, found: DecidedLabels, root: Path | None) -> None:
    st.session_state[_VERSION], st.session_state[_FAULT], st.session_state[_JOB] = None, "", ""
    try:
        version = make_version(name.strip(), found.changes, root)
        catalogue.register(version.title, version.folder)
    except EcgvizError as error:
        st.session_state[_FAULT] = str(error)
        return
    st.session_state[_VERSION] = version


def _train(version: Version, checkpoint: Checkpoint) -> None:
    st.success(version.describe())
    lacking = [name for name, count in version.counts["train"].items() if not count]
    if lacking:
        st.warning(f"Its training side has no {' and no '.join(lacking)} picture; add the labels to a parent set.")
    try:
        config = retraining(checkpoint, version)
        confine(config.model_dump(mode="json"))
        fault = ""
    except EcgvizError as error:
        fault = str(error)
    st.button(
        f"Train {checkpoint.name} on it", icon=":material/play_arrow:", key=scope("retrain"), on_click=_retrain,
        args=(checkpoint, version), disabled=bool(fault or lacking or st.session_state.get(_JOB)),
        help=fault or "Queues a training by the same configuration; the page Train shows it and promotes it.",
    )  # fmt: skip
    if st.session_state.get(_JOB):
        st.page_link(TRAIN.page(), label="Queued; see it on Train", icon=":material/model_training:")


def _retrain(checkpoint: Checkpoint, version: Version) -> None:
    try:
        st.session_state[_JOB] = retrain(checkpoint, version, who=access.who())
    except EcgvizError as error:
        st.session_state[_FAULT] = str(error)
