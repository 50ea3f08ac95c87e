"""Damaged, lying and malicious picture files: one sentence that names the file and the remedy, never more memory."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from ecgviz.errors import ReadError
from readers.images import open_images
from readers.images import pixels as bounds

ROOT = Path(__file__).resolve().parents[3]


def shown(path: Path) -> int:
    """Open a file and decode all of its slices; how many they are."""
    stack = open_images(path)
    return sum(stack.pixels(i).size > 0 for i in range(stack.n_slices))


def fault(path: Path) -> str:
    """The sentence that opening and showing a file ends in."""
    with pytest.raises(ReadError) as caught:
        shown(path)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert message.rstrip()[-1] in ".)"
    assert "\n" not in message and str(path.parent) not in message
    return message


def grey(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width), dtype=np.uint8)


def png_claiming(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


def tiff_of(tags: dict[int, tuple[int, int]], data: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory; tag -> (type, value). Its data begin at byte 8."""
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, (kind, value) in sorted(tags.items()))
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + b"\0" * 4


def tiff_tags(width: int, height: int, count: int, compression: int = 1) -> dict[int, tuple[int, int]]:
    return {
        256: (4, width),
        257: (4, height),
        258: (3, 8),
        259: (3, compression),
        262: (3, 1),
        273: (4, 8),
        277: (3, 1),
        278: (4, height),
        279: (4, count),
    }


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2_000_000, 60), (11_000, 11_000)])
def test_decompression_bombs(tmp_path, width, height):
    (tmp_path / "b.png").write_bytes(png_claiming(width, height))
    assert "pixels" in fault(tmp_path / "b.png")
    (tmp_path / "b.tif").write_bytes(tiff_of(tiff_tags(width, height, 100, 8), b"\0" * 100))
    assert f"it claims {width} x {height} pixels" in fault(tmp_path / "b.tif")


def test_limit_is_ours_and_not_twice_that_of_pillow(tmp_path, monkeypatch):
    Image.fromarray(grey()).save(tmp_path / "a.png")
    monkeypatch.setattr(bounds, "MAX_PIXELS", 40 * 60 - 1)
    assert "it claims 60 x 40 pixels" in fault(tmp_path / "a.png")


def test_tiff_with_huge_tiles_or_in_countless_pieces(tmp_path):
    tags = tiff_tags(64, 64, 100) | {322: (4, 1 << 20), 323: (4, 1 << 20), 324: (4, 8), 325: (4, 100)}
    for tag in (273, 278, 279):
        tags.pop(tag)
    (tmp_path / "t.tif").write_bytes(tiff_of(tags, b"\0" * 100))
    assert "1048576 x 1048576" in fault(tmp_path / "t.tif")
    tifffile.imwrite(tmp_path / "s.tif", np.zeros((70_000, 1), np.uint8), rowsperstrip=1, compression="packbits")
    assert "pieces" in fault(tmp_path / "s.tif")


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits", "jpeg"])
def test_truncated_tiff(tmp_path, compression):
    path = tmp_path / "t.tif"
    with tifffile.TiffWriter(path) as writer:
        for _ in range(3):
            writer.write(grey(), compression=compression, metadata=None)
    whole = path.read_bytes()
    with tifffile.TiffFile(path) as written:
        last = written.pages[2].dataoffsets[0]
        written_bytes = written.pages[2].databytecounts[0]
    for end in (9, 60, last - 1, last + 200, last + written_bytes - 1):
        path.write_bytes(whole[:end])
        if end <= last:
            with contextlib.suppress(ReadError):
                assert shown(path) < 3
        elif end < last + written_bytes:
            assert "t.tif: " in fault(path)


def test_pages_that_run_in_a_circle(tmp_path):
    path = tmp_path / "c.tif"
    tifffile.imwrite(path, np.stack([grey(), grey()]), metadata=None)
    with tifffile.TiffFile(path) as written:
        first, second = (page.offset for page in written.pages)
        count = len(written.pages[1].tags)
    content = bytearray(path.read_bytes())
    at = second + 2 + 12 * count
    content[at : at + 4] = struct.pack("<I", first)
    path.write_bytes(content)
    stack = open_images(path)
    assert stack.n_slices == 2
    assert any("circle" in note for note in stack.warnings)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.webp", "a16.png"])
def test_truncated_pictures(tmp_path, name):
    path = tmp_path / name
    Image.fromarray(grey().astype(np.uint16) * 200 if "16" in name else grey()).save(path)
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.9):
        path.write_bytes(whole[: max(3, int(share * len(whole)))])
        assert "again" in fault(path)


def test_wrong_magic_empty_and_zero_sized(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    assert fault(tmp_path / "empty.png") == "empty.png: the file is empty; copy it again."
    (tmp_path / "text.tif").write_text("not a picture at all")
    assert "is called .tif but does not begin like a TIFF file" in fault(tmp_path / "text.tif")
    Image.fromarray(grey()).save(tmp_path / "really.png")
    (tmp_path / "really.png").rename(tmp_path / "really.tif")
    assert open_images(tmp_path / "really.tif").format == "PNG"
    (tmp_path / "zero.png").write_bytes(png_claiming(0, 5))
    fault(tmp_path / "zero.png")
    (tmp_path / "zero.tif").write_bytes(tiff_of(tiff_tags(0, 5, 10), b"\0" * 10))
    assert "0 x 5 pixels" in fault(tmp_path / "zero.tif")
    (tmp_path / "GIF.png").write_bytes(b"GIF89a" + b"\0" * 99)
    assert "it is a GIF picture; readable are" in fault(tmp_path / "GIF.png")
    assert "no such file" in fault(tmp_path / "nothing.png")
    with pytest.raises(ReadError, match="nothing was given"):
        open_images([])


class _Trap:
    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("name", ["p.png", "p.dcm", "p.pkl"])
def test_pickles_are_never_opened(tmp_path, name):
    for protocol in range(6):
        (tmp_path / name).write_bytes(pickle.dumps(_Trap(tmp_path / "sprung"), protocol))
        message = fault(tmp_path / name)
        assert protocol < 2 or "pickle" in message
    np.save(tmp_path / "a.npy", np.array([_Trap(tmp_path / "sprung")]), allow_pickle=True)
    assert "NumPy" in fault(tmp_path / "a.npy")
    assert not (tmp_path / "sprung").exists()


def test_what_tiff_readers_do_not_take(tmp_path):
    tifffile.imwrite(tmp_path / "complex.tif", np.zeros((4, 4), np.complex64))
    assert "complex" in fault(tmp_path / "complex.tif")
    tifffile.imwrite(tmp_path / "seven.tif", np.zeros((4, 4, 7), np.uint8), photometric="minisblack", planarconfig=1)
    assert "7 channels" in fault(tmp_path / "seven.tif")
    tifffile.imwrite(tmp_path / "volume.tif", np.zeros((16, 16, 16), np.uint8), volumetric=True, tile=(16, 16, 16))
    assert "more than one slice" in fault(tmp_path / "volume.tif")
    (tmp_path / "odd.tif").write_bytes(tiff_of(tiff_tags(8, 8, 64, 34712), b"\0" * 64))
    assert "is compressed as JPEG2000, which is not read" in fault(tmp_path / "odd.tif")


def test_random_damage_ends_in_a_picture_or_an_error(tmp_path):
    rng = np.random.default_rng(3)
    values = grey().astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", np.stack([values] * 2), compression="zlib", metadata=None)
    Image.fromarray(values).save(tmp_path / "a.png")
    Image.fromarray(grey()).save(tmp_path / "a.jpg")
    ends = {"picture": 0, "error": 0}
    for name in ("a.tif", "a.png", "a.jpg"):
        whole = (tmp_path / name).read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            for at in rng.integers(0, min(len(whole), 400), 4):
                damaged[at] = rng.integers(0, 256)
            (tmp_path / f"x{name}").write_bytes(damaged)
            try:
                open_images(tmp_path / f"x{name}").pixels(0)
                ends["picture"] += 1
            except ReadError:
                ends["error"] += 1
    assert min(ends.values()) > 10


MEASURE = """
import json, resource, sys, time, warnings
warnings.simplefilter("ignore")
import pydicom.pixels, tifffile, imagecodecs
from PIL import Image
from ecgviz.errors import ReadError
from readers.images import open_images
Image.init()
imagecodecs.zlib_decode, imagecodecs.lzw_decode, imagecodecs.jpeg2k_decode
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[1]),) * 2)

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) << 10

for path in sys.stdin.read().splitlines():
    begun, before = time.process_time(), peak()
    try:
        stack = open_images(path)
        pixels = [stack.pixels(i) for i in {0, stack.n_slices // 2, stack.n_slices - 1}]
        outcome, message = "picture", f"{stack.n_slices} {pixels[0].dtype.name} {pixels[0].shape}"
    except ReadError as error:
        outcome, message = "error", str(error)
    print(json.dumps({"file": path, "outcome": outcome, "message": message,
                      "seconds": time.process_time() - begun, "grown": peak() - before}), flush=True)
"""


def measured(paths: list[Path], room: int) -> list[dict]:
    """Open and show each file in a process that has ``room`` bytes of address space left."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs Linux's /proc to bound memory")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(room)],
        cwd=ROOT,
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        check=False,
        timeout=290,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and len(lines) == len(paths), f"{paths[len(lines) : len(lines) + 1]}: {done.stderr}"
    return lines


def test_a_stack_of_gigabytes_opens_within_megabytes(tmp_path):
    """The files are sparse: their pages are there, their pixels take no room on the disk.

    Beside them a page of 4 kB whose strip unpacks to 300 MB.
    """
    depths = {"big.tif": 2200, "classic.tif": 1700}
    for name, depth in depths.items():
        path = tmp_path / name
        written = tifffile.memmap(
            path, shape=(depth, 1100, 1000), dtype=np.uint16, bigtiff=name == "big.tif", photometric="minisblack"
        )
        written[depth // 2, 5, 7] = 4321
        written.flush()
        del written
        assert path.stat().st_size > 2 << 30
        assert path.stat().st_blocks * 512 < 100 << 20
    packed = zlib.compress(b"\0" * (300 << 20), 9)
    (tmp_path / "bomb.tif").write_bytes(tiff_of(tiff_tags(64, 64, len(packed), 8), packed))
    *large, bomb = measured([tmp_path / name for name in (*depths, "bomb.tif")], room=200 << 20)
    assert bomb["grown"] < 64 << 20 and "memory" not in bomb["message"]
    for done in large:
        name = Path(done["file"]).name
        assert done["message"] == f"{depths[name]} uint16 (1100, 1000)"
        assert done["grown"] < 64 << 20
        assert done["seconds"] < 5
        assert open_images(tmp_path / name).pixels(depths[name] // 2)[5, 7] == 4321


@pytest.mark.data
def test_every_file_ends_in_a_picture_or_an_error(data_root):
    """Processor time below 5 s and memory below 200 MB for each, with 600 MB of address space to run into."""
    folders = {"bad_images": 50, "image_readers": 90}
    paths = [path for folder in folders for path in sorted((data_root / folder).rglob("*"))]
    assert len(paths) > 200
    results = measured(paths, room=600 << 20)
    assert [done for done in results if done["seconds"] >= 5] == []
    assert [done for done in results if done["grown"] > 200 << 20 or "memory" in done["message"]] == []
    assert [done for done in results if "\n" in done["message"]] == []
    for folder, least in folders.items():
        pictures = [done for done in results if folder in done["file"] and done["outcome"] == "picture"]
        assert len(pictures) >= least, folder
