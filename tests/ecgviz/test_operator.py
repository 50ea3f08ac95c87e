"""Who may train, and what a training may read."""

from __future__ import annotations

import pytest

from ecgviz.operator import confine, may_train
from models.config import load_config
from models.core.errors import ConfigError


@pytest.mark.parametrize(
    ("setting", "who", "allowed"),
    [
        (None, "", True),
        ("on", "", True),
        ("off", "ann", False),
        ("users:ann,bob", "Ann", True),
        ("users: ann , bob", "bob", True),
        ("users:ann,bob", "eve", False),
        ("users:ann", "", False),
        ("users:", "", False),
        ("yes please", "ann", False),
    ],
)
def test_who_may_train(setting, who, allowed, monkeypatch):
    monkeypatch.delenv("ECGVIZ_TRAINING", raising=False)
    if setting is not None:
        monkeypatch.setenv("ECGVIZ_TRAINING", setting)
    found = may_train(who)
    assert found.allowed is allowed
    assert bool(found.why) is not allowed


def test_folders_stay_below_the_roots(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path / "data"))
    inside = tmp_path / "data" / "records"
    inside.mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    values = load_config("beat_smoke").model_dump(mode="json")
    assert confine(values | {"data": values["data"] | {"root": "records"}})["data"]["root"] == str(inside)
    for changes, field in (
        ({"root": str(tmp_path / "secret")}, "data.root"),
        ({"root": "link"}, "data.root"),
        ({"root": "records/../../secret"}, "data.root"),
        ({"root": "records", "noise_root": "/etc"}, "data.noise_root"),
        ({"root": "records", "train": ["../../secret/100"]}, "data.train"),
    ):
        with pytest.raises(ConfigError) as caught:
            confine(values | {"data": values["data"] | changes})
        assert caught.value.field == field


def test_teachers_are_checkpoints_of_this_server(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_DATA_ROOTS", str(tmp_path))
    values = load_config("beat_smoke").model_dump(mode="json")
    values["data"]["root"] = str(tmp_path)
    with pytest.raises(ConfigError, match="no checkpoint"):
        confine(values | {"loss": values["loss"] | {"teachers": [str(tmp_path)]}})
