"""The log of reviews on disk: one SQLite file to which events are only ever added.

Each call is one short transaction, so any number of tabs, commands and people may share the file and any of them may be
killed: what was reported written is on the disk. Whoever writes says which revision they saw; if the log has gone on
since, nothing is written (:class:`~models.core.errors.StaleReviewError`), so that nobody decides about what they did
not see. SQLite itself refuses to change or delete a row.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ecgviz.results import Beats
from ecgviz.review.events import LONGEST_NAME, Add, Event, Redo, Undo, body, event_of, live_edits, stamped
from models.core.errors import ReviewError, StaleReviewError
from models.core.home import home_folder
from models.core.sqlite import connect, transaction, use_wal
from models.data.fingerprint import quantise
from readers.recording import Recording

FILE = "reviews.db"
_VERSION = 1
_WHOLE_S = 3700.0
_BLOCK_S, _BLOCKS = 10.0, 64
_SCHEMA = (
    """CREATE TABLE events (
    recording TEXT NOT NULL, checkpoint TEXT NOT NULL, reading TEXT NOT NULL, revision INTEGER NOT NULL,
    kind TEXT NOT NULL, who TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (recording, checkpoint, reading, revision))""",
    "CREATE TRIGGER never_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'append only'); END",
    "CREATE TRIGGER never_deleted BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'append only'); END",
    f"PRAGMA user_version = {_VERSION}",
)
_WHERE = "recording = ? AND checkpoint = ? AND reading = ?"


@dataclass(frozen=True)
class ReviewKey:
    """What a review is about: one answer of one network to one recording.

    Attributes:
        recording: hash of the recording's samples, see :func:`recording_hash`.
        checkpoint: hash of the network's weights.
        reading: whose beats on which leads, such as "detected MLII V1".
    """

    recording: str
    checkpoint: str
    reading: str

    @property
    def values(self) -> tuple[str, str, str]:
        """As the columns of the log."""
        return self.recording, self.checkpoint, self.reading


def review_key(recording: str, checkpoint: str, beats: Beats) -> ReviewKey:
    """The key of a review.

    Args:
        recording: from :func:`recording_hash`, of the recording as it was opened.
        checkpoint: hash of the weights.
        beats: the network's answer.
    """
    return ReviewKey(recording, checkpoint, f"{beats.source} {' '.join(beats.leads)}")


def recording_hash(recording: Recording) -> str:
    """What tells a recording from others by its samples, wherever its files lie; hexadecimal.

    Of a recording of more than an hour, 64 stretches of ten seconds are read, evenly from its first sample to its last.
    """
    block = max(round(_BLOCK_S * recording.fs), 1)
    count = _BLOCKS if recording.duration_s > _WHOLE_S else max(-(-recording.n_samples // block), 1)
    starts = np.linspace(0, max(recording.n_samples - block, 0), count).astype(np.int64)
    digest = hashlib.sha256(f"{recording.n_samples} {recording.fs:g} {len(recording.leads)}".encode())
    for start in np.unique(starts).tolist():
        digest.update(
            np.ascontiguousarray(quantise(recording.signal_mV(start, min(start + block, recording.n_samples))))
        )
    return digest.hexdigest()


class ReviewLog:
    """The reviews of a home folder. Safe for threads and processes; nothing is held between calls.

    Args:
        path: the file; ``reviews.db`` in the home folder by default. It is made when something is written first.

    Raises:
        ReviewError: the file cannot be opened, or was written by a newer version.
    """

    def __init__(self, path: str | Path | None = None):
        self.path = Path(path) if path is not None else home_folder() / FILE

    def keys(self) -> tuple[ReviewKey, ...]:
        """The reviews that there are, the oldest first."""
        if not self.path.exists():
            return ()
        with self._open() as connection:
            if _is_new(connection):
                return ()
            rows = connection.execute(
                "SELECT recording, checkpoint, reading FROM events WHERE revision = 1 ORDER BY rowid"
            ).fetchall()
        return tuple(ReviewKey(*row) for row in rows)

    def elsewhere(self, key: ReviewKey) -> str:
        """A sentence about reviews of the same recording that do not count here, "" without any."""
        others = [one for one in self.keys() if one.recording == key.recording and one != key]
        if not others:
            return ""
        names = "; ".join(f"{one.reading} by the network {one.checkpoint[:8]}" for one in others)
        return (
            f"decisions about other readings of this recording do not count here: {names}; choose the same to use them"
        )

    def revision(self, key: ReviewKey) -> int:
        """Number of events of a review; 0 where nobody has decided anything."""
        if not self.path.exists():
            return 0
        with self._open() as connection:
            return _revision(connection, key)

    def mark(self, key: ReviewKey, revision: int) -> str:
        """What tells a review at a revision from any other, also from one of another file: for caches."""
        if not self.path.exists():
            return f"{self.path} 0"
        with self._open() as connection:
            if _is_new(connection):
                return f"{self.path} 0"
            row = connection.execute(
                f"SELECT rowid, at FROM events WHERE {_WHERE} AND revision = ?",  # noqa: S608 (our own names)
                (*key.values, revision),
            ).fetchone()
        return f"{self.path} {revision} {tuple(row) if row is not None else ''}"

    def events(self, key: ReviewKey) -> tuple[Event, ...]:
        """All events of a review in the order of their revisions.

        Raises:
            ReviewError: the log cannot be read.
        """
        if not self.path.exists():
            return ()
        with self._open() as connection:
            if _is_new(connection):
                return ()
            rows = connection.execute(f"SELECT * FROM events WHERE {_WHERE} ORDER BY revision", key.values).fetchall()  # noqa: S608 (our own names)
        return tuple(
            stamped(event_of(row["kind"], row["body"]), row["revision"], row["who"], row["at"], row["checkpoint"])
            for row in rows
        )

    def append(self, key: ReviewKey, events: Sequence[Event], *, who: str, seen: int) -> tuple[Event, ...]:
        """Write events, all or none, and give them as they stand in the log.

        Args:
            key: which review.
            events: what was decided.
            who: name of the person.
            seen: revision of the log that the person saw.

        Raises:
            StaleReviewError: the log has gone on since; nothing is written.
            ReviewError: nobody's name, an undo or redo of what cannot be, or a file that cannot be written.
        """
        who = " ".join(who.split())
        if any(unicodedata.category(sign) in {"Cc", "Cs"} for sign in who):
            raise ReviewError("who: has control characters or bytes that are no text; write the name in plain letters")
        if not who:
            raise ReviewError("who: is empty; write down who decides")
        if len(who) > LONGEST_NAME:
            raise ReviewError(f"who: has {len(who)} characters; {LONGEST_NAME} are the most")
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._transaction() as connection:
            now = _revision(connection, key)
            if now != seen:
                raise StaleReviewError(seen, now)
            before = self._before(connection, key) if any(isinstance(one, Undo | Redo) for one in events) else ()
            written = tuple(
                stamped(event, now + place, who, at, key.checkpoint) for place, event in enumerate(events, start=1)
            )
            _check_targets(before, written)
            connection.executemany(
                "INSERT INTO events (recording, checkpoint, reading, revision, kind, who, at, body) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*key.values, one.revision, one.kind, who, at, json.dumps(body(one))) for one in written],
            )
        return written

    def _before(self, connection: sqlite3.Connection, key: ReviewKey) -> tuple[Event, ...]:
        """The events so far, of which only what concerns undo and redo is read: kinds, revisions and targets."""
        rows = connection.execute(
            f"SELECT revision, kind, CASE WHEN kind IN ('undo', 'redo') THEN body ELSE '' END AS body "  # noqa: S608
            f"FROM events WHERE {_WHERE} ORDER BY revision",
            key.values,
        )
        found: list[Event] = []
        for row in rows:
            some = event_of(row["kind"], row["body"]) if row["body"] else Add(sample=0, new="N")  # any edit will do
            found.append(stamped(some, row["revision"], "", "", ""))
        return tuple(found)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with connect(self.path) as connection:
                if connection.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
                    raise ReviewError(f"{self.path.name} was written by a newer version of ecgviz; use that one")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise ReviewError(
                f"the reviews in {self.path.name} cannot be read or written ({error}); "
                "set ECGVIZ_HOME to a folder that can be, or restore the file from a copy"
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # decisions are personal data
        except OSError as error:
            raise ReviewError(
                f"the reviews in {self.path.name} cannot be written ({error.strerror}); "
                "set ECGVIZ_HOME to a folder that can be"
            ) from error
        with self._open() as connection:
            use_wal(connection)
            with transaction(connection):
                if _is_new(connection):
                    for statement in _SCHEMA:
                        connection.execute(statement)
                yield connection


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("PRAGMA user_version").fetchone()[0] == 0


def _revision(connection: sqlite3.Connection, key: ReviewKey) -> int:
    if _is_new(connection):
        return 0
    found: int = connection.execute(
        f"SELECT COALESCE(MAX(revision), 0) FROM events WHERE {_WHERE}",  # noqa: S608
        key.values,
    ).fetchone()[0]
    return found


def _check_targets(before: Sequence[Event], written: Sequence[Event]) -> None:
    """Refuse to undo what does not count, and to redo what does.

    Raises:
        ReviewError: one of those.
    """
    so_far = list(before)
    for event in written:
        if isinstance(event, Undo | Redo):
            live = {one.revision for one in live_edits(so_far)}
            edits = {one.revision for one in so_far if one.is_edit}
            allowed = live if isinstance(event, Undo) else edits - live
            if event.target not in allowed:
                state = (
                    "no edit"
                    if event.target not in edits
                    else "undone already"
                    if event.kind == "undo"
                    else "not undone"
                )
                raise ReviewError(f"revision {event.target} is {state}; the log shows what can be taken back")
        so_far.append(event)
