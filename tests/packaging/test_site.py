"""The documentation site: it builds without a warning and a network, and holds every public name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.docstring_roles import as_code
from tests.test_exported_members import PUBLIC

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `mkdocs build --strict` does: a link that leads nowhere is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_public_name_stands_in_the_api_reference(site):
    pages = "".join(path.read_text(encoding="utf-8") for path in (site / "reference").glob("*.html"))
    anchors = set(re.findall(r'\bid="([\w.]+)"', pages))
    missing = []
    for module, names in PUBLIC.items():
        for name in names.split():
            # These hand on the names of others.
            of = module.replace("ecgviz.errors", "models.core.errors").replace("ecgviz.readers", "readers")
            place = f"{of}.{name}"
            if not {place, f"{place}.{name}"} & anchors:  # a function may be called as the module that it stands in
                missing.append(place)
    assert missing == []
    assert ":func:" not in pages
    assert ":class:" not in pages


@pytest.mark.slow
def test_the_site_fetches_nothing(site):
    """Neither a page nor a style sheet loads from another host; links that a person follows may lead away."""
    loads = re.compile(
        r"""(?:<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?|url\(["']?|@import\s+["'])(?:https?:)?//"""
    )
    fetched = [
        f"{path.relative_to(site)}: {found[0]}"
        for path in site.rglob("*")
        if path.suffix in {".html", ".css"}
        for found in loads.finditer(path.read_text(encoding="utf-8"))
    ]
    assert fetched == []


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see :func:`models.create_model`.", "see `models.create_model`."),
        (":class:`~models.core.errors.JobError` and ``x``", "`models.core.errors.JobError` and ``x``"),
        ("a time of 12:30:`x`", "a time of 12:30:`x`"),
    ],
)
def test_roles_of_docstrings_become_code(written, shown):
    assert as_code(written) == shown
