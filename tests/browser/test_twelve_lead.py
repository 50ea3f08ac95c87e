"""The 12-lead page in a real browser: paper with its map, narrow and dark, and a link that brings the view back."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import list_checkpoints
from models.checkpoints import DEFAULT_PAPER_CHECKPOINT, DEFAULT_RECORD_CHECKPOINT
from models.data.ecg_scan import scanned
from tests.browser.conftest import pages_of, wait_until_idle
from tests.ecgviz.simulated import sheet

pytestmark = pytest.mark.browser
WAIT_MS = 120_000
IDLE_S = 90.0
SAMPLE = "twelve-lead?record=sample:dicom-12-lead&method12=Grad-CAM+%28all+leads+alike%29"
PAPER = ".st-key-twelve_lead-paper .js-plotly-plot"


@pytest.fixture(scope="module", autouse=True)
def _has_a_checkpoint():
    if DEFAULT_RECORD_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_RECORD_CHECKPOINT} in the folder of the checkpoints")


@pytest.fixture
def open_page(browser, app_server):
    """``open_page(path, width=, height=, scheme=) -> page``; the page is closed at the end."""
    with pages_of(browser, app_server, WAIT_MS) as start:
        yield start


def _wait_for_map(page) -> None:
    """Until the paper with its map stands still and no script runs."""
    calm, deadline = 0, time.monotonic() + WAIT_MS / 1000
    while calm < 6:
        assert time.monotonic() < deadline, "the map never came"
        calm = calm + 1 if page.locator(f"{PAPER} .imagelayer image").count() >= 12 else 0
        page.wait_for_timeout(150)
    wait_until_idle(page, IDLE_S)


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (800, "dark")])
def test_the_sheet_with_its_map(open_page, artefacts, width, scheme):
    page = open_page(SAMPLE, width=width, height=1300, scheme=scheme)
    _wait_for_map(page)
    assert not page.locator(".stException").count()
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    millimetres = page.evaluate(
        f"(l => [l.xaxis._length / (l.xaxis.range[1] - l.xaxis.range[0]) / 25,"
        f" l.yaxis._length / (l.yaxis.range[1] - l.yaxis.range[0]) / 10])"
        f"(document.querySelector('{PAPER}')._fullLayout)"
    )
    assert millimetres[0] == pytest.approx(millimetres[1], rel=0.02), "a mm is as long upwards as along"
    assert page.locator(".st-key-twelve_lead-labels .js-plotly-plot").count() == 1
    assert page.locator(".st-key-twelve_lead-weights .js-plotly-plot").count() == 1
    page.screenshot(path=artefacts / f"twelve-lead-{width}-{scheme}.png")


def test_the_address_brings_the_view_back(open_page):
    page = open_page(SAMPLE, width=1400, height=1300, scheme="light")
    _wait_for_map(page)
    page.locator(".st-key-label [data-baseweb=select], .st-key-label input").first.click()
    page.get_by_role("option", name="for hypertrophy (HYP)").click()
    page.get_by_text("importance for HYP").first.wait_for(state="attached")
    wait_until_idle(page, IDLE_S)
    assert "label=" in page.url
    page.reload()
    page.get_by_text("importance for HYP").first.wait_for(state="attached")


def _scan(folder: Path) -> Path:
    """A sheet of the simulated recording, photographed."""
    page = sheet(6.0).astype(np.float32) / 255
    pixels = (scanned(page, 6.0, 0.25, np.random.default_rng(4)) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "scan.jpg", quality=90)
    return folder / "scan.jpg"


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (800, "dark")])
def test_a_photograph_of_a_sheet_is_opened_and_has_its_map(open_page, artefacts, tmp_path, width, scheme):
    if DEFAULT_PAPER_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_PAPER_CHECKPOINT} in the folder of the checkpoints")
    page = open_page("twelve-lead", width=width, height=1300, scheme=scheme)
    page.locator(".st-key-styled-head [data-testid=stPopover] button").first.click()
    page.locator("[data-testid=stPopoverBody]").get_by_text("Upload", exact=True).click()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(str(_scan(tmp_path)))
    page.get_by_text("scan.jpg", exact=True).wait_for()  # before that a click sends the form without the file
    page.get_by_role("button", name="Open upload").click()
    layers = page.locator(
        ".st-key-twelve_lead-photo .js-plotly-plot .imagelayer-above image, .st-key-twelve_lead-photo .imagelayer image"
    )
    calm, deadline = 0, time.monotonic() + WAIT_MS / 1000
    while calm < 6:
        assert time.monotonic() < deadline, "the map never came over the picture"
        calm = calm + 1 if layers.count() >= 2 else 0
        page.wait_for_timeout(150)
    wait_until_idle(page, IDLE_S)
    assert not page.locator(".stException").count()
    assert page.locator(".st-key-twelve_lead-labels .js-plotly-plot").count() == 1
    assert page.locator(f'.stSidebar [value="{DEFAULT_PAPER_CHECKPOINT}"]').count() == 1
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    page.screenshot(path=artefacts / f"twelve-lead-photo-{width}-{scheme}.png")
