"""The four floors, and what an import may cost: a notebook that wants a network waits for no dashboard."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"]
PACKAGES = (
    *(
        "readers",
        "models",
        "models/networks",
        "models/networks/ecg",
        "models/networks/image",
        "models/tasks",
        "models/data",
        "models/training",
        "ecgviz",
    ),
    *(
        f"ecgviz/{name}"
        for name in ("analysis", "figures", "holter", "reports", "review", "saliency", "signals", "sources")
    ),
    *("pages", "pages/parts", "pages/home", "pages/ecg", "pages/inspection", "pages/workshop", "pages/about"),
    *("pages/ecg/holter", "pages/ecg/twelve_lead"),
    *("pages/inspection/scan", "pages/inspection/volume", "pages/inspection/batch", "pages/inspection/simulator"),
    *("pages/workshop/train", "pages/workshop/data", "pages/workshop/experiments"),
    *("pages/about/networks", "pages/about/system"),
)
OURS = ("models", "readers", "ecgviz", "pages", "benchmarks", "scripts", "tests")
HEAVY = {
    "captum",
    "edfio",
    "h5py",
    "imagecodecs",
    "lightning",
    "matplotlib",
    "neurokit2",
    "nibabel",
    "nrrd",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pydicom",
    "pytorch_lightning",
    "pytorch_metric_learning",
    "reportlab",
    "skimage",
    "sklearn",
    "streamlit",
    "tensorboard",
    "tensorflow",
    "tifffile",
    "timm",
    "zarr",
}


def _packages_loaded_by(line: str) -> set[str]:
    code = f"{line}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ""}


@pytest.mark.parametrize(
    ("line", "unwanted"),
    [
        ("from models import *", HEAVY | {"plotly", "ecgviz"}),
        ("from readers import *", HEAVY | {"models", "plotly", "torch", "ecgviz"}),
        ("import models.jobs.runner", HEAVY | {"numpy", "plotly", "pydantic", "torch", "ecgviz"}),
        ("import ecgviz", HEAVY),
    ],
)
def test_import_leaves_heavy_packages_alone(line, unwanted):
    loaded = _packages_loaded_by(line)
    assert line.split()[1].partition(".")[0] in loaded
    assert loaded & unwanted == set()


def test_models_has_its_public_names_and_no_others():
    import models

    assert all(callable(getattr(models, name)) for name in models.__all__)
    assert set(models.__all__) <= set(dir(models))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = models.nothing


def _lint(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(LINT, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)


def test_contracts_hold():
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("models/networks/ecg/net.py", "from ecgviz import figures", "Four floors: imports go down only"),
        ("ecgviz/view.py", "import pages.home", "Four floors: imports go down only"),
        ("readers/edf.py", "from models import data", "Four floors: imports go down only"),
        (
            "readers/edf.py",
            "def f():\n    from torch import nn",
            "Files are read without a network and drawn by others",
        ),
        ("pages/parts/part.py", "import pages.home", "A section of pages imports what all share, and no other section"),
        (
            "pages/ecg/part.py",
            "from pages import workshop",
            "A section of pages imports what all share, and no other section",
        ),
        ("pages/ecg/holter/part.py", "from pages.ecg import twelve_lead", "No page imports another page's folder"),
        ("ecgviz/view.py", "def f():\n    import app", "Nothing below imports the front door"),
        ("ecgviz/view.py", "import streamlit as st", "Streamlit is imported by the pages and the front door alone"),
        ("models/tasks/t.py", "def f():\n    from plotly import io", "Networks and training draw nothing"),
        ("ecgviz/view.py", "from models.training import fit", "From a file to an answer without Lightning"),
        ("ecgviz/signals/s.py", "from ecgviz import figures", "What is drawn is drawn last"),
        ("models/data/d.py", "import lightning.pytorch", "Networks, tasks and checkpoints need no Lightning"),
    ],
)
def test_contracts_notice_what_they_forbid(tmp_path, module, line, contract):
    """A house of the same plan with one wrong import in it."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir(parents=True, exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "pages" / "navigation.py").touch()
    (tmp_path / "ecgviz" / "results.py").touch()
    (tmp_path / "models" / "training" / "fit.py").write_text("import lightning\n")
    assert _lint(tmp_path).returncode == 0
    (tmp_path / module).write_text(line + "\n")
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in " ".join(done.stdout.split())


@pytest.mark.parametrize("package", ["readers", "models", "ecgviz", "pages"])
def test_every_folder_of_modules_is_a_package(package):
    """A folder without ``__init__.py`` is invisible to the contracts."""
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert ROOT / package in folders
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


def _missing(source: str) -> list[str]:
    """Modules and names of our own that a source imports and that are not there."""
    missing = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] not in OURS:
            continue
        path = ROOT / node.module.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if not file.is_file() and not path.is_dir():
            missing.append(node.module)
            continue
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        inside = {one.stem for one in path.iterdir()} if path.is_dir() else set()
        missing += [
            f"{node.module}.{one.name}" for one in node.names if one.name not in inside and one.name not in text
        ]
    return missing


def test_what_is_imported_is_there():
    """Benchmarks, scripts and imports within functions follow when something is renamed."""
    files = [ROOT / "app.py", *(path for folder in OURS for path in (ROOT / folder).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): _missing(path.read_text(encoding="utf-8")) for path in files}
    assert {name: missing for name, missing in found.items() if missing} == {}


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("from models.core.files import write_whole", []),
        ("from models.core import files", []),
        ("from readers.images import open_images", []),
        ("def f():\n    from models.core.filez import write_whole", ["models.core.filez"]),
        ("from models.core.files import write_hole", ["models.core.files.write_hole"]),
        ("from models.core import filez", ["models.core.filez"]),
    ],
)
def test_a_name_that_is_not_there_is_noticed(source, missing):
    assert _missing(source) == missing
