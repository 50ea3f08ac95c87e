"""Writes beats as a WFDB annotation file for PhysioNet's tools (rdann, ecgpuwave, LightWAVE) and wfdb.

The file is in the MIT annotation format; its symbols are the AAMI letters N, S, V, F, Q, which are WFDB codes
of their own. The note (aux) of the first beat names the checkpoint, so that the file says who wrote it; without a beat
it stands at sample 0, since that nothing was found is an answer, too, which a comparison has to count. Where the
rhythm is known, each episode begins with ``+`` and a note such as ``(AFIB``, before its first beat, as in PhysioNet's
own files; where none is told of the beats behind it, a note ``)`` ends it.
"""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from ecgviz.analysis.rhythms import rhythm_marks
from ecgviz.results import Beats
from models.core.errors import ConfigError, EcgvizError, ReadError
from models.core.files import unwritable
from models.data.rhythms import RHYTHM_CHANGE
from readers.wfdb.annotations import read_annotations

SYMBOLS = ("N", "S", "V", "F", "Q")
EDITED, ORIGINAL = "atr", "net"
"""Annotators of a reviewed recording: its edited beats, and the network's own answer beside them."""
COMMENT = '"'
_SIGNATURE = "ecgviz"
_ANY_SAMPLE = 2**48


def wfdb_record_name(name: str) -> str:
    """A valid WFDB record name: letters, digits, hyphen and underscore, at most 64; accents are dropped."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_")[:64] or "record"


def wfdb_record_names(names: Sequence[str]) -> list[str]:
    """:func:`wfdb_record_name` of each, with a hash of the name where several would be one ("홀터 1", "심전도 1")."""
    safe = [wfdb_record_name(name) for name in names]
    times = Counter(one.lower() for one in safe)  # some file systems tell no case
    return [
        one if times[one.lower()] == 1 else f"{one[:55]}_{sha256(os.fsencode(name)).hexdigest()[:8]}"
        for one, name in zip(safe, names, strict=True)
    ]


def write_annotations(
    beats: Beats, folder: str | os.PathLike[str], record_name: str, *, extension: str = "atr"
) -> Path:
    """Write ``<folder>/<record>.<extension>`` atomically.

    Args:
        beats: classes must be among N, S, V, F, Q.
        folder: made if need be.
        record_name: name of the recording; characters that WFDB does not allow become underscores.
        extension: the annotator's name, letters and digits.

    Returns:
        Path of the file.

    Raises:
        ConfigError, ReadError: as :func:`annotation_file`; it cannot be written.
        EcgvizError: classes that have no WFDB symbol here.
    """
    target = annotation_file(folder, record_name, extension=extension)
    unknown = sorted(set(beats.label) - set(SYMBOLS))
    if unknown:
        raise EcgvizError(f"Classes {', '.join(unknown)} have no WFDB symbol; only N, S, V, F and Q can be written.")
    import wfdb

    marks = sorted(_marks(beats), key=lambda mark: mark[0])  # a rhythm at the sample of a beat stays before it
    samples, symbols, notes = zip(*marks, strict=True)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.stem}.") as part:
            wfdb.wrann(
                target.stem,
                extension,
                np.array(samples, np.int64),
                symbol=list(symbols),
                aux_note=list(notes),
                fs=beats.fs,
                write_dir=part,
            )
            (Path(part) / target.name).replace(target)
    except OSError as error:
        raise unwritable(target, error.strerror) from error
    return target


def _marks(beats: Beats) -> list[tuple[int, str, str]]:
    """(sample, symbol, note) of rhythms and beats, in time order."""
    rhythms = [(at, RHYTHM_CHANGE, note) for at, note in rhythm_marks(beats)]
    signature = f"{_SIGNATURE}: {wfdb_note(beats.checkpoint)}"
    if not len(beats):
        return [(0, COMMENT, signature), *rhythms]
    notes = [signature] + [""] * (len(beats) - 1)
    return rhythms + list(zip(beats.sample.tolist(), beats.label.tolist(), notes, strict=True))


def annotation_file(folder: str | os.PathLike[str], record_name: str, *, extension: str = "atr") -> Path:
    """The path that :func:`write_annotations` writes to, checked before the analysis.

    Raises:
        ConfigError: an extension that WFDB does not allow, or that belongs to signals.
        ReadError: the file exists and was written by somebody else, such as a reference .atr.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", extension) or extension.lower() in {"hea", "dat"}:
        raise ConfigError("extension", f"{extension!r} cannot name an annotation file; use letters, such as atr")
    record = wfdb_record_name(record_name)
    target = Path(folder) / f"{record}.{extension}"
    _refuse_foreign(target)
    return target


def wfdb_note(text: str) -> str:
    """Text as a WFDB note: printable ASCII, limited by its one length byte."""
    return re.sub(r"[^ -~]", "_", text)[:200]


def _refuse_foreign(target: Path) -> None:
    """Refuse to replace a file of others: a folder of PhysioNet records holds references of this name."""
    if not target.exists():
        return
    found, _ = read_annotations(target, 1.0, 1.0, _ANY_SAMPLE)
    notes = [] if found is None else found.aux  # what cannot be read is not ours
    first = next((note for note in notes if not note.startswith("(")), "")
    if not first.startswith(_SIGNATURE):
        fault = "exists and was not written by ecgviz (a reference?); choose another folder or extension"
        raise ReadError(target, fault)
