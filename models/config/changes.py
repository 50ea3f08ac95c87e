"""Changes of settings as a command line writes them: ``key=value``, entered into plain values and then checked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from models.config.text import Written, opened, read_value, resolved
from models.core.errors import ConfigError

Group = TypeVar("Group", bound=BaseModel)


def apply_change(values: dict[str, Any], change: str) -> None:
    """Enter ``a.b=value`` into plain values.

    Raises:
        ConfigError: it is no change, or goes below a value that is no group.
    """
    key, separator, text = change.partition("=")
    if not separator or not key:
        raise ConfigError(change, "is no change; write key=value, such as lr=0.001 or data.root=FOLDER")
    at = values
    *parents, last = key.split(".")
    for parent in parents:
        at[parent] = opened(at.get(parent, {}))
        at = at[parent]
        if not isinstance(at, dict):
            raise ConfigError(key, f"{parent} is a value, not a group of settings")
    try:
        at[last] = read_value(text)
    except yaml.YAMLError:
        at[last] = Written(text, text)


def changed_group(values: dict[str, Any], name: str, changes: Sequence[str], group: type[Group]) -> Group:
    """One group of settings, checked, with changes that may touch nothing else.

    Args:
        values: plain values with the group under its name.
        name: of the group, such as "data".
        changes: ``name.key=value`` each.
        group: its type.

    Raises:
        ConfigError: a change of another group, an unknown key or a value out of its bounds.
    """
    for change in changes:
        if not change.startswith(f"{name}."):
            raise ConfigError(
                change, f"is no setting of {name}, which alone can be changed here; write {name}.key=value"
            )
        apply_change(values, change)
    try:
        return group.model_validate(resolved(group, values.get(name, {})))
    except ValidationError as error:
        raise first_fault(error, above=name) from error


def first_fault(error: ValidationError, *, above: str = "", unnamed: Collection[str] = ()) -> ConfigError:
    """The first field that is wrong, by its name as people write it.

    Args:
        error: of pydantic.
        above: name of the group that was checked; empty for a whole configuration.
        unnamed: names of alternatives that were tried, which are no part of a field's name.
    """
    first = error.errors()[0]
    parts = [str(part) for part in first["loc"] if part not in unnamed and "[" not in str(part)]
    place = ".".join(([above] if above else []) + parts) or "configuration"
    return ConfigError(place, first["msg"].removeprefix("Value error, "))
