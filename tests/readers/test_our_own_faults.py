"""Sound files that many threads of a fresh process read at once, and faults of ours planted in the readers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from ecgviz.analysis.inspect import inspect_files
from ecgviz.errors import EcgvizError
from models import load_checkpoint
from readers import open_recording
from readers.images import open_images
from tests.readers.images.test_dicom import write as write_dicom_slice

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 2
PROGRAM = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from ecgviz.errors import ReadError
from readers.images import open_images
from readers.images.dicom import codecs as dicom_codecs
from pydicom.pixels.common import CoderBase

add_plugin = CoderBase.add_plugin

def slow(*arguments):  # so that what may collide does
    time.sleep(0.002)
    add_plugin(*arguments)

CoderBase.add_plugin = slow
paths = [Path(line) for line in sys.stdin.read().splitlines()]
together = threading.Barrier(len(paths))

def shown(path):
    together.wait()
    try:
        open_images(path).pixels(0)
    except ReadError as error:
        return f"{error} ({error.__cause__!r})"

with ThreadPoolExecutor(len(paths)) as pool:
    faults = [fault for fault in pool.map(shown, paths) if fault]
print(*faults, sep="\\n")
sys.exit(bool(faults))
"""


def faults_of_a_fresh_process(paths: list[Path]) -> str:
    """What a new process says of sound pictures that it opens all at once; nothing is right."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], input="\n".join(map(str, paths)), capture_output=True,
        text=True, cwd=ROOT, check=False, timeout=120,
    )  # fmt: skip
    return "" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Sixteen sound pictures: DICOM in five transfer syntaxes, and PNG, JPEG and TIFF."""
    import imagecodecs

    values = np.random.default_rng(0).integers(0, 4095, (48, 40), dtype=np.uint16)
    encoders = {
        JPEGLSLossless: imagecodecs.jpegls_encode,
        JPEG2000Lossless: lambda data: imagecodecs.jpeg2k_encode(data, level=0, codecformat="j2k"),
        JPEGLosslessSV1: imagecodecs.ljpeg_encode,
    }
    paths = []
    for number in range(2):
        for syntax, encode in encoders.items():
            path = write_dicom_slice(tmp_path / f"{syntax.name[:8]}{number}.dcm", values)
            dataset = pydicom.dcmread(path)
            dataset.file_meta.TransferSyntaxUID = syntax
            dataset.PixelData = encapsulate([encode(values)])
            dataset.save_as(path)
            paths.append(path)
        path = write_dicom_slice(tmp_path / f"rle{number}.dcm", values)
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.save_as(path)
        paths += [path, write_dicom_slice(tmp_path / f"plain{number}.dcm", values)]
        for ending in ("png", "jpg"):
            paths.append(tmp_path / f"{number}.{ending}")
            Image.fromarray((values >> 4).astype(np.uint8)).save(paths[-1])
        paths.append(tmp_path / f"{number}.tif")
        tifffile.imwrite(paths[-1], values, compression="zlib")
    return paths


def test_sound_pictures_are_sound_in_many_threads_of_a_fresh_process(pictures: list[Path]) -> None:
    assert len(pictures) == 16
    assert [faults_of_a_fresh_process(pictures) for _ in range(PROCESSES)] == [""] * PROCESSES


@pytest.mark.data
def test_real_series_are_sound_in_many_threads_of_a_fresh_process(data_root: Path) -> None:
    slices = sorted((data_root / "image_readers" / "dicom_pacsman_series").glob("*.dcm"))[:16]
    assert [faults_of_a_fresh_process(slices) for _ in range(PROCESSES)] == [""] * PROCESSES


class PlantedError(Exception):
    """Stands for any fault of a programmer."""


def plant(monkeypatch: pytest.MonkeyPatch, place: str, error: type[Exception]) -> None:
    def fault(*_: object, **__: object) -> None:
        raise error("planted")

    monkeypatch.setattr(place, fault)


PICTURE_PLACES = [
    ("a.dcm", "readers.images.dicom.slice.check_size"),
    ("a.dcm", "readers.images.dicom.slice._spacing"),
    ("a.dcm", "readers.images.dicom.slice.grey"),
    ("a.dcm", "readers.images.dicom.codecs.add_codecs"),
    ("jls.dcm", "readers.images.dicom.codecs._within"),
    ("a.png", "readers.images.png_jpeg.check_size"),
    ("a.png", "readers.images.png_jpeg.grey"),
    ("a.jpg", "readers.images.png_jpeg.upright"),
    ("a.tif", "readers.images.tiff.reader.check_size"),
    ("a.tif", "readers.images.tiff.reader.grey"),
]
ERRORS = [PlantedError, NameError, TypeError, KeyError, AttributeError]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize(("name", "place"), PICTURE_PLACES)
def test_a_fault_planted_in_a_picture_reader_surfaces_as_itself(tmp_path, monkeypatch, name, place, error) -> None:
    import imagecodecs

    values = np.random.default_rng(0).integers(0, 255, (24, 20)).astype(np.uint16)
    path = tmp_path / name
    if name.endswith(".dcm"):
        write_dicom_slice(path, values)
        if name == "jls.dcm":
            dataset = pydicom.dcmread(path)
            dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
            dataset.PixelData = encapsulate([imagecodecs.jpegls_encode(values)])
            dataset.save_as(path)
    elif name.endswith(".tif"):
        tifffile.imwrite(path, values, compression="zlib")
    else:
        Image.fromarray(values.astype(np.uint8)).save(path)
    open_images(path).pixels(0)
    plant(monkeypatch, place, error)
    with pytest.raises(error, match="planted"):
        open_images(path).pixels(0)


@pytest.mark.parametrize("error", [*ERRORS, ValueError])
def test_an_inspection_does_not_call_the_file_damaged_for_it(tmp_path, monkeypatch, error) -> None:
    Image.fromarray(np.arange(480, dtype=np.uint8).reshape(24, 20)).save(tmp_path / "a.png")
    plant(monkeypatch, "models.tasks.image.ImageTask.square", error)
    with pytest.raises(error, match="planted"):
        list(inspect_files([tmp_path / "a.png"], load_checkpoint("ct-lite0"), remember=False))


@pytest.mark.parametrize("error", [*ERRORS, ValueError])
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("edf", "readers.edf.reader.settle"),
        ("dcm", "readers.dicom.waveform.settle"),
        ("dcm", "readers.dicom.waveform._channels"),
        ("npy", "readers.arrays.named.leads_last"),
        ("npz", "readers.arrays.named._texts"),
        ("mat", "readers.arrays.named.leads_last"),
        ("csv", "readers.delimited.reader.make_recording"),
        ("hea", "readers.wfdb.reader.settle"),
        *(
            (ending, "readers.channels.channel_selection.judge")
            for ending in ("edf", "dcm", "npy", "mat", "csv", "hea")
        ),
    ],
)
def test_a_fault_planted_in_a_reader_of_recordings_surfaces_as_itself(
    make, tmp_path, monkeypatch, kind, place, error
) -> None:
    path = recording_of(kind, make, tmp_path)
    open_recording(path, fs=250, unit="mV")
    plant(monkeypatch, place, error)
    with pytest.raises(error, match="planted"):
        open_recording(path, fs=250, unit="mV")


def recording_of(kind: str, make, folder: Path) -> Path:
    """A sound recording in a format."""
    import scipy.io

    signal, path = make.wave(1000), folder / f"a.{kind}"
    if kind == "edf":
        make.edf(path, signal)
    elif kind == "dcm":
        make.dicom(path, signal * 1000)
    elif kind == "npy":
        np.save(path, signal)
    elif kind == "npz":
        np.savez(path, ecg=signal, fs=250.0, unit="mV")
    elif kind == "mat":
        scipy.io.savemat(path, {"val": signal, "fs": 250.0})
    elif kind == "csv":
        np.savetxt(path, signal, fmt="%.4f", delimiter=",", header="I,II", comments="")
    else:
        make.wfdb(folder, "a")
    return path


def test_a_full_disk_is_not_called_a_damaged_zip(tmp_path, monkeypatch) -> None:
    import zipfile

    from readers.archives import zip as uploads

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.csv", "I,II\n1,2\n")
    real = Path.open

    def full(self: Path, mode: str = "r", *args: object, **kwargs: object):
        if mode == "xb":
            raise OSError(28, "No space left on device")
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(EcgvizError, match="no space left on device") as caught:
        uploads.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert "damaged" not in str(caught.value)
