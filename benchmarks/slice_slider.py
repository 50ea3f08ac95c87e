"""What moving the slice slider of a long stack costs on the server, the slices' scores being known.

    python -m benchmarks.slice_slider [--slices N] [--size PX] [--moves N] [--checkpoint NAME]

A stack of simulated slices is written as one 16-bit TIFF and opened by its path in the real app under AppTest; when its
slices are scored and the first map is drawn, the slider and its buttons move. Each move is one full rerun; the map of
the new slice comes later, made in the background, as it does in the browser. Printed are the median and the 95th
percentile of the seconds of a rerun, and the largest figure; status 1 where the 95th percentile is over the limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 0.3
NAME = "stack.tif"


def write_stack(folder: Path, n_slices: int, size: int) -> None:
    """A stack of one simulated slice, each time turned a little and with noise of its own, so that none is like the
    other for the caches."""
    from scipy.ndimage import rotate
    from tifffile import TiffWriter

    from models.data.battery_ct_sim import simulated_stack

    base = simulated_stack(1, 3, "buckling", size).slices[0].astype(np.float32)
    rng = np.random.default_rng(0)
    turned = [rotate(base, angle, reshape=False, order=1) for angle in range(0, 40, 5)]
    with TiffWriter(folder / NAME) as file:
        for index in range(n_slices):
            noisy = turned[index % len(turned)] + rng.normal(0, 600, base.shape)
            file.write(np.clip(noisy, 0, 65535).astype(np.uint16), photometric="minisblack", metadata=None)


def open_app(checkpoint: str | None):
    """The app with the stack open, scored and its first map drawn."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=1200)
    app.run()
    app.session_state["picture"] = f"path:{NAME}"
    if checkpoint:
        app.query_params["network"] = checkpoint
    app.switch_page("pages/inspection/scan/page.py").run()
    while app.get("progress") or any("Making the map" in one.value for one in app.caption):
        time.sleep(0.5)
        app.run()
    if app.error or app.exception:
        raise SystemExit(f"the page failed: {[one.value for one in (*app.error, *app.exception)]}")
    return app


def move(app, moves: int, n_slices: int) -> tuple[np.ndarray, int]:
    """Seconds of each rerun, and the bytes of the largest figure that was sent."""
    rng = np.random.default_rng(1)
    seconds, largest = [], 0
    for number in range(moves):
        if number % 2:
            app.button(key="scan-slice_back" if app.button(key="scan-slice_on").disabled else "scan-slice_on").click()
        else:
            next(one for one in app.slider if one.label == "Slice").set_value(int(rng.integers(1, n_slices + 1)))
        started = time.perf_counter()
        app.run()
        seconds.append(time.perf_counter() - started)
        largest = max(largest, *(len(chart.proto.spec) for chart in app.get("plotly_chart")))
    return np.array(seconds[4:]), largest


def main() -> None:
    """Print the numbers; status 1 where the 95th percentile is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slices", type=int, default=500, help="slices of the stack (default 500)")
    parser.add_argument("--size", type=int, default=512, help="pixels along a side (default 512)")
    parser.add_argument("--moves", type=int, default=60, help="reruns to time (default 60)")
    parser.add_argument("--checkpoint", help="network to use; by default the page's own choice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"ECGVIZ_DATA_ROOTS": folder, "ECGVIZ_HOME": str(Path(folder, "home"))}
        write_stack(Path(folder), options.slices, options.size)
        app = open_app(options.checkpoint)
        seconds, largest = move(app, options.moves, options.slices)
    high = float(np.percentile(seconds, 95))
    print(
        f"{options.slices} slices of {options.size} x {options.size}: median {np.median(seconds):.3f} s, "
        f"95th percentile {high:.3f} s ({len(seconds)} moves), largest figure {largest / 1000:.0f} KB; "
        f"limit {LIMIT_S} s"
    )
    raise SystemExit(int(high > LIMIT_S))


if __name__ == "__main__":
    main()
