"""How the benchmark of maps of welds cuts its tiles, and that no group is trained on and scored in one fold."""

from __future__ import annotations

import csv

import numpy as np

from benchmarks.weld_maps import CHOSEN, HELD_OUT, task_for, tiles, write_tiles
from ecgviz.saliency.localisation import Case
from models.tasks.image import ImageTask


def weld() -> Case:
    """A picture of 80 x 160 with a defect of 8 x 8 in its middle and a speck of one pixel in a corner."""
    truth = np.zeros((80, 160), bool)
    truth[36:44, 76:84] = True
    truth[0, 0] = True
    return Case("film 0", "film", np.arange(80 * 160, dtype=np.uint32).reshape(80, 160).astype(np.uint8), truth)


def test_tiles_with_a_defect_are_defects_and_those_with_a_speck_are_left_out():
    case = weld()
    found = {place: (pixels, label) for place, pixels, label in tiles(case)}
    rows, columns = 7, 15
    assert 0 not in found  # one pixel of 400 is a quarter of a per cent
    assert len(found) == rows * columns - 1
    for place, (pixels, label) in found.items():
        top, left = 10 * (place // columns), 10 * (place % columns)
        np.testing.assert_array_equal(pixels, case.pixels[top : top + 20, left : left + 20])
        assert (label == "defect") == (case.truth[top : top + 20, left : left + 20].any())


def test_what_is_one_grey_all_over_is_left_out():
    flat = Case("film 1", "film", np.full((80, 80), 7, np.uint8), np.zeros((80, 80), bool))
    assert not list(tiles(flat))


def test_the_table_names_each_tile_once(tmp_path):
    counts = write_tiles([weld()], tmp_path)
    with (tmp_path / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len({row["file"] for row in rows}) == len(rows) == counts.total() == 104
    assert all((tmp_path / row["file"]).is_file() and row["group"] == "film" for row in rows)


def test_a_whole_picture_is_read_at_the_scale_of_its_tiles():
    task = ImageTask(image_size=128)
    assert task_for(task, (400, 400)).image_size == 512
    assert task_for(task, (256, 400)).image_size == 800  # padded to 400 x 400 before it is resized


def test_no_group_is_in_two_folds():
    for name, folds in HELD_OUT.items():
        groups = [group for fold in folds for group in fold] + list(CHOSEN[name])
        assert len(groups) == len(set(groups))
