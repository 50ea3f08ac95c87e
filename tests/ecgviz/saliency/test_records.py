"""Maps of whole recordings on leads and time, the weight of each lead, and the evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ecgviz.saliency.record_evidence import deletion, judge_record_map
from ecgviz.saliency.records import explain_record, read_stretch, record_methods, stretch_map, weigh_leads
from models import load_checkpoint
from models.checkpoints import Checkpoint
from models.evaluation.records import classify_record
from models.tasks.record import RecordTask
from tests.ecgviz.figures.strips import strip_figure, strip_file
from tests.ecgviz.simulated import save_record_checkpoint, twelve_leads

READ = 6
"""V1: the only lead that the network of these tests sees."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    folder = tmp_path_factory.mktemp("checkpoints") / "one-lead"
    return load_checkpoint(save_record_checkpoint(folder, RecordTask(), lead=READ))


def test_methods_that_tell_leads_apart_come_first(checkpoint: Checkpoint) -> None:
    assert record_methods(checkpoint)[:3] == ["saliency", "integrated_gradients", "occlusion"]


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients", "occlusion"])
def test_only_the_lead_that_is_read_lights_up(checkpoint: Checkpoint, method: str) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method=method)
    assert maps.values.shape == (5, 12, 1000) and maps.values.min() >= 0
    strength = maps.values.sum(axis=(0, 2))
    assert strength[READ] > 0
    assert strength.sum() == pytest.approx(strength[READ], rel=1e-3)
    one = maps.of("MI")
    assert one.of_lead("V1").values.max() > 0 and one.of_lead("II").values.max() == 0
    assert one.of_lead("-aVR").values is one.by_lead["avr"]


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam", "se_attention"])
def test_class_activation_maps_are_the_same_in_every_lead(checkpoint: Checkpoint, method: str) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method=method)
    assert maps.values.shape == (5, 1, 1000)
    one = maps.of("CD")
    assert one.of_lead("I").values is one.of_lead("V6").values


def test_integrated_gradients_explain_the_logit(checkpoint: Checkpoint) -> None:
    """A map of all labels at once is that of each by itself."""
    stretch = read_stretch(twelve_leads(), checkpoint.task)
    together, _ = stretch_map(checkpoint.network, checkpoint.task, stretch, range(5), "integrated_gradients")
    alone, _ = stretch_map(checkpoint.network, checkpoint.task, stretch, [3], "integrated_gradients")
    np.testing.assert_allclose(together[3], alone[0], rtol=1e-3, atol=1e-6)


def test_weights_are_what_the_answer_loses(checkpoint: Checkpoint) -> None:
    recording = twelve_leads()
    weights = weigh_leads(checkpoint, read_stretch(recording, checkpoint.task))
    assert weights.drop.shape == (5, 12)
    assert np.abs(np.delete(weights.drop, READ, axis=1)).max() < 1e-6
    assert np.abs(weights.drop[:, READ]).max() > 1e-3
    room = 10.0 - checkpoint.task.segment_seconds
    answer = classify_record(checkpoint, recording.signal_mV(), 100.0, recording.leads, hop_seconds=room)
    np.testing.assert_allclose(weights.probability, answer.probability, atol=1e-6)


def test_a_stretch_of_a_long_recording_lies_where_it_should(checkpoint: Checkpoint) -> None:
    recording = twelve_leads(seconds=40.0, fs=250.0)
    stretch = read_stretch(recording, checkpoint.task, 21.0, 10.0)
    whole = checkpoint.task.condition(recording.signal_mV(), 250.0, recording.leads)
    assert stretch.first_s == pytest.approx(21.0, abs=0.005)
    assert stretch.signal.shape == (12, 1000)
    inner = slice(100, 900)
    np.testing.assert_allclose(stretch.signal[:, inner], whole[:, 2100:3100][:, inner], atol=0.05)
    assert read_stretch(recording, checkpoint.task, 39.0, 10.0).time_s[-1] <= 40.0


def test_evidence_has_figures_and_is_the_same_each_time(checkpoint: Checkpoint) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method="integrated_gradients")
    told: list[int] = []
    first = judge_record_map(checkpoint, maps, "MI", progress=lambda done, total, note: told.append(done))
    again = judge_record_map(checkpoint, maps, "MI")
    assert first == again and told == [0, 1, 2, 3]
    assert first.agreement_with == "hires_cam"
    assert all(np.isfinite(v) for v in vars(first).values() if isinstance(v, float))


def test_what_is_marked_in_a_lead_that_nobody_reads_changes_nothing(checkpoint: Checkpoint) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method="integrated_gradients")
    elsewhere = np.zeros_like(maps.values[1])
    elsewhere[0] = maps.values[1][READ]
    whole, marked, _ = deletion(checkpoint, maps.stretch, elsewhere, 1)
    assert marked == pytest.approx(whole, abs=1e-6)
    whole, marked, _ = deletion(checkpoint, maps.stretch, maps.values[1], 1)
    assert abs(whole - marked) > 1e-4


def test_maps_of_another_checkpoint_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method="grad_cam")
    other = load_checkpoint(save_record_checkpoint(tmp_path / "other", RecordTask()))
    with pytest.raises(ValueError, match="make them again"):
        judge_record_map(other, maps, "MI")
    with pytest.raises(ValueError, match="there is no label"):
        maps.of("AFIB")


@pytest.mark.parametrize("layout", ["3x4 + II", "6x2", "12x1", "12x1 Cabrera"])
@pytest.mark.parametrize("style", ["band", "trace"])
def test_the_map_is_drawn_in_every_layout(checkpoint: Checkpoint, layout: str, style: str) -> None:
    recording = twelve_leads(fs=1000.0)
    maps = explain_record(recording, checkpoint, method="integrated_gradients")
    arguments = {"layout": layout, "saliency": maps.of("MI"), "map_vmax": maps.vmax, "map_style": style}
    figure = strip_figure(recording, 0.0, 10.0, **arguments)
    assert len(figure.to_json()) < 600_000
    assert "each lead has its own map" in " ".join(str(note.text) for note in figure.layout.annotations)
    if style == "band":
        drawn = {image.name for image in figure.layout.images}
        assert "map V1" in drawn and len(drawn) == len({lane for lane in drawn if lane})
        assert ("map -aVR" in drawn) == (layout == "12x1 Cabrera")


def test_only_the_leads_that_were_read_are_coloured(tmp_path: Path) -> None:
    task = RecordTask(ecg_leads=("I", "II", "V1", "V2", "V3", "V4", "V5", "V6"), target="abnormal")
    eight = load_checkpoint(save_record_checkpoint(tmp_path / "eight", task))
    maps = explain_record(twelve_leads(), eight, method="saliency")
    figure = strip_figure(twelve_leads(), 0.0, 10.0, layout="12x1", saliency=maps.of("abnormal"), map_vmax=maps.vmax)
    assert {image.name for image in figure.layout.images} == {f"map {lead}" for lead in task.ecg_leads}


def test_the_sheet_as_a_file_has_the_map_too(checkpoint: Checkpoint) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method="saliency")
    for style in ("band", "trace"):
        content = strip_file(
            twelve_leads(), 0.0, 10.0, file_format="png", layout="3x4 + II", saliency=maps.of("MI"),
            map_vmax=maps.vmax, map_style=style, dpi=60,
        )  # fmt: skip
        assert content[:4] == b"\x89PNG"
