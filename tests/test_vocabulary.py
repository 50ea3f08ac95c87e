"""The words of the code are the field's: names that a stranger would have to learn first are not defined anywhere.

What a word stands for here is in docs/architecture.md, "Words".
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("models", "readers", "ecgviz", "pages")
FIELD_WORDS = {
    "said": "predicted, prediction, label",
    "answers": "predictions, outputs, logits",
    "question": "attribution target",
    "familiar": "in distribution",
    "familiarity": "out-of-distribution score",
    "looks": "evidence, calls, style",
}
"""What is not to be named so, and what it is called instead."""
NUMBERS = {"figure": "metric", "figures": "metrics"}
"""A number is a metric; a figure is a plot, and models draws none."""
MODULES = {"before", "beside", "gather", "look", "looks", "question", "said", "seen", "work"}
"""Names of modules that say nothing of what is in them."""
STORED = {("models/jobs/states.py", "figures")}
"""Columns of files and keys of JSON, which keep the name that they were written with."""


def _defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module defines: functions, classes, parameters, variables and fields."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def _coined(source: str, words: dict[str, str]) -> set[str]:
    """Names defined in a source of which a part is one of these words."""
    return {name for name in _defined(ast.parse(source)) if words.keys() & set(name.lower().split("_"))}


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_the_words_of_the_field(package):
    words = FIELD_WORDS | (NUMBERS if package in {"models", "readers"} else {})
    found = {
        f"{file}: {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in _coined(path.read_text(encoding="utf-8"), words)
        if ((file := str(path.relative_to(ROOT))), name) not in STORED
    }
    assert found == set(), f"other words for these: {words}"


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_say_what_is_in_them(package):
    assert {str(path.relative_to(ROOT)) for path in (ROOT / package).rglob("*.py") if path.stem in MODULES} == set()


def test_a_plot_is_no_metric():
    """What draws with plotly or matplotlib is a figure."""
    wrong = []
    for path in sorted((ROOT / "ecgviz" / "figures").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns).endswith("Figure"):
                wrong += [f"{path.name}: {node.name}"] * ("metric" in node.name)
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def said(): pass", {"said"}),
        ("class A:\n    answers: int", {"answers"}),
        ("def f(a, *, _question): pass", {"_question"}),
        ("for looks, b in c: pass", {"looks"}),
        ("self.is_familiar = 1", {"is_familiar"}),
        ("import a as said", {"said"}),
        ("x = [y.said for y in z]", set()),
        ("answered = look_at('said')", set()),
    ],
)
def test_a_coined_name_is_noticed(source, found):
    assert _coined(source, FIELD_WORDS) == found
