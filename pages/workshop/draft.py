"""Draft of the training form, in the session and on disk, so that no reload loses it."""

from __future__ import annotations

from typing import Any

import streamlit as st
import yaml

from models.config import TrainConfig
from models.core.errors import EcgvizError
from models.data import mitdb
from models.data.catalogue import DataSet
from models.data.survey_beat_records import suggested_split
from models.experiments import fields
from models.experiments.drafts import Draft, load_draft, save_draft
from models.jobs import backend
from models.plugins import find_plugin, plugin_of, plugins
from pages.parts import access
from pages.workshop.keys import scope

_DRAFT, _GENERATION = scope("draft"), scope("generation")
_DATA_PATHS = ("data.root", "data.train", "data.validation")


@st.cache_resource(show_spinner=False)
def bases() -> dict[str, TrainConfig]:
    """Configurations to start from."""
    return fields.base_configs()


def bases_of(kind: str) -> dict[str, TrainConfig]:
    """Configurations to start from for one kind of task."""
    return {name: config for name, config in bases().items() if config.task.kind == kind}


def tasks() -> dict[str, str]:
    """Kinds of tasks with configurations, and their display names."""
    return {plugin.kind: plugin.title for plugin in plugins() if plugin.title and bases_of(plugin.kind)}


def example(task: dict[str, Any]) -> TrainConfig:
    """An example configuration of a task."""
    found, smallest = bases_of(task["kind"]), plugin_of(task).smallest
    return found[smallest] if smallest in found else next(iter(found.values()))


def current() -> Draft:
    """Draft of this session, loaded from disk on first use."""
    state = st.session_state
    if _DRAFT not in state:
        state[_DRAFT] = load_draft(access.who())
        state[_GENERATION] = 0
    draft: Draft = state[_DRAFT]
    if base_values(draft) is None:
        draft.base, draft.changes, draft.name = next(name for name in bases() if name == "beat_smoke"), {}, ""
    return draft


def base_values(draft: Draft) -> dict[str, Any] | None:
    """Plain values of the draft's base, a configuration or a run; None where it or its task is gone."""
    if draft.base in bases():
        return bases()[draft.base].model_dump(mode="json")
    try:
        found = backend().get(draft.base).config if draft.base else None
    except EcgvizError:
        return None
    return found if found is not None and find_plugin(found) is not None else None


def values(draft: Draft) -> dict[str, Any]:
    """Plain values of the base with the draft's changes."""
    merged = fields.with_changes(base_values(draft) or {}, draft.changes)
    return merged | {"name": draft.name or merged["name"]}


def data_kind(task: dict[str, Any]) -> str:
    """Kind of data that a task trains on."""
    return plugin_of(task).data_kind


def generation() -> int:
    """Counter that makes new widgets when the form starts anew."""
    return st.session_state.get(_GENERATION, 0)


def set_base(name: str) -> None:
    """Start from another configuration or run; keeps the data where both read the same kind."""
    draft = current()
    before = base_values(draft) or {}
    kept = {path: value for path, value in draft.changes.items() if path in _DATA_PATHS}
    draft.base, draft.name = name, ""
    after = base_values(draft) or {}
    same = _reads(before) == _reads(after)
    draft.changes = kept if same and name in bases() else {}
    _begin()


def set_network(name: str) -> None:
    """Select another network: a configuration made for it, or this one with its defaults."""
    draft = current()
    for base, config in bases_of(values(draft)["task"]["kind"]).items():
        if config.network.architecture == name:
            set_base(base)
            return
    draft.changes = {**draft.changes, "network.architecture": name, "network.arguments": {}}
    _begin()


def set_task(kind: str) -> None:
    """Start from the first configuration of another task."""
    set_base(next(iter(bases_of(kind))))


def set_data(data: DataSet) -> None:
    """Select a registered data set; its records are split anew where the configuration names others."""
    draft = current()
    base = base_values(draft) or {}
    changes = {path: value for path, value in draft.changes.items() if path not in _DATA_PATHS}
    changes["data.root"] = str(data.root)
    if data.kind == "recordings":
        records = list(data.survey.records) if data.survey is not None else list(mitdb.list_records(data.root))
        if not _fits(base, records):
            train, validation = suggested_split(records)
            changes |= {"data.train": train, "data.validation": validation}
    draft.changes = changes
    _begin()


def _fits(base: dict[str, Any], records: list[str]) -> bool:
    """Whether the records named in a configuration exist."""
    train, _ = suggested_split(records)
    named = [base["data"].get("train"), base["data"].get("validation")]
    if any(isinstance(one, str) for one in named):
        return train == "train"
    return set(named[0]) | set(named[1]) <= set(records)


def set_value(path: str, value: Any) -> None:
    """Set one value; a value equal to the base's is no change."""
    draft = current()
    if value == fields.pick(base_values(draft) or {}, path):
        draft.changes.pop(path, None)
    else:
        draft.changes[path] = value
    keep()


def set_name(name: str) -> None:
    """Set the name of the checkpoint."""
    draft = current()
    draft.name = name.strip()
    keep()


def reset() -> None:
    """Discard all changes except the data."""
    draft = current()
    draft.changes = {path: value for path, value in draft.changes.items() if path in _DATA_PATHS}
    draft.name = ""
    _begin()


def keep() -> None:
    """Save the draft."""
    save_draft(st.session_state[_DRAFT], access.who())


def as_yaml(values: dict[str, Any]) -> str:
    """Plain values as a file for the command line."""
    return yaml.safe_dump(values, sort_keys=False)


def _begin() -> None:
    st.session_state[_GENERATION] = generation() + 1
    keep()


def _reads(values: dict[str, Any]) -> str:
    return data_kind(values["task"]) if values.get("task") else ""
