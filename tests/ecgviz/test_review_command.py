"""``python -m ecgviz review``: what people decided about a recording, without a browser."""

from __future__ import annotations

import csv
import json

import pytest
import wfdb

from ecgviz.__main__ import main
from tests.ecgviz.test_cli import SAMPLE

EDITS = "action,time_s,label,to_s\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_review_is_made_listed_undone_and_taken_away(tmp_path, capsys, home):
    assert main(["review", SAMPLE, "--json", str(tmp_path / "before.json")]) == 0
    before = json.loads((tmp_path / "before.json").read_text())
    assert not home.exists(), "looking at a review writes nothing"
    beats = before["beats"]
    assert (before["revision"], before["log"]) == (0, [])
    assert {beat["edit"] for beat in beats} == {""}

    at = [beat["time_s"] for beat in beats]
    lines = [f"relabel,{at[0]},F,", f"relabel,{at[3]},F,", f"delete,{at[10]},,", f"reject,{at[20]},,"]
    (tmp_path / "edits.csv").write_text(EDITS + "\n".join(lines) + "\n")
    asked = ["review", SAMPLE, "--who", "A", "--apply", str(tmp_path / "edits.csv"), "--log"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "4 edits made, as 3 events" in said
    assert "A: relabel 2 beats" in said

    places = [f"--{kind}={tmp_path / 'after'}.{kind}" for kind in ("json", "csv")]
    assert main(["review", SAMPLE, "--who", "B", "--undo", "2", *places, "--atr", str(tmp_path / "atr")]) == 0
    after = json.loads((tmp_path / "after.json").read_text())
    assert (after["revision"], len(after["beats"])) == (4, len(beats) - 1)
    assert after["counts_before_edits"] == before["counts"], "what was rejected is among what the network said"
    assert after["rejected_s"] == [pytest.approx(at[20], abs=1e-3)]
    assert [after["beats"][place]["label"] for place in (0, 3)] == ["F", "F"]
    assert after["beats"][0]["label_before_edits"] == beats[0]["label"]
    assert [(event["kind"], event["who"], event["counts"]) for event in after["log"]] == [
        ("relabel", "A", True), ("delete", "A", False), ("reject", "A", True), ("undo", "B", True),
    ]  # fmt: skip
    assert after["log"][0]["network"] == after["checkpoint_sha256"]

    rows = list(csv.DictReader((tmp_path / "after.csv").read_text().splitlines()))
    assert [row["edit"] for row in rows[:4]] == ["relabelled", "", "", "relabelled"]
    assert rows[20]["rr_before_ms"] == "", "no RR goes across a rejected beat"
    [edited] = (tmp_path / "atr").glob("*.atr")
    marks = {kind: wfdb.rdann(str(edited.with_suffix("")), kind) for kind in ("atr", "net")}
    symbols = {kind: [one for one in found.symbol if one != "+"] for kind, found in marks.items()}
    assert symbols["atr"] == [beat["label"] for beat in after["beats"]]
    assert symbols["net"] == [beat["label"] for beat in beats]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--undo", "last"], "who"),
        (["--adapt"], "who"),
        (["--who", "A", "--adapt"], "at least 20"),
        (["--who", "A", "--undo", "last"], "nothing to undo"),
        (["--who", "A", "--redo", "7"], "revision 7 is not undone"),
        (["--who", "A", "--undo", "first"], "no revision"),
        (["--who", "A", "--apply", "nothing.csv"], "cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, fault, capsys, home):
    assert main(["review", SAMPLE, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert fault in error
    assert not home.exists()


def test_a_list_with_one_wrong_line_edits_nothing(tmp_path, capsys, home):
    (tmp_path / "edits.csv").write_text(f"{EDITS}confirm,0.35,,\nconfirm,-5,,\n")
    assert main(["review", SAMPLE, "--who", "A", "--apply", str(tmp_path / "edits.csv")]) == 2
    assert "line 3: there is no beat" in capsys.readouterr().err
    assert not home.exists()


def test_the_network_is_adapted_by_what_was_decided_and_reverted(tmp_path, capsys, home):
    files = {name: tmp_path / f"{name}.json" for name in ("before", "adapted", "reverted")}
    assert main(["review", SAMPLE, "--json", str(files["before"])]) == 0
    before = json.loads(files["before"].read_text())["beats"]
    first = before[: 2 * len(before) // 3]
    ventricular = [f"relabel,{beat['time_s']},F," for beat in first if beat["label"] == "V"]
    others = [f"confirm,{beat['time_s']},," for beat in first if beat["label"] != "V"][:40]
    (tmp_path / "edits.csv").write_text(EDITS + "\n".join(ventricular + others) + "\n")
    asked = ["review", SAMPLE, "--who", "A", "--apply", str(tmp_path / "edits.csv"), "--adapt"]
    assert main([*asked, "--json", str(files["adapted"])]) == 0
    said = capsys.readouterr().out
    assert f"wrong before: {len(ventricular)}, after: 0" in said
    assert "applied, as revision 3" in said
    after = json.loads(files["adapted"].read_text())
    rest = [(old["label"], new["label"]) for old, new in zip(before, after["beats"], strict=True)][len(first) :]
    assert {new for old, new in rest if old == "V"} == {"F"}
    assert after["adapted_by"] == 3
    assert after["adaptation_tried"]["applied"]

    assert main(["review", SAMPLE, "--who", "B", "--revert", "--json", str(files["reverted"])]) == 0
    last = json.loads(files["reverted"].read_text())
    assert last["adapted_by"] is None
    assert [beat["label"] for beat in last["beats"][len(first) :]] == [old for old, _ in rest]
    assert main(["review", SAMPLE, "--who", "B", "--revert"]) == 2
    assert "no adaptation" in capsys.readouterr().err


def test_what_cannot_be_written_or_undone_is_told_before_anything_is_decided(tmp_path, capsys, home):
    (tmp_path / "edits.csv").write_text(f"{EDITS}confirm,0.35,,\n")
    asked = ["review", SAMPLE, "--who", "A", "--apply", str(tmp_path / "edits.csv")]
    assert main([*asked, "--undo", "9" * 5000]) == 2
    assert "is no revision" in capsys.readouterr().err
    assert main([*asked, "--atr", str(tmp_path / "atr")]) == 0
    for one in (tmp_path / "atr").iterdir():
        one.write_bytes(b"a reference")
    assert main([*asked, "--undo", "last", "--atr", str(tmp_path / "atr")]) == 2
    assert "not written by ecgviz" in capsys.readouterr().err
    assert main(["review", SAMPLE]) == 0
    assert "review at revision 1" in capsys.readouterr().out
