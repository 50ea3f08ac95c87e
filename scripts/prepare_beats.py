"""Prepare databases for the training of the beat network: python -m scripts.prepare_beats --data FOLDER --out FOLDER

Each database becomes one file below ``--out`` (about 400 MB in all; keep it outside the repository). What each says of
its beats and rhythms stands in the function that reads it. Recordings without beat annotations get the R peaks of the
detector that the analysis uses.
"""

from __future__ import annotations

import argparse
import ast
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecgviz.signals.r_peaks import detect_r_peaks
from models.config import load_config
from models.data import mitdb, ptbxl
from models.data.aami import AAMI_CLASSES, aami_classes
from models.data.beat_sets import BeatSequences, BeatSet, save_sequences, save_set
from models.data.beats import PreparedRecord
from models.data.fingerprint import Fingerprint, fingerprint
from models.data.rhythms import RHYTHM_CLASSES
from models.data.strips import as_bits
from models.metrics.beats import match_beats
from models.tasks import StripTask
from readers.core.lead_names import TWELVE_LEADS
from readers.wfdb.annotation_file import open_annotations

SVDB = (
    "Greenwald SD. Improved detection and classification of arrhythmias in noise-corrupted electrocardiograms using "
    "contextual information. MIT 1990."
)
CINC = (
    "Clifford GD et al. AF classification from a short single lead ECG recording: CinC Challenge 2017. CinC 44, 2017."
)
LTAF = (
    "Petrutiu S, Sahakian AV, Swiryn S. Abrupt changes in fibrillatory wave characteristics at the termination of "
    "paroxysmal atrial fibrillation in humans. Europace 9:466-470, 2007."
)
LTDB = "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000)."
ODC = "ODC-By 1.0"
_SINUS = {"SR", "SBRAD", "STACH", "SARRH"}
_RHYTHM_OF_CODE = dict.fromkeys(_SINUS, "N") | {
    "AFIB": "AFIB",
    "AFLT": "AFL",
    "PACE": "P",
    "BIGU": "B",
    "TRIGU": "T",
    "SVTAC": "SVTA",
    "PSVT": "SVTA",
}
_ECTOPIC = {"PVC", "PAC", "PRC(S)", "BIGU", "TRIGU", "SVARR", "PACE"}


@dataclass(frozen=True)
class Source:
    """One recording on its way into a set: ``allowed`` and ``rhythm`` hold for all of its beats, or one for each."""

    name: str
    side: str
    fs: float
    signal_mV: np.ndarray
    sample: np.ndarray | None
    allowed: np.ndarray | int
    rhythm: np.ndarray | int


def classes(*names: str) -> int:
    """A set of beat classes."""
    return sum(1 << AAMI_CLASSES.index(name) for name in names)


def rhythms(names: Iterable[str]) -> int:
    """A set of rhythms."""
    return sum(1 << RHYTHM_CLASSES.index(name) for name in set(names))


def annotated(root: Path, names: Sequence[str], task: StripTask) -> Iterator[Source]:
    """Records with beats (and rhythms) by hand, the task's leads; they are left out in turn."""
    for name in names:
        record = mitdb.load_record(root, name)
        choice = task.choose_leads(record.leads)
        rhythm = np.zeros(len(record.sample), np.int64) if record.rhythm is None else record.rhythm
        signal = record.signal_mV[:, choice.indices]
        sample = as_detected(signal, record.fs, record.sample)
        yield Source(name, "", record.fs, signal, sample, as_bits(record.label), rhythm)


def as_detected(signal_mV: np.ndarray, fs: float, sample: np.ndarray) -> np.ndarray:
    """Positions of reference beats as the analysis will find them; those that its detector misses stay, int64 (n,).

    Databases mark another point of the QRS: svdb's marks lie more than 10 ms beside the R peak in 49 of 66 records
    (docs/r_peaks.md), and a network that has learnt from them is asked at R peaks.
    """
    found = detect_r_peaks(lambda start, stop: signal_mV[start:stop], fs, len(signal_mV))
    to_found, _ = match_beats(sample / fs, found / fs)
    return np.where(to_found >= 0, found[to_found], sample) if len(found) else sample


def cinc2017(root: Path) -> Iterator[Source]:
    """Strips of a hand-held device. N: all beats N. A: AF, no S. O: any other rhythm, so not AF. Noisy: left out.

    Numbers that end in 0 validate, those that end in 1 or 2 test.
    """
    known = {
        "N": (classes("N"), rhythms(["N"])),
        "A": (classes("N", "V"), rhythms(["AFIB"])),
        "O": (0, rhythms(set(RHYTHM_CLASSES) - {"AFIB"})),
    }
    for row in csv.DictReader((root / "labels.csv").open()):
        if row["label"] in known:
            signal, fs, _ = ptbxl.read_wfdb(root / row["record"])
            last = int(row["record"][-1])
            side = "validation" if last == 0 else "test" if last < 3 else "train"
            yield Source(row["record"], side, fs, signal, None, *known[row["label"]])


def twelve_leads(root: Path, more: Path) -> Iterator[Source]:
    """PTB-XL, folder and array. Sinus rhythm without a statement of ectopic beats: all beats N, also wide ones."""
    seen = set()
    for row in csv.DictReader((root / ptbxl.TABLE).open()):
        path = root / row["filename_lr"]
        if not path.with_suffix(".hea").is_file():
            continue
        seen.add(int(row["ecg_id"]))
        codes = set(ast.literal_eval(row["scp_codes"])) | ({"PVC"} if row["extra_beats"].strip() else set())
        signal, fs, _ = ptbxl.read_wfdb(path)
        yield _statements(f"ptbxl {row['ecg_id']}", int(row["strat_fold"]), fs, signal, codes)
    with np.load(more / ptbxl.MORE_SIGNALS) as file:
        ids, signals = file["ecg_id"].tolist(), file["x"]
    for row in csv.DictReader((more / ptbxl.MORE_TABLE).open()):
        ecg_id = int(row["ecg_id"])
        if ecg_id not in seen:
            signal = signals[ids.index(ecg_id)].T.astype(np.float32) / 32 * 0.2
            codes = set(row["statements"].split(";"))
            yield _statements(f"ptbxl {ecg_id}", int(row["strat_fold"]), ptbxl.MORE_FS, signal, codes)


def _statements(name: str, fold: int, fs: float, signal: np.ndarray, codes: set[str]) -> Source:
    side = "test" if fold == 10 else "validation" if fold == 9 else "train"
    named = {_RHYTHM_OF_CODE[code] for code in codes if code in _RHYTHM_OF_CODE}
    rhythm = rhythms(named) if "SVARR" not in codes else 0
    ectopic = codes & _ECTOPIC
    if named == {"N"} and not ectopic:
        allowed = classes("N")
    elif named and named <= {"AFIB", "AFL"}:
        allowed = classes("N", "V")
    elif named == {"N"} and ectopic == {"PVC"}:
        allowed = classes("N", "V", "F")
    elif named == {"N"} and not ectopic & {"PVC", "BIGU", "TRIGU", "PACE"}:
        allowed = classes("N", "S")
    else:
        allowed = classes("N", "Q") if "PACE" in codes else 0
    return Source(name, side, fs, np.asarray(signal, np.float32), None, allowed, rhythm)


def prepared(source: Source, task: StripTask) -> tuple[PreparedRecord, Fingerprint]:
    """A recording as the training reads it: conditioned, with positions at the task's frequency."""
    conditioner = task.conditioner(source.fs)
    signal = source.signal_mV
    sample = source.sample
    if sample is None:
        lead = TWELVE_LEADS.index("II") if signal.shape[1] == len(TWELVE_LEADS) else 0
        sample = detect_r_peaks(lambda a, b: signal[a:b, lead], source.fs, len(signal))
    allowed = np.broadcast_to(np.asarray(source.allowed, np.int64), sample.shape)
    single = (allowed > 0) & (allowed & (allowed - 1) == 0)
    record = PreparedRecord(
        name=source.name,
        conditioned=conditioner.condition(lambda a, b: signal[a:b], len(signal), 0, conditioner.n_out(len(signal))),
        position=conditioner.beats(sample, len(signal)),
        label=np.where(single, np.log2(np.maximum(allowed, 1)).astype(np.int64), -1),
        rr=np.zeros((len(sample), 0), np.float32),
        pad=0,
        allowed=allowed,
        rhythm=np.broadcast_to(np.asarray(source.rhythm, np.int64), sample.shape),
    )
    return record, fingerprint(signal)


def make_set(name: str, sources: Iterable[Source], task: StripTask, licence: str, citation: str) -> BeatSet:
    """All recordings of a database that have beats."""
    records, sides, marks = [], [], []
    for source in sources:
        record, mark = prepared(source, task)
        if len(record.position):
            records.append(record)
            sides.append(source.side)
            marks.append(mark)
    return BeatSet(name, tuple(records), tuple(sides), tuple(marks), licence, citation)


def make_sequences(name: str, root: Path, task: StripTask, citation: str, sinus: bool) -> BeatSequences:
    """Beats and rhythms of day-long recordings without signals.

    Args:
        name: of the database.
        root: its folder.
        task: positions are given at its frequency.
        citation: of the database.
        sinus: whether a recording without rhythm notes says nothing (False), or its beats are used as they are (True).
    """
    position, allowed, rhythm, first = [], [], [], [0]
    for path in sorted(root.glob("*.atr")):
        file = open_annotations(path)
        marks = file.annotations
        label = aami_classes(marks.symbol)
        chosen = (label >= 0) & (label < AAMI_CLASSES.index("Q"))
        sample = marks.sample[chosen]
        found = mitdb.rhythm_sets(marks.sample, marks.symbol, marks.aux, sample)
        if found is None and not sinus:
            continue
        position.append(np.rint(sample / file.fs * task.fs_out).astype(np.int32))
        allowed.append(as_bits(label[chosen]).astype(np.uint8))
        rhythm.append((np.zeros(len(sample)) if found is None else found).astype(np.uint16))
        first.append(first[-1] + len(sample))
    joined = (np.concatenate(part) for part in (position, allowed, rhythm))
    return BeatSequences(name, *joined, np.array(first, np.int64), ODC, citation)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder that holds mitdb, svdb_more, cinc2017, ...")
    parser.add_argument("--out", type=Path, required=True, help="folder of the prepared sets")
    parser.add_argument("--config", default="beat_rhythm", help="configuration whose task they are made for")
    parser.add_argument("--only", nargs="*", help="names of the sets to make")
    arguments = parser.parse_args()
    task, data = load_config(arguments.config).task, arguments.data
    svdb = mitdb.list_records(data / "svdb_more")
    makers: dict[str, Callable[[], Path]] = {
        "mitdb": lambda: save_set(
            arguments.out,
            make_set("mitdb", annotated(data / "mitdb", mitdb.DS1, task), task, mitdb.LICENCE, mitdb.CITATION),
            task,
        ),
        "svdb": lambda: save_set(
            arguments.out, make_set("svdb", annotated(data / "svdb_more", svdb, task), task, ODC, SVDB), task
        ),
        "cinc2017": lambda: save_set(
            arguments.out, make_set("cinc2017", cinc2017(data / "cinc2017"), task, ODC, CINC), task
        ),
        "ptbxl": lambda: save_set(
            arguments.out,
            make_set("ptbxl", twelve_leads(data / "ptbxl", data / "ptbxl_more"), task, ptbxl.LICENCE, ptbxl.CITATION),
            task,
        ),
        "ltafdb": lambda: save_sequences(
            arguments.out, make_sequences("ltafdb", data / "ltafdb_beats", task, LTAF, sinus=False), task
        ),
        "ltdb": lambda: save_sequences(
            arguments.out, make_sequences("ltdb", data / "ltdb_beats", task, LTDB, sinus=True), task
        ),
    }
    for name, make in makers.items():
        if not arguments.only or name in arguments.only:
            path = make()
            print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
