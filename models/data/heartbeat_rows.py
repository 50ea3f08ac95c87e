"""Makes heartbeat CSV rows from annotated records, in the layout of :mod:`models.data.heartbeat_csv`.

Kachuee M et al. ECG Heartbeat Classification: A Deep Transferable Representation. ICHI 2018: one lead at 125 Hz, from
each R peak on 1.2 median RR intervals, scaled to 0 to 1, and zeros up to 187 samples. R peaks are the annotated ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TextIO

import numpy as np

from models.core.callbacks import Progress
from models.core.errors import ConfigError
from models.data import mitdb
from models.data.heartbeat_csv import FS, NAMES, TEST, TRAIN, WIDTH
from models.data.mitdb import BeatRecord

_SPAN = 1.2
"""Length of a beat in medians of the RR intervals around it (Kachuee 2018)."""
_SPAN_BEATS = 6


class Source(NamedTuple):
    """Records of one folder."""

    root: Path
    names: tuple[str, ...]


def source_of(text: str) -> Source:
    """Parse ``FOLDER`` (all its annotated records) or ``FOLDER=a,b,c`` (names of records or splits).

    Raises:
        ConfigError: no such folder or record.
    """
    folder, _, chosen = text.partition("=")
    there = mitdb.list_records(folder)
    wanted = [part.strip() for part in chosen.split(",") if part.strip()]
    names = tuple(name for part in wanted for name in mitdb.SPLITS.get(part, (part,))) or there
    missing = [name for name in names if name not in there]
    if missing or not names:
        raise ConfigError("records", f"{', '.join(missing) or 'none'} in {folder} (with .hea and .atr)")
    return Source(Path(folder), names)


def write_sides(
    folder: str | Path, train: Sequence[Source], test: Sequence[Source], *, progress: Progress | None = None
) -> Path:
    """Write both tables from whole records, each with a sidecar file that names the record of every row.

    Raises:
        ConfigError: a record on both sides.
        ReadError: a record that is missing or cannot be read.
    """
    folder = Path(folder)
    sides = [[(source.root, name) for source in side for name in source.names] for side in (train, test)]
    both = {name for _, name in sides[0]} & {name for _, name in sides[1]}
    if both:
        raise ConfigError("test", f"{', '.join(sorted(both))} would be trained on, too; patients must not cross")
    folder.mkdir(parents=True, exist_ok=True)
    done, total = 0, sum(map(len, sides))
    for table, side in zip((TRAIN, TEST), sides, strict=True):
        names = (folder / table).with_suffix(NAMES)
        with (folder / table).open("w", encoding="utf-8") as rows, names.open("w", encoding="utf-8") as records:
            for root, name in side:
                record = mitdb.load_record(root, name)
                _append(rows, cut_beats(record), record.label)
                records.write(f"{name}\n" * len(record.label))
                done += 1
                if progress is not None:
                    progress(done, total, name)
    return folder


def write_tables(
    folder: str | Path,
    root: str | Path,
    split: Literal["random", "patient"],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> Path:
    """Write both tables from MIT-BIH: a random fifth of the beats to test, or DS1 to train and DS2 to test.

    The record of each beat stands in ``.records.txt`` beside the tables; of the random split only for the test, since
    its training knows none.

    Raises:
        ReadError: a record that is missing or cannot be read.
    """
    root, folder = Path(root), Path(folder)
    if split == "patient":
        return write_sides(folder, [Source(root, mitdb.DS1)], [Source(root, mitdb.DS2)], progress=progress)
    folder.mkdir(parents=True, exist_ok=True)
    rows, labels, records = [], [], []
    names = (*mitdb.DS1, *mitdb.DS2)
    for number, name in enumerate(names):
        record = mitdb.load_record(root, name)
        rows.append(cut_beats(record))
        labels.append(record.label)
        records += [name] * len(record.label)
        if progress is not None:
            progress(number + 1, len(names), name)
    beats, label, names_of_beats = np.concatenate(rows), np.concatenate(labels), np.array(records)
    test = np.random.default_rng(seed).permutation(len(label)) % 5 == 0
    for name, side in ((TRAIN, ~test), (TEST, test)):
        with (folder / name).open("w", encoding="utf-8") as file:
            _append(file, beats[side], label[side])
    (folder / TEST).with_suffix(NAMES).write_text("\n".join(names_of_beats[test]) + "\n", encoding="utf-8")
    return folder


def cut_beats(record: BeatRecord) -> np.ndarray:
    """Rows of a record, float32 (n_beats, 187): 1.2 median RR intervals from each R peak on, scaled 0..1,
    zero-padded."""
    from scipy.signal import resample_poly  # loaded when a record is

    lead = record.leads.index("MLII") if "MLII" in record.leads else 0
    signal = np.nan_to_num(resample_poly(record.signal_mV[:, lead], int(FS), int(record.fs)))
    position = np.rint(record.sample * FS / record.fs).astype(np.int64)
    gap = np.diff(position, append=position[-1] + int(FS)) if len(position) else position
    rows = np.zeros((len(position), WIDTH), np.float32)
    for number, start in enumerate(position):
        around = gap[max(number - _SPAN_BEATS, 0) : number + _SPAN_BEATS]
        beat = signal[start : start + min(WIDTH, round(_SPAN * float(np.median(around))))]
        span = float(np.ptp(beat)) if len(beat) else 0.0
        if span > 0:
            rows[number, : len(beat)] = (beat - beat.min()) / span
    return rows


def _append(file: TextIO, beats: np.ndarray, label: np.ndarray) -> None:
    np.savetxt(file, np.column_stack([beats, label]), fmt="%.4g", delimiter=",")
