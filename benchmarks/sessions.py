"""Many people at once: sessions over the protocol, each on a recording of its own of half an hour.

    python -m benchmarks.sessions [--sessions N] [--moves N] [--pause S] [--data FOLDER]

Starts the app as a person does and lets one visitor in, so that its libraries are loaded. Then all sessions arrive in
the same second by a link to their recording, and each moves through it as soon as its beats are classified, while the
others are still analysed: a press of a button, and ``--pause`` seconds of reading after the page has come. The
recordings are those of ``--data`` that last that long (MIT-BIH records, say), and simulated ones where they do not
suffice.

Printed are failures; the seconds to the first page with the signal drawn and to the classified one; the seconds of a
move, from the press to the end of the rerun that has drawn the new view; and the largest resident memory of the server
with all its processes. Status 1 where a session failed or a limit was passed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

from benchmarks.session_client import Tab, server
from readers.wfdb.header import read_header

LIMIT_MOVE_S, LIMIT_PAGE_S, LIMIT_BYTES = 1.0, 10.0, 2e9
LENGTH_S = 1800.0
MOVES = ("ecg-on", "ecg-next_event", "ecg-on", "ecg-least_sure", "ecg-on", "ecg-back")
LONGEST_S = 100.0
SAME_VIEW_S = 5.0
PAPER = "holter-paper"


@dataclass
class Seen:
    """What one session saw.

    Attributes:
        first_s: from its arrival to the first page with the signal drawn.
        classified_s: from its arrival to the page with the beats counted.
        moves_s: of each move.
        fault: why it ended early, "" for well.
        auto_reruns: how often its page called for a part of itself by a timer.
    """

    first_s: float = float("nan")
    classified_s: float = float("nan")
    moves_s: list[float] = field(default_factory=list)
    fault: str = ""
    auto_reruns: int = 0


async def visit(url: str, record: str, moves: int, pause_s: float) -> Seen:
    """A session from its arrival to its last move."""
    seen, began = Seen(), time.perf_counter()
    try:
        async with Tab(url, "holter", f"record=path:{record}") as tab:
            try:
                await tab.until(lambda one: one.exceptions or (one.idle and one.components(PAPER)), LONGEST_S)
                seen.first_s = time.perf_counter() - began
                await tab.until(lambda one: one.exceptions or (one.idle and _classified(one)), LONGEST_S)
                seen.classified_s = time.perf_counter() - began
                for number, key in zip(range(moves), cycle(MOVES), strict=False):
                    if tab.exceptions:
                        break
                    await asyncio.sleep(pause_s * (0.5 + (number * 7 + len(record)) % 11 / 10))  # 0.5 to 1.5 of it
                    seen.moves_s.append(await move(tab, key))
            finally:
                seen.fault, seen.auto_reruns = " ".join(tab.exceptions), tab.auto_reruns
    except (ConnectionError, TimeoutError, KeyError) as error:
        stage = "the first page" if np.isnan(seen.first_s) else "the beats" if np.isnan(seen.classified_s) else "a move"
        seen.fault = seen.fault or f"{type(error).__name__} {error} while it waited for {stage}"
    return seen


async def move(tab: Tab, key: str) -> float:
    """Press a button, or the way on where that one rests; seconds until the run has ended that drew another view. The
    only event of a recording may be in view already: then it is the run."""
    before = tab.components(PAPER)
    key = key if tab.button(key) else "ecg-on" if tab.button("ecg-on") else "ecg-back"
    seconds = await tab.press(key, LONGEST_S)
    with contextlib.suppress(TimeoutError):
        seconds += await tab.until(lambda one: one.exceptions or one.components(PAPER) != before, SAME_VIEW_S)
    return seconds


def _classified(tab: Tab) -> bool:
    return tab.metrics().get("Beats", "–") != "–"


def write_recordings(folder: Path, number: int, seconds: float = LENGTH_S) -> list[str]:
    """Simulated two-lead recordings as WFDB records below a folder, each another; their names."""
    import wfdb

    from ecgviz.sources.samples import simulate_holter

    names = [f"simulated{place:02d}" for place in range(number)]
    for place, name in enumerate(names):
        made = simulate_holter(seconds, seed=100 + place)
        wfdb.wrsamp(
            name, made.fs, ["mV", "mV"], list(made.leads), made.signal_mV().astype(np.float64), fmt=["16", "16"],
            write_dir=str(folder), adc_gain=[1000.0, 1000.0], baseline=[0, 0],
        )  # fmt: skip
    return names


def link_recordings(folder: Path, data: Path, number: int) -> list[str]:
    """Links below a folder to WFDB records that last half an hour; their names."""
    names = []
    for header in sorted(data.glob("*.hea")):
        found = read_header(header)
        if len(names) < number and abs((found.n_frames or 0) / found.fs - LENGTH_S) < 60:
            for file in data.glob(f"{header.stem}.*"):
                (folder / file.name).write_bytes(file.read_bytes())
            names.append(header.stem)
    return names


async def peak_memory(pid: int, every_s: float = 0.25) -> int:
    """The largest resident memory of a process with its children, in bytes, until this is cancelled."""
    peak, process = 0, psutil.Process(pid)
    try:
        while True:
            with contextlib.suppress(psutil.NoSuchProcess):
                peak = max(peak, sum(one.memory_info().rss for one in (process, *process.children(recursive=True))))
            await asyncio.sleep(every_s)
    except asyncio.CancelledError:
        return peak


async def measure(url: str, pid: int, records: Sequence[str], moves: int, pause_s: float) -> tuple[list[Seen], int]:
    """All sessions at once; what each saw, and the peak of the memory."""
    async with Tab(url) as visitor:
        await visitor.until(lambda one: one.idle and one.finished, LONGEST_S)
    memory = asyncio.create_task(peak_memory(pid))
    seen = await asyncio.gather(*(visit(url, record, moves, pause_s) for record in records))
    memory.cancel()
    return list(seen), await memory


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=20, help="how many at once (default 20)")
    parser.add_argument("--moves", type=int, default=20, help="moves of each (default 20)")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between a person's moves (default 2)")
    parser.add_argument("--data", type=Path, help="folder of WFDB records")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "data")
        folder.mkdir()
        records = link_recordings(folder, options.data, options.sessions) if options.data else []
        records += write_recordings(folder, options.sessions - len(records))
        with server(Path(name), folder) as (url, process):
            began = os.times()
            seen, peak = asyncio.run(measure(url, process.pid, records, options.moves, options.pause))
            used = psutil.Process(process.pid).cpu_times()
        print(f"server: {used.user + used.system:.0f} s of a core; {os.times().elapsed - began.elapsed:.0f} s in all")
    raise SystemExit(report(seen, peak))


def report(seen: Sequence[Seen], peak: int) -> int:
    """Print what was seen; 1 where a session failed or a limit was passed, else 0."""
    for place, one in enumerate(seen):
        if one.fault:
            print(f"session {place} failed: {one.fault}")
    failures = sum(bool(one.fault) for one in seen)
    moves = np.array([second for one in seen for second in one.moves_s] or [np.nan])
    first, classified = (np.array([getattr(one, name) for one in seen]) for name in ("first_s", "classified_s"))
    p95 = float(np.percentile(moves, 95))
    print(
        f"{len(seen)} sessions: {failures} failures\n"
        f"first page: median {np.nanmedian(first):.1f} s, last {np.nanmax(first):.1f} s; "
        f"classified: median {np.nanmedian(classified):.1f} s, last {np.nanmax(classified):.1f} s\n"
        f"move: median {np.median(moves):.2f} s, 95th percentile {p95:.2f} s, longest {moves.max():.2f} s "
        f"({len(moves)} moves)\n"
        f"peak resident memory {peak / 1e9:.2f} GB; "
        f"{sum(one.auto_reruns for one in seen)} refreshes of parts of pages\n"
        f"limits: no failure, first page {LIMIT_PAGE_S:g} s in the median, a move {LIMIT_MOVE_S:g} s at the 95th "
        f"percentile, {LIMIT_BYTES / 1e9:g} GB"
    )
    held = not failures and p95 <= LIMIT_MOVE_S and np.nanmedian(first) <= LIMIT_PAGE_S and peak <= LIMIT_BYTES
    return int(not held)


if __name__ == "__main__":
    main()
