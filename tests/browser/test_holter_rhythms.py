"""Rhythms in a real browser: keys go from episode to episode, the row is seen and hovered, and how it all looks."""

from __future__ import annotations

import os
import re

import pytest
import wfdb

from models import list_checkpoints
from models.checkpoints import checkpoints_root
from tests.browser.conftest import ROOT, of_paper, pages_of, wait_for_paper, wait_until_idle
from tests.ecgviz.rhythmic import AF_S, fibrillating, rhythm_checkpoint

pytestmark = pytest.mark.browser
WAIT_MS = 90_000
IDLE_S = 60.0
PAGE = "holter?record=path:af.hea&checkpoint=rhythm"
IN_VIEW = (
    "p.s.beats.header.rhythms.filter((one) => one.from < p.view.start + p.view.seconds && one.to > p.view.start)"
    ".map((one) => one.label)"
)


@pytest.fixture(scope="module")
def server(start_app, tmp_path_factory) -> str:
    """URL of an app that has the network for tests, a checkpoint of it, and the fibrillating recording.

    The network is entered into the table of networks as the server's Python starts, since the app is another process.
    """
    folder = tmp_path_factory.mktemp("rhythms")
    for shipped in list_checkpoints(checkpoints_root()):
        (folder / "checkpoints").mkdir(exist_ok=True)
        (folder / "checkpoints" / shipped.name).symlink_to(shipped.folder)
    rhythm_checkpoint(folder / "checkpoints" / "rhythm")
    recording = fibrillating()
    signal_mV = recording.signal_mV().astype(float)
    (folder / "data").mkdir()
    wfdb.wrsamp("af", recording.fs, ["mV"], ["II"], signal_mV, fmt=["16"], write_dir=str(folder / "data"))
    (folder / "sitecustomize.py").write_text(
        "from models.networks.registry import register_model\nfrom tests.ecgviz.rhythmic import NAME, RhythmByRR\n"
        'register_model(NAME, task="strip")(RhythmByRR)\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))
        patch.setenv("ECGVIZ_CHECKPOINTS", str(folder / "checkpoints"))
        patch.setenv("ECGVIZ_DATA_ROOTS", str(folder / "data"))
        return start_app(ROOT / "app.py")


@pytest.fixture
def open_page(browser, server):
    """``open_page(path, width=, height=, scheme=) -> page``; the page is closed at the end."""
    with pages_of(browser, server, WAIT_MS) as start:
        yield start


def _wait_for_view(page) -> None:
    wait_for_paper(page, "p.s.beats?.header.rhythms.length && !p.s.waiting")
    wait_until_idle(page, IDLE_S)


def _start(page) -> float:
    return float(re.search(r"[?&]t=([\d.]+)", page.url)[1])


def test_a_key_goes_to_the_episode(open_page):
    page = open_page(f"{PAGE}&t=0")
    _wait_for_view(page)
    assert "AFIB" not in of_paper(page, IN_VIEW)
    page.keyboard.press("e")
    wait_for_paper(page, f"({IN_VIEW}).includes('AFIB')")
    wait_until_idle(page, IDLE_S)
    episode = _start(page)
    assert episode + 5 == pytest.approx(AF_S[0], abs=5)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(re.compile(rf"t=(?!{episode:g}\b)"))
    page.locator(".st-key-styled-panel", has_text="atrial fibrillation (AFIB)").wait_for()
    wait_until_idle(page, IDLE_S)
    row = page.locator(".st-key-holter-overview .main-svg").first.bounding_box()
    page.mouse.click(row["x"] + row["width"] * 0.95, row["y"] + row["height"] - 32)
    page.wait_for_url(re.compile(r"t=1[67]\d"))
    wait_until_idle(page, IDLE_S)
    page.keyboard.press("Shift+E")
    page.wait_for_url(re.compile(rf"t={episode:g}\b"))


def test_the_row_is_seen_and_hovered(open_page):
    page = open_page(f"{PAGE}&t=0")
    _wait_for_view(page)
    row = page.locator(".st-key-holter-overview .main-svg").first.bounding_box()
    words = page.locator(".st-key-holter-overview .annotation-text").all_text_contents()
    assert "AF" in words and "rhythm" in words
    assert "atrial fibrillation" in page.locator(".st-key-styled-rhythm_legend").inner_text()
    page.mouse.move(row["x"] + row["width"] * 0.55, row["y"] + row["height"] - 32, steps=4)
    page.locator(".st-key-holter-overview .hoverlayer", has_text="AFIB 0.").wait_for()


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (800, 1100)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(open_page, artefacts, width, height, scheme):
    page = open_page(f"{PAGE}&t=56", width=width, height=height, scheme=scheme)
    _wait_for_view(page)
    wait_for_paper(page, "p.s.map")
    wait_until_idle(page, IDLE_S)
    page.screenshot(path=artefacts / f"rhythms-{width}-{scheme}.png")
    assert page.locator(".stException, .stAlertContentError").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if width == 1400:
        assert page.locator(".st-key-styled-moves").bounding_box()["height"] < 60, (
            "where to go and how to draw it: one row"
        )
