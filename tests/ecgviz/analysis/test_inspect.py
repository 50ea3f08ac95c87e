"""From files to verdicts: order, errors, stacks, memory, cancelling, out-of-distribution pictures."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from ecgviz.analysis import pipeline
from ecgviz.analysis.coverage import to_inspect
from ecgviz.analysis.inspect import (
    StackRule,
    current_point,
    inspect_files,
    judge_stack,
    score_stack,
    stack_outputs,
)
from ecgviz.analysis.score_cache import FILE, files_sha256
from ecgviz.errors import CheckpointError, ConfigError, ReadError
from ecgviz.home import home_folder
from models import load_checkpoint
from models.evaluation.operating_point import OperatingPoint, given_point, save
from models.evaluation.out_of_distribution import OutOfDistributionDetector
from readers.images import open_images
from tests.ecgviz.spots import picture, spot_checkpoint, write_pictures, write_stack

SPOTS = [False, True, False, False, True, False, True, False, False]


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return spot_checkpoint(tmp_path, monkeypatch)


@pytest.fixture
def paths(tmp_path):
    return write_pictures(tmp_path / "parts", SPOTS)


@pytest.mark.parametrize("batch_size", [None, 1, 4])
def test_every_file_gets_its_verdict_in_order(checkpoint, paths, batch_size):
    told = []
    verdicts = list(
        inspect_files(paths, checkpoint, batch_size=batch_size, progress=lambda *state: told.append(state[:2]))
    )
    assert [one.verdict for one in verdicts] == ["defect" if spot else "normal" for spot in SPOTS]
    assert [one.file for one in verdicts] == [str(path) for path in paths]
    assert [one.sha256 for one in verdicts] == [files_sha256([path]) for path in paths]
    assert {one.checkpoint_sha256 for one in verdicts} == {checkpoint.sha256}
    assert all(one.slice_index is None and one.seconds > 0 and not one.error for one in verdicts)
    assert told == [(index + 1, len(paths)) for index in range(len(paths))]


def test_scores_are_those_of_the_task_and_the_calibration(checkpoint, paths):
    calibrated = replace(checkpoint, card=checkpoint.card.model_copy(update={"calibration": {"temperature": 2.5}}))
    verdicts = list(inspect_files(paths, calibrated))
    x = torch.stack([calibrated.task.prepare(open_images(path).pixels(0)) for path in paths])
    with torch.inference_mode():
        expected = torch.softmax(calibrated.network(x) / 2.5, dim=1)[:, 1]
    assert [one.score for one in verdicts] == pytest.approx(expected.tolist(), abs=1e-6)


def test_a_bad_file_is_a_row_and_ends_nothing(checkpoint, paths, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(paths[0].read_bytes()[:200])
    verdicts = list(inspect_files([paths[0], bad, tmp_path / "missing.png", paths[1]], checkpoint))
    assert [one.verdict for one in verdicts] == ["normal", "review", "review", "defect"]
    assert [bool(one.error) for one in verdicts] == [False, True, True, False]
    assert "bad.png" in verdicts[1].error
    assert np.isnan(verdicts[1].score)
    assert verdicts[2].sha256 == ""


def test_a_stack_follows_its_rule_and_names_its_slice(checkpoint, tmp_path):
    stack = write_stack(tmp_path / "cell.tif", [False, False, True, False])
    [highest] = inspect_files([stack], checkpoint)
    assert (highest.verdict, highest.slice_index, len(highest.slice_scores)) == ("defect", 2, 4)
    assert highest.score == max(highest.slice_scores)
    [mean] = inspect_files([stack], checkpoint, rule=StackRule(3))
    assert mean.slice_index == 2
    assert mean.score == pytest.approx(np.mean(sorted(highest.slice_scores)[-3:]), abs=1e-6)
    assert mean.verdict == "normal", "one slice of three does not make the mean a defect"
    with pytest.raises(ConfigError, match="top_k"):
        StackRule(0)


def test_a_folder_given_as_one_path_is_one_stack(checkpoint, paths):
    [verdict] = inspect_files([paths[0].parent], checkpoint)
    assert len(verdict.slice_scores) == len(paths)
    assert verdict.verdict == "defect"


def test_a_slice_that_cannot_be_read_keeps_a_stack_from_being_normal(checkpoint, tmp_path, monkeypatch):
    stack = write_stack(tmp_path / "cell.tif", [False] * 3)
    real = pipeline.open_images

    class Damaged:
        def __init__(self, source):
            self.files, self._source = source.files, source

        def read(self, index):
            if index == 1:
                raise ReadError("cell.tif", "page 2 is damaged; export it again.")
            return self._source.read(index)

    def opened(path):
        found = real(path)
        return replace(found, source=Damaged(found.source))

    monkeypatch.setattr(pipeline, "open_images", opened)
    [verdict] = inspect_files([stack], checkpoint)
    assert verdict.verdict == "review"
    assert verdict.error.startswith("1 of 3 slices could not be read; slice 2")
    assert np.isnan(verdict.slice_scores[1])
    monkeypatch.setattr(pipeline, "open_images", real)
    [again] = inspect_files([stack], checkpoint)
    assert not again.error, "a failure is not remembered"


def test_a_second_scan_needs_no_network_and_a_renamed_file_is_known(checkpoint, paths, monkeypatch):
    first = list(inspect_files(paths, checkpoint))
    moved = paths[0].rename(paths[0].with_name("renamed.png"))
    monkeypatch.setattr(pipeline.Runner, "start", lambda *_: pytest.fail("the network was asked again"))
    again = list(inspect_files([moved, *paths[1:]], checkpoint, operating_point=given_point(0.001)))
    assert [one.score for one in again] == [one.score for one in first]
    assert {one.verdict for one in again} == {"defect"}, "another threshold takes the same scores"
    assert all(one.seconds == 0 for one in again)


def test_other_weights_and_other_statistics_are_other_answers(checkpoint, paths, tmp_path, monkeypatch):
    list(inspect_files(paths[:1], checkpoint))
    asked = []
    start = pipeline.Runner.start
    monkeypatch.setattr(pipeline.Runner, "start", lambda self, squares: asked.append(1) or start(self, squares))
    list(inspect_files(paths[:1], checkpoint, remember=False))
    assert len(asked) == 1
    OutOfDistributionDetector.fit(torch.rand(20, 2), torch.rand(20, 2)).save(checkpoint.folder)
    list(inspect_files(paths[:1], checkpoint))
    assert len(asked) == 2


def test_a_stopped_scan_goes_on_where_it_was(checkpoint, paths, monkeypatch):
    stop = []
    done = list(
        inspect_files(
            paths, checkpoint, batch_size=2, should_stop=lambda: bool(stop), progress=lambda *_: stop.append(1)
        )
    )
    assert 0 < len(done) < len(paths)
    seen = []
    start = pipeline.Runner.start
    monkeypatch.setattr(pipeline.Runner, "start", lambda self, squares: seen.extend(squares) or start(self, squares))
    whole = list(inspect_files(paths, checkpoint))
    assert len(whole) == len(paths)
    assert len(seen) == len(paths) - len(done)


def test_leaving_a_scan_early_stops_its_threads(checkpoint, paths):
    scan = inspect_files(paths * 20, checkpoint, batch_size=1, remember=False)
    next(scan)
    scan.close()
    import threading

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_no_more_is_decoded_than_the_next_batches_need(checkpoint):
    begun = []
    with ThreadPoolExecutor(2) as pool:
        results = pipeline.ahead(pool, lambda item: begun.append(item) or item, range(1000), 8)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        assert len(begun) <= 11


def test_a_damaged_memory_is_begun_anew(checkpoint, paths):
    home_folder().mkdir(parents=True)
    (home_folder() / FILE).write_bytes(b"this is no database, but it is long enough to be looked at" * 20)
    assert len(list(inspect_files(paths, checkpoint))) == len(paths)
    with sqlite3.connect(home_folder() / FILE) as connection:
        assert connection.execute("SELECT count(*) FROM outputs").fetchone()[0] == len(paths)


def test_out_of_distribution_pictures_go_to_review(checkpoint, paths):
    network = checkpoint.network
    x = torch.stack([checkpoint.task.prepare(picture(False, seed)) for seed in range(40)])
    with torch.inference_mode():
        embedding = network(x, return_features=True)[1] + 0.001 * torch.randn(40, 2)
    OutOfDistributionDetector.fit(embedding, embedding).save(checkpoint.folder)
    good, spotted = list(inspect_files(paths[:2], checkpoint))
    assert good.in_distribution is True
    assert good.distance is not None
    assert (spotted.in_distribution, spotted.verdict) == (False, "review")
    assert spotted.score > 0.5, "the score stands as the network gave it"


def test_the_saved_operating_point_is_the_one_used(checkpoint, paths):
    assert current_point(checkpoint).version == "default"
    saved = save(checkpoint.folder, OperatingPoint(threshold=0.9, grey_zone=(0.0, 0.9)))
    verdict = next(iter(inspect_files(paths, checkpoint)))
    assert verdict.operating_point_version == saved.version
    assert verdict.grey_zone == (0.0, 0.9)
    assert verdict.verdict == "review"


def test_wrong_use_is_said_at_once(checkpoint, paths):
    with pytest.raises(ConfigError, match="no picture"):
        inspect_files([], checkpoint)
    with pytest.raises(ConfigError, match="batch_size"):
        inspect_files(paths, checkpoint, batch_size=0)
    with pytest.raises(CheckpointError, match="not pictures"):
        inspect_files(paths, load_checkpoint("beat-dcrnn"))


def test_an_open_stack_is_scored_slice_by_slice_and_judged(checkpoint, tmp_path):
    path = write_stack(tmp_path / "cell.tif", [False, True, False])
    stack, told = open_images(path), []
    scores = score_stack(stack, checkpoint, progress=lambda *state: told.append(state[:2]))
    assert scores.dtype == np.float32
    assert (scores > 0.5).tolist() == [False, True, False]
    assert told[-1] == (3, 3)
    [verdict] = inspect_files([path], checkpoint)
    assert verdict.slice_scores == pytest.approx(scores.tolist())
    judged = judge_stack(stack, checkpoint, stack_outputs(stack, checkpoint))
    assert replace(judged, file=verdict.file, seconds=0) == replace(verdict, seconds=0)


def test_pictures_of_a_folder_and_of_its_folders(paths, tmp_path):
    write_pictures(paths[0].parent / "more", [True])
    (paths[0].parent / "notes.txt").write_text("no picture")
    assert len(to_inspect(paths[0].parent).paths) == len(paths) + 1
    assert to_inspect(tmp_path / "nowhere.png").paths == (tmp_path / "nowhere.png",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="no picture"):
        to_inspect(tmp_path / "empty")
