"""A review in a real browser: families, keys, undo, reload, a second tab, and a server that is killed in the middle."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from ecgviz.review import ReviewLog
from models import list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from pages.ecg.holter.keys import scope
from tests.browser.conftest import ROOT, launch, pages_of, wait_until_idle

pytestmark = pytest.mark.browser
WAIT_MS = 90_000
IDLE_S = 60.0
PAGE = "holter?record=sample:mitdb-208&tab=Review&map=false"
MARK = ".st-key-{}"
V = "V: ventricular ectopic"


@pytest.fixture(scope="module", autouse=True)
def _has_a_checkpoint():
    if DEFAULT_BEAT_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_BEAT_CHECKPOINT}; the folder checkpoints/ is empty")


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def server(home):
    """``server()`` starts one of this home and gives its URL and a way to kill it; none is left at the end."""
    running = []

    def start() -> tuple[str, object]:
        process, url = launch(ROOT / "app.py", home)
        running.append(process)

        def kill() -> None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

        return url, kill

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def opened(page, name: str = "A. Technician"):
    """The page with its families there and a name in the field."""
    page.locator(MARK.format(scope("family", 0))).wait_for()
    wait_until_idle(page, IDLE_S)
    field = page.locator(f"{MARK.format(scope('reviewer'))} input")
    field.fill(name)
    field.press("Enter")
    wait_until_idle(page, IDLE_S)
    page.locator(".st-key-styled-panel p").first.click()  # keys are for the page, not for the field
    return page


def metric(page, label: str) -> str:
    found = page.locator("[data-testid=stMetric]", has=page.get_by_text(label, exact=True)).first
    return found.locator("[data-testid=stMetricValue]").inner_text()


def until(page, read, wanted) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"{found!r}, not {wanted!r}"
        page.wait_for_timeout(50)
    wait_until_idle(page, IDLE_S)


def events(home: Path) -> tuple:
    """The log of the one review of a home, read beside its server."""
    log = ReviewLog(home / "reviews.db")
    there = log.keys()
    return log.events(there[0]) if there else ()


def click(page, *parts: object) -> None:
    page.locator(f"{MARK.format(scope(*parts))} button").locator("visible=true").first.click()


def a_family_by_one_key_and_back(page, home: Path) -> None:
    before = metric(page, V)
    click(page, "family", 1)
    page.keyboard.press("f")  # at once: it is for the family that the click is choosing
    until(page, lambda: len(events(home)), 1)
    size = len(events(home)[0].beats)
    assert size > 50
    until(page, lambda: int(metric(page, V).split()[0]), int(before.split()[0]) - size)
    page.keyboard.press("Control+z")
    until(page, lambda: metric(page, V), before)
    page.keyboard.press("Escape")
    wait_until_idle(page, IDLE_S)


def keys_quicker_than_the_server(page, home: Path) -> None:
    """Each is entered, in their order."""
    before, presses = len(events(home)), "nsvfqnsv"
    for key in presses:
        page.keyboard.press(key)
    until(page, lambda: len(events(home)), before + len(presses))
    assert "".join(event.new for event in events(home)[before:]).lower() == presses


def the_newest_row_of_the_log_is_undone(page, home: Path) -> None:
    last = events(home)[-1].revision
    table = page.locator(f"{MARK.format(scope('review_log'))}-{last} [data-testid=stDataFrame]")
    table.wait_for()
    wait_until_idle(page, IDLE_S)
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 1.5)  # the box at the left of the first row
    wait_until_idle(page, IDLE_S)
    click(page, "log_undo")
    until(page, lambda: len(events(home)), last + 1)
    assert (events(home)[-1].kind, events(home)[-1].target) == ("undo", last)


def a_second_tab(page, other, home: Path) -> None:
    """It has all of it; what the first then decides is refused, shown, and taken the second time."""
    assert metric(other, "Changed") == metric(page, "Changed")
    before = len(events(home))
    other.keyboard.press("d")
    until(other, lambda: len(events(home)), before + 1)
    page.locator(".st-key-styled-panel p").first.click()
    page.keyboard.press("n")
    page.get_by_text("edited this recording meanwhile").first.wait_for()
    wait_until_idle(page, IDLE_S)
    assert len(events(home)) == before + 1
    page.keyboard.press("n")
    until(page, lambda: len(events(home)), before + 2)


def test_a_review_survives_reload_a_second_tab_and_a_kill(browser, server, home):
    url, kill = server()
    with pages_of(browser, url, WAIT_MS) as start:
        page = opened(start(PAGE))
        a_family_by_one_key_and_back(page, home)
        keys_quicker_than_the_server(page, home)
        the_newest_row_of_the_log_is_undone(page, home)
        a_second_tab(page, opened(start(PAGE), "B. Doctor"), home)

        shown = metric(page, V), metric(page, "Changed")
        page.reload()
        opened(page)
        assert (metric(page, V), metric(page, "Changed")) == shown

        before = len(events(home))
        for key in "vsv":
            page.keyboard.press(key)
            page.wait_for_timeout(150)
        told = len(events(home))
        kill()
    kept = events(home)
    assert len(kept) >= told >= before
    assert [event.revision for event in kept] == list(range(1, len(kept) + 1))

    url, _ = server()
    with pages_of(browser, url, WAIT_MS) as start:
        page = opened(start(PAGE))
        assert int(metric(page, "Beats")) == 501 - 1, "the beat that the second tab deleted"
        page.keyboard.press("y")
        until(page, lambda: len(events(home)), len(kept) + 1)
