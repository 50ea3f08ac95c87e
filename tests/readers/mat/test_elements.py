"""MATLAB files that state types of elements that there are not: SciPy ends the process on some of them."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from readers.mat.elements import has_unknown_types

ROOT = Path(__file__).resolve().parents[3]
SOUND = {
    "val": np.random.default_rng(0).normal(size=(600, 2)), "fs": 250.0, "one": np.array([1.5]), "text": "abc",
    "group": {"a": 1}, "complex": np.ones((70, 3)) * (1 + 2j), "small": np.arange(3, dtype=np.int8),
    "truth": np.ones(5, bool), "none": np.zeros((0, 0)),
}  # fmt: skip
PROGRAM = """
import sys
from pathlib import Path
from ecgviz.errors import ReadError
from readers import open_recording

for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        open_recording(path, fs=250, unit="mV")
    except ReadError:
        print(path.name)
"""


def packed(whole: bytes) -> bytes:
    """The file with its one element compressed."""
    element = zlib.compress(whole[128:])
    return whole[:128] + np.array([15, len(element)], "<u4").tobytes() + element


def save(path: Path, compressed: bool) -> bytes:
    scipy.io.savemat(path, {"val": SOUND["val"]}, do_compression=False)
    plain = path.read_bytes()
    return packed(plain) if compressed else plain


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_is_sound(tmp_path: Path, compressed: bool) -> None:
    scipy.io.savemat(tmp_path / "a.mat", SOUND, do_compression=compressed)
    assert not has_unknown_types(tmp_path / "a.mat")


@pytest.mark.parametrize("compressed", [False, True])
def test_types_that_there_are_not_end_in_a_sentence(tmp_path: Path, compressed: bool) -> None:
    """In a process of its own, which must come to its end."""
    whole = save(tmp_path / "a.mat", False)
    folder = tmp_path / "changed"
    folder.mkdir()
    data = 128 + 8 + 16 + 16 + 8
    assert int.from_bytes(whole[data : data + 4], "little") == 9, "the tag of the samples, 64-bit floats"
    for kind in (0, 8, 10, 19, 255, 0xFF09, 0xFFFF, 0xFFFFFFFF):
        changed = whole[:data] + kind.to_bytes(4, "little") + whole[data + 4 :]
        (folder / f"{kind}.mat").write_bytes(packed(changed) if compressed else changed)
        assert has_unknown_types(folder / f"{kind}.mat")
    (folder / "sound.mat").write_bytes(save(tmp_path / "b.mat", compressed))
    assert not has_unknown_types(folder / "sound.mat")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 8 and "sound.mat" not in done.stdout


@pytest.mark.parametrize("compressed", [False, True])
def test_texts_of_types_that_there_are_not_end_in_a_sentence(tmp_path: Path, compressed: bool) -> None:
    """Names and units are read beside the numbers, so their elements are looked through, too."""
    scipy.io.savemat(tmp_path / "a.mat", {"units": "millivolts of a lead"}, do_compression=False)
    whole, folder = (tmp_path / "a.mat").read_bytes(), tmp_path / "changed"
    folder.mkdir()
    data = whole.index(b"millivolts") - 8
    assert int.from_bytes(whole[data : data + 4], "little") == 16, "the tag of the text, UTF-8"
    for kind in (0, 8, 10, 19, 255, 0xFF10, 0xFFFF, 0xFFFFFFFF):
        changed = whole[:data] + kind.to_bytes(4, "little") + whole[data + 4 :]
        (folder / f"{kind}.mat").write_bytes(packed(changed) if compressed else changed)
        assert has_unknown_types(folder / f"{kind}.mat")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 8
