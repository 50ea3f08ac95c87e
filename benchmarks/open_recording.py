"""What opening a 12-lead recording costs the server, as a multiple of the networks' forward passes and the figure.

    python -m benchmarks.open_recording --data FOLDER [--turns N] [--threads N]     # FOLDER: PTB-XL, or WFDB records

Each recording is opened once by its path in the real app under AppTest, as a visitor opens it: both shipped networks,
the map, the weights of the leads, the intervals. Timed is all until the page is finished, but for the test of the map,
which waits until the view is still. Whatever the networks read meanwhile is kept, the passes of the map and of the
weights among it, which are nearly all; then the same inputs go through the bare networks, and the page's figure is
built once more. At most 1.5 times these two together is the limit.

A second line gives the way to the labels and the drawn sheet alone, without the page, the map and the weights: reading
the file, the default network's labels, the figure; against the passes for the labels and the figure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from ecgviz.analysis.records import analyse_record
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_RECORD_CHECKPOINT
from models.networks.ecg.se_resnet1d import SEResNet1d
from models.networks.ecg.xresnet1d import XResNet1d
from readers import open_recording

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 1.5
WARM_UP = 2
Passes = list[tuple[nn.Module, torch.Tensor]]


@contextmanager
def passes_kept() -> Iterator[Passes]:
    """Every input of the shipped networks while this lasts, with the network that read it."""
    kept: Passes = []
    before = {kind: kind.forward_features for kind in (XResNet1d, SEResNet1d)}

    def keeping(kind: type[nn.Module]):
        def forward_features(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
            kept.append((network, x.detach()))
            return before[kind](network, x)

        return forward_features

    for kind in before:
        kind.forward_features = keeping(kind)
    try:
        yield kept
    finally:
        for kind, forward_features in before.items():
            kind.forward_features = forward_features


def opened(app, name: str) -> float:
    """Seconds from the choice of a recording to the finished page."""
    app.session_state["record"] = f"path:{name}"
    started = time.perf_counter()
    app.run()
    while any("Analysing" in one.value or "Measuring" in one.value for one in app.caption) or app.get("progress"):
        app.run()
    seconds = time.perf_counter() - started
    if app.error or app.exception or not app.get("plotly_chart"):
        raise SystemExit(f"{name}: the page failed: {[one.value for one in (*app.error, *app.exception)]}")
    return seconds


def bare(passes: Passes, build) -> tuple[float, float]:
    """Seconds of the same forward passes without the page, and of building the figure."""
    started = time.perf_counter()
    with torch.inference_mode():
        for network, x in passes:
            network(x)
    forward = time.perf_counter()
    build()
    return forward - started, time.perf_counter() - forward


def labels_alone(path: Path, checkpoint: Checkpoint, build) -> float:
    """Ratio of reading, labelling and drawing a recording to the bare passes for its labels and the drawing."""
    with passes_kept() as passes:
        started = time.perf_counter()
        analyse_record(open_recording(path), checkpoint)
        build()
        seconds = time.perf_counter() - started
    return seconds / sum(bare(passes, build))


def main(arguments: list[str] | None = None) -> int:
    """Print the ratio; status 1 where it is over the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_recording", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    names = [str(path.relative_to(options.data))[:-4] for path in sorted(options.data.rglob("*.hea"))]
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"ECGVIZ_DATA_ROOTS": str(options.data), "ECGVIZ_HOME": home}
        from streamlit.testing.v1 import AppTest

        from pages.ecg.twelve_lead import caching
        from pages.ecg.twelve_lead.paper import Sheet

        caching.STILLNESS_S = 3600.0  # the test of a map would run on while the next recording is opened

        sheets: list = []
        figure = Sheet.figure
        Sheet.figure = lambda sheet, theme, width: sheets.append((sheet, theme, width)) or figure(sheet, theme, width)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=600)
        app.run()
        app.session_state["record"] = f"path:{names[0]}"
        app.switch_page("pages/ecg/twelve_lead/page.py").run()
        checkpoint = load_checkpoint(DEFAULT_RECORD_CHECKPOINT)
        ratios, parts, alone = [], [], []
        for number, name in enumerate(names[1 : options.turns + WARM_UP + 1]):
            with passes_kept() as passes:
                page = opened(app, name)
            forward, built = bare(passes, lambda: figure(*sheets[-1]))
            if number >= WARM_UP:
                ratios.append(page / (forward + built))
                parts.append((page, forward, built, len(passes)))
                alone.append(labels_alone(options.data / name, checkpoint, lambda: figure(*sheets[-1])))
    page, forward, built, count = (statistics.median(part) for part in zip(*parts, strict=True))
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    print(
        f"{middle:.2f} ({low:.2f}-{high:.2f}; {page:.3f} s against {forward:.3f} s of {count:.0f} forward calls and "
        f"{built:.3f} s of the figure, {len(ratios)} recordings); limit {LIMIT}"
    )
    low, among, high = statistics.quantiles(alone, n=4, method="inclusive")
    print(f"labels and sheet alone: {among:.2f} ({low:.2f}-{high:.2f})")
    return int(middle > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
