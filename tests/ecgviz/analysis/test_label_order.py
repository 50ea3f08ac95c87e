"""What to label first, and what people decided as labels for a training."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgviz.__main__ import main
from ecgviz.analysis.decided_labels import decided_labels
from ecgviz.analysis.dispositions import Decisions, slice_verdict
from ecgviz.analysis.inspect import inspect_files
from ecgviz.analysis.label_order import diverse_order, label_order, uncertainty
from ecgviz.analysis.overrides import override, override_all, standing
from ecgviz.errors import ReadError
from models.data.image_folder import load_split
from models.data.versions import list_versions
from tests.ecgviz.spots import picture, spot_checkpoint, write_pictures, write_stack
from tests.readers.volumes.written import by_itk


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return spot_checkpoint(tmp_path, monkeypatch)


@given(st.integers(1, 12), st.integers(0, 99))
def test_every_part_comes_once_and_the_least_certain_first(n, seed):
    rng = np.random.default_rng(seed)
    weights, features = rng.random(n), rng.normal(size=(n, 3))
    order = [place for place, _ in diverse_order(weights, features)]
    assert sorted(order) == list(range(n))
    assert order[0] == int(np.argmax(weights))


def test_parts_that_differ_come_before_more_of_the_same():
    features = np.array([[1.0, 0.0]] * 5 + [[0.0, 1.0], [-1.0, 0.2]])
    weights = np.array([0.95, 0.94, 0.93, 0.92, 0.91, 0.5, 0.5])
    assert set([place for place, _ in diverse_order(weights, features)][:3]) == {0, 5, 6}


def test_uncertain_parts_are_those_near_the_threshold_and_decided_ones_are_left_out(checkpoint, tmp_path):
    paths = write_pictures(tmp_path / "parts", [False, True, False, True])
    verdicts = list(inspect_files(paths, checkpoint))
    told = [uncertainty(one) for one in verdicts]
    assert all(0 < one <= 1 for one in told)
    nearest = min(verdicts, key=lambda one: abs(one.score - one.threshold))
    assert uncertainty(nearest) == max(told)
    order = label_order(verdicts, checkpoint, Decisions())
    assert order[0].verdict == nearest
    assert {one.verdict.file for one in order} == {one.file for one in verdicts}
    override(nearest, "normal", reason="seen", who="A", confirm=True)
    assert nearest not in [one.verdict for one in label_order(verdicts, checkpoint, standing())]


def test_decisions_become_labels_of_parts_and_slices(checkpoint, tmp_path):
    folder = tmp_path / "parts"
    one, two, three = write_pictures(folder, [False, True, True])
    stack, other = (
        write_stack(folder / "cell.tif", [False, True, False]),
        write_stack(folder / "ok.tif", [False, False]),
    )
    verdicts = list(inspect_files([one, two, three, stack, other], checkpoint))
    by_file = {verdict.file: verdict for verdict in verdicts}
    override_all([by_file[str(one)], by_file[str(two)]], "defect", reason="seen", who="A")
    override(by_file[str(three)], "review", reason="unclear", who="A")
    override(slice_verdict(by_file[str(stack)], 1), "normal", reason="lid", who="B", scope="slice")
    override(by_file[str(other)], "normal", reason="fine", who="B", confirm=True)
    found = decided_labels(verdicts, standing())
    assert [(change.path.name, change.label, change.page) for change in found.changes] == [
        ("part_00.png", "defect", None), ("part_01.png", "defect", None), ("cell.tif", "normal", 1),
        ("ok.tif", "normal", None),
    ]  # fmt: skip
    assert [verdict.file for verdict in found.open] == [str(three)], "review is no label"
    assert {change.who for change in found.changes} == {"A", "B"}


def test_a_slice_of_a_volume_is_labelled_as_the_page_of_its_file_or_not_at_all(checkpoint, tmp_path):
    """A coronal slice is no page of any file; that of a header with its values beside it is one of the header's."""
    header = by_itk(tmp_path / "cell.mhd", np.stack([picture(False), picture(True)]))
    for path, found in ((header, [(header, 1)]), (Path(f"{header}?axis=coronal"), None)):
        verdict = next(inspect_files([path], checkpoint))
        override(slice_verdict(verdict, 1), "defect", reason="seen", who="A", scope="slice", confirm=True)
        if found is None:
            with pytest.raises(ReadError, match="axial slices of a file"):
                decided_labels([verdict], standing())
        else:
            assert [(one.path, one.page) for one in decided_labels([verdict], standing()).changes] == found


def test_the_commands_write_the_order_and_a_version(checkpoint, tmp_path, capsys):
    folder = tmp_path / "parts"
    paths = write_pictures(folder, [False, True, False])
    given = ("--checkpoint", str(checkpoint.folder), "--device", "cpu")
    order = tmp_path / "order.csv"
    assert main(["inspect", str(folder), *given, "--csv", str(tmp_path / "a.csv"), "--label-order", str(order)]) == 0
    rows = list(csv.DictReader(io.StringIO(order.read_text(encoding="utf-8-sig"))))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert main(["dataset", str(folder), *given, "--name", "cells"]) == 2
    assert "decide about some parts first" in capsys.readouterr().err
    said = ["--reason", "seen", "--who", "Ana"]
    assert main(["override", str(paths[0]), *given, "--verdict", "defect", *said]) == 0
    assert main(["dataset", str(folder), *given, "--name", "cells"]) == 0
    made = list_versions("cells")[0]
    assert [(one["kind"], one["new"], one["who"]) for one in made.changes] == [("added", "defect", "Ana")]
    assert sum(len(rows) for rows in load_split(made.folder)[0].values()) == 1


def test_of_several_parts_all_are_decided_or_none(checkpoint, tmp_path, capsys):
    paths = [*write_pictures(tmp_path / "parts", [False, True]), tmp_path / "gone.png"]
    given = ["--checkpoint", str(checkpoint.folder), "--device", "cpu", "--reason", "seen", "--who", "Ana"]
    assert main(["override", *map(str, paths), *given, "--verdict", "defect"]) == 2
    assert "gone.png could not be read" in capsys.readouterr().err
    assert len(standing()) == 0
    assert main(["override", *map(str, paths[:2]), *given, "--verdict", "defect"]) == 0
    assert len(standing()) == 2
