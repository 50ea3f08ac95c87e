"""Real recordings of every source equal wfdb's own reading, sample for sample and mark for mark."""

from __future__ import annotations

import edfio
import numpy as np
import pytest
import wfdb

from readers import open_recording

FOLDERS = dict.fromkeys(("mitdb_212", "svdb", "ludb", "cinc", "nstdb"), "*.hea") | {
    "mitdb": "1[01][0248].hea",
    "ptbxl": "records100/*/000?0_lr.hea",
}


@pytest.mark.data
@pytest.mark.parametrize("folder", FOLDERS)
def test_equal_to_wfdb(data_root, folder):
    headers = sorted((data_root / folder).glob(FOLDERS[folder]))
    assert headers
    for header in headers:
        recording = open_recording(header)
        for left_out in recording.others:  # noise is no ECG, and decoded all the same
            recording = recording.with_channel(left_out)
        peer = wfdb.rdrecord(str(header.with_suffix("")), return_res=32)
        np.testing.assert_array_equal(recording.signal_mV(), peer.p_signal, err_msg=header.name)
        assert recording.fs == peer.fs
        assert [lead.lower() for lead in recording.leads] == [name.lower() for name in peer.sig_name]
        assert not any("checksum" in sentence for sentence in recording.warnings), header.name
        if header.with_suffix(".atr").is_file():
            marks = wfdb.rdann(str(header.with_suffix("")), "atr")
            np.testing.assert_array_equal(recording.annotations.sample, marks.sample)
            assert list(recording.annotations.symbol) == marks.symbol
            assert list(recording.annotations.aux) == [note.rstrip("\0").strip() for note in marks.aux_note]


@pytest.mark.data
def test_leads_and_units_of_the_real_ones(data_root):
    twelve = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    for name in ("ludb/3", "cinc/HR06000.mat", "ptbxl/records100/00000/00001_lr", "formats/contec_0000050.edf"):
        recording = open_recording(data_root / name)
        assert recording.leads == twelve, name
        assert set(recording.units) == {"mV"}, name
    assert set(open_recording(data_root / "nstdb" / "em").units) == {"unknown"}
    assert open_recording(data_root / "mitdb" / "114").leads == ("V5", "MLII")


@pytest.mark.data
def test_edf_equals_edfio(data_root):
    path = data_root / "formats" / "contec_0000050.edf"
    expected = np.column_stack([signal.data for signal in edfio.read_edf(path).signals])
    peer_unit = {signal.physical_dimension for signal in edfio.read_edf(path).signals}
    factor = {"mV": 1.0, "uV": 1e-3}[peer_unit.pop()]
    np.testing.assert_allclose(open_recording(path).signal_mV(), expected * factor, atol=1e-5)
