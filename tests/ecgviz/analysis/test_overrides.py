"""Decisions of people: needed words, nothing lost, nothing changed."""

from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from ecgviz.analysis.overrides import latest, override, read_overrides, standing
from ecgviz.errors import ConfigError
from ecgviz.results import Verdict

VERDICT = Verdict(
    file="/data/line 3/cell_17.tif",
    slice_index=4,
    sha256="a" * 64,
    verdict="defect",
    score=0.8,
    threshold=0.3,
    grey_zone=None,
    operating_point_version="2-abc123",
    checkpoint="ct",
    checkpoint_sha256="b" * 64,
    distance=None,
    in_distribution=None,
    seconds=0.1,
)


@pytest.fixture
def log(tmp_path) -> Path:
    return tmp_path / "home" / "overrides.jsonl"


def test_a_decision_says_all_that_it_was_made_on(log):
    entry = override(VERDICT, "normal", reason="a shadow\u2028of the tab", who="Zoë", path=log)
    assert read_overrides(log) == (entry,)
    line = json.loads(log.read_text(encoding="utf-8"))
    assert line["file"] == "cell_17.tif", "folders may name a customer"
    assert (line["file_sha256"], line["checkpoint_sha256"]) == ("a" * 64, "b" * 64)
    assert (line["operating_point_version"], line["threshold"], line["slice_index"]) == ("2-abc123", 0.3, 4)
    assert (line["old"], line["new"], line["who"]) == ("defect", "normal", "Zoë")
    assert log.stat().st_mode & 0o077 == 0


def test_lines_are_only_added_and_the_last_one_holds(log):
    override(VERDICT, "normal", reason="shadow", who="A", path=log)
    before = log.read_bytes()
    second = override(VERDICT, "review", reason="not sure any more", who="B", path=log)
    assert log.read_bytes().startswith(before)
    assert second.old == "normal"
    assert latest(read_overrides(log))["a" * 64, "b" * 64] == second
    other = override(replace(VERDICT, checkpoint_sha256="c" * 64), "normal", reason="shadow", who="A", path=log)
    assert other.old == "defect", "a decision about one network binds no other"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": "  "}, "reason"),
        ({"who": ""}, "who"),
        ({"reason": "x" * 3000}, "reason"),
        ({"new": "good"}, "verdict"),
        ({"new": "defect"}, "verdict"),
    ],
)
def test_what_is_needed(log, changes, field):
    with pytest.raises(ConfigError) as caught:
        override(VERDICT, **({"new": "normal", "reason": "shadow", "who": "A", "path": log} | changes))
    assert caught.value.field == field
    assert read_overrides(log) == ()


def test_a_file_that_was_not_read_cannot_be_decided(log):
    with pytest.raises(ConfigError, match="could not be read"):
        override(replace(VERDICT, sha256=""), "normal", reason="shadow", who="A", path=log)


def test_half_a_line_of_a_crash_spoils_no_other(log):
    override(VERDICT, "normal", reason="shadow", who="A", path=log)
    with log.open("ab") as stream:
        stream.write(b'{"time": "2026-01-01T00:0')
    override(VERDICT, "review", reason="look again", who="B", path=log)
    assert [one.who for one in read_overrides(log)] == ["A", "B"]


def _write(job: tuple[Path, int]) -> None:
    path, number = job
    for index in range(10):
        name = f"{number:02}{index:02}".ljust(64, "0")
        override(replace(VERDICT, sha256=name), "normal", reason="r" * 1500, who=str(number), path=path)


def test_writers_at_once_lose_nothing(log):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(_write, [(log, number) for number in range(4)])
    assert len({one.file_sha256 for one in read_overrides(log)}) == 40


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slice_index", [1]), ("slice_index", "a"), ("slice_index", -1), ("file_sha256", []), ("who", 5),
        ("time", None), ("scope", {}), ("new", []), ("undone", "no"), ("score", "x"), ("threshold", None),
        ("reason", None),
    ],
)  # fmt: skip
def test_a_damaged_line_is_passed_over(log, field, value):
    """Whatever stands in a line, those before and after it hold."""
    kept = override(VERDICT, "normal", reason="shadow", who="A", path=log)
    line = json.loads(log.read_text(encoding="utf-8"))
    with log.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line | {field: value}))
        stream.write("\n" + "[" * 100_000 + "\n[1]\nnull\n")
    assert read_overrides(log) == (kept,)
    last = override(VERDICT, "review", reason="not sure", who="B", path=log)
    assert (last.old, standing(log).about(VERDICT)) == ("normal", last)
