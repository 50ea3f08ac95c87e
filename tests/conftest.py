"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 2

# Small tensors gain nothing from a second thread, and two test processes with two each get in each other's way. What
# the tests start (pages, trainings, benchmarks) inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for the whole suite; none for a part of it, which is ended before they were started."""
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(MOST_WORKERS, os.cpu_count() or 1) if whole else 0


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real recordings and pictures; tests marked ``data`` skip where it is missing."""
    root = Path(os.environ.get("ECGVIZ_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (root / "mitdb").is_dir():
        pytest.skip(f"no data at {root.name}: set ECGVIZ_TEST_DATA to the folder that holds mitdb, svdb, ...")
    return root
