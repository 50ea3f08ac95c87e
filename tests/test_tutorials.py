"""The tutorials: every command and every piece of Python in them is run, in order, on what they make themselves."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

import ecgviz.__main__ as ecgviz_command
import models.__main__ as models_command
from models import list_models
from models.checkpoints import checkpoints_root
from models.networks import registry

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
COMMANDS = {"ecgviz": ecgviz_command, "models": models_command}
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.M | re.S)
WRITTEN = ("--json", "--csv", "--atr", "--npz", "--png", "--pdf", "--overlays", "--run-dir")
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """An empty current folder; what is promoted goes beside links to the shipped checkpoints, not among them."""
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    for folder in checkpoints_root().iterdir():
        (checkpoints / folder.name).symlink_to(folder)
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(checkpoints))
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    list_models()  # which enters those of the project, once in a process
    monkeypatch.setattr(registry, "_architectures", dict(registry._architectures))  # a tutorial enters another
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def _run(line: str) -> None:
    python, option, package, *arguments = shlex.split(line)
    assert (python, option) == ("python", "-m")
    assert COMMANDS[package].main(arguments) == 0, line
    for name, value in pairwise(arguments):
        assert name not in WRITTEN or Path(value).exists(), f"{line}\nwrote no {value}"


@pytest.mark.slow
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_can_be_followed(tutorial, place):
    blocks = BLOCK.findall(tutorial.read_text(encoding="utf-8"))
    assert any(kind == "bash" for kind, _ in blocks)
    names: dict = {"__name__": tutorial.stem}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, str(tutorial), "exec"), names)
            continue
        for line in text.splitlines():
            _run(line.replace("DATA", str(names.get("folder", "DATA"))))


def test_there_is_a_tutorial_for_each_reader():
    assert {path.stem for path in TUTORIALS} == {"technician", "cardiologist", "inspection", "ml-engineer"}


def _documented() -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\\n", " ")
        lines = re.findall(r"^ *(?:\w+=\S+ )*(python -m (?:ecgviz|models) .*)$", text, re.M)
        shapes = re.compile(r"\||\[-|\.\.\.")  # a list of commands, or the shape of one
        found += [(document.name, line) for line in lines if not shapes.search(line.split("  #")[0])]
    return found


@pytest.mark.parametrize(("document", "line"), _documented())
def test_a_documented_command_line_is_one(document, line, tmp_path, monkeypatch):
    """Options that were renamed or taken away are found here, without a run."""
    monkeypatch.chdir(tmp_path)
    line = re.sub(r"\$\w+", "", line)  # further options, kept in a variable of the shell
    _, _, package, *arguments = shlex.split(line, comments=True)
    assert callable(COMMANDS[package]._parser().parse_args(arguments).command)
