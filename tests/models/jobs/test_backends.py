"""The commands, the choice of a backend, and the one that only pretends."""

from __future__ import annotations

import csv
import inspect
import json
import re
from pathlib import Path

import pytest

from models.__main__ import main
from models.core.errors import ConfigError, JobError
from models.jobs import TRANSITIONS, Backend, FakeBackend, JobState, LocalBackend, backend

ROOT = Path(__file__).resolve().parents[3]
METHODS = [name for name, _ in inspect.getmembers(Backend, inspect.isfunction) if not name.startswith("_")]


@pytest.fixture
def fake(home: Path, monkeypatch, tmp_path: Path) -> FakeBackend:
    """The fake as the setting chooses it."""
    made = FakeBackend(tmp_path / "runs")
    monkeypatch.setenv("ECGVIZ_JOBS", "fake")
    monkeypatch.setitem(backend.__globals__["_BACKENDS"], "fake", lambda: made)
    return made


@pytest.mark.parametrize("kind", [LocalBackend, FakeBackend])
def test_all_backends_are_used_alike(kind: type) -> None:
    assert len(METHODS) == 8
    for name in METHODS:
        assert inspect.signature(getattr(kind, name)) == inspect.signature(getattr(Backend, name)), name


def test_the_setting_chooses(home: Path, monkeypatch) -> None:
    assert isinstance(backend(), LocalBackend)
    monkeypatch.setenv("ECGVIZ_JOBS", "fake")
    assert backend() is backend(), "one for all pages"
    monkeypatch.setenv("ECGVIZ_JOBS", "moon")
    with pytest.raises(ConfigError, match=r"ECGVIZ_JOBS: there is no backend 'moon'; set it to one of local"):
        backend()


def test_the_fake_keeps_the_rules(fake: FakeBackend, tiny) -> None:
    first, second = fake.submit(tiny(), who="me"), fake.submit(tiny("epochs=2"))
    fake.advance()
    assert [job.state for job in fake.list()] == [JobState.RUNNING, JobState.QUEUED]
    fake.advance(2)
    job = fake.get(first)
    assert (job.epoch, job.progress) == (2, 2 / 3)
    with (job.run_dir / "curves" / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert float(rows[1]["train/loss"]) < float(rows[0]["train/loss"])
    fake.cancel(first)
    assert fake.get(first).state is JobState.STOPPING
    fake.advance()
    assert fake.get(first).state is JobState.CANCELLED
    fake.advance(3)
    assert fake.get(second).state is JobState.DONE
    with pytest.raises(JobError, match="is done and cannot become queued"):
        fake.resume(second)
    assert fake.resume(first) == first
    fake.advance()
    fake.fail(first, "because")
    assert fake.get(first).reason == "because"
    assert "epoch 2 of 3  (no training: a fake)" in fake.logs(first)
    fake.delete(first)
    with pytest.raises(JobError, match="there is no job"):
        fake.get(first)


def test_the_commands(fake: FakeBackend, tiny, simulated_root: Path, capsys) -> None:
    sets = [f"data.root={simulated_root}", "data.train=[sim1, sim2]", "data.validation=[sim3]", "epochs=2"]
    arguments = [part for change in sets for part in ("--set", change)]
    assert main(["jobs", "submit", "beat_smoke", *arguments, "--name", "mine"]) == 0
    job_id = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"[0-9a-f]{12}", job_id), "the id alone on the last line"
    assert main(["jobs", "list"]) == 0
    assert re.search(rf"{job_id}  queued\s+0%  cpu\s+mine", capsys.readouterr().out)
    fake.advance(2)
    assert main(["jobs", "show", job_id]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"state +running", shown)
    assert re.search(r"progress +50%  epoch 1 of 2", shown)
    assert re.search(rf"run folder +{fake.get(job_id).run_dir}", shown)
    assert main(["jobs", "cancel", job_id]) == 0
    fake.advance()
    assert main(["jobs", "list", "--state", "cancelled", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["id"] == job_id
    assert main(["jobs", "resume", job_id]) == 0
    assert capsys.readouterr().out == f"{job_id}\n"
    fake.advance()
    fake.fail(job_id, "because")
    assert main(["jobs", "show", job_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == "because"
    assert main(["jobs", "logs", job_id, "--tail", "1"]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert main(["jobs", "delete", job_id]) == 0
    assert main(["jobs", "show", job_id]) == 2
    assert "error: there is no job" in capsys.readouterr().err


def test_a_command_that_cannot_work_says_so_on_stderr(home: Path, capsys) -> None:
    assert main(["jobs", "submit", "beat_smoke", "--set", "data.root=/no/such/folder"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: data.root: /no/such/folder is no folder")
    assert main(["train", "beat_smoke"]) == 2
    assert "run_dir: is needed" in capsys.readouterr().err
    assert main(["train", "--job", "zzz"]) == 2
    assert "there is no job zzz" in capsys.readouterr().err


def test_the_document_says_what_the_code_does() -> None:
    text = (ROOT / "docs" / "jobs.md").read_text()
    table = dict(re.findall(r"^\| `(\w+)` \| .* \| ([^|]*) \|$", text, re.M))
    for state, following in TRANSITIONS.items():
        assert set(re.findall(r"`(\w+)`", table[state])) == set(following), state
    for command in ("submit", "list", "show", "logs", "cancel", "resume", "delete"):
        assert f"jobs {command}" in text
    for setting in ("ECGVIZ_HOME", "ECGVIZ_JOBS", "ECGVIZ_CHECKPOINT_EVERY_S"):
        assert setting in text


def test_every_failure_of_others_has_a_test_here() -> None:
    """The table of docs/jobs.md names tests that are there."""
    text = (ROOT / "docs" / "jobs.md").read_text().partition("## Failures reported elsewhere")[2]
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 16
    for row in rows:
        file = None
        for named in re.findall(r"`([^`]+)`", row.split("|")[2]):
            path, _, name = named.partition("::") if ".py" in named else ("", "", named)
            folder = ROOT if path.startswith("tests/") else ROOT / "tests" / "models" / "jobs"
            file = folder / path if path else file
            assert file.is_file(), named
            assert f"def {name}" in file.read_text(), named
