"""Lists the settings of a configuration with type, bounds and help, for forms.

Nothing is listed by hand: what :mod:`models.config` declares appears, with the bounds and help texts that stand there.
A setting is named by its dotted path, the name that ``--set`` takes.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.config import TrainConfig, config_files, load_config, make_config

Kind = Literal["yes_no", "choice", "whole", "number", "words", "numbers", "text", "arguments"]
GROUPS = {
    "training": "Training",
    "task": "Input",
    "network": "Network",
    "data": "Data",
    "augment": "Augmentation",
    "loss": "Loss",
}
"""Groups in the order of a form, with their headings."""
OPEN_SETTINGS = ("network.arguments", "usual_shares")
"""Settings that are themselves a mapping: one field of the form."""
_PLAIN: dict[type, Kind] = {int: "whole", float: "number", str: "text"}
_LABELS = {
    "mlflow": "MLflow",
    "lr": "Learning rate",
    "fs_out": "Sampling frequency, Hz",
    "ecg_leads": "ECG leads",
    "segment_seconds": "Length of the input, s",
    "margin_seconds": "Context at both ends, s",
    "highpass_s": "Baseline filter, s",
    "rr": "RR intervals beside the window",
    "image_size": "Image size, pixels",
    "matrix_size": "Size of a matrix, pixels",
    "root": "Folder",
    "noise_root": "Folder of noise",
    "more": "Folder of further recordings",
    "hop_seconds": "From window to window, s",
    "highpass_hz": "High-pass, Hz",
    "lowpass_hz": "Low-pass, Hz",
    "noise_snr_db": "Signal to noise, dB",
    "shift_ms": "Shift of the R peak, ms",
    "rotation_deg": "Rotation, degrees",
    "ema_decay": "Average of the weights",
    "cache_gb": "Pictures in memory, GB",
    "lambda_combined": "Share of cross-entropy",
    "proxy_alpha": "Proxy-Anchor alpha",
    "proxy_delta": "Proxy-Anchor delta",
    "decay_epoch": "Epochs to a tenth",
    "temperature": "Calibration temperature",
}
_LEFT_OUT = {"kind", "name"}
_FIRST = ("epochs", "batch_size", "lr", "schedule", "early_stopping")
"""Of a training's own settings those that are changed most; the others follow as they are declared."""


@dataclass(frozen=True)
class Setting:
    """One setting of a configuration.

    Attributes:
        path: dotted name, such as ``task.fs_out``.
        group: one of :data:`GROUPS`.
        label: what a form calls it.
        help: what it does, from the configuration.
        kind: how it is typed in.
        choices: values to choose from, for the kind "choice"; for "words" names that stand for a whole list.
        low, high: bounds of a number; None where there is none.
        optional: whether it may be left empty.
    """

    path: str
    group: str
    label: str
    help: str
    kind: Kind
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    optional: bool = False


def settings_of(config: TrainConfig) -> list[Setting]:
    """All settings of a configuration: the most changed ones first, the others in declaration order."""
    found = list(_walk(config, ""))
    return sorted(found, key=lambda one: _FIRST.index(one.path) if one.path in _FIRST else len(_FIRST))


def _walk(model: BaseModel, prefix: str) -> Iterator[Setting]:
    for name, field in type(model).model_fields.items():
        path = f"{prefix}{name}"
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _walk(value, f"{path}.")
        elif name not in _LEFT_OUT:
            yield _setting(path, name, field)


def _setting(path: str, name: str, field: FieldInfo) -> Setting:
    kind, choices, optional = _kind(field.annotation)
    low = next(
        (getattr(mark, "ge", getattr(mark, "gt", None)) for mark in field.metadata if isinstance(mark, Ge | Gt)), None
    )
    high = next(
        (getattr(mark, "le", getattr(mark, "lt", None)) for mark in field.metadata if isinstance(mark, Le | Lt)), None
    )
    group = path.partition(".")[0] if "." in path else "training"
    label = _LABELS.get(name) or name.replace("_", " ").capitalize()
    return Setting(path, group, label, field.description or "", kind, choices, low, high, optional)


def _kind(annotation: Any) -> tuple[Kind, tuple[Any, ...], bool]:
    parts = get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)
    optional = type(None) in parts
    parts = tuple(part for part in parts if part is not type(None))
    named = tuple(value for part in parts if get_origin(part) is Literal for value in get_args(part))
    if any(get_origin(part) is tuple and get_args(part)[0] is str for part in parts):
        return "words", named, optional
    if any(get_origin(part) is tuple for part in parts):
        return "numbers", (), optional
    if bool in parts:
        return ("choice", (*named, True, False), optional) if named else ("yes_no", (), optional)
    if named:
        return "choice", named, optional
    for type_, kind in _PLAIN.items():
        if type_ in parts:
            return kind, (), optional
    return "arguments", (), optional


def flat(config: TrainConfig) -> dict[str, Any]:
    """Plain values of all settings by dotted path."""
    values = config.model_dump(mode="json")
    return {setting.path: pick(values, setting.path) for setting in settings_of(config)}


def pick(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None where there is none."""
    at: Any = values
    for part in path.split("."):
        if not isinstance(at, Mapping):
            return None
        at = at.get(part)
    return at


def with_changes(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Nested plain values with replacements at dotted paths."""
    result = {key: dict(value) if isinstance(value, Mapping) else value for key, value in values.items()}
    for path, value in changes.items():
        at = result
        *parents, last = path.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = value
    return result


def configure(base: Mapping[str, Any], changes: Mapping[str, Any]) -> TrainConfig:
    """A validated configuration: another one's values with changes.

    Raises:
        ConfigError: names the first setting that is wrong.
    """
    return make_config(with_changes(base, changes))


def differences(config: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Settings in which two configurations differ, as (first, second) by path."""
    left, right = dict(_leaves(config)), dict(_leaves(other))
    return {
        path: (left.get(path), right.get(path))
        for path in dict.fromkeys((*left, *right))
        if path != "name" and left.get(path) != right.get(path)
    }


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and f"{prefix}{key}" not in OPEN_SETTINGS:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def parse(setting: Setting, typed: Any) -> Any:
    """A form's text as a plain value; unparsable text stays text, which validation refuses."""
    if setting.kind == "words":
        words = [str(word) for word in typed]
        return words[0] if len(words) == 1 and words[0] in setting.choices else words
    if not isinstance(typed, str):
        return typed
    try:
        if setting.kind == "numbers":
            return [float(part) for part in typed.replace(";", ",").split(",") if part.strip()]
        if setting.kind == "arguments":
            value = yaml.safe_load(f"{{{typed}}}")
            return value if isinstance(value, dict) else typed
    except (ValueError, yaml.YAMLError):
        return typed
    return typed


def shown(setting: Setting, value: Any) -> Any:
    """A plain value as form text: the inverse of :func:`parse`."""
    if setting.kind == "words":
        return [value] if isinstance(value, str) else list(value or ())
    if setting.kind == "numbers":
        return ", ".join(f"{number:g}" for number in value) if isinstance(value, list | tuple) else str(value)
    if setting.kind == "arguments":
        if not isinstance(value, Mapping):
            return str(value)
        return yaml.safe_dump(dict(value), default_flow_style=True, sort_keys=False, width=10_000).strip().strip("{}")
    return value


def base_configs() -> dict[str, TrainConfig]:
    """Built-in configurations by name, small trial ones last."""
    names = sorted(config_files(), key=lambda name: ("smoke" in name, name))
    return {name: load_config(name) for name in names}
