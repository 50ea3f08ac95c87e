"""Metrics of each class of runs, beside each other."""

from __future__ import annotations

from pathlib import Path

from models.experiments.by_class import class_metrics, side_by_side
from models.experiments.runs import Run
from models.jobs import Job


def run(confusion, classes=("normal", "defect")) -> Run:
    job = Job(id="a", name="run a", config={"task": {"kind": "image"}}, config_hash="", run_dir=Path("/nowhere"))
    return Run(job, cases="7 pictures", confusion=confusion, classes=classes)


def test_recall_and_precision_come_from_the_counts():
    found = class_metrics(run([[3, 1], [1, 2]]))
    assert (found["normal"].cases, found["normal"].recall, found["normal"].precision) == (4, 3 / 4, 3 / 4)
    assert (found["defect"].cases, found["defect"].recall, found["defect"].precision) == (3, 2 / 3, 2 / 3)


def test_a_class_without_cases_is_flagged_and_has_no_recall():
    lacking = run([[4, 0], [0, 0]])
    assert lacking.lacking == ("defect",)
    assert class_metrics(lacking)["defect"].recall is None
    assert class_metrics(lacking)["defect"].precision is None
    assert run([[3, 1], [1, 2]]).lacking == ()


def test_runs_stand_beside_each_other_and_those_without_counts_are_left_out():
    rows = side_by_side([run([[3, 1], [1, 2]]), run(None)])
    assert [row["Run"] for row in rows] == ["run a"]
    assert rows[0]["defect recall"] == 2 / 3
