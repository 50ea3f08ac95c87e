"""What marks say of cells, defects laid over good places, and how tiles change with what is known of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.config.image import ImageAugmentConfig
from models.config.small_defects import TileConfig
from models.data.defect_marks import DEFECT, GOOD, SIDE_PX, UNKNOWN, marks_of, suited_magnification
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import ImageDataset
from models.data.image_folder import Box, ImageRow, truth_mask
from models.data.pasted_defects import DefectBank, cut_out
from models.data.tile_changes import changed
from models.data.tiles import Tiles
from models.networks.image.contrast import LocalContrast
from models.networks.image.places import CELL
from models.tasks.small_defects import SmallDefectsTask


def boxed(box: Box, label: int = 1) -> ImageRow:
    return ImageRow(Path("a.png"), "a.png", label, "part", boxes=(box,) if label else ())


@given(
    left=st.integers(0, 150), top=st.integers(0, 90), width=st.integers(1, 60), height=st.integers(1, 60),
    scale=st.sampled_from([0.5, 1.0, 1.75, 3.0]),
)  # fmt: skip
def test_cells_far_from_a_box_are_good_those_within_its_ellipse_are_not(left, top, width, height, scale):
    task = SmallDefectsTask(magnification=scale)
    right, bottom = min(left + width - 1, 199), min(top + height - 1, 119)
    marks = marks_of(boxed(Box(left, top, right, bottom)), task, (120, 200))
    assert marks is not None
    rows, columns = np.nonzero(marks.cells != GOOD)
    reach = 2.5 * CELL
    assert rows.min() * CELL >= top * scale - reach
    assert rows.max() * CELL <= (bottom + 1) * scale + reach
    assert columns.min() * CELL >= left * scale - reach
    assert columns.max() * CELL <= (right + 1) * scale + reach
    middle = int((top + bottom + 1) / 2 * scale) // CELL, int((left + right + 1) / 2 * scale) // CELL
    assert (marks.cells[max(middle[0] - 1, 0) :, max(middle[1] - 1, 0) :][:3, :3] == DEFECT).any()


def test_a_defective_picture_without_marks_says_nothing_and_a_good_one_says_all():
    task = SmallDefectsTask(magnification=1.0)
    assert marks_of(ImageRow(Path("a"), "a", 1, "part"), task, (64, 64)) is None
    good = marks_of(ImageRow(Path("a"), "a", 0, "part"), task, (64, 64))
    assert good is not None
    assert not good.cells.any()


@given(beyond=st.integers(0, 300), side=st.integers(0, 40), axis=st.sampled_from("xy"), below=st.booleans())
def test_boxes_outside_of_a_picture_mark_nothing_of_it(beyond, side, axis, below):
    low = -1 - beyond - side if below else 64 + beyond
    span = {axis: (low, low + side), "xy".replace(axis, ""): (10, 20)}
    box = Box(span["x"][0], span["y"][0], span["x"][1], span["y"][1])
    task = SmallDefectsTask(magnification=1.0)
    assert truth_mask(boxed(box), (64, 64)) is None
    assert marks_of(boxed(box), task, (64, 64)) is None
    both = ImageRow(Path("a"), "a", 1, "part", boxes=(box, Box(30, 30, 40, 40)))
    inside = marks_of(both, task, (64, 64))
    assert inside is not None
    assert len(inside.boxes) == 1
    rows, columns = np.nonzero(inside.cells != GOOD)
    assert min(rows.min(), columns.min()) * CELL >= 30 - 2.5 * CELL


def test_a_defective_picture_with_an_empty_mask_is_no_good_place(tmp_path: Path, caplog):
    rows = []
    for name, label in (("good", 0), ("bad", 1)):
        Image.fromarray(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 9).save(tmp_path / f"{name}.png")
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / f"{name}_mask.png")
        rows.append(ImageRow(tmp_path / f"{name}.png", name, label, name, mask=tmp_path / f"{name}_mask.png"))
    task = SmallDefectsTask(magnification=1.0)
    tiles = Tiles(ImageDataset(rows, task), task, TileConfig(count=4, side=64))
    assert (tiles.others, tiles.defective, tiles.bags) == ([0], [1], [1])
    assert "bad" in caplog.text


@given(sides=st.lists(st.floats(1, 400), min_size=1, max_size=40))
def test_the_magnification_suits_the_middle_defect(sides):
    chosen = suited_magnification(sides)
    assert 0.25 <= chosen <= 3.0
    if 0.25 < chosen < 3.0:
        assert chosen * np.median(sides) >= SIDE_PX - np.median(sides) / 8 - 1e-6, "none is made smaller than wanted"
    assert suited_magnification([2 * side for side in sides]) <= chosen, "larger defects need no more"


def pore(strength: float, level: float, side: int = 12) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """A picture with a gradient, noise and a round pore in its middle, and the pore's box."""
    rows, columns = np.mgrid[:60, :60].astype(np.float32)
    grey = level + 0.002 * rows + np.random.default_rng(0).normal(0, 0.004, rows.shape)
    away = ((rows - 30) ** 2 + (columns - 30) ** 2) / (side / 2) ** 2
    first, last = 30 - side // 2, 30 + side // 2
    grey += strength * np.sqrt(np.maximum(1 - away, 0))
    return grey.astype(np.float32), (first, first, last, last)


@given(strength=st.sampled_from([-0.2, -0.05, 0.05, 0.2]), level=st.floats(0.3, 0.6))
@settings(max_examples=20)
def test_what_is_cut_out_is_the_change_and_not_what_lies_around(strength, level):
    grey, box = pore(strength, level)
    found = cut_out(grey, box)
    assert found is not None
    assert np.sign(found.peak) == np.sign(strength)
    assert abs(found.peak) == pytest.approx(abs(strength), rel=0.5)
    assert np.abs(found.change[0]).max() < 0.3 * abs(strength) + 0.02, "it fades towards its edges"


def test_nothing_is_cut_out_where_nothing_is_to_be_seen():
    grey, box = pore(0.0, 0.5)
    assert cut_out(grey, box) is None


@given(seed=st.integers(0, 10_000))
@settings(max_examples=60)
def test_a_defect_that_is_laid_over_a_place_is_where_it_is_said_to_be(seed):
    grey, box = pore(0.15, 0.4)
    bank = DefectBank()
    bank.add(grey, [box])
    flat = np.full((96, 128), 0.5, np.float32)
    laid, spot = bank.paste(flat, np.random.default_rng(seed))
    change = np.abs(laid - flat)
    if not spot.any():
        assert not change.any()
        return
    assert change[spot].mean() > 4 * change[~spot].mean()
    assert change[~spot].max() < 0.7 * change.max()


def test_where_white_ends_a_bright_defect_is_none():
    grey, box = pore(0.15, 0.4)
    bank = DefectBank()
    bank.add(grey, [box])
    white = np.ones((96, 96), np.float32)
    for seed in range(20):
        assert not bank.paste(white, np.random.default_rng(seed))[1].any()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=25)
def test_a_mark_moves_with_what_it_marks(seed):
    generator = np.random.default_rng(seed)
    cells = np.zeros((24, 24), np.float32)
    row, column = generator.integers(9, 14, 2)
    cells[row : row + 2, column : column + 2] = 1
    grey = np.kron(cells, np.ones((CELL, CELL), np.float32)) * 0.8 + 0.1
    config = ImageAugmentConfig(
        rotation_deg=45.0, scale=(0.8, 1.25), brightness=0.0, contrast=0.0, saturation=0.0, tone=0.0
    )
    moved, target, known = changed((grey, cells, np.ones_like(cells)), ImageAugmenter(config), generator)
    bright = moved.reshape(24, CELL, 24, CELL).mean(axis=(1, 3))
    assert target.any()
    assert known[target > 0].all()
    assert bright[target > 0].mean() > 0.45
    assert np.abs(np.argwhere(target > 0).mean(0) - np.argwhere(bright > 0.5).mean(0)).max() < 0.8


PADDED = 60


def write_parts(root: Path) -> list[ImageRow]:
    """Two good pictures, one with a sharp bright square that is no defect, and one with a marked pore."""
    rows = []
    for number, label in enumerate((0, 0, 1)):
        grey, box = pore(0.2 if label else 0.0, 0.4)
        if number == 1:
            grey[40:44, 8:12] = 0.9
        grey = np.pad(grey, PADDED, mode="edge")
        path = root / f"{number}.png"
        Image.fromarray((grey * 255).astype(np.uint8)).save(path)
        first, last = box[0] + PADDED, box[2] + PADDED - 1
        marked = (Box(first, first, last, last),) if label else ()
        rows.append(ImageRow(path, path.name, label, f"part{number}", boxes=marked))
    return rows


def test_good_tiles_get_defects_of_other_pictures_and_places_that_were_wrong(tmp_path: Path):
    task = SmallDefectsTask(magnification=1.0)
    pictures = ImageDataset(write_parts(tmp_path), task)
    chosen = TileConfig(side=64, count=400, defect_share=0.0, pasted=0.5)
    tiles = Tiles(pictures, task, chosen, ImageAugmenter(ImageAugmentConfig()), 0)
    assert len(tiles.bank.kept) == 1
    pasted = np.mean([bool((tiles[0, number][1]).any()) for number in range(120)])
    assert 0.3 < pasted < 0.9, "the marked picture is also among those with good places"
    before = np.mean([bool(tiles[0, number][0].max() > 0.5) for number in range(200)])
    # A network that takes bright for defective is wrong at the square alone, and that is where tiles are taken.
    tiles.look(lambda x: torch.nn.functional.max_pool2d(x[:, 0], CELL) * 20, 1)
    bright = np.mean([bool(tiles[1, number][0].max() > 0.5) for number in range(200)])
    assert bright > before + 0.1, "the square is in more of the tiles than before"
    row, column, _ = max(tiles._hard[1], key=lambda place: place[2])
    assert abs(row - 42 - PADDED) <= CELL
    assert abs(column - 10 - PADDED) <= CELL


def test_contrast_is_the_same_wherever_a_defect_lies():
    contrast = LocalContrast()
    x = torch.zeros(2, 1, 96, 96)
    noise = torch.randn(96, 96, generator=torch.Generator().manual_seed(0))
    spot = torch.zeros(96, 96)
    spot[44:52, 44:52] = 1
    for number, level in enumerate((-0.6, 0.3)):  # behind more metal: darker, and all changes smaller alike
        scale = 0.5 if number == 0 else 1.0
        x[number, 0] = level + scale * (0.15 * noise + 0.6 * spot)
    found = contrast(x)
    assert found.shape == (2, 3, 96, 96)
    assert torch.equal(found[:, :1], x)
    difference = (found[0, 1:] - found[1, 1:]).abs().mean()
    assert difference < 0.15 * found[1, 1:].abs().mean()


def test_unknown_cells_are_not_learned_from(tmp_path: Path):
    task = SmallDefectsTask(magnification=1.0)
    tiles = Tiles(ImageDataset(write_parts(tmp_path), task), task, TileConfig(side=64, count=20, defect_share=1.0))
    marks = tiles.marks[2]
    assert marks is not None
    assert {GOOD, DEFECT, UNKNOWN} == set(np.unique(marks.cells).tolist())
    _, target, weight = tiles[0, 0]
    assert ((target > 0) <= (weight > 0)).all()
    assert (weight == 0).any()
