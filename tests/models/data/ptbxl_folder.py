"""Folders like PTB-XL and like the 8-lead document's, with simulated recordings, for tests that need no download."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import wfdb

from models.tasks.record import SUPERCLASSES

NAMES = ["I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"]
_FOLDERS = {"lr": "records100", "hr": "records500"}
CODES = {"NORM": "NORM", "MI": "IMI", "STTC": "NDT", "CD": "CLBBB", "HYP": "LVH"}


def simulate(labels: tuple[int, ...], seed: int, seconds: float = 10.0, fs: float = 100.0) -> np.ndarray:
    """Twelve leads in mV, float64 (n, 12), that obey Einthoven; each label changes the shape of some leads."""
    generator = np.random.default_rng(seed)
    time = np.arange(round(seconds * fs)) / fs
    beats = np.cumsum(generator.normal(0.8, 0.03, 40)) - 0.5

    def wave(at: float, width: float) -> np.ndarray:
        return np.exp(-0.5 * ((time[:, None] - beats - at) / width) ** 2).sum(axis=1)

    _, mi, sttc, cd, hyp = labels
    r, t = wave(0, 0.05 if cd else 0.02), wave(0.25, 0.05) * (-1 if sttc else 1)
    q = wave(-0.06, 0.03) * (0.8 if mi else 0.05)
    size = 2.0 if hyp else 1.0
    one = size * 0.7 * r + 0.2 * t - q
    two = r + 0.3 * t - 0.5 * q
    late = (0.9 if mi else 0.1) * wave(0.05, 0.02)
    chest = [size * weight * r + 0.3 * t - late for weight in (-0.6, -0.3, 0.4, 1, 1, 0.8)]
    signal = np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *chest], axis=1)
    return signal + 0.02 * generator.standard_normal(signal.shape) + 0.1 * np.sin(2 * np.pi * 0.2 * time)[:, None]


def labels_of(number: int) -> tuple[int, ...]:
    """Superclasses of recording ``number``: each in turn, now and then two."""
    found = [int(place == number % 5) for place in range(5)]
    if number % 7 == 3 and not found[0]:
        found[1 + (number + 2) % 4] = 1
    return tuple(found)


def write_ptbxl(folder: Path, count: int = 60, *, fs: float = 100.0) -> Path:
    """Recordings 1 to ``count`` of two a patient, in ten folds, and one more without superclass."""
    end = "lr" if fs == 100 else "hr"
    place = folder / _FOLDERS[end] / "00000"
    place.mkdir(parents=True)
    rows = []
    for number in range(1, count + 2):
        labels = labels_of(number) if number <= count else (0,) * 5
        wfdb.wrsamp(
            f"{number:05}_{end}", fs=fs, units=["mV"] * 12, sig_name=NAMES, p_signal=simulate(labels, number, fs=fs),
            fmt=["16"] * 12, write_dir=str(place),
        )  # fmt: skip
        codes = {CODES[name]: 100.0 for name, there in zip(SUPERCLASSES, labels, strict=True) if there} | {"SR": 0.0}
        patient = number // 2
        files = {f"filename_{end}": f"{sub}/00000/{number:05}_{end}" for end, sub in _FOLDERS.items()}
        fold = {"strat_fold": patient % 10 + 1}
        rows.append({"ecg_id": number, "patient_id": f"{patient}.0", "scp_codes": str(codes)} | fold | files)
    _write_csv(folder / "ptbxl_database.csv", rows)
    statements = [{"": code, "diagnostic": "1.0", "diagnostic_class": name} for name, code in CODES.items()]
    _write_csv(folder / "scp_statements.csv", [*statements, {"": "SR", "diagnostic": "", "diagnostic_class": ""}])
    return folder


def write_more(folder: Path, ids: list[int], labels: list[tuple[int, ...]] | None = None) -> Path:
    """Further recordings in one array, each lead scaled to mean 0 and SD 1."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = labels or [labels_of(number) for number in ids]
    signals = np.stack([simulate(one, number) for number, one in zip(ids, labels, strict=True)]).transpose(0, 2, 1)
    scaled = (signals - signals.mean(axis=2, keepdims=True)) / signals.std(axis=2, keepdims=True)
    np.savez(folder / "signals_100hz.npz", ecg_id=np.array(ids, np.int32), x=np.rint(scaled * 32).astype(np.int16))
    rows = [
        {"ecg_id": number, "strat_fold": number % 10 + 1} | dict(zip(SUPERCLASSES, one, strict=True))
        for number, one in zip(ids, labels, strict=True)
    ]
    _write_csv(folder / "labels.csv", rows)
    return folder


def write_arrays(root: Path) -> Path:
    """The layout of the 8-lead document: eight arrays, of which train/normal/3.npy is too short for a window."""
    eight = [0, 1, 6, 7, 8, 9, 10, 11]
    for number, (folder, samples) in enumerate(
        [("train/normal", 5000), ("train/abnormal", 4950), ("train/abnormal", 6000), ("train/normal", 4000),
         ("val/normal", 5000), ("val/abnormal", 5000), ("test/normal", 5000), ("test/abnormal", 5000)]
    ):  # fmt: skip
        (root / folder).mkdir(parents=True, exist_ok=True)
        labels = (0, 1, 0, 0, 0) if "abnormal" in folder else (1, 0, 0, 0, 0)
        array = simulate(labels, number, seconds=samples / 500, fs=500)[:, eight].astype(np.float32)
        np.save(root / folder / f"{number}.npy", array if number % 2 else array.T)
    return root


def _write_csv(file: Path, rows: list[dict]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
