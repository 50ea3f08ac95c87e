"""Zips of several result files."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from ecgviz.reports.annotations import ORIGINAL, write_annotations
from ecgviz.results import Beats
from readers.recording import Recording


def annotations_zip(beats: Beats, recording: Recording, original: Beats | None = None) -> bytes:
    """WFDB annotation file of a recording in a zip; of edited beats with the network's ``original`` beside it.

    Raises:
        EcgvizError: no beats, or classes without a WFDB symbol.
    """
    buffer = io.BytesIO()
    with (
        tempfile.TemporaryDirectory(prefix="ecgviz-") as folder,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        paths = [write_annotations(beats, Path(folder), recording.name)]
        if original is not None and len(original):
            paths.append(write_annotations(original, Path(folder), recording.name, extension=ORIGINAL))
        for path in paths:
            out.write(path, path.name)
    return buffer.getvalue()
