"""Rate, PR, QRS and QT of resting ECGs against the annotated waves of LUDB, and against neurokit2's delineation.

python benchmarks/intervals.py --data FOLDER [--markdown FILE]

FOLDER/ludb holds records with one annotation file a lead. The reference of a record is the median over its leads of
the median over their annotated beats. Each error is one record's; the table gives mean and SD, as IEC 60601-2-25 does.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ecgviz.signals.intervals import measure_intervals
from ecgviz.signals.median_beat import median_beats
from readers import open_recording
from readers.recording import ArraySource, Recording
from readers.wfdb.annotation_file import open_annotations
from readers.wfdb.header import read_header

NAMES = ("rate /min", "PR ms", "QRS ms", "QT ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    folder = options.data / "ludb"
    records = sorted((path.with_suffix("") for path in folder.glob("*.hea")), key=lambda path: int(path.name))
    truth = {path.name: reference(path) for path in records}
    opened = {path.name: open_recording(path) for path in records}
    methods = {
        "ecgviz, all leads, 500 Hz": ours,
        "ecgviz, all leads, at 100 Hz": lambda one: ours(resampled(one, 100)),
        "neurokit2 dwt, lead II": lambda one: neurokit(one, ("II",)),
        "neurokit2 dwt, median of 12 leads": lambda one: neurokit(one, one.leads),
    }
    lines = ["| method | " + " | ".join(f"{name}: mean, SD (n)" for name in NAMES) + " | s a record |"]
    lines.append("|---|" + "---|" * (len(NAMES) + 1))
    for title, method in methods.items():
        started = time.process_time()
        found = np.array([method(opened[name]) for name in truth])
        seconds = (time.process_time() - started) / len(truth)
        error = found - np.array(list(truth.values()))
        lines.append(f"| {title} | " + " | ".join(_cell(column) for column in error.T) + f" | {seconds:.2f} |")
        print(lines[-1], flush=True)
    if options.markdown is not None:
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ours(recording: Recording) -> np.ndarray:
    """Rate, PR, QRS, QT as the 12-lead page shows them, NaN where none."""
    median = median_beats(recording)
    if median is None:
        return np.full(4, np.nan)
    found = measure_intervals(median)
    return np.array([found.rate, found.pr_ms, found.qrs_ms, found.qt_ms])


def neurokit(recording: Recording, leads: tuple[str, ...]) -> np.ndarray:
    """The same by neurokit2's wavelet delineation of each lead: the median over beats, then over leads."""
    import neurokit2 as nk

    rows = []
    fs = round(recording.fs)
    for lead in leads:
        x = recording.signal_mV(leads=[lead])[:, 0].astype(float)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                clean = nk.ecg_clean(x, sampling_rate=fs)
                peaks = nk.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"]
                _, waves = nk.ecg_delineate(clean, peaks, sampling_rate=fs, method="dwt")
            marks = np.array([waves[f"ECG_{key}"] for key in ("P_Onsets", "R_Onsets", "R_Offsets", "T_Offsets")], float)
        except (ValueError, IndexError, ZeroDivisionError):
            continue  # on some leads it fails, or gives lists of unequal length
        rows.append([60 * fs / np.median(np.diff(peaks)), *(1000 / fs * _spans(marks.T))])
    return _nanmedian(np.array(rows)) if rows else np.full(4, np.nan)


def reference(path: Path) -> np.ndarray:
    """Rate, PR, QRS, QT of the annotations: the median over leads of the median over beats."""
    rows = []
    header = read_header(path.with_name(f"{path.name}.hea"))
    for lead in (signal.name for signal in header.signals):
        beats, peaks = annotated(path, lead)
        if len(beats):
            rows.append([60 * header.fs / np.median(np.diff(peaks)), *(1000 / header.fs * _spans(beats))])
    return _nanmedian(np.array(rows))


def annotated(path: Path, lead: str) -> tuple[np.ndarray, np.ndarray]:
    """P onset, QRS onset, QRS end, T end of each beat of a lead in samples, NaN where not annotated; and its peaks."""
    marks = open_annotations(path.with_name(f"{path.name}.{lead}")).annotations
    waves = []
    for place, symbol in enumerate(marks.symbol):
        if symbol in "pNt":
            before = place > 0 and marks.symbol[place - 1] == "("
            after = place + 1 < len(marks.symbol) and marks.symbol[place + 1] == ")"
            onset = marks.sample[place - 1] if before else np.nan
            waves.append((symbol, onset, marks.sample[place], marks.sample[place + 1] if after else np.nan))
    beats, peaks = [], []
    for place, (symbol, onset, peak, end) in enumerate(waves):
        if symbol != "N":
            continue
        p = waves[place - 1][1] if place and waves[place - 1][0] == "p" else np.nan
        t = waves[place + 1][3] if place + 1 < len(waves) and waves[place + 1][0] == "t" else np.nan
        beats.append((p, onset, end, t))
        peaks.append(peak)
    return np.array(beats, float).reshape(-1, 4), np.array(peaks)


def resampled(recording: Recording, fs: int) -> Recording:
    """The recording at another sampling frequency."""
    samples = resample_poly(recording.signal_mV(), fs, round(recording.fs), axis=0)
    return replace(recording, fs=float(fs), n_samples=len(samples), source=ArraySource(samples))


def _spans(marks: np.ndarray) -> np.ndarray:
    """Medians of PR, QRS and QT over beats (n, 4)."""
    return _nanmedian(np.stack([marks[:, 1] - marks[:, 0], marks[:, 2] - marks[:, 1], marks[:, 3] - marks[:, 1]], 1))


def _nanmedian(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a column without any value
        return np.nanmedian(values, axis=0)


def _cell(error: np.ndarray) -> str:
    known = error[np.isfinite(error)]
    return f"{known.mean():+.1f}, {known.std(ddof=1):.1f} ({len(known)})"


if __name__ == "__main__":
    main()
