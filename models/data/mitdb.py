"""The MIT-BIH Arrhythmia Database, and any other folder of WFDB records with beat annotations.

Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001).
Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000).

The split is the inter-patient one of de Chazal 2004. Records 201 and 202 are one patient who stands on both sides
of it, so metrics on DS2 are also given without 202. Paced records are outside both, as EC57 asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.core.errors import ReadError
from models.data.aami import aami_classes
from models.data.fingerprint import Fingerprint, fingerprint
from models.data.rhythms import RHYTHM_CLASSES, rhythm_of_beats
from readers import open_recording
from readers.recording import Recording

DS1 = tuple("101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 215 220 223 230".split())
DS2 = tuple("100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 231 232 233 234".split())
PACED = ("102", "104", "107", "217")
VALIDATION = ("114", "118", "124", "207", "223")
"""Whole DS1 records held out to choose by: three with S beats, four with V beats, one with swapped leads."""
SPLITS = {
    "train": tuple(record for record in DS1 if record not in VALIDATION),
    "validation": VALIDATION,
    "ds1": DS1,
    "test": DS2,
}
FS, N_SAMPLES = 360.0, 650_000
ANNOTATOR = "atr"
LICENCE = "ODC-By 1.0"
CITATION = (
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001). "
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000)."
)


@dataclass(frozen=True)
class BeatRecord:
    """One record with beat annotations, fully decoded.

    Attributes:
        name: record name.
        fs: sampling frequency, Hz.
        leads: names of the ECG leads as clinicians spell them.
        signal_mV: float32 (n_samples, n_leads), NaN in gaps.
        sample: R peaks of the annotation file, int64 (n_beats,), ascending.
        label: AAMI class index of each beat, int64 (n_beats,).
        rhythm: the rhythm that each beat lies in, as a set of one of RHYTHM_CLASSES (a bit each), int64 (n_beats,);
            0 where none is noted. None: the file notes no rhythms.
    """

    name: str
    fs: float
    leads: tuple[str, ...]
    signal_mV: np.ndarray
    sample: np.ndarray
    label: np.ndarray
    rhythm: np.ndarray | None = None

    @property
    def n_samples(self) -> int:
        return len(self.signal_mV)

    @property
    def duration_s(self) -> float:
        """Duration, s."""
        return len(self.signal_mV) / self.fs

    def fingerprint(self) -> Fingerprint:
        """Fingerprint of the decoded samples, independent of the file format."""
        return fingerprint(self.signal_mV)


def are_mitdb(records: Sequence[BeatRecord]) -> bool:
    """Whether records belong to the MIT-BIH Arrhythmia Database, by name, sampling frequency and length."""
    names = {*DS1, *DS2, *PACED}
    return all(record.name in names and record.fs == FS and record.n_samples == N_SAMPLES for record in records)


def list_records(root: str | Path) -> tuple[str, ...]:
    """Names of the records of a folder with a header and beat annotations, sorted."""
    root = Path(root)
    return tuple(sorted(path.stem for path in root.glob("*.hea") if path.with_suffix(f".{ANNOTATOR}").is_file()))


def open_record(root: str | Path, name: str) -> Recording:
    """A record with its reference annotations, as an analysis opens it: mV, ECG leads only, samples read lazily.

    Raises:
        ReadError: the record, its signals or its annotations cannot be read.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ReadError(name, "is not a record name; use the file name without its ending")
    header, marks = (Path(root) / f"{name}.{ending}" for ending in ("hea", ANNOTATOR))
    for file in (header, marks):
        if not file.is_file():
            raise ReadError(file, f"is missing; the folder must hold {header.name}, its signal files and {marks.name}")
    recording = open_recording(header)
    if recording.annotations is None or not recording.annotations.whole:
        raise ReadError(marks, "is damaged or truncated, so beats would be missing; download it again")
    return recording


def load_record(root: str | Path, name: str) -> BeatRecord:
    """Read one record and its beats.

    Raises:
        ReadError: as :func:`open_record`.
    """
    recording = open_record(root, name)
    marks = recording.annotations
    assert marks is not None
    label = aami_classes(marks.symbol)
    beats = label >= 0
    return BeatRecord(
        name=name,
        fs=recording.fs,
        leads=recording.leads,
        signal_mV=recording.signal_mV(),
        sample=marks.sample[beats],
        label=label[beats],
        rhythm=rhythm_sets(marks.sample, marks.symbol, marks.aux, marks.sample[beats]),
    )


def rhythm_sets(
    sample: np.ndarray, symbol: Sequence[str] | np.ndarray, aux: Sequence[str] | np.ndarray, peaks: np.ndarray
) -> np.ndarray | None:
    """Rhythm of each beat as a bit set with one bit, int64 (m,); None where the file annotates none.

    Args:
        sample, symbol, aux: all annotations of a file, as in :func:`models.data.rhythms.rhythm_changes`.
        peaks: beats, as sample numbers on the same time base, (m,).
    """
    found = rhythm_of_beats(sample, symbol, aux, peaks)
    if not any(found):
        return None
    return np.array([0 if name is None else 1 << RHYTHM_CLASSES.index(name) for name in found], np.int64)


def load_records(root: str | Path, names: Sequence[str]) -> list[BeatRecord]:
    """Read several records in the given order.

    Raises:
        ReadError: the folder or one of the records is missing or damaged.
    """
    root = Path(root)
    if not root.is_dir():
        raise ReadError(root, "is no folder; set data.root to the folder that holds the WFDB records")
    return [load_record(root, name) for name in names]
