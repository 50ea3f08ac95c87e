"""The MIT-BIH Arrhythmia Database, and any other folder of WFDB records with beat annotations.

Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001).
Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000).

The split is the inter-patient one of de Chazal 2004. Records 201 and 202 are one patient who stands on both sides
of it, so figures on DS2 are also given without 202. Paced records are outside both, as EC57 asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.core.errors import ReadError
from models.data.aami import aami_classes
from models.data.fingerprint import Fingerprint, fingerprint
from models.data.rhythms import RHYTHM_CLASSES, rhythm_of_beats
from readers.core.decoding import decoding

if TYPE_CHECKING:
    import wfdb

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
LICENCE = "ODC-By 1.0"
CITATION = (
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng Med Biol 20(3):45-50 (2001). "
    "Goldberger AL et al. PhysioBank, PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000)."
)


@dataclass(frozen=True)
class BeatRecord:
    """One annotated record, decoded whole.

    Attributes:
        name: record name.
        fs: sampling frequency, Hz.
        leads: lead names as the header has them.
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
        """Length, s."""
        return len(self.signal_mV) / self.fs

    def fingerprint(self) -> Fingerprint:
        """What identifies the decoded samples, whatever file format they came in."""
        return fingerprint(self.signal_mV)


def are_mitdb(records: Sequence[BeatRecord]) -> bool:
    """Whether records are of the MIT-BIH Arrhythmia Database: by name, sampling frequency and length."""
    names = {*DS1, *DS2, *PACED}
    return all(record.name in names and record.fs == FS and record.n_samples == N_SAMPLES for record in records)


def list_records(root: str | Path, annotations: str = "atr") -> tuple[str, ...]:
    """Names of the records of a folder that have both a header and a beat annotation file, sorted."""
    root = Path(root)
    return tuple(sorted(path.stem for path in root.glob("*.hea") if path.with_suffix(f".{annotations}").is_file()))


def load_record(root: str | Path, name: str, annotations: str = "atr") -> BeatRecord:
    """Read one record and its beats.

    Raises:
        ReadError: the record, its signals or its annotations cannot be read.
    """
    import wfdb  # heavy, and needed only where data is read

    if not re.fullmatch(r"[\w.-]+", name):
        raise ReadError(name, "is not a record name; use the file name without its ending")
    path = Path(root) / name
    try:
        with decoding(name, "cannot be read as a WFDB record ({error}); download it again"):
            record = wfdb.rdrecord(str(path), return_res=32)
            marks = wfdb.rdann(str(path), annotations)
    except OSError as error:
        file = Path(str(error.filename or path)).name
        fault = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise ReadError(file, f"{fault}; the folder must hold {name}.hea, .dat and .{annotations}") from error
    label = aami_classes(np.asarray(marks.symbol))
    scale = float(record.fs) / float(marks.fs or record.fs)
    sample = np.round(np.asarray(marks.sample, dtype=np.float64) * scale).astype(np.int64)
    inside = (label >= 0) & (sample >= 0) & (sample < record.sig_len)
    return BeatRecord(
        name=name,
        fs=float(record.fs),
        leads=tuple(record.sig_name),
        signal_mV=np.asarray(record.p_signal, dtype=np.float32),
        sample=sample[inside],
        label=label[inside],
        rhythm=rhythm_sets(marks, np.asarray(marks.sample)[inside]),
    )


def rhythm_sets(marks: wfdb.Annotation, sample: np.ndarray) -> np.ndarray | None:
    """Rhythm of each beat as a set of one class, a bit each, int64 (n,); None where the file notes none.

    Args:
        marks: all annotations of a file.
        sample: beats, as sample numbers of the same file, (n,).
    """
    found = rhythm_of_beats(marks.sample, marks.symbol, marks.aux_note or [""] * len(marks.sample), sample)
    if not any(found):
        return None
    return np.array([0 if name is None else 1 << RHYTHM_CLASSES.index(name) for name in found], np.int64)


def load_records(root: str | Path, names: Sequence[str], annotations: str = "atr") -> list[BeatRecord]:
    """Read several records in the order given.

    Raises:
        ReadError: the folder or one of the records is missing or damaged.
    """
    root = Path(root)
    if not root.is_dir():
        raise ReadError(root, "is no folder; set data.root to the folder that holds the WFDB records")
    return [load_record(root, name, annotations) for name in names]
