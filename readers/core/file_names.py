"""File names as text, also those that are not UTF-8."""

from __future__ import annotations

import os
import unicodedata


def readable(name: str | os.PathLike[str]) -> str:
    r"""A file's name or path as valid text, reversibly.

    A name is bytes to the system. Bytes that are no UTF-8, and characters that would break a line or a terminal, stand
    as ``\xNN``, and a backslash as two; every other name stays as it is.
    """
    return "".join(_shown(character) for character in os.fspath(name))


def _shown(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}:
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
