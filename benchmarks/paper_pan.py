"""What the ECG paper sends for a day, and how smoothly it pans, in a real browser.

    python -m benchmarks.paper_pan --data FOLDER [--leads N] [--wait-for-beats]

Concatenates all WFDB records of FOLDER (48 of MIT-BIH are 24 h) into one recording, opens it in the app with Chromium
and pans the paper for two seconds by hand, twice: by drags on the paper, and by a drag along the row of the whole
recording below it. Printed are the bytes of the first picture (paper, tiles and beats, as they go over the network),
the frames a second, the longest frame, and what the page's script took for drawing one. ``--leads`` repeats the two
leads up to twelve.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.session_client import server
from readers import open_recording

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PAPER = "Object.values(window.__ecgvizPapers?.papers ?? {})[0]"
_COUNT = """() => {
  const seen = window.__frames = [];
  const next = (at) => { seen.push(at); window.__counting = requestAnimationFrame(next); };
  window.__counting = requestAnimationFrame(next);
  PAPER.frames.length = 0;
}""".replace("PAPER", PAPER)
_COUNTED = """() => {
  cancelAnimationFrame(window.__counting);
  return [window.__frames, PAPER.frames.map((one) => one[1])];
}""".replace("PAPER", PAPER)
NAMES = ("MLII", "V1", "II", "V2", "I", "V3", "III", "V4", "aVR", "V5", "aVL", "V6")
LIMIT_BYTES = 600_000


def write_day(data: Path, folder: Path, leads: int) -> None:
    """All records of a folder after one another as ``day``, in format 16."""
    n_samples = 0
    with (folder / "day.dat").open("wb") as stream:
        for header in sorted(data.glob("*.hea")):
            samples = np.rint(open_recording(header.with_suffix("")).signal_mV() * 200 + 1024).astype("<i2")
            np.tile(samples[:, :2], -(-leads // 2))[:, :leads].tofile(stream)
            n_samples += len(samples)
    lines = [f"day {leads} 360 {n_samples}"]
    lines += [f"day.dat 16 200(1024)/mV 11 1024 0 0 0 {name}" for name in NAMES[:leads]]
    (folder / "day.hea").write_text("\n".join(lines) + "\n")


def pan(page, seconds: float, canvas: str) -> tuple[np.ndarray, np.ndarray]:
    """Times of the frames, ms, while a canvas is dragged to and fro, and of each frame that was drawn what it took."""
    page.locator(canvas).scroll_into_view_if_needed()
    box = page.locator(canvas).bounding_box()
    y, left, right = (
        max(box["y"], 0) + min(box["height"] / 2, 100),
        box["x"] + 0.15 * box["width"],
        box["x"] + 0.85 * box["width"],
    )
    page.mouse.move(right, y)
    page.mouse.down()
    page.evaluate(_COUNT)
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        share = abs((passed / seconds * 2) % 2 - 1)
        page.mouse.move(left + (right - left) * share, y)
    frames, drawn = page.evaluate(_COUNTED)
    page.mouse.up()
    return np.diff(frames), np.array(drawn)


def told(name: str, gaps: np.ndarray, drawn: np.ndarray) -> str:
    """Of one pan."""
    return (
        f"{name}: {1000 * len(gaps) / gaps.sum():.0f} frames/s, longest {gaps.max():.0f} ms, 95th percentile "
        f"{np.percentile(gaps, 95):.0f} ms; drawing {np.median(drawn):.1f} ms, at most {drawn.max():.1f} ms"
    )


def measure(url: str, *, wait_for_beats: bool) -> bool:
    """Open, pan and print; whether the first picture is within its bytes."""
    from playwright.sync_api import sync_playwright

    chromium = next(path for path in CHROMIUM if Path(path).exists())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        page.set_default_timeout(3_600_000)
        page.goto(url)
        page.wait_for_timeout(2000)
        began = time.perf_counter()
        page.goto(f"{url}/holter?record=path:day&map=false&t=3600")
        page.wait_for_function(
            f"() => {{ const p = {PAPER}; return p?.s.paper && p.s.tiles.kept.size && !p.s.waiting; }}"
        )
        print(f"first picture after {time.perf_counter() - began:.1f} s")
        page.wait_for_timeout(1500)
        print(told("drag on the paper, beats not known", *pan(page, 2.0, "canvas.paper")))
        if wait_for_beats:
            page.wait_for_function(f"() => {PAPER}?.s.beats")
            print(f"beats after {time.perf_counter() - began:.0f} s: {page.evaluate(f'() => {PAPER}.s.beats.n')}")
            page.wait_for_timeout(8000)
            for name, canvas in (("drag on the paper", "canvas.paper"), ("drag along the day", "canvas.mini")):
                print(told(name, *pan(page, 2.0, canvas)))
                page.wait_for_timeout(4000)
            for _ in range(13):
                page.locator("[data-do=out]").click()
            page.wait_for_function(f"() => {PAPER}.s.tiles.get({PAPER}.s.paper.levels - 1, 0) && !{PAPER}.s.waiting")
            print(told("drag on the paper that shows the day", *pan(page, 2.0, "canvas.paper")))
        sent = page.evaluate("() => window.__ecgvizPapers.first")
        browser.close()
    whole = sum(sent.values())
    print(
        "first picture: "
        + ", ".join(f"{kind} {size / 1000:.0f} kB" for kind, size in sent.items())
        + f"; {whole / 1000:.0f} kB"
    )
    return whole <= LIMIT_BYTES


def main() -> None:
    """Print the figures; status 1 where the first picture is over its bytes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of WFDB records")
    parser.add_argument("--leads", type=int, default=2, choices=range(1, 13), help="leads of the recording (default 2)")
    parser.add_argument("--wait-for-beats", action="store_true", help="measure with the beats too, which takes minutes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_day(options.data, Path(folder), options.leads)
        (Path(folder) / "work").mkdir()
        with server(Path(folder) / "work", Path(folder)) as (url, _):
            if not measure(url, wait_for_beats=options.wait_for_beats):
                raise SystemExit(1)


if __name__ == "__main__":
    main()
