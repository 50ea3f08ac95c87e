"""What watching a training costs: the Train page that refreshes itself, and the runner behind it.

    python -m benchmarks.train_page [--seconds N] [--runs N]

Starts a real training on simulated recordings as a job, with finished runs beside it, opens the Train page with it in a
browser, and reads the processor time of the server, which does nothing else, while the curves move; then the same with
the page closed. A core's share is printed of each, that of the runner while its job is at work, and whether any runner
lives once the queue is empty. Less than 2% of a core is wanted for the refresh. Needs chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import psutil

from benchmarks.first_page import ROOT, wait_for
from models.config import load_config
from models.jobs import JobState, JobStore, LocalBackend
from models.jobs.submission import prepare

LIMIT = 0.02
WAIT_MS = 180_000
_POINTS = (
    "() => { const plot = document.querySelector('.st-key-workshop-run_curves .js-plotly-plot');"
    "return plot && plot.data.length ? plot.data[0].x.length : 0; }"
)


def main() -> None:
    """Print the numbers; status 1 where the refresh costs more than its limit, or a runner idles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each state is watched (default 60)")
    parser.add_argument("--runs", type=int, default=20, help="finished runs in the table (default 20)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ECGVIZ_HOME": folder, "ECGVIZ_DATA_ROOTS": folder, "OMP_NUM_THREADS": "1"}
        store = JobStore()
        backend = LocalBackend(store)
        job_id = _start(backend, options.runs)
        try:
            watched, unwatched, runner = _measure(store, job_id, options.seconds)
        finally:
            backend.cancel(job_id)
        _until(lambda: store.get(job_id).state.ended, "the job does not end")
        _until(lambda: store.runner("cpu") is None, "the runner of an empty queue lives on")
    print(f"server with the page open: {watched:.2%} of a core; with no page: {unwatched:.2%}")
    print(f"the page's refresh: {watched - unwatched:.2%} of a core; limit {LIMIT:.0%}")
    print(f"runner while its job is at work: {runner:.2%} of a core; with an empty queue there is none")
    raise SystemExit(int(watched - unwatched > LIMIT))


def _start(backend: LocalBackend, runs: int) -> str:
    """A training that outlasts the measurement, and finished ones with curves like it; returns its id."""
    from ecgviz.sources.training_example import write_example

    changes = [f"data.root={write_example()}", "data.train=[sim1, sim2]", "data.validation=[sim3]"]
    config = load_config("beat_smoke", [*changes, "epochs=1000", "early_stopping=0", "device=cpu"])
    job_id = backend.submit(config, name="watched")
    _until(lambda: backend.get(job_id).epoch > 2, "the training does not begin")
    curves = backend.get(job_id).run_dir / "curves"
    for number in range(runs):
        done = backend.store.add(replace(prepare(config, backend.store, name=f"before-{number}"), device="none"))
        backend.store.transition(done.id, JobState.CANCELLED)
        shutil.copytree(curves, done.run_dir / "curves")
    return job_id


def _measure(store: JobStore, job_id: str, seconds: float) -> tuple[float, float, float]:
    """Shares of a core: of the server with the page open and without, of the runner."""
    from playwright.sync_api import sync_playwright

    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser_path is None:
        raise SystemExit("no chromium found; install it to measure this")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true", "--server.port"]
    server = subprocess.Popen(
        [*command, address.rpartition(":")[2]],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"{address}/_stcore/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.goto(f"{address}/train?run={job_id}")
            page.wait_for_function(f"({_POINTS})() > 2", timeout=WAIT_MS)
            page.wait_for_timeout(5000)  # the first pictures of the page are no refresh
            before = page.evaluate(_POINTS)
            watched, runner = _share([server.pid, store.runner("cpu")[0]], lambda: page.wait_for_timeout(seconds * 1e3))
            if not page.evaluate(_POINTS) > before:
                raise SystemExit("the curves stood still: nothing was measured")
            page.close()
            browser.close()
        time.sleep(5)  # the session is put away
        (unwatched,) = _share([server.pid], lambda: time.sleep(seconds))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    return watched, unwatched, runner


def _share(pids: list[int], wait: Callable[[], object]) -> list[float]:
    """Shares of a core that processes take while something is waited for."""
    processes = [psutil.Process(pid) for pid in pids]
    since, before = time.perf_counter(), [_spent(one) for one in processes]
    wait()
    elapsed = time.perf_counter() - since
    return [(_spent(one) - first) / elapsed for one, first in zip(processes, before, strict=True)]


def _spent(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _until(condition: Callable[[], bool], words: str) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(words)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
