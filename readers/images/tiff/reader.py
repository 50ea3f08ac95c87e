"""TIFF and BigTIFF: 8 and 16 bit, float, and multi-page files as stacks.

Opening reads the directories of the pages, not their pixels. An uncompressed page is memory-mapped while it is copied,
anything else is decoded when it is asked for; no file stays open, so a stack of gigabytes costs what one slice does.
Source: TIFF 6.0; ImageJ's convention of one directory for a whole stack.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from readers.core.decoding import decoding
from readers.core.errors import ReadError
from readers.images.pixels import check_size, grey, upright, upright_size, value_dtype
from readers.images.slices import MAX_SLICES, Decoded, Reading, Slice, undecodable
from readers.images.tiff.spacing import SPACING_TAGS, ome_spacing_mm, slice_spacing_mm, spacing_mm

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage

_MAX_SEGMENTS = 60_000
_NO_PICTURE = 1 | 4
"""NewSubfileType: a small copy of another picture, or its mask."""
_MOST_BELOW, _MOST_PLANES = 64, 256
_ALPHA = {1, 2}
"""ExtraSamples that are transparency; 0 and none at all are values like the others."""
_DAMAGED = "the TIFF file is damaged or truncated; copy or export it again."
_UNCOMPRESSED, _DEFLATE = 1, (8, 32946)
_BOUNDED = {_UNCOMPRESSED, 5, *_DEFLATE, 32773, 34925, 50000}
"""Compressions (none, LZW, deflate, PackBits, LZMA, Zstandard) whose decoder is told how much may come out."""
_BY_PILLOW = {2, 3, 4, 6, 7}
"""Fax and JPEG, left to Pillow: libtiff holds what a JPEG stream claims against the page."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB, _CFA = 0, 1, 2, 3, 5, 6, 8, 32803
_READABLE = {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _CIELAB, _CFA}
_DIALECTS = dict.fromkeys(("is_ome", "is_lsm", "is_stk", "is_scanimage", "is_ndpi", "is_svs"), False)
"""Left aside: some of them name other files, which no header may do here."""


@dataclass(frozen=True)
class _Page:
    """Values of one image file directory.

    Attributes:
        index: place in the file's chain of directories.
        offset: where the directory is.
        height, width: as stored, before ``orientation``.
        dtype: of the stored samples.
        data: where uncompressed samples begin, for a page that can be memory-mapped; else None.
        plane: which of several values of a pixel this slice is; None where they are a colour, with or without alpha.
    """

    index: int
    offset: int
    height: int
    width: int
    dtype: np.dtype
    data: int | None
    bits: int
    photometric: int
    compression: int
    orientation: int
    plane: int | None = None

    @property
    def inverted(self) -> bool:
        """Whether the lowest value is white."""
        return self.photometric == _WHITE_IS_ZERO


def read_tiff(path: Path) -> Reading:
    """A TIFF file with its pages as slices.

    Raises:
        ReadError: damaged or truncated directories, a compression that is not read, or a page that claims too much.
    """
    notes: list[str] = []
    with _opened(path) as tiff:
        pages = list(_pages(path, tiff, notes))
        with decoding(path, _DAMAGED):
            imagej = tiff.imagej_metadata or {}
            tags = {tag: tiff.pages.first.tags.valueof(tag) for tag in SPACING_TAGS}
            by_ome = ome_spacing_mm(tiff.pages.first.description)
        row, column = by_ome[1:] if by_ome else spacing_mm(tags, imagej) or (0.0, 0.0)
        if len(pages) == 1 and tiff.is_imagej:
            pages = _imagej_planes(path, pages[0], imagej.get("images"))
        step = (by_ome[0] if by_ome else slice_spacing_mm(imagej)) if len(pages) > 1 else None
    if pages[0].orientation >= 5:
        row, column = column, row
    if any(page.inverted and page.dtype.kind in "if" for page in pages):
        notes.append("It states that low values are white, which is not followed for signed and float values.")
    names = [path.name] if len(pages) == 1 else [f"page {i + 1}" for i in range(len(pages))]
    return Reading(
        slices=tuple(_slice(path, page, name) for page, name in zip(pages, names, strict=True)),
        format="TIFF",
        spacing_mm=(row, column) if row and column else None,
        inverted=pages[0].inverted and pages[0].dtype.kind in "ub",
        notes=tuple(dict.fromkeys(notes)),
        slice_mm=tuple(i * step for i in range(len(pages))) if step else (),
    )


def _opened(path: Path) -> TiffFile:
    from tifffile import TiffFile, TiffFileError

    # A hostile file makes it log a line for every broken tag; what matters is raised as an error.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    with decoding(path, _DAMAGED, TiffFileError):
        return TiffFile(path, **_DIALECTS)


def _directories(path: Path, tiff: TiffFile) -> Iterator[TiffPage]:
    """Image file directories in order, decoded on access."""
    pages = iter(tiff.pages)
    while True:
        with decoding(path, _DAMAGED):
            page = next(pages, None)
        if page is None:
            return
        yield page


def _pages(path: Path, tiff: TiffFile, notes: list[str]) -> Iterator[_Page]:
    """Directories that hold slices, each validated."""
    size = path.stat().st_size
    seen: set[int] = set()
    flagged: list[tuple[int, TiffPage]] = []
    found = False
    for index, page in enumerate(_directories(path, tiff)):
        if page.offset in seen:
            notes.append("Its list of pages runs in a circle: each page is shown once.")
            break
        seen.add(page.offset)
        if index >= MAX_SLICES:
            raise ReadError(path, f"it has more than {MAX_SLICES} pages; split it.")
        if page.subfiletype & _NO_PICTURE:
            flagged.append((index, page))
            continue
        found = True
        yield from _planes(path, tiff, page, _checked(path, page, index, size), notes)
    if not found:
        for index, page in _main_pictures(path, flagged):
            found = True
            yield from _planes(path, tiff, page, _checked(path, page, index, size), notes)
    elif flagged:
        notes.append("Small copies and masks of its pages are left out.")
    if not found:
        raise ReadError(path, "it holds no page; export it again.")


def _main_pictures(path: Path, flagged: Sequence[tuple[int, TiffPage]]) -> list[tuple[int, TiffPage]]:
    """Main pictures of a file whose pages all claim to be copies: those in their SubIFDs, else the pages.

    The place of a picture below a page is -1: it is in no chain that Pillow knows.
    """
    below = []
    for _, page in flagged:
        with decoding(path, _DAMAGED):
            offsets = tuple(page.subifds or ())[:_MOST_BELOW]
            inner = [page.pages[place] for place in range(len(offsets))] if offsets else []
        below += [(-1, one) for one in inner if not one.subfiletype & _NO_PICTURE]
    return below or list(flagged)


def _planes(path: Path, tiff: TiffFile, page: TiffPage, checked: _Page, notes: list[str]) -> list[_Page]:
    """The page, or each of its planes where they are slices: grey planes without transparency.

    tifffile stores an array of three or four slices as the planes of a colour unless it is told otherwise; that the
    array had its slices in front stands in the description that it writes.
    """
    with decoding(path, _DAMAGED):
        samples, extra = int(page.samplesperpixel), {int(one) for one in page.extrasamples}
        shaped = {tuple(one.get("shape", ())) for one in tiff.shaped_metadata or ()}
        stored = tuple(page.shape)
    is_grey = checked.photometric in {_WHITE_IS_ZERO, _BLACK_IS_ZERO}
    as_written = checked.photometric == _RGB and len(stored) == 3 and stored[0] == samples and stored in shaped
    if samples < 2 or not ((is_grey and not extra & _ALPHA) or as_written):
        return [checked]
    notes.append(f"Its {samples} planes are taken as slices.")
    return [replace(checked, plane=plane) for plane in range(samples)]


def _checked(path: Path, page: TiffPage, index: int, size: int) -> _Page:
    where = f"page {index + 1}"
    with decoding(path, _DAMAGED):
        height, width, samples = int(page.imagelength), int(page.imagewidth), int(page.samplesperpixel)
        depth, axes, dtype, bits = page.imagedepth, page.axes, page.dtype, int(page.bitspersample)
        tile = (int(page.tilelength), int(page.tilewidth)) if page.is_tiled else None
        compression, photometric = int(page.compression), int(page.photometric)
        orientation = page.tags.valueof(274)
    # Planes one after the other are slices; values side by side are the channels of a pixel.
    grey_planes = axes == "SYX" and photometric in {_WHITE_IS_ZERO, _BLACK_IS_ZERO} and samples <= _MOST_PLANES
    check_size(path, height, width, 1 if grey_planes else samples)
    if depth > 1 or axes not in {"YX", "YXS", "SYX"}:
        raise ReadError(path, f"{where} holds more than one slice; export one slice a page.")
    if tile is not None:
        check_size(path, *tile, 1 if grey_planes else samples)
    if compression not in _BOUNDED | _BY_PILLOW:
        name = getattr(page.compression, "name", str(compression))
        raise ReadError(path, f"{where} is compressed as {name}, which is not read; save it with LZW or deflate.")
    if dtype is None or photometric not in _READABLE:
        raise ReadError(path, f"the values of {where} are of a kind that is not read; save it as 8, 16 or 32 bit grey.")
    return _Page(
        index=index,
        offset=int(page.offset),
        height=height,
        width=width,
        dtype=np.dtype(dtype).newbyteorder(page.parent.byteorder),
        data=_mappable_data(path, page, where, size),
        bits=bits,
        photometric=photometric,
        compression=compression,
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
    )


def _mappable_data(path: Path, page: TiffPage, where: str, size: int) -> int | None:
    """Offset of a page's samples if they can be memory-mapped; all of its bytes must lie within the file."""
    with decoding(path, _DAMAGED):
        offsets, counts, n_bytes = page.dataoffsets, page.databytecounts, int(page.nbytes)
        mappable = bool(page.is_final) and int(page.samplesperpixel) == 1 and len(offsets) > 0
    if len(offsets) > _MAX_SEGMENTS:
        raise ReadError(path, f"{where} is cut into {len(offsets)} pieces; save it in strips.")
    ends = [n_bytes + offsets[0]] if mappable else [a + n for a, n in zip(offsets, counts, strict=False)]
    if not ends or max(ends) > size or min(offsets) < 8 or min(counts, default=0) < 1 or len(offsets) != len(counts):
        raise ReadError(path, f"{where} is truncated: its pixels are not all in the file; copy or export it again.")
    return int(offsets[0]) if mappable else None


def _imagej_planes(path: Path, page: _Page, images: object) -> list[_Page]:
    """Planes of a large ImageJ stack, stored contiguously behind a single directory."""
    if not isinstance(images, int) or images < 2 or page.data is None:
        return [page]
    if images > MAX_SLICES:
        raise ReadError(path, f"it states {images} slices; open at most {MAX_SLICES} at once.")
    step = page.height * page.width * page.dtype.itemsize
    if page.data + images * step > path.stat().st_size:
        raise ReadError(path, f"it is truncated: it states {images} slices that are not all there; copy it again.")
    return [_Page(**{**vars(page), "data": page.data + i * step}) for i in range(images)]


def _slice(path: Path, page: _Page, name: str) -> Slice:
    which = "it" if name == path.name else name
    height, width = upright_size(page.height, page.width, page.orientation)
    deep = np.dtype(np.uint8) if page.photometric == _PALETTE else value_dtype(page.dtype.newbyteorder("="))
    return Slice(
        path,
        name,
        height,
        width,
        deep,
        partial(_decode, path, page, which),
        partial(_upright_samples, path, page, which),
    )


def _decode(path: Path, page: _Page, which: str) -> Decoded:
    return grey(path, _upright_samples(path, page, which))


def _upright_samples(path: Path, page: _Page, which: str) -> np.ndarray:
    """Samples, (h, w) or (h, w, channels), oriented, with white as high values."""
    if page.compression in _BY_PILLOW and page.index >= 0 and page.plane is None:
        return _by_pillow(path, page, which)
    return upright(_samples(path, page, which), page.orientation)


def _samples(path: Path, page: _Page, which: str) -> np.ndarray:
    """Samples as stored, by all decoders except Pillow's."""
    if page.data is not None and page.photometric != _PALETTE:
        # A mapping for as long as it takes to copy: a file that shrinks later cannot pull the pages from under us.
        with decoding(path, undecodable(which)):
            array: np.ndarray = np.memmap(path, page.dtype, "r", page.data, (page.height, page.width))
    else:
        array = _by_tifffile(path, page, which)
    white = (1 << page.bits) - 1
    if page.inverted and page.dtype.kind in "ub":
        array = ~array if page.dtype.kind == "b" else white - np.asarray(array)
    if page.dtype == np.uint8 and 1 < page.bits < 8 and page.photometric != _PALETTE:
        # Grey of few bits is black to white over their range, not the darkest part of a picture of 8 bits.
        array = np.rint(np.asarray(array) * np.float32(255 / white)).astype(np.uint8)
    return array


def _by_tifffile(path: Path, page: _Page, which: str) -> np.ndarray:
    """Samples (H, W) or (H, W, samples) of a page, with palette and planar configuration resolved."""
    from tifffile import TiffFileError, TiffPage

    with _opened(path) as tiff, decoding(path, undecodable(which), TiffFileError):
        tiff.filehandle.seek(page.offset)
        found = TiffPage(tiff, index=page.index)
        array, axes = found.asarray(maxworkers=1), found.axes
        colours = found.colormap if page.photometric == _PALETTE else None
        if colours is not None:  # a sample may have no colour in the table
            array = (np.asarray(colours)[:, array.astype(np.intp)] >> 8).astype(np.uint8)
            return np.moveaxis(array, 0, -1)
    if axes == "SYX":
        array = np.moveaxis(array, 0, -1)
    if page.plane is not None:
        return np.ascontiguousarray(array[..., page.plane])
    if page.photometric == _CMYK and array.ndim == 3 and array.shape[2] == 4:
        top = np.iinfo(array.dtype).max
        ink = array.astype(np.float32) / top
        return np.asarray(np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * top), array.dtype)
    if page.photometric in {_YCBCR, _CIELAB} and array.ndim == 3:
        return np.asarray(array[..., 0])
    return np.asarray(array)


def _by_pillow(path: Path, page: _Page, which: str) -> np.ndarray:
    """Samples of a page oriented for display, which Pillow does on loading."""
    from PIL import Image

    with decoding(path, undecodable(which), Image.DecompressionBombError), Image.open(path, formats=("TIFF",)) as image:
        image.seek(page.index)
        if sorted(image.size) != sorted((page.width, page.height)):
            raise ReadError(path, f"page {page.index + 1} contradicts itself about its size; export it again.")
        is_plain = image.mode in {"1", "L", "I;16", "I;16B", "F", "RGB", "RGBA"}
        return np.asarray(image if is_plain else image.convert("RGB"))
