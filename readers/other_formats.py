"""Recognises unsupported formats by content, with their name and a way to convert."""

from __future__ import annotations

import json
import re
import struct
import zipfile
from pathlib import Path

_PAPER = (
    "an ECG on paper opens on the 12-lead page, or with a checkpoint that reads paper, such as ecg-paper-lite0; "
    "pictures of parts open on the inspection pages."
)
_UNPACK = "unpack it first."
_RECORDER = "export the recording as EDF, DICOM or CSV from the software that wrote it."
_SHEET = "open it there and save the sheet with the samples as CSV."
AS_ARRAYS = "read it in Python and save the samples with numpy.savez (ecg, fs, leads, unit) or as CSV."
_HDF5 = f"if MATLAB wrote it, save it there with the option -v7; else {AS_ARRAYS}"
_MUSIC = "save its samples as CSV and give the sampling frequency (fs) and the unit."
_PICTURE, _PDF = "a picture, not a recording", "a PDF, not a recording"

_MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF", _PDF, _PAPER),
    *((0, magic, _PICTURE, _PAPER) for magic in (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8")),
    *((4, magic, _PICTURE, _PAPER) for magic in (b"ftypheic", b"ftypmif1", b"ftypavif", b"jP  \r\n")),
    (0, b"%!PS", "a PostScript file, not a recording", _PAPER),
    (0, b"\x1f\x8b", "a gzip file", _UNPACK),
    (0, b"\x1f\x9d", "a compressed file (.Z)", _UNPACK),
    (0, b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (0, b"Rar!", "a RAR archive", _UNPACK),
    (0, b"BZh", "a bzip2 file", _UNPACK),
    (0, b"\xfd7zXZ", "an xz file", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file", _UNPACK),
    (0, b"MSCF", "a cabinet archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"ISHNE1.0", "an ISHNE Holter recording, which is not read", _RECORDER),
    (0, b"ANN  1.0", "an ISHNE annotation file, which is not read", _RECORDER),
    (16, b"SCPECG", "an SCP-ECG file, which is not read", _RECORDER),
    (0, b"GDF 1", "a GDF recording, which is not read", _RECORDER),
    (0, b"GDF 2", "a GDF recording, which is not read", _RECORDER),
    (0, b"XDF:", "an XDF recording of Lab Streaming Layer, which is not read", AS_ARRAYS),
    (0, b"CFWB\1\0\0\0", "a binary export of LabChart, which is not read", "export it as text (.txt) from LabChart."),
    (2, b"(C) CED 87", "a Spike2 recording, which is not read", "export it as text or MAT from Spike2."),
    (0, b"CEDFILE", "a CED filing system recording, which is not read", _RECORDER),
    (0, b"ABF", "an Axon recording (ABF), which is not read", _RECORDER),
    (0, b"TDSm", "a TDMS file of LabVIEW, which is not read", _SHEET),
    (0, b"MDF     ", "a measurement file (ASAM MDF), which is not read", _RECORDER),
    (0, b"UnFinMF ", "a measurement file (ASAM MDF), which is not read", _RECORDER),
    (0, b"\xc6\x91\x27\x02"[::-1], "a recording of Intan (RHD), which is not read", _RECORDER),
    (0, b"Brain Vision", "the header of a BrainVision recording, which is not read", _RECORDER),
    (0, b"* MICROMED", "a Micromed recording (TRC), which is not read", _RECORDER),
    (8, b".FIT", "a FIT file of a sports watch, which is not read", _RECORDER),
    (0, b"Version 3.", "a Neuroscan recording (CNT), which is not read", _RECORDER),
    *((at, b"\x89HDF\r\n\x1a\n", "an HDF5 file, which is not read", _HDF5) for at in (0, 512, 1024, 2048)),
    (0, b"CDF\1", "a NetCDF file, which is not read", AS_ARRAYS),
    (0, b"CDF\2", "a NetCDF file, which is not read", AS_ARRAYS),
    (0, b"PAR1", "a Parquet file, which is not read", AS_ARRAYS),
    (0, b"ARROW1", "an Arrow or Feather file, which is not read", AS_ARRAYS),
    (0, b"FEA1", "a Feather file, which is not read", AS_ARRAYS),
    (0, b"Obj\1", "an Avro file, which is not read", AS_ARRAYS),
    *((0, magic, "an R data file, which is not read", "save it as CSV in R.") for magic in (b"RDX2\n", b"RDX3\n")),
    (0, b"$FL2", "an SPSS file, which is not read", "save it as CSV in SPSS."),
    (0, b"$FL3", "an SPSS file, which is not read", "save it as CSV in SPSS."),
    (0, b"<stata_dta>", "a Stata file, which is not read", "save it as CSV in Stata."),
    (84, b"SAS FILE", "a SAS file, which is not read", "save it as CSV in SAS."),
    (0, b"SQLite format 3", "an SQLite database, which is not read", "export its table of samples as CSV."),
    (0, b"fLaC", "a FLAC file; as the signals of a WFDB record it needs the header (.hea) beside it", _MUSIC),
    *((0, magic, "a sound file, which is not read", _MUSIC) for magic in (b"ID3", b"OggS", b".snd")),
    (8, b"AIFF", "a sound file, which is not read", _MUSIC),
    (8, b"WAVE", "a WAV file, which is not read", _MUSIC),
    (8, b"AVI ", "a film, not a recording", _RECORDER),
    (
        0,
        b"version https://git-lfs",
        "a pointer of Git LFS and not the file itself",
        "fetch the file with git lfs pull.",
    ),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel or Office file of the old kind, which is not read", _SHEET),
)
"""(offset, bytes there, what it is, way out)."""
_ROOTS = (
    ("annotatedecg", "an HL7 annotated ECG (aECG) in XML, which is not read", _RECORDER),
    ("restingecgdata", "an ECG of Philips in XML, which is not read", _RECORDER),
    ("restingecg", "an ECG of GE MUSE in XML, which is not read", _RECORDER),
    ("cardiologyxml", "an ECG of GE CardioSoft in XML, which is not read", _RECORDER),
    ("sapphire", "an ECG of GE in XML (Sapphire), which is not read", _RECORDER),
    ("healthdata", "the XML of an Apple Health export", "give one CSV of its folder electrocardiograms."),
    ("unisens", "the header of a Unisens recording in XML, which is not read", _RECORDER),
    ("workbook", "an Excel sheet in XML, which is not read", _SHEET),
    ("html", "a web page (HTML) and no recording", "fetch the file itself, or save a table of it as CSV."),
    ("table", "a table in HTML, which is not read", _SHEET),
    ("svg", "a drawing (SVG), not a recording", _PAPER),
)
"""(root element in lower case without its namespace, what it is, way out)."""
_IN_ZIP = (
    (("[Content_Types].xml", "xl/"), "an Excel file, which is not read", _SHEET),
    (("[Content_Types].xml", "word/"), "a Word file, not a recording", "give the recording itself."),
    (("[Content_Types].xml", "ppt/"), "a PowerPoint file, not a recording", "give the recording itself."),
    (("Index/Document.iwa",), "a file of Numbers, Pages or Keynote, which is not read", _SHEET),
    (("mimetype", "content.xml"), "an OpenDocument file (such as of LibreOffice), which is not read", _SHEET),
)
"""(members that its names begin with, what it is, way out)."""
_SUFFIXES = {
    ".adicht": ("a LabChart recording, which is not read", "export it as text (.txt) from LabChart."),
    ".acq": ("an AcqKnowledge recording, which is not read", "save it as text (.txt) in AcqKnowledge."),
    ".ecg": (
        "an .ecg file of a kind that is not known, as many recorders write them",
        "if it holds the signals of a WFDB record, give its header (.hea) with it; else " + _RECORDER,
    ),
    ".scp": ("an SCP-ECG file, which is not read", _RECORDER),
    ".hl7": ("an HL7 message, which is not read", _RECORDER),
    ".mwf": ("an MFER recording, which is not read", _RECORDER),
    ".cnt": ("an EEG recording (CNT), which is not read", _RECORDER),
    ".json": ("JSON without a series of samples", AS_ARRAYS),
}
_PICKLE = re.compile(rb"^(?:\(?[dl]p\d+|c(?:copy_reg|numpy|pandas|__builtin__)|\x80[\x02-\x05])")
_ROOT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
_JSON = re.compile(r"\s*(?:\{(?!\\)|\[\s*(?:[\[{\"]|[-+\d.eE]+\s*[,\]]))")
_LIST = re.compile(r"\[\s*(?:[-+]?\d[\d.eE+-]*\s*[,;\s]\s*){20}")
"""The beginning of a list of numbers, as programs write one into a single cell of a table."""
_MFER_TAGS = {*range(0x1E), 0x3F, *range(0x40, 0x43), 0x64, 0x67, *range(0x80, 0x89)}
_ACQ_VERSIONS = range(30, 200)
_START = 4096


def name_format(path: Path, head: bytes) -> str | None:
    """Error message for a file of a known but unsupported format; None for others.

    Args:
        path: the file; of a zip the list of members is looked at, and the suffix where nothing else says anything.
        head: its first bytes.
    """
    found = _by_magic(head) or _in_zip(path, head) or _in_text(head) or _in_binary(head)
    what, out = found or _SUFFIXES.get(path.suffix.lower(), ("", ""))
    return f"It is {what}; {out}" if what else None


def is_other_format(head: bytes) -> bool:
    """Whether the content is certainly of an unsupported format, so that its numbers are no table.

    A FLAC file is left open: it may be the signals of a WFDB record.
    """
    return not head.startswith(b"fLaC") and (_by_magic(head) or _in_text(head) or _in_binary(head)) is not None


def is_json(head: bytes) -> bool:
    """Whether a file begins like JSON, in any Unicode encoding."""
    return bool(_JSON.match(_start(head)))


def has_lists(head: bytes) -> bool:
    """Whether it is text with a bracketed list of numbers, as programs write into a table cell."""
    text = _start(head)
    return not text.startswith("<") and not _JSON.match(text) and bool(_LIST.search(text))


def _start(head: bytes) -> str:
    """First characters, in any Unicode encoding."""
    try:
        return head[:_START].decode(json.detect_encoding(head), "replace").lstrip("\ufeff \r\n\t")
    except (UnicodeDecodeError, LookupError):
        return ""


def _by_magic(head: bytes) -> tuple[str, str] | None:
    return next(((what, out) for at, magic, what, out in _MAGIC if head[at : at + len(magic)] == magic), None)


def _in_text(head: bytes) -> tuple[str, str] | None:
    """XML, HTML, JSON and lists of numbers in any Unicode encoding, with or without byte order mark."""
    text = _start(head)
    if text.startswith("<"):
        bare = re.sub(r"<!--.*?-->|<[?!][^>]*>", "", text, flags=re.S)
        root = match[1].lower() if (match := _ROOT.search(bare)) else ""
        known = next((row[1:] for row in _ROOTS if root.startswith(row[0])), None)
        return known or ("an XML file, which is not read", _RECORDER)
    if is_json(head):
        return _SUFFIXES[".json"]
    if has_lists(head):
        return "a table whose samples are a list in brackets within a cell", "write them as a column, one a row."
    return _SUFFIXES[".hl7"] if text.startswith("MSH|") else None


def _in_zip(path: Path, head: bytes) -> tuple[str, str] | None:
    if not head.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        return None
    return next(
        (row[1:] for row in _IN_ZIP if all(any(name.startswith(part) for name in names) for part in row[0])), None
    )


def _in_binary(head: bytes) -> tuple[str, str] | None:
    if _PICKLE.match(head):
        return "a Python pickle, which can run code and is never opened", AS_ARRAYS
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return _PICTURE, _PAPER
    if _is_mfer(head):
        return _SUFFIXES[".mwf"]
    return _SUFFIXES[".acq"] if _is_acq(head) else None


def _is_mfer(head: bytes) -> bool:
    """Whether a file is a chain of MFER tags (ISO 22077-1): tag, length, value.

    A preamble (tag 0x40) that begins with "MFR" is enough; without it the sampling (0x0B) and the waveform (0x1E) must
    be met, and the tags before them be known.
    """
    at, met = 0, set()
    while at + 2 <= len(head):
        tag, length = head[at], head[at + 1]
        if at == 0 and tag == 0x40 and head[2:5] == b"MFR":
            return True
        met.add(tag)
        if tag == 0x1E:
            return {0x0B, 0x0C} & met != set() and len(met) > 3
        if tag not in _MFER_TAGS or length > 0x84:
            return False
        size = length - 0x80 if length > 0x80 else 0
        at += 2 + size + (int.from_bytes(head[at + 2 : at + 2 + size]) if size else length)
    return False


def _is_acq(head: bytes) -> bool:
    """Whether a file begins with AcqKnowledge's graph header (BIOPAC application note 156), of either byte order."""
    if len(head) < 24:
        return False
    for order in "<>":
        version, length, channels = struct.unpack(f"{order}iih", head[2:12])
        (interval_ms,) = struct.unpack(f"{order}d", head[16:24])
        if version in _ACQ_VERSIONS and 100 < length < 1 << 16 and 0 < channels <= 256 and 1e-3 < interval_ms < 1e5:
            return True
    return False
