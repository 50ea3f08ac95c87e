"""What a table says and leaves out: boxes alone, rows that contradict each other, parts, masks and absolute paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError, ReadError
from models.data.image_folder import load_split, read_folder
from tests.models.data.test_picture_folders import all_accounted, picture


@pytest.mark.parametrize("labels", ["", "label", "class"])
def test_a_table_of_boxes_alone_says_that_what_has_none_is_good(tmp_path: Path, labels: str) -> None:
    lines = [f"file,x1,x2,y1,y2{',' * bool(labels)}{labels}"]
    for number in range(6):
        picture(tmp_path / f"{number}.png", number)
    lines += [f"{number}.png,2,5,3,6{',pore' * bool(labels)}" for number in (1, 4, 4)]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [row.label for row in folder.rows] == [0, 1, 0, 0, 1, 0]
    assert [len(row.boxes) for row in folder.rows] == [0, 1, 0, 0, 2, 0]
    assert folder.types == (("pore",) if labels else ())
    assert any("No row of labels.csv says good" in note for note in folder.notes)


def test_of_rows_that_are_of_boxes_any_defective_one_counts_and_boxes_of_good_things_do_not(tmp_path: Path) -> None:
    for number in range(3):
        picture(tmp_path / f"{number}.png", number)
    (tmp_path / "labels.csv").write_text(
        "file,label,x1,y1,x2,y2\n0.png,ok,1,1,2,2\n0.png,crack,4,4,6,6\n1.png,ok,1,1,2,2\n2.png,ok,,,,"
    )
    rows = read_folder(tmp_path).rows
    assert [(row.label, len(row.boxes)) for row in rows] == [(1, 1), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    ("column", "said"), [("label", ("ok", "ng")), ("part", ("a", "b")), ("split", ("train", "test"))]
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, column: str, said: tuple[str, str]) -> None:
    picture(tmp_path / "a.png")
    usual = {"file": "a.png", "label": "ok", "part": "a", "split": "train"}
    rows = [usual.keys(), *((usual | {column: word}).values() for word in said)]
    (tmp_path / "labels.csv").write_text("\n".join(map(",".join, rows)))
    with pytest.raises(ReadError, match=r"a\.png twice"):
        read_folder(tmp_path)


@pytest.mark.parametrize("place", ["{part}/{side}/{name}", "{side}/{name}/{part}"])
def test_parts_on_two_stated_sides_stay_whole_where_the_split_is_dealt_anew(tmp_path: Path, place: str) -> None:
    for number in range(24):
        side, name, part = ("train", "test")[number % 2], ("ok", "ng")[number // 2 % 2], f"P{number // 4}"
        picture(tmp_path / place.format(part=part, side=side, name=name) / f"{number}.png", number)
    sides, _ = load_split(tmp_path, ImageDataConfig(split="dealt"))
    placed = {
        (row.path.relative_to(tmp_path).as_posix().split("P")[1][0], side) for side in sides for row in sides[side]
    }
    assert len(placed) == 6


def test_what_a_table_leaves_out_is_said_and_its_masks_and_absolute_paths_are_understood(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "marks/a"):
        picture(tmp_path / f"{name}.png", len(name))
    (tmp_path / "labels.csv").write_text(
        f"file,label,Part No,mask\n{tmp_path}/a.png,ng,7,marks/a.png\n{tmp_path}/b.png,ok,8,"
    )
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [(row.file, row.group) for row in folder.rows] == [("a.png", "7"), ("b.png", "8")]
    assert {one.file: one.kind for one in folder.set_aside} == {
        "c.png": "unlabelled", "marks/a.png": "companion", "labels.csv": "companion",
    }  # fmt: skip
    assert any("1 picture left out" in note and "c.png" in note for note in folder.notes)


def test_tables_below_the_folder_are_named(tmp_path: Path) -> None:
    for side in ("train", "test"):
        picture(tmp_path / side / "a.png")
        (tmp_path / side / "labels.csv").write_text("file,label\na.png,ok")
    with pytest.raises(ConfigError, match=r"test/labels\.csv"):
        read_folder(tmp_path)
