"""A real browser and a real server: what the tests marked ``browser`` stand on.

Chromium comes from the system, since Playwright's own download needs a network. Without one the tests skip and say
so; under ``CI=true`` that is a failure, so that a machine cannot pass by lacking what it was to test with.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_SECONDS = 90
STOP_SECONDS = 10
_PAPER = "const p = Object.values(window.__ecgvizPapers?.papers ?? {})[0];"


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium as Playwright's ``Browser``; ``browser.new_page()`` opens a page of its own session.

    One a module: while Playwright's synchronous interface is open, its event loop counts as running in the main
    thread, and nothing else there could use ``asyncio.run``.
    """
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        reason = f"no browser found (looked for {', '.join(BROWSERS)}); on Debian: apt-get install chromium"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """Folder for screenshots, kept after the tests: ``ECGVIZ_TEST_ARTEFACTS``, by default tests/artefacts."""
    folder = Path(os.environ.get("ECGVIZ_TEST_ARTEFACTS") or ROOT / "tests" / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def start_app(tmp_path_factory) -> Iterator[Callable[..., str]]:
    """``start_app(script) -> url``: Streamlit on a free port with a home of its own, stopped at the end of the run.

    The server is the head of its own process group, and the whole group is ended: a training job that a test has
    started does not outlive it.
    """
    servers: list[subprocess.Popen] = []

    def start(script: Path, folder: Path = ROOT, home: Path | None = None) -> str:
        server, url = launch(script, home or tmp_path_factory.mktemp("home"), folder)
        servers.append(server)
        return url

    yield start
    for server in servers:
        _stop(server)


def launch(script: Path, home: Path, folder: Path = ROOT) -> tuple[subprocess.Popen, str]:
    """A server of a home, as the head of its own process group, and its URL; whoever asks ends it."""
    usual = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}  # all cores, as a user
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += ["--server.headless", "true", "--server.port", str(port)]
    log = home / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env={**usual, "ECGVIZ_HOME": str(home)},
            stdout=stream,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    url = f"http://localhost:{port}"
    _wait_until_healthy(url, server, log)
    return server, url


@pytest.fixture(scope="session")
def app_home(tmp_path_factory) -> Path:
    """Home of the app; what lies in its folder ``data`` can be opened by path."""
    home = tmp_path_factory.mktemp("app_home")
    (home / "data").mkdir()
    return home


@pytest.fixture(scope="session")
def app_server(start_app, app_home) -> str:
    """URL of the app, started as README says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECGVIZ_DATA_ROOTS", str(app_home / "data"))
        return start_app(ROOT / "app.py", home=app_home)


@contextmanager
def pages_of(browser, url: str, wait_ms: int) -> Iterator[Callable[..., object]]:
    """``start(path, width=, height=, scheme=) -> page`` of the app at ``url``, each with a session of its own.

    What is waited for on a page may take ``wait_ms``; all pages are closed at the end. Meanwhile the browser may have
    asked nobody but the app: a clinic's has no way out, and what is open is nobody else's business.
    """
    contexts, strangers = [], set()

    def note(request) -> None:
        if not request.url.startswith((url, "data:", "blob:")):
            strangers.add(request.url)

    def start(path: str = "", *, width: int = 1400, height: int = 1000, scheme: str = "light"):
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        context.set_default_timeout(wait_ms)
        contexts.append(context)
        page = context.new_page()
        page.on("request", note)
        page.goto(f"{url}/{path}")
        page.locator(".stApp").wait_for()
        return page

    yield start
    for context in contexts:
        context.close()
    assert not strangers


def wait_until_idle(page, seconds: float) -> None:
    """Until no script of the page runs and nothing on it is a placeholder, for more than a moment."""
    calm, deadline = 0, time.monotonic() + seconds
    while calm < 4:
        assert time.monotonic() < deadline, "the page never came to rest"
        page.wait_for_timeout(150)
        busy = page.locator("[data-testid=stStatusWidget], [data-testid=stSkeleton]").count()
        calm = 0 if busy else calm + 1


def of_paper(page, expression: str):
    """A value of the ECG paper ``p`` of the page (pages/ecg/holter/canvas/paper.js), such as ``p.view.start``."""
    return page.evaluate(f"() => {{ {_PAPER} return {expression}; }}")


def wait_for_paper(page, condition: str = "p.s.beats && !p.s.waiting") -> None:
    """Until something is true of the ECG paper ``p``; by default it has its beats and the signal of its view."""
    page.wait_for_function(f"() => {{ {_PAPER} return Boolean(p?.s.paper && p.laid && {condition}); }}")


def on_paper(page, time_s: float, y: float) -> tuple[float, float]:
    """Where on the screen a time and a height of the ECG paper are, px."""
    box = page.locator("canvas.paper").first.bounding_box()
    share = f"p.laid.x0 + ({time_s} - p.view.start) / p.view.seconds * p.laid.plot"
    return box["x"] + of_paper(page, share), box["y"] + y


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    pytest.fail(f"the server did not come up within {START_SECONDS} s:\n{log.read_text(errors='replace')[-4000:]}")


def _stop(server: subprocess.Popen) -> None:
    """End the server's group, politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, number)
            server.wait(STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    server.wait(STOP_SECONDS)
