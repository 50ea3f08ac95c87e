"""What moving the view of a long recording costs on the server.

    python -m benchmarks.page_rerun [--hours H] [--moves N]

A simulated recording is written to disk and opened by its path in the real app under AppTest; then the view is moved by
button and jump. Each move is one full rerun with the map of the new beat; nothing is left out. Printed are the
median and the 95th percentile of the seconds of a rerun, the same for half an hour, their ratio, the largest figure.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PIECE_S = 1800.0
LIMIT_S = 0.3


def write_recording(folder: Path, name: str, hours: float) -> None:
    """A two-lead recording of this length as a WFDB record, made of repeats of half an hour."""
    import wfdb

    from ecgviz.sources.samples import simulate_holter

    piece = simulate_holter(min(PIECE_S, hours * 3600))
    samples = np.tile(piece.signal_mV(), (max(round(hours * 3600 / PIECE_S), 1), 1)).astype(np.float64)
    wfdb.wrsamp(
        name, piece.fs, ["mV", "mV"], list(piece.leads), samples, fmt=["16", "16"], write_dir=str(folder),
        adc_gain=[1000.0, 1000.0], baseline=[0, 0],
    )  # fmt: skip


def open_app(name: str):
    """The app with the recording open, analysed and its first map drawn."""
    import streamlit as st
    from streamlit.testing.v1 import AppTest

    st.cache_resource.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=1200)
    app.run()
    app.session_state["record"] = f"path:{name}"
    app.session_state["parts-jump_to_first"] = True
    app.switch_page("pages/ecg/holter/page.py").run()
    while app.get("progress"):
        time.sleep(0.5)
        app.run()
    if app.error or app.exception:
        raise SystemExit(f"the page failed: {[one.value for one in (*app.error, *app.exception)]}")
    return app


def move(app, moves: int) -> tuple[np.ndarray, int, str]:
    """Seconds of each rerun, the bytes of the largest figure that was sent, and the slowest kind of move."""
    keys = ["ecg-next-V", "ecg-on", "ecg-next_event", "ecg-on", "ecg-next-S", "ecg-back", "ecg-least_sure"]
    seconds, largest = [], 0
    for number in range(moves):
        app.button(key=keys[number % len(keys)]).click()
        started = time.perf_counter()
        app.run()
        seconds.append(time.perf_counter() - started)
        sent = [len(chart.proto.spec) for chart in app.get("plotly_chart")]
        sent += [len(component.proto.bytes) for component in app.get("bidi_component")]
        largest = max(largest, *sent)
    kinds = {key: np.median(seconds[len(keys) :][keys.index(key) :: len(keys)]) for key in keys}
    slowest = max(kinds, key=kinds.get)
    return np.array(seconds[len(keys) :]), largest, f"{slowest.strip('_')} {kinds[slowest]:.3f} s"


def main() -> None:
    """Print the numbers; status 1 where the 95th percentile is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0, help="length of the recording (default 24)")
    parser.add_argument("--moves", type=int, default=70, help="reruns to time (default 70)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ECGVIZ_DATA_ROOTS": folder, "ECGVIZ_HOME": str(Path(folder, "home"))}
        found = {}
        for name, hours in (("half", 0.5), ("whole", options.hours)):
            write_recording(Path(folder), name, hours)
            app = open_app(name)
            seconds, largest, slowest = move(app, options.moves)
            found[name] = float(np.percentile(seconds, 95))
            print(
                f"{hours:g} h: median {np.median(seconds):.3f} s, 95th percentile {found[name]:.3f} s, "
                f"largest figure {largest / 1000:.0f} KB, slowest kind {slowest} ({len(seconds)} moves)"
            )
    print(f"{options.hours:g} h / 0.5 h: {found['whole'] / found['half']:.2f}; limit {LIMIT_S} s")
    raise SystemExit(int(found["whole"] > LIMIT_S))


if __name__ == "__main__":
    main()
