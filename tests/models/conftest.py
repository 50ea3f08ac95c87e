"""A small data set of simulated records, for tests of training that need no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgviz.sources.samples import simulate_holter
from tests.models.data.ptbxl_folder import write_ptbxl


def write_record(folder: Path, name: str, seconds: float, seed: int) -> None:
    """A simulated annotated recording as WFDB files."""
    recording = simulate_holter(seconds=seconds, seed=seed)
    wfdb.wrsamp(
        name,
        fs=recording.fs,
        units=["mV", "mV"],
        sig_name=list(recording.leads),
        p_signal=recording.signal_mV().astype(np.float64),
        fmt=["16", "16"],
        write_dir=str(folder),
    )
    marks = recording.annotations
    wfdb.wrann(name, "atr", marks.sample, symbol=list(marks.symbol), write_dir=str(folder))


@pytest.fixture(scope="session")
def simulated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three simulated records sim1, sim2, sim3 of two minutes with N, V and A beats."""
    folder = tmp_path_factory.mktemp("simulated")
    for seed in (1, 2, 3):
        write_record(folder, f"sim{seed}", 120.0, seed)
    return folder


def draw_picture(generator: np.random.Generator, defect: bool, side: int = 72) -> np.ndarray:
    """A noisy grey ring, uint8 (side, side); a defect is a bright blob on it."""
    rows, columns = np.mgrid[:side, :side] - side / 2
    ring = np.abs(np.hypot(rows, columns) - side / 3) < 6
    pixels = 60 + 60 * ring + generator.normal(0, 6, (side, side))
    if defect:
        angle = generator.uniform(0, 2 * np.pi)
        place = side / 3 * np.array([np.sin(angle), np.cos(angle)])
        pixels[np.hypot(rows - place[0], columns - place[1]) < 7] = 240
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def picture_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 120 small pictures of twelve cells with labels.csv: half of them with a bright blob."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    lines = ["file,label,group,mask,background,parameters"]
    for number in range(120):
        defect = number % 2 == 1
        name = f"p{number:03}.png"
        Image.fromarray(draw_picture(generator, defect)).save(folder / name)
        background = "real" if number % 3 == 0 else "simulated"
        lines.append(f'{name},{"defect" if defect else "normal"},cell{number // 10},,{background},"{{""a"": 1}}"')
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def ptbxl_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like PTB-XL: 60 simulated recordings of 100 Hz, and one without superclass."""
    return write_ptbxl(tmp_path_factory.mktemp("ptbxl"))
