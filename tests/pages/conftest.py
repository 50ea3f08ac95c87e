"""The app under AppTest: real readers, real networks, a home of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from models import list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from tests.pages.outline import settle

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).resolve().parent / "snapshots"
PAGES = {"home": "pages/home.py", "holter": "pages/ecg/holter.py", "networks": "pages/about/networks.py"}
PAGES["system"] = "pages/about/system.py"


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch) -> Path:
    """A home and a data root of the test's own; what was opened and analysed before is kept, as between sessions."""
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path


@pytest.fixture
def app() -> AppTest:
    """The app after its first run, on the home page."""
    if DEFAULT_BEAT_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_BEAT_CHECKPOINT}; the folder checkpoints/ is empty")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.session_state["device"] = "cpu"
    return app.run()


@pytest.fixture
def visit(app) -> Callable[..., AppTest]:
    """``visit(page, **query)``: the app on a page, as a link with this query opens it, when its work is done."""

    def go(page: str, **query: str) -> AppTest:
        app.switch_page(PAGES[page])
        for name, value in query.items():
            app.query_params[name] = value
        return settle(app.run())

    return go


@pytest.fixture
def snapshot() -> Callable[[str, list[str]], None]:
    """``snapshot(name, lines)``: equal to the text kept in snapshots/; ECGVIZ_UPDATE_SNAPSHOTS=1 writes it."""

    def check(name: str, lines: list[str]) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        if os.environ.get("ECGVIZ_UPDATE_SNAPSHOTS"):
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert path.exists(), f"no snapshot {path.name}; write it with ECGVIZ_UPDATE_SNAPSHOTS=1"
        assert lines == path.read_text(encoding="utf-8").splitlines(), "see ECGVIZ_UPDATE_SNAPSHOTS in tests/pages"

    return check
