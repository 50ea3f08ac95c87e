"""Training on MIT-BIH in a real browser: start, watch, leave, come back, cancel, resume, promote, use what came out."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from models import list_checkpoints
from models.jobs import JobState, JobStore, LocalBackend
from tests.browser.conftest import pages_of
from tests.models.conftest import write_record

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 120_000
EPOCHS = 1000
"""More than it ever gets through: the first run is there to be cancelled."""


def _write_records(folder: Path) -> str:
    """Two records of MIT-BIH to train on and choose by, and one to classify; simulated ones where there are none.

    Returns:
        the folder's name and the third record's, as an address.
    """
    real = Path(os.environ.get("ECGVIZ_TEST_DATA", ROOT.parent / "shared" / "data")) / "mitdb"
    if not real.is_dir():
        (folder / "simulated").mkdir(parents=True)
        for seed in (1, 2, 3):
            write_record(folder / "simulated", f"sim{seed}", 180.0, seed)
        return "simulated/sim1"
    (folder / "mitdb").mkdir(parents=True)
    for name in ("106", "119", "208"):
        for end in (".hea", ".dat", ".atr"):
            (folder / "mitdb" / f"{name}{end}").write_bytes((real / f"{name}{end}").read_bytes())
    return "mitdb/208"


@pytest.fixture(scope="module")
def workshop(start_app, tmp_path_factory):
    """URL of a server with data and checkpoints of its own, its job store, and a record; no job is left behind."""
    base = tmp_path_factory.mktemp("workshop")
    checkpoints = base / "checkpoints"
    checkpoints.mkdir()
    record = _write_records(base / "data")
    for shipped in list_checkpoints():
        if shipped.card is not None:
            (checkpoints / shipped.name).symlink_to(shipped.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGVIZ_DATA_ROOTS", str(base / "data"))
        patch.setenv("ECGVIZ_CHECKPOINTS", str(checkpoints))
        patch.setenv("OMP_NUM_THREADS", "1")
        url = start_app(ROOT / "app.py")
    homes = tmp_path_factory.getbasetemp().glob("home*")
    home = max((one for one in homes if (one / "server.log").exists()), key=lambda one: one.stat().st_mtime)
    store = JobStore(home / "ecgviz.db")
    yield url, store, checkpoints, record
    jobs = LocalBackend(store, grace_s=2.0)
    for job in store.list():
        if not job.state.ended:
            jobs.cancel(job.id)
    _until(lambda: all(job.state.ended for job in jobs.list()), "the jobs never ended")


@pytest.fixture
def open_page(browser, workshop):
    """``open_page(path) -> page`` with a session of its own, closed at the end."""
    with pages_of(browser, workshop[0], WAIT_MS) as start:
        yield partial(start, height=1200)


def _until(condition: Callable[[], bool], words: str, seconds: float = WAIT_MS / 1000) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, words
        time.sleep(0.2)


def _points(page) -> int:
    """Points of the training loss that are drawn."""
    return page.evaluate(
        "(() => { const plot = document.querySelector('.st-key-workshop-run_curves .js-plotly-plot');"
        "return plot && plot.data.length ? plot.data[0].x.length || plot.data[0].x._inputArray?.length || 0 : 0; })()"
    )


def _enabled(page, key: str):
    button = page.locator(f".st-key-{key} button:not([disabled])").first
    button.wait_for()
    return button


def _no_error(page) -> None:
    assert page.locator(".stException, .stAlertContentError").count() == 0


def _set_epochs(page, number: int):
    epochs = page.locator('[class*="st-key-train-set-"][class*="-epochs"] input').first
    epochs.fill(str(number))
    epochs.press("Enter")
    page.wait_for_timeout(1500)
    return epochs


def _fill_in(page, folder: str) -> None:
    """Add the records, change two settings, and find them after a reload."""
    page.get_by_role("button", name="Add data").click()
    page.get_by_role("textbox", name="Folder on the server").fill(folder)
    page.get_by_role("button", name="Add folder").click()
    page.locator('.st-key-train-steps input[aria-label="Data"][value^="' + folder + '"]').wait_for()
    epochs = _set_epochs(page, EPOCHS)
    page.get_by_text("changed: Training 1").wait_for()
    page.get_by_role("textbox", name="Name", exact=True).fill("tried-here")
    page.get_by_role("textbox", name="Name", exact=True).press("Enter")

    page.wait_for_timeout(1500)
    page.reload()
    page.get_by_text("changed: Training 1").wait_for()
    assert epochs.input_value() == str(EPOCHS), "lost by a reload"


def test_from_the_start_to_the_promoted_network(open_page, workshop, artefacts):
    _, store, checkpoints, record = workshop
    page = open_page("train")
    _fill_in(page, record.partition("/")[0])
    _enabled(page, "train-start").click()
    page.wait_for_url(re.compile("run=[0-9a-f]{12}"))
    (job,) = store.list()
    assert job.name == "tried-here"
    _until(lambda: _points(page) >= 2, "no curve came")
    before = _points(page)
    _until(lambda: _points(page) > before, "the curve stands still")
    page.screenshot(path=str(artefacts / "train.png"))

    page.get_by_role("link", name="Networks").click()
    page.get_by_text("What each network is").wait_for()
    page.get_by_role("link", name="Train", exact=True).click()
    _until(lambda: _points(page) >= before, "the run is gone after another page")
    page.wait_for_url(re.compile(job.id))
    link = page.url
    page.context.close()
    assert store.get(job.id).state is JobState.RUNNING, "a closed tab ends nothing"

    page = open_page(link.partition("/train")[1][1:] + link.partition("/train")[2])
    _enabled(page, "workshop-run_cancel").click()
    _until(lambda: store.get(job.id).state is JobState.CANCELLED, "it was not cancelled")
    reached = store.get(job.id).epoch
    assert 0 < reached < EPOCHS
    _enabled(page, "workshop-run_resume").click()
    _until(lambda: store.get(job.id).epoch > reached, "it was not resumed")
    assert store.get(job.id).attempt == 2
    _enabled(page, "workshop-run_cancel").click()
    _until(lambda: store.get(job.id).state is JobState.CANCELLED, "it was not cancelled again")

    _set_epochs(page, 2)
    _enabled(page, "train-start").click()
    _until(lambda: len(store.list()) == 2, "the second run was not submitted")
    _until(lambda: store.list()[-1].state is JobState.DONE, "the second run was not finished")
    page.locator('[class*="st-key-workshop-promote-"] button:not([disabled])').first.click()
    page.locator(".st-key-workshop-run_promote button").click()
    page.get_by_text("is one of the checkpoints now").wait_for()
    assert (checkpoints / "tried-here" / "weights.safetensors").is_file()
    _no_error(page)

    page.context.close()
    page = open_page(f"holter?record=path:{record}&checkpoint=tried-here")
    page.locator(".st-key-holter-paper canvas.paper").first.wait_for()
    beats = page.locator("[data-testid=stMetric]", has_text="Beats").first
    _until(lambda: re.search(r"\d{2,}", beats.inner_text()) is not None, "no beat was classified")
    assert page.locator('.stSidebar input[value="tried-here"]').count() == 1
    _no_error(page)
