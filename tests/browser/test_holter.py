"""The Holter page in a real browser: a sample, a V beat, the map on the picture, a link, and how it all looks."""

from __future__ import annotations

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from models import list_checkpoints
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from pages.parts.address_bar import ECHO_S
from tests.browser.conftest import of_paper, on_paper, pages_of, wait_for_paper, wait_until_idle

pytestmark = pytest.mark.browser
WAIT_MS = 90_000
IDLE_S = 60.0
SAMPLE = "holter?record=sample:mitdb-208"


@pytest.fixture(scope="module", autouse=True)
def _has_a_checkpoint():
    if DEFAULT_BEAT_CHECKPOINT not in {one.name for one in list_checkpoints() if one.card}:
        pytest.skip(f"there is no checkpoint {DEFAULT_BEAT_CHECKPOINT}; the folder checkpoints/ is empty")


@pytest.fixture
def open_page(browser, app_server):
    """``open_page(path, width=, height=, scheme=) -> page``; the page is closed at the end."""
    with pages_of(browser, app_server, WAIT_MS) as start:
        yield start


def _wait_for_view(page) -> None:
    """Until the paper with its map is drawn and no script runs."""
    wait_for_paper(page, "p.s.beats && p.s.map && !p.s.waiting")
    wait_until_idle(page, IDLE_S)


def _beat(page) -> str:
    return page.locator(".st-key-styled-panel p").first.inner_text()


def _until_changed(page, read, before) -> str:
    deadline = time.monotonic() + WAIT_MS / 1000
    while (found := read()) == before:
        assert time.monotonic() < deadline, f"still {before!r}"
        page.wait_for_timeout(50)
    wait_until_idle(page, IDLE_S)
    return found


def _picture(page) -> np.ndarray:
    """The paper as seen, uint8 (height, width, 3)."""
    page.mouse.move(5, 5)
    return np.asarray(
        Image.open(io.BytesIO(page.locator(".st-key-holter-paper canvas.paper").first.screenshot())).convert("RGB")
    )


def _coloured(picture: np.ndarray) -> int:
    """Pixels in the hue of the map: clearly more green than red."""
    red, green = picture[..., 0].astype(int), picture[..., 1].astype(int)
    return int((green > red + 8).sum())


def test_from_home_to_a_v_beat_and_its_map(open_page):
    page = open_page()
    page.locator(".st-key-home-open-mitdb-208 button").click()
    _wait_for_view(page)
    assert "record=sample%3Amitdb-208" in page.url
    assert "ventricular ectopic (V)" in page.locator(".st-key-styled-panel h2").inner_text()

    before = _beat(page)
    page.locator(".st-key-ecg-next-V button").first.click()
    _until_changed(page, lambda: _beat(page), before)
    assert "(V)" in page.locator(".st-key-styled-panel h2").inner_text()

    with_map = _coloured(_picture(page))
    page.get_by_role("button", name="Display").first.click()
    page.locator(".st-key-map label").first.click()
    page.keyboard.press("Escape")
    wait_for_paper(page, "!p.s.map")
    wait_until_idle(page, IDLE_S)
    without_map = _coloured(_picture(page))
    assert with_map > without_map + 200, "the band must be seen on the paper"


def test_keys_and_clicks_move_the_view(open_page):
    page = open_page(f"{SAMPLE}&t=30")
    _wait_for_view(page)
    for key, pattern in (("ArrowRight", r"t=40\b"), ("ArrowLeft", r"t=30\b")):
        page.keyboard.press(key)
        page.wait_for_url(re.compile(pattern))
        wait_until_idle(page, IDLE_S)
    for key in ("j", "Shift+V", "Shift+F", "l"):
        before = _beat(page)
        page.keyboard.press(key)
        _until_changed(page, lambda: _beat(page), before)
        if key.startswith("Shift+"):
            assert f"({key[-1]})" in page.locator(".st-key-styled-panel h2").inner_text()

    page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile(r"gain=20"))
    wait_until_idle(page, IDLE_S)

    before = _beat(page)
    page.mouse.click(*on_paper(page, of_paper(page, "p.s.beats.time[p.s.beats.from(p.view.start + 0.1)]"), 12))
    _until_changed(page, lambda: _beat(page), before)

    before, strip = page.url, page.locator(".st-key-holter-overview .main-svg").first.bounding_box()
    page.mouse.click(strip["x"] + strip["width"] * 0.8, strip["y"] + 40)
    _until_changed(page, lambda: page.url, before)
    assert float(re.search(r"[?&]t=([\d.]+)", page.url)[1]) > 180


def test_a_link_restores_the_view(open_page):
    page = open_page(f"{SAMPLE}&t=100&seconds=20+s&method=Gradient")
    _wait_for_view(page)
    url, beat = page.url, _beat(page)
    assert "t=100" in url
    again = open_page(url.split("/", 3)[3])
    _wait_for_view(again)
    assert _beat(again) == beat
    assert again.url == url


def test_a_browser_that_is_behind_does_not_take_a_jump_back(open_page):
    """What the server says is held back, so that the next press of J carries the address of before the first."""
    held, holding = [], False

    def relay(socket) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: held.append((socket, message)) if holding else socket.send(message))

    def beats_sent() -> set[bytes]:
        return {beat for _, message in held for beat in re.findall(rb"[?&]beat=(\d+)", message)}

    page = open_page()
    page.route_web_socket(re.compile("_stcore/stream"), relay)
    address = f"{page.url.rstrip('/')}/{SAMPLE}&t=0"
    page.goto(address)
    _wait_for_view(page)
    for _ in range(2):
        page.keyboard.press("j")
        _until_changed(page, lambda: page.url, page.url)
    second, url = _beat(page), page.url
    page.goto(address)
    _wait_for_view(page)
    holding = True
    for _ in range(2):
        page.keyboard.press("j")
        _until_changed(page, lambda: len(beats_sent()), len(beats_sent()))
        page.wait_for_timeout(1500)  # the parts that draw themselves again ask meanwhile, with the old address
    holding = False
    for socket, message in held:
        socket.send(message)
    page.get_by_text(second).first.wait_for()
    page.wait_for_timeout(3000)
    wait_until_idle(page, IDLE_S)
    assert (_beat(page), page.url) == (second, url)


def test_the_back_button_goes_back(open_page):
    page = open_page(f"{SAMPLE}&t=0")
    _wait_for_view(page)
    page.keyboard.press("j")
    first = _until_changed(page, lambda: _beat(page), _beat(page))
    address = page.url
    page.keyboard.press("j")
    second = _until_changed(page, lambda: _beat(page), first)
    page.wait_for_timeout(1000 * ECHO_S)
    page.go_back()
    assert _until_changed(page, lambda: _beat(page), second) == first
    assert page.url == address


def _in_view(table) -> dict[str, float]:
    """Where the table lies on the screen once it is scrolled to."""
    table.scroll_into_view_if_needed()
    return table.bounding_box()


def test_a_click_in_the_table_jumps(open_page):
    page = open_page(SAMPLE, height=1600)
    _wait_for_view(page)
    before = _beat(page)
    table = page.locator(".stDataFrame").first
    box = _in_view(table)
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 6 + 17)
    jumped = _until_changed(page, lambda: _beat(page), before)
    number = re.search(r"[\d,]+", jumped)[0]
    assert number != re.search(r"[\d,]+", before)[0], "another beat, not another word about the same one"
    assert page.locator(".stException, .stAlertContentError").count() == 0


def test_a_click_among_the_beats_on_which_two_differ_jumps(open_page):
    page = open_page(f"{SAMPLE}&t=200&tab=Compare+two+checkpoints", height=1700)
    _wait_for_view(page)
    page.get_by_text("have the same class").wait_for()
    wait_until_idle(page, IDLE_S)
    table = page.locator(".st-key-styled-comparison .stDataFrame").nth(1)
    box, cells = _in_view(table), table.locator("td")
    columns = table.locator("th").count()
    number, said = (cells.nth(2 * columns + column).text_content() for column in (0, 2))
    before = _beat(page)
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 3 + 17)
    assert _until_changed(page, lambda: _beat(page), before).startswith(f"Beat {int(number):,} ")
    assert f"({said})" in page.locator(".st-key-styled-panel h2").inner_text(), (
        "the panel tells of the first of the two"
    )


def test_a_box_measures(open_page):
    """Calipers: a box on the paper reads ms, 1/min and mV, and Escape takes it away."""
    page = open_page(f"{SAMPLE}&t=30")
    _wait_for_view(page)
    page.keyboard.press("m")
    page.mouse.move(*on_paper(page, 33.3, 60))
    page.mouse.down()
    page.mouse.move(*on_paper(page, 34.9, 110), steps=6)
    page.mouse.up()
    found, mm = of_paper(page, "p.s.reading"), of_paper(page, "p.laid.mm")
    assert found["ms"] == pytest.approx(1600, abs=120), (
        "snapped to the R peaks next to its edges, or where it was drawn"
    )
    assert found["rate"] == pytest.approx(60_000 / found["ms"])
    assert found["mV"] == pytest.approx(50 / mm / 10, abs=0.02), "10 mm for a mV"
    page.keyboard.press("Escape")
    assert of_paper(page, "p.s.calipers") is None


def test_downloads(open_page, tmp_path):
    page = open_page(f"{SAMPLE}&t=30")
    _wait_for_view(page)
    page.get_by_role("button", name="Export").click()
    page.locator(".st-key-holter-pdf button").first.wait_for()
    wait_until_idle(page, IDLE_S)
    starts = {}
    for key in ("holter-csv", "holter-atr", "holter-png", "holter-pdf"):
        with page.expect_download() as download:
            page.locator(f".st-key-{key} button").first.click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        starts[path.suffix] = path.read_bytes()[:4]
        wait_until_idle(page, IDLE_S)
    assert starts[".pdf"] == b"%PDF" and starts[".png"] == b"\x89PNG" and starts[".zip"][:2] == b"PK"
    assert starts[".csv"].startswith(b"samp") or starts[".csv"].startswith(b"beat")


@pytest.mark.parametrize(("width", "height"), [(1400, 1000), (800, 1100)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_it_looks(open_page, artefacts, width, height, scheme):
    """Pictures to look at; what can be checked by code: nothing sticks out sideways, no error, the scheme's paper."""
    page = open_page(f"{SAMPLE}&t=74", width=width, height=height, scheme=scheme)
    _wait_for_view(page)
    page.screenshot(path=artefacts / f"holter-{width}-{scheme}.png")
    assert page.locator(".stException, .stAlertContentError").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator(".st-key-styled-moves").bounding_box()["height"] < (60 if width == 1400 else 110)
    told = page.locator(".st-key-styled-reasons").bounding_box()["height"]
    why, verdict = (page.locator(f".st-key-styled-{name}").bounding_box() for name in ("reasons", "evidence"))
    beside = why["x"] >= verdict["x"] + verdict["width"]
    assert beside if width == 1400 else why["y"] < verdict["y"], "why comes before what is to be said of a map"
    page.locator(".st-key-ecg-tests label").first.click()
    page.locator(".st-key-styled-evidence_figures").wait_for()
    kept = page.locator(".st-key-styled-evidence").first.bounding_box()["height"]
    assert kept >= (148 if width == 1400 else 182), "the place of a reason or two, whether they come or not"
    page.keyboard.press("Shift+V")
    wait_until_idle(page, IDLE_S)
    assert page.locator(".st-key-styled-reasons").bounding_box()["height"] == told, "the place of the reasons is kept"
    paper = page.locator(".st-key-holter-paper canvas.paper").bounding_box()
    assert paper["x"] + paper["width"] <= width
    assert (_picture(page)[2, 2] > 128).all() == (scheme == "light")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1400, 1000, "light"), (800, 1100, "dark")])
@pytest.mark.parametrize("path", ["", "networks", "system"])
def test_the_other_pages_look(open_page, artefacts, path, width, height, scheme):
    page = open_page(path, width=width, height=height, scheme=scheme)
    page.locator("h2").first.wait_for()
    wait_until_idle(page, IDLE_S)
    page.screenshot(path=artefacts / f"{path or 'home'}-{width}-{scheme}.png")
    assert page.locator(".stException").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize(
    ("path", "place"),
    [("networks", "card"), (f"{SAMPLE}&tab=Compare+two+checkpoints", "comparison"),
     (f"{SAMPLE}&tab=About+this+recording", "about_recording")],
)  # fmt: skip
def test_what_stands_side_by_side_goes_below_where_it_would_be_cut_off(open_page, path, place):
    page = open_page(path)
    columns = page.locator(f".st-key-styled-{place} .stColumn")
    columns.last.wait_for()
    for width, beside in ((1800, True), (800, False)):
        page.set_viewport_size({"width": width, "height": 1100})
        page.wait_for_function(
            "([place, beside]) => { const [a, b] = document.querySelectorAll(`.st-key-styled-${place} .stColumn`);"
            "return (b.getBoundingClientRect().x > a.getBoundingClientRect().x + 100) === beside; }",
            arg=[place, beside],
        )
