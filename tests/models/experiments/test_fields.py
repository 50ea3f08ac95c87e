"""The settings of a configuration as a form sees them: nothing is left out, nothing is lost on the way."""

from __future__ import annotations

import pytest

from models.config import CONFIGS, load_config
from models.core.errors import ConfigError
from models.experiments.drafts import Draft, load_draft, save_draft
from models.experiments.fields import OPEN_SETTINGS, configure, differences, flat, parse, settings_of, shown

NAMES = sorted(path.stem for path in CONFIGS.glob("*.yaml"))


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGVIZ_HOME", str(tmp_path))
    return tmp_path


def _leaves(values, prefix=""):
    for key, value in values.items():
        if isinstance(value, dict) and f"{prefix}{key}" not in OPEN_SETTINGS:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_in_the_form(name):
    config = load_config(name)
    wanted = set(_leaves(config.model_dump(mode="json"))) - {"name", "task.kind"}
    assert {setting.path for setting in settings_of(config)} == wanted


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_read_back(name):
    config = load_config(name)
    values = flat(config)
    typed = {one.path: parse(one, shown(one, values[one.path])) for one in settings_of(config)}
    assert typed == values
    assert configure(config.model_dump(mode="json"), typed) == config


def test_bounds_and_choices_come_from_the_configuration():
    settings = {one.path: one for one in settings_of(load_config("beat_smoke"))}
    assert (settings["lr"].low, settings["lr"].high) == (0, 1)
    assert settings["schedule"].choices == ("step", "cosine", "onecycle")
    assert settings["temperature"].optional
    assert settings["data.train"].choices == ("train", "ds1")
    assert settings["task.rr"].kind == "yes_no"
    assert all(setting.help for path, setting in settings.items() if path != "task.ecg_leads")


def test_the_wrong_setting_is_named():
    values = load_config("beat_smoke").model_dump(mode="json")
    with pytest.raises(ConfigError) as caught:
        configure(values, {"augment.noise_snr_db": "loud"})
    assert caught.value.field == "augment.noise_snr_db"


def test_differences():
    values = load_config("beat_smoke").model_dump(mode="json")
    other = configure(values, {"lr": 0.01, "network.arguments": {"lstm_hidden": 4}}).model_dump(mode="json")
    assert differences(values, other) == {
        "lr": (0.005, 0.01),
        "network.arguments": ({"conv_channels": [16, 16], "lstm_hidden": 8}, {"lstm_hidden": 4}),
    }


def test_a_draft_is_kept_for_each_person(own_home):
    save_draft(Draft("beat_smoke", {"lr": 0.01}, "mine"), "ann")
    assert load_draft("ann") == Draft("beat_smoke", {"lr": 0.01}, "mine")
    assert load_draft("bob") == Draft()
    for file in (own_home / "drafts").iterdir():
        file.write_text('{"base": 3')
    assert load_draft("ann") == Draft()
