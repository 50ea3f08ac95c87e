"""A small data set of simulated records, for tests of training that need no download."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb

from ecgviz.readers.samples import simulate_holter


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
