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
        reader: "module:function" of the readers, imported when the first such file is opened.
        is_volume: its slices are planes of a volume, which other files may hold the voxels of.
    """

    name: str
    files: tuple[str, ...]
    recognise: Callable[[Path, bytes], bool]
    reader: str
    is_volume: bool = False

    def read(self, path: Path) -> Reading:
        """Read the headers of a file."""
        module, function = self.reader.split(":")
        reading: Reading = getattr(import_module(f"readers.{module}"), function)(path)
        return reading


def _begins(*magics: bytes) -> Callable[[Path, bytes], bool]:
    return lambda _path, head: head.startswith(magics)


def _is_dicom(path: Path, head: bytes) -> bool:
    return is_dicom(Request(path, FileSet(path.parent)), head)


def _is_webp(_path: Path, head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is(module: str, function: str) -> Callable[[Path, bytes], bool]:
    """Whether a function of a reader recognises a file; the reader is imported when the first file is looked at."""
    return lambda path, head: bool(getattr(import_module(f"readers.volumes.{module}"), function)(path, head))


def _volume(name: str, files: tuple[str, ...], recognise: Callable[[Path, bytes], bool]) -> ImageFormat:
    return ImageFormat(name, files, recognise, "volumes.files:read_volume", is_volume=True)


FORMATS = (
    _volume("raw", (), _is("raw", "has_form")),
    ImageFormat("DICOM", (".dcm", ".dicom"), _is_dicom, "images.dicom.series:read_dicom"),
    ImageFormat("PNG", (".png",), _begins(b"\x89PNG\r\n\x1a\n"), "images.png_jpeg:read_png"),
    ImageFormat("JPEG", (".jpg", ".jpeg"), _begins(b"\xff\xd8\xff"), "images.png_jpeg:read_jpeg"),
    ImageFormat(
        "TIFF", (".tif", ".tiff"), _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "images.tiff.reader:read_tiff"
    ),
    ImageFormat("BMP", (".bmp",), _begins(b"BM"), "images.png_jpeg:read_bmp"),
    ImageFormat("WebP", (".webp",), _is_webp, "images.png_jpeg:read_webp"),
    _volume("NIfTI", (".nii", ".nii.gz"), _is("nifti", "is_nifti")),
    _volume("NRRD", (".nrrd", ".nhdr"), _begins(b"NRRD000")),
    _volume("MetaImage", (".mha", ".mhd"), _is("metaimage", "is_metaimage")),
    _volume("HDF5", (".h5", ".hdf5", ".nxs"), _begins(b"\x89HDF\r\n\x1a\n")),
    _volume("VGI", (".vgi",), _is("raw", "is_vgi")),
)
"""Raw values with a form go first, since they may begin like anything; then DICOM, whose preamble may hold the head of
a TIFF file, so that both kinds of reader can open it."""
PICTURE_SUFFIXES = frozenset(suffix for row in FORMATS for suffix in row.files)
READABLE = ", ".join(f"{row.name} ({' '.join(row.files)})" for row in FORMATS if not row.is_volume)
VOLUMES = frozenset(row.name for row in FORMATS if row.is_volume)
_ZARR_FILES = (".zarray", ".zgroup", "zarr.json")
RAW_SUFFIXES = (".raw", ".vol", ".bin", ".dat")
_RAW = (
    "these are values without a header: give their shape and type, as --shape 60,128,128 --dtype uint16, or in a file "
    'of its name with .json behind, such as {"shape": [60, 128, 128], "dtype": "uint16", "spacing_mm": 0.05}.'
)
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


def is_zarr(path: Path) -> bool:
    """Whether a folder is a zarr array or group: one volume, of which every file is a piece."""
    return path.is_dir() and any((path / name).is_file() for name in _ZARR_FILES)


def is_one_picture(path: Path) -> bool:
    """Whether a path is a file of pictures that needs no other file: no folder, no volume."""
    kind = kind_of(path) if path.is_file() else None
    return path.is_file() and (kind is None or not kind.is_volume)


def called_picture(path: Path) -> bool:
    """Whether the name of a file is that of a picture or volume, whatever is in it."""
    return path.name.lower().endswith(tuple(PICTURE_SUFFIXES))


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
    if is_zarr(path):
        zarr: Reading = import_module("readers.volumes.files").read_volume(path)
        return zarr
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
    wanted = next((row for row in FORMATS if path.name.lower().endswith(row.files)), None)
    if path.suffix.lower() in RAW_SUFFIXES:
        return _RAW
    if found and (wanted is None or not wanted.is_volume):
        return f"it is {found}; readable are {readable}. Save it as one of these."
    if wanted is not None:
        return f"it is called {path.suffix} but does not begin like a {wanted.name} file; copy or export it again."
    return f"it is no picture of a known kind; readable are {readable}."


def _begins_like(head: bytes) -> str:
    start = 4 if head[4:8] == b"ftyp" else 0  # the length of that box goes before its name
    return next((what for magic, what in _OTHERS if head.startswith(magic, start)), "")
