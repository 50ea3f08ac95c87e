"""Which share of the leads of real recordings is taken for an ECG, doubted or refused, with and without their names.

    python -m benchmarks.channels --data ../shared/data

Prints a row for each database, and one for each kind of drawn signal that is no ECG.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from readers import open_recording
from readers.channels.kinds import DOUBTFUL, ECG, OTHER, judge
from readers.channels.signal import signal_evidence

FOLDERS = ("mitdb", "svdb", "svdb_more", "ptbxl", "ludb", "cinc", "cinc2017", "nstdb")
RATES = (50, 100, 250, 1000, 4000)
SECONDS, DRAWN = 30, 20


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the databases, each in its own")
    parser.add_argument("--every", type=int, default=1, help="take every so many of the records (default 1)")
    options = parser.parse_args()
    named: dict[str, Counter[str]] = defaultdict(Counter)
    bare: dict[str, Counter[str]] = defaultdict(Counter)
    for origin, header in _records(options.data, options.every):
        recording = open_recording(header)
        named[origin].update([*recording.kinds, *[OTHER] * len(recording.others)])
        evidence = signal_evidence(recording.signal_mV, recording.fs, recording.n_samples, len(recording.leads))
        bare[origin].update(judge([""], ["mV"], [one])[0].kind for one in evidence)
    for name, x, fs in _others():
        evidence = signal_evidence(lambda start, stop, x=x: x[start:stop, None], fs, len(x), 1)
        named[name].update(kind.kind for kind in judge(["ECG"], ["mV"], evidence))
        bare[name].update(kind.kind for kind in judge([""], ["mV"], evidence))
    print("| origin | leads | called ECG: taken / doubted / refused | without a name: taken / doubted / refused |")
    print("|---|---|---|---|")
    for origin, counts in named.items():
        print(f"| {origin} | {counts.total()} | {_shares(counts)} | {_shares(bare[origin])} |")


def _records(data: Path, every: int) -> Iterator[tuple[str, Path]]:
    """Origin and header of each record; the strips of the CinC Challenge 2017 by their label."""
    table = data / "cinc2017" / "labels.csv"
    labels = {row["record"]: row["label"] for row in csv.DictReader(table.open())} if table.is_file() else {}
    for folder in FOLDERS:
        for header in sorted((data / folder).rglob("*.hea"))[::every]:
            yield f"{folder} {labels.get(header.stem, '')}".strip(), header


def _others() -> Iterator[tuple[str, np.ndarray, float]]:
    """Name, samples and sampling frequency of signals that are no ECG: simulated by NeuroKit2, and drawn."""
    import neurokit2 as nk

    rng = np.random.default_rng(0)
    for fs in RATES:
        t = np.arange(SECONDS * fs) / fs
        for seed in range(DRAWN):
            more = {"sampling_rate": fs, "duration": 2 * SECONDS, "random_state": seed}
            if fs >= 100:
                yield "PPG (NeuroKit2)", nk.ppg_simulate(heart_rate=rng.uniform(50, 110), **more)[: len(t)], fs
                yield "EMG (NeuroKit2)", nk.emg_simulate(burst_number=8, **more)[: len(t)], fs
            yield "respiration (NeuroKit2)", nk.rsp_simulate(respiratory_rate=rng.uniform(8, 25), **more)[: len(t)], fs
            yield "arterial pressure", _pressure(t, rng.uniform(50, 110)), fs
            yield "EEG", _eeg(t, fs, rng), fs
            steps = sum(np.sin(2 * np.pi * 1.8 * k * t + rng.uniform(0, 6)) * rng.uniform(0.2, 1) for k in range(1, 6))
            yield "acceleration, walking", 9.8 + steps + 0.3 * rng.standard_normal(len(t)), fs
            yield (
                "acceleration, at rest",
                9.8 + 0.2 * np.sin(2 * np.pi * t / 4) + 0.02 * rng.standard_normal(len(t)),
                fs,
            )


def _pressure(t: np.ndarray, rate: float) -> np.ndarray:
    since = t % (60 / rate)
    wave = np.where(since < 0.08, np.sin(since / 0.08 * np.pi / 2), np.exp(-(since - 0.08) / 0.4))
    return 80 + 40 * wave + 4 * np.exp(-0.5 * ((since - 0.33) / 0.03) ** 2)


def _eeg(t: np.ndarray, fs: float, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(len(t))) / np.maximum(np.fft.rfftfreq(len(t), 1 / fs), 0.5) ** 0.5
    noise = np.fft.irfft(spectrum, len(t))
    return noise / noise.std() + 0.5 * np.sin(2 * np.pi * 10 * t) * np.sin(2 * np.pi * 0.3 * t)


def _shares(counts: Counter[str]) -> str:
    return " / ".join(f"{100 * counts[kind] / counts.total():.1f}%" for kind in (ECG, DOUBTFUL, OTHER))


if __name__ == "__main__":
    main()
