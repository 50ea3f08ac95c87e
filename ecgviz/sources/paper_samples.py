"""Sample photograph of an ECG on paper, made by code on first use.

It lies in the app's home afterwards, a file like any other photograph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecgviz.home import home_folder
from ecgviz.sources.samples import Sample, keep_sample, open_sample

_MADE = 1
"""Counts up when the photograph is made otherwise: that of an earlier installation is not taken for it."""
_PX_PER_MM, _FS, _SEED, _STRENGTH = 5.0, 250.0, 7, 0.6
_SAMPLE = Sample(
    "photographed-ecg",
    "Photographed ECG",
    "The 12-lead example at 25 mm/s and 10 mm/mV on paper, photographed askew under uneven light; drawn and "
    "photographed by code.",
    "photograph",
)


def list_samples() -> tuple[Sample, ...]:
    """All samples; their kind is "photograph"."""
    return (_SAMPLE,)


def sample_file(name: str) -> Path | None:
    """File of a sample, made if necessary; None for an unknown name.

    Raises:
        ReadError: the package with the recording is not installed, or there is no room to keep the photograph.
    """
    if name != _SAMPLE.name:
        return None
    file = home_folder() / "samples" / f"paper-v{_MADE}" / "12-lead ECG, photographed by code.jpg"
    if not file.is_file():
        keep_sample(name, file, _write)
    return file


def _photographed() -> np.ndarray:
    """The photograph, uint8 (h, w, 3)."""
    from models.data.ecg_paper import draw
    from models.data.ecg_scan import scanned
    from models.tasks.record import RecordTask

    recording = open_sample("dicom-12-lead")
    task = RecordTask(fs_out=_FS, segment_seconds=10, scaling="mV")
    conditioned = task.condition(recording.signal_mV(), recording.fs, list(recording.leads))
    page = draw(task.cut(conditioned, 0).numpy(), _FS, task.ecg_leads, _PX_PER_MM)
    return np.rint(scanned(page, _PX_PER_MM, _STRENGTH, np.random.default_rng(_SEED)) * 255).astype(np.uint8)


def _write(file: str) -> None:
    from PIL import Image

    Image.fromarray(_photographed()).save(file, format="JPEG", quality=90)
