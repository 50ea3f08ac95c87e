"""Zips of several result files."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from ecgviz.reports.annotations import write_annotations
from ecgviz.results import Beats
from readers.recording import Recording


def annotations_zip(beats: Beats, recording: Recording) -> bytes:
    """WFDB annotation file of a recording in a zip.

    Raises:
        EcgvizError: no beats, or classes without a WFDB symbol.
    """
    buffer = io.BytesIO()
    with (
        tempfile.TemporaryDirectory(prefix="ecgviz-") as folder,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        path = write_annotations(beats, Path(folder), recording.name)
        out.write(path, path.name)
    return buffer.getvalue()
