"""Checks an installation, with a remedy for each fault.

``python -m ecgviz doctor`` prints it and the system page shows it; neither computes anything itself. Every check
looks and leaves no trace, and none raises: a broken installation is what this module is there to describe.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from ecgviz.home import home_folder

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
MINIMUM_PYTHON = (3, 11)
# A 24 h recording of twelve leads, its upload beside its cached results.
MINIMUM_FREE_GB = 2.0


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes:
        name: what was looked at, such as "torch" or "disk".
        ok: whether it is as it should be.
        detail: what was found.
        remedy: what to do about it, a sentence or a command; empty where ``ok``.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def examine(requirements: Path = REQUIREMENTS, home: Path | None = None) -> list[Check]:
    """Check the whole installation, in the order in which faults would show.

    Args:
        requirements: file whose bounds the installed packages are held against.
        home: folder the app writes to; ``ecgviz.home.home_folder()`` by default.
    """
    home = home_folder() if home is None else home
    return [
        check_python(),
        *check_packages(requirements),
        check_operators(),
        check_device(),
        *check_checkpoints(),
        check_home(home),
        check_disk(home),
    ]


def check_python() -> Check:
    """Check the Python version against the oldest supported one."""
    wanted = ".".join(map(str, MINIMUM_PYTHON))
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < MINIMUM_PYTHON:
        return Check("python", False, detail, f"install Python {wanted} or later and make a new environment with it")
    return Check("python", True, detail)


def check_packages(requirements: Path = REQUIREMENTS) -> Iterator[Check]:
    """Check each requirement: installed, and within the tested range.

    An installed wheel has no such file; its metadata hold the same lines.
    """
    try:
        found = requirements.exists()
        lines = requirements.read_text(encoding="utf-8").splitlines() if found else _of_wheel(requirements)
    except (OSError, importlib.metadata.PackageNotFoundError):
        yield Check("packages", False, f"{requirements.name} not found", "run this from a complete copy of the project")
        return
    for number, line in enumerate(lines, start=1):
        text = line.split("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            yield Check("packages", False, f"{requirements.name}, line {number}: {text}", "restore the file")
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            yield _check_package(requirement)


def _of_wheel(requirements: Path) -> list[str]:
    """Requirements of the distribution of this module; those of extras carry a marker.

    Raises:
        FileNotFoundError: another file was asked for.
        PackageNotFoundError: this is no installed distribution.
    """
    if requirements != REQUIREMENTS:
        raise FileNotFoundError(requirements)
    return importlib.metadata.requires("ecgviz") or []


def _check_package(requirement: Requirement) -> Check:
    remedy = f'pip install "{requirement}"'
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Check(requirement.name, False, f"not installed (tested: {requirement.specifier})", remedy)
    if not requirement.specifier.contains(version, prereleases=True):
        return Check(requirement.name, False, f"{version}, outside the tested {requirement.specifier}", remedy)
    return Check(requirement.name, True, version)


def check_operators() -> Check:
    """Check that torchvision's compiled operators match the installed torch.

    A ``+cpu`` build of one beside a CUDA build of the other installs without complaint and fails at the first import.
    """
    try:
        import torch  # whether it can be imported is the question
        import torchvision

        kept = torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)
    except Exception as error:  # noqa: BLE001 - whatever a broken binary raises is the finding
        remedy = "pip install --force-reinstall torch torchvision within the ranges of requirements.txt"
        return Check("torchvision with torch", False, _one_line(error), remedy)
    return Check("torchvision with torch", kept.tolist() == [0], "operators run")


def check_device() -> Check:
    """The device for "auto": CUDA before MPS before the CPU; a CPU alone is no fault."""
    try:
        import torch
    except Exception as error:  # noqa: BLE001 - as above
        return Check("device", False, _one_line(error), "pip install -r requirements.txt")
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Check("device", True, f"cuda: {properties.name}, {properties.total_memory / 2**30:.0f} GiB")
    if torch.backends.mps.is_available():
        return Check("device", True, "mps: Apple GPU")
    if shutil.which("nvidia-smi"):
        remedy = "update the driver, or install the build of torch that goes with it"
        return Check("device", False, f"cpu only, though an NVIDIA driver is there (torch {torch.__version__})", remedy)
    return Check("device", True, f"cpu: {os.cpu_count()} cores, torch uses {torch.get_num_threads()}")


def check_checkpoints() -> list[Check]:
    """Load and verify every checkpoint."""
    remedy = "restore the folder checkpoints/ from the repository, or train one: python -m models train CONFIG"
    try:
        from models import list_checkpoints, load_checkpoint
        from models.core.errors import EcgvizError

        names = [summary.name for summary in list_checkpoints()]
    except Exception as error:  # noqa: BLE001 - as above
        return [Check("checkpoints", False, _one_line(error), remedy)]
    if not names:
        return [Check("checkpoints", False, "none found", remedy)]
    checks = []
    for name in names:
        try:
            checkpoint = load_checkpoint(name)
        except (EcgvizError, OSError) as error:
            checks.append(Check(f"checkpoint {name}", False, _one_line(error), remedy))
        else:
            checks.append(Check(f"checkpoint {name}", True, f"verified, {checkpoint.card.parameters:,} parameters"))
    return checks


def check_home(home: Path) -> Check:
    """Check that the home folder is writable, on the nearest existing folder."""
    existing = _nearest_existing(home)
    remedy = f"make {home} writable, or set ECGVIZ_HOME to a folder that is"
    if not existing.is_dir():
        return Check("home", False, f"{existing} is a file", remedy)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Check("home", False, f"{home}: {error.strerror}", remedy)
    return Check("home", True, str(home) if existing == home else f"{home} (made at the first start)")


def check_disk(home: Path) -> Check:
    """Check the free disk space for uploads and results."""
    free = shutil.disk_usage(_nearest_existing(home)).free / 1e9
    if free < MINIMUM_FREE_GB:
        remedy = f"free {MINIMUM_FREE_GB:.0f} GB, or set ECGVIZ_HOME to another disk"
        return Check("disk", False, f"{free:.1f} GB free", remedy)
    return Check("disk", True, f"{free:.0f} GB free")


def render(checks: Sequence[Check]) -> str:
    """The checks as text: one line each, remedies below, a summary at the end."""
    width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{'ok' if check.ok else 'FAULT':<7}{check.name:<{width}}  {check.detail}")
        if check.remedy:
            lines.append(f"{'':<7}{'':<{width}}  -> {check.remedy}")
    faults = sum(not check.ok for check in checks)
    lines.append("")
    lines.append(f"{faults} of {len(checks)} checks found a fault." if faults else f"All {len(checks)} checks passed.")
    return "\n".join(lines)


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
