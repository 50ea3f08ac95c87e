"""``--ray`` writes what the same command writes without it. On a real cluster of this machine, with a token."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ecgviz.__main__ import main
from tests.models.conftest import picture_root, simulated_root  # noqa: F401  fixtures
from tests.models.jobs.ray_cluster import cluster  # noqa: F401  a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install -r requirements-scale.txt"
)
ROOT = Path(__file__).resolve().parents[3]
TIMES = {"seconds"}


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """``python -m ecgviz`` in a process of its own, as Ray is joined once."""
    return subprocess.run(
        [sys.executable, "-m", "ecgviz", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def documents(folder: Path) -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) | {"seconds": 0} for path in sorted(folder.glob("*.json"))}


@pytest.fixture
def recordings(simulated_root: Path, tmp_path: Path) -> Path:  # noqa: F811
    """Three recordings and one that cannot be read."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for path in simulated_root.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.hea").write_text("this is no header\n")
    return folder


def test_a_folder_of_recordings_gets_a_file_each(recordings: Path, tmp_path: Path, capsys) -> None:
    arguments = ["--json", str(tmp_path / "json"), "--csv", str(tmp_path / "csv"), "--atr", str(tmp_path / "atr")]
    assert main(["analyze", str(recordings), "--device", "cpu", *arguments]) == 1
    assert [path.name for path in sorted((tmp_path / "json").iterdir())] == [f"sim{n}.json" for n in (1, 2, 3)]
    assert [path.name for path in sorted((tmp_path / "csv").iterdir())] == [f"sim{n}.csv" for n in (1, 2, 3)]
    assert len(list((tmp_path / "atr").iterdir())) == 3
    said = capsys.readouterr()
    assert "broken.hea" in said.err
    assert said.out.count("Not for diagnosis") == 1


def test_one_recording_is_not_spread(recordings: Path, capsys) -> None:
    assert main(["analyze", str(recordings / "sim1"), "--ray"]) == 2
    assert "spreads a folder" in capsys.readouterr().err


@needs_ray
def test_recordings_on_the_cluster(cluster: str, recordings: Path, tmp_path: Path) -> None:  # noqa: F811
    assert main(["analyze", str(recordings), "--device", "cpu", "--json", str(tmp_path / "here")]) == 1
    ended = command("analyze", str(recordings), "--json", str(tmp_path / "there"), "--ray")
    assert ended.returncode == 1, ended.stderr
    assert "broken.hea" in ended.stderr
    here = documents(tmp_path / "here")
    assert documents(tmp_path / "there") == here
    assert len(here) == 3


@needs_ray
def test_pictures_on_the_cluster(cluster: str, picture_root: Path, tmp_path: Path) -> None:  # noqa: F811
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(12):
        (pictures / f"p{number}.png").write_bytes((picture_root / f"p{number:03}.png").read_bytes())
    (pictures / "broken.png").write_text("no picture")
    rows = []
    for name, *more in (("here", "--device", "cpu"), ("there", "--ray")):
        file = tmp_path / f"{name}.csv"
        ended = command("inspect", str(pictures), "--csv", str(file), *more, ECGVIZ_HOME=str(tmp_path / name))
        assert ended.returncode == 1, ended.stderr
        with file.open() as stream:
            rows.append([{key: row[key] for key in row if key not in TIMES} for row in csv.DictReader(stream)])
    assert len(rows[0]) == 13
    for here, there in zip(*rows, strict=True):
        scores = [float(row.pop("pred_score") or "nan") for row in (there, here)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5, nan_ok=True)
        assert there == here


@needs_ray
def test_a_wrong_token_is_named_as_such(cluster: str, recordings: Path, tmp_path: Path) -> None:  # noqa: F811
    token = tmp_path / "wrong"
    token.write_text("wrong" * 8)
    ended = command("analyze", str(recordings), "--ray", RAY_AUTH_TOKEN_PATH=str(token))
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "authentication failed: put its token" in ended.stderr
