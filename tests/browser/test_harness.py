"""The harness itself, on a page of three lines: server, browser, theme, screenshot, clean end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import os, subprocess
import streamlit as st
child = subprocess.Popen(["sleep", "600"]) if "child" not in st.session_state else None
if child:
    st.session_state.child = child.pid
st.title("harness")
st.text(f"home {os.environ['ECGVIZ_HOME']}")
st.text(f"child {st.session_state.child}")
if st.button("press", type="primary"):
    st.text("pressed")
"""


@pytest.mark.browser
def test_browser_drives_a_page_in_both_themes(browser, start_app, artefacts, tmp_path):
    script = tmp_path / "page.py"
    script.write_text(SCRIPT, encoding="utf-8")
    url = start_app(script)
    backgrounds = {}
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(url)
        page.get_by_role("button", name="press").click()
        page.get_by_text("pressed").wait_for()
        backgrounds[scheme] = page.locator(".stApp").evaluate("element => getComputedStyle(element).backgroundColor")
        page.screenshot(path=artefacts / f"harness-{scheme}.png")
        context.close()
        assert (artefacts / f"harness-{scheme}.png").stat().st_size > 1000
    assert backgrounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(27, 26, 26)"}


@pytest.mark.browser
def test_server_has_a_home_of_its_own_and_its_children_end_with_it(tmp_path):
    """Run in a pytest of its own, so that the fixtures' end can be seen from outside."""
    (tmp_path / "page.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_inner.py").write_text(
        "from pathlib import Path\n"
        "def test_inner(browser, start_app):\n"
        "    page = browser.new_page()\n"
        "    page.goto(start_app(Path('page.py').absolute(), Path.cwd()))\n"
        "    lines = [page.get_by_text(word).inner_text() for word in ('home ', 'child ')]\n"
        "    Path('seen.txt').write_text('\\n'.join(line.split(' ', 1)[1] for line in lines))\n"
    )
    environment = {**os.environ, "ECGVIZ_HOME": "elsewhere"}
    done = _pytest(tmp_path, environment)
    assert done.returncode == 0, done.stdout
    home, child = (tmp_path / "seen.txt").read_text().splitlines()
    assert home != "elsewhere"
    assert not _is_alive(int(child))


@pytest.mark.parametrize(("ci", "outcome", "status"), [("", "1 skipped", 0), ("true", "1 error", 1)])
def test_a_missing_browser_skips_and_under_ci_fails(tmp_path, ci, outcome, status):
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_inner.py").write_text("def test_inner(browser):\n    assert browser\n")
    done = _pytest(tmp_path, {**os.environ, "CI": ci, "PATH": str(tmp_path)})
    assert outcome in done.stdout
    assert "no browser found" in done.stdout
    assert done.returncode == status


def test_a_server_that_does_not_start_says_why(tmp_path):
    (tmp_path / "conftest.py").write_text((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_inner.py").write_text(
        "from pathlib import Path\ndef test_inner(start_app):\n    start_app(Path('absent.py'), Path.cwd())\n"
    )
    done = _pytest(tmp_path, dict(os.environ))
    assert done.returncode == 1
    assert "File does not exist" in done.stdout


def _pytest(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-c", os.devnull]
    command += ["--rootdir", str(folder), str(folder)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
