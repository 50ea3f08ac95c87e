"""Simulated annotated recordings for trying a training, written on first use."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgviz.home import home_folder
from ecgviz.sources.samples import simulate_holter

NAME = "simulated"
RECORDS = ("sim1", "sim2", "sim3", "sim4", "sim5")
_SECONDS = 300.0


def example_folder() -> Path:
    """Folder of the example."""
    return home_folder() / "examples" / NAME


def write_example() -> Path:
    """Write five simulated five-minute recordings with beats as WFDB files; returns their folder."""
    import wfdb

    folder = example_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for seed, name in enumerate(RECORDS, start=1):
        if (folder / f"{name}.atr").is_file():
            continue
        recording = simulate_holter(seconds=_SECONDS, seed=seed)
        wfdb.wrsamp(
            name,
            fs=recording.fs,
            units=["mV"] * len(recording.leads),
            sig_name=list(recording.leads),
            p_signal=recording.signal_mV().astype(np.float64),
            fmt=["16"] * len(recording.leads),
            write_dir=str(folder),
        )
        marks = recording.annotations
        wfdb.wrann(name, "atr", marks.sample, symbol=list(marks.symbol), write_dir=str(folder))
    return folder
