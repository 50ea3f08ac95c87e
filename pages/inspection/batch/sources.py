"""Sources of a batch: files, with labels from class folders or a ``labels.csv``.

An address is ``sample:NAME``, ``path:FOLDER`` below the roots, or ``upload:TOKEN``; it comes from anybody, so it is
checked again each time.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ecgviz.errors import ConfigError, EcgvizError, ReadError
from ecgviz.home import home_folder
from ecgviz.sources.roots import inside_roots
from ecgviz.sources.samples import Sample
from ecgviz.sources.spool import spooled
from models.config.image import ImageDataConfig
from models.core.callbacks import Progress, ShouldStop
from models.data.image_folder import TABLE, ImageRow, read_rows
from readers.images import list_images, unpack_images
from readers.sniff import is_zip

SAMPLE = Sample(
    "simulated-batch",
    "Simulated batch with labels",
    "Twenty-four simulated slices of battery cells, about half with a defect, with labels and masks. Made on first "
    "use, which takes a minute. Simulated: no cell was scanned.",
    "batch",
)
_SAMPLE_PICTURES, _SAMPLE_SIZE, _SAMPLE_SEED = 24, 224, 7


@dataclass(frozen=True)
class Source:
    """Files of a batch.

    Attributes:
        name: what to call it.
        paths: files, or folders that hold one stack each.
        rows: label, group and truth of a file, by its path.
        note: a sentence that stays in sight; empty for none.
        key: what everything computed from it is kept under.
    """

    name: str
    paths: tuple[Path, ...]
    key: str
    rows: dict[str, ImageRow] = field(default_factory=dict)
    note: str = ""


def open_source(
    address: str, mark: str, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> Source:
    """Files at an address.

    Args:
        address: see the module.
        mark: of ``ecgviz.sources.address.stamp``; part of the key.
        progress: told of what is simulated.
        should_stop: asked meanwhile.

    Raises:
        ReadError: no such address, no pictures there, or a link that leads out.
    """
    kind, _, rest = address.partition(":")
    key = f"{address} {mark}"
    if kind == "sample" and rest == SAMPLE.name:
        folder = _simulated(progress, should_stop)
        return _of_folder(folder, SAMPLE.title, key, note="These pictures are simulated: no cell was scanned.")
    if kind == "path":
        path = inside_roots(rest)
        return _of_folder(path, path.name, key) if path.is_dir() else _of_files([path], path.name, key)
    if kind == "upload":
        files = spooled(rest)
        if any(file.name == TABLE for file in files):
            return _of_folder(files[0].parent, "Upload", key)
        return _of_files(files, files[0].name if len(files) == 1 else "Upload", key)
    raise ReadError("folder", "this link names no folder; open a sample, a folder or files instead.")


def _of_files(files: list[Path], name: str, key: str) -> Source:
    if len(files) == 1 and is_zip(files[0]):
        return _of_zip(files[0], name, key)
    return Source(name, tuple(files), key)


def _of_zip(archive: Path, name: str, key: str) -> Source:
    """Files of a zip, unpacked once under the hash of its bytes."""
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()[:32]
    folder = home_folder() / "unpacked" / digest
    if not folder.is_dir():
        part = folder.with_name(f"{digest}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True, mode=0o700)
        try:
            unpack_images(archive, part)
            part.replace(folder)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    inner = [path for path in folder.iterdir() if not path.name.startswith(".")]
    # A folder that was packed as a whole is what was meant.
    return _of_folder(inner[0] if len(inner) == 1 and inner[0].is_dir() else folder, name, key)


def _of_folder(folder: Path, name: str, key: str, note: str = "") -> Source:
    rows, fault = _labelled(folder)
    if rows:
        known = {str(row.path): row for row in rows}
        return Source(name, tuple(row.path for row in rows), key, known, note)
    note = " ".join(filter(None, (note, fault)))
    pictures = list_images(folder)
    if pictures:
        return Source(name, tuple(pictures), key, note=note)
    stacks = [
        path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink() and list_images(path)
    ]
    if not stacks:
        raise ReadError(folder, "there are no pictures in it; give PNG, JPEG, TIFF or DICOM files.")
    note = " ".join(filter(None, (note, "Each folder in it is taken as one stack.")))
    return Source(name, tuple(stacks), key, note=note)


def _labelled(folder: Path) -> tuple[list[ImageRow], str]:
    """Labelled pictures of a folder, and why its labels are unusable."""
    words = ImageDataConfig()
    classes = {*words.normal, *words.defect}
    folders = [path.name.lower() for path in folder.iterdir() if path.is_dir()]
    if not (folder / TABLE).is_file() and not (folders and set(folders) <= classes):
        return [], ""
    try:
        return read_rows(folder), ""
    except (ReadError, ConfigError, UnicodeDecodeError) as error:
        return [], f"The labels cannot be used: {error}"


def _simulated(progress: Progress | None, should_stop: ShouldStop | None) -> Path:
    """Folder of the sample, made on first use."""
    from models.data.battery_ct_sim import generate

    folder = home_folder() / "samples" / f"ct-batch-{_SAMPLE_PICTURES}x{_SAMPLE_SIZE}-{_SAMPLE_SEED}"
    if folder.is_dir():
        return folder
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        generate(
            part, _SAMPLE_PICTURES, seed=_SAMPLE_SEED, size=_SAMPLE_SIZE, part="test", progress=progress,
            should_stop=should_stop,
        )  # fmt: skip
        if should_stop is not None and should_stop():
            raise EcgvizError("The sample was not made: it was stopped.")
        part.replace(folder)
    except OSError as error:
        raise ReadError(
            SAMPLE.name, f"the sample cannot be kept ({error.strerror}); free space on the server."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder
