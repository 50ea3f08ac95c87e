"""Widgets of the settings, generated from the typed configuration."""

from __future__ import annotations

import inspect
import math
from typing import Any

import streamlit as st

from models import list_checkpoints
from models.core.errors import ConfigError
from models.experiments import fields
from models.experiments.fields import GROUPS, Setting
from models.networks.registry import architecture
from pages.workshop import draft as drafts
from pages.workshop.train.keys import scope

_CHOSEN_ABOVE = {"network.architecture", "data.root"}
_UNFOLDED = 3
"""Settings of a group that are always in sight, with those that were changed; the others are folded."""
_WORDS = {True: "yes", False: "no"}


def show(settings: list[Setting], error: ConfigError | None, records: tuple[str, ...]) -> None:
    """Groups of settings, and the widgets of the selected group.

    Args:
        settings: all settings of the configuration.
        error: what is wrong with the values, marked at its setting.
        records: names of the records of the chosen data.
    """
    draft = drafts.current()
    base = drafts.base_values(draft) or {}
    offered = [setting for setting in settings if setting.path not in _CHOSEN_ABOVE]
    there = [group for group in GROUPS if any(setting.group == group for setting in offered)]
    wrong = _group_of(error, settings)
    changed = {group: sum(one.group == group and one.path in draft.changes for one in offered) for group in there}
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        group = st.segmented_control(
            "Settings", there, default=there[0], required=True, key=scope("settings"), label_visibility="collapsed",
            format_func=GROUPS.__getitem__, persist_state="session",
        )  # fmt: skip
        count = sum(changed.values())
        words = ", ".join(f"{GROUPS[name]} {number}" for name, number in changed.items() if number)
        st.button(
            "Take back", icon=":material/undo:", type="tertiary", on_click=drafts.reset, disabled=not count,
            key=scope("reset"), help="All settings as they are in what you start from.",
        )  # fmt: skip
        place = f" :red[See {GROUPS[wrong]}.]" if wrong and wrong != group else ""
        st.caption((f":primary[●] changed: {words}" if count else "Nothing is changed.") + place, width="content")
    here = [setting for setting in offered if setting.group == group]
    marked = [one for one in here if one.path in draft.changes or (error is not None and _is_at(error, one))]
    first = [one for place, one in enumerate(here) if place < _UNFOLDED or one in marked]
    with st.container(horizontal=True, key=scope("fields")):
        for setting in first:
            _widget(setting, fields.pick(base, setting.path), draft.changes, error, records)
    folded = [one for one in here if one not in first]
    if folded:
        with (
            st.expander(f"{len(folded)} more settings", key=scope("more", group)),
            st.container(horizontal=True, key=scope("more_fields")),
        ):
            for setting in folded:
                _widget(setting, fields.pick(base, setting.path), draft.changes, error, records)


def _group_of(error: ConfigError | None, settings: list[Setting]) -> str | None:
    offered = (one for one in settings if one.path not in _CHOSEN_ABOVE)
    return next((one.group for one in offered if error is not None and _is_at(error, one)), None)


def _is_at(error: ConfigError, setting: Setting) -> bool:
    return error.field == setting.path or error.field.startswith(f"{setting.path}.")


def _widget(
    setting: Setting, base: Any, changes: dict[str, Any], error: ConfigError | None, records: tuple[str, ...]
) -> None:
    key = scope("set", drafts.generation(), setting.path)
    value = changes.get(setting.path, base)
    mark = ":red[▲] " if error is not None and _is_at(error, setting) else ""
    mark = mark or (":primary[●] " if setting.path in changes else "")
    common = {
        "label": f"{mark}{setting.label}",
        "key": key,
        "help": _help(setting, base),
        "on_change": _changed,
        "args": (setting, key),
    }
    if setting.kind == "yes_no":
        st.selectbox(options=[True, False], index=0 if value else 1, format_func=_WORDS.get, **common)
    elif setting.kind == "choice":
        options = list(setting.choices)
        index = next((place for place, option in enumerate(options) if option is value or option == value), 0)
        st.selectbox(options=options, index=index, format_func=_choice, **common)
    elif setting.kind in {"whole", "number"}:
        _number(setting, base, value, common)
    elif setting.kind == "words":
        shown = fields.shown(setting, value)
        options = list(dict.fromkeys([*shown, *_offered(setting, records)]))
        st.multiselect(options=options, default=shown, accept_new_options=True, placeholder="none", **common)
    else:
        st.text_input(value=str(fields.shown(setting, value)), **common)


def _choice(value: Any) -> str:
    return _WORDS.get(value, str(value)) if isinstance(value, bool) else str(value)


def _number(setting: Setting, base: Any, value: Any, common: dict[str, Any]) -> None:
    kind = int if setting.kind == "whole" else float
    low, high = (None if bound is None else kind(bound) for bound in (setting.low, setting.high))
    if value is not None or not setting.optional:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else base
        value = kind(min(max(number, low if low is not None else number), high if high is not None else number))
    step = 1 if kind is int else _step(float(base or 0), setting.high)
    st.number_input(
        min_value=low, max_value=high, value=value, step=step, format=None if kind is int else "%g",
        placeholder="none", **common,
    )  # fmt: skip


def _step(base: float, high: float | None) -> float:
    if base:
        return 10.0 ** (math.floor(math.log10(abs(base))) - (base < 1 and (high or 0) <= 1 and base < 0.01))
    return 0.05 if high is not None and high <= 1 else 1.0


def _offered(setting: Setting, records: tuple[str, ...]) -> list[str]:
    """Choices of a text setting: splits and records of the data, checkpoints for teachers, else its current value."""
    if setting.path in {"data.train", "data.validation"}:
        return [*setting.choices, *records]
    if setting.path == "loss.teachers":
        kind = drafts.values(drafts.current())["task"]["kind"]
        return [summary.name for summary in list_checkpoints() if summary.card and summary.card.kind == kind]
    return []


def _help(setting: Setting, base: Any) -> str:
    shown = fields.shown(setting, base)
    shown = (
        _choice(shown) if isinstance(shown, bool) else ", ".join(map(str, shown)) if isinstance(shown, list) else shown
    )
    bounds = f" From {setting.low:g} to {setting.high:g}." if None not in {setting.low, setting.high} else ""
    words = f"{setting.help}{bounds}\n\nStarts as **{shown if shown not in ('', None) else 'none'}**. `{setting.path}`"
    if setting.kind == "arguments":
        words = f"{_arguments()}\n\n{words}"
    return words


def _arguments() -> str:
    """Arguments of the selected network, with defaults."""
    name = drafts.values(drafts.current())["network"]["architecture"]
    fixed = {"in_channel", "num_classes", "rr_features"}
    known = inspect.signature(architecture(name).build).parameters.values()
    rows = [f"`{one.name}: {one.default}`" for one in known if one.name not in fixed and one.default is not one.empty]
    return f"Written as `name: value, name: value`. {name} takes " + (", ".join(rows) or "none") + "."


def _changed(setting: Setting, key: str) -> None:
    drafts.set_value(setting.path, fields.parse(setting, st.session_state[key]))
