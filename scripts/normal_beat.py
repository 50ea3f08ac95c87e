"""Make the median beat of normal recordings: python -m scripts.normal_beat --data FOLDER

FOLDER holds ptbxl and ptbxl_more. Of the recordings of folds 1 to 8, which networks are trained on, those that a
cardiologist called normal and nothing else; fold 9 and fold 10 are left out. Of each recording the median beat of every
lead, aligned at R, with ST and T as long as they would be at the RR interval that is the median of all; of these the
median. Recordings of ptbxl_more have lost their voltages and go into the beat in SD alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from ecgviz.saliency.normal_beat import FILE, T_FROM_S, stretch
from ecgviz.signals.median_beat import MedianBeats, median_beats
from models.config.record import RecordDataConfig
from models.core.files import write_file
from models.data import ptbxl
from models.data.whole_recordings import load_split, prepare
from models.tasks.record import SUPERCLASSES, RecordTask
from readers.recording import ArraySource, Recording

START_S, END_S = -0.3, 0.5
_NORMAL = tuple(int(name == "NORM") for name in SUPERCLASSES)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--out", type=Path, default=FILE)
    options = parser.parse_args(arguments)
    beats = {
        "mV": normal_beats(RecordTask(scaling="mV"), options.data / "ptbxl"),
        "zscore": normal_beats(RecordTask(), options.data / "ptbxl", options.data / "ptbxl_more"),
    }
    write_file(options.out, json.dumps(document(beats)) + "\n")
    return 0


def normal_beats(task: RecordTask, root: Path, more: Path | None = None) -> list[MedianBeats]:
    """Median beats of the normal training recordings, in the unit of the task's scaling."""
    split = load_split(RecordDataConfig(root=str(root), more=str(more or "")), task)
    found = []
    for signal in prepare([row for row in split.sides["train"] if row.target == _NORMAL], task).signals:
        samples = np.ascontiguousarray(task.scale(signal).T)
        leads = task.ecg_leads
        recording = Recording("", task.fs_out, len(samples), leads, ("mV",) * len(leads), ArraySource(samples), "array")
        median = median_beats(recording)
        if median is not None and median.rr_s > 0:
            found.append(median)
    return found


def document(beats: dict[str, list[MedianBeats]]) -> dict[str, object]:
    """The file's content: what it is, of what and how many it was made, and its samples."""
    rr_s = round(float(np.median([median.rr_s for median in beats["zscore"]])), 3)
    first = beats["zscore"][0]
    return {
        "source": "PTB-XL, recordings labelled NORM alone, folds 1 to 8",
        "count": {scaling: len(found) for scaling, found in beats.items()},
        "licence": ptbxl.LICENCE,
        "citation": ptbxl.CITATION,
        "fs": first.fs,
        "start_s": START_S,
        "rr_s": rr_s,
        "leads": list(first.leads),
        "samples": {
            scaling: np.round(np.nanmedian([aligned(one, rr_s) for one in found], axis=0), 4).tolist()
            for scaling, found in beats.items()
        },
    }


def aligned(median: MedianBeats, rr_s: float) -> np.ndarray:
    """A median beat from ``START_S`` to ``END_S`` as it would be at another RR interval, float64 (n_leads, n), NaN
    where it does not reach."""
    time_s = np.arange(round(START_S * median.fs), round(END_S * median.fs) + 1) / median.fs
    time_s = np.where(time_s > T_FROM_S, T_FROM_S + (time_s - T_FROM_S) * stretch(median.rr_s, rr_s), time_s)
    known_s = (np.arange(len(median.samples)) - median.r_sample) / median.fs
    return np.stack([np.interp(time_s, known_s, row, right=np.nan) for row in median.samples.T])


if __name__ == "__main__":
    sys.exit(main())
