"""Permissions set by the server's operator: who may train, and from which folders.

An open demo must not let strangers start jobs or read folders. ``ECGVIZ_TRAINING`` is "on" (the default: the app
listens on localhost), "off", or "users:ann,bob" for those who have logged in under these names. A name comes from the
login of the app, or from a header that a proxy in front of it sets (``ECGVIZ_USER_HEADER``; the proxy must take it out
of what browsers send).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecgviz.sources.roots import inside_roots
from ecgviz.sources.training_example import example_folder
from models.checkpoints import list_checkpoints
from models.core.errors import ConfigError, ReadError
from models.data.versions import versions_root

SETTING = "ECGVIZ_TRAINING"
HEADER = "ECGVIZ_USER_HEADER"
_FOLDERS = ("root", "noise_root", "more")


@dataclass(frozen=True)
class Permit:
    """Whether a user may train, and why not.

    Attributes:
        allowed: that.
        why: a sentence for who may not; empty else.
        login: whether logging in could help.
    """

    allowed: bool
    why: str = ""
    login: bool = False


def user_header() -> str:
    """Name of the proxy's user header; empty where none is trusted."""
    return os.environ.get(HEADER, "").strip()


def may_train(who: str) -> Permit:
    """Whether a user may train and browse data folders; invalid settings permit nobody.

    Args:
        who: name of the person, as the login or the proxy states it; empty for nobody known.
    """
    setting = os.environ.get(SETTING, "on").strip()
    if setting.lower() in {"on", ""}:
        return Permit(True)
    if setting.lower() == "off":
        return Permit(False, "Training is turned off on this server.")
    kind, _, names = setting.partition(":")
    if kind.strip().lower() != "users":
        return Permit(False, f"Training is off: {SETTING} must be on, off or users:NAME,NAME.")
    permitted = {name.strip().casefold() for name in names.split(",") if name.strip()}
    if who.strip().casefold() in permitted:
        return Permit(True)
    if who.strip():
        return Permit(False, f"Training on this server is for some people only, and {who} is not among them.")
    return Permit(False, "Training on this server is for some people only; log in to train.", login=True)


def readable_folder(path: str) -> Path:
    """Resolved path of a data folder: below the data roots, or of this home the simulated example or a version of a
    data set.

    Raises:
        ReadError: it may not be read, or is not there.
    """
    example = example_folder()
    if example.is_dir() and Path(path).expanduser().resolve() == example.resolve():
        return example.resolve()
    resolved = Path(path).expanduser().resolve()
    if resolved.is_relative_to(versions_root().resolve()) and resolved.is_dir():
        return resolved
    return inside_roots(path)


def confine(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of a configuration with resolved folders, all of which must be readable.

    Raises:
        ConfigError: a folder outside of the data roots, a record's name that leads elsewhere, or a teacher that is no
            checkpoint of this server.
    """
    data = dict(values.get("data") or {})
    for field in _FOLDERS:
        if data.get(field):
            try:
                data[field] = str(readable_folder(str(data[field])))
            except ReadError as error:
                raise ConfigError(f"data.{field}", str(error)) from error
    for field in ("train", "validation"):
        for name in data.get(field) or () if not isinstance(data.get(field), str) else ():
            if any(mark in str(name) for mark in ("/", "\\", "\0")):
                raise ConfigError(f"data.{field}", f"{name!r} is no record name; use the file name without its ending")
    loss = dict(values.get("loss") or {})
    known = {summary.name for summary in list_checkpoints()}
    for name in loss.get("teachers") or ():
        if name not in known:
            raise ConfigError("loss.teachers", f"there is no checkpoint {name!r} here; choose one of the list")
    return dict(values) | {"data": data} | ({"loss": loss} if loss else {})
