"""The doctor finds what is broken, names the remedy, and never raises."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecgviz import doctor
from ecgviz.doctor import Check
from ecgviz.home import home_folder
from models.core.errors import CheckpointError


@pytest.fixture
def requirements(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "requirements.txt"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_examine_covers_what_can_be_missing(tmp_path):
    checks = {check.name: check for check in doctor.examine(home=tmp_path / "home")}
    assert {"python", "torch", "streamlit", "wfdb", "torchvision with torch", "device", "home", "disk"} <= checks.keys()
    assert any(name.startswith("checkpoint") for name in checks)
    assert checks["torch"].detail == importlib.metadata.version("torch")
    for check in checks.values():
        assert check.detail
        assert bool(check.remedy) == (not check.ok), f"{check.name}: a fault needs a remedy, and only a fault"


def test_examine_leaves_no_trace(tmp_path):
    doctor.examine(home=tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_every_package_of_the_project_is_within_its_tested_range():
    faults = [f"{check.name}: {check.detail}" for check in doctor.check_packages() if not check.ok]
    assert faults == []


def test_a_package_outside_its_range_is_named_with_the_command_that_mends_it(requirements):
    path = requirements("numpy>=1.0,<1.1\nno-such-package>=1,<2\npytest>=1,<1000  # a comment\n\n-r other.txt\n")
    numpy, absent, pytest_ = doctor.check_packages(path)
    assert not numpy.ok
    assert importlib.metadata.version("numpy") in numpy.detail
    assert numpy.remedy == 'pip install "numpy<1.1,>=1.0"'
    assert not absent.ok
    assert "not installed" in absent.detail
    assert pytest_.ok


def test_a_package_that_another_platform_needs_is_not_missed(requirements):
    assert list(doctor.check_packages(requirements('no-such-package>=1; sys_platform == "none"'))) == []


def test_an_installation_without_the_file_is_held_against_its_own_metadata(tmp_path, monkeypatch):
    absent = tmp_path / "requirements.txt"
    monkeypatch.setattr(doctor, "REQUIREMENTS", absent)
    lines = ["numpy>=2.0", "no-such-package>=1,<2", 'ray>=2; extra == "scale"']
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: lines if name == "ecgviz" else None)
    found = [(check.name, check.ok) for check in doctor.check_packages(absent)]
    assert found == [("numpy", True), ("no-such-package", False)]


def test_a_local_build_counts_as_its_version(requirements, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.9.0+cpu")
    (check,) = doctor.check_packages(requirements("torch>=2.9,<2.15"))
    assert check.ok


@pytest.mark.parametrize("text", [None, "numpy >>> 2"])
def test_a_damaged_requirements_file_is_a_fault(requirements, tmp_path, text):
    path = tmp_path / "absent.txt" if text is None else requirements(text)
    (check,) = doctor.check_packages(path)
    assert not check.ok
    assert path.name in check.detail


def test_an_old_python_is_a_fault(monkeypatch):
    monkeypatch.setattr(doctor, "MINIMUM_PYTHON", (sys.version_info.major, sys.version_info.minor + 1))
    check = doctor.check_python()
    assert not check.ok
    assert f"{sys.version_info.major}.{sys.version_info.minor + 1}" in check.remedy


def test_torch_and_torchvision_that_do_not_go_together_are_a_fault(monkeypatch):
    import torchvision

    def nms(*_):
        raise RuntimeError("operator torchvision::nms\ndoes not exist")

    monkeypatch.setattr(torchvision.ops, "nms", nms)
    check = doctor.check_operators()
    assert not check.ok
    assert check.detail == "operator torchvision::nms does not exist"


def test_device_is_the_one_that_torch_sees():
    import torch

    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert doctor.check_device().detail.startswith(expected)


def test_no_checkpoint_and_a_damaged_one_are_faults(monkeypatch):
    import models

    monkeypatch.setattr(models, "list_checkpoints", list, raising=False)
    (none,) = doctor.check_checkpoints()
    assert not none.ok
    assert none.detail == "none found"

    def load(name):
        raise CheckpointError(name, "weights.safetensors is damaged")

    monkeypatch.setattr(models, "list_checkpoints", lambda: [SimpleNamespace(name="beat-x")], raising=False)
    monkeypatch.setattr(models, "load_checkpoint", load, raising=False)
    (damaged,) = doctor.check_checkpoints()
    assert not damaged.ok
    assert "damaged" in damaged.detail


def test_home_can_be_moved(monkeypatch, tmp_path):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    monkeypatch.setenv("ECGVIZ_HOME", "")
    assert home_folder() == Path.home() / ".ecgviz"


def test_a_home_that_is_no_folder_is_a_fault(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for home in (file, file / "below"):
        check = doctor.check_home(home)
        assert not check.ok
        assert "ECGVIZ_HOME" in check.remedy


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_without_write_permission_is_a_fault(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert not doctor.check_home(tmp_path / "home").ok
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_a_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e9))
    assert not doctor.check_disk(tmp_path / "not" / "there").ok


def test_render_puts_the_remedy_below_the_fault():
    text = doctor.render([Check("torch", True, "2.14.1"), Check("a long name", False, "absent", "do this")])
    assert text.splitlines() == [
        "ok     torch        2.14.1",
        "FAULT  a long name  absent",
        "                    -> do this",
        "",
        "1 of 2 checks found a fault.",
    ]
    assert doctor.render([Check("a", True, "b")]).endswith("All 1 checks passed.")
