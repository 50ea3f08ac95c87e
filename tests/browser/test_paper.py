"""The canvas of the ECG paper in a real browser: panned without a rerun, quick keys, a box of beats, calipers."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgviz.review import ReviewLog
from models import list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from pages.ecg.holter.keys import scope
from tests.browser.conftest import of_paper, on_paper, pages_of, wait_for_paper, wait_until_idle

pytestmark = pytest.mark.browser
WAIT_MS = 90_000
IDLE_S = 60.0
FS, RR_S, LONG_S = 250, 0.8, 120
"""A drawn recording of known measures: R peaks of 1.5 mV each 800 ms."""


@pytest.fixture
def page(browser, app_server, app_home):
    """The drawn recording, opened at 20 s, its beats known."""
    if DEFAULT_BEAT_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_BEAT_CHECKPOINT}; the folder checkpoints/ is empty")
    time_s = np.arange(LONG_S * FS) / FS
    phase = (time_s + RR_S / 2) % RR_S - RR_S / 2
    signal = 1.5 * np.exp(-0.5 * (phase / 0.012) ** 2) + 0.25 * np.exp(-0.5 * ((phase - 0.26) / 0.05) ** 2)
    wfdb.wrsamp("drawn", FS, ["mV"], ["II"], signal[:, None], fmt=["16"], write_dir=str(app_home / "data"))
    with pages_of(browser, app_server, WAIT_MS) as start:
        page = start("holter?record=path:drawn&map=false&t=20", width=1200)
        wait_for_paper(page)
        wait_until_idle(page, IDLE_S)
        yield page


def _events(home: Path) -> tuple:
    log = ReviewLog(home / "reviews.db")
    there = log.keys()
    return log.events(there[0]) if there else ()


def _drag(page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=8)
    page.mouse.up()


def _panned_without_a_rerun(page) -> None:
    """The view follows the hand before the server has heard of it; what it then says does not pull it back."""
    sent: list = []
    page.evaluate("() => { window.__turn = Object.values(window.__ecgvizPapers.papers)[0].turn; }")
    page.mouse.move(*on_paper(page, 26, 120))
    page.mouse.down()
    page.mouse.move(*on_paper(page, 24, 120), steps=8)
    sent.append(of_paper(page, "[p.view.start, p.turn - window.__turn]"))
    page.mouse.up()
    [[start, messages]] = sent
    assert start == pytest.approx(22, abs=0.05) and messages == 0
    page.wait_for_url("**t=22**")
    wait_until_idle(page, IDLE_S)
    assert of_paper(page, "p.view.start") == pytest.approx(22, abs=0.05)


def _eight_presses_are_eight_beats(page) -> None:
    wait_for_paper(page)
    wait_until_idle(page, IDLE_S)
    before = of_paper(page, "p.s.beats.indexOf(p.s.chosen)")
    began = time.monotonic()
    for _ in range(8):
        page.keyboard.press("Shift+ArrowRight")
    assert of_paper(page, "p.s.beats.indexOf(p.s.chosen)") == before + 8, f"within {time.monotonic() - began:.2f} s"
    page.get_by_text(f"Beat {before + 9} ").first.wait_for()


def _events_without_a_beat_are_left_again(page) -> None:
    """Each is gone to once, forwards and back, whichever beat the page tells of meanwhile."""
    first = of_paper(page, "p.s.beats.time[p.s.beats.indexOf(p.s.chosen)]")
    missed = [round((first + RR_S * (n + 0.5)) * FS) for n in (2, 3, 9, 30)]
    of_paper(page, f"(p.s.paper.events = {missed})")
    middles = []
    for key in "jjjjkkk":
        page.keyboard.press(key)
        middles.append(round(of_paper(page, "p.view.start + p.view.seconds / 2") * FS))
    assert middles == pytest.approx([*missed, *missed[-2::-1]], abs=1)
    page.wait_for_timeout(1000)
    wait_until_idle(page, IDLE_S)


def _calipers_read_what_is_drawn(page) -> None:
    """From one R peak to the next but one, and as high as 1.5 mV."""
    first = of_paper(page, "p.s.beats.time[p.s.beats.from(p.view.start + 1)]")
    mm, lane = of_paper(page, "p.laid.mm"), of_paper(page, "p.laid.lanes[0]")
    page.keyboard.press("m")
    _drag(page, on_paper(page, first + 0.02, lane["y"]), on_paper(page, first + 2 * RR_S - 0.03, lane["y"] - 15 * mm))
    found = of_paper(page, "p.s.reading")
    assert (found["ms"], round(found["rate"])) == (1600, 38), "both edges snap to R peaks"
    assert found["mV"] == pytest.approx(1.5, abs=0.03)
    page.keyboard.press("Escape")
    page.locator("[data-do=qt]").click()
    page.locator("[data-do=snap]").click()
    _drag(page, on_paper(page, first - 0.04, lane["y"] + 2 * mm), on_paper(page, first + 0.36, lane["y"] - 3 * mm))
    found = of_paper(page, "p.s.reading")
    assert found["ms"] == pytest.approx(400, abs=12) and found["rr_ms"] == 800
    assert found["qtc"] == {"bazett": round(found["ms"] / 0.8**0.5), "fridericia": round(found["ms"] / 0.8 ** (1 / 3))}
    page.keyboard.press("Escape")
    page.keyboard.press("m")


def _a_box_of_beats_reaches_the_log(page, home: Path) -> None:
    field = page.locator(f".st-key-{scope('reviewer')} input")
    field.fill("A. Technician")
    field.press("Enter")
    wait_until_idle(page, IDLE_S)
    assert of_paper(page, "p.canvas.getRootNode().activeElement === p.canvas"), "the next letters are no name"
    first = of_paper(page, "p.s.beats.from(p.view.start + 2)")
    times = of_paper(page, f"[p.s.beats.time[{first}], p.s.beats.time[{first + 2}]]")
    numbers = of_paper(page, f"Array.from(p.s.beats.number.slice({first}, {first + 3}))")
    page.keyboard.down("Shift")
    _drag(page, on_paper(page, times[0] - 0.3, 30), on_paper(page, times[1] + 0.3, 90))
    page.keyboard.up("Shift")
    assert of_paper(page, "Array.from(p.s.selected)") == numbers
    page.locator(".menu button", has_text="V").click()
    assert of_paper(
        page, f"Array.from(p.s.beats.letter.slice({first}, {first + 3}), (i) => p.s.beats.letters[i])"
    ) == list("VVV"), "seen before the server has entered it"
    wait_for_paper(page, "p.beatsMessage.header.revision === 1 && !p.presses.length")
    [event] = _events(home)
    assert (event.kind, event.new, list(event.beats), event.who) == ("relabel", "V", numbers, "A. Technician")
    page.keyboard.press("Control+z")
    wait_for_paper(page, "p.beatsMessage.header.revision === 2")
    wait_until_idle(page, IDLE_S)
    assert of_paper(page, f"p.s.beats.letters[p.s.beats.letter[{first}]]") != "V"


def test_the_paper_is_panned_measured_and_edited_by_hand(page, app_home):
    _panned_without_a_rerun(page)
    _eight_presses_are_eight_beats(page)
    _events_without_a_beat_are_left_again(page)
    _calipers_read_what_is_drawn(page)
    _a_box_of_beats_reaches_the_log(page, app_home)
    assert page.locator(".stException, .stAlertContentError").count() == 0
    first = page.evaluate("() => window.__ecgvizPapers.first")
    assert sum(first.values()) < 600_000
