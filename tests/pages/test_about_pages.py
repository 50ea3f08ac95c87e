"""Networks and System."""

from __future__ import annotations

from models import list_checkpoints, list_models
from tests.pages.outline import outline


def test_networks(visit, snapshot):
    app = visit("networks")
    assert not app.exception
    assert not app.error
    assert list(app.dataframe[-1].value["name"]) == list_models()
    snapshot("networks", outline(app))


def test_every_card_can_be_read(visit):
    app = visit("networks")
    for summary in list_checkpoints():
        app.button_group(key="_card").set_value(summary.name).run()
        assert not app.exception
        assert any(summary.card.architecture in one.value for one in app.markdown)


def test_system(visit, snapshot, own_home):
    app = visit("system")
    assert not app.exception
    assert "torch" in set(app.dataframe[0].value["Check"])
    assert str(own_home / "data") in set(app.dataframe[1].value["Folder"])
    verdicts = ("success", "warning", "error")
    snapshot("system", [line for line in outline(app) if not line.startswith(verdicts)])
