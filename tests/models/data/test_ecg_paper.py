"""Recordings as pictures: the sheet is what it should be, its changes are seeded, real pictures are fitted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.config import load_config
from models.core.errors import ConfigError
from models.data import ecg_paper
from models.data.ecg_scan import scanned, varied
from models.data.record_dataset import CropDataset
from models.data.whole_recordings import load_split, prepare
from models.tasks import RecordTask
from readers.core.lead_names import TWELVE_LEADS

PAPER = RecordTask(form="paper", segment_seconds=10)


def ink_of(signal: np.ndarray, px_per_mm: float, **sheet) -> np.ndarray:
    """Traces alone: black on white, without grid and names."""
    plain = ecg_paper.Sheet(paper=(1, 1, 1), trace=(0, 0, 0), grid=0.0, names_mm=0.0, **sheet)
    return 1 - ecg_paper.draw(signal, 100.0, TWELVE_LEADS, px_per_mm, sheet=plain)[:, :, 0]


@pytest.mark.parametrize("width", [0.4, 1.0, 2.5])
def test_a_level_trace_covers_its_width_wherever_it_lies(width: float) -> None:
    for height in (5.0, 5.3, 7.75):
        cover = ecg_paper.coverage(np.full(40, height), (12, 10), width)
        edges = np.clip(np.arange(13), height - width / 2, height + width / 2)
        np.testing.assert_allclose(cover, np.repeat(np.diff(edges)[:, None], 10, axis=1), atol=1e-5)
    gap = np.where(np.arange(40) < 20, 5.0, np.nan)
    assert not ecg_paper.coverage(gap, (12, 10), width)[:, 5:].any()


@pytest.mark.parametrize("px_per_mm", [1.0, 1.2, 4.0])
def test_a_peak_stands_at_its_second_and_its_millivolts(px_per_mm: float) -> None:
    signal = np.zeros((12, 1000), np.float32)
    signal[TWELVE_LEADS.index("V2"), 596:605] = 1.0  # the third column shows 5 to 7.5 s
    ink = ink_of(signal, px_per_mm) - ink_of(np.zeros_like(signal), px_per_mm)
    rows, columns = np.nonzero(ink > 0.1)
    left, _, top, _ = ecg_paper.MARGINS_MM
    assert columns.mean() / px_per_mm == pytest.approx(left + 6.0 * 25, abs=1.0)
    baseline = top + 1.5 * ecg_paper.ROW_MM
    assert rows.min() / px_per_mm == pytest.approx(baseline - 10, abs=1.0 / px_per_mm)
    assert rows.max() / px_per_mm <= baseline + 1


def test_each_lead_has_its_place_and_the_strip_is_lead_two() -> None:
    empty = ink_of(np.zeros((12, 1000), np.float32), 1.0)
    for number, lead in enumerate(TWELVE_LEADS):
        signal = np.zeros((12, 1000), np.float32)
        signal[number] = np.sin(np.arange(1000) / 3)
        changed = np.abs(ink_of(signal, 1.0) - empty) > 0.05
        rows = {int((row - ecg_paper.MARGINS_MM[2]) // ecg_paper.ROW_MM) for row in np.nonzero(changed)[0]}
        wanted = {place for place, names in enumerate(ecg_paper.ROWS) if lead in names}
        assert wanted <= rows <= wanted | {max(0, min(wanted) - 1), max(wanted) + 1}, lead
    found = ecg_paper.stretches(10.0, 1.0)
    assert [one.lead for one in found] == [lead for row in ecg_paper.ROWS for lead in row]
    third = next(one for one in found if one.lead == "V2")
    assert (third.start_s, third.end_s) == (5.0, 7.5)
    signal = np.zeros((12, 1000), np.float32)
    signal[TWELVE_LEADS.index("V2"), 505:745] = 0.5
    rows, columns = np.nonzero(np.abs(ink_of(signal, 1.0) - empty) > 0.05)
    assert third.left <= columns.min() and columns.max() <= third.right
    assert third.top <= rows.min() and rows.max() <= third.bottom
    with pytest.raises(ValueError, match="V6 missing"):
        ecg_paper.draw(np.zeros((11, 1000)), 100.0, TWELVE_LEADS[:11], 1.0)


def test_the_grid_is_one_millimetre_and_five() -> None:
    page = ecg_paper.draw(np.zeros((12, 1000), np.float32), 100.0, TWELVE_LEADS, 8.0)
    green = page[2:40, -150:, 1].mean(axis=0)  # right of the leads, above the first row
    power = np.abs(np.fft.rfft(green[:120] - green[:120].mean()))
    assert int(power.argmax()) in {3, 15}
    assert power[15] > 0.2 * power.max()


def test_the_same_seed_gives_the_same_scan_and_strength_changes_more() -> None:
    signal = np.random.default_rng(0).normal(size=(12, 1000)).astype(np.float32)
    plain = PAPER.as_input(torch.from_numpy(signal))

    def scan(seed: int, strength: float) -> torch.Tensor:
        return PAPER.as_input(torch.from_numpy(signal), strength, np.random.default_rng(seed))

    assert torch.equal(scan(3, 0.7), scan(3, 0.7))
    assert not torch.equal(scan(3, 0.7), scan(4, 0.7))
    assert torch.equal(PAPER.as_input(torch.from_numpy(signal)), plain)
    weak, strong = (np.mean([float((scan(n, s) - plain).abs().mean()) for n in range(5)]) for s in (0.1, 1.0))
    assert weak < strong
    for seed in range(12):
        generator = np.random.default_rng(seed)
        sheet = varied(1.0, generator)
        page = ecg_paper.draw(signal, 100.0, TWELVE_LEADS, 1.0, sheet=sheet)
        picture = scanned(page, 1.0, 1.0, generator)
        assert picture.shape == page.shape
        assert picture.min() >= 0
        assert picture.max() <= 1


def test_the_matrix_is_as_documented() -> None:
    task = RecordTask(form="matrix", segment_seconds=10)
    x = task.as_input(torch.randn(12, 1000))
    assert x.shape == (3, 182, 256)
    assert torch.equal(x[0], x[2])
    assert float(x.mean()) == pytest.approx(0, abs=1e-5)
    assert float(x[0].std()) == pytest.approx(1, abs=1e-4)
    assert not task.as_input(torch.zeros(12, 1000)).any()
    assert task.serves == PAPER.serves == "record_picture"
    assert "182 x 256" in task.describe() and "ECG paper" in PAPER.describe()


def test_a_real_picture_is_cut_to_its_ink_and_fitted() -> None:
    photo = np.full((900, 1500, 3), (250, 235, 235), np.uint8)
    photo[300:302, 200:1300] = 20
    photo[500:502, 200:1300] = 20
    x = PAPER.photograph(photo)
    assert x.shape == (3, *PAPER.picture_size)
    dark = (x.mean(dim=0) < 0.6).any(dim=0)
    assert dark.float().mean() > 0.85, "the traces fill the width"
    assert torch.allclose(PAPER.photograph(photo[:, :, 0]), PAPER.photograph(np.repeat(photo[:, :, :1], 3, axis=2)))
    assert PAPER.photograph(np.full((40, 30), 255, np.uint8)).shape == (3, *PAPER.picture_size)
    for wrong in (photo.astype(np.float32), photo[:, :, :2], photo[:0]):
        with pytest.raises(ValueError, match="of 8 bit"):
            PAPER.photograph(wrong)
    with pytest.raises(ConfigError, match="reads no paper"):
        RecordTask().photograph(photo)


def test_training_draws_what_analysis_draws_where_nothing_is_changed(ptbxl_root) -> None:
    config = load_config("ecg_paper_lite0", [f"data.root={ptbxl_root}", "augment.photograph=0"])
    data = prepare(load_split(config.data, config.task).sides["train"][:2], config.task)
    crops = CropDataset(data, config.task, config.augment)
    assert torch.equal(crops[0, 1][0], config.task.window(data.signals[1], 0))
    changed = CropDataset(data, config.task, config.augment.model_copy(update={"photograph": 0.5}))
    assert torch.equal(changed[1, 1][0], changed[1, 1][0])
    assert not torch.equal(changed[1, 1][0], changed[2, 1][0])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (["network.architecture=xresnet1d"], "network.architecture"),
        (["task.form=signal"], "network.architecture"),
        (["task.ecg_leads=[I, II]"], "task.ecg_leads"),
        (["network.pretrained=false"], "network.frozen"),
        (["augment.photograph=2"], "augment.photograph"),
    ],
)
def test_what_cannot_work_is_refused_by_name(changes: list[str], field: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("ecg_paper_lite0", changes)
    assert caught.value.field == field
