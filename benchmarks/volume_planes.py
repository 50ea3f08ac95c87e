"""What moving a plane of a large volume costs, and how much memory stays taken.

    python -m benchmarks.volume_planes [--gb 2] [--moves 20] [--formats nii h5 ...] [--folder /tmp]

For each format a volume of 16-bit noise is written by the library of that format into a temporary folder, and opened in
a process of its own, which jumps to random voxels and reads the axial, coronal and sagittal plane there. Printed are
the seconds of opening (with it a compressed file is unpacked), the median and the 95th percentile of the seconds of a
plane across each axis and of a slab of twenty, in brackets those of the processor, which neighbours on a busy machine
do not change, and the process's largest resident memory. Status 1 where the 95th percentile of a plane's processor time
or the memory is over its limit. The files are removed afterwards.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S, LIMIT_MB = 0.3, 1536
SLAB = 20


def slices(side: int, count: int) -> Iterator[np.ndarray]:
    """Noise on rings, a slice at a time; four different ones, which is as good for a disk and quicker to make."""
    y, x = np.mgrid[:side, :side] - side / 2
    rng = np.random.default_rng(0)
    rings = 20_000 + 8_000 * np.cos(np.hypot(y, x) / 3)
    made = [(rings + rng.normal(0, 900, rings.shape)).clip(0, 65_535).astype(np.uint16) for _ in range(4)]
    for index in range(count):
        yield np.roll(made[index % 4], index, axis=0)


def write_nii(path: Path, side: int, count: int) -> None:
    """NIfTI: nibabel's header, the values behind it."""
    import nibabel

    header = nibabel.Nifti1Header()
    header.set_data_dtype(np.uint16)
    header.set_data_shape((side, side, count))
    header.set_sform(np.diag([-0.03, -0.03, 0.03, 1]), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    with path.open("wb") as file:
        file.write(header.binaryblock + bytes(4))
        for one in slices(side, count):
            file.write(one.tobytes())


def write_gz(path: Path, side: int, count: int) -> None:
    """The same, compressed."""
    import gzip

    plain = path.with_name("plain.nii")
    write_nii(plain, side, count)
    with plain.open("rb") as source, gzip.open(path, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    plain.unlink()


def write_h5(path: Path, side: int, count: int) -> None:
    """HDF5 in chunks of 32 x 64 x 64."""
    import h5py

    with h5py.File(path, "w") as file:
        made = file.create_dataset("data", (count, side, side), "u2", chunks=(32, 64, 64))
        block = []
        for index, one in enumerate(slices(side, count)):
            block.append(one)
            if len(block) == 32 or index == count - 1:
                made[index + 1 - len(block) : index + 1] = np.stack(block)
                block = []


def write_zarr(path: Path, side: int, count: int) -> None:
    """zarr in chunks of 64 x 64 x 64 by its usual codec."""
    import zarr

    made = zarr.create_array(str(path), shape=(count, side, side), chunks=(64, 64, 64), dtype="u2")
    block: list[np.ndarray] = []
    for index, one in enumerate(slices(side, count)):
        block.append(one)
        if len(block) == 64 or index == count - 1:
            made[index + 1 - len(block) : index + 1] = np.stack(block)
            block = []


def write_tif(path: Path, side: int, count: int) -> None:
    """TIFF, a page a slice."""
    from tifffile import TiffWriter

    with TiffWriter(path, bigtiff=True) as file:
        for one in slices(side, count):
            file.write(one, photometric="minisblack", metadata=None)


WRITERS: dict[str, Callable[[Path, int, int], None]] = {
    "nii": write_nii,
    "nii.gz": write_gz,
    "h5": write_h5,
    "zarr": write_zarr,
    "tif": write_tif,
}


@contextmanager
def timed(spent: list[tuple[float, float]]) -> Iterator[None]:
    """Append the seconds that a block takes: by the clock, and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    spent.append((time.perf_counter() - wall, time.process_time() - cpu))


def measure(path: Path, moves: int) -> dict[str, object]:
    """Open a volume and move its planes; run in a process of its own."""
    from ecgviz.volumes.planes import plane
    from readers.volumes.opening import open_volume

    started = time.perf_counter()
    volume = open_volume(path)
    for axis in (0, 2):
        volume.plane(axis, volume.shape[axis] // 2)
    opened = time.perf_counter() - started
    rng = np.random.default_rng(1)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ("axial", "coronal", "sagittal", "slab")}
    for _ in range(moves):
        for axis, name in enumerate(("axial", "coronal", "sagittal")):
            with timed(spent[name]):
                plane(volume, axis, int(rng.integers(volume.shape[axis])))
        with timed(spent["slab"]):
            plane(volume, int(rng.integers(3)), int(rng.integers(min(volume.shape))), thickness=SLAB, slab="max")
    return {
        "open_s": opened,
        **{name: np.percentile(values, (50, 95), axis=0).round(4).tolist() for name, values in spent.items()},
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    """Write, measure and print; the exit status."""
    parser = argparse.ArgumentParser(description="seconds of moving a plane of a large volume")
    parser.add_argument("--gb", type=float, default=2.0)
    parser.add_argument("--moves", type=int, default=20)
    parser.add_argument("--formats", nargs="+", choices=WRITERS, default=list(WRITERS))
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.moves)))
        return 0
    side = 1024
    count = max(64, round(options.gb * 2**30 / (side * side * 2)))
    slow = False
    for name in options.formats:
        with tempfile.TemporaryDirectory(prefix="ecgviz-benchmark-", dir=options.folder) as folder:
            path = Path(folder) / f"volume.{name}"
            WRITERS[name](path, side, count)
            command = [sys.executable, "-m", "benchmarks.volume_planes", "--measure", str(path)]
            done = subprocess.run(
                [*command, "--moves", str(options.moves)], cwd=ROOT, check=True, capture_output=True, text=True
            )
        found = json.loads(done.stdout)
        planes = ("axial", "coronal", "sagittal")
        told = ", ".join(
            f"{one} {middle[0]:.3f} / {most[0]:.3f} ({middle[1]:.3f} / {most[1]:.3f})"
            for one, (middle, most) in ((one, found[one]) for one in (*planes, "slab"))
        )
        print(
            f"{name}: {count} x {side} x {side}, opened in {found['open_s']:.1f} s; {told}; "
            f"{found['memory_mb']:.0f} MB",
            flush=True,
        )
        slow |= max(found[one][1][1] for one in planes) > LIMIT_S or found["memory_mb"] > LIMIT_MB
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
