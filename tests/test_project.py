"""What holds for the project as a whole: bounds, sizes, commands of the README, nothing of one machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FILE_LIMIT = 1_500_000
MOST_LINES = 400
MOST_PARAMETERS = 7
MOST_LINES_OF_FUNCTION = 60
WITH_MORE = {
    ("ecgviz/analysis/inspect.py", "inspect_files"): 9,
    ("ecgviz/figures/geometry.py", "lay_out"): 11,
    ("ecgviz/figures/overview.py", "overview_figure"): 8,
    ("ecgviz/figures/picture.py", "picture_figure"): 13,
    ("ecgviz/saliency/beat.py", "explain_beats"): 8,
    ("ecgviz/saliency/beat.py", "recording_scale"): 9,
    ("ecgviz/saliency/deletion.py", "deletion_test"): 8,
    ("ecgviz/saliency/evidence.py", "judge"): 10,
    ("models/compress/prune.py", "prune"): 8,
    ("models/data/battery_ct_sim/generate.py", "generate"): 8,
    ("models/data/mixed_strips.py", "MixedStrips.__init__"): 9,
    ("models/evaluation/beats.py", "classify"): 8,
    ("models/evaluation/operating_point.py", "choose"): 8,
    ("models/networks/blocks.py", "SEBasicBlock.__init__"): 8,
    ("models/networks/ecg/beat_strip.py", "BeatStripNet.__init__"): 14,
    ("models/networks/ecg/inception1d.py", "Inception1d.__init__"): 8,
    ("models/networks/ecg/resnext1d.py", "ResNeXt1d.__init__"): 8,
    ("models/networks/ecg/se_resnet1d.py", "SEResNet1d.__init__"): 8,
    ("models/networks/ecg/se_resnet_lstm.py", "SEResNetLSTM.__init__"): 8,
    ("models/networks/ecg/vit.py", "PatchTransformer.__init__"): 9,
    ("models/networks/ecg/xresnet1d.py", "XResNet1d.__init__"): 9,
    ("models/training/trainer.py", "fit"): 8,
    ("pages/parts/caching.py", "evidence"): 8,
    ("readers/arrays/to_recording.py", "make_recording"): 8,
}
"""Functions with more parameters than a reader keeps in mind, and how many: a list that only shrinks."""
CHECKPOINTS_LIMIT = 60_000_000
CORE = {"streamlit", "torch", "torchvision", "wfdb", "plotly", "numpy", "captum", "pillow", "timm"}
COMMANDS = (
    "pip install -r requirements.txt && streamlit run app.py",
    "pip install -r requirements-dev.txt && pytest",
)
# The folder of a user, or of a checkout, as it stands on one machine only.
MACHINE_PATH = re.compile(r"(?<![\w.:}/-])(?:/(?:root|home/\w+|Users/\w+|w[o]rk)/|[A-Z]:\\Users\\)\S")


def _requirements(name: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-r ")]


@pytest.fixture(scope="module")
def project_files() -> list[Path]:
    """Files that belong to the project: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-scale.txt"])
def test_every_requirement_has_a_lower_and_an_upper_bound(name):
    requirements = _requirements(name)
    assert requirements
    for requirement in requirements:
        bounds = {specifier.operator: Version(specifier.version) for specifier in requirement.specifier}
        assert bounds.keys() == {">=", "<"}, f"{requirement} must read name>=lower,<upper"
        assert bounds[">="] < bounds["<"], f"{requirement} admits no version"


def test_requirements_name_each_package_once_and_the_core_at_all():
    names = [requirement.name for requirement in _requirements("requirements.txt")]
    assert len(names) == len(set(names))
    assert set(names) >= CORE


@pytest.mark.parametrize(
    ("folders", "lists"),
    [(("app.py", "pages", "ecgviz", "models", "readers"), ["requirements.txt", "requirements-scale.txt"]),
     (("tests",), ["requirements.txt", "requirements-dev.txt", "requirements-scale.txt"])],
)  # fmt: skip
def test_what_is_imported_is_required(folders, lists):
    """A package that another one happens to bring, or that happens to be installed, is missing on a fresh machine."""
    required = {canonicalize_name(requirement.name) for name in lists for requirement in _requirements(name)}
    providers = packages_distributions()
    missing = {
        f"{module} ({path.relative_to(ROOT)})"
        for folder in folders
        for path in ((ROOT / folder).rglob("*.py") if (ROOT / folder).is_dir() else [ROOT / folder])
        for module in _imported(path)
        if not required & {canonicalize_name(name) for name in providers.get(module, [module])}
    }
    assert not missing


def _imported(path: Path) -> set[str]:
    """Top-level names of the packages of others that a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    ours = {"ecgviz", "models", "pages", "readers", "tests", "benchmarks", "scripts"}
    return {name.split(".")[0] for name in names} - ours - set(sys.stdlib_module_names)


def test_development_builds_on_the_requirements_of_the_app():
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_gives_the_two_commands(command):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_ci_runs_the_command_of_the_readme():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "-r requirements-dev.txt" in text
    assert "CI=true" in text
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_licence_is_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"


def test_streamlit_sends_nothing_and_listens_at_home():
    """Recordings are personal data (and the option names must be ones that this Streamlit knows)."""
    from streamlit.config import get_config_options

    known = get_config_options()
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert config["server"]["address"] == "localhost"
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorDetails"] not in {"full", "stacktrace", True, False}
    assert {"light", "dark"} <= config["theme"].keys()
    options = {f"{section}.{name}" for section, entries in config.items() for name in _flat(entries)}
    assert options <= known.keys()


def _flat(entries: dict, prefix: str = "") -> list[str]:
    names = []
    for name, value in entries.items():
        names += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return names


def test_markers_are_strict(tmp_path):
    """A misspelt marker is an error, not a test that is never selected."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "tests").mkdir()
    test = tmp_path / "tests" / "test_marker.py"
    for markers, status in ((("gpu", "browser", "slow", "data"), 0), (("browsre",), 2)):
        marks = "".join(f"@pytest.mark.{marker}\n" for marker in markers)
        test.write_text(f"import pytest\n{marks}def test_it():\n    assert 1\n")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout


@pytest.mark.skipif(os.cpu_count() == 1, reason="one core: one process")
def test_the_whole_suite_runs_in_two_processes_and_they_start_no_others(tmp_path):
    """A worker reads the same conftest; one that started workers of its own would never come to an end."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    lines = (
        "import os, time",
        "def test_it():",
        "    time.sleep(1)",
        "    open(os.environ['PYTEST_XDIST_WORKER'], 'x')",
    )
    for name in ("a", "b"):
        (folder / f"test_{name}.py").write_text("\n".join(lines) + "\n")
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert "2 passed" in done.stdout, done.stdout
    assert {one.name for one in tmp_path.glob("gw*")} == {"gw0", "gw1"}


def test_no_file_is_large(project_files):
    checkpoints = ROOT / "checkpoints"
    large = {
        str(path.relative_to(ROOT)): path.stat().st_size
        for path in project_files
        if checkpoints not in path.parents and path.stat().st_size > FILE_LIMIT
    }
    assert large == {}


def test_no_module_is_long(project_files):
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in project_files if path.suffix == ".py"}
    assert lines
    assert {str(path.relative_to(ROOT)): n for path, n in lines.items() if n > MOST_LINES} == {}


def test_no_function_takes_many_parameters(project_files):
    """Tests take fixtures and drawn values, and are left out."""
    modules = [path for path in project_files if path.suffix == ".py" and ROOT / "tests" not in path.parents]
    found = {
        (str(path.relative_to(ROOT)), name): count
        for path in modules
        for name, count in _parameters(ast.parse(path.read_text("utf-8")))
        if count > MOST_PARAMETERS
    }
    assert found == WITH_MORE


def test_no_function_is_long(project_files):
    """Without its docstring: that tells shapes, units and errors. A test may be long where a story is."""
    modules = [path for path in project_files if path.suffix == ".py" and ROOT / "tests" not in path.parents]
    found = {
        (str(path.relative_to(ROOT)), node.name): lines
        for path in modules
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (lines := _lines(node)) > MOST_LINES_OF_FUNCTION
    }
    assert found == {}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From its name to its end, without its docstring."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    told = first.end_lineno - first.lineno + 1 if documented else 0
    return function.end_lineno - function.lineno + 1 - told


def test_lines_of_a_function_are_counted():
    (function,) = ast.parse('@kept\ndef f(\n    a,\n):\n    """Two\n    lines."""\n    return a\n').body
    assert _lines(function) == 4


def _parameters(tree: ast.AST, within: str = "") -> list[tuple[str, int]]:
    """Name and number of parameters of each function, without the object or class that a method is of."""
    found = []
    for node in ast.iter_child_nodes(tree):
        name = within
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{within}.{node.name}".strip(".")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            takes = node.args
            names = [one.arg for one in (*takes.posonlyargs, *takes.args, *takes.kwonlyargs)]
            count = len(names) - (names[:1] in (["self"], ["cls"])) + bool(takes.vararg) + bool(takes.kwarg)
            found.append((name, count))
        found += _parameters(node, name)
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(a, /, b, *c, d=1, **e): pass", [("f", 5)]),
        ("class A:\n    def f(self, a): pass", [("A.f", 1)]),
        ("def f():\n    if 1:\n        async def g(a): pass", [("f", 0), ("f.g", 1)]),
    ],
)
def test_parameters_are_counted(source, found):
    assert _parameters(ast.parse(source)) == found


def test_checkpoints_stay_small(project_files):
    checkpoints = ROOT / "checkpoints"
    assert sum(path.stat().st_size for path in project_files if checkpoints in path.parents) <= CHECKPOINTS_LIMIT


def test_no_path_of_one_machine(project_files):
    found = []
    for path in project_files:
        content = path.read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
            if MACHINE_PATH.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open('/ro" + "ot/x.dat')", True),
        ("see /ho" + "me/ann/data", True),
        ("/wo" + "rk/main/app.py", True),
        ("C:\\Us" + "ers\\ann", True),
        ("https://example.org/wo" + "rk/x", False),
        ("the wo" + "rk/life ratio", False),
        ("../shared/data", False),
    ],
)
def test_a_path_of_one_machine_is_told_from_other_text(text, found):
    assert bool(MACHINE_PATH.search(text)) == found


def test_a_word_that_parts_share_stands_once():
    """Types of functions (models/core/callbacks.py) and sentences are imported, not written again."""
    seen: dict[str, list[str]] = {}
    for folder in ("ecgviz", "models", "pages", "readers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
                    continue
                alias = isinstance(node.value, ast.Subscript) and ast.unparse(node.value).startswith("Callable[")
                value = node.value.value if isinstance(node.value, ast.Constant) else None
                if alias or (isinstance(value, str) and " " in value):
                    seen.setdefault(ast.unparse(node.value), []).append(f"{path.name}: {node.targets[0].id}")
    assert not {value: places for value, places in seen.items() if len(places) > 1}


def test_prose_of_documents_wraps():
    """A reviewer sees what changed in a sentence, not a paragraph of one line."""
    long = []
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    for path in documents:
        prose = re.sub(r"^ *```.*?^ *```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
        long += [
            f"{path.name}: {line[:60]}"
            for line in prose.splitlines()
            if len(line) > 120 and not line.startswith(("|", "#", "    ", "<!--")) and " " in line[: line.rfind("](")]
        ]
    assert long == []
