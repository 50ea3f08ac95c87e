"""Lists of edits as files: all or none of them, and a line that is wrong is named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ecgviz.results import RhythmEpisode
from ecgviz.review import review_state
from ecgviz.review.edit_list import events_of, read_edits
from ecgviz.review.events import stamped
from models.core.errors import ReadError, ReviewError
from readers.recording import ArraySource, Recording
from tests.ecgviz.review.reviewed import beats_at

RECORDING = Recording("r", 360.0, 4000, ("MLII",), ("mV",), ArraySource(np.zeros((4000, 1), np.float32)), "test")
BEATS = replace(beats_at(np.arange(1, 11) * 360), rhythms=(RhythmEpisode(0, 11, "N", 0.9),))
LINES = """action,time_s,label,to_s
relabel,1.02,v,
relabel,2,V,
relabel,3,S,
confirm,4,,
delete,5,,
reject,6,,
add,6.5,F,
move,7,,7.1
rhythm,1,AFIB,4
rhythm,2,,
accept,,,
"""


def written(tmp_path, text: str):
    path = tmp_path / "edits"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_lines_become_events_in_their_order_neighbours_of_a_kind_one(tmp_path):
    wishes = read_edits(written(tmp_path, LINES))
    events = events_of(wishes, BEATS, (), RECORDING)
    assert [event.kind for event in events] == [
        "relabel", "relabel", "confirm", "delete", "reject", "add", "move", "rhythm", "rhythm", "accept",
    ]  # fmt: skip
    beats = review_state(BEATS, events).beats
    assert beats.label[:3].tolist() == ["V", "V", "S"]
    assert beats.sample.tolist() == [360, 720, 1080, 1440, 2340, round(7.1 * 360), 2880, 3240, 3600]
    assert beats.edits.decided.all()
    assert {one.label for one in beats.rhythms} == {"N"}


def test_json_says_the_same_as_csv(tmp_path):
    rows = [
        {"action": "relabel", "time_s": 1.02, "label": "V"},
        {"action": "move", "time_s": 7, "to_s": 7.1},
        {"action": "accept"},
    ]
    for document in (rows, {"edits": rows}):
        wishes = read_edits(written(tmp_path, json.dumps(document)))
        assert [event.kind for event in events_of(wishes, BEATS, (), RECORDING)] == ["relabel", "move", "accept"]


def test_a_list_goes_on_where_the_log_ends(tmp_path):
    wishes = read_edits(written(tmp_path, LINES))
    before = [stamped(one, n + 1, "A", "", "") for n, one in enumerate(events_of(wishes[:3], BEATS, (), RECORDING))]
    after = events_of(wishes[3:], BEATS, before, RECORDING)
    numbers = [event.revision for event in after]
    assert numbers == list(range(len(before) + 1, len(before) + 1 + len(after)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "first line"),
        ("time,label\n1,V\n", "first line"),
        ("action,time_s,label,to_s,colour\nrelabel,1,V,,red\n", "first line"),
        ("action,time_s\nrelable,1\n", "line 2: there is no action 'relable'"),
        ("action,time_s\nrelabel,one\n", "line 2: time_s is 'one'"),
        ("action,time_s\nrelabel,inf\n", "no time in seconds"),
        ("action,time_s\nrelabel,nan\n", "no time in seconds"),
        ("action,time_s\nconfirm,\n", "line 2: confirm needs time_s"),
        ("action,time_s,label,to_s\nmove,3,,\n", "needs time_s and to_s"),
        ("action,time_s,label,to_s\nrhythm,3,AFIB,\n", "needs time_s and to_s"),
        ("action,time_s\nconfirm,1,V,,,\n", "no column"),
        ('{"edits": 5}', "list of edits"),
        ("[5]", "list of edits"),
        ('[{"action": "confirm", "time_s": {}}]', "time_s"),
        ("[" * 100_000, "JSON"),
        ("x" * 200_000, "is no CSV"),
        (f"action,time_s\nconfirm,{'1' * 200_000}\n", "is no CSV"),
        ('[{"action": "confirm", "time_s": 1' + "0" * 400 + "}]", "no time in seconds"),
        ('[{"action": "confirm", "time_s": true}]', "no time in seconds"),
        ("action,time_s,time_s\nconfirm,1,2\n", "each once"),
        ("action;time_s\nconfirm;1\n", "commas"),
        ("action,time_s,label,to_s\nconfirm,1,5,,\n", "takes no label|no column for ''"),
        ("action,time_s,label,to_s\n", "holds no edit"),
        ("[]", "holds no edit"),
    ],
)
def test_a_file_that_is_no_list_of_edits_is_refused_with_its_line(tmp_path, text, fault):
    with pytest.raises(ReadError, match=fault):
        read_edits(written(tmp_path, text))


@pytest.mark.parametrize("action", ["confirm", "delete", "reject", "move", "accept", "relabel", "add", "rhythm"])
def test_what_an_action_does_not_take_is_refused_and_never_left_out(tmp_path, action):
    takes = {"relabel": "time_s label", "add": "time_s label", "move": "time_s to_s", "accept": ""}.get(
        action, "time_s"
    )
    row = {name: {"label": "V"}.get(name, 2.0) for name in takes.split()} | {"action": action}
    assert len(read_edits(written(tmp_path, json.dumps([row])))) == 1
    for name, value in {"time_s": 2.0, "label": "V", "to_s": 3.0}.items():
        if name not in row and (action, name) != ("rhythm", "label"):
            with pytest.raises(ReadError, match=f"line 1: {action} takes no {name}"):
                read_edits(written(tmp_path, json.dumps([row | {name: value}])))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"action,time_s\nconfirm,\xe9\n"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "edits.csv"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="UTF-8"):
        read_edits(path)
    with pytest.raises(ReadError, match="cannot be read"):
        read_edits(tmp_path / "missing.csv")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("confirm,1.4,,", "line 3: there is no beat within 150 ms"),
        ("relabel,2,Z,", "line 3: there is no class"),
        ("add,2.05,V,", "line 3: there is a beat within 100 ms"),
        ("add,99,V,", "line 3: sample"),
        ("rhythm,1,BLOCK,3", "line 3: there is no rhythm"),
        ("rhythm,11.05,,", "line 3: no rhythm is told"),
    ],
)
def test_an_edit_that_cannot_be_made_names_its_line(tmp_path, line, fault):
    wishes = read_edits(written(tmp_path, f"action,time_s,label,to_s\nconfirm,1,,\n{line}\n"))
    with pytest.raises(ReviewError, match=fault):
        events_of(wishes, BEATS, (), RECORDING)
