"""Table of picture formats, recognised by their first bytes; the suffix tells only what a damaged file should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from readers.core.errors import ReadError
from readers.images.slices import Reading
from readers.request import FileSet, Request
from readers.sniff import is_dicom

_HEAD_BYTES = 256


@dataclass(frozen=True)
class ImageFormat:
    """One picture format.

    Attributes:
        name: as shown to people.
        files: the usual endings.
        recognise: whether a file is of this format, from its path and first bytes.
        reader: "module:function" in this package, imported when the first such file is opened.
    """

    name: str
    files: tuple[str, ...]
    recognise: Callable[[Path, bytes], bool]
    reader: str

    def read(self, path: Path) -> Reading:
        """Read the headers of a file."""
        module, function = self.reader.split(":")
        reading: Reading = getattr(import_module(f"readers.images.{module}"), function)(path)
        return reading


def _begins(*magics: bytes) -> Callable[[Path, bytes], bool]:
    return lambda _path, head: head.startswith(magics)


def _is_dicom(path: Path, head: bytes) -> bool:
    return is_dicom(Request(path, FileSet(path.parent)), head)


def _is_webp(_path: Path, head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


FORMATS = (
    ImageFormat("DICOM", (".dcm", ".dicom"), _is_dicom, "dicom.series:read_dicom"),
    ImageFormat("PNG", (".png",), _begins(b"\x89PNG\r\n\x1a\n"), "png_jpeg:read_png"),
    ImageFormat("JPEG", (".jpg", ".jpeg"), _begins(b"\xff\xd8\xff"), "png_jpeg:read_jpeg"),
    ImageFormat("TIFF", (".tif", ".tiff"), _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "tiff.reader:read_tiff"),
    ImageFormat("BMP", (".bmp",), _begins(b"BM"), "png_jpeg:read_bmp"),
    ImageFormat("WebP", (".webp",), _is_webp, "png_jpeg:read_webp"),
)
"""DICOM goes first: its preamble may hold the head of a TIFF file, so that both kinds of reader can open it."""
PICTURE_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.files)
READABLE = ", ".join(f"{row.name} ({' '.join(row.files)})" for row in FORMATS)
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_OTHERS = (
    *((b"ftyp" + brand, "a HEIC photograph") for brand in _HEIC_BRANDS),
    (b"ftyp", "a film or a picture of a film's format"),
    (b"GIF8", "a GIF picture"),
    (b"8BPS", "a Photoshop file"),
    (b"RIFF", "a film or a sound"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xffO\xffQ", "a JPEG 2000 picture"),
    (b"\x01\xda", "an SGI picture"),
    (b"DDS ", "a DDS texture"),
    (b"BLP", "a BLP texture"),
    (b"\0\0\x01\0", "an icon"),
    (b"P5", "a PGM picture"),
    (b"P2", "a PGM picture"),
    (b"P6", "a PPM picture"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip file"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"%PDF", "a PDF"),
    (b"SIMPLE  =", "a FITS file"),
    *((bytes([0x80, protocol]), "a Python pickle, which is never opened") for protocol in range(2, 6)),
)


def kind_of(path: Path) -> ImageFormat | None:
    """Format of a file by content; None where unknown."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    return next((row for row in FORMATS if row.recognise(path, head)), None)


def other_kind(path: Path) -> str:
    """What a file that no reader takes begins like, such as "a GIF picture"; empty where that is not known."""
    try:
        with path.open("rb") as file:
            return _begins_like(file.read(_HEAD_BYTES))
    except OSError:
        return ""


def read_file(path: Path, readable: str = "") -> Reading:
    """Read the headers of one file.

    Args:
        path: of the file.
        readable: the kinds to name where it is none of them; all of :data:`FORMATS` by default.

    Raises:
        ReadError: no file, an empty one, an unknown kind, or a fault that its reader found.
    """
    if not path.exists():
        raise ReadError(path, "there is no such file; check the name.")
    if not path.is_file():
        raise ReadError(path, "it is no ordinary file; give a picture.")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise ReadError(path, "the file is empty; copy it again.")
    row = next((row for row in FORMATS if row.recognise(path, head)), None)
    if row is None:
        raise ReadError(path, _why_not(path, head, readable or READABLE))
    return row.read(path)


def _why_not(path: Path, head: bytes, readable: str) -> str:
    """Error message for a file that no reader accepts."""
    found = _begins_like(head)
    if found:
        return f"it is {found}; readable are {readable}. Save it as one of these."
    wanted = next((row.name for row in FORMATS if path.suffix.lower() in row.files), None)
    if wanted is not None:
        return f"it is called {path.suffix} but does not begin like a {wanted} file; copy or export it again."
    return f"it is no picture of a known kind; readable are {readable}."


def _begins_like(head: bytes) -> str:
    start = 4 if head[4:8] == b"ftyp" else 0  # the length of that box goes before its name
    return next((what for magic, what in _OTHERS if head.startswith(magic, start)), "")
