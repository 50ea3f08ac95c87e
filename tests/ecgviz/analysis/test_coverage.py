"""Every file that an inspection is given is a row or set aside with its reason; nothing blank is called normal."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from ecgviz.__main__ import main
from ecgviz.analysis.coverage import aside_words, lost, to_inspect
from ecgviz.analysis.inspect import inspect_files, judge_stack, stack_outputs
from models.tasks import ImageTask
from models.tasks.image_levels import as_8_bit, depth_of
from readers.images import open_images
from tests.ecgviz.spots import picture, spot_checkpoint, write_pictures, write_stack
from tests.readers.volumes.written import by_hdf5, by_itk, by_zarr


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return spot_checkpoint(tmp_path, monkeypatch)


def rows_of(table: Path) -> list[dict[str, str]]:
    content = table.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def messy(folder: Path) -> Path:
    """A folder as it comes from a line: pictures, a volume, files of systems, masks, broken ones."""
    write_pictures(folder / "test" / "crack", [True, True])
    write_pictures(folder / "test" / "good", [False])
    masks = write_pictures(folder / "ground_truth" / "crack", [True, True])
    for mask in masks:
        mask.rename(mask.with_name(f"{mask.stem}_mask.png"))
    (folder / "scan.nii.gz").write_bytes(b"\x1f\x8b" + bytes(40))
    (folder / "scan.nrrd").write_bytes(b"NRRD0004\n")
    (folder / "slices.raw").write_bytes(bytes(100))
    (folder / "test" / "good" / "Thumbs.db").write_bytes(bytes(30))
    (folder / "test" / "good" / "._a.png").write_bytes(bytes(30))
    (folder / "notes.txt").write_text("lot 7")
    (folder / "film.gif").write_bytes(b"GIF89a" + bytes(20))
    (folder / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    return folder


def test_each_file_is_a_row_or_set_aside(tmp_path, checkpoint, capsys):
    folder = messy(tmp_path / "lot")
    table, report = tmp_path / "v.csv", tmp_path / "r.pdf"
    places = ["--checkpoint", str(checkpoint.folder), "--csv", str(table), "--pdf", str(report)]
    assert main(["inspect", str(folder), *places]) == 1
    rows = rows_of(table)
    assert sorted(row["path"] for row in rows) == sorted(str(path) for path in folder.rglob("*") if path.is_file())
    judged = [row for row in rows if row["verdict"] != "set aside"]
    broken = {"film.gif", "half.png", "scan.nii.gz", "scan.nrrd"}
    assert {Path(row["path"]).name for row in judged if row["error"]} == broken
    assert sum(row["pred_score"] != "" for row in judged) == 3
    assert all(row["reason"] for row in rows)
    said = capsys.readouterr()
    assert "set aside 6" in said.out
    assert "slices.raw: raw values without a header, which is not read" in said.err
    assert "scan.nii.gz: it is called .gz but does not begin like a NIfTI file" in said.err
    words = " ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(report.read_bytes()))
    for name in ("scan.nii.gz", "scan.nrrd", "slices.raw"):
        assert name in words


def test_the_exit_status_says_whether_something_was_not_read(tmp_path, checkpoint):
    folder = tmp_path / "lot"
    write_pictures(folder, [True, False])
    (folder / "Thumbs.db").write_bytes(bytes(9))
    options = ["--checkpoint", str(checkpoint.folder), "--csv", str(tmp_path / "v.csv")]
    assert main(["inspect", str(folder), *options]) == 0
    (folder / "more.vol").write_bytes(bytes(9))
    assert main(["inspect", str(folder), *options]) == 1
    assert [row["reason"] for row in rows_of(tmp_path / "v.csv") if "more" in row["path"]] == [
        "raw values without a header, which is not read"
    ]


def test_a_zip_of_several_folders_is_several_parts(tmp_path, checkpoint, monkeypatch):
    with zipfile.ZipFile(tmp_path / "cells.zip", "w") as archive:
        for cell, spots in (("cellA", [False, False]), ("cellB", [False, True])):
            for number, path in enumerate(write_pictures(tmp_path / cell, spots)):
                archive.write(path, f"{cell}/{number}.png")
        archive.writestr("cellA/Thumbs.db", bytes(9))
    found = to_inspect(tmp_path / "cells.zip")
    assert [path.parts[-2:] for path in found.paths] == [("cells.zip", "cellA"), ("cells.zip", "cellB")]
    verdicts = list(inspect_files(found.paths, checkpoint))
    assert [one.verdict for one in verdicts] == ["normal", "defect"]
    assert [one.slice_index for one in verdicts] == [0, 1]
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.write(tmp_path / "cellA" / "part_00.png", "a/0.png")
    assert to_inspect(tmp_path / "one.zip").paths == (tmp_path / "one.zip",)


def test_a_volume_is_a_stack_along_the_axis_that_is_asked_for(tmp_path, checkpoint, capsys):
    """Whatever the format: its slices along an axis are judged as the same pictures in files of their own are."""
    cube = np.stack([picture(spot, seed) for seed, spot in enumerate([False, True, False])])
    folder = tmp_path / "lot"
    folder.mkdir()
    by_itk(folder / "cell.mhd", cube)
    by_itk(folder / "cell.nii.gz", cube)
    by_hdf5(folder / "two.h5", np.stack([cube, cube[:, ::-1]]))
    by_zarr(folder / "cell.zarr", cube)
    with zipfile.ZipFile(tmp_path / "lot.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder.parent))
    places = ["--checkpoint", str(checkpoint.folder), "--csv", str(tmp_path / "v.csv")]
    plain = list(inspect_files(write_pictures(tmp_path / "plain", [False, True, False]), checkpoint))
    for given in (folder, tmp_path / "lot.zip"):
        assert main(["inspect", str(given), *places]) == 1
        rows = {Path(row["path"]).name: row for row in rows_of(tmp_path / "v.csv")}
        assert rows.keys() == {"cell.mhd", "cell.raw", "cell.nii.gz", "two.h5", "cell.zarr"}
        assert rows["cell.raw"]["reason"] == "the values of cell.mhd"
        assert "holds 2 volumes (4D); choose one" in rows["two.h5"]["error"]
        for name in ("cell.mhd", "cell.nii.gz", "cell.zarr"):
            assert (rows[name]["verdict"], rows[name]["slice"]) == ("defect", "2")
            assert float(rows[name]["pred_score"]) == pytest.approx(max(one.score for one in plain), abs=1e-4)
    assert main(["inspect", str(folder), "--number", "1", "--axis", "sagittal", *places]) == 0
    rows = rows_of(tmp_path / "v.csv")
    assert {Path(row["path"]).name for row in rows if row["pred_score"]} == {
        "cell.mhd?axis=sagittal&number=1", "cell.nii.gz?axis=sagittal&number=1", "cell.zarr?axis=sagittal&number=1",
        "two.h5?axis=sagittal&number=1",
    }  # fmt: skip


def test_each_part_of_a_volume_is_remembered_apart(tmp_path, checkpoint):
    """One file, two axes: the outputs of one are not those of the other; another file of values is another volume."""
    path = by_itk(tmp_path / "cell.mhd", np.stack([picture(True, seed) for seed in range(3)]))
    one, other = (next(iter(inspect_files([f"{path}{part}"], checkpoint))) for part in ("", "?axis=coronal"))
    assert (len(one.slice_scores), len(other.slice_scores)) == (3, 64)
    assert one.sha256 != other.sha256
    values = bytearray((tmp_path / "cell.raw").read_bytes())
    values[:4096] = bytes(4096)
    (tmp_path / "cell.raw").write_bytes(values)
    [changed] = inspect_files([path], checkpoint)
    assert changed.sha256 != one.sha256


@pytest.mark.parametrize("value", [0, 1, 128, 255])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_blank_picture_is_nothing_to_judge(tmp_path, checkpoint, value, kind):
    path = tmp_path / "blank.png"
    Image.fromarray(np.full((64, 64), value, kind)).save(path)
    for _ in range(2):  # the second time it is not remembered as normal either
        [verdict] = inspect_files([path], checkpoint)
        assert verdict.verdict == "review"
        assert np.isnan(verdict.score)
        assert "nothing to judge" in verdict.error
        assert verdict.reason == "nothing could be judged"


def test_blank_slices_of_a_stack_are_left_out_of_its_verdict(tmp_path, checkpoint):
    slices = [np.zeros((64, 64), np.uint8), picture(False, 1), picture(False, 2)]
    pages = [Image.fromarray(one) for one in slices]
    pages[0].save(tmp_path / "cell.tif", save_all=True, append_images=pages[1:])
    for _ in range(2):
        [verdict] = inspect_files([tmp_path / "cell.tif"], checkpoint)
        assert (verdict.verdict, verdict.error) == ("normal", "")
        assert np.isnan(verdict.slice_scores[0])
        assert any("not judged" in warning for warning in verdict.warnings)
    stack = open_images(tmp_path / "cell.tif")
    for _ in range(2):
        judged = judge_stack(stack, checkpoint, stack_outputs(stack, checkpoint))
        assert (judged.verdict, judged.error, judged.warnings) == ("normal", "", verdict.warnings)


def test_warnings_of_a_file_stay_with_its_verdict(tmp_path, checkpoint):
    write_stack(tmp_path / "cell.tif", [False, True])
    Image.fromarray(np.dstack([picture(True), picture(True) // 2, picture(True) // 3])).save(tmp_path / "colour.png")
    table = tmp_path / "v.csv"
    for _ in range(2):  # the second time from the memory
        main(["inspect", str(tmp_path / "cell.tif"), str(tmp_path / "colour.png"), "--checkpoint",
              str(checkpoint.folder), "--csv", str(table)])  # fmt: skip
        cell, colour = rows_of(table)
        assert (cell["slice"], cell["reason"]) == ("2", "score at or above the threshold")
        assert "picture in colour" in colour["warnings"]


@pytest.mark.parametrize("levels", ["auto", "depth", "percentiles"])
@pytest.mark.parametrize("spread", [257, 256, 16])
def test_one_picture_in_8_and_in_16_bits_is_one_input(levels, spread):
    task = ImageTask(image_size=64, levels=levels)
    plain = picture(True, 3)
    wide = plain.astype(np.uint16) * spread
    assert np.array_equal(as_8_bit(wide), plain)
    one, other = (task.unit(task.square(pixels)).numpy() for pixels in (plain, wide))
    np.testing.assert_allclose(one, other, atol=2e-3)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_a_deeper_picture_of_the_same_thing_is_nearly_the_same_input(bits):
    plain = picture(True, 3).astype(float)
    deep = np.rint(plain * ((1 << bits) - 1) / 255).astype(np.uint16)
    assert depth_of(deep) == (8 if bits == 16 else bits), "stretched to 16 bits it is one of 8"
    for levels in ("depth", "percentiles"):
        task = ImageTask(image_size=64, levels=levels)
        one, other = (task.unit(task.square(pixels)).numpy() for pixels in (plain.astype(np.uint8), deep))
        np.testing.assert_allclose(one, other, atol=5e-3)


def test_the_levels_follow_the_training_and_a_file_of_another_depth_is_told():
    plain = picture(True)
    deep = np.random.default_rng(0).integers(200, 3000, (64, 64)).astype(np.uint16)
    task = ImageTask(image_size=64)
    assert task.for_pictures([plain]).levels == "depth"
    assert task.for_pictures([plain, deep]).levels == "percentiles"
    learned = task.for_pictures([plain])
    assert learned.learned_bits == (8,)
    assert learned.depth_note(plain) == ""
    assert "values of 12 bits; the network learned from pictures of 8" in learned.depth_note(deep)
    assert learned.learned_px == (max(plain.shape),) * 2
    assert learned.size_note(plain) == learned.size_note(np.kron(plain, np.ones((3, 3)))) == ""
    assert "the network learned from pictures of" in learned.size_note(np.kron(plain, np.ones((30, 1))))
    assert ImageTask(levels="percentiles").for_pictures([plain]).levels == "percentiles"


@pytest.mark.data
def test_small_cases(data_root, checkpoint):
    cases = data_root / "image_cases"
    found = to_inspect(cases / "two_cells.zip")
    assert len(found.paths) == 2
    assert [one.verdict for one in inspect_files([cases / "black.png"], checkpoint)] == ["review"]
    skipped = to_inspect(cases / "skipped")
    assert len(skipped.paths) + len(skipped.aside) == 3
    assert not lost(skipped.aside), aside_words(skipped.aside)
