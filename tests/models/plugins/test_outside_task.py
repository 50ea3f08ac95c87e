"""A task of another package: nothing in ``models`` names it, and it is trained, scored and listed as any other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

OUTSIDE = Path(__file__).resolve().parent / "outside"
ROOT = OUTSIDE.parents[3]
LOOK = """
import json, sys
from pathlib import Path
from models import load_checkpoint
from models.config import load_config
from models.experiments.preflight import outlook
from models.experiments.fields import base_configs, settings_of
from models.experiments.curves import monitored, read_curves
from models.experiments.runs import read_run
from models.jobs.store import JobStore
from models.jobs.submission import prepare
from models.plugins import list_tasks, plugin_of

config = load_config("fast_heart", ["data.root=data"])
found = outlook(config)
job = prepare(config, JobStore())
run = read_run(job.__class__(**{**vars(job), "run_dir": Path(sys.argv[1])}))
card = load_checkpoint(Path(sys.argv[1]) / "checkpoint").card
print(json.dumps({
    "tasks": list_tasks(), "train": found.cases.train, "units": found.cases.units, "seconds": found.seconds,
    "monitored": monitored(config), "best": read_curves(Path(sys.argv[1])).best("validation/loss", "min") is not None,
    "epochs": job.epochs, "main": run.main.value, "kind": card.kind, "role": card.role,
    "plugin": type(plugin_of(card)).__name__,
    "offered": "fast_heart" in base_configs(), "form": [one.path for one in settings_of(config)],
}))
"""
ORPHAN = """
import sys, yaml
from pathlib import Path
from models.experiments.curves import monitored, read_curves
from models.experiments.runs import read_run
from models.jobs import Job

values = yaml.safe_load((Path(sys.argv[1]) / "config.yaml").read_text())
run = read_run(Job("abcdefabcdef", "orphan", values, run_dir=Path(sys.argv[1])))
assert run.epoch and not run.cases and run.main.value is None
print(*monitored(values), next(name for name in read_curves(Path(sys.argv[1])).series if "accuracy" in name))
"""


def write_data(folder: Path) -> Path:
    """Spikes at 60 to 80 and at 120 to 160 a minute, with noise."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    for side, count in (("train", 96), ("validation", 48)):
        fast = np.arange(count) % 2
        signal = generator.normal(0, 0.05, (count, 400)).astype(np.float32)
        for row, is_fast in zip(signal, fast, strict=True):
            rate = generator.uniform(120, 160) if is_fast else generator.uniform(60, 80)
            row[np.arange(generator.uniform(0, 20), 400, 50 * 60 / rate).astype(int)] += 1
        np.savez(folder / f"{side}.npz", signal=signal, fast=fast)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds the package's record of installation, and its data."""
    place = tmp_path_factory.mktemp("outside")
    record = place / "fast_heart-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: fast-heart\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text("[ecgviz.tasks]\nfast_heart = fast_heart\n")
    write_data(place / "data")
    return place


def _python(place: Path, *arguments: str, outside: bool = True, modules: bool = True) -> subprocess.CompletedProcess:
    paths = [str(ROOT), *([str(OUTSIDE)] if outside and modules else []), *([str(place)] if outside else [])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "ECGVIZ_CHECKPOINTS": str(place / "checkpoints"),
        "ECGVIZ_HOME": str(place / "home"),
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place if outside else ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def trained(installed):
    done = _python(installed, "-m", "models", "train", "fast_heart", "--set", "data.root=data", "--run-dir", "run")
    assert done.returncode == 0, done.stderr
    done = _python(installed, "-m", "models", "promote", "run")
    assert done.returncode == 0, done.stderr
    return installed


@pytest.mark.slow
def test_the_command_line_trains_scores_and_lists_it(trained):
    done = _python(
        trained, "-m", "models", "evaluate", "fast-heart", "--data", "data", "--json", "scores.json", "--to-card", "own"
    )
    assert done.returncode == 0, done.stderr
    accuracy = json.loads((trained / "scores.json").read_text())["accuracy"]
    assert accuracy > 0.9
    card = json.loads((trained / "checkpoints" / "fast-heart" / "card.json").read_text())
    assert card["metrics"]["own"] == {"accuracy": accuracy}
    listed = _python(trained, "-m", "models", "list").stdout
    assert any(line.split()[:2] == ["tiny_rate", "fast_heart"] for line in listed.splitlines())
    assert "  fast-heart " in listed


@pytest.mark.slow
def test_all_that_stands_around_a_training_knows_it(trained):
    done = _python(trained, "-c", LOOK, "run")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["tasks"][-1] == found["kind"] == "fast_heart"
    assert (found["train"], found["units"]) == ({"slow": 48, "fast": 48}, "recordings")
    assert found["seconds"] > 0 and found["epochs"] == 12 and found["best"]
    assert found["monitored"] == ["validation/loss", "min"]
    assert found["main"] > 0.9
    assert found["offered"] and {"data.root", "task.segment_seconds", "epochs"} <= set(found["form"])
    assert (found["role"], found["plugin"]) == ("rate", "FastHeart")


@pytest.mark.slow
def test_what_cannot_work_is_refused_with_the_name_of_the_field(installed):
    done = _python(installed, "-m", "models", "jobs", "submit", "fast_heart", "--set", "data.root=nowhere")
    assert done.returncode == 2
    assert "has no train.npz" in done.stderr
    done = _python(installed, "-m", "models", "train", "fast_heart", "--set", "task.fs_out=x", "--run-dir", "no")
    assert done.returncode == 2
    assert "task.fs_out" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_package_that_cannot_be_imported_takes_nothing_else_down(installed):
    """Its record of installation is there, its module is not."""
    done = _python(installed, "-c", "from models.plugins import list_tasks; print(*list_tasks())", modules=False)
    assert done.returncode == 0
    assert done.stdout.split()[0] == "beat"
    assert "fast_heart" not in done.stdout
    assert "the tasks of fast_heart cannot be loaded" in done.stderr


@pytest.mark.slow
def test_without_its_package_a_checkpoint_is_listed_and_not_loaded(trained):
    listed = _python(trained, "-m", "models", "list", outside=False)
    assert listed.returncode == 0 and "  fast-heart " in listed.stdout
    done = _python(trained, "-m", "models", "evaluate", "fast-heart", "--data", str(trained / "data"), outside=False)
    assert done.returncode == 2
    assert "there is no kind 'fast_heart'" in done.stderr
    assert "Traceback" not in done.stderr
    done = _python(trained, "-c", ORPHAN, str(trained / "run"), outside=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["validation/loss", "min", "validation/accuracy"]
