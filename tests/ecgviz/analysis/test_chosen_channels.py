"""Beats are looked for where an ECG is; any other channel of the file is read when it is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ecgviz.__main__ import main
from ecgviz.analysis import analyse_beats
from ecgviz.analysis.lead_choice import leads_to_avoid
from ecgviz.errors import ConfigError
from models import Checkpoint, load_checkpoint
from models.checkpoints import DEFAULT_BEAT_CHECKPOINT
from readers import open_recording
from tests.readers.conftest import beats as drawn_beats
from tests.readers.other_signals import breathing, eeg

FS, N = 250, 7500


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return load_checkpoint(DEFAULT_BEAT_CHECKPOINT)


@pytest.fixture
def of_eeg(tmp_path):
    """Two channels of EEG in mV."""
    path = tmp_path / "sleep.npz"
    samples = np.column_stack([eeg(N, seed=1), eeg(N, seed=2)]) / 1000
    np.savez(path, data=samples, fs=FS, unit="mV", leads=["EEG C3-A2", "EEG C4-A1"])
    return path


@pytest.fixture
def with_breathing(tmp_path):
    """An ECG behind a channel of breathing."""
    path = tmp_path / "two.npz"
    samples = np.column_stack([breathing(N, size=1.0), drawn_beats(N)])
    np.savez(path, data=samples, fs=FS, unit="mV", leads=["RSP", "ECG"])
    return path


def test_no_beats_where_no_ecg_is(of_eeg, checkpoint):
    recording = open_recording(of_eeg)
    found = analyse_beats(recording, checkpoint)
    assert len(found) == 0
    assert found.warnings == recording.warnings
    assert "No ECG was found in sleep.npz, only EEG C3-A2, EEG C4-A1" in found.warnings[0]


def test_a_lead_that_is_asked_for_is_read_all_the_same(of_eeg, checkpoint):
    assert analyse_beats(open_recording(of_eeg), checkpoint, lead="EEG C4-A1").leads[0] == "EEG C4-A1"


def test_only_the_channel_that_is_asked_for_is_read_where_none_is_an_ecg(of_eeg, checkpoint):
    """A network of two leads gets no second one, whose noise would be searched for beats, too."""
    recording = open_recording(of_eeg)
    assert recording.no_ecg == recording.leads and len(checkpoint.task.ecg_leads) == 2
    assert analyse_beats(recording, checkpoint, lead="eeg c4-a1").leads == ("EEG C4-A1",)


def test_the_ecg_is_read_and_breathing_when_it_is_asked_for(with_breathing, checkpoint):
    recording = open_recording(with_breathing)
    assert analyse_beats(recording, checkpoint).leads == ("ECG",)
    asked = analyse_beats(recording, checkpoint, lead="rsp")
    assert asked.leads[0] == "RSP"
    assert leads_to_avoid(recording.with_channel("RSP")) == ("RSP",)
    with pytest.raises(ConfigError, match="there is no lead SpO2; the recording has ECG, RSP"):
        analyse_beats(recording, checkpoint, lead="SpO2")


def test_the_command_line_reads_the_channel_that_it_is_given(with_breathing, tmp_path, capsys):
    answer = tmp_path / "answer.json"
    assert main(["analyze", str(with_breathing), "--lead", "RSP", "--json", str(answer)]) == 0
    assert json.loads(answer.read_text())["leads"][0] == "RSP"
    assert "ECG RSP" in capsys.readouterr().out
