"""R peak detectors against reference beats of four databases: found, missed, invented, how far off, how fast.

    python -m benchmarks.r_peaks --data FOLDER [--markdown FILE] [--others]

FOLDER holds ``mitdb``, ``svdb``, ``svdb_more`` and ``ludb`` as PhysioNet gives them (any but mitdb may be missing).
A peak is right within 150 ms of a reference beat, one to one. Of each record all counts, the first five minutes too;
what lies between the marks ``[`` and ``]`` of ventricular flutter or fibrillation does not (ANSI/AAMI EC57). A record
of LUDB counts from its first to its last annotated QRS. Intervals are 95% from resampling records. ``--others``
measures the detectors of other packages, too. The first line printed is the ratio of this project's CPU time (two
leads) to that of NeuroKit2's default on one (its ``ecg_clean`` and ``ecg_findpeaks``). CPU time, so that a busy
machine does not change it.
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
from models.data.ptbxl import read_wfdb
from readers.wfdb.annotation_file import open_annotations

BEATS = list("NLRejAaJSVEF/fQ")
TOLERANCE_S = 0.15
DS1 = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230"
DS2 = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234"
FOLDERS = ("mitdb", "svdb", "svdb_more", "ludb")
NEUROKIT_METHODS = ("neurokit", "pantompkins1985", "kalidas2017")
OWN_CLEANING = ("neurokit", "pantompkins1985")
OURS, UNIT = "ecgviz, two leads", "neurokit2 neurokit"
WORST = 10

HEADER = "| detector | Se % | +P % | missed | invented | median ms | SD ms | SD in a record ms | CPU s / 30 min |"


@dataclass(frozen=True)
class Record:
    """One record: samples (n, n_leads) with the lead that decides first, Hz, reference beats, stretches left out."""

    samples: np.ndarray
    fs: float
    beats: np.ndarray
    left_out: tuple[tuple[int, int], ...]


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
    parser.add_argument("--data", type=Path, required=True, help="folder with mitdb, svdb, svdb_more and ludb")
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    parser.add_argument("--others", action="store_true", help="the detectors of other packages, too")
    options = parser.parse_args()
    scores: dict[str, dict[str, dict[str, Score]]] = {}
    for folder in FOLDERS:
        records = dict(load_records(options.data / folder))
        for name, detect in detectors(options.others).items():
            scores.setdefault(name, {})[folder] = {r: score(detect, record) for r, record in records.items()}
    text = "\n".join([ratio(scores), "", *tables(scores), *worst(scores)])
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n", encoding="utf-8")


def load_records(folder: Path) -> Iterator[tuple[str, Record]]:
    """Name and content of each record in ``folder``; MLII or II is the lead that decides, else the first one."""
    for header in sorted(folder.glob("*.hea")):
        signal, fs, leads = read_wfdb(header.with_suffix(""))
        names = [name.lower() for name in leads]
        first = next((names.index(name) for name in ("mlii", "ii") if name in names), 0)
        second = names.index("v1") if "v1" in names and len(names) > 2 else 1 - first
        samples = signal[:, [first, second]]
        marks = open_annotations(header.with_suffix(".ii" if folder.name == "ludb" else ".atr")).annotations
        symbol = marks.symbol
        beats = marks.sample[np.isin(symbol, BEATS)]
        left_out = list(zip(marks.sample[symbol == "["], marks.sample[symbol == "]"], strict=True))
        if folder.name == "ludb":
            edge = round(TOLERANCE_S * fs)
            left_out = [(-1, beats[0] - edge), (beats[-1] + edge, len(samples))]
        yield header.stem, Record(samples, fs, beats, tuple(left_out))


def detectors(others: bool) -> dict[str, Callable[[np.ndarray, float], np.ndarray]]:
    """Name to function of (samples (n, n_leads), fs) to peaks. Packages are loaded here, outside the time taken."""
    import neurokit2 as nk

    def neurokit(method: str):
        cleaning = method if method in OWN_CLEANING else "neurokit"

        def detect(x, fs):
            clean = nk.ecg_clean(x[:, 0].astype(np.float64), sampling_rate=int(fs), method=cleaning)
            try:
                return nk.ecg_findpeaks(clean, sampling_rate=int(fs), method=method)["ECG_R_Peaks"]
            except (IndexError, ValueError):
                return []  # it found none

        return detect

    def ours(leads: int, method: str = "auto"):
        return lambda x, fs: detect_r_peaks(lambda start, stop: x[start:stop, :leads], fs, len(x), method=method)

    found = {OURS: ours(2), "ecgviz, one lead": ours(1), UNIT: neurokit("neurokit")}
    if not others:
        return found
    import sleepecg

    return found | {
        "ecgviz, sleepecg inside": ours(1, "sleepecg"),
        "ecgviz, neurokit inside": ours(1, "neurokit"),
        "sleepecg": lambda x, fs: sleepecg.detect_heartbeats(x[:, 0].astype(np.float64), fs),
        **{f"neurokit2 {method}": neurokit(method) for method in NEUROKIT_METHODS[1:]},
    }


def score(detect, record: Record) -> Score:
    """Run a detector on one record and match its peaks to the reference one to one within 150 ms."""
    started = time.process_time()
    peaks = np.asarray(detect(record.samples, record.fs), np.int64)
    seconds = (time.process_time() - started) * 1800 / (len(record.samples) / record.fs)
    pairs = match(peaks, record.beats, TOLERANCE_S * record.fs)
    error_ms = (peaks[pairs[:, 0]] - record.beats[pairs[:, 1]]) / record.fs * 1000
    counts = counted(record.beats[pairs[:, 1]], record)
    missed = counted(np.delete(record.beats, pairs[:, 1]), record)
    invented = counted(np.delete(peaks, pairs[:, 0]), record)
    return Score(int(counts.sum()), int(invented.sum()), int(missed.sum()), error_ms, seconds)


def counted(sample: np.ndarray, record: Record) -> np.ndarray:
    """Which of ``sample`` lie in no stretch that is left out, bool (n,)."""
    counts = np.ones(len(sample), bool)
    for start, stop in record.left_out:
        counts &= (sample <= start) | (sample >= stop)
    return counts


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
    more = sorted(scores[OURS]["svdb_more"])
    groups = (
        ("mitdb, all 48 records", "mitdb", None),
        ("mitdb DS1 (22 records, the choices were made here)", "mitdb", DS1.split()),
        ("mitdb DS2 (22 records)", "mitdb", DS2.split()),
        ("svdb (4 records, 128 Hz)", "svdb", None),
        ("svdb_more, all 66 records", "svdb_more", None),
        ("svdb_more, every second record from 802 on (33, the choices were made here)", "svdb_more", more[::2]),
        ("svdb_more, the other 33", "svdb_more", more[1::2]),
        ("ludb (120 records, 10 s, leads II and V1)", "ludb", None),
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


def worst(scores) -> Iterator[str]:
    """The records with the most errors of our detector, and those whose beats stand farthest from the reference."""
    for folder, by_record in scores[OURS].items():
        order = sorted(by_record.items(), key=lambda item: -item[1].missed - item[1].invented)
        told = [f"{name} ({s.missed} missed, {s.invented} invented)" for name, s in order if s.missed + s.invented]
        yield f"{folder}, worst records: {', '.join(told[:WORST]) or 'none has an error'}."
        medians = {name: float(np.median(s.error_ms)) for name, s in by_record.items() if len(s.error_ms)}
        far = sorted(medians.items(), key=lambda item: -abs(item[1]))[:3]
        if medians:
            yield (
                f"{folder}, median offset: {np.median(list(medians.values())):.1f} ms over the records; "
                f"{sum(abs(m) > 10 for m in medians.values())} of {len(medians)} beyond 10 ms, "
                f"the farthest {', '.join(f'{name} {m:+.0f} ms' for name, m in far)}."
            )


def line(detector: str, scores: list[Score]) -> str:
    found, invented, missed = (np.array([getattr(s, name) for s in scores]) for name in ("found", "invented", "missed"))
    resampled = np.random.default_rng(0).integers(0, len(scores), (2000, len(scores)))

    def percent(figure) -> str:
        low, high = np.percentile(figure(resampled), [2.5, 97.5])
        return f"{figure(np.arange(len(scores))[None])[0]:.2f} ({low:.2f}-{high:.2f})"

    error = np.concatenate([s.error_ms for s in scores])
    cells = [
        detector,
        percent(lambda k: 100 * found[k].sum(1) / np.maximum(found[k].sum(1) + missed[k].sum(1), 1)),
        percent(lambda k: 100 * found[k].sum(1) / np.maximum(found[k].sum(1) + invented[k].sum(1), 1)),
        str(missed.sum()),
        str(invented.sum()),
        f"{np.median(error):.1f}",
        f"{error.std():.1f}",
        f"{np.median([s.error_ms.std() for s in scores]):.1f}",
        f"{np.median([s.seconds for s in scores]):.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def ratio(scores) -> str:
    seconds = {name: np.median([s.seconds for s in scores[name]["mitdb"].values()]) for name in (OURS, UNIT)}
    ours, theirs = seconds.values()
    return (
        f"time of ecgviz / time of NeuroKit2 default = {ours / theirs:.2f} ({ours:.3f} s / {theirs:.3f} s per 30 min)"
    )


if __name__ == "__main__":
    main()
