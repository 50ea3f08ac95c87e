"""Addresses of recordings: one line of text for the source, usable in a link.

``sample:mitdb-208``, ``physionet:mitdb/208``, ``path:mitdb/100`` (below the roots of this server),
``upload:<token>`` (files that this server keeps). An address comes from anybody, so everything in it is checked
again each time it is opened.
"""

from __future__ import annotations

from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.sources.paper_samples import sample_file
from ecgviz.sources.physionet import fetch_record
from ecgviz.sources.roots import inside_roots
from ecgviz.sources.samples import open_sample
from ecgviz.sources.spool import spooled
from models.core.callbacks import Progress, ShouldStop
from readers import open_recording
from readers.paper.pictures import is_picture
from readers.recording import Recording
from readers.volumes.address import address_of


def open_address(
    address: str,
    *,
    fs: float | None = None,
    unit: str | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Recording:
    """Open the recording at an address.

    Args:
        address: see the module.
        fs: sampling frequency, Hz, for files that do not state it.
        unit: unit of the values, for files that do not state it.
        progress: told of what is fetched from PhysioNet.
        should_stop: asked meanwhile.

    Raises:
        ReadError: no such address, and what the readers raise (``NeedsDetails`` among them).
    """
    kind, _, rest = address.partition(":")
    if kind == "sample":
        return open_sample(rest)
    if kind == "physionet":
        database, _, record = rest.partition("/")
        return fetch_record(record, database, progress=progress, should_stop=should_stop)
    if kind == "path":
        return open_recording(inside_roots(rest), fs=fs, unit=unit)
    if kind == "upload":
        files = spooled(rest)
        return open_recording(files if len(files) > 1 else files[0], fs=fs, unit=unit)
    raise ReadError("record", "this link names no recording; open a sample, a file or a record instead.")


def picture_at(address: str) -> Path | None:
    """The picture or PDF of an ECG at an address; None where something else lies there.

    Raises:
        ReadError: as ``open_address`` for paths and uploads; a sample that cannot be made.
    """
    kind, _, rest = address.partition(":")
    if kind == "sample":
        return sample_file(rest)
    files = [inside_roots(rest)] if kind == "path" else spooled(rest) if kind == "upload" else []
    return files[0] if len(files) == 1 and is_picture(files[0]) else None


def stamp(address: str) -> str:
    """Changes with the files behind an address, by size and time; constant for immutable sources.

    Raises:
        ReadError: as ``open_address`` for paths and uploads.
    """
    kind, _, rest = address.partition(":")
    if kind != "path":
        return ""
    path = address_of(inside_roots(rest)).file
    files = (
        [path] if path.is_file() else sorted(path.glob("*") if path.is_dir() else path.parent.glob(path.name + ".*"))
    )
    return " ".join(_stat(file) for file in files[:100])


def _stat(file: Path) -> str:
    try:
        found = file.stat()
    except OSError:
        return f"{file.name} gone"
    return f"{file.name} {found.st_size} {found.st_mtime_ns}"
