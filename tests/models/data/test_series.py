"""Series of radiographs as GDXray has them, and parts that only names tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.core.errors import ReadError
from models.data.image_folder import read_folder
from tests.models.data.test_picture_folders import all_accounted, mask, picture


def test_series_of_radiographs_with_their_boxes_in_one_text_file_each(tmp_path: Path) -> None:
    for series in range(4):
        for number in range(1, 4):
            picture(tmp_path / f"C{series:04}/C{series:04}_{number:04}.png", 10 * series + number)
    for series in range(3):  # nobody marked the fourth
        lines = [f"{2:14.7e} {4:14.7e} {7:14.7e} {3:14.7e} {5:14.7e}", "2 1 3 1 3", "3 9 9 9 9"][: 3 - series]
        (tmp_path / f"C{series:04}/ground_truth.txt").write_text("\n".join(lines) + "\n")
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [row.file for row in folder.rows if row.label] == [
        "C0000/C0000_0002.png", "C0000/C0000_0003.png", "C0001/C0001_0002.png", "C0002/C0002_0002.png"
    ]  # fmt: skip
    assert {row.group for row in folder.rows} == {"C0000", "C0001", "C0002"}
    assert sum(one.kind == "unlabelled" for one in folder.set_aside) == 3
    first = next(row for row in folder.rows if row.label)
    assert [box.pixels((12, 16)) for box in first.boxes] == [(3, 2, 6, 4), (0, 0, 2, 2)]
    (tmp_path / "C0001/ground_truth.txt").write_text("2 4 7\n")
    with pytest.raises(ReadError, match="picture x1 x2 y1 y2"):
        read_folder(tmp_path)


def test_parts_are_told_by_series_and_by_folders_where_nothing_states_them(tmp_path: Path) -> None:
    lines = ["file,label"]
    for number in range(12):
        name = f"W{number // 3:04}_{number:04}.png"
        picture(tmp_path / name, number)
        lines.append(f"{name},{'defect' if number % 2 else 'ok'}")
    (tmp_path / "labels.csv").write_text("\n".join(lines) + "\n")
    assert len({row.group for row in read_folder(tmp_path).rows}) == 4
    other = tmp_path / "other"
    for number in range(12):
        picture(other / f"wheel{number // 3}/{number}.png", number)
        if number % 2:
            mask(other / f"masks/wheel{number // 3}/{number}.png")
    assert {row.group for row in read_folder(other).rows} == {"wheel0", "wheel1", "wheel2", "wheel3"}
