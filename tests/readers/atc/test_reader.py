"""AliveCor's ATC, written by the specification: leads, frequency, resolution; cut off anywhere, damaged, lying."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgviz.errors import ReadError
from readers import open_recording
from tests.readers.delimited.test_exports import ecg

IDS = [b"ecg ", *(b"ecg" + number.encode() for number in "23456789abc")]
NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def block(name: bytes, data: bytes) -> bytes:
    body = name + struct.pack("<I", len(data)) + data
    return body + struct.pack("<I", zlib.crc32(body))


def atc(n_leads: int = 1, fs: int = 300, nanovolts: int = 500, kind: int = 1) -> tuple[np.ndarray, bytes]:
    """Leads in mV (n, n_leads), and the file of them."""
    leads = ecg(3000, fs)[:, None] * np.linspace(1, -0.8, n_leads)
    steps = np.rint(leads * 1e6 / nanovolts).astype("<i2")
    parts = [b"ALIVE\0\0\0", struct.pack("<I", 5), block(b"info", b"2026-03-04T09:15:30".ljust(264, b"\0"))]
    parts += [block(b"fmt ", struct.pack("<BHHBH", kind, fs, nanovolts, 14, 0))]
    parts += [block(name, steps[:, i].tobytes()) for i, name in enumerate(IDS[:n_leads])]
    parts += [block(b"avg ", steps[:450, 0].tobytes()), block(b"ann ", struct.pack("<IIH", 300, 150, 1))]
    return steps * (nanovolts / 1e6), b"".join(parts)


@pytest.mark.parametrize("n_leads", [1, 2, 6, 12])
@pytest.mark.parametrize(("fs", "nanovolts"), [(300, 500), (600, 1000), (1000, 125)])
@pytest.mark.parametrize("suffix", [".atc", ".bin"])
def test_leads_frequency_and_resolution(tmp_path, n_leads, fs, nanovolts, suffix):
    leads, content = atc(n_leads, fs, nanovolts)
    (tmp_path / f"a{suffix}").write_bytes(content)
    recording = open_recording(tmp_path / f"a{suffix}")
    assert (recording.fs, recording.leads) == (fs, NAMES[:n_leads])
    assert (set(recording.units), recording.warnings) == ({"mV"}, ())
    np.testing.assert_allclose(recording.signal_mV(), leads, atol=1e-6)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keep=st.integers(8, 18_700), flip=st.integers(0, 18_700) | st.none())
def test_cut_off_and_damaged(tmp_path, keep, flip):
    """What is lost of the samples is told, whichever bytes are missing or wrong."""
    leads, content = atc(3)
    content = bytearray(content[:keep])
    if flip is not None and 12 <= flip < len(content):
        content[flip] ^= 0x40
    (tmp_path / "a.atc").write_bytes(content)
    with suppress(ReadError):
        recording = open_recording(tmp_path / "a.atc")
        read = recording.signal_mV()
        whole = read.shape == leads.shape and np.allclose(read, leads, atol=1e-6) and recording.fs == 300
        assert whole or recording.warnings


def test_lying_lengths_and_unknown_formats(tmp_path):
    _, content = atc()
    lying = content.replace(b"ecg " + struct.pack("<I", 6000), b"ecg " + struct.pack("<I", 0xFFFFFFFF))
    (tmp_path / "a.atc").write_bytes(lying)
    assert any("damaged or cut off" in note for note in open_recording(tmp_path / "a.atc").warnings)
    for broken in (atc(kind=2)[1], content[:300], content[:12]):
        (tmp_path / "a.atc").write_bytes(broken)
        with pytest.raises(ReadError, match=r"a\.atc: it is a recording of AliveCor \(ATC\)"):
            open_recording(tmp_path / "a.atc")
