"""Folders, lists and zips of pictures: order, what lies beside them, links, and damaged slices."""

from __future__ import annotations

import gc
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ecgviz.errors import ReadError
from readers.images import list_images, open_images, unpack_images


def slices(folder: Path, count: int, suffix: str = ".png", size: int = 8) -> Path:
    """Pictures s1, s2 ... s10 whose value is their number."""
    folder.mkdir(exist_ok=True)
    for i in range(1, count + 1):
        Image.fromarray(np.full((size, size), i, np.uint8)).save(folder / f"s{i}{suffix}")
    return folder


def numbers(stack) -> list[int]:
    return [int(stack.pixels(i)[0, 0]) for i in range(stack.n_slices)]


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_folder_is_a_stack_in_natural_order(tmp_path, suffix):
    folder = slices(tmp_path / "cell_17", 12, suffix)
    stack = open_images(folder)
    assert numbers(stack) == list(range(1, 13))
    assert (stack.name, stack.n_slices, stack.slice_names[9]) == ("cell_17", 12, f"s10{suffix}")
    assert stack.source.files == tuple(list_images(folder))
    assert stack.warnings == ()


def test_the_same_files_given_one_by_one(tmp_path):
    folder = slices(tmp_path / "c", 11)
    assert numbers(open_images(sorted(folder.iterdir(), reverse=True))) == list(range(1, 12))


def test_strays_are_left_aside_with_a_note(tmp_path):
    folder = slices(tmp_path / "c", 3)
    for name in ("Thumbs.db", ".DS_Store", "notes.txt", "._s1.png"):
        (folder / name).write_bytes(b"some bytes")
    (folder / "inner").mkdir()
    (folder / "without_suffix").write_bytes((folder / "s2.png").read_bytes())
    stack = open_images(folder)
    assert numbers(stack) == [1, 2, 3, 2]
    assert stack.warnings == ("4 files beside the slices are left aside (._s1.png, .DS_Store, notes.txt, Thumbs.db).",)
    assert [path.name for path in list_images(folder)] == ["s1.png", "s2.png", "s3.png", "without_suffix"]


def test_few_damaged_slices_are_named_and_many_stop_the_stack(tmp_path):
    folder = slices(tmp_path / "c", 20)
    (folder / "s4.png").write_bytes(b"")
    stack = open_images(folder)
    assert stack.n_slices == 19
    assert stack.warnings == ("Left out of the stack: s4.png: the file is empty; copy it again.",)
    assert folder / "s4.png" in list_images(folder)
    for i in (5, 6):
        (folder / f"s{i}.png").write_bytes(b"no picture")
    with pytest.raises(ReadError, match=r"s4\.png: the file is empty; copy it again\. \(3 of 20 files cannot be read"):
        open_images(folder)


def test_a_slice_that_is_damaged_inside_is_named_when_it_is_shown(tmp_path):
    folder = slices(tmp_path / "c", 4, size=64)
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "s3.png")
    (folder / "s3.png").write_bytes((folder / "s3.png").read_bytes()[:1500])
    stack = open_images(folder)
    assert stack.n_slices == 4
    with pytest.raises(ReadError, match=r"s3\.png: it is damaged or truncated"):
        stack.pixels(2)
    assert stack.pixels(3)[0, 0] == 4


def test_slices_of_several_sizes_and_depths(tmp_path):
    folder = slices(tmp_path / "c", 2)
    Image.fromarray(np.full((4, 6), 60000, np.uint16)).save(folder / "s3.png")
    stack = open_images(folder)
    assert stack.dtype == np.uint16
    assert [stack.pixels(i).dtype for i in range(3)] == [np.uint16] * 3
    assert stack.pixels(2).shape == (4, 6)
    assert "The slices differ in size (4 x 6, 8 x 8): are they of one object?" in stack.warnings


def test_multi_page_files_among_slices_are_refused_and_one_alone_is_a_stack(tmp_path):
    folder = tmp_path / "c"
    folder.mkdir()
    tifffile.imwrite(folder / "m.tif", np.zeros((3, 5, 5), np.uint8), photometric="minisblack")
    assert open_images(folder).n_slices == 3
    slices(folder, 2, ".tif")
    with pytest.raises(ReadError, match=r"m\.tif: it holds 3 pages beside files of a slice each"):
        open_images(folder)


def test_folder_without_pictures_and_none_at_all(tmp_path):
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(ReadError, match="there are no pictures in it"):
        open_images(tmp_path)
    assert list_images(tmp_path) == []
    with pytest.raises(ReadError, match="nowhere: there is no such folder"):
        list_images(tmp_path / "nowhere")
    with pytest.raises(ReadError, match="no such file or folder"):
        open_images(tmp_path / "nowhere")


def test_links_out_of_the_folder_are_refused(tmp_path):
    outside = slices(tmp_path / "outside", 1)
    folder = slices(tmp_path / "chosen", 3)
    (folder / "inner").symlink_to(folder / "s1.png")
    assert open_images(folder).n_slices == 4
    link = folder / "s9.png"
    link.symlink_to(outside / "s1.png")
    for look in (open_images, list_images):
        with pytest.raises(ReadError, match=r"s9\.png: it is a link that leads out of the chosen folder"):
            look(folder)
    assert len(list_images(folder, root=tmp_path)) == 5
    with pytest.raises(ReadError, match="leads out"):
        open_images(link, root=folder)
    assert open_images(link).n_slices == 1
    link.unlink()
    link.symlink_to(folder / "gone.png")
    with pytest.raises(ReadError, match=r"s9\.png: it is a link that leads nowhere"):
        list_images(folder)
    link.unlink()
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(ReadError, match="up: it is a link that leads out"):
        list_images(folder)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_not_waited_for(tmp_path):
    folder = slices(tmp_path / "c", 2)
    os.mkfifo(folder / "s3.png")
    assert open_images(folder).n_slices == 2
    with pytest.raises(ReadError, match="no ordinary file"):
        open_images(folder / "s3.png")


def test_a_zip_of_pictures_and_the_folder_after_it(tmp_path):
    folder = slices(tmp_path / "c", 11)
    archive = tmp_path / "cell.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in folder.iterdir():
            packed.write(file, f"deep/er/{file.name}")
        packed.writestr("__MACOSX/deep/._s1.png", b"x")
        packed.writestr("notes.txt", b"x")
    stack = open_images(archive)
    assert numbers(stack) == list(range(1, 12))
    assert stack.name == "cell"
    unpacked = stack.source.files[0]
    assert unpacked.is_file()
    del stack
    gc.collect()
    assert not unpacked.exists()
    (tmp_path / "out").mkdir()
    assert [path.name for path in unpack_images(archive, tmp_path / "out")][:2] == ["s1.png", "s2.png"]


def test_zips_that_escape_explode_or_hold_nothing(tmp_path):
    archive = tmp_path / "up.zip"

    def refused(match: str, **members: bytes) -> None:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in members.items():
                packed.writestr(name.replace("SLASH", "/"), content)
        with pytest.raises(ReadError, match=match):
            open_images(archive)

    refused("leads out of its folder", **{"..SLASHevil.png": b"x"})
    refused("more than 64 MB; give one folder of pictures only", **{"a.png": b"\0" * (90 << 20)})
    refused("there are no pictures in the zip", **{"a.txt": b"x"})
    link = zipfile.ZipInfo("a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr(link, "/etc/passwd")
    with pytest.raises(ReadError, match="link or device"):
        open_images(archive)
    archive.write_bytes(b"PK\x03\x04" + b"x" * 100)
    with pytest.raises(ReadError, match=r"up\.zip: the zip is damaged.*pack the folder of pictures again"):
        open_images(archive)


@pytest.mark.data
def test_real_stack(data_root):
    stack = open_images(data_root / "battery_ct" / "stack")
    assert (stack.n_slices, stack.height, stack.width, stack.dtype) == (60, 728, 728, np.uint8)
    assert stack.slice_names[0] == "im041.tif"
    assert stack.warnings == ()
    assert stack.pixels(59).std() > 5
