"""No module needs, however late it asks, a module that needs it: whoever reads one can begin below it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("readers", "models", "ecgviz", "pages")


def modules(root: Path) -> dict[str, str]:
    """Name -> source of every module of the packages."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    return found


def needs(source: str, known: dict[str, str]) -> set[str]:
    """Modules that a module imports, at the top or in a function; what types alone need does not run."""
    return set(_imports(ast.parse(source), known))


def _imports(node: ast.AST, known: dict[str, str]) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name in known)
        elif isinstance(child, ast.ImportFrom) and child.module:
            for alias in child.names:
                member = f"{child.module}.{alias.name}"
                if member in known or child.module in known:
                    yield member if member in known else child.module
        else:
            yield from _imports(child, known)


def circle(sources: dict[str, str]) -> list[str]:
    """Modules of a circle, each imported by the one before; empty where there is none."""
    graph = {name: needs(source, sources) - {name} for name, source in sources.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_circle() -> None:
    assert circle(modules(ROOT)) == []


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ("from models import b", "from models import a", True),
        ("def f():\n    from models.b import x", "import models.a", True),
        ("from models import b", "import numpy", False),
        ("from models import b", "if TYPE_CHECKING:\n    from models import a", False),
    ],
)
def test_a_circle_is_noticed(one: str, other: str, found: bool) -> None:
    assert bool(circle({"models": "", "models.a": one, "models.b": other})) == found
