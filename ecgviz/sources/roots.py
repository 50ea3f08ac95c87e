"""Restricts files opened by name to the data roots; other paths and links out of them are refused.

Who can open the page can ask for any path. So a path is resolved first, links and all, and must then lie below one
of the roots: the folders of ECGVIZ_DATA_ROOTS, or by default ``data`` of the current folder and the app's home.
"""

from __future__ import annotations

import os
from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.home import home_folder
from readers.volumes.address import address_of


def data_roots() -> tuple[Path, ...]:
    """Data roots: ECGVIZ_DATA_ROOTS (separated like PATH), else the default ones."""
    named = os.environ.get("ECGVIZ_DATA_ROOTS", "")
    chosen = [Path(part).expanduser() for part in named.split(os.pathsep) if part.strip()]
    roots = chosen or [Path.cwd() / "data", home_folder()]
    return tuple(dict.fromkeys(root.resolve() for root in roots))


def inside_roots(path: str) -> Path:
    """Resolved path of a file, folder or WFDB record name below a root.

    A relative path is looked up in each root in turn.

    Raises:
        ReadError: it lies outside, or leads out through a link.
    """
    text = path.strip()
    if not text or "\0" in text:
        raise ReadError("path", "nothing was given to open; type the path of a recording on the server.")
    roots = data_roots()
    wanted = Path(text).expanduser()
    tried = [wanted] if wanted.is_absolute() else [root / wanted for root in roots]
    try:
        resolved = [_resolved(candidate) for candidate in tried]
        # What stands after a question mark is not resolved, and may go on through a folder whose name has one.
        inside = [one for one in resolved if _below(one, roots) and _below(one.resolve(), roots)]
        there = [one for one in inside if address_of(one).file.exists() or one.with_name(one.name + ".hea").exists()]
    except (OSError, RuntimeError, ValueError) as error:
        raise ReadError(wanted, "this path cannot be followed; type the path of a recording on the server.") from error
    if not inside:
        raise ReadError(
            wanted, "it lies outside the folders that may be opened; set ECGVIZ_DATA_ROOTS to allow its folder."
        )
    if not there:
        raise ReadError(
            wanted, "there is no such file or WFDB record in the folders that may be opened; check the name."
        )
    return there[0]


def _below(path: Path, roots: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _resolved(path: Path) -> Path:
    """The path without links; of the address of a volume (``scan.h5?dataset=a``) those of its file are followed."""
    name, mark, query = str(path).rpartition("?")
    return Path(f"{Path(name).resolve()}?{query}") if mark and not path.exists() else path.resolve()
