"""Where the modules of the pages lie: a page's own in its folder, a section's in the section, shared ones in parts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from pages.navigation import SECTIONS

ROOT = Path(__file__).resolve().parent.parent
PARTS = "pages/parts"
MOST_SHARED = 0.25


def _named_in_the_tree(document: str) -> set[str]:
    """Files and folders that the tree of docs/architecture.md names: those of a line's beginning, and in its words the
    modules and folders of that folder."""
    tree = re.search(r"```\napp\.py.*?```", document, re.S)[0].strip("`\n")
    found, above, here = set(), "", ""
    for line in tree.splitlines():
        names, _, words = line.strip().partition("  ") if not line.startswith("   ") else ("", "", line.strip())
        if names:
            above = "" if not line.startswith(" ") else above
            firsts = [f"{above}{one}" for name in re.findall(r"[^\s,{}]*(?:\{[^}]*\})?[^\s,{}]*", names) if name
                      for one in _each(name)]  # fmt: skip
            found |= set(firsts)
            here = firsts[0] if len(firsts) == 1 and firsts[0].endswith("/") else above
            above = names if not line.startswith(" ") and names.endswith("/") else above
        found |= {f"{here}{name}" for name in re.findall(r"(?<![\w/.])(\w+(?:\.py|/))(?![\w<])", words)}
    return found


def _each(name: str) -> list[str]:
    """``a/{b,c}/`` as ``a/b/`` and ``a/c/``."""
    before, _, rest = name.partition("{")
    inside, _, after = rest.partition("}")
    return [f"{before}{one}{after}" for one in inside.split(",")] if rest else [name]


def test_the_tree_of_the_documents_is_there():
    named = _named_in_the_tree((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    assert len(named) > 60
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def _sources(root: Path) -> dict[str, str]:
    """Path below ``root`` without suffix -> text, of all modules of the pages and of the front door."""
    files = [*(root / "pages").rglob("*.py"), root / "app.py"]
    return {str(path.relative_to(root).with_suffix("")): path.read_text(encoding="utf-8") for path in files}


def _uses(sources: dict[str, str]) -> dict[str, set[str]]:
    """Module -> modules that it imports, anywhere in it."""
    uses = {}
    for name, text in sources.items():
        found: list[str] = []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                found += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                found += [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        uses[name] = {one.replace(".", "/") for one in found} & sources.keys()
    return uses


def _reached(start: str, uses: dict[str, set[str]]) -> set[str]:
    seen, to_do = {start}, [start]
    while to_do:
        new = uses[to_do.pop()] - seen
        seen |= new
        to_do += new
    return seen


def _of_one_page(sources: dict[str, str]) -> dict[str, list[str]]:
    """Modules that lie outside of a page's folder though fewer than two pages come to them -> those pages.

    What the front door imports is drawn on every page.
    """
    uses = _uses(sources)
    pages = [name for name in sources if name.endswith("/page")]
    folders = {name.removesuffix("page") for name in pages}
    reached = {name: _reached(name, uses) for name in pages}
    door = _reached("app", uses)
    shared = [name for name in sources if name.startswith("pages/") and not _is_below(name, folders)]
    users = {name: [page for page in pages if name in reached[page]] for name in shared if name not in door}
    return {name: by for name, by in users.items() if len(by) < 2 and not name.endswith("__init__")}


def _is_below(name: str, folders: Iterable[str]) -> bool:
    return any(name.startswith(folder) for folder in folders)


def test_every_page_of_the_navigation_has_its_folder():
    entries = [entry.file for entries in SECTIONS.values() for entry in entries]
    assert sorted(entries) == sorted((ROOT / "pages").rglob("page.py"))


def test_what_one_page_uses_lies_in_its_folder():
    assert _of_one_page(_sources(ROOT)) == {}


def test_what_a_section_shares_imports_none_of_its_pages():
    sources = _sources(ROOT)
    folders = {name.removesuffix("page") for name in sources if name.endswith("/page")}
    uses = {name: used for name, used in _uses(sources).items() if not _is_below(name, folders)}
    assert {
        name: found for name, used in uses.items() if (found := {one for one in used if _is_below(one, folders)})
    } == {}


def test_parts_stay_small():
    lines = {name: text.count("\n") for name, text in _sources(ROOT).items() if name.startswith("pages/")}
    shared = sum(count for name, count in lines.items() if name.startswith(PARTS))
    assert 0 < shared <= MOST_SHARED * sum(lines.values())


@pytest.mark.parametrize(
    ("importer", "line", "found"),
    [
        ("pages/ecg/holter/page.py", "from pages.parts import one", ["pages/parts/one"]),
        ("pages/ecg/holter/page.py", "def f():\n    from pages.parts.one import f", ["pages/parts/one"]),
        ("pages/ecg/holter/page.py", "import pages.ecg.one", ["pages/ecg/one"]),
        ("pages/ecg/holter/page.py", "from pages.parts import two", []),
        ("pages/ecg/holter/page.py", "from pages.ecg.holter import one", []),
        ("app.py", "from pages.parts import one", []),
    ],
)
def test_a_part_of_one_page_is_noticed(tmp_path, importer, line, found):
    for folder in ("pages/ecg/holter", "pages/ecg/twelve_lead", "pages/parts"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "app.py").touch()
    for page in ("holter", "twelve_lead"):
        (tmp_path / f"pages/ecg/{page}/page.py").write_text("from pages.parts import two\n")
    (tmp_path / "pages/parts/two.py").touch()
    for lonely in {*found, "pages/ecg/holter/one"} if "app" not in importer else ["pages/parts/one"]:
        (tmp_path / f"{lonely}.py").touch()
    (tmp_path / importer).write_text(f"from pages.parts import two\n{line}\n")
    assert list(_of_one_page(_sources(tmp_path))) == found


def test_tests_lie_as_the_modules_do():
    """The tests of a folder are found by its name."""
    astray = []
    for package in ("readers", "models", "ecgviz", "pages"):
        for path in (ROOT / "tests" / package).rglob("test_*.py"):
            folder = path.relative_to(ROOT / "tests").parent
            if not (ROOT / folder).is_dir():
                astray.append(str(path.relative_to(ROOT)))
    assert astray == []
