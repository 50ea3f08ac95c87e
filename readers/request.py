"""A request to a reader: the files, and details given by the user.

A header may only name files of its own ``FileSet``. It is a look-up by plain name, so no header, however
malicious, leads a reader to another folder or to the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite
from os import PathLike
from pathlib import Path
from typing import Any

from readers.core.errors import ReadError

FS_LOWEST, FS_HIGHEST = 10.0, 200_000.0


class NeedsDetails(ReadError):  # noqa: N818 - not a fault of the file: a question to the person
    """The samples are readable but need details that only the user knows.

    Attributes:
        missing: names of the arguments of ``open_recording`` that would help: "fs" (Hz), "unit" (of the values).
    """

    def __init__(self, file: str | PathLike[str], missing: Iterable[str]):
        self.missing = tuple(missing)
        words = {"fs": "the sampling frequency (fs, in Hz)", "unit": "the unit of its values (mV, uV, V or unknown)"}
        wanted = " and ".join(words.get(name, name) for name in self.missing)
        super().__init__(file, f"the file does not state {wanted}; please give it.")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.file, self.missing)


@dataclass(frozen=True)
class FileSet:
    """Files that may form a record: those uploaded together, or those in the folder of the opened one.

    Attributes:
        folder: the files of this folder belong to the set, if it is not None.
        named: files that were handed over one by one, by their names.
    """

    folder: Path | None = None
    named: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, paths: Iterable[Path]) -> FileSet:
        """The set of exactly these files.

        Raises:
            ReadError: two of them have the same name.
        """
        named: dict[str, Path] = {}
        for path in paths:
            if path.name in named:
                raise ReadError(path, "two of the given files have this name; give one of them only.")
            named[path.name] = path
        return cls(None, named)

    def find(self, name: str, asked_by: Path) -> Path | None:
        """The file with that plain name, in any letter case; None where there is none.

        Raises:
            ReadError: the name leads out of the set (``asked_by`` is the file to blame).
        """
        if not name or any(c in name for c in "/\\:\0") or name in {".", ".."}:
            raise ReadError(
                asked_by,
                f"it names the file {name[:80]!r}; a record may only name files beside its header. Correct it.",
            )
        if self.folder is None:
            lower = {key.lower(): path for key, path in self.named.items()}
            return self.named.get(name) or lower.get(name.lower())
        path = next((path for path in map(self.folder.joinpath, _cases(name)) if path.is_file()), None)
        if path is None:
            return None
        if path.is_symlink() and path.resolve().parent != self.folder.resolve():
            raise ReadError(path, "it is a link to another folder, which is not followed; copy the file itself.")
        return path

    def paths(self) -> list[Path]:
        """All files of the set, by name."""
        if self.folder is None:
            return [self.named[name] for name in sorted(self.named)]
        return sorted(path for path in self.folder.iterdir() if path.is_file())


def _cases(name: str) -> dict[str, None]:
    """The name, and its upper and lower case variants: rec.hea, REC.HEA, rec.HEA."""
    stem, dot, suffix = name.rpartition(".")
    mixed = [stem + dot + suffix.upper(), stem + dot + suffix.lower(), stem.upper() + dot + suffix.lower()]
    return dict.fromkeys([name, *mixed, name.upper(), name.lower()])


@dataclass(frozen=True)
class Request:
    """Arguments of one call of ``open_recording``, for the readers.

    Attributes:
        path: the file that was opened.
        files: the set it belongs to.
        fs: sampling frequency in Hz that the person gave, for files that state none, or one that cannot be.
        unit: unit that the person gave, for files that state none.
        lead_names: names that the person gave.
    """

    path: Path
    files: FileSet
    fs: float | None = None
    unit: str | None = None
    lead_names: tuple[str, ...] | None = None

    def sampling_frequency(self, stated: float) -> float:
        """The frequency that the file states, or the user's where it is invalid, such as 0 Hz.

        Raises:
            ReadError: it cannot be, and none was given.
        """
        return self.fs if self.fs is not None and not can_be_fs(stated) else check_fs(self.path, stated)

    def note_unused_fs(self, own: float) -> tuple[str, ...]:
        """A warning where the user gave another sampling frequency than the file states."""
        if self.fs is None or abs(self.fs - own) < 1e-6 * own:
            return ()
        return (f"{self.path.name} states {own:g} Hz, which is used; the given {self.fs:g} Hz is not.",)


def can_be_fs(fs: float) -> bool:
    """Whether a sampling frequency, Hz, is plausible for an ECG."""
    return isfinite(fs) and FS_LOWEST <= fs <= FS_HIGHEST


def check_fs(file: Path, fs: float, *, given: bool = False) -> float:
    """The sampling frequency as a float; raises where it is not plausible.

    Args:
        given: whether a person gave it, and not the file.

    Raises:
        ReadError: not a number, or outside what an ECG recorder can have.
    """
    if not can_be_fs(fs):
        raise ReadError(
            file,
            f"{'the given' if given else 'its'} sampling frequency of {fs:g} Hz cannot be that of an ECG "
            f"({FS_LOWEST:g} to {FS_HIGHEST:g} Hz); {'give another' if given else 'give it (fs), or correct it'}.",
        )
    return float(fs)
