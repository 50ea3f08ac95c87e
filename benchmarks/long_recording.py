"""What a day costs beside half an hour.

    python -m benchmarks.long_recording --data FOLDER [--checkpoint NAME]

Concatenates all 48 MIT-BIH records of FOLDER into one recording of 24 h in a temporary folder and prints: the cost per
hour of analysing it to that of its 30 min parts (limit 1.2), and the peak memory of a process that does it (limit
1.5 GB).
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ecgviz.analysis import analyse_beats
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from readers import open_recording

SEAM_S = 1.0
PARTS = ("100", "119", "208", "213", "232")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of MIT-BIH records")
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT)
    options = parser.parse_args()
    checkpoint = load_checkpoint(options.checkpoint)
    with tempfile.TemporaryDirectory() as folder:
        day = write_day(options.data, Path(folder))

        def seconds_per_hour(path: Path) -> float:
            started = time.perf_counter()
            recording = open_recording(path)
            analyse_beats(recording, checkpoint)
            return (time.perf_counter() - started) / (recording.duration_s / 3600)

        seconds_per_hour(options.data / PARTS[0])
        before = [seconds_per_hour(options.data / name) for name in PARTS]
        whole = seconds_per_hour(day)
        after = [seconds_per_hour(options.data / name) for name in PARTS]
        part = float(np.median(before + after))
        print(f"cost per hour, 24 h / 30 min: {whole / part:.2f} ({whole:.2f} s against {part:.2f} s an hour)")
        command = [sys.executable, "-m", "ecgviz", "analyze", str(day), "--checkpoint", options.checkpoint]
        subprocess.run(command, check=True, capture_output=True)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
        print(f"peak memory of `python -m ecgviz analyze` on 24 h: {peak:.2f} GB")


def write_day(data: Path, folder: Path) -> Path:
    """All records of a folder after one another as one record in format 16; returns its path without ending.

    They are different people, so between two of them a second is missing: no RR interval, run or strip spans a seam.
    One that is there already is kept.
    """
    if (folder / "day.hea").is_file():
        return folder / "day"
    names = sorted(path.stem for path in data.glob("*.hea"))
    seam = np.full((round(SEAM_S * 360), 2), -(2**15), "<i2")  # WFDB's code for what is missing in format 16
    n_samples = 0
    with (folder / "day.dat").open("wb") as stream:
        for number, name in enumerate(names):
            samples = open_recording(data / name).signal_mV()
            whole = np.rint(samples * 200 + 1024).astype("<i2")  # as they stand in MIT-BIH's files
            for block in (seam, whole) if number else (whole,):
                block.tofile(stream)
                n_samples += len(block)
    lines = [
        f"day 2 360 {n_samples}",
        "day.dat 16 200(1024)/mV 11 1024 0 0 0 MLII",
        "day.dat 16 200(1024)/mV 11 1024 0 0 0 V1",
    ]
    (folder / "day.hea").write_text("\n".join(lines) + "\n")
    return folder / "day"


if __name__ == "__main__":
    main()
