"""Tables in the long form, a sample a row with the name of its lead: the leads come out side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecgviz.errors import ReadError
from readers import open_recording
from tests.readers.delimited.test_exports import ecg

E = ecg(1500)
NAMES = ("I", "II", "aVR", "V1", "V5")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    leads=st.lists(st.sampled_from(NAMES), min_size=2, max_size=4, unique=True), blocks=st.booleans(),
    timed=st.booleans(), numbered=st.booleans(), separator=st.sampled_from([",", ";", "\t"]),
)  # fmt: skip
def test_leads_come_out_side_by_side(tmp_path, leads, blocks, timed, numbered, separator):
    """Interleaved or one after the other, with times or without, named or numbered."""
    rows = [(i, k) for k in range(len(leads)) for i in range(len(E))]
    rows = rows if blocks else sorted(rows)
    head = ["time_s"] * timed + ["channel" if numbered else "lead", "value (mV)"]
    lines = [separator.join(head)]
    for i, k in rows:
        named = str(k + 1) if numbered else leads[k]
        lines.append(separator.join([f"{i / 250:.3f}"] * timed + [named, f"{E[i] * (k + 1):.4f}"]))
    (tmp_path / "a.csv").write_text("\n".join(lines))
    recording = open_recording(tmp_path / "a.csv", fs=None if timed else 250)
    shown = recording.signal_mV()
    assert (recording.fs, recording.n_samples) == (250, len(E))
    assert set(recording.leads) == {f"lead {k + 1}" if numbered else lead for k, lead in enumerate(leads)}
    for k, lead in enumerate(leads):
        column = recording.leads.index(f"lead {k + 1}" if numbered else lead)
        np.testing.assert_allclose(shown[:, column], E * (k + 1), atol=1e-4)


def test_a_gap_is_one_in_every_lead(tmp_path):
    lines = ["time,lead,mV", *(f"{i / 250},{k},{E[i]}" for i in range(1500) if not 500 <= i < 750 for k in ("I", "II"))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    recording = open_recording(tmp_path / "a.csv")
    assert np.isnan(recording.signal_mV()[500:750]).all()
    assert np.isfinite(recording.signal_mV()).sum() == 2 * 1250


def test_leads_at_different_times_are_refused(tmp_path):
    lines = ["time,lead,mV", *(f"{i / 250},{k},{E[i]}" for k, n in (("I", 1500), ("II", 1200)) for i in range(n))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    with pytest.raises(ReadError, match=r"not sampled together \(I 1500, II 1200\); write a table"):
        open_recording(tmp_path / "a.csv")


def test_one_lead_named_in_every_row_leaves_the_table_as_it_is(tmp_path):
    lines = ["time,lead,ECG (mV),x", *(f"{i / 250},II,{E[i]},{i % 7}" for i in range(1500))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    recording = open_recording(tmp_path / "a.csv")
    assert recording.fs == 250
    np.testing.assert_allclose(recording.signal_mV()[:, 0], E, atol=1e-4)
