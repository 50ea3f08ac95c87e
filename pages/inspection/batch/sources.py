"""Sources of a batch: files, with labels from class folders or a ``labels.csv``.

An address is ``sample:NAME``, ``path:FOLDER`` below the roots, or ``upload:TOKEN``; it comes from anybody, so it is
checked again each time.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from ecgviz.analysis.coverage import parts_of, unpacked
from ecgviz.errors import ConfigError, EcgvizError, ReadError
from ecgviz.home import home_folder
from ecgviz.sources.roots import inside_roots
from ecgviz.sources.samples import Sample
from ecgviz.sources.spool import spooled
from models.core.callbacks import Progress, ShouldStop
from models.data.image_folder import TABLE, ImageRow, PictureFolder, read_folder
from readers.images.kinds import is_zarr
from readers.images.listing import Aside, list_tree
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
        aside: files that are not judged, with the reason.
        note: a sentence that stays in sight; empty for none.
        key: what everything computed from it is kept under.
    """

    name: str
    paths: tuple[Path, ...]
    key: str
    rows: dict[str, ImageRow] = field(default_factory=dict)
    note: str = ""
    aside: tuple[Aside, ...] = ()


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
        is_folder = path.is_dir() and not is_zarr(path)
        return _of_folder(path, path.name, key) if is_folder else _of_files([path], path.name, key)
    if kind == "upload":
        files = spooled(rest)
        if any(file.name == TABLE for file in files):
            return _of_folder(files[0].parent, "Upload", key)
        return _of_files(files, files[0].name if len(files) == 1 else "Upload", key)
    raise ReadError("folder", "this link names no folder; open a sample, a folder or files instead.")


def _of_files(files: list[Path], name: str, key: str) -> Source:
    if len(files) == 1 and files[0].is_file() and is_zip(files[0]):  # the address of a volume is no file
        return _of_zip(files[0], name, key)
    return Source(name, tuple(files), key)


def _of_zip(archive: Path, name: str, key: str) -> Source:
    """Files of a zip, unpacked once under the hash of its bytes."""
    folder = unpacked(archive)
    inner = [path for path in folder.iterdir() if not path.name.startswith(".")]
    # A folder that was packed as a whole is what was meant.
    return _of_folder(inner[0] if len(inner) == 1 and inner[0].is_dir() else folder, name, key)


def _of_folder(folder: Path, name: str, key: str, note: str = "") -> Source:
    listing = list_tree(folder)
    labelled, fault = _labelled(folder)
    if labelled is not None:
        files = {str(row.path): row for row in reversed(labelled.rows)}
        aside = {listing.root / one.file: one for one in labelled.set_aside if one.kind == "unlabelled"}
        unlabelled = tuple(Aside(path, one.reason, "companion") for path, one in aside.items())
        return Source(name, tuple(dict.fromkeys(row.path for row in labelled.rows)), key, files, note,
                      (*listing.aside, *unlabelled))  # fmt: skip
    note = " ".join(filter(None, (note, fault)))
    if not listing.pictures:
        raise ReadError(folder, "there are no pictures in it; give PNG, JPEG, TIFF or DICOM files.")
    if any(picture.parent == folder for picture in listing.pictures):
        return Source(name, listing.pictures, key, note=note, aside=listing.aside)
    note = " ".join(filter(None, (note, "Each folder in it is taken as one stack.")))
    return Source(name, parts_of(listing), key, note=note, aside=listing.aside)


def _labelled(folder: Path) -> tuple[PictureFolder | None, str]:
    """The folder as labelled pictures; None where nothing says a class, with the reason where a table should."""
    try:
        return read_folder(folder), ""
    except (ReadError, ConfigError) as error:
        return None, f"The labels cannot be used: {error}" if (folder / TABLE).is_file() else ""


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
