"""Downloads records from PhysioNet and caches them.

The files come over HTTPS with ``requests`` (which wfdb brings) rather than ``wfdb.dl_files``: that one has no
timeout, no progress and no way to stop, and looks the database up with further requests.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ecgviz.errors import ReadError
from ecgviz.home import home_folder
from models.core.callbacks import Progress, ShouldStop
from readers import open_recording
from readers.recording import Recording

SERVER = "https://physionet.org/files"
CONNECT_S, READ_S = 5.0, 20.0
MAX_FILE_BYTES = 1 << 30
_CHUNK = 1 << 16
_NOT_FOUND = 404


@dataclass(frozen=True)
class Database:
    """A PhysioNet database with records by name.

    Attributes:
        name, version: as in its address.
        title: for people.
        records: a pattern that its record names match.
        example: one of them.
    """

    name: str
    version: str
    title: str
    records: str
    example: str


DATABASES = {
    database.name: database
    for database in (
        Database("mitdb", "1.0.0", "MIT-BIH Arrhythmia Database", r"[12]\d\d", "208"),
        Database("svdb", "1.0.0", "MIT-BIH Supraventricular Arrhythmia Database", r"8\d\d", "801"),
        Database("ltdb", "1.0.0", "MIT-BIH Long-Term ECG Database", r"14\d{3}", "14046"),
        Database("incartdb", "1.0.0", "St Petersburg INCART 12-lead Arrhythmia Database", r"I\d\d", "I01"),
        Database("nsrdb", "1.0.0", "MIT-BIH Normal Sinus Rhythm Database", r"1\d{4}", "16265"),
    )
}


def records_folder() -> Path:
    """Cache folder: ``records`` in ECGVIZ_HOME, by default ~/.ecgviz."""
    return home_folder() / "records"


def fetch_record(
    record: str,
    database: str = "mitdb",
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Recording:
    """Open a record of a PhysioNet database, downloaded on first use.

    Args:
        record: its name, such as "208".
        database: a key of ``DATABASES``.
        progress: called with bytes done, bytes in all (0 while unknown) and a note.
        should_stop: asked between blocks; the fetch then ends with a ReadError and leaves nothing behind.

    Raises:
        ReadError: an unknown database or record, no connection, or stopped.
    """
    known = DATABASES.get(database)
    if known is None:
        raise ReadError(database, f"this database is not known here; there are {', '.join(DATABASES)}.")
    if not re.fullmatch(known.records, record):
        raise ReadError(record, f"the {known.title} has no record of this name; an example is {known.example}.")
    folder = records_folder() / known.name
    wanted = [f"{record}.hea", f"{record}.dat", f"{record}.atr"]
    if not all((folder / name).is_file() for name in wanted):
        _fetch(known, wanted, folder, progress, should_stop)
    return open_recording(folder / f"{record}.hea")


def _fetch(
    database: Database,
    names: list[str],
    folder: Path,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> None:
    """Download all files or none: they are moved into the folder when complete, the header last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReadError(
            folder, "the folder for records cannot be made; set ECGVIZ_HOME to one that can be written."
        ) from error
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as part:
        for number, name in enumerate(names, 1):
            note = f"{name} ({number} of {len(names)}) from PhysioNet"
            url = f"{SERVER}/{database.name}/{database.version}/{name}"
            _download(url, Path(part) / name, note, progress, should_stop)
        for name in reversed(names):
            (Path(part) / name).replace(folder / name)


def _download(
    url: str,
    target: Path,
    note: str,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> None:
    import requests

    stopped = ReadError(target, "the fetch from PhysioNet was stopped.")
    if should_stop is not None and should_stop():
        raise stopped
    if progress is not None:
        progress(0, 0, note)
    try:
        with requests.get(url, stream=True, timeout=(CONNECT_S, READ_S)) as answer, target.open("wb") as file:
            if answer.status_code == _NOT_FOUND:
                raise ReadError(target, "PhysioNet has no such file; check the record's name.")
            answer.raise_for_status()
            total, done = int(answer.headers.get("Content-Length") or 0), 0
            for block in answer.iter_content(_CHUNK):
                done += len(block)
                if done > MAX_FILE_BYTES:
                    raise ReadError(target, "the file is far larger than a record should be; it was not fetched.")
                if should_stop is not None and should_stop():
                    raise stopped
                file.write(block)
                if progress is not None:
                    progress(done, max(total, done), note)
            if total and done < total and "Content-Encoding" not in answer.headers:
                raise ReadError(target, "the connection to PhysioNet broke off; try again.")
    except (requests.RequestException, ValueError) as error:
        raise ReadError(
            target, "PhysioNet cannot be reached; check the connection, or open a sample or a file of your own instead."
        ) from error
    except OSError as error:
        raise ReadError(target, "it cannot be written; set ECGVIZ_HOME to a folder with free space.") from error
