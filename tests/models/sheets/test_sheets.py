"""The detector of foreign sheets: how it is drawn for, learned, kept, and what it says of styles that it never saw."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from models import load_checkpoint
from models.__main__ import main
from models.checkpoints import DEFAULT_PAPER_CHECKPOINT
from models.core.errors import CheckpointError, ConfigError
from models.evaluation.record_pictures import classify_picture, sheet_features
from models.experiments.promotion import promote
from models.sheets.augmentation import HANDLED, any_own, own
from models.sheets.detector import SHEETS, SheetDetector
from models.sheets.features import describe
from models.sheets.styles import STYLES
from models.sheets.training import FOREIGN, KEY, OWN, Sheets, fit, learn_sheets
from tests.ecgviz.simulated import save_drawn_checkpoint
from tests.models.data.ptbxl_folder import simulate

SHAPE = (120, 264)
FS = 100.0


@pytest.fixture(scope="module")
def shipped():
    return load_checkpoint(DEFAULT_PAPER_CHECKPOINT)


def signal(seed: int) -> np.ndarray:
    """Twelve leads in mm of paper, (12, 1000)."""
    samples = simulate((1, 0, 0, 0, 0), seed, 10.0, FS).T
    return (samples - samples.mean(axis=1, keepdims=True)) / samples.std(axis=1, keepdims=True) * 2.0


@pytest.mark.parametrize("name", FOREIGN)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_foreign_style_draws_a_picture_the_same_for_the_same_seed(name: str, seed: int) -> None:
    first, again = (FOREIGN[name](signal(1), FS, np.random.default_rng(seed)) for _ in range(2))
    assert first.dtype == np.uint8 and first.ndim == 3 and first.shape[2] == 3 and min(first.shape[:2]) >= 16
    np.testing.assert_array_equal(first, again)


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    seed=st.integers(0, 1000),
    kind=st.sampled_from(["flat", "noise"]),
)
def test_any_picture_has_as_many_finite_features(height: int, width: int, seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    pixels = (
        generator.integers(0, 256, (height, width, 3)) if kind == "noise" else np.full((height, width, 3), seed % 256)
    )
    found = describe(pixels.astype(np.uint8), SHAPE)
    assert found.shape == describe(np.zeros((9, 9), np.uint8), SHAPE).shape
    assert np.isfinite(found).all()


@pytest.mark.parametrize("strength", [0.0, 0.35, 0.7])
def test_own_sheets_pass_however_fine_they_are_scanned(shipped, strength: float) -> None:
    unlike = [
        classify_picture(shipped, own(signal(seed), FS, np.random.default_rng(seed), strength, px_per_mm)).unlike
        for seed in range(6)
        for px_per_mm in (1.0, 2.0, 5.0)
    ]
    assert np.mean(unlike) <= 0.12, "of 18 sheets two may be lost to chance"


def found_share(checkpoint, styles: dict, count: int) -> float:
    """Share of sheets of styles that are taken for unlike."""
    unlike = [
        classify_picture(checkpoint, style(signal(seed), FS, np.random.default_rng(900 + seed))).unlike
        for style in styles.values()
        for seed in range(count)
    ]
    return float(np.mean(unlike))


def test_sheets_of_other_styles_are_found(shipped) -> None:
    assert found_share(shipped, STYLES, 5) >= 0.95


def test_what_is_handled_wrongly_or_no_sheet_is_found(shipped) -> None:
    """Own sheets upside down, cut or in a window are among them: of 320 such pictures 0.9 are found."""
    assert found_share(shipped, HANDLED, 6) >= 0.8


def test_a_style_left_out_of_the_training_is_found(shipped) -> None:
    """Few sheets, few styles: what is learnt carries over to arrangements that were never shown."""
    seen = ("clinic", "6x2", "few leads", "plots", "kin", "parts")

    def features(style, count: int, first: int) -> list[np.ndarray]:
        return [
            sheet_features(shipped, style(signal(seed), FS, np.random.default_rng(seed)))
            for seed in range(first, first + count)
        ]

    rows = features(any_own, 48, 0) + [one for name in seen for one in features(FOREIGN[name], 8, 100)]
    train = Sheets(np.stack(rows), np.array([OWN] * 48 + [name for name in seen for _ in range(8)]))
    validation = Sheets(np.stack(features(any_own, 16, 200)), np.array([OWN] * 16))
    detector = fit(train, validation, seed=1)
    for name in ("12x1", "monitor", "text"):
        score = detector.score(np.stack(features(FOREIGN[name], 6, 300)))
        assert (score > float(detector.limit[0])).mean() >= 0.8, name
    score = detector.score(np.stack(features(any_own, 16, 400)))
    assert (score > float(detector.limit[0])).mean() <= 0.4


def test_a_detector_is_kept_in_half_precision_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    found = SheetDetector(
        torch.zeros(30), torch.ones(30), torch.randn(4, 30, generator=generator), torch.zeros(4),
        torch.randn(4, generator=generator), torch.zeros(1), torch.tensor([0.3]),
    )  # fmt: skip
    assert SheetDetector.load(tmp_path) is None
    found.save(tmp_path)
    x = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32)
    np.testing.assert_allclose(SheetDetector.load(tmp_path).score(x), found.score(x), atol=0.01)
    with pytest.raises(ValueError, match="reads 30 features"):
        found.score(x[:, 1:])
    file = tmp_path / SHEETS
    whole, tensors = file.read_bytes(), load_file(file)
    for broken in (
        {name: one for name, one in tensors.items() if name != "head"},
        tensors | {"weight": tensors["weight"][:, 1:].contiguous()},
        tensors | {"mean": torch.full_like(tensors["mean"], float("nan"))},
        tensors | {"more": torch.zeros(1)},
    ):
        save_file(broken, file)
        with pytest.raises(CheckpointError, match=r"sheets\.safetensors is damaged; copy the checkpoint again"):
            SheetDetector.load(tmp_path)
    file.write_bytes(whole[:50])
    with pytest.raises(CheckpointError, match="is damaged"):
        SheetDetector.load(tmp_path)


def test_the_command_makes_it_and_a_promotion_takes_it_along(
    ptbxl_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    folder = save_drawn_checkpoint(tmp_path / "run" / "checkpoint", "paper", px_per_mm=0.5)
    before = load_checkpoint(folder)
    assert main(["sheets", str(folder), "--data", str(ptbxl_root), "--own", "5", "--each", "1"]) == 0
    assert '"own withheld"' in capsys.readouterr().out
    card = load_checkpoint(folder).card
    assert card.weights_sha256 == before.card.weights_sha256
    metrics = card.metrics[KEY]
    assert set(metrics["foreign found"]) == set(metrics["foreign found, style left out of training"]) == set(FOREIGN)
    assert metrics["trained on"]["data"] == [ptbxl_root.name], "a card names no path of one machine"
    low, high = metrics["own withheld"]["interval95"]
    assert 0 <= low <= metrics["own withheld"]["value"] <= high <= 1
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "checkpoints"))
    assert (promote(tmp_path / "run", "sheets-test") / SHEETS).read_bytes() == (folder / SHEETS).read_bytes()
    answer = classify_picture(load_checkpoint(folder), np.full((60, 90, 3), 200, np.uint8))
    assert answer.limit == pytest.approx(metrics["limit"])


def test_what_cannot_be_taught_is_refused(tmp_path: Path, ptbxl_root: Path) -> None:
    matrix = load_checkpoint(save_drawn_checkpoint(tmp_path / "matrix", "matrix"))
    with pytest.raises(ConfigError, match="reads no ECG paper"):
        learn_sheets(matrix, str(ptbxl_root), "", own=5, each=1)
    paper = load_checkpoint(save_drawn_checkpoint(tmp_path / "paper", "paper"))
    with pytest.raises(ConfigError, match="are the least"):
        learn_sheets(paper, str(ptbxl_root), "", own=2, each=1)


def test_a_detector_goes_before_the_distance(shipped, tmp_path: Path) -> None:
    """Without its detector the checkpoint falls back on the distance of its features, and without both on nothing."""
    pixels = own(signal(0), FS, np.random.default_rng(0), 0.0, 2.0)
    copied = Path(shutil.copytree(shipped.folder, tmp_path / "copy"))
    assert 0 <= classify_picture(load_checkpoint(copied), pixels).distance <= 1
    (copied / SHEETS).unlink()
    by_distance = classify_picture(load_checkpoint(copied), pixels)
    assert by_distance.limit > 1
    (copied / "features.safetensors").unlink()
    unknown = classify_picture(load_checkpoint(copied), pixels)
    assert (unknown.distance, unknown.limit, unknown.unlike) == (None, None, False)
