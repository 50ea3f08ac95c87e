"""Files of formats that are not read: each is named by its content and the way out is said; none is called damaged."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import sqlite3
import struct
import tarfile
import wave
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ecgviz.errors import ReadError
from readers import open_recording

SIGNAL = np.round(np.sin(np.arange(2500) / 9), 3)
TABLE = pd.DataFrame({"time": np.arange(2500) / 250, "II": SIGNAL})


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return out.getvalue()


def _written(write) -> bytes:
    out = io.BytesIO()
    write(out)
    return out.getvalue()


def _acq(order: str) -> bytes:
    """The graph header of AcqKnowledge 3.9: version, its length, channels and 4 ms a sample."""
    head = struct.pack(f"{order}hiihhhd", 0, 45, 254, 2, 0, 0, 4.0)
    return head + bytes(254 - len(head)) + SIGNAL.astype("<i2").tobytes()


def _wav(out) -> None:
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes((1000 * SIGNAL).astype("<i2").tobytes())


def _tar(out) -> None:
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())


def _hdf5(user_block: int = 0, text: bytes = b"") -> bytes:
    return text.ljust(user_block, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 8


EXCEL = _zip("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml")
CSV = TABLE.to_csv(index=False).encode()
BINARY = {
    "xlsx": (EXCEL, "Excel.* as CSV"),
    "Excel with macros": (_zip("[Content_Types].xml", "_rels/.rels", "xl/workbook.bin"), "Excel"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "Excel.* as CSV"),
    "docx": (_zip("[Content_Types].xml", "word/document.xml"), "Word"),
    "ods": (_zip("mimetype", "content.xml", "styles.xml"), "OpenDocument.* as CSV"),
    "numbers": (_zip("Index/Document.iwa", "preview.jpg"), "Numbers.* as CSV"),
    "ecg": (b"ISHNE1.0" + bytes(514) + SIGNAL.astype("<i2").tobytes(), "ISHNE.* as EDF"),
    "ann": (b"ANN  1.0" + bytes(514), "ISHNE"),
    "scp": (struct.pack("<HIHHI", 7, 2000, 0, 0, 120) + b"\x0d\x0dSCPECG" + bytes(500), "SCP"),
    "mwf": (b"\x40\x20MFR Standard 12 leads ECG " + bytes(300), "MFER"),
    "h5": (_hdf5(), "HDF5.* numpy.savez"),
    "mat of HDF5": (_hdf5(512), "HDF5.* option -v7"),
    "mat": (_hdf5(512, b"MATLAB 7.3 MAT-file, Platform: GLNXA64"), r"7\.3.* -v7"),
    "acq": (_acq("<"), "AcqKnowledge.* as text"),
    "acq of a Macintosh": (_acq(">"), "AcqKnowledge.* as text"),
    "gdf": (b"GDF 2.20" + bytes(1000), "GDF"),
    "xdf": (b"XDF:" + bytes(range(200)), "XDF"),
    "adibin": (b"CFWB\1\0\0\0" + bytes(1000), "LabChart.* as text"),
    "adicht": (bytes(range(1, 256)) * 9, "LabChart.* as text"),
    "smr": (b"\6\0(C) CED 87" + bytes(1000), "Spike2"),
    "tdms": (b"TDSm" + bytes(1000), "TDMS"),
    "mf4": (b"MDF     4.10    " + bytes(1000), "MDF"),
    "parquet": (TABLE.to_parquet(), "Parquet.* numpy.savez"),
    "feather": (_written(TABLE.to_feather), "Arrow or Feather"),
    "nc": (b"CDF\1" + bytes(300), "NetCDF"),
    "pkl": (pickle.dumps(TABLE), "pickle, which can run code.* numpy.savez"),
    "old pkl": (pickle.dumps(TABLE, protocol=0), "pickle"),
    "pickled list": (pickle.dumps(SIGNAL.tolist(), protocol=2), "pickle"),
    "wav": (_written(_wav), "WAV.* as CSV and give the sampling frequency"),
    "flac": (b"fLaC\0\0\0\x22" + bytes(range(256)), "FLAC.* header"),
    "mp3": (b"ID3\4" + bytes(500), "sound file"),
    "sav": (b"$FL2@(#) SPSS DATA FILE" + bytes(300), "SPSS.* as CSV"),
    "dta": (_written(lambda out: TABLE.to_stata(out, version=118)), "Stata.* as CSV"),
    "rda": (b"RDX3\nX\n" + bytes(300), "R data"),
    "gz of gz": (gzip.compress(gzip.compress(CSV)), "gzip.*; unpack it first"),
    "zst": (b"\x28\xb5\x2f\xfd" + bytes(100), "Zstandard.*; unpack it first"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(100), "7z.*; unpack it first"),
    "rar": (b"Rar!\x1a\7\1\0" + bytes(100), "RAR.*; unpack it first"),
    "tar": (_written(_tar), "tar archive.*; unpack it first"),
    "gif": (_written(lambda out: Image.new("L", (9, 9)).save(out, "GIF")), "picture.* 12-lead page"),
    "bmp": (_written(lambda out: Image.new("L", (9, 9)).save(out, "BMP")), "picture"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(300), "picture"),
    "unknown.ecg": (bytes(range(1, 256)) * 9, r"\.ecg .* header \(\.hea\)"),
}  # fmt: skip
TEXTS = {
    "aECG": ('<?xml version="1.0"?><!-- by x --><AnnotatedECG xmlns="urn:hl7-org:v3"/>', "HL7 annotated ECG.* as EDF"),
    "Philips": ('<?xml version="1.0" encoding="UTF-16"?>\n<restingecgdata>1,2\n3,4\n</restingecgdata>', "Philips.*XML"),
    "MUSE": ('<?xml version="1.0"?><!DOCTYPE RestingECG SYSTEM "restecg.dtd"><RestingECG>', "GE MUSE.*XML"),
    "CardioSoft": ("<CardiologyXML>", "CardioSoft"),
    "another": ("<ns:Recording xmlns:ns='a'>\n1,2\n3,4\n</ns:Recording>", "XML"),
    "Apple Health": (
        '<?xml version="1.0"?><!DOCTYPE HealthData [<!ELEMENT a ANY>]><HealthData/>',
        "electrocardiograms",
    ),
    "Excel of 2003": ('<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook/>', "Excel.*CSV"),
    "page of log-in": ("<!DOCTYPE html>\n<html><body>1,2\n3,4</body></html>", "web page"),
    "table": (TABLE.head(50).to_html(), "HTML.* as CSV"),
    "svg": ("<svg viewBox='0 0 1 1'/>", "SVG"),
}


def _refusal(tmp_path, name: str, content: bytes) -> str:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError) as caught:
        open_recording(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(name)
    assert "Readable are" in message or "-v7" in message
    assert "damaged" not in message
    return message


@pytest.mark.parametrize("kind", BINARY)
@pytest.mark.parametrize("suffix", ["own", ".dat"])
def test_a_binary_file_is_named_by_its_content(tmp_path, kind, suffix):
    content, words = BINARY[kind]
    own = "." + kind.split(".")[-1] if " " not in kind else ".x"
    if kind in {"adicht", "unknown.ecg"} and suffix != "own":
        return  # known by the suffix alone
    assert re.search(words, _refusal(tmp_path, f"a{own if suffix == 'own' else suffix}", content))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.xml", "a.csv"])
def test_text_is_named_in_every_encoding(tmp_path, text, encoding, name):
    content, words = TEXTS[text]
    assert re.search(words, _refusal(tmp_path, name, content.encode(encoding)))


def test_other_files_of_a_record_are_not_opened_for_it(tmp_path, make):
    make.wfdb(tmp_path, "a", fmt="16")
    for name, content in (("a.pdf", b"%PDF-1.4"), ("a.xlsx", EXCEL), ("a.pkl", pickle.dumps(1)), ("a.xml", b"<x/>")):
        assert name in _refusal(tmp_path, name, content)
    assert open_recording(tmp_path / "a.dat").format == "WFDB"


def test_a_flac_file_with_its_header_is_a_record(tmp_path, make):
    make.wfdb(tmp_path, "a", fmt="516")
    assert (tmp_path / "a.dat").read_bytes().startswith(b"fLaC")
    assert open_recording(tmp_path / "a.dat").format == "WFDB"


def test_bdf_of_24_bits_is_read(tmp_path):
    edfio = pytest.importorskip("edfio")
    wave_uv = np.round(SIGNAL * 1000)
    signal = edfio.BdfSignal(wave_uv, 250, label="ECG II", physical_dimension="uV", physical_range=(-2000, 2000))
    edfio.Bdf([signal]).write(tmp_path / "a.bdf")
    recording = open_recording(tmp_path / "a.bdf")
    assert (recording.leads, recording.fs) == (("II",), 250.0)
    np.testing.assert_allclose(recording.signal_mV()[:, 0], SIGNAL, atol=1e-3)


def test_a_database_is_named(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("create table ecg (t, v)")
    assert "SQLite" in _refusal(tmp_path, "b.db", (tmp_path / "a.db").read_bytes())
