"""Fixtures that every part of the suite shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder with the real recordings and pictures; tests marked ``data`` skip where it is missing."""
    root = Path(os.environ.get("ECGVIZ_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (root / "mitdb").is_dir():
        pytest.skip(f"no data at {root.name}: set ECGVIZ_TEST_DATA to the folder that holds mitdb, svdb, ...")
    return root
