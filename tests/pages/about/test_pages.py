"""Networks and System."""

from __future__ import annotations

import json

import pytest

from models import list_checkpoints, list_models
from models.checkpoints import CARD, DEFAULT_BEAT_CHECKPOINT, DEFAULTS, checkpoints_root
from pages.parts import caching
from pages.parts.tables import day
from tests.pages.outline import outline


def test_networks(visit, snapshot):
    app = visit("networks")
    assert not app.exception
    assert not app.error
    assert list(app.dataframe[-1].value["name"]) == list_models()
    snapshot("networks", outline(app))


def test_defaults_and_dates_are_told(visit):
    app = visit("networks")
    [table] = [one.value for one in app.markdown if one.value.startswith("| What is opened")]
    for summary in list_checkpoints():
        name = f"**{summary.name}**" if summary.is_default else summary.name
        assert f"{name} ({day(summary.card.date)})" in table
    assert {summary.name for summary in list_checkpoints() if summary.is_default} == set(DEFAULTS.values())


@pytest.mark.parametrize("name", [DEFAULT_BEAT_CHECKPOINT, "beat-strip"])
def test_the_sidebar_says_whether_the_chosen_one_is_the_default(app, visit, name):
    app.session_state["checkpoint"] = name
    [told] = [one.value for one in visit("holter").sidebar.caption if "Trained until" in one.value]
    [card] = [one.card for one in list_checkpoints() if one.name == name]
    assert day(card.date) in told
    if name == DEFAULT_BEAT_CHECKPOINT:
        assert told.startswith("The default.")
    else:
        assert told.endswith(f"The default is {DEFAULT_BEAT_CHECKPOINT}.")


def test_every_card_can_be_read(visit):
    app = visit("networks")
    for summary in list_checkpoints():
        app.button_group(key="networks-card").set_value(summary.name).run()
        assert not app.exception
        assert any(summary.card.architecture in one.value for one in app.markdown)


def test_system(visit, snapshot, own_home):
    app = visit("system")
    assert not app.exception
    assert "torch" in set(app.dataframe[0].value["Check"])
    assert str(own_home / "data") in set(app.dataframe[1].value["Folder"])
    verdicts = ("success", "warning", "error")
    snapshot("system", [line for line in outline(app) if not line.startswith(verdicts)])


def test_many_training_recordings_do_not_push_the_rest_off_the_page(visit):
    """The facts are a table beside the figures: hundreds of names in it would make it many screens long."""
    app = visit("networks")
    for summary in list_checkpoints():
        app.button_group(key="networks-card").set_value(summary.name).run()
        names = summary.card.training_records
        (facts,) = [one.value for one in app.markdown if "| Trained on |" in one.value]
        assert len(facts) < 3000
        if names and summary.card.kind != "record" and len(names) <= 100:
            assert all(record.name in facts for record in names)
        elif len(names) > 100:
            assert f"{len(names):,} recordings" in facts
            assert any(names[0].name in one.value and names[-1].name in one.value for one in app.caption)
        assert ("| Rhythms |" in facts) == bool(summary.card.rhythm_classes)


def test_a_checkpoint_of_a_task_that_is_not_installed_is_shown(visit, tmp_path, monkeypatch):
    """Its package was there when it was trained; everything but what it reads stands in its card."""
    card = json.loads((checkpoints_root() / "ct-lite0" / CARD).read_text())
    (tmp_path / "ghost").mkdir()
    (tmp_path / "ghost" / CARD).write_text(json.dumps(card | {"task": {"kind": "ghost"}}))
    monkeypatch.setenv("ECGVIZ_CHECKPOINTS", str(tmp_path))
    caching.checkpoints.clear()
    app = visit("networks")
    caching.checkpoints.clear()
    assert not app.exception
    assert any("task ghost, which is not installed here" in one.value for one in app.markdown)
