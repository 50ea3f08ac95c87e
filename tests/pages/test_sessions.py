"""Several sessions at once over Streamlit's protocol, and nothing of one in another's hands."""

from __future__ import annotations

import ast
import asyncio
import copy
import importlib
import pkgutil
from pathlib import Path

import numpy as np
import psutil
import pytest
import streamlit as st

import pages
from benchmarks.session_client import Tab, server
from benchmarks.sessions import PAPER, measure, write_recordings
from pages import navigation

ROOT = Path(__file__).resolve().parents[2]
SESSIONS, MOVES = 5, 4
WAIT_S = 120.0


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The app, as a person starts it, beside a folder with a recording for each session; and its process."""
    folder = tmp_path_factory.mktemp("sessions")
    (folder / "data").mkdir()
    records = write_recordings(folder / "data", SESSIONS, seconds=120.0)
    with server(folder, folder / "data") as (url, process):
        yield url, process, records


@pytest.mark.slow
def test_each_session_sees_its_own_recording_and_moves_through_it(started):
    url, process, records = started
    seen, peak = asyncio.run(measure(url, process.pid, records, MOVES, 0.2))
    assert [one.fault for one in seen] == [""] * SESSIONS
    assert all(len(one.moves_s) == MOVES and one.first_s <= one.classified_s for one in seen)
    # The peak is the highest of samples; between the last of them and now a little may have been added.
    assert 0.9 * psutil.Process(process.pid).memory_info().rss <= peak < 3e9


@pytest.mark.slow
def test_sessions_that_arrive_in_one_moment_come_to_the_pages_they_asked_for(started):
    """The objects of the navigation are marked by each run; those of another session must not be."""
    url = started[0]
    wanted = [entry.url_path for entries in navigation.SECTIONS.values() for entry in entries]

    async def arrive(page: str) -> tuple[str, list[str]]:
        async with Tab(url, page) as tab:
            await tab.until(lambda one: one.exceptions or (one.idle and one.finished), WAIT_S)
            return tab.page_script_hash, tab.exceptions

    async def all_at_once() -> list[tuple[str, list[str]]]:
        return await asyncio.gather(*(arrive(page) for page in wanted * 2))

    found = asyncio.run(all_at_once())
    assert [faults for _, faults in found] == [[]] * len(found)
    shown = [page for page, _ in found]
    assert shown[: len(wanted)] == shown[len(wanted) :]
    assert len(set(shown)) == len(wanted)


@pytest.mark.slow
def test_a_page_at_rest_asks_for_nothing(started):
    url, _, records = started

    async def rest() -> tuple[int, int]:
        async with Tab(url, "holter", f"record=path:{records[0]}") as tab:
            await tab.until(
                lambda one: one.idle and "Beats" in one.metrics() and one.components(PAPER) and not one.timers, WAIT_S
            )
            before = tab.auto_reruns
            await asyncio.sleep(2.0)
            return before, tab.auto_reruns

    before, after = asyncio.run(rest())
    assert before == after


def _classified(tab: Tab) -> bool:
    return any(letter.isdecimal() for letter in tab.metrics().get("Beats", ""))


def test_no_object_of_the_navigation_is_made_when_a_module_is():
    """Such an object is one for all sessions."""
    made = []
    for file in (ROOT / "pages").rglob("*.py"):
        made += [f"{file.name}:{node.lineno}" for node in _run_at_import(ast.parse(file.read_text(encoding="utf-8")))
                 if isinstance(node, ast.Call) and ast.unparse(node.func) in ("st.Page", "st.navigation")]  # fmt: skip
    assert made == []
    held = [name for name, module in _modules().items() for value in vars(module).values() if _is_page(value)]
    assert held == []


def test_the_pages_know_only_what_streamlit_documents():
    taken = set()
    for file in (ROOT / "app.py", *(ROOT / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                taken |= {alias.name for alias in node.names if alias.name.startswith("streamlit")}
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("streamlit"):
                taken |= {f"{node.module}.{alias.name}" for alias in node.names}
    assert taken == {"streamlit", "streamlit.delta_generator.DeltaGenerator"}


def test_sessions_leave_the_modules_as_they_found_them(visit):
    """What stands in a module is shared by all sessions: tables there are read, and never written to."""
    modules = _modules()
    before = {name: _tables(module) for name, module in modules.items()}
    visit("holter", record="sample:mitdb-208")
    visit("networks")
    visit("home")
    for name, module in modules.items():
        after = {key: value for key, value in _tables(module).items() if key in before[name]}
        assert after == before[name], name


def _run_at_import(tree: ast.AST):
    """The nodes that run when a module is made: not the bodies of functions."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from _run_at_import(node)


def _modules() -> dict[str, object]:
    """The modules of the pages that are imported; the scripts of pages run by themselves."""
    names = [one.name for one in pkgutil.walk_packages(pages.__path__, "pages.") if not one.name.endswith(".page")]
    return {name: importlib.import_module(name) for name in names}


def _is_page(value: object) -> bool:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    return any(isinstance(one, st.Page) for one in held)


def _tables(module: object) -> dict[str, object]:
    """Copies of a module's lists, dictionaries, sets and arrays, but those that count what all sessions do."""
    if module.__name__ == "pages.parts.shared_calls":
        return {}
    kinds = (list, dict, set, np.ndarray)
    return {name: copy.deepcopy(value) for name, value in vars(module).items()
            if isinstance(value, kinds) and not name.startswith("__")}  # fmt: skip


def test_the_paper_has_a_key_of_its_own():
    """The client looks for it by that."""
    from pages.ecg.holter import review_keys

    assert PAPER == review_keys.PAPER
