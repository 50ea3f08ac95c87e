# ruff: noqa: ARG001 - an argument that a kept function does not read is a part of its key
"""Cached readers of a run's files, invalidated by their modification times."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from models.experiments.curves import Curves, curves_file, read_curves
from models.experiments.load import Meter


def curves(run_dir: str) -> Curves:
    """Curves of a run."""
    return _curves(run_dir, _mark(run_dir))


def best(run_dir: str, name: str, mode: str) -> tuple[float, float] | None:
    """Best value of a metric, and its epoch."""
    return curves(run_dir).best(name, mode)


def mark(run_dir: str) -> tuple[int, int]:
    """Changes with the curves."""
    return _mark(run_dir)


def _mark(run_dir: str) -> tuple[int, int]:
    try:
        found = curves_file(Path(run_dir)).stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


@st.cache_resource(max_entries=200, show_spinner=False)
def _curves(run_dir: str, stamp: tuple[int, int]) -> Curves:
    return read_curves(Path(run_dir))


@st.cache_resource(max_entries=32, show_spinner=False)
def meter(pid: int, pid_started: str, device: str) -> Meter:
    """Load meter of a process."""
    return Meter(pid, device)
