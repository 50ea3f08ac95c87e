"""R peak detectors against the reference beats of MIT-BIH: found, missed, invented, how far off, how fast.

    python benchmarks/r_peaks.py --data FOLDER [--markdown FILE]

FOLDER holds ``mitdb`` and ``svdb`` as PhysioNet gives them (svdb may be missing). Every record counts in full, its
first five minutes and its ventricular flutter too. Intervals are 95% from resampling records. The first line
printed is the ratio of this project's CPU time to that of NeuroKit2's default on the same lead (its ``ecg_clean``
and ``ecg_findpeaks``). CPU time, so that a busy machine does not change it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ecgviz.signals.r_peaks import detect_r_peaks

BEATS = list("NLRejAaJSVEF/fQ")
TOLERANCE_S = 0.15
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
NEUROKIT_METHODS = ("neurokit", "pantompkins1985", "kalidas2017")
OWN_CLEANING = ("neurokit", "pantompkins1985")

HEADER = "| detector | Se % | +P % | F1 % | missed | invented | bias ms | SD ms | SD in a record ms | CPU s / 30 min |"


@dataclass(frozen=True)
class Score:
    """One detector on one record: counts, errors of the beats found (ms), CPU seconds for 30 minutes."""

    found: int
    invented: int
    missed: int
    error_ms: np.ndarray
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb and svdb")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    records = {folder: dict(load_records(arguments.data / folder)) for folder in ("mitdb", "svdb")}
    scores = {
        name: {folder: {r: score(detect, *record) for r, record in found.items()} for folder, found in records.items()}
        for name, detect in detectors().items()
    }
    text = "\n".join([ratio(scores), "", *tables(scores)])
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", encoding="utf-8")


def load_records(folder: Path) -> Iterator[tuple[str, tuple[np.ndarray, float, np.ndarray]]]:
    """Name, (samples of MLII or else of the first lead, fs, reference beats) of each record in ``folder``."""
    import wfdb

    for header in sorted(folder.glob("*.hea")):
        path = str(header.with_suffix(""))
        leads = wfdb.rdheader(path).sig_name
        record = wfdb.rdrecord(path, channels=[leads.index("MLII") if "MLII" in leads else 0])
        marks = wfdb.rdann(path, "atr")
        beats = marks.sample[np.isin(marks.symbol, BEATS)]
        yield header.stem, (record.p_signal[:, 0].astype(np.float32), float(record.fs), beats)


def detectors() -> dict[str, Callable[[np.ndarray, float], np.ndarray]]:
    """Name to function of (samples, fs) to peaks. Packages are loaded here, outside the time taken."""
    import neurokit2 as nk
    import sleepecg

    def neurokit(method: str):
        cleaning = method if method in OWN_CLEANING else "neurokit"

        def detect(x, fs):
            clean = nk.ecg_clean(x.astype(np.float64), sampling_rate=int(fs), method=cleaning)
            return nk.ecg_findpeaks(clean, sampling_rate=int(fs), method=method)["ECG_R_Peaks"]

        return detect

    def ours(method: str):
        return lambda x, fs: detect_r_peaks(lambda start, stop: x[start:stop], fs, len(x), method=method)

    return {
        "ecgviz (auto)": ours("auto"),
        "ecgviz, sleepecg inside": ours("sleepecg"),
        "ecgviz, neurokit inside": ours("neurokit"),
        "sleepecg": lambda x, fs: sleepecg.detect_heartbeats(x.astype(np.float64), fs),
        **{f"neurokit2 {method}": neurokit(method) for method in NEUROKIT_METHODS},
    }


def score(detect, x: np.ndarray, fs: float, beats: np.ndarray) -> Score:
    """Run a detector on one record and match its peaks to the reference one to one within 150 ms."""
    started = time.process_time()
    peaks = np.asarray(detect(x, fs), np.int64)
    seconds = (time.process_time() - started) * 1800 / (len(x) / fs)
    pairs = match(peaks, beats, TOLERANCE_S * fs)
    error_ms = (peaks[pairs[:, 0]] - beats[pairs[:, 1]]) / fs * 1000
    return Score(len(pairs), len(peaks) - len(pairs), len(beats) - len(pairs), error_ms, seconds)


def match(peaks: np.ndarray, beats: np.ndarray, tolerance: float) -> np.ndarray:
    """Pairs of neighbours (peak, beat), each used once and the nearer preferred, int (n, 2)."""
    pairs, i, j = [], 0, 0
    while i < len(peaks) and j < len(beats):
        apart = abs(peaks[i] - beats[j])
        if i + 1 < len(peaks) and abs(peaks[i + 1] - beats[j]) < apart:
            i += 1
        elif j + 1 < len(beats) and abs(peaks[i] - beats[j + 1]) < apart:
            j += 1
        else:
            if apart <= tolerance:
                pairs.append((i, j))
            i, j = i + 1, j + 1
    return np.asarray(pairs, np.int64).reshape(-1, 2)


def tables(scores) -> Iterator[str]:
    """Markdown: one table a group of records, one line a detector."""
    groups = (
        ("mitdb, all 48 records", "mitdb", None),
        ("mitdb DS1 (22 records, the choices were made here)", "mitdb", DS1.split()),
        ("mitdb DS2 (22 records)", "mitdb", DS2.split()),
        ("mitdb DS2 without 202", "mitdb", [r for r in DS2.split() if r != "202"]),
        ("svdb (first lead, 128 Hz)", "svdb", None),
    )
    for title, folder, names in groups:
        lines = []
        for detector, by_folder in scores.items():
            chosen = [s for name, s in by_folder[folder].items() if names is None or name in names]
            if chosen:
                lines.append(line(detector, chosen))
        if lines:
            yield f"### {title}: {sum(s.found + s.missed for s in chosen)} beats"
            yield ""
            yield HEADER
            yield "|---" * HEADER.count(" | ") + "|---|"
            yield from lines
            yield ""


def line(detector: str, scores: list[Score]) -> str:
    found, invented, missed = (np.array([getattr(s, name) for s in scores]) for name in ("found", "invented", "missed"))
    resampled = np.random.default_rng(0).integers(0, len(scores), (2000, len(scores)))

    def percent(figure) -> str:
        low, high = np.percentile(figure(resampled), [2.5, 97.5])
        return f"{figure(np.arange(len(scores))[None])[0]:.2f} ({low:.2f}-{high:.2f})"

    def f1(k):
        return 200 * found[k].sum(1) / (2 * found[k].sum(1) + invented[k].sum(1) + missed[k].sum(1))

    error = np.concatenate([s.error_ms for s in scores])
    cells = [
        detector,
        percent(lambda k: 100 * found[k].sum(1) / (found[k].sum(1) + missed[k].sum(1))),
        percent(lambda k: 100 * found[k].sum(1) / (found[k].sum(1) + invented[k].sum(1))),
        percent(f1),
        str(missed.sum()),
        str(invented.sum()),
        f"{error.mean():.1f}",
        f"{error.std():.1f}",
        f"{np.median([s.error_ms.std() for s in scores]):.1f}",
        f"{np.median([s.seconds for s in scores]):.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def ratio(scores) -> str:
    seconds = {
        name: np.median([s.seconds for s in scores[name]["mitdb"].values()])
        for name in ("ecgviz (auto)", "neurokit2 neurokit")
    }
    ours, theirs = seconds.values()
    return (
        f"time of ecgviz / time of NeuroKit2 default = {ours / theirs:.2f} ({ours:.3f} s / {theirs:.3f} s per 30 min)"
    )


if __name__ == "__main__":
    main()
