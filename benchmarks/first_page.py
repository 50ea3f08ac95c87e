"""From `streamlit run` to the first classified page, beside the bare imports.

    python -m benchmarks.first_page

Starts the app on a free port, opens the link to a sample in a browser that is already running, and waits until the
beats are counted on the page. Prints the ratio to `python -c "import torch, streamlit, plotly"` (limit 4). Needs
chromium.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
LINK = "/holter?record=sample:mitdb-208"
REPEATS = 3


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        raise SystemExit("no chromium found; install it to measure this")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        pages, imports = [], []
        for _ in range(REPEATS):
            imports.append(seconds_of_imports())
            pages.append(seconds_to_page(browser))
        browser.close()
    page, bare = statistics.median(pages), statistics.median(imports)
    print(
        f"first classified page / bare imports: {page / bare:.2f} ({page:.2f} s against {bare:.2f} s, {REPEATS} turns)"
    )


def seconds_of_imports() -> float:
    """A fresh process that imports and ends."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, streamlit, plotly"], check=True)
    return time.perf_counter() - started


def seconds_to_page(browser) -> float:
    """From the start of the server to beats on the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        started = time.perf_counter()
        server = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=ROOT,
            env=os.environ | {"ECGVIZ_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}{LINK}")
            page.get_by_test_id("stMetricValue").first.wait_for(timeout=120_000)
            page.wait_for_function(
                "() => [...document.querySelectorAll('[data-testid=stMetricValue]')]"
                ".some(value => /^\\d{3}/.test(value.innerText.trim()))",
                timeout=120_000,
            )
            elapsed = time.perf_counter() - started
            page.close()
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    return elapsed


def wait_for(address: str) -> None:
    """Until the server answers."""
    for _ in range(600):
        try:
            urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"no answer from {address}")


if __name__ == "__main__":
    main()
