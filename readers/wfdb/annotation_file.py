"""An annotation file by itself: compared with another one it needs no signals, only a time base."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from readers.core.errors import ReadError
from readers.recording import Annotations
from readers.request import FileSet, check_fs
from readers.wfdb.annotations import read_annotations, time_base
from readers.wfdb.header import read_header

NO_FILE = "there is no such annotation file; check its name and extension."
_ANY_SAMPLE = 2**48


@dataclass(frozen=True)
class AnnotationFile:
    """Annotations with their time base.

    Attributes:
        name: of the record: the file's name without its extension.
        annotations: the marks; their samples count at ``fs``, also those behind the end of the record.
        fs: of the record where its header is there, else of the file itself, Hz.
        n_samples: length of the record at ``fs``; None where no header says so.
        warnings: sentences about the file.
    """

    name: str
    annotations: Annotations
    fs: float
    n_samples: int | None
    warnings: tuple[str, ...] = ()


def open_annotations(path: Path, fs: float | None = None) -> AnnotationFile:
    """Read an annotation file in MIT format, with the header beside it where there is one.

    Args:
        path: the annotation file.
        fs: Hz of its times, where neither a header nor the file itself says so.

    Raises:
        ReadError: there is no such file, it holds no annotations, or nothing says what its times count.
    """
    if not path.is_file():
        raise ReadError(path, NO_FILE)
    header_path = FileSet(path.parent).find(f"{path.stem}.hea", path)
    header = read_header(header_path) if header_path is not None else None
    if header is not None:
        frame_fs, n_samples = header.fs, header.n_frames
    else:
        known = _stated_fs(path) or fs
        if known is None:
            raise ReadError(
                path, "neither a header (.hea) beside it nor the file says what its times count; give --fs HZ."
            )
        frame_fs, n_samples = check_fs(path, known), None
    annotations, warnings = read_annotations(path, frame_fs, frame_fs, _ANY_SAMPLE)
    if annotations is None or not len(annotations):
        raise ReadError(path, "no annotation can be read from it; give a WFDB annotation file, such as 100.atr.")
    return AnnotationFile(path.stem, annotations, frame_fs, n_samples, warnings)


def _stated_fs(path: Path) -> float | None:
    try:
        return time_base(path)
    except OSError as error:
        raise ReadError(path, "it cannot be read; check its permissions.") from error
