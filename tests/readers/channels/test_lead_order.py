"""Twelve leads without names are named by Einthoven's law, and only then."""

import numpy as np
import pytest

from ecgviz.sources.samples import open_sample
from readers import open_recording
from readers.core.lead_names import TWELVE_LEADS


@pytest.fixture(scope="module")
def resting():
    """A 12-lead ECG in the standard order: (samples in mV, fs)."""
    recording = open_sample("dicom-12-lead")
    assert recording.leads == TWELVE_LEADS
    return recording.signal_mV(), recording.fs


def _open(tmp_path, samples, fs, **details):
    np.save(tmp_path / "a.npy", samples.astype(np.float32))
    return open_recording(tmp_path / "a.npy", fs=fs, unit="mV", **details)


@pytest.mark.parametrize("change", ["none", "rounded", "offset", "gaps"])
def test_standard_order_is_recognised(tmp_path, resting, change):
    samples, fs = resting[0].copy(), resting[1]
    if change == "rounded":
        samples = np.round(samples * 200) / 200
    elif change == "offset":
        samples += np.arange(12)
    elif change == "gaps":
        samples[100:200, 3] = np.nan
    recording = _open(tmp_path, samples, fs)
    assert recording.leads == TWELVE_LEADS
    assert any("does not name its leads" in sentence and "Einthoven" in sentence for sentence in recording.warnings)


@pytest.mark.parametrize("change", ["cabrera", "swapped", "turned", "scaled", "noise", "flat", "eleven"])
def test_any_other_order_is_not(tmp_path, resting, change):
    samples, fs = resting[0].copy(), resting[1]
    if change == "cabrera":
        samples = samples[:, [4, 0, 3, 1, 5, 2, 6, 7, 8, 9, 10, 11]]
    elif change == "swapped":
        samples[:, [0, 1]] = samples[:, [1, 0]]
    elif change == "turned":
        samples[:, 3] *= -1
    elif change == "scaled":
        samples /= samples.std(axis=0)
    elif change == "noise":
        samples = np.random.default_rng(0).standard_normal(samples.shape)
    elif change == "flat":
        samples[:] = 1.0
    else:
        samples = samples[:, :11]
    recording = _open(tmp_path, samples, fs)
    assert recording.leads[0] == "lead 1"
    assert not any("Einthoven" in sentence for sentence in recording.warnings)


def test_names_that_are_given_stand(tmp_path, resting):
    names = [f"X{number}" for number in range(12)]
    assert _open(tmp_path, *resting, lead_names=names).leads == tuple(names)


def test_such_a_file_is_labelled(tmp_path, resting):
    from ecgviz.analysis.records import analyse_record
    from models import load_checkpoint
    from models.checkpoints import DEFAULT_RECORD_CHECKPOINT

    analysis = analyse_record(_open(tmp_path, *resting), load_checkpoint(DEFAULT_RECORD_CHECKPOINT))
    assert "NORM" in analysis.positive_labels
