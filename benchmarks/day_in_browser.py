"""A day reviewed in a real browser: what each step of it takes, and that a kill of the server loses nothing.

    python -m benchmarks.day_in_browser --data FOLDER/mitdb [--edits N] [--keep FOLDER]

All MIT-BIH records one after another (24 h) are opened in the app as the README starts it, in Chromium: families are
relabelled by one key, N beats of the queue are edited by keys, the server is killed (SIGKILL) in the middle and started
again on the same home, one chosen edit is undone, the page is reloaded, a second tab edits and the first one is refused
until it has read it, the report is made and everything exported. Printed are the seconds of each step as the browser
shows it, the processor seconds of the server, and its memory; a step that loses or miscounts an edit ends the script.

Limits, on a machine of its own: an edit 0.3 s (median of those that are counted on the page), memory 1.2 GB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.long_recording import write_day
from tests.browser.conftest import BROWSER_ARGUMENTS, BROWSERS, ROOT, launch, wait_until_idle
from tests.browser.test_holter_review import MARK, click, events, metric, scope

WAIT_MS = 600_000
IDLE_S = 600.0
EDIT_S, MEMORY_GB = 0.3, 1.2
PICTURE = ".st-key-holter-paper .js-plotly-plot, .st-key-ecg-paper .js-plotly-plot, .js-plotly-plot"


class Server:
    """The app of one home, which is started again after a kill."""

    def __init__(self, home: Path, cache: Path):
        self.home, self.peak_gb, self.processor_s = home, 0.0, 0.0
        os.environ["ECGVIZ_DATA_ROOTS"] = str(cache)
        self.start()

    def start(self) -> None:
        self.process, self.url = launch(ROOT / "app.py", self.home)

    def measure(self) -> tuple[float, float]:
        """Memory now, GB, and processor seconds so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in status.splitlines() if " kB" in line}
        self.peak_gb = max(self.peak_gb, kilobytes["VmHWM"] * 1024 / 1e9)
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return kilobytes["VmRSS"] * 1024 / 1e9, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class Steps:
    """Prints what each step took."""

    def __init__(self, server: Server):
        self.server = server
        self.started, self.processor = time.perf_counter(), server.measure()[1]

    def begin(self) -> None:
        self.started, self.processor = time.perf_counter(), self.server.measure()[1]

    def done(self, what: str) -> None:
        memory, processor = self.server.measure()
        took = time.perf_counter() - self.started
        print(f"{what:52s} {took:8.2f} s {processor - self.processor:8.1f} s of processor {memory:6.2f} GB", flush=True)
        self.begin()


def first_view(page, url: str, steps: Steps) -> None:
    page.goto(f"{url}/holter?record=path:day.hea&tab=Review&map=false")
    page.locator(PICTURE).first.wait_for()
    steps.done("to the first picture")
    page.wait_for_function("() => /[0-9]/.test(document.querySelector('[data-testid=stMetricValue]')?.innerText || '')")
    steps.done("  from there to all beats classified")
    page.locator(MARK.format(scope("family", 0))).wait_for()
    steps.done("  from there to the families")
    wait_until_idle(page, IDLE_S)


def named(page, name: str) -> None:
    """Write the name that signs edits, and give the keys back to the page."""
    field = page.locator(f"{MARK.format(scope('reviewer'))} input")
    field.fill(name)
    field.press("Enter")
    wait_until_idle(page, IDLE_S)
    focus(page)


def focus(page) -> None:
    page.locator(".st-key-styled-panel p").first.click()


def in_log(page, home: Path, count: int) -> None:
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(events(home)) < count:
        if time.monotonic() > deadline:
            raise SystemExit(f"{len(events(home))} events in the log, not {count}")
        page.wait_for_timeout(20)
    found = [event.revision for event in events(home)]
    if found != list(range(1, count + 1)):
        raise SystemExit(f"the log has revisions {found[:3]} ... {found[-3:]}, not 1 to {count}")


def relabel_families(page, home: Path, steps: Steps) -> None:
    for place, key in ((1, "v"), (2, "s"), (3, "n")):
        before = len(events(home))
        click(page, "family", place)
        wait_until_idle(page, IDLE_S)
        steps.begin()
        page.keyboard.press(key)
        in_log(page, home, before + 1)
        wait_until_idle(page, IDLE_S)
        steps.done(f"family of {len(events(home)[-1].beats):,} beats relabelled, page at rest")
    page.keyboard.press("Escape")
    wait_until_idle(page, IDLE_S)


def edit_beats(page, home: Path, count: int, steps: Steps) -> np.ndarray:
    """Beat after beat of the queue relabelled; seconds from the key until the page counts it."""
    seconds = []
    for number in range(count):
        page.keyboard.press("w")
        wait_until_idle(page, IDLE_S)
        after = len(events(home)) + 1
        started = time.perf_counter()
        page.keyboard.press("nsvfq"[number % 5])
        page.locator(f"{MARK.format(scope('review_log'))}-{after}").wait_for(state="attached")
        seconds.append(time.perf_counter() - started)
        in_log(page, home, after)
    steps.done(f"{count} beats edited, each after W")
    return np.array(seconds)


def undo_chosen(page, home: Path, steps: Steps) -> None:
    """The third newest row of the log."""
    wait_until_idle(page, IDLE_S)
    last = len(events(home))
    table = page.locator(f"{MARK.format(scope('review_log'))}-{last} [data-testid=stDataFrame]")
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    steps.begin()
    page.mouse.click(box["x"] + 18, box["y"] + 35 * 3.5)
    wait_until_idle(page, IDLE_S)
    click(page, "log_undo")
    in_log(page, home, last + 1)
    event = events(home)[-1]
    if (event.kind, event.target) != ("undo", last - 2):
        raise SystemExit(f"{event.kind} of {getattr(event, 'target', None)}, not the undo of {last - 2}")
    wait_until_idle(page, IDLE_S)
    steps.done("one chosen edit undone, page at rest")


def second_tab(page, other, home: Path, steps: Steps) -> None:
    before = len(events(home))
    focus(other)
    other.keyboard.press("x")
    in_log(other, home, before + 1)
    focus(page)
    steps.begin()
    page.keyboard.press("n")
    page.get_by_text("edited this recording meanwhile").first.wait_for()
    wait_until_idle(page, IDLE_S)
    if len(events(home)) != before + 1:
        raise SystemExit("a tab with a stale revision has written")
    steps.done("a stale tab refused and shown as it is now")
    page.keyboard.press("n")
    in_log(page, home, before + 2)
    wait_until_idle(page, IDLE_S)


def report_and_exports(page, steps: Steps) -> None:
    steps.begin()
    click(page, "export")
    page.locator(MARK.format(scope("report"))).wait_for()
    steps.done("the export popover opens, with its files")
    click(page, "report")
    pdf = page.locator(f"{MARK.format(scope('report', 'pdf'))} button")
    pdf.wait_for()
    steps.done("to the report")
    for what in (("report", "pdf"), ("report", "json"), ("csv",), ("atr",), ("review_json",)):
        with page.expect_download() as download:
            click(page, *what)
        size = Path(download.value.path()).stat().st_size
        if size < 10_000:
            raise SystemExit(f"{download.value.suggested_filename} has {size} bytes")
        steps.done(f"{download.value.suggested_filename}, {size / 1e6:.1f} MB")
    page.keyboard.press("Escape")


def numbers(page, steps: Steps, home: Path) -> None:
    """The tab of the numbers, and one edit there: everything is counted anew."""
    click_tab(page, "Rhythm and numbers")
    page.get_by_text("ST level", exact=True).first.wait_for()
    wait_until_idle(page, IDLE_S)
    steps.done("rhythm and numbers: counts, HRV and ST level")
    before = len(events(home))
    focus(page)
    page.keyboard.press("v")
    in_log(page, home, before + 1)
    wait_until_idle(page, IDLE_S)
    page.get_by_text("ST level", exact=True).first.wait_for()
    steps.done("the same after an edit, page at rest")
    click_tab(page, "Review")


def click_tab(page, name: str) -> None:
    page.get_by_role("tab", name=name).click()
    wait_until_idle(page, IDLE_S)


def told(seconds: np.ndarray, what: str) -> None:
    middle, high = np.median(seconds), np.percentile(seconds, 95)
    print(f"{what}: median {middle:.2f} s, 95th percentile {high:.2f} s (limit {EDIT_S} s)", flush=True)


def review(browser, server: Server, edits: int) -> None:
    open_page: Callable = lambda: browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()  # noqa: E731
    page, steps = open_page(), Steps(server)
    page.set_default_timeout(WAIT_MS)
    first_view(page, server.url, steps)
    named(page, "A. Technician")
    relabel_families(page, server.home, steps)
    first = edit_beats(page, server.home, edits // 2, steps)
    told(first, "an edit, from key to count")

    page.keyboard.press("s")
    page.keyboard.press("v")
    page.wait_for_timeout(30)
    told_before = len(events(server.home))
    server.kill()
    kept = events(server.home)
    if len(kept) < told_before or [one.revision for one in kept] != list(range(1, len(kept) + 1)):
        raise SystemExit("the kill has lost something")
    print(f"killed: {len(kept)} edits in the log, none lost")
    page.context.close()
    server.start()
    page, steps = open_page(), Steps(server)
    page.set_default_timeout(WAIT_MS)
    first_view(page, server.url, steps)
    named(page, "A. Technician")
    second = edit_beats(page, server.home, edits - edits // 2, steps)
    told(second, "an edit, from key to count")
    undo_chosen(page, server.home, steps)

    shown = metric(page, "Decided"), metric(page, "Changed")
    steps.begin()
    page.reload()
    page.locator(MARK.format(scope("family", 0))).wait_for()
    wait_until_idle(page, IDLE_S)
    steps.done("reloaded, page at rest")
    if (metric(page, "Decided"), metric(page, "Changed")) != shown:
        raise SystemExit("the reload has lost something")
    named(page, "A. Technician")
    other = open_page()
    other.set_default_timeout(WAIT_MS)
    steps.begin()
    other.goto(f"{server.url}/holter?record=path:day.hea&tab=Review&map=false")
    other.locator(MARK.format(scope("family", 0))).wait_for()
    wait_until_idle(other, IDLE_S)
    steps.done("a second tab, at rest")
    named(other, "B. Doctor")
    second_tab(page, other, server.home, steps)
    other.context.close()
    numbers(page, steps, server.home)
    report_and_exports(page, steps)
    server.measure()
    print(f"memory of the server at its peak: {server.peak_gb:.2f} GB (limit {MEMORY_GB} GB)")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument(
        "--keep", type=Path, default=Path(tempfile.gettempdir()) / "ecgviz-day", help="of the recording"
    )
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    options.keep.mkdir(parents=True, exist_ok=True)
    write_day(options.data, options.keep)
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        raise SystemExit(f"no browser found (looked for {', '.join(BROWSERS)})")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home), options.keep)
        browser = playwright.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        try:
            review(browser, server, options.edits)
        finally:
            browser.close()
            if server.process.poll() is None:
                server.kill()


if __name__ == "__main__":
    main()
