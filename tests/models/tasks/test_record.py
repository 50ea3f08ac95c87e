"""Task record: leads by name, one conditioning for training and analysis, windows that cover the recording."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.core.errors import ConfigError
from models.tasks import RecordTask, create_task
from readers.core.lead_names import TWELVE_LEADS
from tests.models.data.ptbxl_folder import NAMES, simulate


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    return simulate((0, 1, 0, 0, 0), 3)


def test_leads_are_found_by_name_whatever_their_order_and_case(signal: np.ndarray) -> None:
    task = RecordTask()
    order = np.random.default_rng(0).permutation(12)
    shuffled = [f"Lead {NAMES[place]}" if place % 2 else NAMES[place].lower() for place in order]
    np.testing.assert_array_equal(task.take_leads(signal[:, order], shuffled), signal)


def test_missing_limb_leads_follow_from_i_and_ii(signal: np.ndarray) -> None:
    noiseless = signal.copy()
    noiseless[:, 2] = signal[:, 1] - signal[:, 0]
    noiseless[:, 3] = -(signal[:, 0] + signal[:, 1]) / 2
    noiseless[:, 4] = signal[:, 0] - signal[:, 1] / 2
    noiseless[:, 5] = signal[:, 1] - signal[:, 0] / 2
    kept = [0, 1, 6, 7, 8, 9, 10, 11]
    made = RecordTask().take_leads(signal[:, kept], [NAMES[place] for place in kept])
    np.testing.assert_allclose(made, noiseless, atol=1e-12)


def test_a_lead_that_cannot_be_made_is_named(signal: np.ndarray) -> None:
    with pytest.raises(ConfigError, match=r"lacks V6 \(it has I, II"):
        RecordTask().take_leads(signal[:, :11], NAMES[:11])
    with pytest.raises(ConfigError, match="lacks I, III, aVR"):
        RecordTask().take_leads(signal[:, [1, 6]], ["II", "V1"])
    with pytest.raises(ConfigError, match="name each column"):
        RecordTask().take_leads(signal, NAMES[:3])


@pytest.mark.parametrize("fs", [250.0, 360.0, 500.0, 1000.0])
def test_the_sampling_frequency_of_the_file_hardly_matters(signal: np.ndarray, fs: float) -> None:
    from scipy.signal import resample

    task = RecordTask()
    at_100 = task.condition(signal, 100.0, NAMES)
    other = task.condition(resample(signal, round(len(signal) * fs / 100)), fs, NAMES)
    assert other.shape == at_100.shape
    inner = slice(100, 900)
    for first, second in zip(at_100[:, inner], other[:, inner], strict=True):
        assert np.corrcoef(first, second)[0, 1] > 0.99


def test_baseline_and_offset_are_taken_away(signal: np.ndarray) -> None:
    drift = np.linspace(-3, 3, len(signal))[:, None]
    task = RecordTask()
    clean, drifted = task.condition(signal, 100.0, NAMES), task.condition(signal + 5 + drift, 100.0, NAMES)
    assert np.abs(clean - drifted)[:, 200:800].max() < 0.05
    as_it_is = RecordTask(highpass_hz=0, lowpass_hz=0, scaling="mV").condition(signal + 5, 100.0, NAMES)
    np.testing.assert_allclose(as_it_is, (signal + 5).T, atol=1e-5)


def test_gaps_are_bridged_and_a_lead_that_is_off_is_zero(signal: np.ndarray) -> None:
    gappy = signal.copy()
    gappy[300:340, 1] = np.nan
    gappy[:, 7] = np.nan
    task = RecordTask()
    x = task.windows(task.condition(gappy, 100.0, NAMES), [0])
    assert torch.isfinite(x).all()
    assert not x[0, 7].any()


def test_each_lead_of_a_window_is_scaled_by_itself_and_scale_does_not_matter(signal: np.ndarray) -> None:
    task = RecordTask()
    conditioned = task.condition(signal, 100.0, NAMES)
    x = task.windows(conditioned, [0, 57, 200])
    assert x.shape == (3, 12, 800)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x.mean(dim=-1), torch.zeros(3, 12), atol=1e-5, rtol=0)
    torch.testing.assert_close(x.std(dim=-1, correction=0), torch.ones(3, 12), atol=1e-4, rtol=0)
    torch.testing.assert_close(task.windows(conditioned * 7, [57])[0], x[1], atol=1e-5, rtol=1e-4)
    kept = RecordTask(scaling="mV").window(conditioned, 57)
    np.testing.assert_array_equal(kept.numpy(), conditioned[:, 57:857])


def test_windows_cover_the_recording_evenly() -> None:
    task = RecordTask()
    assert task.starts(1000).tolist() == [0, 100, 200]
    assert task.starts(800).tolist() == [0]
    assert task.starts(792).tolist() == [0]
    long = task.starts(30 * 60 * 100, hop_seconds=4)
    assert long[0] == 0
    assert long[-1] == 30 * 60 * 100 - 800
    assert np.diff(long).max() <= 400


def test_a_recording_a_little_short_is_padded_and_a_shorter_one_refused(signal: np.ndarray) -> None:
    task = RecordTask(segment_seconds=10)
    assert task.window(task.condition(signal[:990], 100.0, NAMES), 0)[:, 990:].abs().sum() == 0
    with pytest.raises(ConfigError, match=r"has 9\.89 s; the network needs 9\.9 s"):
        task.condition(signal[:989], 100.0, NAMES)


def test_the_documented_eight_leads_take_4950_samples_and_no_fewer() -> None:
    task = RecordTask(
        target="abnormal", fs_out=500, segment_seconds=10, ecg_leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
    )
    long = simulate((1, 0, 0, 0, 0), 1, seconds=10, fs=500)
    assert task.length == 5000
    assert task.windows(task.condition(long[:4950], 500.0, NAMES), [0]).shape == (1, 8, 5000)
    with pytest.raises(ConfigError, match="the network needs"):
        task.condition(long[:4949], 500.0, NAMES)


def test_targets() -> None:
    found = np.array([[1, 0, 0, 0, 0], [1, 0, 1, 0, 0], [0, 1, 0, 0, 1]])
    np.testing.assert_array_equal(RecordTask().targets(found), found)
    assert RecordTask(target="abnormal").targets(found)[:, 0].tolist() == [0, 1, 1]
    assert RecordTask(target="abnormal").classes == ("abnormal",)


def test_a_task_is_rebuilt_from_its_parameters() -> None:
    task = RecordTask(segment_seconds=5, scaling="mV")
    assert create_task(task.model_dump(mode="json")) == task
    assert task.ecg_leads == TWELVE_LEADS
    assert task.describe() == "0.5-40 Hz at 100 Hz, 5 s of 12 leads, in mV"


@pytest.mark.parametrize(
    ("parameters", "field"),
    [({"lowpass_hz": 60}, "task.lowpass_hz"), ({"ecg_leads": ("I", "i")}, "task.ecg_leads")],
)
def test_what_cannot_be_computed_is_refused(parameters: dict, field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RecordTask(**parameters)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("form", "pictures", "on_sheet"), [("signal", False, 0), ("matrix", True, 0), ("paper", True, 13)]
)
def test_a_task_says_what_its_network_reads_and_where_a_sheet_shows_it(form, pictures, on_sheet) -> None:
    task = RecordTask(form=form)
    assert task.reads_pictures == pictures
    assert task.reads_paper == (form == "paper")
    places = task.on_sheet()
    assert len(places) == on_sheet, "twelve leads, and lead II again below them"
    assert {place.lead for place in places} == (set(task.ecg_leads) if places else set())
