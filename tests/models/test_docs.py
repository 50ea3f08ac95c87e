"""The documents say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models import list_models
from models.evaluation.overview import parameter_count

ROOT = Path(__file__).resolve().parents[2]
TABLE = dict(re.findall(r"^\| `(\w+)`[^|]*\| \w+ \| ([\d,]+) \|", (ROOT / "docs" / "networks.md").read_text(), re.M))


def test_every_network_stands_in_the_table() -> None:
    assert sorted(TABLE) == list_models()


@pytest.mark.parametrize("name", list_models())
def test_the_counts_are_true(name: str) -> None:
    assert TABLE[name] == f"{parameter_count(name):,}"


def test_resnet18_is_the_documented_one() -> None:
    assert parameter_count("resnet18") == 11_177_538


def test_every_command_of_the_command_lines_is_documented() -> None:
    readme = (ROOT / "README.md").read_text()
    for command in ("analyze", "explain", "doctor", "evaluate", "review", "bench", "report"):
        assert f"python -m ecgviz {command}" in readme
    for command in (
        "models train",
        "models evaluate",
        "models list",
        "models promote",
        "models threshold",
        "models export",
        "models compress",
    ):
        assert f"python -m {command}" in readme
