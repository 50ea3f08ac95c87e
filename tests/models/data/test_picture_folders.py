"""The folders that people have: each layout is made by code and must be understood, to the last file."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.config.image import ImageDataConfig
from models.core.errors import ConfigError, ReadError
from models.data.image_folder import Box, ImageRow, PictureFolder, load_split, read_folder, truth_mask
from models.data.image_folder.names import ClassNames
from models.data.image_folder.tables import box_rows, read_table

NAMES = ClassNames.of(ImageDataConfig())


def picture(path: Path, seed: int = 0, shape: tuple[int, int] = (12, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, shape).astype(np.uint8)).save(path)
    return path


def mask(path: Path, marked: bool = True, shape: tuple[int, int] = (12, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros(shape, np.uint8)
    values[2:4, 3:6] = 255 * marked
    Image.fromarray(values).save(path)
    return path


def all_accounted(root: Path, folder: PictureFolder) -> None:
    """Every file below the root is a row or set aside with a reason, and none is both."""
    files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    rows, aside = {row.file for row in folder.rows}, {one.file for one in folder.set_aside}
    assert rows | aside == files
    assert not rows & aside
    assert all(one.reason for one in folder.set_aside)
    assert len({row.name for row in folder.rows}) == len(folder.rows)


def mvtec(root: Path) -> None:
    for number in range(20):
        picture(root / f"train/good/{number:03}.png", number)
    for number in range(3):
        picture(root / f"test/good/{number:03}.png", 100 + number)
        for kind in ("crack", "hole"):
            picture(root / f"test/{kind}/{number:03}.png", 200 + number + 50 * (kind == "hole"))
            mask(root / f"ground_truth/{kind}/{number:03}_mask.png")


def test_mvtec(tmp_path: Path) -> None:
    mvtec(tmp_path)
    mask(tmp_path / "ground_truth/crack/999_mask.png")
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert folder.layout.startswith("the layout of MVTec AD")
    assert folder.types == ("crack", "hole")
    assert folder.states_split
    tally = Counter((row.split, row.label, row.defect_type) for row in folder.rows)
    assert tally == {("train", 0, ""): 20, ("test", 0, ""): 3, ("test", 1, "crack"): 3, ("test", 1, "hole"): 3}
    for row in folder.rows:
        assert row.has_truth == bool(row.label)
        if row.mask is not None:
            assert row.mask.parent.name == row.defect_type
            assert row.mask.stem == f"{row.path.stem}_mask"
            assert truth_mask(row, (12, 16)).sum() == 6
    assert [one.reason for one in folder.set_aside if "999" in one.file] == ["a mask without its picture"]


def test_a_validation_side_is_dealt_out_of_the_training_and_the_test_is_whole(tmp_path: Path) -> None:
    mvtec(tmp_path)
    sides, _ = load_split(tmp_path)
    assert {name: len(rows) for name, rows in sides.items()} == {"train": 16, "validation": 4, "test": 9}
    assert all(row.split == "train" for row in sides["train"] + sides["validation"])
    dealt, _ = load_split(tmp_path, ImageDataConfig(split="dealt"))
    assert all(any(row.label for row in rows) for rows in dealt.values())
    assert sum(map(len, dealt.values())) == 29


def test_one_picture_on_two_stated_sides_stays_on_the_later(tmp_path: Path) -> None:
    mvtec(tmp_path)
    (tmp_path / "train/good/twin.png").write_bytes((tmp_path / "test/good/001.png").read_bytes())
    sides, hashes = load_split(tmp_path)
    seen = [{hashes[row.file] for row in rows} for rows in sides.values()]
    assert not (seen[0] & seen[2] or seen[1] & seen[2])
    assert len(sides["test"]) == 9


@pytest.mark.parametrize(
    ("good", "bad"),
    [("OK", "NG"), ("good", "bad"), ("Pass", "FAIL"), ("0", "1"), ("정상", "불량"), ("normal", "Defective"),
     (unicodedata.normalize("NFD", "정상"), unicodedata.normalize("NFD", "불량")), ("ok_front", "def_front"),
     ("no_defect", "defect"), ("合格", "不良")],
)  # fmt: skip
def test_class_folders_and_labels_by_any_name(tmp_path: Path, good: str, bad: str) -> None:
    lines = ["file,label"]
    for number in range(4):
        for name in (good, bad):
            file = picture(tmp_path / "folders" / name / f"{number}.png", number + 10 * (name == bad))
            picture(tmp_path / "table" / f"{name}_{number}.png", number)
            lines.append(f"{file.parent.name}_{number}.png,{name}")
    folder = read_folder(tmp_path / "folders")
    assert Counter(row.label for row in folder.rows) == {0: 4, 1: 4}
    assert folder.types == ()
    (tmp_path / "table" / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    assert Counter(row.label for row in read_folder(tmp_path / "table").rows) == {0: 4, 1: 4}
    named = ImageDataConfig(normal=(good.upper(),), defect=(bad.upper(),))
    assert Counter(row.label for row in read_folder(tmp_path / "folders", named).rows) == {0: 4, 1: 4}


def test_the_configuration_overrules_the_names(tmp_path: Path) -> None:
    picture(tmp_path / "A" / "1.png")
    picture(tmp_path / "B" / "1.png", 1)
    with pytest.raises(ConfigError, match=r"label 'A' is neither in data\.normal nor in data\.defect"):
        read_folder(tmp_path)
    rows = read_folder(tmp_path, ImageDataConfig(normal=("a",))).rows
    assert [(row.label, row.defect_type) for row in rows] == [(0, ""), (1, "B")]
    (tmp_path / "A").rename(tmp_path / "ng")
    rows = read_folder(tmp_path, ImageDataConfig(normal=("NG",), defect=("b",))).rows
    assert {row.file: row.label for row in rows} == {"B/1.png": 1, "ng/1.png": 0}


def test_sides_images_folders_parts_and_types(tmp_path: Path) -> None:
    for side in ("train", "val", "Test"):
        for kind in ("images/OK", "images/scratch", "images/dent"):
            picture(tmp_path / "sided" / side / kind / "a.png", hash((side, kind)) % 1000)
    folder = read_folder(tmp_path / "sided")
    assert Counter(row.split for row in folder.rows) == {"train": 3, "validation": 3, "test": 3}
    assert folder.types == ("dent", "scratch")
    for part in range(4):
        for kind in ("good", "crack"):
            for number in range(2):
                picture(tmp_path / "parts" / f"cell{part}" / kind / f"{number}.png", part * 10 + number)
                picture(tmp_path / "below" / kind / f"cell{part}" / f"{number}.png", part * 10 + number)
    for root in ("parts", "below"):
        folder = read_folder(tmp_path / root)
        assert {row.group for row in folder.rows} == {f"cell{part}" for part in range(4)}, root
        assert any("one part" in note for note in folder.notes)
        sides, _ = load_split(tmp_path / root, ImageDataConfig(shares=(0.5, 0.25, 0.25)))
        groups = [{row.group for row in rows} for rows in sides.values()]
        assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


def test_files_of_systems_and_editors_are_no_parts(tmp_path: Path) -> None:
    for name in ("good/a.png", "bad/b.png", "good/@eaDir/a.png/SYNOPHOTO_THUMB_M.jpg", "good/.ipynb_checkpoints/a.png",
                 "__MACOSX/good/._a.png", "good/thumbs/a.jpg", "good/a_thumb.png"):  # fmt: skip
        picture(tmp_path / name, len(name))
    (tmp_path / "good/._a.png").write_bytes(b"\0\5\x16\7" + bytes(50))
    (tmp_path / "good/Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(50))
    (tmp_path / "bad/.DS_Store").write_bytes(bytes(10))
    (tmp_path / "bad/volume.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(20))
    (tmp_path / "bad/readme.txt").write_text("about")
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [row.file for row in folder.rows] == ["bad/b.png", "good/a.png"]
    kinds = {one.file: one.kind for one in folder.set_aside}
    assert kinds["bad/volume.7z"] == "unread"
    assert kinds["bad/readme.txt"] == "companion"
    assert {kind for file, kind in kinds.items() if not file.startswith("bad/")} == {"junk"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949", "latin-1", "cp932"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_in_any_encoding(tmp_path: Path, encoding: str, separator: str) -> None:
    letters = {"cp949": "셀", "utf-16": "셀é", "utf-16-le": "셀é", "latin-1": "pièce_ü", "cp932": "電池"}.get(
        encoding, "셀é"
    )
    lines = [separator.join(("File", "Label", "Lot"))]
    for number in range(4):
        picture(tmp_path / f"{letters}{number}.png", number)
        lines.append(separator.join((f"{letters}{number}.png", ("OK", "NG")[number % 2], "x")))
    (tmp_path / "Labels.csv").write_bytes("\r\n".join(lines).encode(encoding))
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [row.label for row in folder.rows] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("header", "encoding"),
    [("파일명,판정", "cp949"), ("이미지,라벨", "utf-8"), ("ファイル名,label", "cp932"), ("文件名,label", "gb18030")],
)
def test_a_header_in_the_language_of_the_factory(tmp_path: Path, header: str, encoding: str) -> None:
    picture(tmp_path / "部品1.png" if encoding in {"cp932", "gb18030"} else tmp_path / "시편1.png")
    picture(tmp_path / "2.png", 1)
    first = next(path.name for path in tmp_path.iterdir() if path.name != "2.png")
    (tmp_path / "labels.csv").write_bytes(f"{header}\r\n{first},NG\r\n2.png,OK\r\n".encode(encoding))
    assert {row.file: row.label for row in read_folder(tmp_path).rows} == {first: 1, "2.png": 0}


def test_a_table_finds_its_files_by_base_name_and_refuses_a_guess(tmp_path: Path) -> None:
    for name in ("images/p1/a.png", "images/p2/b.png"):
        picture(tmp_path / name)
    table = tmp_path / "labels.csv"
    table.write_text("filename,class,part\na,good,p1\nb.png,crack,p2\n")
    rows = read_folder(tmp_path).rows
    assert [(row.file, row.label, row.defect_type, row.group) for row in rows] == [
        ("images/p1/a.png", 0, "", "p1"),
        ("images/p2/b.png", 1, "crack", "p2"),
    ]
    picture(tmp_path / "images/p2/a.png", 1)
    with pytest.raises(ReadError, match="which may be"):
        read_folder(tmp_path)


@settings(max_examples=30, deadline=None)
@given(
    order=st.permutations(["file", "x1", "y1", "x2", "y2", "type"]),
    spelled=st.sampled_from(
        [{}, {"x1": "xmin", "x2": "xmax", "y1": "ymin", "y2": "ymax"}, {"x1": "X1", "file": "Image"}]
    ),
    swapped=st.booleans(),
)
def test_boxes_do_not_depend_on_the_order_of_the_columns(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], spelled: dict[str, str], swapped: bool
) -> None:
    cells = {"file": "a", "x1": "3.0", "y1": "4", "x2": "8", "y2": "9", "type": "pore"}
    if swapped:
        cells |= {"x1": "8", "x2": "3"}
    path = tmp_path_factory.mktemp("boxes") / "boxes.csv"
    path.write_text(
        "\n".join(",".join(line) for line in ([spelled.get(c, c) for c in order], [cells[c] for c in order]))
    )
    assert list(box_rows(read_table(path, lambda name: name == "a"))) == [("a", Box(3, 4, 8, 9, "pore"))]


def test_boxes_beside_labels_and_alone(tmp_path: Path) -> None:
    for number in range(6):
        picture(tmp_path / f"c{number // 2}_{number}.png", number)
    (tmp_path / "boxes.csv").write_text("file,x1,x2,y1,y2\nc0_0,2,4,1,3\nc0_0.png,8,9,8,9\nc1_3,0,30,0,3\n")
    folder = read_folder(tmp_path, ImageDataConfig(group_pattern=r"(c\d+)_"))
    all_accounted(tmp_path, folder)
    assert [row.label for row in folder.rows] == [1, 0, 0, 1, 0, 0]
    assert [row.group for row in folder.rows] == ["c0", "c0", "c1", "c1", "c2", "c2"]
    assert truth_mask(folder.rows[0], (12, 16)).sum() == 9 + 4
    assert folder.rows[3].boxes[0].pixels((12, 16)) == (0, 0, 15, 3)
    lines = ["file,label,boxes", *(f"c{n // 2}_{n}.png,{('bad', 'good')[n % 2]}," for n in range(6))]
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    folder = read_folder(tmp_path)
    assert [row.label for row in folder.rows] == [1, 0, 1, 0, 1, 0], "a table of labels is more explicit than boxes"
    assert len(folder.rows[0].boxes) == 2


def test_coco(tmp_path: Path) -> None:
    for side in ("train", "valid"):
        images, annotations = [], []
        for number in range(4):
            picture(tmp_path / side / f"{side}{number}.png", number)
            images.append({"id": number, "file_name": f"{side}{number}.png"})
            if number % 2:
                annotations.append({"image_id": number, "category_id": 7, "bbox": [2, 3, 4, 5]})
        content = {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "void"}]}
        (tmp_path / side / "_annotations.coco.json").write_text(json.dumps(content))
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert Counter((row.split, row.label) for row in folder.rows) == {
        ("train", 0): 2, ("train", 1): 2, ("validation", 0): 2, ("validation", 1): 2,
    }  # fmt: skip
    assert folder.types == ("void",)
    bad = next(row for row in folder.rows if row.label)
    assert bad.boxes == (Box(2, 3, 5, 7, "void"),)
    assert truth_mask(bad, (12, 16)).sum() == 4 * 5


def test_yolo(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / f"images/train/{number}.png", number, (20, 40))
    (tmp_path / "labels/train").mkdir(parents=True)
    (tmp_path / "labels/train/0.txt").write_text("0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.2 0.2 0.9\n")
    (tmp_path / "labels/train/1.txt").write_text("")
    (tmp_path / "labels/train/2.txt").write_text("1 0 0 0.5 0 0.5 0.5\n")
    (tmp_path / "data.yaml").write_text("names: {0: pore, 1: crack}\n")
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert [row.label for row in folder.rows] == [1, 0, 1, 0]
    assert folder.types == ("crack", "pore")
    assert folder.rows[0].boxes[0].pixels((20, 40)) == (15, 5, 24, 14)
    assert truth_mask(folder.rows[2], (20, 40))[:10, :20].all()
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "labels/train/2.txt").write_text("1 0 0 zero 1\n")
    with pytest.raises(ReadError, match="YOLO writes"):
        read_folder(tmp_path)


def test_a_number_of_a_class_says_nothing_of_good_or_bad(tmp_path: Path) -> None:
    picture(tmp_path / "images/a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    rows = read_folder(tmp_path).rows
    assert [(row.label, row.defect_type, len(row.boxes)) for row in rows] == [(1, "0", 1)]


@pytest.mark.parametrize("source", ["labels.csv", "boxes.csv", "coco.json", "labels.csv mask"])
def test_a_name_that_two_pictures_have_is_refused_by_whatever_names_it(tmp_path: Path, source: str) -> None:
    for camera in "ab":
        picture(tmp_path / f"camera_{camera}/part_1.png", ord(camera))
    content = {
        "labels.csv": "file,label\npart_1.png,bad\n",
        "labels.csv mask": "file,label,mask\ncamera_a/part_1.png,bad,part_1.png\n",
        "boxes.csv": "y1,x1,y2,x2,file\n1,2,3,4,part_1\n",
        "coco.json": json.dumps({"images": [{"id": 1, "file_name": "part_1.png"}], "annotations": []}),
    }[source]
    (tmp_path / source.split(maxsplit=1)[0]).write_text(content)
    with pytest.raises(ReadError, match=r"may be camera_a/part_1\.png, camera_b/part_1\.png; write the path"):
        read_folder(tmp_path)


@pytest.mark.parametrize("told_by", ["part_1.txt", "labels/part_1.txt", "part_1_mask.png", "masks/part_1.png"])
def test_two_forms_of_one_picture_have_its_truth_both(tmp_path: Path, told_by: str) -> None:
    for ending in ("bmp", "png"):
        for number in range(2):
            picture(tmp_path / f"part_{number}.{ending}", number)
    if told_by.endswith(".png"):
        mask(tmp_path / told_by)
    else:
        (tmp_path / told_by).parent.mkdir(exist_ok=True)
        (tmp_path / told_by).write_text("0 0.5 0.5 0.25 0.5\n")
    folder = read_folder(tmp_path)
    all_accounted(tmp_path, folder)
    assert {row.file: (row.label, row.has_truth) for row in folder.rows} == {
        "part_0.bmp": (0, False), "part_0.png": (0, False), "part_1.bmp": (1, True), "part_1.png": (1, True),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["{}_mask.png", "{}_GT.png", "{}-mask.png", "masks/{}.png", "../gt/{}.png"])
def test_masks_beside_pictures(tmp_path: Path, name: str) -> None:
    root = tmp_path / "set"
    for number in range(4):
        picture(root / f"images/p{number}.png", number)
        mask(root / "images" / name.format(f"p{number}"), marked=number % 2 == 1)
    folder = read_folder(root)
    all_accounted(root, folder)
    assert [row.label for row in folder.rows] == [0, 1, 0, 1]
    assert all(row.mask is not None for row in folder.rows)


def test_only_good_pictures(tmp_path: Path) -> None:
    for number in range(4):
        picture(tmp_path / "flat" / f"{number}.png", number)
        picture(tmp_path / "named" / "good" / f"{number}.png", number)
    assert [row.label for row in read_folder(tmp_path / "named").rows] == [0] * 4
    with pytest.raises(ConfigError, match=r"data\.unlabelled=normal"):
        read_folder(tmp_path / "flat")
    folder = read_folder(tmp_path / "flat", ImageDataConfig(unlabelled="normal"))
    assert [row.label for row in folder.rows] == [0] * 4


@pytest.mark.parametrize("name", ["set.zip", "one.png", "labels.xlsx", "set.tar.gz"])
def test_a_file_that_is_no_table_is_not_read_as_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04\x14\0\0\0")
    with pytest.raises(ReadError, match="neither a folder nor a table"):
        read_folder(tmp_path / name)


def test_each_page_is_a_picture(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((8, 9), 40 * n, np.uint8)) for n in range(3)]
    (tmp_path / "good").mkdir()
    pages[0].save(tmp_path / "good" / "stack.tif", save_all=True, append_images=pages[1:])
    folder = read_folder(tmp_path)
    assert [(row.page, row.name) for row in folder.rows] == [
        (0, "good/stack.tif"), (1, "good/stack.tif, page 2"), (2, "good/stack.tif, page 3"),
    ]  # fmt: skip
    assert [int(row.pixels()[0, 0]) for row in folder.rows] == [0, 40, 80]
    assert len({row.group for row in folder.rows}) == 1
    with pytest.raises(ReadError, match="no page 9"):
        ImageRow(tmp_path / "good" / "stack.tif", "good/stack.tif", 0, "g", page=8).pixels()


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=12))
def test_any_name_is_normal_defect_or_neither(name: str) -> None:
    said = NAMES.known(name)
    assert said in {0, 1, None}
    assert NAMES.known(name.swapcase().swapcase()) == said
    assert NAMES.known(f" {name.strip()} ") == NAMES.known(name.strip())


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "count", "defects", "masks", "boxes"),
    [("magnetic_tile", 584, 234, 234, 0), ("pcb", 3000, 1500, 0, 1500), ("xray_welds", 10, 10, 10, 0),
     ("battery_weld", 165, 93, 93, 0)],
)  # fmt: skip
def test_real_sets(data_root: Path, name: str, count: int, defects: int, masks: int, boxes: int) -> None:
    folder = read_folder(data_root / name)
    all_accounted(data_root / name, folder)
    assert len(folder.rows) == count
    assert sum(row.label for row in folder.rows) == defects
    assert sum(row.mask is not None for row in folder.rows) == masks
    assert sum(bool(row.boxes) for row in folder.rows) == boxes
