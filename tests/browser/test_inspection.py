"""The inspection pages in a real browser: a stack and its map, slices by key, click, slider, linked zoom, a batch."""

from __future__ import annotations

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from models import list_checkpoints
from models.checkpoints import DEFAULT_IMAGE_CHECKPOINT
from tests.browser.conftest import pages_of, wait_until_idle

pytestmark = pytest.mark.browser
WAIT_MS = 120_000
IDLE_S = 90.0
SAMPLE = "scan?picture=sample:simulated-stack-defect"
PICTURE = ".st-key-inspection-picture .js-plotly-plot"
AXES = "[l.xaxis.range, l.xaxis2.range, l.yaxis.range, l.yaxis2.range]"
RANGES = f"(l => {AXES})(document.querySelector('{PICTURE}')._fullLayout)"


@pytest.fixture(scope="module", autouse=True)
def _has_a_checkpoint():
    if DEFAULT_IMAGE_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_IMAGE_CHECKPOINT} in the folder of the checkpoints")


@pytest.fixture
def open_page(browser, app_server):
    """``open_page(path, width=, height=, scheme=) -> page``; the page is closed at the end."""
    with pages_of(browser, app_server, WAIT_MS) as start:
        yield start


def _wait_for_view(page) -> None:
    """Until the picture with its map stands still and no script runs: the map comes after the picture."""
    calm = 0
    deadline = time.monotonic() + WAIT_MS / 1000
    while calm < 8:
        assert time.monotonic() < deadline, "the map never came"
        calm = calm + 1 if page.locator(f"{PICTURE} .imagelayer image").count() >= 3 else 0
        page.wait_for_timeout(150)
    wait_until_idle(page, IDLE_S)


def _slice(page) -> int:
    return int(re.search(r"Slice (\d+) of", page.locator(".st-key-styled-panel p").first.inner_text())[1])


def _until_slice(page, wanted) -> int:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not wanted(found := _slice(page)):
        assert time.monotonic() < deadline, f"still at slice {found}"
        page.wait_for_timeout(50)
    return found


def _ranges(page) -> list:
    return page.evaluate(RANGES)


def test_from_home_to_a_stack_and_its_map(open_page):
    page = open_page()
    page.locator(".st-key-home-open-simulated-stack-defect button").click()
    _wait_for_view(page)
    assert "picture=sample%3Asimulated-stack-defect" in page.url
    assert "slice=" in page.url
    assert page.locator(".stException, .stAlertContentError").count() == 0


def test_keys_click_and_slider_change_the_slice(open_page):
    page = open_page(f"{SAMPLE}&slice=10")
    _wait_for_view(page)
    assert _slice(page) == 10
    page.mouse.click(700, 80)
    page.keyboard.press("ArrowRight")
    _until_slice(page, lambda found: found == 11)
    wait_until_idle(page, IDLE_S)
    page.keyboard.press("ArrowLeft")
    _until_slice(page, lambda found: found == 10)
    _wait_for_view(page)

    strip = page.locator(".st-key-scan-slice_scores .nsewdrag").first.bounding_box()
    for share in (0.70, 0.75):
        page.mouse.move(strip["x"] + strip["width"] * share, strip["y"] + 20)
        page.wait_for_timeout(300)
    page.mouse.down()
    page.mouse.up()
    clicked = _until_slice(page, lambda found: found != 10)
    assert 30 <= clicked <= 31, "three quarters along the strip of forty slices"
    wait_until_idle(page, IDLE_S)

    thumb = page.locator(".st-key-scan-slice_row input[type=range]")
    assert int(thumb.input_value()) == clicked, "the slider follows the click"
    thumb.focus()
    page.keyboard.press("Home")
    _until_slice(page, lambda found: found == 1)
    assert page.locator(".st-key-scan-slice_back button").first.is_disabled()


def test_a_fast_hand_on_the_keys_never_goes_back(open_page):
    page = open_page(f"{SAMPLE}&slice=5")
    _wait_for_view(page)
    page.mouse.click(700, 80)
    seen = [_slice(page)]
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(120)
        seen.append(_slice(page))
    seen.append(_until_slice(page, lambda found: found > 5))
    _wait_for_view(page)
    seen.append(_slice(page))
    assert seen == sorted(seen)


@pytest.mark.parametrize("quiet_ms", [0, 250, 1000])
def test_zoom_is_linked_and_outlives_the_next_slice(open_page, quiet_ms):
    page = open_page(f"{SAMPLE}&slice=10")
    _wait_for_view(page)
    box = page.locator(f"{PICTURE} .nsewdrag").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    whole = _ranges(page)
    page.mouse.wheel(0, -400)
    page.wait_for_function(f"before => JSON.stringify({RANGES}) !== JSON.stringify(before)", arg=whole)
    page.wait_for_timeout(quiet_ms)
    zoomed = _ranges(page)
    assert np.allclose(zoomed[0], zoomed[1])
    assert np.allclose(zoomed[2], zoomed[3])
    page.locator(".st-key-scan-slice_on button").first.click()
    _until_slice(page, lambda found: found == 11)
    _wait_for_view(page)
    assert np.allclose(_ranges(page)[0], zoomed[0], atol=1.0)


def test_export_hands_out_files(open_page):
    page = open_page(f"{SAMPLE}&slice=10")
    _wait_for_view(page)
    page.locator(".st-key-scan-picture_export button").first.click()
    starts = {}
    for key in ("scan-verdict_csv", "scan-slice_png", "scan-report_pdf"):
        button = page.locator(f".st-key-{key} button").first
        button.wait_for()
        wait_until_idle(page, IDLE_S)
        with page.expect_download() as waiting:
            button.click()
        starts[key] = waiting.value.path().read_bytes()[:8]
    assert starts["scan-verdict_csv"].startswith(b"\xef\xbb\xbfpath,")
    assert starts["scan-slice_png"][:4] == b"\x89PNG"
    assert starts["scan-report_pdf"].startswith(b"%PDF")


def test_a_batch_from_an_upload(open_page, artefacts):
    page = open_page("batch")
    page.locator("[data-testid=stPopoverButton]").first.click()
    page.get_by_role("radio", name="Upload").click()
    page.locator("[data-testid=stFileUploaderDropzoneInput]").set_input_files(_labelled_files())
    page.get_by_text(re.compile(r"^(p\d\.png|labels\.csv)$")).first.wait_for()  # before that a click sends no file
    page.get_by_role("button", name="Open upload").click()
    start = page.locator(".st-key-batch-start button").first
    start.wait_for()
    wait_until_idle(page, IDLE_S)
    start.click()
    page.get_by_text("Inspected: 8 files").wait_for()
    page.locator(".st-key-batch-point_curve .js-plotly-plot").wait_for()
    page.get_by_text("Drawing thumbnails").wait_for(state="hidden")
    wait_until_idle(page, IDLE_S)
    assert "of 4 (" in page.locator(".st-key-batch-point_box table").inner_text()

    table = page.locator("[class*=st-key-batch-table] [data-testid=stDataFrame]").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + 40 + 28)
    _wait_for_view(page)
    page.locator(".st-key-inspection-picture").scroll_into_view_if_needed()
    page.screenshot(path=artefacts / "batch-row-1400-light.png")
    assert page.locator(".stException").count() == 0


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (800, 1100)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [f"{SAMPLE}&slice=10", "scan", "batch"])
def test_how_it_looks(open_page, artefacts, path, width, height, scheme):
    """Pictures to look at; what can be checked by code: nothing sticks out sideways, no error."""
    page = open_page(path, width=width, height=height, scheme=scheme)
    if path.startswith("scan?"):
        _wait_for_view(page)
    else:
        page.locator("h1").first.wait_for()
        wait_until_idle(page, IDLE_S)
    name = "scan" if path.startswith("scan?") else f"{path}-empty"
    page.screenshot(path=artefacts / f"{name}-{width}-{scheme}.png")
    assert page.locator(".stException, .stAlertContentError").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if path.startswith("scan?"):
        picture = page.locator(f"{PICTURE} .main-svg").first.bounding_box()
        assert picture["x"] + picture["width"] <= width


def _labelled_files() -> list[dict]:
    rng, files, table = np.random.default_rng(0), [], ["file,label"]
    for index in range(8):
        buffer, picture = io.BytesIO(), rng.integers(90, 110, (96, 96), np.uint8)
        if index % 2:
            picture[30:50, 30:60] = 250
        Image.fromarray(picture).save(buffer, "PNG")
        files.append({"name": f"p{index}.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
        table.append(f"p{index}.png,{'defect' if index % 2 else 'normal'}")
    files.append({"name": "labels.csv", "mimeType": "text/csv", "buffer": "\n".join(table).encode()})
    return files
