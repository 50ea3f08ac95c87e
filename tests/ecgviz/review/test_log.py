"""The log of reviews: nothing is lost or changed, whoever writes and whatever ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from ecgviz.review import ReviewKey, ReviewLog
from ecgviz.review.events import KINDS, Confirm, Redo, Relabel, Undo, body, document, event_of
from ecgviz.review.log import recording_hash
from models.core.errors import ReviewError, StaleReviewError
from readers.recording import ArraySource, Recording
from tests.ecgviz.review.reviewed import scripts

KEY = ReviewKey("r" * 64, "c" * 64, "detected MLII")
OTHER = ReviewKey("r" * 64, "d" * 64, "detected MLII")
ROOT = Path(__file__).resolve().parents[3]

WRITER = """
import sys
from pathlib import Path
from ecgviz.review import ReviewKey, ReviewLog
from ecgviz.review.events import Relabel
from models.core.errors import StaleReviewError

log, key = ReviewLog(Path(sys.argv[1])), ReviewKey("r" * 64, "c" * 64, "detected MLII")
seen = log.revision(key)
while True:
    events = [Relabel(beats=tuple(range(1, 400)), old="N" * 399, new="V")] * 3
    try:
        seen = log.append(key, events, who=sys.argv[2], seen=seen)[-1].revision
    except StaleReviewError as error:
        seen = error.now
        continue
    print(seen, flush=True)
"""


def relabel(letter: str = "V") -> Relabel:
    return Relabel(beats=(100,), old="N", new=letter)


@pytest.fixture
def log(tmp_path) -> ReviewLog:
    return ReviewLog(tmp_path / "home" / "reviews.db")


def test_a_log_that_nobody_has_written_to_is_empty_and_makes_no_file(log):
    assert (log.revision(KEY), log.events(KEY), log.keys()) == (0, (), ())
    assert not log.path.parent.exists()


def test_events_come_back_with_who_when_network_and_revision(log):
    [first] = log.append(KEY, [relabel()], who=" Zoë ", seen=0)
    [second] = log.append(KEY, [Confirm(beats=(100,), old="V")], who="B", seen=1)
    assert log.events(KEY) == (first, second)
    assert (first.revision, first.who, first.network, second.revision) == (1, "Zoë", KEY.checkpoint, 2)
    assert first.at <= second.at
    assert first.at.endswith("+00:00")
    assert log.path.stat().st_mode & 0o077 == 0
    assert log.path.parent.stat().st_mode & 0o077 == 0


def test_reviews_of_other_networks_are_others(log):
    log.append(KEY, [relabel()], who="A", seen=0)
    log.append(OTHER, [relabel("S")], who="A", seen=0)
    assert [event.new for event in log.events(KEY)] == ["V"]
    assert [event.new for event in log.events(OTHER)] == ["S"]
    assert log.keys() == (KEY, OTHER)


def test_decisions_about_another_reading_of_the_recording_are_told(log):
    other = replace(KEY, checkpoint="e" * 64)
    assert log.elsewhere(KEY) == ""
    log.append(other, [relabel()], who="A", seen=0)
    log.append(replace(KEY, recording="another"), [relabel()], who="A", seen=0)
    assert f"{KEY.reading} by the network eeeeeeee;" in log.elsewhere(KEY)
    assert log.elsewhere(other) == ""


def test_a_stale_revision_is_refused_and_nothing_is_written(log):
    log.append(KEY, [relabel()], who="A", seen=0)
    with pytest.raises(StaleReviewError, match="revision 1, you saw 0") as caught:
        log.append(KEY, [relabel("S"), relabel("F")], who="B", seen=0)
    assert (caught.value.seen, caught.value.now) == (0, 1)
    assert log.revision(KEY) == 1


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([Undo(target=1)], "no edit"),
        ([relabel(), Redo(target=1)], "not undone"),
        ([relabel(), Undo(target=1), Undo(target=1)], "undone already"),
        ([relabel(), Undo(target=1), Undo(target=2)], "no edit"),
    ],
)
def test_what_cannot_be_undone_or_redone_is_refused_as_a_whole(log, events, fault):
    with pytest.raises(ReviewError, match=fault):
        log.append(KEY, events, who="A", seen=0)
    assert log.revision(KEY) == 0


@pytest.mark.parametrize("who", ["", "  ", "x" * 201, "\udcff", "A\x1b[31m", "A\x00"])
def test_somebody_decides(log, who):
    with pytest.raises(ReviewError, match="who"):
        log.append(KEY, [relabel()], who=who, seen=0)
    assert log.revision(KEY) == 0


@pytest.mark.parametrize("who", ["김 철수", "A\u00a0\u3000B", "Dr. Ó’Neill", "می\u200cخواهم", " A\n7  B: relabel\t"])
def test_a_name_is_one_line_in_any_script(log, who):
    [written] = log.append(KEY, [relabel()], who=who, seen=0)
    assert written.who == " ".join(who.split())
    assert log.events(KEY)[0].who == written.who


def test_no_row_can_be_changed_or_deleted(log):
    log.append(KEY, [relabel()], who="A", seen=0)
    for statement in ("UPDATE events SET who = 'B'", "DELETE FROM events"):
        with sqlite3.connect(log.path) as connection, pytest.raises(sqlite3.IntegrityError, match="append only"):
            connection.execute(statement)
    assert log.events(KEY)[0].who == "A"


@given(scripts())
def test_every_event_comes_back_from_its_json_as_it_was(script):
    import json

    for event in script.events:
        again = event_of(event.kind, json.dumps(body(event)))
        assert body(again) == body(event)
        assert type(again) is KINDS[event.kind]
        assert document(event)["kind"] == event.kind


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("relabel", '{"beats": [1], "old": "NN", "new": "V"}'),
        ("relabel", '{"beats": [1], "old": "N", "new": "Z"}'),
        ("relabel", '{"beats": "x", "old": "N", "new": "V"}'),
        ("relabel", "[]"),
        ("relabel", "{"),
        ("relabel", '{"beats": [1], "old": "N", "new": "V", "revision": 7}'),
        ("confirm", '{"beats": [1], "old": "-"}'),
        ("rhythm", '{"old": null, "new": null}'),
        ("rhythm", '{"old": null, "new": {"start_s": 5, "end_s": 5, "label": "N"}}'),
        ("invented", "{}"),
        ("relabel", '{"beats": [1e400], "old": "V", "new": "N"}'),
        ("relabel", '{"beats": [1' + "0" * 30 + '], "old": "V", "new": "N"}'),
        ("add", '{"sample": 1' + "0" * 30 + ', "new": "N"}'),
        ("undo", '{"target": -1e300}'),
    ],
)
def test_a_row_that_is_no_event_is_refused_in_a_sentence(kind, text):
    with pytest.raises(ReviewError):
        event_of(kind, text)


def test_a_file_that_is_no_log_is_refused_in_a_sentence(log):
    log.path.parent.mkdir()
    log.path.write_bytes(b"no database" * 100)
    for call in (lambda: log.events(KEY), lambda: log.append(KEY, [relabel()], who="A", seen=0)):
        with pytest.raises(ReviewError, match="cannot be read or written"):
            call()


def test_a_log_of_a_newer_version_is_left_alone(log):
    log.append(KEY, [relabel()], who="A", seen=0)
    with sqlite3.connect(log.path) as connection:
        connection.execute("PRAGMA user_version = 9")
    for call in (lambda: log.events(KEY), lambda: log.append(KEY, [relabel()], who="A", seen=1)):
        with pytest.raises(ReviewError, match="newer version"):
            call()


def _writer(path: Path, who: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), who], cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1
    )


def test_two_writers_at_once_and_a_kill_in_the_middle_lose_nothing(log):
    """What a writer was told is written is there, whole events in one row of revisions, after both were killed."""
    writers = [_writer(log.path, who) for who in ("A", "B")]
    try:
        told = [[int(writer.stdout.readline()) for _ in range(12)] for writer in writers]
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
        for place, writer in enumerate(writers):
            told[place] += [int(line) for line in writer.stdout.read().splitlines() if line.strip()]
            writer.wait(10)
    finally:
        for writer in writers:
            writer.kill()
    events = log.events(KEY)
    assert [event.revision for event in events] == list(range(1, len(events) + 1))
    by = {event.revision: event.who for event in events}
    for who, revisions in zip("AB", told, strict=True):
        assert {by[revision] for revision in revisions} == {who}
    assert len(events) % 3 == 0, "three that were written together are there together"
    assert len(events) >= max(map(max, told))
    with sqlite3.connect(log.path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    log.append(KEY, [relabel()], who="C", seen=len(events))


def _race(path: Path, barrier, answers) -> None:
    log = ReviewLog(path)
    barrier.wait()
    try:
        log.append(KEY, [relabel()], who=str(os.getpid()), seen=0)
        answers.put("written")
    except StaleReviewError:
        answers.put("stale")


def test_of_many_who_saw_the_same_revision_one_writes(log):
    """The first to open the file, too: it is made by whoever is first."""
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(4), context.Queue()
    people = [context.Process(target=_race, args=(log.path, barrier, answers)) for _ in range(4)]
    for one in people:
        one.start()
    found = sorted(answers.get(timeout=60) for _ in people)
    for one in people:
        one.join(10)
    assert found == ["stale", "stale", "stale", "written"]
    assert log.revision(KEY) == 1


def recording(samples: np.ndarray, **other) -> Recording:
    names = tuple(f"L{place}" for place in range(samples.shape[1]))
    values = {"name": "x", "fs": 100.0, "format": "test"} | other
    return Recording(
        n_samples=len(samples), leads=names, units=("mV",) * len(names), source=ArraySource(samples), **values
    )


def test_a_recording_is_known_by_its_samples():
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 1, (90_000, 2)).astype(np.float32)
    samples[500:700] = np.nan
    known = recording_hash(recording(samples))
    assert recording_hash(recording(samples.copy(), name="another name")) == known
    others = [samples[:-1], samples[:, :1], -samples]
    for edge in (0, 45_000, -1):
        changed = samples.copy()
        changed[edge, 1] += 0.5
        others.append(changed)
    hashes = [recording_hash(recording(one)) for one in others]
    hashes.append(recording_hash(recording(samples, fs=200.0)))
    assert known not in hashes
    assert len(set(hashes)) == len(hashes)
    assert recording_hash(recording(samples[:0]))


def test_the_hash_of_a_day_reads_minutes_of_it():
    class Counting:
        read_samples = 0

        def read(self, start: int, stop: int) -> np.ndarray:
            self.read_samples += stop - start
            return np.zeros((stop - start, 1), np.float32)

    source = Counting()
    day = Recording("day", 250.0, 250 * 86_400, ("II",), ("mV",), source, "test")
    started = time.perf_counter()
    recording_hash(day)
    assert source.read_samples <= 250 * 700
    assert time.perf_counter() - started < 5
