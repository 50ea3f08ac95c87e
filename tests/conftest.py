"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
MOST_WORKERS = 2

# Small tensors gain nothing from a second thread, and two test processes with two each get in each other's way. What
# the tests start (pages, trainings, benchmarks) inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says how busy the machine is; what hangs is ended by pytest-timeout.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Two processes for the whole suite, each with files of its own, unless ``-n`` or ``--pdb`` says otherwise.

    A part of it is ended before they were started, and without pytest-xdist one process does it all.
    """
    worker = hasattr(config, "workerinput") or "PYTEST_XDIST_WORKER" in os.environ  # which must start no others
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.collectonly
    if whole and not worker and getattr(config.option, "numprocesses", 0) is None and not config.option.usepdb:
        config.option.numprocesses = min(MOST_WORKERS, os.cpu_count() or 1)
        config.option.dist = "loadfile"


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real recordings and pictures; tests marked ``data`` skip where it is missing."""
    root = Path(os.environ.get("ECGVIZ_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (root / "mitdb").is_dir():
        pytest.skip(f"no data at {root.name}: set ECGVIZ_TEST_DATA to the folder that holds mitdb, svdb, ...")
    return root
