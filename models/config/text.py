"""Parses settings written as YAML with types taken from the setting, so that ``1e3`` may be a name.

YAML takes ``101``, ``no``, ``null`` and ``2020-01-01`` for a number, a truth, nothing and a date, and ``0101`` for 65.
Where a setting takes names they are names, as they are written. A word in quotation marks is always text.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

_WORDS = ("int", "float", "bool", "null", "timestamp", "value", "merge")
"""What YAML makes of plain words that are no text; the last two are the signs = and <<."""


class Written(str):
    """Text that was written without quotation marks.

    Attributes:
        means: what YAML makes of it.
    """

    __slots__ = ("means",)
    means: Any

    def __new__(cls, text: str, means: Any) -> Written:
        """The text together with its YAML value."""
        written = super().__new__(cls, text)
        written.means = means
        return written


class _Loader(yaml.SafeLoader):
    """YAML's safe loader that keeps the source text of non-text scalars."""


def _written(loader: _Loader, node: yaml.ScalarNode) -> Written:
    try:
        means = yaml.SafeLoader.yaml_constructors[node.tag](loader, node)
    except (ValueError, KeyError):  # a date such as 2020-02-31; the sign = is no value by itself
        means = node.value
    return Written(node.value, means)


for _word in _WORDS:
    _Loader.add_constructor(f"tag:yaml.org,2002:{_word}", _written)


def read_document(text: str) -> Any:
    """Parse a YAML document; resolve its :class:`Written` words with :func:`resolved`.

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, _Loader)  # noqa: S506 (a safe loader)


def read_value(text: str) -> Written | str:
    """Parse one value of a command line for :func:`resolved`; a text setting takes it verbatim.

    Raises:
        yaml.YAMLError: it is no YAML and so can only be a text.
    """
    value = read_document(text) if text else ""
    is_whole = isinstance(value, Written) or (isinstance(value, str) and text.strip()[:1] in {"'", '"'})
    return value if is_whole else Written(text.strip(), value)


def opened(value: Any) -> Any:
    """Parse a group of settings written as one value, such as ``task={kind: strip}``; other values unchanged."""
    return value.means if isinstance(value, Written) and isinstance(value.means, dict) else value


def resolved(annotation: Any, value: Any) -> Any:
    """A value with its written words converted to the setting's type: text where it takes text, else YAML's value.

    Args:
        annotation: type of the setting, as a configuration declares it.
        value: of :func:`read_document` or :func:`read_value`; what is not :class:`Written` stays.
    """
    parts = _parts(annotation)
    if isinstance(value, Written):
        is_nothing = value.means is None and type(None) in parts
        choices = {choice for part in parts if get_origin(part) is Literal for choice in get_args(part)}
        if (str in parts and not is_nothing) or str(value) in choices:
            return str(value)
        return resolved(annotation, value.means)
    if isinstance(value, Mapping):
        model = _model(parts, value)
        fields = {} if model is None else model.model_fields
        return {str(key): resolved(fields[key].annotation if key in fields else Any, one) for key, one in value.items()}
    if isinstance(value, list):
        items = [get_args(part) for part in parts if get_origin(part) in {tuple, list}]
        item = Union[tuple(one for group in items for one in group if one is not Ellipsis)] if items else Any  # noqa: UP007
        return [resolved(item, one) for one in value]
    return value


def _parts(annotation: Any) -> list[Any]:
    """The alternatives of a union type, without annotations."""
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [part for one in get_args(annotation) for part in _parts(one)]
    return [annotation]


def _model(parts: list[Any], value: Mapping[str, Any]) -> type[BaseModel] | None:
    """The settings class that a mapping fills; of several, the one whose ``kind`` it names."""
    models = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
    kind = str(value.get("kind", ""))
    fitting = [model for model in models if "kind" in model.model_fields and model.model_fields["kind"].default == kind]
    return next(iter(fitting or models), None)
