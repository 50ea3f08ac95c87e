"""Small defects in tiles, learned from boxes, masks, or labels of whole pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ecgviz.analysis.inspect import inspect_files
from ecgviz.saliency import explain_image
from models import load_checkpoint
from models.config import load_config
from models.core.errors import ConfigError
from models.data.defect_marks import with_scale
from models.data.image_dataset import ImageDataset
from models.data.image_folder import load_split
from models.data.tiles import Tiles
from models.evaluation.images import evaluate_images
from models.training.place_module import place_loss

TINY = [
    "task.image_size=96",
    "task.overlap=32",
    "tiles.side=64",
    "tiles.count=120",
    "epochs=2",
    "batch_size=8",
    "task.magnification=1.5",
]


def write_castings(root: Path, *, boxes: bool, count: int = 24) -> Path:
    """Pictures of 120 x 150 pixels of twelve parts, every second one with a pore of 8 pixels."""
    from PIL import Image

    generator = np.random.default_rng(1)
    lines = ["file,label,group,boxes"]
    for number in range(count):
        pixels = 120 + generator.normal(0, 6, (120, 150))
        box = ""
        if number % 2:
            row, column = generator.integers(10, 100), generator.integers(10, 130)
            pixels[row : row + 8, column : column + 8] += 70
            box = f"{column} {row} {column + 7} {row + 7} pore"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / f"{number:03}.png")
        lines.append(f"{number:03}.png,{'defect' if box else 'normal'},part{number // 2},{box if boxes else ''}")
    (root / "labels.csv").write_text("\n".join(lines) + "\n")
    return root


def tiles_of(root: Path, **settings) -> Tiles:
    config = load_config("small_defects", [*TINY, f"data.root={root}"])
    rows = load_split(root, config.data)[0]["train"]
    task = with_scale(config.task, rows)
    chosen = config.tiles.model_copy(update={"side": 64, "count": 200, "defect_share": 0.5} | settings)
    return Tiles(ImageDataset(rows, task), task, chosen)


@pytest.fixture(scope="module")
def castings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_castings(tmp_path_factory.mktemp("castings"), boxes=True)


def test_tiles_hold_their_defect_and_say_where_it_is(castings: Path):
    tiles = tiles_of(castings)
    marked = 0
    for number in range(len(tiles)):
        x, target, weight = tiles[0, number]
        assert x.shape == (1, 64, 64)
        assert target.shape == weight.shape == (16, 16)
        assert (weight >= target).all()
        assert weight.mean() > 0.8, "only the corners and the rim of a box are not known"
        if target.any():
            marked += 1
            bright = torch.nn.functional.max_pool2d(x, 4)[0]
            assert bright[target > 0].max() == bright[weight > 0].max(), "the brightest place is where the target says"
    assert 70 < marked < 160


def test_a_picture_known_by_its_label_alone_is_a_bag(tmp_path: Path):
    tiles = tiles_of(write_castings(tmp_path, boxes=False), defect_share=1.0)
    _, target, weight = tiles[0, 0]
    assert (weight == 0).all()
    assert (target == 1).all()
    tiles.look(lambda x: torch.nn.functional.max_pool2d(x[:, 0], 4), 0)
    found = [tiles[1, number][0].max() for number in range(60)]
    assert np.mean([float(value) > 0.35 for value in found]) > 0.7, "most tiles are taken where the pore is"


def test_the_loss_of_a_bag_asks_for_a_defect_somewhere():
    logits = torch.full((2, 8, 8), -4.0)
    logits[0, 0, :6] = 6.0
    known, unknown = torch.ones(8, 8), torch.zeros(8, 8)
    target = torch.stack([torch.ones(8, 8), torch.zeros(8, 8)])
    weight = torch.stack([unknown, known])
    found = place_loss(logits, target, weight)
    missed = place_loss(torch.full((2, 8, 8), -4.0), target, weight)
    assert float(found) < float(missed) - 0.1


def test_pores_are_found_with_their_places(castings: Path, tmp_path: Path):
    from models.training import RunContext, run

    folder = run(load_config("small_defects", [*TINY, f"data.root={castings}"]), RunContext(tmp_path))
    checkpoint = load_checkpoint(folder)
    assert checkpoint.card.metrics["data"]["train"]["marked"] > 0
    result = evaluate_images(checkpoint, castings, "all")
    assert result["pooled"]["scores"]["auroc"]["value"] > 0.9
    assert result["pooled"]["scores"]["pixel_auroc"]["value"] > 0.9
    assert result["pixel_auroc"] == result["pooled"]["scores"]["pixel_auroc"]["value"], "beside auroc, for scripts"
    verdict = next(inspect_files([castings / "001.png"], checkpoint, remember=False))
    assert verdict.verdict == "defect"
    found = explain_image(result_pixels(castings), checkpoint)
    assert found.method == "defect_places"
    assert found.values.shape == (120, 150)


def result_pixels(root: Path) -> np.ndarray:
    from readers.images import open_images

    return open_images(root / "001.png").pixels(0)


def test_without_defects_or_without_good_places_there_is_nothing_to_learn(tmp_path: Path):
    from models.plugins import plugin_of

    write_castings(tmp_path, boxes=False)
    table = (tmp_path / "labels.csv").read_text()
    for label, word in (("normal", "no defective picture"), ("defect", "neither good pictures nor")):
        other = {"normal": "defect", "defect": "normal"}[label]
        (tmp_path / "labels.csv").write_text(table.replace(f",{other},", f",{label},"))
        config = load_config("small_defects", [*TINY, f"data.root={tmp_path}"])
        with pytest.raises(ConfigError, match=word):
            plugin_of(config).check_data(config)
