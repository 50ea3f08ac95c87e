"""Learning from good parts only: from a folder in MVTec's layout to a checkpoint that scores and shows its reasons."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from ecgviz.analysis.inspect import inspect_files
from ecgviz.saliency import explain_image, image_methods
from ecgviz.saliency.good_parts import around, nearest_good
from models import load_checkpoint
from models.checkpoints import save_checkpoint
from models.config import load_config
from models.core.errors import ConfigError, StoppedError
from models.evaluation import operating_point
from models.evaluation.images import evaluate_images
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from models.training.good_parts import Gathered, coreset, usual_distances
from readers.images import open_images

TINY = ["task.image_size=64", "task.least_size=64", "epochs=1", "drawn.pieces=24", "drawn.side=64", "bank.patches=200"]


def surface(generator: np.random.Generator, side: int = 72) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    waves = 20 * np.sin(rows / 5 + generator.uniform(0, 6)) + 10 * np.sin(columns / 9)
    return 120 + waves + generator.normal(0, 4, (side, side))


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MVTec's layout: 24 good pictures to learn from, 8 good and 8 with a bright blob to test, with masks."""
    from PIL import Image

    root, generator = tmp_path_factory.mktemp("parts"), np.random.default_rng(0)

    def write(pixels: np.ndarray, *place: str) -> None:
        file = root.joinpath(*place)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file)

    for number in range(24):
        write(surface(generator), "train", "good", f"{number:03}.png")
    for number in range(8):
        write(surface(generator), "test", "good", f"{number:03}.png")
        pixels, mask = surface(generator), np.zeros((72, 72))
        row, column = generator.integers(10, 55, 2)
        pixels[row : row + 8, column : column + 8] = 250
        mask[row : row + 8, column : column + 8] = 255
        write(pixels, "test", "blob", f"{number:03}.png")
        write(mask, "ground_truth", "blob", f"{number:03}_mask.png")
    return root


def learned(root: Path, folder: Path, *changes: str) -> Path:
    from models.training import RunContext, run

    return run(load_config("good_only", [*TINY, f"data.root={root}", *changes]), RunContext(folder))


@pytest.fixture(scope="module")
def checkpoint(parts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(parts, tmp_path_factory.mktemp("run"))


def test_defects_that_nobody_labelled_are_found_with_their_pixels(checkpoint: Path, parts: Path):
    result = evaluate_images(load_checkpoint(checkpoint), parts, "test")
    assert result["pooled"]["scores"]["auroc"]["value"] > 0.95
    assert result["pooled"]["scores"]["pixel_auroc"]["value"] > 0.9
    assert result["pixel_auroc"] == result["pooled"]["scores"]["pixel_auroc"]["value"], "beside auroc, for scripts"
    assert result["maps"]["marked"] == 8
    assert result["seen_in_training"] == 0
    json.dumps(result)


def test_the_threshold_rests_on_good_parts_and_says_so(checkpoint: Path):
    point = operating_point.load(checkpoint)
    assert point is not None
    assert point.overkill == 0.01
    assert "no defect was seen" in point.chosen_on
    card = load_checkpoint(checkpoint).card
    assert card.kind == "good_only"
    assert card.role == "pictures"
    assert any("not a frequency of defects" in sentence for sentence in card.limits)
    assert len(card.training_images) == card.metrics["data"]["train"]["good"]


def test_one_part_alone_is_scored_by_its_other_pictures(parts: Path, tmp_path: Path):
    """By its own patches each would be like itself, and the threshold would reject most good pictures of tomorrow."""
    alone, each = (
        learned(parts, tmp_path / name, "network.architecture=patch_memory", *changes)
        for name, changes in (("alone", ["data.group_pattern=(train|test)"]), ("each", []))
    )
    points = [operating_point.load(folder) for folder in (alone, each)]
    assert points[0].threshold == pytest.approx(points[1].threshold, abs=0.2)
    assert points[0].grey_zone is not None
    assert any("of one part" in limit for limit in load_checkpoint(alone).card.limits)
    assert not any("of one part" in limit for limit in load_checkpoint(each).card.limits)


def test_where_nothing_was_tuned_the_threshold_rests_on_all_good_parts(parts: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("models.training.good_only_run._ENOUGH_HELD_OUT", 1)
    point = operating_point.load(learned(parts, tmp_path, "network.architecture=patch_memory", "bank.crops=false"))
    assert point.chosen_on.startswith("good parts, each scored by the others: 24 good parts")


def test_a_blank_picture_is_neither_learned_nor_scored_as_inspection_has_it(parts: Path, tmp_path: Path):
    from PIL import Image

    root = tmp_path / "parts"
    shutil.copytree(parts, root)
    for side, value in (("train", 0), ("test", 9)):
        Image.new("L", (72, 72), value).save(root / side / "good" / "black.png")
    folder = learned(root, tmp_path / "run", "network.architecture=patch_memory", "data.unreadable_share=0.1")
    checkpoint = load_checkpoint(folder)
    assert list(json.loads((tmp_path / "run" / "metrics.json").read_text())["unreadable"]) == ["train/good/black.png"]
    result = evaluate_images(checkpoint, root, "test")
    assert list(result["unreadable"]) == ["test/good/black.png"]
    verdicts = inspect_files(sorted((root / "test").rglob("*.png")), checkpoint, remember=False)
    scores = {Path(one.file).relative_to(root).as_posix(): one.score for one in verdicts if not one.error}
    assert scores == pytest.approx({one["file"]: one["probability"] for one in result["files"]}, abs=1e-5)


@pytest.mark.parametrize(
    ("names", "count"),
    [(("good/a.png", "good/b.png", "good/c.png"), "2 good pictures"),
     (("train/good/a.png", "test/good/b.png", "test/bad/c.png"), "1 good picture"),
     (("bad/a.png", "bad/b.png"), "0 good pictures")],
)  # fmt: skip
def test_too_few_good_parts_are_refused(tmp_path: Path, names: tuple[str, ...], count: str):
    from PIL import Image

    root = tmp_path / "few"
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(surface(np.random.default_rng(number)).clip(0, 255).astype(np.uint8)).save(root / name)
    with pytest.raises(ConfigError, match=rf"has {count} .*on the training side; give 3 .* data\.shares=\[1,0,0\]"):
        learned(root, tmp_path / "run")
    if names[0] == "good/a.png":
        remedy = ["data.shares=[1,0,0]", "data.split=dealt", "network.architecture=patch_memory"]
        assert operating_point.load(learned(root, tmp_path / "all", *remedy)) is not None


def test_what_an_earlier_network_of_the_run_learned_does_not_judge(checkpoint: Path, tmp_path: Path):
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoint, folder)
    loaded = load_checkpoint(folder)
    features = OutOfDistributionDetector.fit(torch.randn(50, 8), torch.randn(50, 8))
    features.save(folder)
    save_checkpoint(folder, loaded.network, loaded.card)
    assert OutOfDistributionDetector.load(folder) is not None, "the same weights, written again with their card"
    with torch.no_grad():
        loaded.network.bank.add_(1)
    save_checkpoint(folder, loaded.network, loaded.card)
    assert OutOfDistributionDetector.load(folder) is None


def test_a_training_that_is_interrupted_ends_as_every_command(parts: Path, tmp_path: Path, monkeypatch, capsys):
    from models.__main__ import main
    from models.training.place_module import PlaceModule

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PlaceModule, "training_step", interrupt)
    before = signal.getsignal(signal.SIGINT)
    changes = [*TINY, f"data.root={parts}"]
    assert main(["train", "good_only", "--set", *changes, "--run-dir", str(tmp_path / "run")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before, "a second Ctrl-C is heard"


def test_an_inspection_of_a_folder_judges_by_it(checkpoint: Path, parts: Path):
    verdicts = list(inspect_files(sorted((parts / "test").rglob("*.png")), load_checkpoint(checkpoint), remember=False))
    said = {Path(one.file).parent.name: set() for one in verdicts}
    for one in verdicts:
        said[Path(one.file).parent.name].add(one.verdict)
        assert one.in_distribution is None, "what is unlike good parts is the defect, not a picture to be left alone"
    assert "defect" not in said["good"]
    assert "normal" not in said["blob"]


def test_the_map_is_the_distance_and_shows_the_nearest_good_patches(checkpoint: Path, parts: Path):
    loaded = load_checkpoint(checkpoint)
    picture = parts / "test" / "blob" / "000.png"
    pixels = open_images(picture).pixels(0)
    mask = open_images(parts / "ground_truth" / "blob" / "000_mask.png").pixels(0) > 0
    assert image_methods(loaded)[0] == "patch_distance"
    found = explain_image(pixels, loaded)
    assert found.method == "patch_distance"
    assert found.values.shape == pixels.shape
    assert found.values[mask].mean() > 1.8 * found.values[~mask].mean()
    match = nearest_good(pixels, loaded)[0]
    assert (parts / match.file).is_file()
    assert match.file.startswith("train/good/")
    assert match.crop.shape == (32, 32)
    assert match.distance > match.usual > 0
    seen = around(pixels, match)
    assert seen.shape == (2 * round(match.side_px / 2),) * 2
    assert seen[8:-8, 8:-8].max() == 250, "what is shown of the picture is the blob"
    rows, columns = np.nonzero(mask)
    assert np.hypot(match.place[0] - rows.mean(), match.place[1] - columns.mean()) < 16


@pytest.mark.parametrize(
    "changes",
    [
        ("network.architecture=patch_memory", "bank.choice=random", "bank.crops=false"),
        ("network.architecture=patch_gaussian", "task.shape=square", "network.components=8"),
    ],
)
def test_memory_alone_and_gaussians_of_places(changes: tuple[str, ...], parts: Path, tmp_path: Path):
    folder = learned(parts, tmp_path, *changes)
    result = evaluate_images(load_checkpoint(folder), parts, "test")
    assert result["pooled"]["scores"]["auroc"]["value"] > 0.8


def test_a_training_that_is_stopped_ends(parts: Path, tmp_path: Path):
    from models.training import RunContext, run

    config = load_config("good_only", [*TINY, f"data.root={parts}", "network.architecture=patch_memory"])
    with pytest.raises(StoppedError):
        run(config, RunContext(tmp_path, should_stop=lambda: True))


def test_a_coreset_covers_what_chance_leaves_out():
    generator = torch.Generator().manual_seed(0)
    patches = torch.cat([torch.randn(2000, 4, generator=generator), torch.randn(3, 4, generator=generator) + 40])
    kept = coreset(patches, 50)
    assert len(set(kept.tolist())) == 50
    assert (kept >= 2000).any()
    assert float(torch.cdist(patches, patches[kept]).min(dim=1).values.max()) < 4


def test_whitened_features_vary_alike():
    generator = torch.Generator().manual_seed(0)
    gathered = Gathered(10)
    spread = torch.tensor([1.0, 5.0, 0.2])[:, None, None]
    for number in range(20):
        gathered.add(3 + spread * torch.randn(3, 16, 16, generator=generator), number)
    rows = torch.cat(gathered.rows).float()
    assert rows.shape == (200, 3)
    reduced = (rows - gathered.mean()) @ gathered.whitening(3, 0.0)
    torch.testing.assert_close(reduced.std(dim=0), torch.ones(3), atol=0.15, rtol=0)


def test_scaled_features_keep_the_distances_of_features_by_their_spread():
    generator = torch.Generator().manual_seed(0)
    gathered = Gathered(100)
    spread = torch.tensor([1.0, 50.0, 0.02, 4.0])[:, None, None]
    for number in range(5):
        gathered.add(7 + spread * torch.randn(4, 16, 16, generator=generator), number)
    rows = torch.cat(gathered.rows).float()
    standard = rows / gathered.covariance().diagonal().sqrt().float()
    torch.testing.assert_close(torch.pdist(rows @ gathered.scaling(4)), torch.pdist(standard), rtol=1e-3, atol=1e-3)
    assert gathered.scaling(2).shape == (4, 2)


def test_usual_distances_are_those_from_other_parts_and_larger_where_parts_differ():
    generator = torch.Generator().manual_seed(0)
    alike, apart = (scale * torch.randn(400, 3, generator=generator) for scale in (0.1, 3.0))
    patches, part = torch.cat([alike, apart + 100]), torch.arange(800) % 8
    kept = torch.arange(0, 800, 3)
    found = usual_distances(patches[kept], part[kept], patches, part)
    inner = kept < 400
    for side, scale in ((inner, 0.1), (~inner, 3.0)):
        each = patches[kept][side]
        near = [
            torch.cdist(row[None], each[part[kept][side] != own]).min().log()
            for row, own in zip(each, part[kept][side], strict=True)
        ]
        assert float(found[side, 0].mean()) == pytest.approx(float(torch.stack(near).mean()), abs=0.3), scale
    assert float(found[~inner, 0].min()) > float(found[inner, 0].max())
    assert (found[:, 1] > 0).all()
    one = usual_distances(patches[kept], torch.zeros(len(kept)), patches, torch.zeros(800))
    torch.testing.assert_close(one, torch.tensor([[0.0, 1.0]]).repeat(len(kept), 1))
