"""How the default beat checkpoint does by origin of the recording, normal people first: a table of docs/results.md.

    python -m benchmarks.origins --data FOLDER            # some twenty minutes on two cores
    python -m benchmarks.origins --data FOLDER --only normal-ptbxl svdb

FOLDER holds ptbxl, ptbxl_more, cinc2017, ludb, svdb and mitdb. Every recording goes the way of a user's: opened by its
reader, beats detected, classified, rhythms decoded. No recording here was trained on. Intervals are 95%, from drawing
recordings again.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecgviz.analysis import analyse_beats
from ecgviz.results import Beats
from models import load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT, Checkpoint
from models.data import mitdb, ptbxl
from models.data.aami import AAMI_CLASSES, aami_classes
from models.metrics.beats import confusion, match_beats, scores
from models.metrics.resampling import metrics_with_intervals
from models.metrics.rhythms import reference_episodes, time_counts, time_scores
from models.postprocessing.rhythm_episodes import AF_CLASSES
from readers import open_recording
from readers.core.lead_names import TWELVE_LEADS
from readers.recording import ArraySource, Recording

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "results.md"
MARKER = "origins"
TEST_ENDINGS = "12"
"""Strips of CinC 2017 whose number ends so are no part of the training (scripts/prepare_beats.py)."""


@dataclass(frozen=True)
class Row:
    """One origin: what the recordings are, how many, and the metrics with their intervals."""

    name: str
    origin: str
    recordings: int
    beats: int
    metrics: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A recording with what is known of it: a group to draw by, and its annotations or label."""

    group: str
    recording: Recording
    label: str = ""


def normal_ptbxl(data: Path) -> Iterator[Case]:
    """Fold 10 of PTB-XL: statement NORM and sinus rhythm, nothing of ectopic beats."""
    seen = set()
    for row in csv.DictReader((data / "ptbxl" / ptbxl.TABLE).open()):
        path = data / "ptbxl" / row["filename_lr"]
        if not path.with_suffix(".hea").is_file():
            continue
        seen.add(row["ecg_id"])
        named = set(re.findall(r"'([^']+)'", row["scp_codes"]))
        if row["strat_fold"] == "10" and {"NORM", "SR"} <= named and not row["extra_beats"].strip():
            yield Case(row["patient_id"], open_recording(path))
    with np.load(data / "ptbxl_more" / ptbxl.MORE_SIGNALS) as file:
        ids, signals = file["ecg_id"].tolist(), file["x"]
    for row in csv.DictReader((data / "ptbxl_more" / ptbxl.MORE_TABLE).open()):
        named = set(row["statements"].split(";"))
        if row["strat_fold"] == "10" and {"NORM", "SR"} <= named and row["ecg_id"] not in seen:
            samples = signals[ids.index(int(row["ecg_id"]))].T.astype(np.float32) / 32
            yield Case(row["ecg_id"], of_array(f"ptbxl {row['ecg_id']}", samples, ptbxl.MORE_FS, TWELVE_LEADS))


def of_array(name: str, samples: np.ndarray, fs: float, leads: tuple[str, ...]) -> Recording:
    """A recording of samples (n, n_leads) without a unit."""
    return Recording(name, fs, len(samples), leads, ("unknown",) * len(leads), ArraySource(samples), "array")


def strips_2017(data: Path, labels: str) -> Iterator[Case]:
    """Strips of the CinC Challenge 2017 that were kept out of the training, by their label (N, A, O, ~)."""
    for row in csv.DictReader((data / "cinc2017" / "labels.csv").open()):
        letter = {"noisy": "~"}.get(row["label"], row["label"])
        if row["record"][-1] in TEST_ENDINGS and letter in labels:
            yield Case(row["record"], open_recording(data / "cinc2017" / row["record"]), letter)


def sinus_ludb(data: Path) -> Iterator[Case]:
    """LUDB's recordings in sinus rhythm whose diagnosis names no ectopic beat and no pacemaker."""
    for header in sorted((data / "ludb").glob("*.hea"), key=lambda path: int(path.stem)):
        comments = header.read_text(encoding="utf-8", errors="replace").lower()
        sinus = re.search(r"rhythm: sinus (rhythm|bradycardia|tachycardia|arrhythmia)", comments)
        if sinus and not re.search("extrasystol|pacemaker|pacing|ectopic", comments):
            yield Case(header.stem, open_recording(header.with_suffix("")))


def annotated(data: Path, names: Iterable[str], folder: str) -> Iterator[Case]:
    """Records with beats (and rhythms) by hand."""
    for name in names:
        yield Case(name, open_recording(data / folder / name))


def normal_row(name: str, origin: str, cases: Iterable[Case], answer: Callable[[Recording], Beats]) -> Row:
    """Share of N among the beats of people whom a cardiologist called normal."""
    groups, counts = [], []
    for case in cases:
        groups.append(case.group)
        counts.append(np.bincount(answer(case.recording).class_index, minlength=len(AAMI_CLASSES)))
    counts = np.array(counts)

    def metrics(chosen: np.ndarray) -> dict[str, float]:
        total = counts[chosen].sum(axis=0)
        all_beats = max(total.sum(), 1)
        return {"N": total[0] / all_beats, "S": total[1] / all_beats, "V": total[2] / all_beats}

    return Row(name, origin, len(groups), int(counts.sum()), metrics_with_intervals(metrics, groups)[1])


def beats_row(
    name: str, origin: str, cases: Iterable[Case], answer: Callable[[Recording], Beats], left_out: str = ""
) -> Row:
    """Sensitivity, positive predictivity and macro-F1 over N, S, V; missed and invented beats count."""
    n = len(AAMI_CLASSES)
    groups, counts = [], []
    for case in cases:
        if case.group == left_out:
            continue
        recording, marks = case.recording, case.recording.annotations
        label = aami_classes(marks.symbol)
        reference, label = marks.sample[label >= 0] / recording.fs, label[label >= 0]
        found = answer(recording)
        to_found, to_reference = match_beats(reference, found.time_s)
        predicted = np.where(to_found >= 0, found.class_index[to_found], -1)
        extra = found.class_index[to_reference < 0]
        counts.append(confusion(label, predicted, n) + confusion(np.full(len(extra), -1), extra, n))
        groups.append(case.group)
    stacked = np.stack(counts)
    wanted = ("S_se", "S_ppv", "V_se", "V_ppv", "macro_f1")

    def metrics(chosen: np.ndarray) -> dict[str, float]:
        found = scores(stacked[chosen].sum(axis=0), AAMI_CLASSES)
        return {key: found[key] for key in wanted}

    beats = int(stacked[:, :n].sum())
    return Row(name, origin, len(groups), beats, metrics_with_intervals(metrics, groups)[1])


def af_time_row(name: str, origin: str, cases: Iterable[Case], answer: Callable[[Recording], Beats]) -> Row:
    """Atrial fibrillation and flutter by time, against the rhythm notes of the annotation files."""
    groups, counts, beats = [], [], 0
    for case in cases:
        recording, marks = case.recording, case.recording.annotations
        reference = reference_episodes(marks.sample, marks.symbol, marks.aux, recording.fs, recording.duration_s)
        found = answer(recording)
        groups.append(case.group)
        counts.append(time_counts(reference, found.rhythms))
        beats += len(found)
    stacked = np.stack(counts)
    return Row(
        name,
        origin,
        len(groups),
        beats,
        metrics_with_intervals(lambda chosen: time_scores(stacked[chosen].sum(axis=0)), groups)[1],
    )


def af_strip_row(name: str, origin: str, cases: Iterable[Case], answer: Callable[[Recording], Beats]) -> Row:
    """Atrial fibrillation against all other strips, noisy ones too: it is said where AF holds for most of a strip."""
    groups, pairs, beats = [], [], 0
    for case in cases:
        found = answer(case.recording)
        af_s = sum(episode.duration_s for episode in found.rhythms if episode.label in AF_CLASSES)
        groups.append(case.group)
        pairs.append((case.label == "A", af_s > case.recording.duration_s / 2))
        beats += len(found)
    table = np.array(pairs)

    def metrics(chosen: np.ndarray) -> dict[str, float]:
        true, predicted = table[chosen].T
        hits = float((true & predicted).sum())
        total = float(true.sum() + predicted.sum())
        return {
            "F1": 2 * hits / total if total else float("nan"),
            "se": hits / true.sum() if true.any() else float("nan"),
            "sp": float((~true & ~predicted).sum() / (~true).sum()) if (~true).any() else float("nan"),
        }

    return Row(name, origin, len(groups), beats, metrics_with_intervals(metrics, groups)[1])


def rows(data: Path, checkpoint: Checkpoint) -> dict[str, Callable[[], Row]]:
    """Every row by its name, made when it is called."""

    def detected(recording: Recording) -> Beats:
        return analyse_beats(recording, checkpoint)

    def reference(recording: Recording) -> Beats:
        return analyse_beats(recording, checkpoint, positions="reference")

    ptb = "PTB-XL, NORM and SR, fold 10: resting ECG, 100 Hz, 10 s, 12 leads"
    hand = "CinC 2017: AliveCor, 300 Hz, 9-61 s, one lead"
    ludb = "LUDB, sinus rhythm: resting ECG, 500 Hz, 10 s, 12 leads"
    svdb = "svdb, four records: Holter, 128 Hz, 30 min, ECG1 and ECG2"
    ds2 = "MIT-BIH DS2: Holter, 360 Hz, 30 min, MLII and a chest lead"
    svdb_names = mitdb.list_records(data / "svdb")

    def of_ds2() -> Iterator[Case]:
        return annotated(data, mitdb.DS2, "mitdb")

    return {
        "normal-ptbxl": lambda: normal_row("normal-ptbxl", ptb, normal_ptbxl(data), detected),
        "normal-cinc2017": lambda: normal_row("normal-cinc2017", f"{hand}; label N", strips_2017(data, "N"), detected),
        "normal-ludb": lambda: normal_row("normal-ludb", ludb, sinus_ludb(data), detected),
        "svdb": lambda: beats_row("svdb", svdb, annotated(data, svdb_names, "svdb"), detected),
        "ds2": lambda: beats_row("ds2", f"{ds2}, detected", of_ds2(), detected),
        "ds2-reference": lambda: beats_row("ds2-reference", f"{ds2}, reference positions", of_ds2(), reference),
        "ds2-without-232": lambda: beats_row(
            "ds2-without-232", f"{ds2}, reference positions, without 232", of_ds2(), reference, "232"
        ),
        "af-ds2": lambda: af_time_row("af-ds2", f"{ds2}: AF by time", of_ds2(), detected),
        "af-cinc2017": lambda: af_strip_row(
            "af-cinc2017", f"{hand}: AF against the rest", strips_2017(data, "NAO~"), detected
        ),
    }


def table(found: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| origin of the recording | recordings | beats | metrics, % (95% interval) |", "|---|---|---|---|"]
    for row in found:
        cells = ", ".join(f"{name} {percent(metric)}" for name, metric in row.metrics.items())
        lines.append(f"| {row.origin} (`{row.name}`) | {row.recordings} | {row.beats:,} | {cells} |")
    return "\n".join(lines)


def percent(metric: dict[str, Any]) -> str:
    """A share in per cent with its interval; a dash where there is none."""
    if metric["value"] is None:
        return "-"
    low, high = metric["interval95"]
    interval = "" if low is None else f" ({100 * low:.1f}-{100 * high:.1f})"
    return f"{100 * metric['value']:.1f}{interval}"


def main() -> None:
    """Measure and print; ``--write`` puts the table into the document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--checkpoint", default=DEFAULT_BEAT_CHECKPOINT)
    parser.add_argument("--only", nargs="*", default=None, help="names of rows")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("--write", action="store_true", help="put the table into docs/results.md")
    options = parser.parse_args()
    found = []
    for name, make in rows(options.data, load_checkpoint(options.checkpoint)).items():
        if options.only is None or name in options.only:
            found.append(make())
            print(table(found[-1:]).splitlines()[-1], flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in found], indent=1) + "\n")
    if options.write:
        text = DOCUMENT.read_text(encoding="utf-8")
        pattern = rf"(<!-- {MARKER} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, lambda match: match[1] + table(found) + "\n" + match[2], text, flags=re.S)
        if not count:
            raise SystemExit(f"{DOCUMENT.name} has no place for the table {MARKER}")
        DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
