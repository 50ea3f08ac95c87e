"""PNG, JPEG, BMP, WebP and TIFF: every depth and kind of value arrives as it was stored."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from ecgviz.errors import ReadError
from readers.images import open_images
from readers.images.pixels import COLOUR_NOTE, upright


def ramp(height: int, width: int, dtype, top: int | None = None) -> np.ndarray:
    """Values from 0 to the top of a type, different in every row and column."""
    top = np.iinfo(dtype).max if top is None else top
    return np.linspace(0, top, height * width).reshape(height, width).astype(dtype)


def one(path: Path) -> np.ndarray:
    """The pixels of a picture, after what holds for every stack was checked."""
    stack = open_images(path)
    pixels = stack.pixels(0)
    assert pixels.shape == (stack.height, stack.width)
    assert pixels.dtype == stack.dtype
    assert pixels.dtype in {np.dtype(t) for t in (np.uint8, np.uint16, np.int16, np.float32)}
    assert pixels.flags.writeable and pixels.flags.c_contiguous and pixels.dtype.isnative
    assert type(pixels) is np.ndarray
    assert stack.source.files == (path,)
    return pixels


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_keeps_its_depth(tmp_path, dtype):
    values = ramp(9, 7, dtype)
    Image.fromarray(values).save(tmp_path / "a.png")
    np.testing.assert_array_equal(one(tmp_path / "a.png"), values)
    stack = open_images(tmp_path / "a.png")
    assert (stack.format, stack.n_slices, stack.name, stack.warnings) == ("PNG", 1, "a", ())
    with pytest.raises(ValueError, match="slice 1 lies outside"):
        stack.pixels(1)


def test_png_of_16_bits_in_colour_keeps_them(tmp_path):
    from imagecodecs import png_encode

    grey = ramp(8, 8, np.uint16)
    (tmp_path / "rgb.png").write_bytes(png_encode(np.repeat(grey[..., None], 3, axis=2)))
    np.testing.assert_array_equal(one(tmp_path / "rgb.png"), grey)
    (tmp_path / "la.png").write_bytes(png_encode(np.stack([grey, np.full_like(grey, 65535)], axis=2)))
    np.testing.assert_array_equal(one(tmp_path / "la.png"), grey)


def test_black_and_white_palette_and_transparency(tmp_path):
    bits = np.indices((6, 10)).sum(0) % 2 == 0
    Image.fromarray(bits).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(one(tmp_path / "bits.png"), bits * 255)
    palette = Image.fromarray(ramp(4, 4, np.uint8, 3), "P")
    palette.putpalette([10, 10, 10, 60, 60, 60, 90, 90, 90, 200, 200, 200])
    palette.save(tmp_path / "p.png")
    np.testing.assert_array_equal(one(tmp_path / "p.png"), np.array([10, 60, 90, 200])[ramp(4, 4, np.uint8, 3)])
    grey = ramp(5, 5, np.uint8)
    alpha = np.stack([grey, ramp(5, 5, np.uint8)], axis=2)
    Image.fromarray(alpha, "LA").save(tmp_path / "la.png")
    stack = open_images(tmp_path / "la.png")
    np.testing.assert_array_equal(stack.pixels(0), grey)
    assert stack.warnings == ("It is partly transparent: the transparency is ignored.",)


def test_photo_is_taken_for_its_brightness_with_a_warning(tmp_path):
    colours = np.zeros((6, 6, 3), np.uint8)
    colours[..., 0], colours[..., 1], colours[..., 2] = 200, 100, 50
    Image.fromarray(colours).save(tmp_path / "photo.png")
    stack = open_images(tmp_path / "photo.png")
    assert stack.warnings == (COLOUR_NOTE,)
    assert (stack.pixels(0) == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)).all()
    Image.fromarray(colours).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    stack = open_images(tmp_path / "cmyk.jpg")
    assert COLOUR_NOTE in stack.warnings
    assert abs(int(stack.pixels(0)[3, 3]) - 124) < 6


def test_grey_stored_as_colours_is_grey(tmp_path):
    grey = ramp(16, 16, np.uint8)
    Image.fromarray(grey).convert("RGB").save(tmp_path / "g.jpg", quality=95)
    stack = open_images(tmp_path / "g.jpg")
    assert stack.warnings == ()
    assert np.abs(stack.pixels(0).astype(int) - grey).max() < 8


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path, orientation):
    picture = Image.fromarray(ramp(16, 24, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("a.jpg", "a.png"):
        picture.save(tmp_path / name, exif=exif)
        with Image.open(tmp_path / name) as saved:
            expected = np.asarray(ImageOps.exif_transpose(saved))
        np.testing.assert_array_equal(one(tmp_path / name), expected)
    tifffile.imwrite(tmp_path / "a.tif", np.asarray(picture), extratags=[(274, 3, 1, orientation, True)])
    with Image.open(tmp_path / "a.png") as saved:
        np.testing.assert_array_equal(one(tmp_path / "a.tif"), np.asarray(ImageOps.exif_transpose(saved)))


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i2", ">f4", "<f4", "<f8", "<f2", "<i4", "<u4", "i1"])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_tiff_of_every_type_and_compression(tmp_path, dtype, compression):
    wanted = np.dtype(dtype)
    values = ramp(33, 21, wanted, 100 if wanted.itemsize == 1 else 30000)
    if wanted.kind in "if" and wanted != np.float16:
        values = values - values.dtype.type(50)
    tifffile.imwrite(
        tmp_path / "a.tif", values, compression=compression, byteorder=dtype[0] if dtype[0] in "<>" else "<"
    )
    pixels = one(tmp_path / "a.tif")
    np.testing.assert_array_equal(pixels, values.astype(pixels.dtype) if wanted.kind == "f" else values)
    same = {"u1": "uint8", "u2": "uint16", "i2": "int16", "i1": "int16"}
    assert pixels.dtype.name == same.get(dtype.lstrip("<>"), "float32")


def test_tiff_with_predictor_tiles_planes_and_palette(tmp_path):
    values = ramp(70, 50, np.uint16)
    tifffile.imwrite(tmp_path / "p.tif", values, compression="zlib", predictor=True)
    tifffile.imwrite(tmp_path / "t.tif", values, tile=(32, 32), compression="lzw")
    tifffile.imwrite(
        tmp_path / "s.tif", np.stack([values] * 3), photometric="rgb", planarconfig="separate", compression="zlib"
    )
    for name in "pts":
        np.testing.assert_array_equal(one(tmp_path / f"{name}.tif"), values)
    colours = np.tile(np.arange(256, dtype=np.uint16)[::-1] * 257, (3, 1))
    eight = ramp(8, 8, np.uint8)
    tifffile.imwrite(tmp_path / "c.tif", eight, photometric="palette", colormap=colours)
    np.testing.assert_array_equal(one(tmp_path / "c.tif"), 255 - eight)


def test_tiff_where_zero_is_white_is_turned_round(tmp_path):
    for values in (ramp(5, 6, np.uint8), ramp(5, 6, np.uint16)):
        tifffile.imwrite(tmp_path / "w.tif", values, photometric="miniswhite")
        np.testing.assert_array_equal(one(tmp_path / "w.tif"), np.iinfo(values.dtype).max - values)
        assert open_images(tmp_path / "w.tif").inverted
    tifffile.imwrite(tmp_path / "f.tif", ramp(5, 6, np.float32, 3), photometric="miniswhite")
    stack = open_images(tmp_path / "f.tif")
    assert not stack.inverted
    assert any("low values are white" in note for note in stack.warnings)


def test_fax_and_jpeg_in_tiff(tmp_path):
    bits = np.indices((40, 64)).sum(0) // 8 % 2 == 0
    Image.fromarray(bits).save(tmp_path / "fax.tif", compression="group4")
    np.testing.assert_array_equal(one(tmp_path / "fax.tif"), bits * 255)
    grey = ramp(32, 32, np.uint8)
    Image.fromarray(grey).save(tmp_path / "jpeg.tif", compression="jpeg")
    assert np.abs(one(tmp_path / "jpeg.tif").astype(int) - grey).max() < 10


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_that_pillow_decodes_is_turned_once(tmp_path, orientation):
    """Pillow turns a TIFF itself while it loads it."""
    picture = np.where(np.indices((32, 48)).sum(0) < 30, 255, 0).astype(np.uint8)
    stored = upright(picture, {6: 8, 8: 6}.get(orientation, orientation))
    bits, info = Image.fromarray(stored).convert("1"), {274: orientation}
    bits.save(tmp_path / "fax.tif", compression="group4", tiffinfo=info)
    Image.fromarray(stored).save(tmp_path / "jpeg.tif", compression="jpeg", quality=95, tiffinfo=info)
    np.testing.assert_array_equal(one(tmp_path / "fax.tif"), picture)
    jpeg = open_images(tmp_path / "jpeg.tif")
    assert (jpeg.height, jpeg.width) == picture.shape
    assert np.abs(jpeg.pixels(0).astype(int) - picture).max() < 40


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("bits", range(1, 9))
def test_grey_of_few_bits_is_black_to_white(tmp_path, bits, inverted):
    top = (1 << bits) - 1
    values = np.indices((5, 11)).sum(0) % (top + 1)
    values[0, 0], values[0, 1] = 0, top
    write_packed_tiff(tmp_path / "few.tif", values, bits, inverted)
    wanted = np.rint((top - values if inverted else values) * 255 / top)
    np.testing.assert_array_equal(one(tmp_path / "few.tif"), wanted.astype(np.uint8))


def write_packed_tiff(path, values, bits, inverted):
    """An uncompressed grey TIFF of one strip, its samples packed bit by bit, each row filled up to a byte."""
    rows = ((values[..., None] >> np.arange(bits)[::-1]) & 1).reshape(len(values), -1)
    strip = np.packbits(rows.astype(np.uint8), axis=1).tobytes()
    height, width = values.shape
    tags = ((256, width), (257, height), (258, bits), (259, 1), (262, 0 if inverted else 1), (273, 8), (277, 1),
            (278, height), (279, len(strip)))  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head = struct.pack("<2sHI", b"II", 42, 8 + len(strip))
    path.write_bytes(head + strip + struct.pack("<H", len(tags)) + entries + bytes(4))


def test_nan_and_infinity_become_nan_and_are_counted(tmp_path):
    values = ramp(10, 10, np.float32, 5)
    values[2, 3], values[4, 5] = np.nan, np.inf
    tifffile.imwrite(tmp_path / "n.tif", values)
    stack = open_images(tmp_path / "n.tif")
    assert any(note.startswith("2 of its 100 pixels have no value") for note in stack.warnings)
    pixels = stack.pixels(0)
    assert np.isnan(pixels[[2, 4], [3, 5]]).all()
    assert np.isfinite(pixels).sum() == 98
    tifffile.imwrite(tmp_path / "all.tif", np.full((4, 4), np.nan, np.float32))
    with pytest.raises(ReadError, match=r"all\.tif: none of its values is a number"):
        open_images(tmp_path / "all.tif")


def test_pages_are_slices_and_small_copies_are_not(tmp_path):
    pages = np.stack([ramp(12, 10, np.uint16, 1000 * (i + 1)) for i in range(5)])
    for compression in (None, "zlib"):
        with tifffile.TiffWriter(tmp_path / "m.tif") as writer:
            for page in pages:
                writer.write(page, compression=compression, metadata=None)
                writer.write(page[::2, ::2], subfiletype=1, metadata=None)
        stack = open_images(tmp_path / "m.tif")
        assert stack.n_slices == 5
        assert stack.slice_names[4] == "page 5"
        assert stack.warnings == ("Small copies and masks of its pages are left out.",)
        for i in (4, 0, 2):
            np.testing.assert_array_equal(stack.pixels(i), pages[i])


def test_pixels_belong_to_the_caller(tmp_path):
    tifffile.imwrite(tmp_path / "m.tif", np.stack([ramp(6, 6, np.uint16)] * 2))
    stack = open_images(tmp_path / "m.tif")
    stack.pixels(1)[:] = 0
    np.testing.assert_array_equal(stack.pixels(1), ramp(6, 6, np.uint16))


def test_imagej_stack_behind_one_directory_and_its_scale(tmp_path):
    pages = np.stack([ramp(12, 10, np.uint16, 1000 * (i + 1)) for i in range(4)])
    path = tmp_path / "ij.tif"
    tifffile.imwrite(
        path,
        pages,
        imagej=True,
        resolution=(25.0, 50.0),
        metadata={"unit": "um", "axes": "ZYX", "spacing": 5},
        truncate=True,
    )
    with tifffile.TiffFile(path) as written:
        assert len(written.pages) == 1
    stack = open_images(path)
    assert stack.n_slices == 4
    np.testing.assert_array_equal(stack.pixels(3), pages[3])
    assert stack.spacing_mm == pytest.approx((0.02e-3, 0.04e-3))
    assert stack.slice_mm == pytest.approx((0, 5e-3, 10e-3, 15e-3))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ReadError, match=r"ij\.tif: it is truncated: it states 4 slices"):
        open_images(path)


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [
        ((294.4, 294.4), "CENTIMETER", (10 / 294.4, 10 / 294.4)),
        ((1000.0, 500.0), "INCH", (25.4 / 500, 25.4 / 1000)),
        ((72.0, 72.0), "INCH", None),
        ((300.0, 300.0), "INCH", None),
        ((28.346, 28.346), "CENTIMETER", None),
        ((30.0, 30.0), "NONE", None),
    ],
)
def test_spacing_from_the_resolution_tags(tmp_path, resolution, unit, expected):
    tifffile.imwrite(tmp_path / "r.tif", ramp(4, 6, np.uint8), resolution=resolution, resolutionunit=unit)
    spacing = open_images(tmp_path / "r.tif").spacing_mm
    assert spacing == (None if expected is None else pytest.approx(expected, rel=1e-4))


def test_animation_shows_its_first_picture(tmp_path):
    frames = [Image.fromarray(np.full((4, 4), value, np.uint8)) for value in (9, 200)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    stack = open_images(tmp_path / "a.png")
    assert stack.warnings == ("It holds 2 pictures: the first is shown.",)
    assert (stack.pixels(0) == 9).all()


def test_bmp(tmp_path):
    Image.fromarray(ramp(5, 9, np.uint8)).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(one(tmp_path / "a.bmp"), ramp(5, 9, np.uint8))


def test_webp(tmp_path):
    picture = ramp(32, 48, np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.webp", lossless=True)
    stack = open_images(tmp_path / "a.webp")
    assert stack.format == "WebP"
    np.testing.assert_array_equal(stack.pixels(0), picture)


@pytest.mark.parametrize(
    ("head", "named"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC photograph"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2", "film"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "sound"),
    ],
)
def test_what_cameras_write_beside_pictures_is_named(tmp_path, head, named):
    (tmp_path / "IMG_0001.jpg").write_bytes(head + bytes(200))
    with pytest.raises(ReadError, match=rf"IMG_0001\.jpg.*{named}.*Save it as one of these"):
        open_images(tmp_path / "IMG_0001.jpg")
