"""Damaged, lying and malicious volumes: one sentence that names the file and a remedy, in bounded memory and time."""

from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import sys
from pathlib import Path

import h5py
import nibabel
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readers.core.errors import ReadError
from readers.images import open_images
from readers.volumes import unpacked
from readers.volumes.opening import open_volume
from tests.readers.volumes.written import WRITERS, by_hand, by_hdf5, by_itk, by_zarr, ramp

ROOT = Path(__file__).resolve().parents[3]


def read(path: Path | str, **options: str) -> int:
    """Open a volume and read planes across all axes; how many values they have."""
    volume = open_volume(path, **options)
    return sum(volume.plane(axis, size - 1).size for axis, size in enumerate(volume.shape))


def fault(path: Path | str, **options: str) -> str:
    """The sentence that reading ends in."""
    with pytest.raises(ReadError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(ROOT) not in message and "/tmp/" not in message
    assert message.rstrip()[-1] in ".})"
    return message


FILES = [name for name in WRITERS if not name.endswith(".zarr")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_truncated(tmp_path, name, kept):
    path = WRITERS[name](tmp_path / name, ramp((6, 20, 20), "uint16"))
    values = next((one for one in tmp_path.iterdir() if one.suffix in {".raw", ".zraw", ".vol"}), path)
    content = values.read_bytes()
    # The last bytes of a compressed file are its checksum, those of a TIFF its directory's unused ones.
    values.write_bytes(
        content[:kept] if kept != -1 or values.suffix in {".raw", ".vol", ".nii"} else content[: len(content) // 2]
    )
    assert values.name.split(".")[0] in fault(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(FILES)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=6), header=st.booleans(),
)  # fmt: skip
def test_changed_bytes_never_crash(tmp_path_factory, name, changes, header):
    """Whatever is changed in a file, it is read or refused with a sentence."""
    folder = tmp_path_factory.mktemp("changed")
    path = WRITERS[name](folder / name, ramp((3, 8, 9), "int16"))
    content = bytearray(path.read_bytes())
    span = min(len(content), 400) if header else len(content)
    for place, value in changes:
        content[min(int(place * span), span - 1)] = value
    path.write_bytes(content)
    for reading in (read, open_images):
        with contextlib.suppress(ReadError):  # anything else is a fault of ours
            reading(path)


def nifti_claiming(path: Path, shape: tuple[int, ...], content: bytes = b"", **fields: float) -> Path:
    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.uint8)
    header["dim"][: 1 + len(shape)] = [len(shape), *shape]
    header["vox_offset"], header["magic"] = 352, b"n+1"
    for name, value in fields.items():
        header[name] = value
    whole = header.binaryblock + bytes(4) + content
    path.write_bytes(gzip.compress(whole, 9) if path.suffix == ".gz" else whole)
    return path


def test_giant_headers_are_refused_before_anything_is_read(tmp_path):
    assert "claims" in fault(nifti_claiming(tmp_path / "a.nii", (30_000, 30_000, 30_000)))
    assert "truncated or its shape is wrong" in fault(nifti_claiming(tmp_path / "b.nii", (2000, 2000, 2000)))
    assert "would unpack to" in fault(nifti_claiming(tmp_path / "c.nii.gz", (9000, 9000, 9000)))
    assert "nothing in it" in fault(nifti_claiming(tmp_path / "d.nii", (0, 5, 5)))
    (tmp_path / "e.mhd").write_text(
        "NDims = 3\nDimSize = 9 9 9999999999\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    )
    assert "claims" in fault(tmp_path / "e.mhd")
    (tmp_path / "f.nrrd").write_bytes(
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 4000 4000 4000\nencoding: raw\n\n123"
    )
    assert "truncated or its shape is wrong" in fault(tmp_path / "f.nrrd")
    (tmp_path / "g.raw").write_bytes(bytes(100))
    assert "truncated or its shape is wrong" in fault(tmp_path / "g.raw", shape="5,5,5", dtype="uint8")
    with h5py.File(tmp_path / "h.h5", "w") as file:
        file.create_dataset("a", (9000, 9000, 9000), "u1", chunks=(9000, 9000, 10))
    assert "pieces of" in fault(tmp_path / "h.h5")
    zarr.open_array(str(tmp_path / "i.zarr"), mode="w", shape=(9000, 9000, 9000), chunks=(100, 9000, 9000), dtype="u1")
    assert "pieces of" in fault(tmp_path / "i.zarr")


def test_bombs_take_neither_memory_nor_disk(tmp_path, monkeypatch):
    """More than the header states is not unpacked; what is far more than the file is refused; zeros cost no disk."""
    shape = (64, 64, 64)
    path = nifti_claiming(tmp_path / "more.nii.gz", shape, bytes(50 << 20))
    volume = open_volume(path)
    assert volume.plane(2, 3).max() == 0
    held = volume.voxels.voxels.flat().file
    assert held.stat().st_size == 64**3
    assert held.stat().st_blocks * 512 < 64**3
    monkeypatch.setattr(unpacked, "FREE_RATIO_BYTES", 1 << 16)
    bomb = nifti_claiming(tmp_path / "ones.nii.gz", (256, 256, 256), b"\1" * 256**3)
    assert bomb.stat().st_size < 256**3 / 500
    assert "times its size" in fault(bomb)
    packed = by_itk(tmp_path / "few.mha", ramp(), compressed=True)
    packed.write_bytes(packed.read_bytes().replace(b"DimSize = 7 6 5", b"DimSize = 7 6 9"))
    assert "truncated or its shape is wrong" in fault(packed)


def test_chunks_that_unpack_to_more_than_they_state(tmp_path, monkeypatch):
    import zlib

    from readers.volumes import hdf5
    from readers.volumes import zarr as of_zarr

    monkeypatch.setattr(hdf5, "_TRUSTED_BYTES", 10)
    monkeypatch.setattr(of_zarr, "_TRUSTED_BYTES", 10)
    bomb = zlib.compress(bytes(1 << 20), 9)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("a", (8, 16, 16), "u1", chunks=(8, 16, 16), compression="gzip")
        made.id.write_direct_chunk((0, 0, 0), bomb)
    assert "unpacks to more than it states" in fault(tmp_path / "a.h5")
    array = zarr.create_array(
        str(tmp_path / "b.zarr"), shape=(8, 16, 16), chunks=(8, 16, 16), dtype="u1", zarr_format=2,
        compressors={"id": "zlib", "level": 9},
    )  # fmt: skip
    array[:] = np.random.default_rng(0).integers(0, 9, (8, 16, 16))
    next(one for one in (tmp_path / "b.zarr").iterdir() if one.name == "0.0.0").write_bytes(bomb)
    assert "unpacks to more than it states" in fault(tmp_path / "b.zarr")


@pytest.mark.parametrize("value", ["../secret.raw", "/etc/passwd", "sub/a.raw", "a\\b.raw"])
def test_a_header_names_no_file_outside_of_its_folder(tmp_path, value):
    folder = tmp_path / "scan"
    folder.mkdir()
    (tmp_path / "secret.raw").write_bytes(bytes(8))
    head = "NDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = "
    (folder / "a.mhd").write_text(f"{head}{value}\n")
    (folder / "a.nhdr").write_text(
        f"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: {value}\n\n"
    )
    for name in ("a.mhd", "a.nhdr"):
        assert "may only name files beside its header" in fault(folder / name)


def test_hdf5_follows_nothing_out_of_the_file(tmp_path):
    by_hdf5(tmp_path / "other.h5", ramp())
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "exchange/data")
    assert "holds no array" in fault(tmp_path / "link.h5")
    assert "holds no array" in fault(tmp_path / "link.h5", dataset="a")
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file.create_dataset("a", (2, 3, 4), "u1", external=[(str(tmp_path / "other.h5"), 0, h5py.h5f.UNLIMITED)])
        layout = h5py.VirtualLayout((5, 6, 7), "i2")
        layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "exchange/data", (5, 6, 7))
        file.create_virtual_dataset("b", layout)
    for name in ("a", "b"):
        assert "lie in other files" in fault(tmp_path / "raw.h5", dataset=name)


def test_zarr_runs_no_code_and_follows_no_link(tmp_path):
    group = by_zarr(tmp_path / "a.zarr", ramp(), 2)
    meta = json.loads((group / "0" / ".zarray").read_text())
    for codec in ({"filters": [{"id": "pickle"}]}, {"compressor": {"id": "pickle"}}, {"dtype": "|O"}):
        (group / "0" / ".zarray").write_text(json.dumps(meta | codec))
        assert "pickle" in (said := fault(group)) or "|O" in said
    (group / "0" / ".zarray").write_text("{")
    assert "damaged" in fault(group)
    (group / "0" / ".zarray").write_text(json.dumps(meta))
    (group / "0" / "9.9.9").symlink_to(ROOT / "README.md")
    assert "is not followed" in fault(group)
    third = by_zarr(tmp_path / "b.zarr", ramp(), 3)
    meta = json.loads((third / "0" / "zarr.json").read_text())
    meta["codecs"] = [{"name": "sharding_indexed", "configuration": {"codecs": [{"name": "pickle"}]}}]
    (third / "0" / "zarr.json").write_text(json.dumps(meta))
    assert "'pickle', which is not read" in fault(third)


def test_what_is_odd_but_not_wrong(tmp_path):
    """Missing values, a negative or impossible spacing, values beyond a float: read, and told."""
    values = ramp((4, 5, 6), "float32")
    values[1, 2, 3], values[2] = np.nan, np.inf
    volume = open_volume(by_itk(tmp_path / "nan.nrrd", values))
    assert np.isnan(volume.plane(0, 1)[2, 3])
    assert np.isnan(volume.plane(1, 2)[1, 3])
    assert "none of its values is a number" in fault_of_plane(volume, 2)
    path = nifti_claiming(tmp_path / "a.nii", (2, 3, 4), bytes(24), pixdim=[1, -0.1, 0.2, 0.3, 0, 0, 0, 0])
    assert open_volume(path).spacing_mm == pytest.approx((0.3, 0.2, 0.1))
    for steps in ([1, 0, 0, 0, 0, 0, 0, 0], [1, np.nan, 1, 1, 0, 0, 0, 0], [1, 1e30, 1, 1, 0, 0, 0, 0]):
        path = nifti_claiming(tmp_path / "b.nii", (2, 3, 4), bytes(24), pixdim=steps)
        volume = open_volume(path)
        assert volume.spacing_mm is None
        assert any("no spacing" in one for one in volume.warnings)
    (tmp_path / "c.mhd").write_text(
        "NDims = 3\nDimSize = 2 2 2\nElementSpacing = -0.1 0.2 0.3\nTransformMatrix = 0 0 0 0 0 0 0 0 0\n"
        "ElementType = MET_UCHAR\nElementDataFile = LOCAL\n" + "12345678"
    )
    assert open_volume(tmp_path / "c.mhd").spacing_mm == pytest.approx((0.3, 0.2, 0.1))


def fault_of_plane(volume, index: int) -> str:
    with pytest.raises(ReadError) as caught:
        volume.plane(0, index)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"shape": "5,5", "dtype": "uint8"}, "three numbers"), ({"shape": "5,5,y", "dtype": "uint8"}, "whole number"),
        ({"shape": "2,2,2"}, "both a shape"), ({"shape": "2,2,2", "dtype": "object"}, "no type"),
        ({"shape": "2,2,2", "dtype": "uint8", "order": "middle"}, "no byte order"),
        ({"shape": "2,2,2", "dtype": "uint8", "spacing": "0"}, "spacing"),
        ({"shape": "2,2,2", "dtype": "uint8", "skip": "-1"}, "whole number"), ({"axis": "up"}, "no axis"),
        ({"colour": "red"}, "means nothing"), ({"number": "0"}, "whole number"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(tmp_path, given, words):
    by_hand(tmp_path / "a.raw", ramp((2, 2, 2), "uint8"))
    assert words in fault(tmp_path / "a.raw", **given)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        '{"shape": [2, 2, 2]}',
        '{"shape": "2", "dtype": "u1"}',
        '{"shape": [2,2,2], "dtype": [1]}',
        "[" * 9999,
    ],
)
def test_forms_that_say_nothing(tmp_path, text):
    path = by_hand(tmp_path / "a.raw", ramp((2, 2, 2), "uint8"))
    (tmp_path / "a.raw.json").write_text(text)
    assert fault(path).startswith("a.raw.json: ")


def test_damaged_volumes_of_a_bounded_size_take_bounded_memory(tmp_path):
    """A claim of gigabytes costs the file's own size: read in a process with an address space of 2 GB."""
    nifti_claiming(tmp_path / "a.nii.gz", (1000, 1000, 1000), bytes(1000))
    nifti_claiming(tmp_path / "b.nii", (1000, 1000, 1000), bytes(1000))
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))\n"
        "from readers.core.errors import ReadError\nfrom readers.volumes.opening import open_volume\n"
        "for name in sys.argv[1:]:\n"
        "    try: open_volume(name).plane(2, 5); print('read')\n"
        "    except ReadError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.nii.gz"), str(tmp_path / "b.nii")], cwd=ROOT, check=True,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert [
        line for line in done.stdout.splitlines() if "truncated or its shape is wrong" in line
    ] == done.stdout.splitlines()
