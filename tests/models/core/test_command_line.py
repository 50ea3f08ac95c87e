"""What both command lines share: one sentence and status 2, changes of a configuration, places checked before work."""

from __future__ import annotations

import argparse
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecgviz.__main__ import _parser as ecgviz_parser
from ecgviz.__main__ import main as ecgviz_main
from models.__main__ import _parser as models_parser
from models.__main__ import main
from models.core.command_line import configuration, run
from models.core.errors import ConfigError, JobError
from models.core.files import file_to_write, folder_to_write

READ = {
    # What is read; the run folder that is written to is checked by its type.
    "apply", "changes", "data", "folder", "parent", "paths", "real", "run_dir", "runs", "test", "truth",
    "json", "csv",  # of `analyze`, which checks them itself: they are folders where a folder is analysed
}  # fmt: skip


@pytest.mark.parametrize("command", [["train"], ["jobs", "submit"]])
@pytest.mark.parametrize(
    "words",
    [
        ["beat_smoke", "--set", "a=1", "b=2"],
        ["beat_smoke", "--set", "a=1", "--set", "b=2"],
        ["--set", "a=1", "b=2", "beat_smoke"],
        ["--set", "a=1", "--set", "b=2", "beat_smoke"],
        ["--set", "a=1", "beat_smoke", "--set", "b=2"],
    ],
)
def test_set_takes_one_change_or_several_and_may_come_first(command: list[str], words: list[str]) -> None:
    assert configuration(models_parser().parse_args([*command, *words]), "") == ("beat_smoke", ["a=1", "b=2"])


def test_a_word_that_is_no_change_is_told_with_the_way_to_write_it() -> None:
    options = models_parser().parse_args(["train", "beat_smoke", "--set", "lr", "0.1"])
    with pytest.raises(ConfigError, match=r"^lr: is no change .* write train CONFIG --set key=value"):
        configuration(options, "train CONFIG --set key=value")
    with pytest.raises(ConfigError, match=r"^config: is needed: train CONFIG"):
        configuration(models_parser().parse_args(["train", "--set", "lr=0.1"]), "train CONFIG")


def test_train_takes_several_changes_after_one_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--set", "data.root=/no/such/folder", "epochs=none", "--run-dir", str(tmp_path / "run")]
    assert main(["train", "beat_smoke", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: epochs: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "beat_smoke", "--run-dir", "PLACE"],
        ["evaluate", "beat-strip", "--data", ".", "--json", "PLACE"],
        ["export", "beat-strip", "--onnx", "--out", "PLACE"],
        ["compress", "beat-strip", "--method", "int8", "--out", "PLACE"],
        ["simulate", "PLACE"],
        ["heartbeats", "PLACE", "--data", "."],
    ],
)
def test_a_place_that_cannot_be_written_to_is_one_sentence(arguments, tmp_path, capsys) -> None:
    (tmp_path / "file").write_text("")
    place = str(tmp_path / "file" / "x")
    assert main([place if word == "PLACE" else word for word in arguments]) == 2
    assert capsys.readouterr().err == "error: x: cannot be written (file is no folder); choose another place\n"


def test_what_is_written_into_a_checkpoint_is_asked_before_the_scoring(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import models.core.files

    monkeypatch.setattr(models.core.files.os, "access", lambda place, mode: False)
    for arguments in (["evaluate", "beat-strip", "--to-card", "x"], ["threshold", "ct-lite0", "--save"]):
        assert main([*arguments, "--data", str(tmp_path / "nothing")]) == 2
        assert "you may not write to" in capsys.readouterr().err


def test_promote_asks_for_its_place_before_the_trial(tmp_path, monkeypatch, capsys) -> None:
    from models.checkpoints import checkpoints_root

    shipped = checkpoints_root() / "ecg12-xresnet-int8"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path / "file"))
    assert main(["promote", str(shipped), "--name", "mine"]) == 2
    assert "Checkpoint mine: cannot be written (file is no folder)" in capsys.readouterr().err


@pytest.mark.parametrize("parser", [ecgviz_parser, models_parser])
def test_every_place_that_is_written_to_is_checked_by_its_type(parser) -> None:
    checked = 0
    for action in _actions(parser()):
        checked += action.type in {file_to_write, folder_to_write}
        assert action.type is not Path or action.dest in READ, f"{action.dest}: file_to_write or folder_to_write?"
    assert checked >= 6


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for chosen in action.choices.values():
                yield from _actions(chosen)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (JobError("there is no job x"), "there is no job x"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b.json"), "b.json: No space left on device; see to "),
        (OSError("cannot identify it"), "cannot identify it; see to "),
    ],
)
def test_a_fault_is_one_line_and_status_2(fault: Exception, sentence: str, capsys) -> None:
    def command(_: argparse.Namespace) -> None:
        raise fault

    parser = argparse.ArgumentParser()
    parser.set_defaults(command=command)
    assert run(parser, []) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {sentence}")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        (ecgviz_main, "ct-lite0", "does not classify beats"),
        (ecgviz_main, "ecg12-xresnet", "does not classify beats"),
        (main, "beat-strip", "reads no ECG paper"),
        (main, "ct-lite0", "reads no ECG paper"),
        (main, "ecg12-xresnet", "reads no ECG paper"),
    ],
)
def test_a_checkpoint_of_another_kind_is_refused_in_a_sentence(command, name, said, tmp_path, capsys):
    """Before the data are looked at: what a network cannot read, no data mend."""
    assert command(["evaluate" if command is ecgviz_main else "sheets", name, "--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert name in error and said in error
