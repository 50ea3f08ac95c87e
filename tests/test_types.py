"""The types: what the configuration lists as checked is free of faults, and a fault would be noticed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ("readers", "models")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]


def _mypy(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "mypy", "--no-error-summary", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_what_is_checked_has_no_fault():
    done = _mypy()
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("def f(x): return x", "no-untyped-def"),
        ("def f(x: int) -> str:\n    return x", "return-value"),
        ("def f(x: list[int] | None) -> int:\n    return x[0]", "index"),
        ("from models.core.errors import ConfigError\nerror = ConfigError(3)", "call-arg"),
    ],
)
def test_a_fault_is_noticed(line, code, tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(line + "\n")
    done = _mypy(str(wrong))
    assert done.returncode == 1
    assert f"[{code}]" in done.stdout


def test_no_module_is_left_out():
    """Neither in the configuration nor at its own head."""
    assert set(SETTINGS["files"]) >= set(FLOORS)
    assert "exclude" not in SETTINGS
    overrides = SETTINGS["overrides"]
    assert not any("ignore_errors" in row or any(name.split(".")[0] in {*FLOORS, "ecgviz"} for name in row["module"])
                   for row in overrides)  # fmt: skip
    marked = re.compile(r"^# (?:mypy: |type: ignore)|# type: ignore(?!\[)", re.M)
    modules = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    assert [str(path) for path in modules if marked.search(path.read_text("utf-8"))] == []
