"""On-disk cache of network outputs by file content; it also lets an interrupted scan continue.

One SQLite file in the app's home. It holds logits and not verdicts, so another threshold, temperature or rule for
stacks needs no network; and hashes instead of names, so it does not say whose files those were.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ecgviz.errors import ReadError
from ecgviz.home import home_folder
from models.checkpoints import Checkpoint
from readers.image_stack import ImageStack

FILE = "inspected.sqlite"
FORMAT = 3
"""Incremented when preprocessing or inference changes in a way that the card does not record."""


@dataclass(frozen=True)
class NetworkOutputs:
    """Outputs of a network for the slices of one file.

    Attributes:
        logits: before calibration, float32 (n_slices, n_classes); NaN where a slice could not be read.
        distance: distance of each slice's features from the training's, float32 (n_slices,); NaN if unknown.
        warnings: sentences about the file, kept with its verdict.
        blank: number of constant slices, which are not classified; their logits are NaN.
        layers: :func:`ecgviz.analysis.regions.fine_layers` of each slice, float32 (n_slices,), for networks that judge
            some regions only; None or NaN if not measured.
    """

    logits: np.ndarray
    distance: np.ndarray
    warnings: tuple[str, ...] = ()
    blank: int = 0
    layers: np.ndarray | None = None


class ScoreMemory:
    """Cached outputs of one checkpoint by file hash. Safe for threads and processes.

    A damaged cache file is replaced by a new one: its content can be recomputed.

    Raises:
        ReadError: the file can be neither opened nor made.
    """

    def __init__(self, checkpoint: Checkpoint, path: Path | None = None):
        self._path = path or home_folder() / FILE
        self._key = memory_key(checkpoint)
        self._lock = threading.Lock()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                self._connection = self._open()
            except sqlite3.DatabaseError:
                self._path.unlink(missing_ok=True)
                self._connection = self._open()
        except (OSError, sqlite3.DatabaseError) as error:
            raise ReadError(
                self._path, f"cannot be kept ({error}); set ECGVIZ_HOME to a folder that can be written"
            ) from error

    def get(self, sha256: str) -> NetworkOutputs | None:
        """Outputs for a file hash; None where not cached."""
        with self._lock:
            row = self._connection.execute(
                "SELECT classes, logits, distance, warnings, blank, layers FROM outputs WHERE network = ? AND file = ?",
                (self._key, sha256),
            ).fetchone()
        if row is None:
            return None
        logits, distance = np.frombuffer(row[1], "<f4").reshape(-1, row[0]), np.frombuffer(row[2], "<f4")
        layers = np.frombuffer(row[5], "<f4") if row[5] else None
        return NetworkOutputs(logits, distance, tuple(json.loads(row[3])), row[4], layers)

    def put(self, sha256: str, outputs: NetworkOutputs) -> None:
        """Cache the outputs for a file hash."""
        logits = np.ascontiguousarray(outputs.logits, "<f4")
        distance, warnings = np.asarray(outputs.distance, "<f4").tobytes(), json.dumps(outputs.warnings)
        layers = b"" if outputs.layers is None else np.asarray(outputs.layers, "<f4").tobytes()
        row = (self._key, sha256, logits.shape[1], logits.tobytes(), distance, warnings, outputs.blank, layers)
        with self._lock, self._connection:
            self._connection.execute("INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=10, check_same_thread=False)
        try:
            self._path.chmod(0o600)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS outputs (network TEXT, file TEXT, classes INTEGER, logits BLOB, "
                    "distance BLOB, warnings TEXT, blank INTEGER, layers BLOB, PRIMARY KEY (network, file)) "
                    "WITHOUT ROWID"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def memory_key(checkpoint: Checkpoint) -> str:
    """Hash of everything that determines outputs: weights, preprocessing, feature statistics."""
    statistics = checkpoint.folder / "features.safetensors"
    parts = {
        "format": FORMAT,
        "weights": checkpoint.sha256,
        "task": checkpoint.card.task,
        "features": hashlib.sha256(statistics.read_bytes()).hexdigest() if statistics.is_file() else "",
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def stack_sha256(stack: ImageStack) -> str:
    """Hash of an open picture or stack, from its files and its part of them; empty for one in memory.

    Raises:
        OSError: a file cannot be read.
    """
    digest = files_sha256(stack.source.files) if stack.source.files else ""
    return hashlib.sha256(f"{digest} {stack.part}".encode()).hexdigest() if digest and stack.part else digest


def files_sha256(files: Sequence[Path]) -> str:
    """Hash of a picture or stack: that of its file, or of its files' hashes in order.

    Raises:
        OSError: a file cannot be read.
    """
    hashes = []
    for file in files:
        state = file.stat()
        hashes.append(_sha256(file, (state.st_size, state.st_mtime_ns, state.st_ino)))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(bytes.fromhex("".join(hashes))).hexdigest()


@lru_cache(maxsize=8192)
def _sha256(file: Path, _state: tuple[int, int, int]) -> str:
    """Hash of a file, cached by size, time and inode."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
