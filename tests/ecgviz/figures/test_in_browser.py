"""What only a browser can tell: that the drawn millimetre is square, and that clicks find their beat."""

import os
import shutil

import pytest

from ecgviz.figures.ecg_paper import CHART_CONFIG
from ecgviz.figures.overview import overview_figure
from tests.ecgviz.figures.strips import strip_figure

pytestmark = pytest.mark.browser

LISTEN = """() => { window.found = [];
  document.querySelector('.js-plotly-plot').on('plotly_selected',
    e => { for (const p of (e || {points: []}).points) window.found.push([p.data.name, p.customdata]); }); }"""
PIXEL = """([x, y]) => { const chart = document.querySelector('.js-plotly-plot'), f = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return [box.left + f.xaxis._offset + f.xaxis.d2p(x), box.top + f.yaxis._offset + f.yaxis.d2p(y)]; }"""
MILLIMETRE = """() => { const f = document.querySelector('.js-plotly-plot')._fullLayout;
  return [f.xaxis._length / (f.xaxis.range[1] - f.xaxis.range[0]) / 25,
          f.yaxis._length / (f.yaxis.range[1] - f.yaxis.range[0]) / 10]; }"""


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop("no chromium is installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def show(browser, tmp_path):
    def shown(figure, width=1000):
        file = tmp_path / "figure.html"
        file.write_text(figure.to_html(include_plotlyjs=True, config=CHART_CONFIG), encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 600})
        page.goto(file.as_uri())
        page.wait_for_selector(".js-plotly-plot .xaxislayer-above")
        page.evaluate(LISTEN)
        return page

    return shown


def click(page, x, y):
    place = page.evaluate(PIXEL, [x, y])
    page.mouse.move(*place)
    page.wait_for_timeout(200)
    page.mouse.click(*place)
    page.wait_for_timeout(200)
    return page.evaluate("window.found.splice(0)")


@pytest.mark.parametrize("width", [1400, 1000, 700])
def test_a_millimetre_is_square_in_any_container(show, two_leads, width):
    page = show(strip_figure(two_leads[0], 0, 10), width)
    along, upwards = page.evaluate(MILLIMETRE)
    assert along == pytest.approx(upwards, rel=1e-3) and along > 1.5


def test_a_click_on_letter_or_r_peak_finds_the_beat(show, two_leads):
    recording, beats = two_leads
    figure = strip_figure(recording, 0, 10, beats=beats, selected=2)
    letters = next(trace for trace in figure.data if trace.name == "beats V")
    peaks = next(trace for trace in figure.data if trace.name == "R peaks")
    page = show(figure)
    assert click(page, letters.x[1], float(letters.y[1])) == [["beats V", letters.customdata[1]]]
    assert click(page, peaks.x[5], peaks.y[5]) == [["R peaks", peaks.customdata[5]]]


def test_a_click_anywhere_on_the_overview_gives_the_time(show, two_leads):
    recording, beats = two_leads
    page = show(overview_figure(recording.duration_s, beats, view=(0, 10)))
    for height, time_s in ((0.05, 5.0), (0.3, 13.0), (0.9, 27.0)):
        ((name, seconds),) = click(page, time_s, height)
        assert name == "places" and seconds == pytest.approx(time_s, abs=1.0)
