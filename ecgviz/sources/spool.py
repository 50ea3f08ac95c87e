"""Uploaded files on disk, addressed by an unguessable token.

An upload is personal data: it lies in the app's home, in a folder of its session with mode 0700, under a token instead
of its name, since names of files often name patients.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ecgviz.errors import ReadError
from ecgviz.home import home_folder

_CHUNK = 1 << 20
_TOKEN = re.compile(r"[0-9a-f]{32}/[0-9a-f]{32}")


def spool(session: str, files: Sequence[tuple[str, BinaryIO]]) -> str:
    """Write the files of one upload to disk.

    Args:
        session: 32 hexadecimal digits that are secret to the session.
        files: (name, open stream) of each; the same content is written once.

    Returns:
        Token of the upload, for ``spooled``.

    Raises:
        ReadError: two files of one name, a name that is none, or no room on the disk.
    """
    names = [_plain_name(name) for name, _ in files]
    if len(set(names)) < len(names):
        raise ReadError(names[0], "two of the given files have this name; give one of them only.")
    digest = hashlib.sha256()
    for name, stream in sorted(zip(names, (stream for _, stream in files), strict=True), key=lambda pair: pair[0]):
        digest.update(name.encode() + b"\0")
        stream.seek(0)
        while block := stream.read(_CHUNK):
            digest.update(block)
        stream.seek(0)
    token = f"{session}/{digest.hexdigest()[:32]}"
    folder = _folder(token)
    if folder.is_dir():
        return token
    part = folder.with_name(folder.name + ".part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        for name, (_, stream) in zip(names, files, strict=True):
            with (part / name).open("xb") as target:
                shutil.copyfileobj(stream, target, _CHUNK)
        part.replace(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise ReadError(names[0], f"the upload cannot be kept ({error.strerror}); free space on the server.") from error
    return token


def spooled(token: str) -> list[Path]:
    """Files of an upload, by name.

    Raises:
        ReadError: there is none of that token, or it was removed.
    """
    folder = _folder(token) if _TOKEN.fullmatch(token) else None
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder and folder.is_dir() else []
    if not files:
        raise ReadError("upload", "these files are no longer on the server; upload them again.")
    return files


def _folder(token: str) -> Path:
    return home_folder() / "uploads" / token


def _plain_name(name: str) -> str:
    """Last component of a browser's file name.

    Raises:
        ReadError: nothing of it is left.
    """
    plain = re.split(r"[\\/]", name)[-1].replace("\0", "").strip()
    if plain in {"", ".", ".."} or len(plain.encode()) > 200:
        raise ReadError("upload", "a file has a name that cannot be kept; rename it.")
    return plain
