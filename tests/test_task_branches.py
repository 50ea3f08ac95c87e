"""How often a module asks of which kind a task is, instead of asking the task's plug-in: a number that only falls.

A new task is one plug-in (CONTRIBUTING, "A task"). Each branch on the kind of a task outside of :mod:`models.plugins`
is a place that the next task would have to be entered in as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "ecgviz", "pages")
PLUGINS = "models/plugins"
KINDS = {"beat", "strip", "record", "record_picture", "image", "good_only", "small_defects", "row"}
CLASSES = {
    *("BeatTask", "BeatTaskBase", "StripTask", "RecordTask", "ImageTask", "GoodOnlyTask", "SmallDefectsTask"),
    *("BeatTrainConfig", "RecordTrainConfig", "ImageTrainConfig", "GoodOnlyTrainConfig"),
    "SmallDefectsTrainConfig",
}
MOST = 8


def branches(source: str) -> list[tuple[int, str]]:
    """Line and text of each branch on the kind of a task in a module."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if _is_branch(node):
            shown = node.pattern if isinstance(node, ast.match_case) else node
            text = " ".join((ast.get_source_segment(source, shown) or "").split())
            found.append((shown.lineno, text[:120]))
    return sorted(set(found))


def _is_branch(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        return any(_names_a_kind(side) or _is_kind_of_task(side) for side in sides)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id in {"isinstance", "issubclass"}:
            return bool(CLASSES & set(_names(node.args[1])))
        return node.func.id in {"getattr", "hasattr"} and _last(node.args[0]) == "task"
    if isinstance(node, ast.Dict):  # a table of kinds is a chain of branches in one place
        return sum(_names_a_kind(key) for key in node.keys if key is not None) > 1
    if isinstance(node, ast.match_case):
        return any(isinstance(part, ast.MatchValue) and _names_a_kind(part.value) for part in ast.walk(node.pattern))
    return False


def _names_a_kind(node: ast.expr) -> bool:
    """Whether an expression is the literal name of a kind, or a collection of such."""
    if isinstance(node, ast.Set | ast.Tuple | ast.List):  # one of other words, too, is about something else
        return bool(node.elts) and all(_names_a_kind(element) for element in node.elts)
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KINDS


def _is_kind_of_task(node: ast.expr) -> bool:
    """Whether an expression reads ``task.kind``, ``card.kind``, ``card.role`` or ``task["kind"]``."""
    if isinstance(node, ast.Attribute) and node.attr in {"kind", "role"}:
        return _last(node.value) in {"task", "card"}
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == "kind":
        return _last(node.value) == "task"
    return False


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return ""


def _names(node: ast.expr) -> Iterator[str]:
    return (part.id if isinstance(part, ast.Name) else part.attr
            for part in ast.walk(node) if isinstance(part, ast.Name | ast.Attribute))  # fmt: skip


def _modules() -> Iterator[Path]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            if PLUGINS not in file.relative_to(ROOT).as_posix():
                yield file


def test_the_kind_of_a_task_is_asked_of_its_plugin():
    found = [
        f"{file.relative_to(ROOT)}:{line}: {text}"
        for file in _modules()
        for line, text in branches(file.read_text(encoding="utf-8"))
    ]
    assert len(found) <= MOST, "ask models.plugins.plugin_of(...) instead:\n" + "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        'task.kind == "strip"',
        'kind in {"record", "image"}',
        "checkpoint.task.kind != kind",
        'summary.card.role == "paper"',
        'values["task"]["kind"] != wanted',
        "isinstance(config, ImageTrainConfig | RecordTrainConfig)",
        "isinstance(checkpoint.task, (BeatTask, StripTask))",
        'getattr(checkpoint.task, "rows", False)',
        '{"image": score_images, "record": score_recordings}[kind]',
        'match kind:\n    case "strip" | "beat": pass',
    ],
)
def test_a_branch_is_noticed(line):
    assert len(branches(line)) == 1


@pytest.mark.parametrize(
    "line",
    ["setting.kind == other", "isinstance(error, ConfigError)", "getattr(task_name, 'x')", 'dtype.kind in "iu"',
     '{"record": 3}', "plugin_of(task).fit(config)", 'name in {"sample", "beat", "target"}'],
)  # fmt: skip
def test_what_asks_no_kind_is_none(line):
    assert branches(line) == []
