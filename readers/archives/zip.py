"""Safe unpacking of uploaded zips, and selection of the record among several files."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.wfdb.reader import segment_names

MAX_FILES, MAX_TOTAL_BYTES, MAX_RATIO, FREE_BYTES = 5000, 8 << 30, 200, 64 << 20
_CHUNK = 1 << 20
_SIDE_FILES = {
    "",
    ".txt",
    ".md",
    ".pdf",
    ".html",
    ".xws",
    ".json",
    ".sha256",
    ".md5",
    ".ini",
    ".db",
    ".png",
    ".jpg",
    ".svg",
    ".tex",
}
_SIGNAL_PARTS = {".dat", ".mat"}
_READABLE = {".edf", ".bdf", ".rec", ".dcm", ".dicom", ".csv", ".tsv", ".npy", ".npz", ".mat", ".atc", ".jsonl"}


def unpack(archive: Path, folder: Path, what: str = "record") -> list[Path]:
    """Unpack a zip into an empty folder.

    Args:
        archive: the zip.
        folder: where to.
        what: what it should hold, for the messages.

    Returns:
        the files, without those of the operating systems that packed them.

    Raises:
        ReadError: damaged, encrypted, with paths or links that lead out, or larger than is sensible
            (``MAX_FILES``, ``MAX_TOTAL_BYTES``; beyond ``FREE_BYTES`` at most ``MAX_RATIO`` times the packed size).
    """
    fault = f"the zip is damaged, encrypted or of an unknown kind; pack the {what} again."
    budget = unpacked_budget(archive)
    unpacked = []
    with decoding(archive, fault):
        packed = zipfile.ZipFile(archive)
    with packed:
        members = [info for info in packed.infolist() if not info.is_dir()]
        if len(members) > MAX_FILES:
            raise ReadError(archive, f"the zip holds {len(members)} files; give one {what}, at most {MAX_FILES} files.")
        if sum(info.file_size for info in members) > budget:
            raise ReadError(archive, f"the zip would unpack to more than {budget >> 20} MB; give one {what} only.")
        for info in members:
            target = folder / _safe_name(archive, info)
            if target.name.startswith(".") or "__MACOSX" in target.parts:
                continue
            budget -= _write(packed, info, archive, target, budget, fault)
            unpacked.append(target)
    if not unpacked:
        raise ReadError(archive, f"the zip holds no files; pack the {what} again.")
    return unpacked


def unpacked_budget(packed: Path) -> int:
    """Maximum number of bytes to unpack from a compressed file."""
    return min(MAX_TOTAL_BYTES, max(FREE_BYTES, MAX_RATIO * packed.stat().st_size))


def pick_record(paths: Sequence[Path], shown: Path) -> Path:
    """The file to open among those of exactly one record.

    Args:
        paths: all files.
        shown: the folder, zip or first file, to name in an error.

    Raises:
        ReadError: no record among them, or several.
    """
    return _only(records_among(paths, shown), shown)


def records_among(paths: Sequence[Path], shown: Path) -> list[Path]:
    """The file to open for each record among files; arguments as for ``pick_record``.

    Raises:
        ReadError: there is none.
    """
    headers = [path for path in paths if path.suffix.lower() == ".hea"]
    parts: set[str] = set()
    for header in headers if len(headers) > 1 else []:
        parts |= segment_names(header)
    headers = [header for header in headers if header.stem not in parts]
    if headers:
        return headers
    others = [path for path in paths if _suffix(path) in _READABLE]
    if not others:
        others = [path for path in paths if _suffix(path) not in _SIDE_FILES]
    if not others:
        others = [path for path in paths if _suffix(path) == ".json"]
    if not others and len(paths) == 1:
        others = list(paths)
    if not others:
        raise ReadError(shown, "there is no recording in it; give the files of one record.")
    if all(path.suffix.lower() not in _READABLE for path in others) and any(
        path.suffix.lower() == ".dat" for path in others
    ):
        raise ReadError(
            others[0], "the header (.hea) of this record is missing; give it together with the signal file."
        )
    return others


def _suffix(path: Path) -> str:
    """The suffix that tells the format, without that of a compression: .csv of a.csv.gz."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in {".gz", ".bz2", ".xz"} and Path(path.stem).suffix else suffix


def _only(records: list[Path], shown: Path) -> Path:
    if len(records) > 1:
        names = ", ".join(sorted(path.name for path in records)[:5])
        more = " ..." if len(records) > 5 else ""
        raise ReadError(shown, f"there are {len(records)} records in it ({names}{more}); give one of them.")
    return records[0]


def _safe_name(archive: Path, info: zipfile.ZipInfo) -> Path:
    """Path of a member, checked to lie inside the folder.

    Raises:
        ReadError: it would lie outside, or is a link, a device or encrypted.
    """
    name = info.orig_filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    kind = stat.S_IFMT(info.external_attr >> 16)
    if not parts or name.startswith("/") or ".." in parts or any(":" in part or "\0" in part for part in parts):
        raise ReadError(
            archive, f"the zip holds a path that leads out of its folder ({name[:60]!r}); it was not unpacked."
        )
    if kind not in {0, stat.S_IFREG}:
        raise ReadError(archive, f"the zip holds a link or device ({name[:60]!r}); pack the files themselves.")
    if info.flag_bits & 1:
        raise ReadError(archive, "the zip is encrypted; pack the record without a password.")
    return Path(*parts)


def _write(packed: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Path, target: Path, budget: int, fault: str) -> int:
    """Unpack one member, limited by the bytes that really come out rather than by its header."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise ReadError(archive, f"the zip holds {target.name} twice; pack the record again.")
        written = 0
        with target.open("xb") as file:
            for block in _blocks(packed, info, archive, fault):
                written += len(block)
                if written > budget:
                    raise ReadError(archive, "the zip unpacks to far more than it claims; it was not opened.")
                file.write(block)
    except OSError as error:  # a name that is too long here, a disk that is full
        why = error.strerror or str(error)
        raise ReadError(
            archive, f"the zip cannot be unpacked ({why.lower()}); see to its names and the disk."
        ) from error
    return written


def _blocks(packed: zipfile.ZipFile, info: zipfile.ZipInfo, archive: Path, fault: str) -> Iterator[bytes]:
    with decoding(archive, fault):
        source = packed.open(info)
    with source:
        while True:
            with decoding(archive, fault):
                block = source.read(_CHUNK)
            if not block:
                return
            yield block
