"""Sets of pictures: both layouts, splits that keep groups and duplicates whole, truth, and what cannot be read."""

from __future__ import annotations

import shutil
import struct
import time
import zlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.config import ImageAugmentConfig, ImageDataConfig
from models.core.errors import ConfigError, ReadError
from models.data.image_augment import ImageAugmenter
from models.data.image_dataset import EpochOrder, ImageDataset
from models.data.image_folder import (
    ImageRow,
    class_weights,
    file_hashes,
    join_duplicates,
    load_split,
    read_boxes,
    read_folder,
    read_rows,
    split_rows,
    truth_mask,
)
from models.tasks import ImageTask
from readers.images import open_images

TASK = ImageTask(image_size=32)


def write(path: Path, value: int = 0, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size, value, np.uint8)
    pixels[:2, :2] = 255 - value  # of one value everywhere it would be left out
    Image.fromarray(pixels).save(path)
    return path


def row(file: str, label: int = 0, group: str = "") -> ImageRow:
    return ImageRow(Path(file), file, label, group or file)


def test_a_folder_a_class(tmp_path: Path) -> None:
    for number, name in enumerate(("good/c1_1.png", "good/c1_2.jpg", "defect/deep/c2_1.tif", "Defective/c3_1.png")):
        write(tmp_path / name, number)
    (tmp_path / "good" / "notes.txt").write_text("no picture")
    rows = read_rows(tmp_path, ImageDataConfig(group_pattern=r"(c\d+)_"))
    assert [(r.file, r.label, r.group) for r in rows] == [
        ("Defective/c3_1.png", 1, "c3"),
        ("defect/deep/c2_1.tif", 1, "c2"),
        ("good/c1_1.png", 0, "c1"),
        ("good/c1_2.jpg", 0, "c1"),
    ]
    assert [r.group for r in read_rows(tmp_path)] == [r.file for r in rows], "without a pattern each is its own group"


def test_a_table_with_columns_of_others(picture_root: Path) -> None:
    rows = read_rows(picture_root)
    assert len(rows) == 120
    assert (rows[3].label, rows[3].group, rows[3].background) == (1, "cell0", "real")
    assert read_rows(picture_root / "labels.csv") == rows


def test_labels_and_places_that_cannot_be(tmp_path: Path) -> None:
    write(tmp_path / "set" / "odd" / "a.png")
    with pytest.raises(ConfigError, match="label 'odd' is neither"):
        read_rows(tmp_path / "set")
    assert len(read_rows(tmp_path / "set", ImageDataConfig(defect=("odd",)))) == 1
    with pytest.raises(ReadError, match=r"is not there; set data\.root"):
        read_rows(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="holds no pictures"):
        read_rows(tmp_path / "empty")
    table = tmp_path / "labels.csv"
    table.write_text("name,label\na.png,good\n")
    with pytest.raises(ReadError, match="has no column file"):
        read_rows(tmp_path)
    for outside in ("../secret.png", "/etc/passwd"):
        (tmp_path / "set" / "labels.csv").write_text(f"file,label\n{outside},good\n")
        with pytest.raises(ReadError, match="outside of its folder"):
            read_rows(tmp_path / "set")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.png")
    (tmp_path / "set" / "good").mkdir(parents=True)
    (tmp_path / "set" / "good" / "link.png").symlink_to(secret)
    with pytest.raises(ReadError, match="leads out of the chosen folder"):
        read_rows(tmp_path / "set")


def test_groups_never_cross_and_shares_are_met() -> None:
    rows = [row(f"{g}_{i}", int(g % 3 == 0), str(g)) for g in range(100) for i in range(1 + g % 7)]
    sides = split_rows(rows, (0.6, 0.15, 0.25), seed=1)
    groups = [{r.group for r in part} for part in sides.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert sorted(r.file for part in sides.values() for r in part) == sorted(r.file for r in rows)
    for part, share in zip(sides.values(), (0.6, 0.15, 0.25), strict=True):
        assert len(part) / len(rows) == pytest.approx(share, abs=0.03)
        assert np.mean([r.label for r in part]) == pytest.approx(np.mean([r.label for r in rows]), abs=0.08)
    assert split_rows(rows, seed=1) == sides
    assert split_rows(rows, seed=2) != sides


def test_duplicates_stay_on_one_side(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(12):
        write(tmp_path / ("good" if number % 2 else "defect") / f"c{number}_a.png", number)
    shutil.copy(tmp_path / "good" / "c1_a.png", tmp_path / "good" / "c9_b.png")
    shutil.copy(tmp_path / "good" / "c9_a.png", tmp_path / "defect" / "c4_b.png")
    config = ImageDataConfig(group_pattern=r"(c\d+)_", shares=(0.4, 0.3, 0.3))
    rows = read_rows(tmp_path, config)
    joined = join_duplicates(rows, file_hashes(rows))
    by_file = {Path(r.file).stem: r.group for r in joined}
    assert len({by_file[name] for name in ("c1_a", "c9_a", "c9_b", "c4_a", "c4_b")}) == 1, "chains join"
    assert by_file["c0_a"] != by_file["c1_a"]
    assert "same picture under two labels" in caplog.text
    for seed in range(5):
        sides, hashes = load_split(tmp_path, config.model_copy(update={"split_seed": seed}))
        seen = [{hashes[r.file] for r in part} for part in sides.values()]
        assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_truth_from_boxes_and_masks(tmp_path: Path) -> None:
    boxed = ImageRow(tmp_path / "a.png", "a.png", 1, "a", boxes=read_boxes("1 2 3 4 5;8 8 20 20 1"))
    truth = truth_mask(boxed, (10, 12))
    assert truth[2:5, 1:4].all()
    assert truth[8:, 8:].all()
    assert truth.sum() == 9 + 2 * 4
    mask = np.zeros((20, 24), np.uint8)
    mask[4:6, 6:8] = 255
    Image.fromarray(mask).save(tmp_path / "m.png")
    masked = ImageRow(tmp_path / "a.png", "a.png", 1, "a", mask=tmp_path / "m.png")
    assert np.argwhere(truth_mask(masked, (10, 12))).tolist() == [[2, 3]]
    assert truth_mask(masked, (20, 24)).sum() == 4
    assert truth_mask(row("b"), (4, 4)) is None
    with pytest.raises(ReadError, match="box 'left of it'"):
        read_boxes("left of it", Path("a"))


def test_damage_is_named_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "none.png").write_bytes(b"")
    (tmp_path / "half.png").write_bytes(write(tmp_path / "whole.png", 3, (64, 64)).read_bytes()[:60])
    (tmp_path / "text.dcm").write_text("no DICOM")
    bomb(tmp_path / "bomb.png")
    faults = {
        "none.png": "is empty",
        "half.png": "damaged or truncated",
        "text.dcm": "does not begin like a DICOM file",
        "gone.png": "no such file",
        "bomb.png": "at most 100 million",
    }
    rows = [ImageRow(tmp_path / name, name, 0, name) for name in ("whole.png", *faults)]
    dataset = ImageDataset(rows, TASK)
    assert [one.file for one in dataset.rows] == ["whole.png"]
    assert dataset.unreadable.keys() == faults.keys()
    for name, fault in faults.items():
        assert fault in dataset.unreadable[name]


def bomb(path: Path) -> None:
    """A PNG of 81 bytes that claims 132 million pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 12_000, 11_000, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 10_000) + b"IDAT")


@pytest.mark.data
def test_every_malformed_file_is_a_picture_or_left_out_by_name(data_root: Path) -> None:
    files = sorted(path for path in (data_root / "bad_images").rglob("*") if path.is_file())
    assert len(files) > 50
    for path in files:
        started = time.monotonic()
        dataset = ImageDataset([ImageRow(path, path.name, 0, "a")], TASK)
        assert len(dataset) + len(dataset.unreadable) == 1
        assert time.monotonic() - started < 20


def test_training_and_inference_prepare_the_same_bits(tmp_path: Path, picture_root: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 4000, (50, 70)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    rows = [*read_rows(picture_root)[:3], ImageRow(tmp_path / "deep.png", "deep.png", 0, "d")]
    for cache in (1e9, 0):
        dataset = ImageDataset(rows, TASK, cache_bytes=cache)
        for number, one in enumerate(rows):
            assert torch.equal(dataset[0, number][0], TASK.prepare(open_images(one.path).pixels(0)))


def test_the_cache_has_a_limit_and_the_unreadable_are_listed(tmp_path: Path) -> None:
    rows = [ImageRow(write(tmp_path / f"{n}.png", n), f"{n}.png", n % 2, str(n)) for n in range(4)]
    (tmp_path / "2.png").write_bytes(b"broken")
    dataset = ImageDataset(rows, TASK, cache_bytes=2 * 32 * 32)
    assert len(dataset) == 3
    assert dataset.labels.tolist() == [0, 1, 1]
    assert list(dataset.unreadable) == ["2.png"]
    assert dataset[0, 2][1] == 1


def test_augmentation_depends_on_seed_epoch_and_picture_alone(picture_root: Path) -> None:
    rows = read_rows(picture_root)[:2]

    def item(seed: int, epoch: int, number: int) -> torch.Tensor:
        return ImageDataset(rows, TASK, ImageAugmenter(ImageAugmentConfig()), seed)[epoch, number][0]

    assert torch.equal(item(0, 0, 0), item(0, 0, 0))
    for other in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert not torch.equal(item(0, 0, 0), item(*other))


def test_augmentation_is_what_is_documented() -> None:
    documented = ImageAugmentConfig()
    assert (documented.rotation_deg, documented.translate, documented.scale) == (15, 0.1, (0.9, 1.1))
    assert (documented.brightness, documented.contrast, documented.saturation) == (0.2, 0.2, 0.1)
    unit = torch.rand(1, 32, 32) * 0.5 + 0.25
    nothing = dict.fromkeys(("horizontal_flip", "vertical_flip", "rotation_deg", "translate"), 0.0)
    nothing |= {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "scale": (1.0, 1.0)}
    generator = np.random.default_rng(0)
    torch.testing.assert_close(ImageAugmenter(ImageAugmentConfig(**nothing))(unit, generator), unit)
    flipped = ImageAugmenter(ImageAugmentConfig(**nothing | {"horizontal_flip": 1.0}))(unit, generator)
    torch.testing.assert_close(flipped, unit.flip(-1))
    brighter = ImageAugmenter(ImageAugmentConfig(**nothing | {"brightness": 0.2}))
    factors = torch.stack([(brighter(unit, generator) / unit).mean() for _ in range(200)])
    assert 0.79 < factors.min() < 0.85
    assert 1.15 < factors.max() < 1.21
    toned = ImageAugmenter(ImageAugmentConfig(**nothing | {"tone": 0.7}))
    powers = [float((toned(unit, generator)[unit > 0.1].log() / unit[unit > 0.1].log()).median()) for _ in range(40)]
    assert 0.49 < min(powers) < 0.8
    assert 1.25 < max(powers) < 2.02
    colour = ImageAugmenter(documented)(torch.rand(3, 32, 32), generator)
    assert colour.shape == (3, 32, 32)
    assert colour.min() >= 0
    assert colour.max() <= 1


def test_what_a_shift_uncovers_has_the_value_of_the_border() -> None:
    unit = torch.full((1, 64, 64), 0.3)
    unit[:, 20:40, 20:40] = 0.9
    still = dict.fromkeys(("brightness", "contrast", "saturation"), 0.0)
    augmenter = ImageAugmenter(ImageAugmentConfig(translate=0.3, **still))
    generator = np.random.default_rng(0)
    for _ in range(20):
        assert augmenter(unit, generator).min() > 0.29


def test_the_order_of_an_epoch() -> None:
    order = EpochOrder(10, shuffle=True, seed=1)
    first = list(order)
    assert sorted(number for _, number in first) == list(range(10))
    assert list(order) == first
    order.set_epoch(1)
    assert [number for _, number in order] != [number for _, number in first]
    assert {epoch for epoch, _ in order} == {1}
    few = EpochOrder(10, shuffle=True, drawn=4)
    assert len(few) == len(list(few)) == 4
    assert list(EpochOrder(3, shuffle=False)) == [(0, 0), (0, 1), (0, 2)]


def test_classes_weigh_by_their_count() -> None:
    labels = np.array([0] * 90 + [1] * 10)
    assert class_weights(labels, 2, 1.0).tolist() == pytest.approx([0.5 / 0.9, 0.5 / 0.1])
    assert class_weights(labels, 2, 0.0).tolist() == [1, 1]


@pytest.mark.data
def test_small_cases(data_root: Path) -> None:
    cases = data_root / "image_cases"
    config = ImageDataConfig(normal=("OK",), defect=("NG",))
    assert Counter(row.label for row in read_folder(cases / "okng", config).rows) == {0: 8, 1: 8}
    assert [row.label for row in read_folder(cases / "cp949").rows] == [0, 1]
