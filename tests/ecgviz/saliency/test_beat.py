"""Maps of a recording's beats: the right slot, the right seconds, and the evidence that goes with them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ecgviz.results import Beats
from ecgviz.saliency import (
    default_method,
    deletion_curve,
    explain_beat,
    explain_beats,
    judge_map,
    list_methods,
    recording_scale,
)
from models import Card, Checkpoint, create_model
from models.tasks import BeatTask, StripTask
from readers.recording import ArraySource, Recording
from tests.ecgviz.saliency.toys import ToyStrip

FS = 250.0
PEAKS = np.arange(60, 250 * 40 - 60, 190)


@pytest.fixture(scope="module")
def recording() -> Recording:
    samples = np.random.default_rng(0).normal(0, 0.02, (250 * 40, 2)).astype(np.float32)
    for peak in PEAKS:
        samples[peak - 6 : peak + 7] += np.hanning(13)[:, None]
    return Recording("made", FS, len(samples), ("V1", "MLII"), ("mV", "mV"), ArraySource(samples), "test")


def checkpoint_of(network, task) -> Checkpoint:
    card = Card(
        architecture="toy", arguments={}, task=task.model_dump(), classes=task.classes, parameters=1,
        calibration={"temperature": 2.0},
    )  # fmt: skip
    return Checkpoint("toy", Path(), card, network.eval(), task)


def beats_of(checkpoint, leads=("MLII",)) -> Beats:
    count = len(checkpoint.task.classes)
    prob = np.random.default_rng(1).dirichlet(np.ones(count), len(PEAKS)).astype(np.float32)
    return Beats(PEAKS, prob, checkpoint.task.classes, FS, checkpoint.name, leads)


@pytest.fixture(scope="module")
def windows() -> Checkpoint:
    torch.manual_seed(3)
    return checkpoint_of(
        create_model("se_resnet_lstm", rr_features=8), BeatTask(fs_out=120.0, segment_seconds=3.0, rr=True)
    )


@pytest.fixture(scope="module")
def strips() -> Checkpoint:
    torch.manual_seed(3)
    task = StripTask(segment_seconds=16.0, margin_seconds=3.0)
    return checkpoint_of(create_model("beat_strip"), task)


@pytest.mark.parametrize("method", [name for name in list_methods() if name != "attention_rollout"])
@pytest.mark.parametrize("kind", ["windows", "strips"])
def test_a_map_lies_on_the_seconds_of_its_input(kind, method, recording, request):
    checkpoint = request.getfixturevalue(kind)
    beats = beats_of(checkpoint)
    found = explain_beat(recording, checkpoint, beats, 20, method=method)
    assert found.values.shape == found.time_s.shape == ((360,) if kind == "windows" else (1920,))
    assert found.values.dtype == np.float32
    assert (found.values >= 0).all()
    assert found.target == beats.label[20]
    assert found.window_s[0] < PEAKS[20] / FS < found.window_s[1]
    np.testing.assert_allclose(np.diff(found.time_s), 1 / 120.0)
    fine = {"saliency": 1000 / 120, "integrated_gradients": 1000 / 120, "occlusion": 100.0}
    assert found.resolution_ms == pytest.approx(fine.get(method, 8000 / 120 if kind == "windows" else 2000 / 120))
    assert bool(found.gates) == (method == "se_attention")
    if kind == "windows":
        assert found.time_s[180] == pytest.approx(PEAKS[20] / FS, abs=0.5 / 120)


def test_gates_are_those_of_each_block(recording, windows):
    gates = explain_beat(recording, windows, beats_of(windows), 5, method="se_attention").gates
    assert [len(gate) for gate in gates.values()] == [256, 256, 512, 512]
    assert all(((gate > 0) & (gate < 1)).all() for gate in gates.values())


@pytest.mark.parametrize("method", ["hires_cam", "integrated_gradients", "saliency", "occlusion"])
def test_the_map_of_a_slot_peaks_near_its_beat(recording, method):
    torch.manual_seed(2)
    checkpoint = checkpoint_of(ToyStrip(), StripTask(segment_seconds=16.0, margin_seconds=3.0, ecg_leads=("MLII",)))
    checkpoint.network.classifier = torch.nn.Linear(20, 5)
    beats = beats_of(checkpoint)
    chosen = [3, 17, 18]
    for found in explain_beats(recording, checkpoint, beats, chosen, method=method):
        assert found.values.max() > 0
        assert abs(found.time_s[found.values.argmax()] - PEAKS[found.beat] / FS) < 0.25


@pytest.mark.parametrize("kind", ["windows", "strips"])
@pytest.mark.parametrize("method", ["grad_cam", "se_attention", "saliency"])
def test_several_beats_at_once_equal_one_by_one(kind, method, recording, request):
    checkpoint = request.getfixturevalue(kind)
    beats = beats_of(checkpoint)
    chosen = [30, 2, 3, 19, 2]
    together = explain_beats(recording, checkpoint, beats, chosen, method=method)
    assert [one.beat for one in together] == chosen
    for found in together:
        alone = explain_beat(recording, checkpoint, beats, found.beat, method=method)
        np.testing.assert_allclose(found.values, alone.values, atol=1e-4 * alone.values.max())
        np.testing.assert_array_equal(found.time_s, alone.time_s)
        assert found.target == alone.target


def test_beats_of_one_strip_share_its_features(recording, strips, monkeypatch):
    calls = []
    original = strips.network.forward_features
    monkeypatch.setattr(strips.network, "forward_features", lambda x: calls.append(len(x)) or original(x))
    explain_beats(recording, strips, beats_of(strips), [14, 15, 16, 17])
    assert calls == [1]


def test_another_class_gives_another_map(recording, windows):
    beats = beats_of(windows)
    one, other = (explain_beat(recording, windows, beats, 9, target=target, method="hires_cam") for target in "NV")
    assert (one.target, other.target) == ("N", "V")
    assert not np.allclose(one.values, other.values)


def test_default_method(windows, strips, recording):
    assert default_method(windows) == "grad_cam"
    assert default_method(strips) == "hires_cam"
    assert explain_beat(recording, strips, beats_of(strips), 3).method == "hires_cam"


@pytest.mark.parametrize("kind", ["windows", "strips"])
def test_evidence_and_curve(kind, recording, request):
    checkpoint = request.getfixturevalue(kind)
    beats = beats_of(checkpoint)
    found = explain_beat(recording, checkpoint, beats, 20)
    told = []
    evidence = judge_map(recording, checkpoint, beats, found, progress=lambda *report: told.append(report))
    assert told[-1][:2] == (3, 3)
    assert evidence.resolution_ms == found.resolution_ms
    assert -1 <= evidence.randomised_correlation <= 1
    assert evidence.weak == bool(evidence.reasons)
    curve = deletion_curve(recording, checkpoint, beats, found, fractions=(0.05, 0.1))
    assert curve.fraction.tolist() == [0.0, 0.05, 0.1]
    assert curve.random_prob.shape == (20, 3)
    assert curve.prob[0] - curve.prob[2] == pytest.approx(evidence.deletion_drop, abs=1e-6)
    first, last = curve.neighbourhood_s
    assert first == pytest.approx(PEAKS[20] / FS - 1.5, abs=0.02)
    assert last == pytest.approx(PEAKS[20] / FS + 1.5, abs=0.02)


def test_probabilities_are_the_calibrated_ones(recording, strips):
    """The curve starts at softmax(logits / temperature), which is what the page shows beside it."""
    beats = beats_of(strips)
    found = explain_beat(recording, strips, beats, 20, target="V")
    inputs = strips.task.inputs_for_beat(
        lambda start, stop: recording.signal_mV(start, stop, leads=beats.leads), FS, recording.n_samples, PEAKS, 20
    )
    with torch.no_grad():
        logits = strips.network(inputs.x, **inputs.kwargs)[0, int(np.flatnonzero(inputs.beat[0] == 20)[0])]
    curve = deletion_curve(recording, strips, beats, found, fractions=(0.1,))
    assert curve.prob[0] == pytest.approx(float(torch.softmax(logits / 2.0, 0)[2]), abs=1e-6)


@pytest.mark.parametrize("kind", ["windows", "strips"])
def test_one_scale_for_the_recording(kind, recording, request):
    checkpoint = request.getfixturevalue(kind)
    beats = beats_of(checkpoint)
    scale = recording_scale(recording, checkpoint, beats, sample=8)
    assert scale == recording_scale(recording, checkpoint, beats, sample=8) > 0
    tops = [one.values.max() for one in explain_beats(recording, checkpoint, beats, range(0, 50, 5))]
    assert min(tops) < 2 * scale
    assert scale < 2 * max(tops)
    empty = Beats(PEAKS[:0], beats.prob[:0], beats.classes, FS, "toy", beats.leads)
    assert recording_scale(recording, checkpoint, empty) == 1.0


def test_first_and_last_beat(recording, windows, strips):
    for checkpoint in (windows, strips):
        beats = beats_of(checkpoint)
        for index in (0, len(beats) - 1):
            found = explain_beat(recording, checkpoint, beats, index)
            curve = deletion_curve(recording, checkpoint, beats, found, fractions=(0.1,))
            assert np.isfinite(found.values).all()
            assert np.isfinite(curve.prob).all()


def test_what_cannot_be_explained(recording, windows, strips):
    beats = beats_of(windows)
    with pytest.raises(IndexError, match="no beat 999"):
        explain_beat(recording, windows, beats, 999)
    with pytest.raises(IndexError, match="no beat -1"):
        explain_beat(recording, windows, beats, -1)
    with pytest.raises(ValueError, match="no class 'X'"):
        explain_beat(recording, windows, beats, 0, target="X")
    with pytest.raises(ValueError, match="no saliency method"):
        explain_beat(recording, windows, beats, 0, method="guess")
    found = explain_beat(recording, windows, beats, 4)
    with pytest.raises(ValueError, match="does not lie on the input"):
        judge_map(recording, strips, beats_of(strips), found)


@pytest.mark.gpu
def test_on_another_device(recording, strips):
    """A copy of the network moves, the shared one stays where it is."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    beats = beats_of(strips)
    cpu, cuda = (explain_beat(recording, strips, beats, 20, device=device) for device in ("cpu", "cuda"))
    assert next(strips.network.parameters()).device.type == "cpu"
    np.testing.assert_allclose(cuda.values, cpu.values, atol=0.02 * cpu.values.max())
