"""The wheel: what it holds, and that what is installed from it works without the checkout."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir"]


def _run(command: list[str], **options) -> subprocess.CompletedProcess:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(
        [
            *PIP,
            "wheel",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(folder),
            str(ROOT),
        ]
    )
    (built,) = folder.glob("ecgviz-*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder into which the wheel is installed: packages, metadata, and the console scripts below ``bin``."""
    folder = tmp_path_factory.mktemp("site")
    _run([*PIP, "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder), str(wheel)])
    return folder


@pytest.fixture
def installed(site, tmp_path) -> dict:
    """Options of a process that finds the installed packages, and nothing of the checkout."""
    hidden = {"ECGVIZ_CHECKPOINTS", "PYTHONPATH", "COVERAGE_PROCESS_START"}
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    return {"cwd": tmp_path, "env": env | {"PYTHONPATH": str(site), "ECGVIZ_HOME": str(tmp_path / "home")}}


def _tracked(*folders: str) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return {name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_holds_packages_checkpoints_and_dashboard_and_nothing_else(wheel):
    expected = _tracked("ecgviz", "models", "readers")
    expected |= {f"ecgviz/_app/{name}" for name in _tracked("pages", "app.py", ".streamlit/config.toml")}
    expected |= {f"models/_{name}" for name in _tracked("checkpoints")}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected
    assert {"ecgviz/py.typed", "models/py.typed", "readers/py.typed"} <= held


def test_the_metadata_state_what_the_requirement_files_do(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
        scripts = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
    required = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    wanted = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert len(required) == len([line for line in wanted if line])
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata.get_all("Provides-Extra") == ["scale"]
    assert "ecgviz = ecgviz.__main__:main" in scripts
    assert "ecgviz-models = models.__main__:main" in scripts


@pytest.mark.slow
def test_both_command_lines_run_as_scripts_and_as_modules(site, installed):
    """``list`` reads the cards of the shipped checkpoints and the configurations that the wheel brings."""
    assert "analyze" in _run([str(site / "bin" / "ecgviz"), "--help"], **installed).stdout
    assert "analyze" in _run([sys.executable, "-m", "ecgviz", "--help"], **installed).stdout
    assert "train" in _run([sys.executable, "-m", "models", "--help"], **installed).stdout
    listed = _run([str(site / "bin" / "ecgviz-models"), "list"], **installed).stdout
    assert f"checkpoints in {site / 'models' / '_checkpoints'}" in listed
    assert "beat-rhythm-2026-11" in listed


@pytest.mark.slow
def test_an_installed_package_analyses_and_knows_its_own_requirements(site, installed):
    code = (
        "from ecgviz.analysis import analyse_beats\n"
        "from ecgviz.doctor import check_packages\n"
        "from ecgviz.sources.samples import simulate_holter\n"
        "from models import load_checkpoint\n"
        "from models.config import load_config\n"
        "from models.jobs.submission import git_revision\n"
        "import ecgviz, models, readers\n"
        "beats = analyse_beats(simulate_holter(seconds=60), load_checkpoint('beat-rhythm-2026-11'))\n"
        "names = [check.name for check in check_packages()]\n"
        "print(ecgviz.__file__, models.__file__, readers.__file__)\n"
        "print(len(beats.label) > 40, 'torch' in names, 'packages' in names,\n"
        "      load_config('beat_smoke').name, repr(git_revision()))\n"
    )
    said = _run([sys.executable, "-c", code], **installed).stdout.split()
    places = [str(site / package / "__init__.py") for package in ("ecgviz", "models", "readers")]
    assert said == [*places, "True", "True", "False", "beat-smoke", "''"]


@pytest.mark.slow
def test_the_dashboard_starts_from_the_wheel_on_localhost_alone(site, installed):
    """Recordings are personal data: the settings that keep the server at home go with it, whatever folder one is in."""
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        f"at = AppTest.from_file({str(site / 'ecgviz' / '_app' / 'app.py')!r}, default_timeout=240).run()\n"
        "print(len(at.exception), [title.value for title in at.title])\n"
    )
    home = _run([sys.executable, "-c", code], **installed)
    assert home.stdout.startswith("0 ["), home.stdout + home.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(site / "bin" / "ecgviz"), "app", "--", f"--server.port={port}", "--server.headless=true"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **installed)
    try:
        assert _answer(f"http://127.0.0.1:{port}/_stcore/health", server) == b"ok"
    finally:
        _end(server)
    said = server.stdout.read()
    assert f"http://localhost:{port}" in said
    assert "External URL" not in said
    assert "Collecting usage statistics" not in said


def _answer(address: str, server: subprocess.Popen) -> bytes:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


def _end(server: subprocess.Popen) -> None:
    """Ends the command with the server that it started, as Ctrl-C at a terminal would."""
    import psutil

    for process in (*psutil.Process(server.pid).children(recursive=True), server):
        process.terminate()
    server.wait(30)
