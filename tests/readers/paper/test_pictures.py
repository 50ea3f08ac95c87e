"""Scans, photographs and PDFs of ECG paper: read in colour, and every hostile one ends in a sentence."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from reportlab.lib import pdfencrypt
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from ecgviz.errors import ReadError
from ecgviz.sources.address import picture_at
from readers import open_recording
from readers.paper import pdf
from readers.paper.pictures import is_picture, open_picture

RED, INK = (240, 120, 120), (20, 20, 20)


def paper(height: int = 60, width: int = 90) -> np.ndarray:
    """Red paper with a dark bar in its upper left corner."""
    pixels = np.full((height, width, 3), RED, np.uint8)
    pixels[: height // 4, : width // 3] = INK
    return pixels


def write_pdf(path: Path, pages: int = 1, size: tuple[float, float] = (842.0, 595.0), **settings) -> Path:
    """A PDF whose pages show red paper; page n has n dark bars."""
    sheet = canvas.Canvas(str(path), pagesize=size, **settings)
    for number in range(1, pages + 1):
        sheet.setFillColorRGB(*(value / 255 for value in RED))
        sheet.rect(0, 0, *size, fill=1, stroke=0)
        sheet.setFillColorRGB(0, 0, 0)
        for bar in range(number):
            sheet.rect(50 + 100 * bar, 100, 50, 300, fill=1, stroke=0)
        sheet.showPage()
    sheet.save()
    return path


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.tif", "TIFF"), ("a.bmp", "BMP"), ("a.webp", "WebP")]
)
def test_colours_are_kept(tmp_path: Path, name: str, kind: str) -> None:
    Image.fromarray(paper()).save(tmp_path / name)
    found = open_picture(tmp_path / name)
    assert (found.format, found.page, found.pages, found.name) == (kind, 1, 1, "a")
    assert found.pixels.shape == (60, 90, 3) and found.pixels.dtype == np.uint8
    np.testing.assert_allclose(found.pixels[50, 80], RED, atol=6)
    np.testing.assert_allclose(found.pixels[3, 3], INK, atol=12)
    assert any("only 90 x 60 pixels" in warning for warning in found.warnings)


def test_a_photograph_is_turned_as_its_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(paper()).copy()).save(tmp_path / "a.jpg", exif=exif, quality=95)
    found = open_picture(tmp_path / "a.jpg").pixels
    assert found.shape == (60, 90, 3)
    np.testing.assert_allclose(found[3, 3], INK, atol=12)


def test_other_depths_and_transparency_become_ink_on_white_paper(tmp_path: Path) -> None:
    Image.fromarray(paper()[..., 0]).save(tmp_path / "grey.png")
    assert open_picture(tmp_path / "grey.png").pixels[50, 80].tolist() == [240] * 3
    deep = paper()[..., 0].astype(np.uint16) * 200
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert open_picture(tmp_path / "deep.png").pixels[50, 80].tolist() == [255] * 3
    Image.fromarray(paper()[..., 0] > 100).save(tmp_path / "fax.tif", compression="group4")
    fax = open_picture(tmp_path / "fax.tif").pixels
    assert fax[50, 80].tolist() == [255] * 3 and fax[3, 3].tolist() == [0] * 3
    clear = np.zeros((60, 90, 4), np.uint8)
    clear[:15, :30, 3] = 255
    Image.fromarray(clear).save(tmp_path / "clear.png")
    found = open_picture(tmp_path / "clear.png").pixels
    assert found[50, 80].tolist() == [255] * 3 and found[3, 3].tolist() == [0] * 3


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([paper(), 255 - paper()]), photometric="rgb")
    found = open_picture(tmp_path / "a.tif", 2)
    assert (found.page, found.pages) == (2, 2)
    assert found.pixels[3, 3].tolist() == [235] * 3
    with pytest.raises(ReadError, match="2 pages, so there is no page 3"):
        open_picture(tmp_path / "a.tif", 3)


def test_a_large_picture_is_reduced(tmp_path: Path) -> None:
    Image.fromarray(np.full((500, 5000, 3), RED, np.uint8)).save(tmp_path / "a.png")
    assert open_picture(tmp_path / "a.png").pixels.shape == (400, 4000, 3)


def test_a_picture_on_its_side_is_warned_of(tmp_path: Path) -> None:
    Image.fromarray(paper(900, 600)).save(tmp_path / "a.png")
    assert any("higher than wide" in warning for warning in open_picture(tmp_path / "a.png").warnings)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_picture_can_be_turned_upright(tmp_path: Path, turn: int) -> None:
    upright = paper(600, 900)
    Image.fromarray(np.rot90(upright, turn // 90)).save(tmp_path / "a.png")
    found = open_picture(tmp_path / "a.png", turn=turn)
    assert found.turned == turn
    np.testing.assert_array_equal(found.pixels, upright)


def test_a_turn_of_another_angle(tmp_path: Path) -> None:
    Image.fromarray(paper()).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="turn is 45"):
        open_picture(tmp_path / "a.png", turn=45)


def test_a_page_of_a_pdf(tmp_path: Path) -> None:
    file = write_pdf(tmp_path / "a.pdf", pages=2)
    assert is_picture(file)
    first, second = open_picture(file), open_picture(file, 2)
    assert (first.format, first.pages, second.page) == ("PDF", 2, 2)
    assert first.pixels.shape[:2] == (round(595 / 72 * 200), round(842 / 72 * 200))
    assert first.pixels[5, 5].tolist() == list(RED)
    dark = [np.count_nonzero(one.pixels.sum(axis=2) == 0) for one in (first, second)]
    assert dark[1] == pytest.approx(2 * dark[0], rel=0.02)


def test_a_pdf_around_a_scan(tmp_path: Path) -> None:
    buffer = BytesIO()
    Image.fromarray(paper(600, 900)).save(buffer, "JPEG", quality=95)
    sheet = canvas.Canvas(str(tmp_path / "a.pdf"), pagesize=(842, 595))
    sheet.drawImage(ImageReader(buffer), 0, 0, 842, 595)
    sheet.save()
    found = open_picture(tmp_path / "a.pdf").pixels
    np.testing.assert_allclose(found[-20, -20], RED, atol=12)
    np.testing.assert_allclose(found[20, 20], INK, atol=12)


def _hostile(folder: Path) -> dict[str, tuple[Path, str]]:
    whole = write_pdf(folder / "whole.pdf").read_bytes()
    empty = (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    )
    table = b"xref\n0 3\n0000000000 65535 f \n%010d 00000 n \n%010d 00000 n \n" % (
        empty.index(b"1 0"),
        empty.index(b"2 0"),
    )
    empty += table + b"trailer\n<</Root 1 0 R/Size 3>>\nstartxref\n%d\n%%%%EOF\n" % len(empty)
    files = {
        "cut.pdf": (whole[: len(whole) // 2], "truncated"),
        "mended.pdf": (whole[: len(whole) // 2] + b"\n%%EOF\n", "damaged or truncated"),
        "noise.pdf": (b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"%%EOF", "damaged or truncated"),
        "empty.pdf": (empty, "no page|damaged or truncated"),
    }
    found = {}
    for name, (content, words) in files.items():
        (folder / name).write_bytes(content)
        found[name] = (folder / name, words)
    lock = pdfencrypt.StandardEncryption("secret")
    found["locked.pdf"] = (write_pdf(folder / "locked.pdf", encrypt=lock), "is encrypted")
    found["huge.pdf"] = (write_pdf(folder / "huge.pdf", size=(1e6, 1e6)), "states a size of 352,778 x 352,778 mm")
    found["flat.pdf"] = (write_pdf(folder / "flat.pdf", size=(3000.0, 2.0)), "states a size")
    return found


@pytest.mark.parametrize(
    "name", ["cut.pdf", "mended.pdf", "noise.pdf", "empty.pdf", "locked.pdf", "huge.pdf", "flat.pdf"]
)
def test_a_hostile_pdf_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    file, words = _hostile(tmp_path)[name]
    with pytest.raises(ReadError, match=words) as caught:
        open_picture(file)
    assert str(caught.value).startswith(f"{name}: ") and "\n" not in str(caught.value)


def test_a_page_that_takes_too_long_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "PATIENCE_S", 0.001)
    with pytest.raises(ReadError, match="takes too long"):
        open_picture(write_pdf(tmp_path / "a.pdf"))


def test_a_drawing_that_dies_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dies.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    monkeypatch.setattr(pdf, "PROGRAM", tmp_path / "dies.py")
    with pytest.raises(ReadError, match="cannot be drawn"):
        open_picture(write_pdf(tmp_path / "a.pdf"))


@pytest.mark.parametrize("page", [0, -1, 2])
def test_a_page_that_is_not_there(tmp_path: Path, page: int) -> None:
    with pytest.raises(ReadError, match=f"no page {page}"):
        open_picture(write_pdf(tmp_path / "a.pdf"), page)


def test_other_files_are_no_pictures_of_an_ecg(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    with pytest.raises(ReadError, match="damaged"):
        open_picture(tmp_path / "a.png")
    (tmp_path / "a.txt").write_text("1 2 3")
    assert not is_picture(tmp_path / "a.txt") and not is_picture(tmp_path) and not is_picture(tmp_path / "none")
    with pytest.raises(ReadError, match="no picture of a known kind"):
        open_picture(tmp_path / "a.txt")
    with pytest.raises(ReadError, match="no such file"):
        open_picture(tmp_path / "none.png")


def test_a_recordings_reader_says_where_pictures_open(tmp_path: Path) -> None:
    Image.fromarray(paper()).save(tmp_path / "a.jpg")
    for file in (tmp_path / "a.jpg", write_pdf(tmp_path / "a.pdf")):
        with pytest.raises(ReadError, match="12-lead page"):
            open_recording(file)


def test_the_picture_at_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path))
    write_pdf(tmp_path / "a.pdf")
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    assert picture_at("path:a.pdf") == (tmp_path / "a.pdf").resolve()
    assert picture_at("path:a.csv") is None
    assert picture_at("sample:mitdb-208") is None
    with pytest.raises(ReadError, match="outside"):
        picture_at("path:/etc/passwd")
