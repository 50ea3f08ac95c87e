"""Each key of the pages begins with its place, so that no two pages share one by accident."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.parts.appearance import styled
from pages.parts.key_scope import KeyScope

ROOT = Path(__file__).resolve().parents[3]
SHARED = {"styled", "pictures"}
"""Scopes that are no folder: what looks alike on every page, and the picture that is open."""


def _modules() -> dict[str, ast.Module]:
    files = sorted((ROOT / "pages").rglob("*.py"))
    return {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def _own_words(key: ast.expr, tree: ast.AST) -> bool:
    """Whether a key is, or begins with, words that stand there, rather than what a scope made."""
    return any(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in _beginnings(key, tree, set()))


def _beginnings(key: ast.expr, tree: ast.AST, seen: set[str]) -> Iterator[ast.expr]:
    """What a key may begin with; names are followed to all that they are set to."""
    if isinstance(key, ast.Name) and key.id not in seen:
        parts = list(_given(key.id, tree))
        seen.add(key.id)
    elif isinstance(key, ast.JoinedStr):
        parts = key.values[:1]
    elif isinstance(key, ast.IfExp):
        parts = [key.body, key.orelse]
    elif isinstance(key, ast.FormattedValue | ast.BinOp):
        parts = [key.value if isinstance(key, ast.FormattedValue) else key.left]
    else:
        parts = []
        yield key
    for part in parts:
        yield from _beginnings(part, tree, seen)


def _given(name: str, tree: ast.AST) -> Iterator[ast.expr]:
    """What a name is set to anywhere in a module, as the default of a parameter, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == name:
                    yield node.value
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)
        elif isinstance(node, ast.arguments):
            late = zip(reversed([*node.posonlyargs, *node.args]), reversed(node.defaults), strict=False)
            yield from (value for one, value in [*late, *zip(node.kwonlyargs, node.kw_defaults, strict=True)]
                        if one.arg == name and value is not None)  # fmt: skip


def _takers(modules: dict[str, ast.Module]) -> dict[str, int]:
    """Functions of the pages that are handed a key -> its place among their arguments."""
    found = {"form": 0}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                names = [one.arg for one in node.args.args]
                if "key" in names:
                    found[node.name] = names.index("key")
    return found


def _names_of_state(tree: ast.Module) -> Iterator[str]:
    """Other names of ``st.session_state`` in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets
            pairs = zip(targets, values, strict=False)
            yield from (ast.unparse(one) for one, value in pairs if ast.unparse(value) == "st.session_state")


def _keys(tree: ast.Module, takers: dict[str, int]) -> Iterator[ast.expr]:
    """Every expression of a module that is a key of a widget, a container or the session."""
    states = {"st.session_state", *_names_of_state(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) in states:
            yield node.slice
        elif isinstance(node, ast.Compare) and any(ast.unparse(one) in states for one in node.comparators):
            yield node.left
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in states:
            if node.attr not in {"get", "pop", "setdefault", "__setitem__"}:
                yield ast.Constant(node.attr)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in states and node.args:
                yield node.args[0]
            if name in takers and takers[name] < len(node.args):
                yield node.args[takers[name]]
            yield from (one.value for one in node.keywords if one.arg and re.fullmatch(r"(\w+_)?key", one.arg))


def _strays(modules: dict[str, ast.Module]) -> list[str]:
    """Keys that no scope made."""
    takers = _takers(modules)
    return [f"{file}:{key.lineno}: {ast.unparse(key)}" if hasattr(key, "lineno") else f"{file}: {ast.unparse(key)}"
            for file, tree in modules.items() for key in _keys(tree, takers) if _own_words(key, tree)]  # fmt: skip


def _calls(modules: dict[str, ast.Module], name: str) -> list[tuple[str, str]]:
    """Module and first argument of each call of a function or class."""
    return [
        (file, ast.literal_eval(node.args[0])) for file, tree in modules.items() for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name
    ]  # fmt: skip


def test_a_key_begins_with_its_place():
    assert KeyScope("holter")("paper") == "holter-paper"
    assert KeyScope("ecg")("next", "V") == "ecg-next-V"
    assert KeyScope("holter").in_url("map") == "map", "links that were sent keep working"


def test_no_page_words_a_key_itself():
    assert not _strays(_modules())


@pytest.mark.parametrize(
    "fault",
    [
        'st.button("On", key="on")',
        'st.button("On", key=f"on_{number}")',
        'st.button("On", key="on" if more else scope("off"))',
        'st.form("details")',
        'KEY = "on"\nst.button("On", key=KEY)',
        'ONE, KEY = scope("one"), "on"\nst.button("On", key=KEY)',
        'def show(key: str = "on"):\n    st.button("On", key=key)',
        'def bar(work, key):\n    pass\nbar(work, "on")',
        'st.session_state["on"] = 1',
        'st.session_state.on = 1',
        'st.session_state.get("on")',
        'state = st.session_state\nstate["on"] = 1',
        'state, url = st.session_state, st.query_params\nstate["on"] = 1',
        '"on" in st.session_state',
    ],
)  # fmt: skip
def test_a_key_of_a_pages_own_words_is_found(fault):
    assert _strays({"pages/ecg/holter/strip.py": ast.parse(fault)})


def test_a_scope_is_that_of_its_folder_and_made_once():
    made = _calls(_modules(), "KeyScope")
    assert max(Counter(place for _, place in made).values()) == 1
    for file, place in made:
        assert place == Path(file).parent.name or place in SHARED, file
        assert re.fullmatch(r"[a-z][a-z0-9_]*", place), "what follows the first hyphen is not the place's"


def test_a_name_of_the_address_is_given_once():
    given = [name for _, name in _calls(_modules(), "in_url")]
    assert len(given) > 30
    assert max(Counter(given).values()) == 1
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in given), "none reads as the key of a place"


def test_styles_speak_of_keys_that_there_are():
    """A class is made of a key; one of another form is that of nothing."""
    places = {place for _, place in _calls(_modules(), "KeyScope")}
    for file in [*(ROOT / "pages").rglob("*.py"), *(ROOT / "tests/browser").rglob("*.py")]:
        for name in re.findall(r"st-key-([\w-]+)", file.read_text(encoding="utf-8")):
            assert name.partition("-")[0] in places | {"map", "label", "CHART"}, f"{file.name}: {name}"


def test_what_only_looks_alike_has_no_value():
    """Pages share these keys on purpose, which only what a session keeps nothing of may have."""
    spoken = set()
    for file, tree in _modules().items():
        within = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "styled"]
        held = [
            one.value for node in ast.walk(tree) if isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith(".container") for one in node.keywords if one.arg == "key"
        ]  # fmt: skip
        allowed = {id(call) for value in held for call in ast.walk(value)}
        assert all(id(call) in allowed for call in within), file
        spoken |= {ast.literal_eval(one) for call in within for one in call.args}
    style = (ROOT / "pages/parts/appearance.py").read_text(encoding="utf-8")
    assert all(f"st-key-{styled(name)}" in style for name in spoken)
