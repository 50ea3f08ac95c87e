"""Maps of networks that read a recording as a picture: back from its pixels to lead and time, and the evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ecgviz.saliency.drawn import METHODS, drawn_map, shown
from ecgviz.saliency.record_evidence import deletion, judge_record_map
from ecgviz.saliency.records import (
    explain_record,
    read_stretch,
    record_methods,
    shown_part,
    weigh_leads,
    window_picture,
)
from ecgviz.saliency.registry import compute_map
from ecgviz.saliency.target import AttributionTarget
from models import load_checkpoint
from models.checkpoints import Checkpoint
from models.data.ecg_paper import stretches
from models.evaluation.records import classify_record
from models.tasks.record import RecordTask
from tests.ecgviz.figures.strips import strip_figure
from tests.ecgviz.simulated import LEADS, save_drawn_checkpoint, twelve_leads


class OneCell(nn.Module):
    """Maps are means of tiles of the picture; the only class reads one of them."""

    def __init__(self, tile: tuple[int, int], cell: tuple[int, int]):
        super().__init__()
        self.tile, self.cell = tile, cell
        self.weight = nn.Parameter(torch.ones(1))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(x[:, :1] + 10, self.tile)

    def forward_head(self, maps: torch.Tensor) -> torch.Tensor:
        return maps[:, :, self.cell[0], self.cell[1]] * self.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.forward_head(self.forward_features(x))


def _ask(network: nn.Module, task: RecordTask, method: str = "hires_cam") -> tuple[np.ndarray, float]:
    x = torch.rand(1, 3, *task.picture_size, generator=torch.Generator().manual_seed(0))
    target = AttributionTarget(x=x, class_index=torch.tensor([0]))
    values, spacing = drawn_map(network.eval(), target, method, task)
    assert values.shape == (1, 12, task.length)
    return values[0].numpy(), spacing


@pytest.mark.parametrize("method", ["hires_cam", "integrated_gradients"])
def test_a_place_of_a_matrix_is_a_lead_and_a_time(method: str) -> None:
    task = RecordTask(form="matrix", segment_seconds=10.0)
    values, spacing = _ask(OneCell((13, 8), (7, 20)), task, method)
    lead, sample = np.unravel_index(int(values.argmax()), values.shape)
    # Row 97.5 of 182 is lead 6 of 12; column 164 of 256 is 6.4 s of 10 s.
    assert LEADS[lead] == "V1"
    assert sample / 100 == pytest.approx(6.4, abs=0.2)
    assert values[(lead + 3) % 12].max() == 0
    if method == "hires_cam":
        assert spacing == pytest.approx(1000 / 32)


@pytest.mark.parametrize("place", [0, 2, 6, 11, 12])
def test_a_place_on_a_sheet_is_a_lead_and_a_time(place: int) -> None:
    task = RecordTask(form="paper", segment_seconds=10.0, px_per_mm=2.0)
    wanted = stretches(10.0, 2.0)[place]
    middle = ((wanted.top + wanted.bottom) / 2, (wanted.left + wanted.right) / 2)
    values, spacing = _ask(OneCell((4, 4), (int(middle[0] // 4), int(middle[1] // 4))), task)
    lead, sample = np.unravel_index(int(values.argmax()), values.shape)
    assert LEADS[lead] == wanted.lead
    assert sample / 100 == pytest.approx((wanted.start_s + wanted.end_s) / 2, abs=0.1)
    assert np.count_nonzero(values.max(axis=1) > 0) == 1
    # Four pixels are 2 mm, 80 ms.
    assert spacing == pytest.approx(8.0)


def test_what_a_sheet_does_not_show_is_not_marked() -> None:
    task = RecordTask(form="paper", segment_seconds=10.0)
    there = shown(task)
    assert there.sum(axis=1).tolist() == [1000 if lead == "II" else 250 for lead in LEADS]
    assert there[LEADS.index("V2"), 500:750].all()
    assert shown(RecordTask(form="matrix")).all()


class Patches(OneCell):
    """The same, of a picture filled up to whole patches."""

    def padded(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pad(x, (0, -x.shape[3] % 16, 0, -x.shape[2] % 16))

    def forward_features(self, x: torch.Tensor) -> torch.Tensor:
        return functional.avg_pool2d(self.padded(x[:, :1]) + 10, 16)


def test_patches_lie_where_they_were_cut() -> None:
    """182 rows are 12 patches of 16 with ten rows of filling below."""
    target = AttributionTarget(x=torch.zeros(1, 3, 182, 256), class_index=torch.tensor([0]))
    for row in (3, 10):
        values, spacing = compute_map(Patches((16, 16), (row, 5)).eval(), target, "hires_cam")
        assert values.shape == (1, 182, 256) and spacing == 16
        weight = values[0].sum(dim=1)
        assert float((weight * torch.arange(182)).sum() / weight.sum()) == pytest.approx(16 * row + 7.5, abs=0.5)


@pytest.fixture(scope="module", params=[("matrix", "ecg_vit"), ("matrix", "ecg_deit"), ("paper", "ecg_vit")])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A small transformer."""
    form, architecture = request.param
    patch = 16 if architecture == "ecg_deit" else 8
    folder = tmp_path_factory.mktemp("checkpoints") / f"{form}-{architecture}"
    return load_checkpoint(save_drawn_checkpoint(folder, form, architecture, patch=patch))


def test_every_method_has_a_map_of_each_lead(checkpoint: Checkpoint) -> None:
    methods = record_methods(checkpoint)
    assert methods == [name for name in METHODS if name != "se_attention"]
    there = shown(checkpoint.task)
    for method in methods:
        maps = explain_record(twelve_leads(), checkpoint, method=method)
        assert maps.values.shape == (5, 12, 1000) and maps.values.min() >= 0
        assert np.isfinite(maps.values).all() and maps.values.max() > 0, method
        assert maps.values[:, ~there].max(initial=0) < 1e-6 or method == "integrated_gradients"
        assert 0 < maps.resolution_ms < 4000
        alike = all(np.array_equal(maps.values[0], other) for other in maps.values[1:])
        assert alike == (method == "attention_rollout")


def test_a_map_of_a_long_view_is_the_mean_of_its_windows(checkpoint: Checkpoint) -> None:
    recording = twelve_leads(seconds=14.0)
    maps = explain_record(recording, checkpoint, seconds=14.0, method="grad_cam")
    assert maps.values.shape == (5, 12, 1400)
    assert len(maps.stretch.starts) == 2
    assert shown_part(checkpoint.task, maps.stretch).any(axis=1).all()


def test_a_lead_is_drawn_flat_to_weigh_it(checkpoint: Checkpoint) -> None:
    recording = twelve_leads()
    weights = weigh_leads(checkpoint, read_stretch(recording, checkpoint.task))
    assert weights.drop.shape == (5, 12) and np.abs(weights.drop).max() > 0
    answer = classify_record(checkpoint, recording.signal_mV(), 100.0, recording.leads)
    np.testing.assert_allclose(weights.probability, answer.probability, atol=1e-6)


@pytest.mark.parametrize("method", ["grad_cam", "attention_rollout"])
def test_evidence_of_a_drawn_recording(checkpoint: Checkpoint, method: str) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method=method)
    first = judge_record_map(checkpoint, maps, "MI")
    assert first == judge_record_map(checkpoint, maps, "MI")
    assert all(np.isfinite(v) for v in vars(first).values() if isinstance(v, float))
    assert first.agreement_with == "integrated_gradients"


def test_deletion_counts_only_what_is_shown(checkpoint: Checkpoint) -> None:
    """Bridging all that a sheet does not show changes nothing; the random parts lie on what it does show."""
    stretch = read_stretch(twelve_leads(), checkpoint.task)
    there = shown_part(checkpoint.task, stretch)
    whole, _, random = deletion(checkpoint, stretch, np.where(there, 1.0, 0.0), 1)
    assert np.abs(random - whole).min() > 0
    if checkpoint.task.form == "paper":
        elsewhere = np.zeros(there.shape)
        elsewhere[LEADS.index("V1"), :400] = 1.0
        whole, marked, _ = deletion(checkpoint, stretch, elsewhere, 1)
        assert marked == pytest.approx(whole, abs=1e-6)


def test_the_picture_as_the_network_saw_it(checkpoint: Checkpoint) -> None:
    found = window_picture(checkpoint.task, read_stretch(twelve_leads(), checkpoint.task))
    assert found is not None and found.shape == (*checkpoint.task.picture_size, 3)
    assert found.dtype == np.uint8 and np.ptp(found) > 100


def test_each_lead_has_its_band_on_the_paper(checkpoint: Checkpoint) -> None:
    maps = explain_record(twelve_leads(), checkpoint, method="grad_cam")
    figure = strip_figure(twelve_leads(), 0.0, 10.0, layout="12x1", saliency=maps.of("MI"), map_vmax=maps.vmax)
    assert {image.name for image in figure.layout.images} == {f"map {lead}" for lead in LEADS}
    assert "each lead has its own map" in " ".join(str(note.text) for note in figure.layout.annotations)


def test_a_network_for_samples_saw_no_picture(tmp_path: Path) -> None:
    task = RecordTask()
    assert window_picture(task, read_stretch(twelve_leads(), task)) is None
