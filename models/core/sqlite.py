"""SQLite files that any number of processes share: how they are opened."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_S = 30.0
"""How long a call waits for another's short transaction."""


@contextmanager
def connect(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one call: rows by name, no transaction but those that are begun, durable against a power cut."""
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA synchronous = FULL")
        yield connection
    finally:
        connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Within it nobody else writes; all of it is written, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def use_wal(connection: sqlite3.Connection) -> None:
    """Write-ahead logging: readers and the writer do not wait for each other. The first to open the file sets it."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:  # SQLite does not wait for another who sets it in that moment
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
